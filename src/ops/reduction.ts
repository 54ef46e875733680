/** What reductions share: which axes go, the shape that is left, and how kernels are given both. */
import { defineOp } from '../autograd/op.ts'
import { check } from '../autograd/operands.ts'
import { inSteps } from '../autograd/steps.ts'
import type { Destination } from '../autograd/tape.ts'
import type { Dtype, Operand } from '../dtype.ts'
import { ShapeError } from '../errors.ts'
import { checkFlag, checkOptions } from '../options.ts'
import { engine } from '../runtime/engine.ts'
import type { Kernels, Ptr } from '../runtime/kernels.generated.ts'
import { aroundAxis, formatShape, normalizeDims, numelOf, type Shape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import { runsOf } from './axes.ts'
import { permute, reshape } from './shape.ts'

/** One axis, several, or (undefined) all. */
export type Dims = number | readonly number[]

/** How a reduction leaves its axes. */
export interface ReduceOptions {
  /** Whether reduced axes stay, with size 1. Default: false. */
  keepdim?: boolean
}

/** Which axes go, and whether they stay as size 1. */
export interface Reduction {
  readonly reduces: readonly boolean[]
  readonly keepdim: boolean
}

export function reductionOf<T extends ReduceOptions>(
  op: string,
  x: Tensor,
  dim: Dims | undefined,
  options: T,
  known: readonly (keyof T & string)[] = ['keepdim'],
): Reduction {
  checkOptions(op, options, known)
  const { keepdim = false } = options
  checkFlag(op, 'keepdim', keepdim)
  const axes = dim === undefined || dim === null ? null : normalizeDims(op, dim, x.ndim)
  return { reduces: x.shape.map((_, i) => axes?.includes(i) ?? true), keepdim }
}

export const keptShape = (shape: Shape, { reduces }: Reduction): number[] =>
  shape.map((size, i) => (reduces[i] ? 1 : size))

export const reducedShape = (shape: Shape, r: Reduction): number[] =>
  r.keepdim ? keptShape(shape, r) : shape.filter((_, i) => !r.reduces[i])

/** How many elements go into one. */
export const countOf = (shape: Shape, { reduces }: Reduction): number => numelOf(shape.filter((_, i) => reduces[i]))

/** Throws where there is nothing to choose from. */
export function checkNotEmpty(op: string, x: Tensor, r: Reduction): void {
  if (countOf(x.shape, r) > 0) return
  const axes = [...x.shape.keys()].filter((i) => r.reduces[i])
  const where = axes.length === x.ndim ? 'any axis' : axes.length === 1 ? `axis ${axes[0]}` : `axes ${axes.join(', ')}`
  throw new ShapeError(`${op}: shape ${formatShape(x.shape)} has no elements along ${where}`)
}

/** A tensor as kernels see it, when they reduce the axes in the middle. */
type Sizes = readonly [outer: number, n: number, inner: number]

function sizesOf(shape: Shape, { reduces }: Reduction): Sizes {
  const [start, end] = runsOf(reduces)[0] ?? [0, 0]
  const { outer, n, inner } = aroundAxis(shape, start, end)
  return [outer, n, inner]
}

/** A reduction by kernels that take one run of adjacent axes. */
interface Fold<P> {
  readonly name: string
  /** What `backward` reads. Default: nothing. */
  readonly saves?: 'inputs' | 'both'
  /** The dtype of both input and output. Default: float32. */
  readonly dtype?: Dtype
  /** The dtype of the output, where it is another. */
  readonly gives?: Dtype
  readonly forward: (k: Kernels, x: Ptr, y: Ptr, sizes: Sizes, params: P) => void
  /** Gets x and y as far as they are saved. */
  readonly backward?: (k: Kernels, [x, y]: readonly Ptr[], dy: Ptr, dx: Destination, sizes: Sizes, params: P) => void
}

/** Runs a fold over any axes: those that are not adjacent are moved to the end first. */
export function reducing<P = void>(fold: Fold<P>): (x: Tensor, reduction: Reduction, params: P) => Tensor {
  const { name, saves, dtype = 'float32', gives = dtype, forward, backward } = fold
  const op = defineOp<{ readonly reduction: Reduction; readonly params: P }>({
    name,
    saves,
    takes: () => [dtype],
    gives: () => gives,
    shape: ([x], { reduction }) => reducedShape(x.shape, reduction),
    forward: (k, [x], y, { reduction, params }) => forward(k, x.ptr, y.ptr, sizesOf(x.shape, reduction), params),
    backward:
      backward &&
      ((k, saved, dy, [dx], { reduction, params }) => {
        const ptrs = saved.map(({ ptr }: Operand) => ptr)
        if (dx) backward(k, ptrs, dy.ptr, dx, sizesOf(dx.shape, reduction), params)
      }),
  })
  return (x, reduction, params) => {
    const { reduces, keepdim } = reduction
    if (runsOf(reduces).length <= 1) return op([x], { reduction, params })
    check(name, x)
    const axes = [...x.shape.keys()]
    const order = [...axes.filter((i) => !reduces[i]), ...axes.filter((i) => reduces[i])]
    const atEnd = { reduces: order.map((i) => reduces[i]), keepdim: false }
    return inSteps([x], (step) => {
      const y = op([step(permute(x, order))], { reduction: atEnd, params })
      return keepdim ? reshape(step(y), keptShape(x.shape, reduction)) : y
    })
  }
}

/** Scratch memory of so many bytes for each column, in whole fours of columns. */
export const scratch = ([, , inner]: Sizes, bytes: number): Ptr =>
  engine().heap.workspace(Math.ceil(inner / 4) * 4 * bytes)
