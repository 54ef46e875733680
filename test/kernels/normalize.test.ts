import { beforeEach, describe, expect, it } from 'vitest'
import { input, pairs, random } from './data.ts'
import { column, columnScratch, exactSum, expectSums } from './fold.ts'
import { alloc, EDGE_LENGTHS, expectCanaries, f32, i32, k, readF32, readI32, reset, ulp } from './harness.ts'

beforeEach(reset)

const EPS = 1e-5
/** How far numbers lie from 0, at a spread of about 1: a float32 mean would be off by up to 1/32 at the last. */
const MIDDLES = [0, 1e6]

const SHAPES: [number, number][] = [
  ...EDGE_LENGTHS.filter((n) => n > 0).map((n): [number, number] => [n, 3]),
  ...EDGE_LENGTHS.filter((c) => c < 20).map((c): [number, number] => [5, c]),
  [300, 1],
  [64, 33],
]

const around = (middle: number, n: number) => random(n, 3).map((v) => middle + v)

interface Moments {
  readonly mean: number
  readonly rstd: number
}

function momentsOf(xs: readonly number[]): Moments {
  const mean = exactSum(xs) / xs.length
  return { mean, rstd: 1 / Math.sqrt(exactSum(xs.map((v) => (v - mean) ** 2)) / xs.length + EPS) }
}

/** g less its mean and less its part along the distances from the mean of x: the gradient, but for a factor. */
function slopes(xs: readonly number[], g: readonly number[], { mean, rstd }: Moments): number[] {
  const share = exactSum(g) / g.length
  const bend = (exactSum(g.map((v, i) => v * (xs[i]! - mean))) / g.length) * rstd * rstd
  return g.map((v, i) => rstd * (v - share - (xs[i]! - mean) * bend))
}

/** Rounded once, and once more when it is added to what was there. Where terms cancel, what is left is as exact as they are. */
function near(actual: number, exact: number, terms: number, there = 0): void {
  const bound = 2 ** -24 * (Math.abs(exact) + (there ? Math.abs(exact + there) : 0)) * 1.001 + 1e-12 * terms
  expect(Math.abs(actual - (exact + there))).toBeLessThanOrEqual(bound)
}

describe.each(SHAPES)('batchNorm of (%d, %d)', (n, c) => {
  const weight = random(c, 5)
  const bias = random(c, 6)

  it('is within 1 ULP, and its gradients keep their digits, near 0 and far from it', () => {
    for (const [middle, beta] of pairs(MIDDLES, [0, 1])) {
      reset()
      const x = around(middle, n * c)
      const dy = random(n * c, 7)
      const xp = input(x, 4)
      const stats = columnScratch(c, 16)
      const y = alloc(n * c * 4, 8)
      k.batchStats(xp, stats, n, c)
      k.batchNorm(xp, input(weight), input(bias), stats, y, columnScratch(c, 8), n, c, EPS)
      const sums = columnScratch(c, 16)
      k.batchNormSums(xp, stats, input(dy, 8), sums, n, c)
      const before = random(n * c, 2)
      const [dx, dw, db] = [n * c, c, c].map((size) => (beta ? f32(before.slice(0, size), 4) : alloc(size * 4, 4)))
      k.batchNormGrad(xp, input(weight), stats, sums, input(dy), dx!, columnScratch(c, 24), n, c, beta, EPS)
      k.batchNormGradWeight(stats, sums, dw!, c, beta, EPS)
      k.batchNormGradBias(sums, db!, c, beta)
      const fixed = alloc(n * c * 4)
      k.batchNormGradFixed(input(weight), stats, input(dy), fixed, columnScratch(c, 8), n, c, 0, EPS)
      expectCanaries()
      const [ys, dxs, fixeds] = [y, dx!, fixed].map((p) => readF32(p, n * c))
      const there = (i: number) => (beta ? before[i]! : 0)
      const weights: number[] = []
      const biases: number[] = []
      for (let j = 0; j < c; j++) {
        const xs = column(x, n, c, 0, j)
        const g = column(dy, n, c, 0, j)
        const moments = momentsOf(xs)
        const { mean, rstd } = moments
        slopes(xs, g, moments).forEach((slope, i) => {
          const at = i * c + j
          const exact = (xs[i]! - mean) * rstd * weight[j]! + bias[j]!
          near(ys![at]!, exact, 1)
          near(dxs![at]!, slope * weight[j]!, 1e5 * rstd, there(at))
          near(fixeds![at]!, g[i]! * weight[j]! * rstd, 0)
        })
        weights.push(exactSum(g.map((v, i) => v * (xs[i]! - mean) * rstd)))
        biases.push(exactSum(g))
      }
      readF32(dw!, c).forEach((v, j) => {
        near(v, weights[j]!, 1e5, there(j))
      })
      expectSums(readF32(db!, c), biases, beta ? before.slice(0, c) : null)
    }
  })

  it('takes ones and zeros for a weight and a bias that are missing', () => {
    const xp = input(random(n * c, 3))
    const stats = columnScratch(c, 16)
    k.batchStats(xp, stats, n, c)
    const run = (weight: number[] | null, bias: number[] | null) => {
      const y = alloc(n * c * 4)
      const p = (data: number[] | null) => (data ? input(data) : 0) as typeof y
      k.batchNorm(xp, p(weight), p(bias), stats, y, columnScratch(c, 8), n, c, EPS)
      return readF32(y, n * c)
    }
    expect(run(null, null)).toEqual(run(new Array(c).fill(1), new Array(c).fill(0)))
    expect(run([...weight], null)).toEqual(run([...weight], new Array(c).fill(0)))
  })
})

describe.each(SHAPES.map(([n, c]): [number, number] => [c, n]))('layerNorm of (%d, %d)', (rows, n) => {
  const weight = random(n, 5)
  const bias = random(n, 6)

  it('is within 2 ULP of its terms, and its gradients keep their digits, near 0 and far from it', () => {
    for (const [middle, beta] of pairs(MIDDLES, [0, 1])) {
      reset()
      const x = around(middle, rows * n)
      const dy = random(rows * n, 7)
      const xp = input(x, 4)
      const stats = alloc(rows * 16)
      const y = alloc(rows * n * 4, 8)
      k.layerNorm(xp, input(weight), input(bias), y, stats, rows, n, EPS)
      const before = random(rows * n + n, 2)
      const [dx, dw] = [rows * n, n].map((size) => (beta ? f32(before.slice(0, size), 4) : alloc(size * 4, 4)))
      k.layerNormGrad(xp, input(weight, 4), stats, input(dy, 8), dx!, rows, n, beta)
      k.layerNormGradWeight(xp, stats, input(dy), dw!, columnScratch(n, 8), rows, n, beta)
      expectCanaries()
      const [ys, dxs] = [readF32(y, rows * n), readF32(dx!, rows * n)]
      const there = (i: number) => (beta ? before[i]! : 0)
      const weights = new Array<number>(n).fill(0)
      for (let r = 0; r < rows; r++) {
        const xs = [...x.subarray(r * n, (r + 1) * n)]
        const g = [...dy.subarray(r * n, (r + 1) * n)]
        const moments = momentsOf(xs)
        const { mean, rstd } = moments
        const slope = slopes(
          xs,
          g.map((v, i) => v * weight[i]!),
          moments,
        )
        xs.forEach((v, i) => {
          const normal = (v - mean) * rstd
          const exact = normal * weight[i]! + bias[i]!
          const largest = Math.max(Math.abs(normal * weight[i]!), Math.abs(exact))
          expect(Math.abs(ys[r * n + i]! - exact)).toBeLessThanOrEqual(2 ** -22 * largest + 1e-12)
          near(dxs[r * n + i]!, slope[i]!, 1e5 * rstd, there(r * n + i))
          weights[i]! += g[i]! * normal
        })
      }
      readF32(dw!, n).forEach((v, i) => {
        near(v, weights[i]!, 1e5, there(i))
      })
    }
  })
})

describe('updateRunning', () => {
  it.each([1, 3, 4, 5, 8])('moves %d means and variances, rounded once, and counts', (c) => {
    const [n, momentum] = [7, 0.3]
    const x = around(100, n * c)
    const stats = columnScratch(c, 16)
    k.batchStats(input(x), stats, n, c)
    const [mean, variance, count] = [f32(random(c, 8)), f32(random(c, 9)), i32([4])]
    k.updateRunning(stats, mean, variance, count, n, c, momentum, 0)
    expectCanaries()
    const [m, v] = [readF32(mean, c), readF32(variance, c)]
    for (let j = 0; j < c; j++) {
      const xs = column(x, n, c, 0, j)
      const found = momentsOf(xs)
      const unbiased = ((1 / found.rstd ** 2 - EPS) * n) / (n - 1)
      expect(ulp(m[j]!, 0.7 * random(c, 8)[j]! + 0.3 * found.mean)).toBeLessThanOrEqual(1)
      near(v[j]!, 0.7 * random(c, 9)[j]! + 0.3 * unbiased, 1)
    }
    expect(readI32(count, 1)[0]).toBe(5)
  })
})
