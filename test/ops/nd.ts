/** Arrays of any rank in float64, and operations on them written as their definitions: what tensors are held to. */
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

function broadcast(shapes: readonly Shape[]): Shape {
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

export function transpose(x: Nd, dim0: number, dim1: number): Nd {
  const [i, j] = [dim0, dim1].map((dim) => (dim < 0 ? dim + x.shape.length : dim))
  const swap = (list: readonly number[]) => list.with(i, list[j]).with(j, list[i])
  return nd(swap(x.shape), (index) => get(x, swap(index)))
}

export function reshape({ shape, data }: Nd, to: Shape): Nd {
  const rest = -numelOf(to)
  return { shape: to.map((size) => (size === -1 ? numelOf(shape) / rest : size)), data }
}

type Dims = number | readonly number[] | undefined

/** Every index into an array of this shape, in row-major order. */
function indices(shape: Shape): number[][] {
  const found: number[][] = []
  nd(shape, (index) => found.push([...index]))
  return found
}

/** `fold` of the elements along `dims`, or of all. */
function reduce(x: Nd, dims: Dims, keepdim: boolean, fold: (elements: readonly number[]) => number): Nd {
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

const total = (elements: readonly number[]) => elements.reduce((a, b) => a + b, 0)

export const sum = (x: Nd, dims?: Dims, { keepdim = false } = {}): Nd => reduce(x, dims, keepdim, total)

export const mean = (x: Nd, dims?: Dims, { keepdim = false } = {}): Nd =>
  reduce(x, dims, keepdim, (elements) => total(elements) / elements.length)

/** The first of the largest; NaN is larger than anything. */
export const argmax = (x: Nd, dim?: number, { keepdim = false } = {}): Nd =>
  reduce(x, dim, keepdim, (elements) => {
    const nan = elements.findIndex(Number.isNaN)
    return nan >= 0 ? nan : elements.indexOf(Math.max(...elements))
  })

export function softmax(x: Nd, dim = -1): Nd {
  const max = reduce(x, dim, true, (elements) => elements.reduce((a, b) => Math.max(a, b), -Infinity))
  const powers = zip((a, m) => Math.exp(a - m), x, max)
  return zip((p, s) => p / s, powers, sum(powers, dim, { keepdim: true }))
}

export function matmul(a: Nd, b: Nd): Nd {
  const inner = [...Array(a.shape[1]).keys()]
  return nd([a.shape[0], b.shape[1]], ([i, j]) => total(inner.map((p) => get(a, [i, p]) * get(b, [p, j]))))
}

export function linear(x: Nd, weight: Nd, bias: Nd = { shape: [], data: Float64Array.of(0) }): Nd {
  const features = [...Array(weight.shape[1]).keys()]
  return nd([...x.shape.slice(0, -1), weight.shape[0]], (index) => {
    const out = index[index.length - 1]
    const terms = features.map((i) => get(x, index.with(-1, i)) * get(weight, [out, i]))
    return total(terms) + get(bias, [out])
  })
}

export function crossEntropy(logits: Nd, target: Nd): Nd {
  const max = reduce(logits, 1, true, (row) => Math.max(...row))
  const sums = sum(
    zip((x, m) => Math.exp(x - m), logits, max),
    1,
  )
  return mean(
    nd(target.shape, ([row]) => Math.log(sums.data[row]) + max.data[row] - get(logits, [row, get(target, [row])])),
  )
}

export const mseLoss = (input: Nd, target: Nd): Nd => mean(zip((a, b) => (a - b) ** 2, input, target))
