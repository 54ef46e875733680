/** Arrangement, by definition. */
import type { Range } from '../../../src/ops/index.ts'
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

export function squeeze(x: Nd, dim: number | readonly number[] = [...x.shape.keys()]): Nd {
  const dims = [dim].flat().map((d) => (d < 0 ? d + x.shape.length : d))
  return { shape: x.shape.filter((size, axis) => size !== 1 || !dims.includes(axis)), data: x.data }
}

export function unsqueeze(x: Nd, dim: number): Nd {
  return { shape: x.shape.toSpliced(dim < 0 ? dim + x.shape.length + 1 : dim, 0, 1), data: x.data }
}

/** The elements whose indices along each axis are among those given, in their order. */
function pick(x: Nd, indices: readonly (readonly number[])[]): Nd {
  return nd(
    indices.map((along) => along.length),
    (index) =>
      get(
        x,
        index.map((at, axis) => indices[axis][at]),
      ),
  )
}

/** The numbers from 0 to n - 1, of which Python's `[start:end:step]` takes those that come out. */
function taken(n: number, [start, end, step]: readonly (number | null | undefined)[]): number[] {
  const by = step ?? 1
  const all = [...Array(n).keys()]
  const every = (list: number[]) => list.filter((_, i) => i % Math.abs(by) === 0)
  if (by > 0) return every(all.slice(start ?? 0, end ?? n))
  const fromTheBack = (at: number) => Math.max(n - 1 - (at < 0 ? at + n : at), 0)
  const [first, last] = [start ?? null, end ?? null]
  return every(
    all.reverse().slice(first === null ? 0 : fromTheBack(first), last === null ? undefined : fromTheBack(last)),
  )
}

export function slice(x: Nd, ...ranges: readonly Range[]): Nd {
  const rank = x.shape.length
  const gap = ranges.indexOf('...')
  const rangeOf = (axis: number) => {
    if (gap < 0 || axis < gap) return ranges[axis] ?? null
    const fromEnd = rank - axis
    return fromEnd < ranges.length - gap ? ranges[ranges.length - fromEnd] : null
  }
  const of = x.shape.map((_, axis) => rangeOf(axis) as Exclude<Range, '...'>)
  const part = pick(
    x,
    x.shape.map((n, axis) => {
      const range = of[axis]
      return typeof range === 'number' ? [range < 0 ? range + n : range] : taken(n, range ?? [])
    }),
  )
  return { shape: part.shape.filter((_, axis) => typeof of[axis] !== 'number'), data: part.data }
}

export function split(x: Nd, sizes: number | readonly number[], dim: number, piece: number): Nd {
  const axis = dim < 0 ? dim + x.shape.length : dim
  const n = x.shape[axis]
  const start = typeof sizes === 'number' ? piece * sizes : sizes.slice(0, piece).reduce((a, b) => a + b, 0)
  const end = Math.min(start + (typeof sizes === 'number' ? sizes : sizes[piece]), n)
  return slice(x, ...Array<Range>(axis).fill(null), [start, end])
}

export function flip(x: Nd, dim: number | readonly number[]): Nd {
  const dims = [dim].flat().map((d) => (d < 0 ? d + x.shape.length : d))
  return nd(x.shape, (index) =>
    get(
      x,
      index.map((at, axis) => (dims.includes(axis) ? x.shape[axis] - 1 - at : at)),
    ),
  )
}

export function cat(xs: readonly Nd[], dim = 0): Nd {
  const [{ shape }] = xs
  const axis = dim < 0 ? dim + shape.length : dim
  const owners = xs.flatMap((x, i) => Array.from({ length: x.shape[axis] }, (_, at) => ({ x: xs[i], at })))
  return nd(shape.with(axis, owners.length), (index) => {
    const { x, at } = owners[index[axis]]
    return get(x, index.with(axis, at))
  })
}

export function stack(xs: readonly Nd[], dim = 0): Nd {
  const [{ shape }] = xs
  const axis = dim < 0 ? dim + shape.length + 1 : dim
  return nd(shape.toSpliced(axis, 0, xs.length), (index) => get(xs[index[axis]], index.toSpliced(axis, 1)))
}

export function pad({ shape, data }: Nd, padding: readonly number[], { value = 0 } = {}): Nd {
  const rank = shape.length
  const sides = (axis: number) => [0, 1].map((side) => padding[2 * (rank - 1 - axis) + side] ?? 0)
  return nd(
    shape.map((size, axis) => sides(axis).reduce((a, b) => a + b, size)),
    (index) => {
      const at = index.map((i, axis) => i - sides(axis)[0])
      return at.every((i, axis) => i >= 0 && i < shape[axis]) ? get({ shape, data }, at) : value
    },
  )
}
