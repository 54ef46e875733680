/** Reductions over some or all axes. */
import { defineOp } from '../autograd/op.ts'
import type { Destination } from '../autograd/tape.ts'
import type { Operand } from '../dtype.ts'
import { ShapeError } from '../errors.ts'
import { checkOptions } from '../options.ts'
import { engine } from '../runtime/engine.ts'
import type { Ptr } from '../runtime/kernels.generated.ts'
import { addStrided, copyStrided } from '../runtime/strided.ts'
import { broadcastStrides, contiguousStrides, formatShape, normalizeDim, numelOf, type Shape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'

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
  const dims = dim === undefined || dim === null ? null : ([dim].flat() as readonly number[])
  const reduces = x.shape.map(() => dims === null)
  for (const d of dims ?? []) {
    const axis = normalizeDim(op, d, x.ndim)
    if (reduces[axis]) throw new ShapeError(`${op}: axis ${d} is named twice in [${dims}]`)
    if (x.ndim > 0) reduces[axis] = true
  }
  return { reduces, keepdim }
}

const keptShape = (shape: Shape, { reduces }: Reduction): number[] => shape.map((size, i) => (reduces[i] ? 1 : size))

const reducedShape = (shape: Shape, r: Reduction): number[] =>
  r.keepdim ? keptShape(shape, r) : shape.filter((_, i) => !r.reduces[i])

/** How many elements go into one. */
const countOf = (shape: Shape, { reduces }: Reduction): number => numelOf(shape.filter((_, i) => reduces[i]))

/** Runs of adjacent reduced axes, first to last, as (from, to) with `to` exclusive. */
function runsOf(reduces: readonly boolean[]): [from: number, to: number][] {
  const runs: [number, number][] = []
  reduces.forEach((reduced, i) => {
    if (!reduced) return
    const last = runs[runs.length - 1]
    if (last && last[1] === i) last[1]++
    else runs.push([i, i + 1])
  })
  return runs
}

/** y (+)= the sum of x over the reduced axes / divisor: one kernel call for each run of adjacent axes, the last first. */
function sumAxes(x: Operand, reduces: readonly boolean[], y: Ptr, beta: number, divisor: number): void {
  const { k, heap } = engine()
  const runs = runsOf(reduces)
  const [start, end] = runs[runs.length - 1] ?? [0, 0]
  const outer = numelOf(x.shape.slice(0, start))
  const n = numelOf(x.shape.slice(start, end))
  const inner = numelOf(x.shape.slice(end))
  if (runs.length <= 1) {
    k.sum(x.ptr, y, outer, n, inner, beta, divisor)
    return
  }
  const partial = heap.alloc(outer * inner * 4, 'workspace')
  try {
    k.sum(x.ptr, partial.ptr, outer, n, inner, 0, 1)
    const shape = [...x.shape.slice(0, start), ...x.shape.slice(end)]
    const rest = [...reduces.slice(0, start), ...reduces.slice(end)]
    sumAxes({ ...x, ptr: partial.ptr, shape }, rest, y, beta, divisor)
  } finally {
    partial.release()
  }
}

/** Sums a contiguous `x`, or with sign -1 its negative, to the shape of `y`, from which it was broadcast. */
export function sumTo(x: Operand, y: Destination, sign: 1 | -1 = 1): void {
  const lead = x.shape.length - y.shape.length
  const reduces = x.shape.map((size, i) => i < lead || (y.shape[i - lead] === 1 && size !== 1))
  sumAxes(x, reduces, y.ptr, y.beta, sign)
}

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
