/** Views and copies that change how elements are arranged. */
import { defineOp } from '../autograd/op.ts'
import { check } from '../autograd/operands.ts'
import { defineView } from '../autograd/view.ts'
import type { Operand } from '../dtype.ts'
import { kindOf, ShapeError } from '../errors.ts'
import { copyStrided, moveStrided, through } from '../runtime/strided.ts'
import {
  broadcastStrides,
  checkShape,
  contiguousStrides,
  formatShape,
  isContiguous,
  normalizeDim,
  normalizeDims,
  numelOf,
  reshapedStrides,
  type Shape,
} from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import { sumTo } from './axes.ts'

const copied = defineOp({
  name: 'contiguous',
  strided: true,
  takes: () => [null],
  gives: ([x]) => x.dtype,
  shape: ([x]) => x.shape,
  forward: (_k, [x], y) => copyStrided(x, y),
  backward: (_k, _saved, dy, [dx]) => dx && moveStrided(dy, dx, dx.beta),
})

export function contiguous(x: Tensor): Tensor {
  check('contiguous', x)
  return isContiguous(x.shape, x.strides) ? x : copied([x])
}

const reshaped = defineView<Shape>('reshape', (shape, strides, to) => ({
  shape: to,
  strides: reshapedStrides(shape, strides, to)!,
  offset: 0,
}))

/** The elements in logical order, where no view can show them in the shape. */
const rearranged = defineOp<Shape>({
  name: 'reshape',
  strided: true,
  takes: () => [null],
  gives: ([x]) => x.dtype,
  shape: (_xs, to) => to,
  forward: (_k, [x], y) => copyStrided(x, inShape(y, x.shape)),
  backward: (_k, _saved, dy, [dx]) => dx && moveStrided(inShape(dy, dx.shape), dx, dx.beta),
})

/** A dense operand in another shape. */
const inShape = (x: Operand, shape: Shape): Operand =>
  through(x, { shape, strides: contiguousStrides(shape), offset: 0 })

export function reshape(x: Tensor, shape: Shape): Tensor {
  const unknown = Array.isArray(shape) ? shape.indexOf(-1) : -1
  if (unknown >= 0 && shape.lastIndexOf(-1) !== unknown)
    throw new ShapeError(`reshape: ${formatShape(shape)} leaves several sizes open; at most one may be -1`)
  const known = unknown < 0 ? shape : shape.with(unknown, 1)
  checkShape('reshape', known)
  const rest = numelOf(known)
  const to = unknown < 0 ? [...shape] : known.with(unknown, rest === 0 ? 0 : x.numel / rest)
  if (numelOf(to) !== x.numel || to.some((size) => !Number.isInteger(size)) || (unknown >= 0 && rest === 0))
    throw new ShapeError(
      `reshape: ${formatShape(x.shape)} has ${x.numel} elements and cannot become ${formatShape(shape)}; ` +
        'the product of the sizes must stay the same, and at most one may be -1',
    )
  return reshapedStrides(x.shape, x.strides, to) ? reshaped(x, to) : rearranged([x], to)
}

export function flatten(x: Tensor, startDim = 0, endDim = -1): Tensor {
  check('flatten', x)
  const start = normalizeDim('flatten', startDim, x.ndim)
  const end = normalizeDim('flatten', endDim, x.ndim)
  if (start > end)
    throw new ShapeError(
      `flatten: axis ${startDim} comes after axis ${endDim} in ${formatShape(x.shape)}; give the first one first`,
    )
  const joined = numelOf(x.shape.slice(start, end + 1))
  return reshape(x, [...x.shape.slice(0, start), joined, ...x.shape.slice(end + 1)])
}

const swap = (list: Shape, i: number, j: number) => list.with(i, list[j]).with(j, list[i])

const transposed = defineView<readonly [number, number]>('transpose', (shape, strides, [i, j]) => ({
  shape: swap(shape, i, j),
  strides: swap(strides, i, j),
  offset: 0,
}))

export function transpose(x: Tensor, dim0: number, dim1: number): Tensor {
  if (x.ndim === 0) throw new ShapeError('transpose: a tensor without axes has none to exchange')
  return transposed(x, [normalizeDim('transpose', dim0, x.ndim), normalizeDim('transpose', dim1, x.ndim)])
}

const permuted = defineView<Shape>('permute', (shape, strides, dims) => ({
  shape: dims.map((dim) => shape[dim]),
  strides: dims.map((dim) => strides[dim]),
  offset: 0,
}))

export function permute(x: Tensor, dims: Shape): Tensor {
  if (!Array.isArray(dims))
    throw new ShapeError(`permute: expected an array of axes, such as [1, 0], got ${kindOf(dims)}`)
  const axes = normalizeDims('permute', dims, x.ndim)
  if (axes.length !== x.ndim)
    throw new ShapeError(
      `permute: [${dims}] does not name each axis of shape ${formatShape(x.shape)} once; give all ${x.ndim} in their new order`,
    )
  return permuted(x, axes)
}

/** Other sizes for the same elements, where axes of size 1 come or go: strides of those that stay are kept. */
const resized = (name: string) =>
  defineView<Shape>(name, (shape, strides, axes) => ({
    shape: axes.map((axis) => shape[axis] ?? 1),
    strides: axes.map((axis) => strides[axis] ?? 1),
    offset: 0,
  }))

const NEW_AXIS = -1

const squeezed = resized('squeeze')

export function squeeze(x: Tensor, dim?: number | readonly number[]): Tensor {
  const axes = [...x.shape.keys()]
  const named = dim === undefined || dim === null ? axes : normalizeDims('squeeze', dim, x.ndim)
  return squeezed(
    x,
    axes.filter((axis) => x.shape[axis] !== 1 || !named.includes(axis)),
  )
}

const unsqueezed = resized('unsqueeze')

export function unsqueeze(x: Tensor, dim: number): Tensor {
  const axes = [...x.shape.keys()]
  const at = normalizeDim('unsqueeze', dim, x.ndim + 1, 'a result')
  checkShape('unsqueeze', [...x.shape, 1])
  return unsqueezed(x, [...axes.slice(0, at), NEW_AXIS, ...axes.slice(at)])
}

const expanded = defineView<Shape>(
  'expand',
  (shape, strides, to) => ({ shape: to, strides: broadcastStrides(shape, strides, to), offset: 0 }),
  (dy, dx) => sumTo(dy, dx),
)

export function expand(x: Tensor, shape: Shape): Tensor {
  const lead = Array.isArray(shape) ? shape.length - x.ndim : 0
  const to = Array.isArray(shape)
    ? shape.map((size, i) => (size === -1 && i >= lead ? x.shape[i - lead] : size))
    : shape
  checkShape('expand', to)
  if (lead < 0 || x.shape.some((size, i) => size !== 1 && size !== to[i + lead]))
    throw new ShapeError(
      `expand: ${formatShape(x.shape)} cannot become ${formatShape(shape)}: counted from the last, axes of size 1 may take ` +
        'any size, others keep theirs (-1 says so), and new ones come first',
    )
  return expanded(x, to)
}
