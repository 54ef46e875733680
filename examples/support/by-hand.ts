/** The layers of a deep network on plain arrays: each gives its result, and a function from its gradient to the input's. */
import { columnSums, type Matrix, map, times, transposed } from './arrays.ts'

export type Step = [y: Matrix, back: (dy: Matrix) => Matrix]

const EPS = 1e-5

/** y = x wᵀ + b: dx = dy w, dw = dyᵀ x, db = the sum of dy over the rows. */
export function linear(x: Matrix, w: Matrix, [b]: Matrix, grads: Matrix[]): Step {
  const back = (dy: Matrix) => {
    grads.unshift(times(transposed(dy), x), [columnSums(dy)])
    return times(dy, w)
  }
  return [map(times(x, transposed(w)), (value, _, j) => value + b[j]), back]
}

/** y = γ x̂ + β, x̂ = (x - mean) / √(variance + ε) over the batch: dx = γ / √(…) (dy - mean(dy) - x̂ mean(dy x̂)). */
export function batchNorm(x: Matrix, [gamma]: Matrix, [beta]: Matrix, grads: Matrix[]): Step {
  const mean = columnSums(x).map((total) => total / x.length)
  const variance = columnSums(map(x, (value, _, j) => (value - mean[j]) ** 2)).map((total) => total / x.length)
  const hat = map(x, (value, _, j) => (value - mean[j]) / Math.sqrt(variance[j] + EPS))
  const back = (dy: Matrix) => {
    const [dGamma, dBeta] = [columnSums(map(dy, (d, i, j) => d * hat[i][j])), columnSums(dy)]
    grads.unshift([dGamma], [dBeta])
    const pull = (i: number, j: number) => (dBeta[j] + hat[i][j] * dGamma[j]) / x.length
    return map(dy, (d, i, j) => (gamma[j] / Math.sqrt(variance[j] + EPS)) * (d - pull(i, j)))
  }
  return [map(hat, (value, _, j) => gamma[j] * value + beta[j]), back]
}

/** y = x gate, element by element: 0 or 1 for ReLU, 0 or 1 / (1 - p) for dropout. */
export function gated(x: Matrix, gate: Matrix): Step {
  return [map(x, (value, i, j) => value * gate[i][j]), (dy) => map(dy, (d, i, j) => d * gate[i][j])]
}
