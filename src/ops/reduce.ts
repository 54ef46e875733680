/** Sums, products and logic over some or all axes. */
import { defineOp } from '../autograd/op.ts'
import type { Destination } from '../autograd/tape.ts'
import type { Operand } from '../dtype.ts'
import { engine } from '../runtime/engine.ts'
import { moveStrided } from '../runtime/strided.ts'
import { aroundAxis, broadcastStrides, contiguousStrides, type Shape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import { runsOf, sumAxes } from './axes.ts'
import {
  countOf,
  type Dims,
  keptShape,
  type ReduceOptions,
  type Reduction,
  reducedShape,
  reducing,
  reductionOf,
  scratch,
} from './reduction.ts'

/** Spreads dy / divisor over the reduced axes of dx. */
function spread(dy: Operand, dx: Destination, reduction: Reduction, divisor: number): void {
  const { k, heap } = engine()
  const runs = runsOf(reduction.reduces)
  const [start, end] = runs[0] ?? [0, 0]
  if (runs.length <= 1) {
    const { outer, n, inner } = aroundAxis(dx.shape, start, end)
    k.sumGrad(dy.ptr, dx.ptr, outer, n, inner, dx.beta, divisor)
    return
  }
  const ptr = heap.workspace(dy.numel * 4)
  k.sumGrad(dy.ptr, ptr, dy.numel, 1, 1, 0, divisor)
  const kept = keptShape(dx.shape, reduction)
  const share: Operand = { ...dx, ptr, strides: broadcastStrides(kept, contiguousStrides(kept), dx.shape) }
  moveStrided(share, dx, dx.beta)
}

function summing(name: 'sum' | 'mean') {
  const divisorOf = (shape: Shape, r: Reduction) => (name === 'mean' ? countOf(shape, r) : 1)
  const op = defineOp<Reduction>({
    name,
    shape: ([x], r) => reducedShape(x.shape, r),
    forward: (_k, [x], y, r) => sumAxes(x, r.reduces, y.ptr, 0, divisorOf(x.shape, r)),
    backward: (_k, _saved, dy, [dx], r) => dx && spread(dy, dx, r, divisorOf(dx.shape, r)),
  })
  return (x: Tensor, dim?: Dims, options: ReduceOptions = {}): Tensor => op([x], reductionOf(name, x, dim, options))
}

export const sum = summing('sum')

export const mean = summing('mean')

const product = reducing({
  name: 'prod',
  saves: 'inputs',
  forward: (k, x, y, sizes) => k.prod(x, y, ...sizes),
  backward: (k, [x], dy, dx, sizes) => k.prodGrad(x, dy, dx.ptr, scratch(sizes, 16), ...sizes, dx.beta),
})

export function prod(x: Tensor, dim?: Dims, options: ReduceOptions = {}): Tensor {
  return product(x, reductionOf('prod', x, dim, options))
}

const logOfSumOfExp = reducing({
  name: 'logSumExp',
  saves: 'both',
  forward: (k, x, y, sizes) => k.logSumExp(x, y, ...sizes),
  backward: (k, [x, y], dy, dx, sizes) => k.logSumExpGrad(x, y, dy, dx.ptr, ...sizes, dx.beta),
})

export function logSumExp(x: Tensor, dim?: Dims, options: ReduceOptions = {}): Tensor {
  return logOfSumOfExp(x, reductionOf('logSumExp', x, dim, options))
}

function logical(name: 'any' | 'all') {
  const op = reducing({ name, dtype: 'bool', forward: (k, x, y, sizes) => k[name](x, y, ...sizes) })
  return (x: Tensor, dim?: Dims, options: ReduceOptions = {}): Tensor => op(x, reductionOf(name, x, dim, options))
}

export const any = logical('any')

export const all = logical('all')
