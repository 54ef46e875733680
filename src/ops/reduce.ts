/** Reductions over some or all axes. */
import { defineOp } from '../autograd/op.ts'
import type { Destination } from '../autograd/tape.ts'
import type { Operand } from '../dtype.ts'
import { ShapeError } from '../errors.ts'
import { checkOptions } from '../options.ts'
import { engine } from '../runtime/engine.ts'
import { addStrided, copyStrided } from '../runtime/strided.ts'
import { broadcastStrides, contiguousStrides, formatShape, normalizeDims, numelOf, type Shape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import { runsOf, sumAxes } from './axes.ts'

/** How a reduction leaves its axes. */
export interface ReduceOptions {
  /** Whether reduced axes stay, with size 1. Default: false. */
  keepdim?: boolean
}

/** Which axes go, and the shape that is left with them as size 1. */
interface Reduction {
  readonly reduces: readonly boolean[]
  readonly keepdim: boolean
}

function reductionOf(
  op: string,
  x: Tensor,
  dim: number | readonly number[] | undefined,
  options: ReduceOptions,
): Reduction {
  checkOptions(op, options, ['keepdim'])
  const { keepdim = false } = options
  const axes = dim === undefined || dim === null ? null : normalizeDims(op, dim, x.ndim)
  return { reduces: x.shape.map((_, i) => axes?.includes(i) ?? true), keepdim }
}

const keptShape = (shape: Shape, { reduces }: Reduction): number[] => shape.map((size, i) => (reduces[i] ? 1 : size))

const reducedShape = (shape: Shape, r: Reduction): number[] =>
  r.keepdim ? keptShape(shape, r) : shape.filter((_, i) => !r.reduces[i])

/** How many elements go into one. */
const countOf = (shape: Shape, { reduces }: Reduction): number => numelOf(shape.filter((_, i) => reduces[i]))

/** Spreads dy / divisor over the reduced axes of dx. */
function spread(dy: Operand, dx: Destination, reduction: Reduction, divisor: number): void {
  const { k, heap } = engine()
  const runs = runsOf(reduction.reduces)
  const [start, end] = runs[0] ?? [0, 0]
  if (runs.length <= 1) {
    const outer = numelOf(dx.shape.slice(0, start))
    const n = numelOf(dx.shape.slice(start, end))
    k.sumGrad(dy.ptr, dx.ptr, outer, n, numelOf(dx.shape.slice(end)), dx.beta, divisor)
    return
  }
  const ptr = heap.workspace(dy.numel * 4)
  k.sumGrad(dy.ptr, ptr, dy.numel, 1, 1, 0, divisor)
  const kept = keptShape(dx.shape, reduction)
  const share: Operand = { ...dx, ptr, strides: broadcastStrides(kept, contiguousStrides(kept), dx.shape) }
  if (dx.beta) addStrided(share, dx)
  else copyStrided(share, dx)
}

function summing(name: 'sum' | 'mean') {
  const divisorOf = (shape: Shape, r: Reduction) => (name === 'mean' ? countOf(shape, r) : 1)
  const op = defineOp<Reduction>({
    name,
    shape: ([x], r) => reducedShape(x.shape, r),
    forward: (_k, [x], y, r) => sumAxes(x, r.reduces, y.ptr, 0, divisorOf(x.shape, r)),
    backward: (_k, _saved, dy, [dx], r) => dx && spread(dy, dx, r, divisorOf(dx.shape, r)),
  })
  return (x: Tensor, dim?: number | readonly number[], options: ReduceOptions = {}): Tensor =>
    op([x], reductionOf(name, x, dim, options))
}

export const sum = summing('sum')

export const mean = summing('mean')

const argmaxOf = defineOp<Reduction>({
  name: 'argmax',
  gives: () => 'int32',
  shape: ([x], r) => reducedShape(x.shape, r),
  forward: (k, [x], y, { reduces }) => {
    const [start, end] = runsOf(reduces)[0] ?? [0, 0]
    const size = (from: number, to?: number) => numelOf(x.shape.slice(from, to))
    k.argmax(x.ptr, y.ptr, size(0, start), size(start, end), size(end))
  },
})

export function argmax(x: Tensor, dim?: number, options: ReduceOptions = {}): Tensor {
  const reduction = reductionOf('argmax', x, dim === undefined ? undefined : [dim], options)
  if (countOf(x.shape, reduction) === 0)
    throw new ShapeError(
      `argmax: shape ${formatShape(x.shape)} has no elements along ${dim === undefined ? 'any axis' : `axis ${dim}`}`,
    )
  return argmaxOf([x], reduction)
}
