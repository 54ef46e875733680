/** Views and copies that change how elements are arranged. */
import { defineOp } from '../autograd/op.ts'
import { defineView } from '../autograd/view.ts'
import { ShapeError } from '../errors.ts'
import { addStrided, copyStrided } from '../runtime/strided.ts'
import {
  checkShape,
  contiguousStrides,
  formatShape,
  isContiguous,
  normalizeDim,
  numelOf,
  type Shape,
} from '../shape.ts'
import type { Tensor } from '../tensor.ts'

const copied = defineOp({
  name: 'contiguous',
  strided: true,
  takes: () => [null],
  gives: ([x]) => x.dtype,
  shape: ([x]) => x.shape,
  forward: (_k, [x], y) => copyStrided(x, y),
  backward: (_k, _saved, dy, [dx]) => dx && (dx.beta ? addStrided(dy, dx) : copyStrided(dy, dx)),
})

export function contiguous(x: Tensor): Tensor {
  return isContiguous(x.shape, x.strides) ? x : copied([x])
}

const reshaped = defineView<Shape>('reshape', (_shape, _strides, to) => ({
  shape: to,
  strides: contiguousStrides(to),
  offset: 0,
}))

export function reshape(x: Tensor, shape: Shape): Tensor {
  const unknown = Array.isArray(shape) ? shape.indexOf(-1) : -1
  const known = unknown < 0 ? shape : shape.with(unknown, 1)
  checkShape('reshape', known)
  const rest = numelOf(known)
  const to = unknown < 0 ? [...shape] : known.with(unknown, rest === 0 ? 0 : x.numel / rest)
  if (numelOf(to) !== x.numel || to.some((size) => !Number.isInteger(size)) || (unknown >= 0 && rest === 0))
    throw new ShapeError(
      `reshape: ${formatShape(x.shape)} has ${x.numel} elements and cannot become ${formatShape(shape)}; ` +
        'the product of the sizes must stay the same, and at most one may be -1',
    )
  return reshaped(contiguous(x), to)
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
