/** Shapes, strides, axes and broadcasting: pure functions on arrays of numbers. Strides are in elements. */
import { kindOf, ShapeError } from './errors.ts'

/** The sizes of a tensor's axes, the outermost first; `[]` for a single number. */
export type Shape = readonly number[]

export const MAX_RANK = 8

/** `(32, 784)`, as error messages show a shape. */
export const formatShape = (shape: Shape): string => `(${shape.join(', ')})`

/** `[1, 0]`, as error messages show the place of an element, given its number in logical order. */
export function formatPlace(index: number, shape: Shape): string {
  let rest = index
  const place = contiguousStrides(shape).map((stride) => {
    const at = Math.floor(rest / stride)
    rest -= at * stride
    return at
  })
  return `[${place.join(', ')}]`
}

export function numelOf(shape: Shape): number {
  let n = 1
  for (let i = 0; i < shape.length; i++) n *= shape[i]
  return n
}

/** Row-major strides of a contiguous tensor. */
export function contiguousStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length)
  let step = 1
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = step
    step *= shape[i]
  }
  return strides
}

/** The index on each axis of element `i`, counted in logical order. */
export function positionOf(i: number, shape: Shape): number[] {
  return contiguousStrides(shape).map((stride, axis) => Math.floor(i / stride) % shape[axis])
}

/** Whether elements lie in memory in logical order without gaps. Axes of size 1 may have any stride. */
export function isContiguous(shape: Shape, strides: Shape): boolean {
  let step = 1
  for (let i = shape.length - 1; i >= 0; i--) {
    if (shape[i] !== 1 && strides[i] !== step) return numelOf(shape) === 0
    step *= shape[i]
  }
  return true
}

export function sameShape(a: Shape, b: Shape): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** `dim` counted from the end when negative; throws `ShapeError` when there is no such axis. */
export function normalizeDim(op: string, dim: number, rank: number, of = 'a tensor'): number {
  const axes = Math.max(rank, 1)
  if (typeof dim !== 'number')
    throw new ShapeError(
      `${op}: ${dim === undefined ? 'no axis is given' : `an axis is ${kindOf(dim)}, not a number`}; ` +
        'axes come first, as numbers, and options after them',
    )
  if (!Number.isInteger(dim) || dim < -axes || dim >= axes)
    throw new ShapeError(
      `${op}: there is no axis ${dim} in ${of} of rank ${rank}; use ${rank === 0 ? '0' : `${-axes} to ${axes - 1}`}`,
    )
  return dim < 0 ? dim + axes : dim
}

/** One axis or several, counted from the end when negative; throws `ShapeError` when one is missing or named twice. */
export function normalizeDims(op: string, dim: number | readonly number[], rank: number): number[] {
  const dims: readonly number[] = [dim].flat()
  const axes = dims.map((d) => normalizeDim(op, d, rank))
  const again = axes.findIndex((axis, i) => axes.indexOf(axis) < i)
  if (again >= 0) throw new ShapeError(`${op}: axis ${dims[again]} is named twice in [${dims}]`)
  return axes
}

/** A shape as kernels see it that work along one axis, or from it up to but without `end`: (outer, n, inner). */
export function aroundAxis(shape: Shape, axis: number, end = axis + 1): { outer: number; n: number; inner: number } {
  return {
    outer: numelOf(shape.slice(0, axis)),
    n: numelOf(shape.slice(axis, end)),
    inner: numelOf(shape.slice(end)),
  }
}

/** Throws unless every size is a non-negative integer, the rank at most 8, and the whole addressable. */
export function checkShape(op: string, shape: Shape): void {
  if (!Array.isArray(shape))
    throw new ShapeError(`${op}: ${String(shape)} is not a shape; a shape is an array of sizes, such as [2, 3]`)
  if (shape.length > MAX_RANK)
    throw new ShapeError(`${op}: rank ${shape.length} of shape ${formatShape(shape)} is more than ${MAX_RANK}`)
  for (const size of shape)
    if (!Number.isInteger(size) || size < 0)
      throw new ShapeError(`${op}: ${size} in shape ${formatShape(shape)} is not a size; sizes are integers from 0 up`)
  if (numelOf(shape) > 2 ** 31 - 1)
    throw new ShapeError(`${op}: shape ${formatShape(shape)} has more than 2^31 - 1 elements`)
}

/** The shape two tensors broadcast to, by PyTorch's rule: align at the end; sizes agree or one of them is 1. */
export function broadcastShapes(op: string, a: Shape, b: Shape): Shape {
  if (sameShape(a, b)) return a
  const rank = Math.max(a.length, b.length)
  const shape = new Array<number>(rank)
  for (let i = 1; i <= rank; i++) {
    const m = i <= a.length ? a[a.length - i] : 1
    const n = i <= b.length ? b[b.length - i] : 1
    if (m !== n && m !== 1 && n !== 1)
      throw new ShapeError(
        `${op}: ${formatShape(a)} and ${formatShape(b)} do not broadcast: ` +
          `sizes ${m} and ${n} at axis -${i} must be equal, or one of them 1`,
      )
    shape[rank - i] = m === 1 ? n : m
  }
  return shape
}

/** Strides that read a tensor as if it had shape `to`: 0 along every broadcast axis. */
export function broadcastStrides(shape: Shape, strides: Shape, to: Shape): number[] {
  const lead = to.length - shape.length
  return to.map((_, i) => (i < lead || shape[i - lead] === 1 ? 0 : strides[i - lead]))
}

/** Fewer axes for the same elements: those of size 1 go, and those contiguous with one another in every layout are merged. */
function mergeAxes(shape: Shape, layouts: readonly Shape[]): { sizes: number[]; steps: number[][] } {
  const sizes: number[] = []
  const steps: number[][] = layouts.map(() => [])
  for (let i = 0; i < shape.length; i++) {
    if (shape[i] === 1) continue
    const last = sizes.length - 1
    const merges = last >= 0 && layouts.every((strides, l) => steps[l][last] === strides[i] * shape[i])
    if (merges) sizes[last] *= shape[i]
    else sizes.push(shape[i])
    for (let l = 0; l < layouts.length; l++) {
      if (merges) steps[l][last] = layouts[l][i]
      else steps[l].push(layouts[l][i])
    }
  }
  return { sizes, steps }
}

/**
 * Strides that show a tensor in the shape `to`, of as many elements; null where only a copy can have it. Each run of axes
 * that are contiguous with one another may be divided anew, the runs themselves cannot be joined.
 */
export function reshapedStrides(shape: Shape, strides: Shape, to: Shape): number[] | null {
  const found = contiguousStrides(to)
  if (isContiguous(shape, strides)) return found
  const { sizes, steps } = mergeAxes(shape, [strides])
  let axis = to.length - 1
  for (let run = sizes.length - 1; run >= 0; run--) {
    let rest = sizes[run]
    for (let step = steps[0][run]; rest > 1; axis--) {
      if (rest % to[axis] !== 0) return null
      found[axis] = step
      step *= to[axis]
      rest /= to[axis]
    }
  }
  return found
}

/**
 * Walks several strided layouts of one shape as a sequence of planes (rows, cols), which is what the strided
 * kernels take: axes that are contiguous with one another in every layout are merged first, so that nearly
 * everything is a single plane.
 */
export function eachPlane(
  shape: Shape,
  layouts: readonly Shape[],
  visit: (
    offsets: readonly number[],
    rows: number,
    cols: number,
    row: readonly number[],
    col: readonly number[],
  ) => void,
): void {
  if (shape.includes(0)) return
  const { sizes, steps } = mergeAxes(shape, layouts)
  const outer = Math.max(sizes.length - 2, 0)
  const cols = sizes.length > 0 ? sizes[sizes.length - 1] : 1
  const rows = sizes.length > 1 ? sizes[sizes.length - 2] : 1
  const col = steps.map((s) => (s.length > 0 ? s[s.length - 1] : 1))
  const row = steps.map((s) => (s.length > 1 ? s[s.length - 2] : 0))
  const index = new Array<number>(outer).fill(0)
  const offsets = layouts.map(() => 0)
  for (;;) {
    visit(offsets, rows, cols, row, col)
    let axis = outer - 1
    for (; axis >= 0; axis--) {
      index[axis]++
      for (let l = 0; l < layouts.length; l++) offsets[l] += steps[l][axis]
      if (index[axis] < sizes[axis]) break
      for (let l = 0; l < layouts.length; l++) offsets[l] -= steps[l][axis] * sizes[axis]
      index[axis] = 0
    }
    if (axis < 0) return
  }
}
