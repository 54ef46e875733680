/** Arrays of any rank in float64: what the references in `reference/` are written on. */
import { contiguousStrides, numelOf, type Shape } from '../../src/shape.ts'

export interface Nd {
  readonly shape: Shape
  /** Row-major. */
  readonly data: Float64Array
}

/** The array whose element at `index` is `at(index)`. */
export function nd(shape: Shape, at: (index: readonly number[]) => number): Nd {
  const strides = contiguousStrides(shape)
  const data = Float64Array.from({ length: numelOf(shape) }, (_, i) =>
    at(shape.map((size, axis) => Math.floor(i / strides[axis]) % size)),
  )
  return { shape, data }
}

/** Where the element at `index` lies when axes of size 1, and leading ones that are missing, are broadcast. */
export function position({ shape }: Nd, index: readonly number[]): number {
  const lead = index.length - shape.length
  let at = 0
  for (let axis = 0; axis < shape.length; axis++) at = at * shape[axis] + (shape[axis] === 1 ? 0 : index[axis + lead])
  return at
}

export const get = (x: Nd, index: readonly number[]): number => x.data[position(x, index)]

/** The shape that they broadcast to. */
export function broadcast(shapes: readonly Shape[]): Shape {
  const rank = Math.max(...shapes.map((shape) => shape.length))
  return Array.from({ length: rank }, (_, axis) => {
    const sizes = shapes.map((shape) => shape[axis - rank + shape.length] ?? 1)
    return sizes.find((size) => size !== 1) ?? 1
  })
}

/** f of the elements of arrays that broadcast to one shape. */
export function zip(f: (...elements: number[]) => number, ...xs: readonly Nd[]): Nd {
  return nd(broadcast(xs.map((x) => x.shape)), (index) => f(...xs.map((x) => get(x, index))))
}

export type Dims = number | readonly number[] | undefined

/** Every index into an array of this shape, in row-major order. */
function indices(shape: Shape): number[][] {
  const found: number[][] = []
  nd(shape, (index) => found.push([...index]))
  return found
}

/** `fold` of the elements along `dims`, or of all. */
export function reduce(x: Nd, dims: Dims, keepdim: boolean, fold: (elements: readonly number[]) => number): Nd {
  const rank = x.shape.length
  const axes = new Set([dims ?? [...x.shape.keys()]].flat().map((dim) => (dim < 0 ? dim + rank : dim)))
  const steps = indices(x.shape.map((size, axis) => (axes.has(axis) ? size : 1)))
  const kept = nd(
    x.shape.map((size, axis) => (axes.has(axis) ? 1 : size)),
    (index) =>
      fold(
        steps.map((step) =>
          get(
            x,
            index.map((at, axis) => at + step[axis]),
          ),
        ),
      ),
  )
  return keepdim ? kept : { shape: x.shape.filter((_, axis) => !axes.has(axis)), data: kept.data }
}

export const total = (elements: readonly number[]) => elements.reduce((a, b) => a + b, 0)
