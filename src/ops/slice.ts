/** Views of parts. */
import { defineView, type View } from '../autograd/view.ts'
import { OptionError, ShapeError } from '../errors.ts'
import { formatShape, normalizeDim, numelOf } from '../shape.ts'
import type { Tensor } from '../tensor.ts'

/**
 * What `slice` takes of an axis: one index, and the axis goes; `[start, end, step]`, where what is left out or null is open;
 * null for the whole axis; `'...'` for as many whole axes as are left.
 */
export type Range = number | null | '...' | readonly [start?: number | null, end?: number | null, step?: number | null]

type Bounds = Extract<Range, readonly unknown[]>

/** Which elements of an axis are seen, and whether the axis goes. */
interface Cut {
  readonly from: number
  readonly step: number
  readonly size: number
  readonly drops: boolean
}

const cutting = (name: string) =>
  defineView<readonly Cut[]>(name, (_shape, strides, cuts) => {
    const kept = [...cuts.keys()].filter((axis) => !cuts[axis].drops)
    const shape = kept.map((axis) => cuts[axis].size)
    return {
      shape,
      strides: kept.map((axis) => strides[axis] * cuts[axis].step),
      // Of no elements there is no first, and its address could be outside the memory.
      offset: numelOf(shape) === 0 ? 0 : cuts.reduce((sum, { from }, axis) => sum + from * strides[axis], 0),
    }
  })

const whole = (size: number): Cut => ({ from: 0, step: 1, size, drops: false })

const sliced = cutting('slice')

export function slice(x: Tensor, ranges: readonly Range[]): Tensor {
  return sliced(
    x,
    eachAxis(x, ranges).map((range, axis) => cutOf(range, axis, x.shape[axis])),
  )
}

/** One range for each axis: whole axes stand where '...' did, or at the end. */
function eachAxis(x: Tensor, ranges: readonly Range[]): Exclude<Range, '...'>[] {
  const given = ranges.filter((range) => range !== '...')
  if (given.length < ranges.length - 1)
    throw new OptionError("slice: '...' stands for all axes that are left; give it once")
  if (given.length > x.ndim)
    throw new ShapeError(
      `slice: ${given.length} ranges for a tensor of shape ${formatShape(x.shape)}; give one for each axis at most`,
    )
  const at = ranges.indexOf('...')
  return given.toSpliced(at < 0 ? given.length : at, 0, ...Array<null>(x.ndim - given.length).fill(null))
}

function cutOf(range: Exclude<Range, '...'>, axis: number, size: number): Cut {
  if (range === null) return whole(size)
  if (typeof range === 'number' && Number.isInteger(range)) return indexCut(range, axis, size)
  if (isBounds(range)) return rangeCut(range, size)
  const shown = Array.isArray(range) ? `[${range.map(String).join(', ')}]` : String(range)
  throw new OptionError(
    `slice: ${shown} for axis ${axis} is not a range; give a whole number, [start, end, step] of whole numbers or null ` +
      "with a step other than 0, null for the whole axis, or '...' for all axes that are left",
  )
}

const isBounds = (range: unknown): range is Bounds =>
  Array.isArray(range) &&
  range.length <= 3 &&
  range.every((at) => at === null || at === undefined || Number.isInteger(at)) &&
  range[2] !== 0

function indexCut(index: number, axis: number, size: number): Cut {
  if (index < -size || index >= size)
    throw new ShapeError(
      `slice: there is no index ${index} along axis ${axis} of size ${size}; ` +
        (size === 0 ? 'it has no elements' : `use ${-size} to ${size - 1}`),
    )
  return { from: index < 0 ? index + size : index, step: 1, size: 1, drops: true }
}

/** By the rules of Python's `slice.indices`: bounds beyond either end move to it. */
function rangeCut([start, end, by]: Bounds, size: number): Cut {
  const step = by ?? 1
  const [first, last] = step > 0 ? [0, size] : [size - 1, -1]
  const bound = (at: number | null | undefined, open: number) =>
    typeof at === 'number'
      ? Math.min(Math.max(at < 0 ? at + size : at, Math.min(first, last)), Math.max(first, last))
      : open
  const from = bound(start, first)
  const to = bound(end, last)
  const count = Math.max(Math.ceil((to - from) / step), 0)
  // A step that is never taken could be longer than a kernel counts.
  return { from, step: count > 1 ? step : 1, size: count, drops: false }
}

const splitOff = cutting('split')

export function split(x: Tensor, sizeOrSizes: number | readonly number[], dim = 0): Tensor[] {
  const axis = axisOf('split', x, dim)
  const length = x.shape[axis]
  const given: readonly number[] = [sizeOrSizes].flat()
  for (const size of given)
    if (!Number.isInteger(size) || size < 0)
      throw new OptionError(`split: ${String(size)} is not a size; sizes are integers from 0 up`)
  if (typeof sizeOrSizes === 'number') {
    if (sizeOrSizes === 0 && length > 0)
      throw new ShapeError(`split: pieces of size 0 never make up axis ${axis} of size ${length}`)
    return pieces(splitOff, x, axis, evenly(length, sizeOrSizes))
  }
  const sum = given.reduce((a, b) => a + b, 0)
  if (sum !== length)
    throw new ShapeError(`split: sizes [${given.join(', ')}] add up to ${sum}, axis ${axis} has ${length} elements`)
  return pieces(splitOff, x, axis, given)
}

const chunkOff = cutting('chunk')

export function chunk(x: Tensor, chunks: number, dim = 0): Tensor[] {
  const axis = axisOf('chunk', x, dim)
  const length = x.shape[axis]
  if (!Number.isInteger(chunks) || chunks < 1)
    throw new OptionError(`chunk: ${String(chunks)} is not a number of chunks; give an integer from 1 up`)
  const sizes = length === 0 ? Array<number>(chunks).fill(0) : evenly(length, Math.ceil(length / chunks))
  return pieces(chunkOff, x, axis, sizes)
}

function axisOf(op: string, x: Tensor, dim: number): number {
  if (x.ndim === 0) throw new ShapeError(`${op}: a tensor without axes cannot be divided`)
  return normalizeDim(op, dim, x.ndim)
}

/** Sizes of pieces of `size`, of which the last may be smaller; nothing is one piece. */
const evenly = (length: number, size: number): number[] =>
  length === 0 ? [0] : Array.from({ length: Math.ceil(length / size) }, (_, i) => Math.min(size, length - i * size))

function pieces(view: View<readonly Cut[]>, x: Tensor, axis: number, sizes: readonly number[]): Tensor[] {
  let from = 0
  return sizes.map((size) => {
    const piece = view(x, x.shape.map(whole).with(axis, { ...whole(size), from }))
    from += size
    return piece
  })
}
