/** How well samples fit a distribution. */

/** How many standard deviations of a normal number are passed, on one side, once in 30,000 times. */
export const FAR = 4

/**
 * What `chiSquare` of so many degrees of freedom passes as rarely: E. B. Wilson, M. M. Hilferty, "The Distribution of
 * Chi-Square" (1931).
 */
export function chiSquareLimit(freedom: number): number {
  const v = 2 / (9 * freedom)
  return freedom * (1 - v + FAR * Math.sqrt(v)) ** 3
}

/** What `kolmogorovSmirnov` of n numbers passes as rarely. */
export const kolmogorovLimit = (n: number) => Math.sqrt(Math.log(2 * 30_000) / 2 / n)

/** How far two samples are from uncorrelated, in standard deviations. */
export function correlation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const n = a.length
  const mean = (x: ArrayLike<number>) => Array.from(x).reduce((sum, v) => sum + v, 0) / n
  const [meanA, meanB] = [mean(a), mean(b)]
  let [ab, aa, bb] = [0, 0, 0]
  for (let i = 0; i < n; i++) {
    const [da, db] = [a[i] - meanA, b[i] - meanB]
    ab += da * db
    aa += da * da
    bb += db * db
  }
  return (ab / Math.sqrt(aa * bb)) * Math.sqrt(n)
}

/** Pearson's statistic: how far counts are from one `expected` for all. */
export function chiSquare(counts: number[], expected: number): number {
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
}

/** The largest distance between the sample's distribution and the one given. */
export function kolmogorovSmirnov(sample: Float32Array, distribution: (x: number) => number): number {
  const n = sample.length
  return sample
    .slice()
    .sort()
    .reduce((max, x, i) => {
      const p = distribution(x)
      return Math.max(max, p - i / n, (i + 1) / n - p)
    }, 0)
}

/** Of mean 0 and variance 1. Abramowitz and Stegun 7.1.26: good to 1e-7. */
export function normalDistribution(x: number): number {
  const t = 1 / (1 + (0.3275911 * Math.abs(x)) / Math.SQRT2)
  const p = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t
  const tail = (p * Math.exp((-x * x) / 2)) / 2
  return x < 0 ? tail : 1 - tail
}
