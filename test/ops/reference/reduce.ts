/** Reductions, by definition. */
import { type Dims, type Nd, reduce, total } from '../nd.ts'

export const sum = (x: Nd, dims?: Dims, { keepdim = false } = {}): Nd => reduce(x, dims, keepdim, total)

export const mean = (x: Nd, dims?: Dims, { keepdim = false } = {}): Nd =>
  reduce(x, dims, keepdim, (elements) => total(elements) / elements.length)

/** The first of the largest; NaN is larger than anything. */
export const argmax = (x: Nd, dim?: number, { keepdim = false } = {}): Nd =>
  reduce(x, dim, keepdim, (elements) => {
    const nan = elements.findIndex(Number.isNaN)
    return nan >= 0 ? nan : elements.indexOf(Math.max(...elements))
  })
