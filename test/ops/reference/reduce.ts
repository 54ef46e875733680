/** Reductions, by definition. */
import { type Dims, type Nd, reduce, total } from '../nd.ts'

export const sum = (x: Nd, dims?: Dims, { keepdim = false } = {}): Nd => reduce(x, dims, keepdim, total)

export const mean = (x: Nd, dims?: Dims, { keepdim = false } = {}): Nd =>
  reduce(x, dims, keepdim, (elements) => total(elements) / elements.length)

export const prod = (x: Nd, dims?: Dims, { keepdim = false } = {}): Nd =>
  reduce(x, dims, keepdim, (elements) => elements.reduce((a, b) => a * b, 1))

export const max = (x: Nd, dims?: Dims, { keepdim = false } = {}): Nd =>
  reduce(x, dims, keepdim, (elements) => Math.max(...elements))

export const min = (x: Nd, dims?: Dims, { keepdim = false } = {}): Nd =>
  reduce(x, dims, keepdim, (elements) => Math.min(...elements))

/** The first of the largest; NaN is larger than anything. */
export const argmax = (x: Nd, dim?: number, { keepdim = false } = {}): Nd =>
  reduce(x, dim, keepdim, (elements) => {
    const nan = elements.findIndex(Number.isNaN)
    return nan >= 0 ? nan : elements.indexOf(Math.max(...elements))
  })

/** The first of the smallest; NaN is smaller than anything. */
export const argmin = ({ shape, data }: Nd, dim?: number, options = {}): Nd =>
  argmax({ shape, data: data.map((v) => -v) }, dim, options)

export const variance = (x: Nd, dims?: Dims, { keepdim = false, correction = 1 } = {}): Nd =>
  reduce(x, dims, keepdim, (elements) => {
    const mean = total(elements) / elements.length
    return total(elements.map((v) => (v - mean) ** 2)) / Math.max(elements.length - correction, 0)
  })

export function std(x: Nd, dims?: Dims, options = {}): Nd {
  const { shape, data } = variance(x, dims, options)
  return { shape, data: data.map(Math.sqrt) }
}

function normOf(elements: readonly number[], p: number): number {
  const magnitudes = elements.map(Math.abs)
  if (elements.length === 0) return 0
  if (p === 0) return elements.filter((v) => v !== 0).length
  if (p === Infinity) return Math.max(...magnitudes)
  if (p === -Infinity) return Math.min(...magnitudes)
  return total(magnitudes.map((v) => v ** p)) ** (1 / p)
}

export const norm = (x: Nd, p = 2, dims?: Dims, { keepdim = false } = {}): Nd =>
  reduce(x, dims, keepdim, (elements) => normOf(elements, p))

export const logSumExp = (x: Nd, dims?: Dims, { keepdim = false } = {}): Nd =>
  reduce(x, dims, keepdim, (elements) => {
    const max = Math.max(...elements)
    return Number.isFinite(max) ? max + Math.log(total(elements.map((v) => Math.exp(v - max)))) : max
  })

export const any = (x: Nd, dims?: Dims, { keepdim = false } = {}): Nd =>
  reduce(x, dims, keepdim, (elements) => Number(elements.some((v) => v !== 0)))

export const all = (x: Nd, dims?: Dims, { keepdim = false } = {}): Nd =>
  reduce(x, dims, keepdim, (elements) => Number(elements.every((v) => v !== 0)))
