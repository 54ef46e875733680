/** Copies with the elements in other places: joined, padded or reversed. */
import { defineOp } from '../autograd/op.ts'
import { check } from '../autograd/operands.ts'
import { fillerOf, type Operand } from '../dtype.ts'
import { kindOf, OptionError, ShapeError } from '../errors.ts'
import { checkOptions } from '../options.ts'
import { copyStrided, fillDense, moveStrided, through } from '../runtime/strided.ts'
import {
  checkShape,
  contiguousStrides,
  formatShape,
  normalizeDim,
  normalizeDims,
  type Shape,
  sameShape,
} from '../shape.ts'
import type { Tensor } from '../tensor.ts'

/** A whole, and where its parts lie in it: the strides of them all, and the offset of each. */
interface Join {
  readonly shape: Shape
  readonly strides: Shape
  readonly offsets: readonly number[]
}

/** The part of `whole` that belongs to input number `i`, `x`. */
const partOf = (whole: Operand, { strides, offsets }: Join, { shape }: Pick<Operand, 'shape'>, i: number): Operand =>
  through(whole, { shape, strides, offset: offsets[i] })

const joining = (name: string) =>
  defineOp<Join>({
    name,
    strided: true,
    takes: (xs) => Array(xs.length).fill(xs.every(({ dtype }) => dtype === xs[0].dtype) ? null : 'float32'),
    gives: ([x]) => x.dtype,
    shape: (_xs, { shape }) => shape,
    forward: (_k, xs, y, join) => {
      xs.forEach((x, i) => {
        copyStrided(x, partOf(y, join, x, i))
      })
    },
    backward: (_k, _saved, dy, dxs, join) => {
      dxs.forEach((dx, i) => {
        if (dx) moveStrided(partOf(dy, join, dx, i), dx, dx.beta)
      })
    },
  })

function checkList(op: string, tensors: readonly Tensor[]): void {
  if (!Array.isArray(tensors) || tensors.length === 0)
    throw new OptionError(
      `${op}: expected an array of tensors, such as ${op}([a, b]), got ${Array.isArray(tensors) ? 'an empty one' : kindOf(tensors)}`,
    )
  for (const x of tensors) check(op, x)
}

/** Throws for the first tensor whose shape is not that of the first as far as `fits` says. */
function checkFit(op: string, tensors: readonly Tensor[], fits: (x: Tensor) => boolean, rule: string): void {
  const other = tensors.findIndex((x) => !fits(x))
  if (other >= 0)
    throw new ShapeError(
      `${op}: tensor ${other} of shape ${formatShape(tensors[other].shape)} does not fit tensor 0 of shape ` +
        `${formatShape(tensors[0].shape)}: ${rule}`,
    )
}

const concatenated = joining('cat')

/**
 * The tensors one behind the other along axis `dim`, which is the only one whose sizes may differ. One dtype stays; several
 * become float32.
 * @throws ShapeError when a tensor does not fit the first, or has no axes; OptionError without tensors.
 */
export function cat(tensors: readonly Tensor[], dim = 0): Tensor {
  checkList('cat', tensors)
  const [first] = tensors
  const scalar = tensors.findIndex(({ ndim }) => ndim === 0)
  if (scalar >= 0) throw new ShapeError(`cat: tensor ${scalar} has no axis to be joined along; use stack`)
  const axis = normalizeDim('cat', dim, first.ndim)
  const fits = ({ ndim, shape }: Tensor) =>
    ndim === first.ndim && shape.every((size, i) => i === axis || size === first.shape[i])
  checkFit('cat', tensors, fits, `all sizes but those of axis ${axis} must be equal`)
  let length = 0
  const starts = tensors.map((x) => {
    length += x.shape[axis]
    return length - x.shape[axis]
  })
  const shape = first.shape.with(axis, length)
  checkShape('cat', shape)
  const strides = contiguousStrides(shape)
  return concatenated(tensors, { shape, strides, offsets: starts.map((start) => start * strides[axis]) })
}

const stacked = joining('stack')

/**
 * The tensors, all of one shape, one behind the other along a new axis `dim`; -1 puts it last. One dtype stays; several become
 * float32.
 * @throws ShapeError when a tensor has another shape than the first; OptionError without tensors.
 */
export function stack(tensors: readonly Tensor[], dim = 0): Tensor {
  checkList('stack', tensors)
  const [first] = tensors
  const axis = normalizeDim('stack', dim, first.ndim + 1, 'a result')
  const fits = ({ shape }: Tensor) => sameShape(shape, first.shape)
  checkFit('stack', tensors, fits, 'all shapes must be equal')
  const shape = first.shape.toSpliced(axis, 0, tensors.length)
  checkShape('stack', shape)
  const strides = contiguousStrides(shape)
  const offsets = tensors.map((_, i) => i * strides[axis])
  return stacked(tensors, { shape, strides: strides.toSpliced(axis, 1), offsets })
}

/** `x` with the axes in `dims` counted from the last index to the first. */
const reversed = (x: Operand, dims: Shape): Operand =>
  through(x, {
    shape: x.shape,
    strides: x.strides.map((stride, axis) => (dims.includes(axis) ? -stride : stride)),
    offset: x.strides.reduce((sum, by, axis) => (dims.includes(axis) ? sum + (x.shape[axis] - 1) * by : sum), 0),
  })

const flipped = defineOp<Shape>({
  name: 'flip',
  strided: true,
  takes: () => [null],
  gives: ([x]) => x.dtype,
  shape: ([x]) => x.shape,
  forward: (_k, [x], y, dims) => copyStrided(reversed(x, dims), y),
  backward: (_k, _saved, dy, [dx], dims) => dx && moveStrided(reversed(dy, dims), dx, dx.beta),
})

export function flip(x: Tensor, dim: number | readonly number[]): Tensor {
  return flipped([x], normalizeDims('flip', dim, x.ndim))
}

/** How `pad` fills. */
export interface PadOptions {
  /** What is put around. Default: 0. */
  value?: number
}

/** What stays of the input, `inner`, lies from `fromX` on in the input, and from `fromY` on in the output, of shape `shape`. */
interface Padding {
  readonly shape: Shape
  readonly inner: Shape
  readonly fromX: Shape
  readonly fromY: Shape
  readonly value: number
}

/** The block of shape `shape` whose first element is at index `from`. */
const blockOf = (x: Operand, from: Shape, shape: Shape): Operand =>
  through(x, {
    shape,
    strides: x.strides,
    offset: from.reduce((sum, at, axis) => sum + at * x.strides[axis], 0),
  })

const padded = defineOp<Padding>({
  name: 'pad',
  strided: true,
  takes: () => [null],
  gives: ([x]) => x.dtype,
  shape: (_xs, { shape }) => shape,
  forward: (_k, [x], y, { inner, fromX, fromY, value }) => {
    fillDense(y, value)
    copyStrided(blockOf(x, fromX, inner), blockOf(y, fromY, inner))
  },
  backward: (_k, _saved, dy, [dx], { inner, fromX, fromY }) => {
    if (!dx) return
    const seen = blockOf(dx, fromX, inner)
    if (!dx.beta && seen.numel < dx.numel) fillDense(dx, 0)
    moveStrided(blockOf(dy, fromY, inner), seen, dx.beta)
  },
})

export function pad(x: Tensor, padding: readonly number[], options: PadOptions = {}): Tensor {
  checkOptions('pad', options, ['value'])
  const { value = 0 } = options
  if (!Array.isArray(padding) || padding.length % 2 !== 0 || !padding.every((n) => Number.isInteger(n)))
    throw new OptionError(
      `pad: ${Array.isArray(padding) ? `[${padding.join(', ')}]` : String(padding)} is no padding; give whole numbers, ` +
        '[before, after] for the last axis, then for the one before it, and so on',
    )
  if (padding.length > 2 * x.ndim)
    throw new ShapeError(
      `pad: [${padding.join(', ')}] is for ${padding.length / 2} axes, the tensor of shape ${formatShape(x.shape)} has ${x.ndim}`,
    )
  const sides = (side: 0 | 1) => x.shape.map((_, axis) => padding[2 * (x.ndim - 1 - axis) + side] ?? 0)
  const [before, after] = [sides(0), sides(1)]
  const inner = x.shape.map((size, axis) => size + Math.min(before[axis], 0) + Math.min(after[axis], 0))
  const short = inner.findIndex((size) => size < 0)
  if (short >= 0)
    throw new ShapeError(
      `pad: [${padding.join(', ')}] takes more elements away from axis ${short} than the ${x.shape[short]} of ` +
        `shape ${formatShape(x.shape)}`,
    )
  const shape = x.shape.map((size, axis) => size + before[axis] + after[axis])
  checkShape('pad', shape)
  return padded([x], {
    shape,
    inner,
    fromX: before.map((n) => Math.max(-n, 0)),
    fromY: before.map((n) => Math.max(n, 0)),
    value: fillerOf('pad', x.dtype, value),
  })
}
