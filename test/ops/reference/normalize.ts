/** Batch and layer normalisation, by definition. */
import { numelOf } from '../../../src/shape.ts'
import { type Nd, nd, total } from '../nd.ts'

export interface Moments {
  readonly mean: number
  /** Divided by the number of elements. */
  readonly variance: number
}

function momentsOf(elements: readonly number[]): Moments {
  const mean = total(elements) / elements.length
  return { mean, variance: total(elements.map((v) => (v - mean) ** 2)) / elements.length }
}

const normal = (x: number, { mean, variance }: Moments, eps: number) => (x - mean) / Math.sqrt(variance + eps)

/** Over the last `axes` axes. */
export function layerNorm(x: Nd, weight: Nd | null, bias: Nd | null, axes: number, eps = 1e-5): Nd {
  const n = numelOf(x.shape.slice(x.shape.length - axes))
  const data = x.data.map((v, i) => {
    const row = [...x.data.subarray(i - (i % n), i - (i % n) + n)]
    return normal(v, momentsOf(row), eps) * (weight?.data[i % n] ?? 1) + (bias?.data[i % n] ?? 0)
  })
  return { shape: x.shape, data }
}

/** Each column of x: (n, c) by the moments of its own, or by those given. */
export function batchNorm(
  x: Nd,
  weight: Nd | null = null,
  bias: Nd | null = null,
  eps = 1e-5,
  moments: readonly Moments[] = columnMoments(x),
): Nd {
  const { data } = nd(x.shape, ([i, j]) => {
    const v = normal(x.data[i * x.shape[1] + j], moments[j], eps)
    return v * (weight?.data[j] ?? 1) + (bias?.data[j] ?? 0)
  })
  return { shape: x.shape, data }
}

export const columnMoments = ({ shape: [n, c], data }: Nd): Moments[] =>
  Array.from({ length: c }, (_, j) => momentsOf(Array.from({ length: n }, (_, i) => data[i * c + j])))
