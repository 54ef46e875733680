/** How well samples fit a distribution. */

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
