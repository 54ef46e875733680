/** Element-wise functions in float64 that JavaScript lacks, or has with other special values. */

/** 2 / sqrt(pi) e^(-x²) (x + 2 x³ / 3 + 4 x⁵ / 15 + …), a series in which nothing cancels (DLMF 7.6.2). */
export function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x)
  let [sum, term] = [x, x]
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1)
    sum += term
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum
}

/** The nearest whole number, of two the even one. */
export function round(x: number): number {
  const up = Math.round(x)
  return up - x === 0.5 && up % 2 !== 0 ? up - 1 : up
}

/** 0 for zeros of both signs, and for NaN. */
export const sign = (x: number): number => (x > 0 ? 1 : x < 0 ? -1 : 0)

/** `Math.pow` knows no 1 ** Infinity, which in C is 1. */
export const power = (exponent: number) => (x: number) =>
  Math.abs(x) === 1 && Math.abs(exponent) === Infinity ? 1 : x ** exponent

export const clamp = (low: number, high: number) => (x: number) => {
  const raised = x < low ? low : x
  return raised > high ? high : raised
}
