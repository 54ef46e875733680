/** Arrangement, by definition. */
import { numelOf, type Shape } from '../../../src/shape.ts'
import { get, type Nd, nd } from '../nd.ts'

export function transpose(x: Nd, dim0: number, dim1: number): Nd {
  const [i, j] = [dim0, dim1].map((dim) => (dim < 0 ? dim + x.shape.length : dim))
  const swap = (list: readonly number[]) => list.with(i, list[j]).with(j, list[i])
  return nd(swap(x.shape), (index) => get(x, swap(index)))
}

export function reshape({ shape, data }: Nd, to: Shape): Nd {
  const rest = -numelOf(to)
  return { shape: to.map((size) => (size === -1 ? numelOf(shape) / rest : size)), data }
}

export function permute(x: Nd, dims: Shape): Nd {
  const axes = dims.map((dim) => (dim < 0 ? dim + x.shape.length : dim))
  return nd(
    axes.map((axis) => x.shape[axis]),
    (index) =>
      get(
        x,
        [...axes.keys()].map((axis) => index[axes.indexOf(axis)]),
      ),
  )
}

export function expand(x: Nd, shape: Shape): Nd {
  const lead = shape.length - x.shape.length
  return nd(
    shape.map((size, i) => (size === -1 ? x.shape[i - lead] : size)),
    (index) => get(x, index),
  )
}
