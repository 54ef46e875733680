/** Order along an axis, by definition. */
import { get, type Nd, nd, position } from '../nd.ts'
import { gather } from './gather.ts'

/** Where `a` stands to `b`: NaN above all, -0 beside 0. */
function compare(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b))
  return a < b ? -1 : a > b ? 1 : 0
}

export function argsort(x: Nd, dim = -1, { descending = false } = {}): Nd {
  if (x.shape.length === 0) return nd([], () => 0)
  const axis = dim < 0 ? dim + x.shape.length : dim
  const sign = descending ? -1 : 1
  const orders = new Map<number, number[]>()
  return nd(x.shape, (index) => {
    const first = position(x, index.with(axis, 0))
    if (!orders.has(first)) {
      const line = [...Array(x.shape[axis]).keys()].map((i) => get(x, index.with(axis, i)))
      orders.set(
        first,
        [...line.keys()].sort((i, j) => sign * compare(line[i], line[j])),
      )
    }
    return orders.get(first)![index[axis]]
  })
}

export const sort = (x: Nd, dim = -1, options = {}): Nd => gather(x, dim, argsort(x, dim, options))

export function topkIndices(x: Nd, k: number, dim = -1, { largest = true } = {}): Nd {
  const order = argsort(x, dim, { descending: largest })
  const axis = dim < 0 ? dim + x.shape.length : dim
  const shape = x.shape.map((size, i) => (i === axis ? k : size))
  return nd(shape, (index) => get(order, index))
}

export const topk = (x: Nd, k: number, dim = -1, options = {}): Nd => gather(x, dim, topkIndices(x, k, dim, options))
