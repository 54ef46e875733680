import { beforeEach, describe, expect, it } from 'vitest'
import { input, pairs, random } from './data.ts'
import { column, columnScratch, exactSum, expectSums, FOLD_SHAPES, gradients, outputs } from './fold.ts'
import { alloc, expectCanaries, f32, k, readF32, reset, ulp } from './harness.ts'

beforeEach(reset)

/** Numbers round `middle`, which float32 holds in steps of up to 2^-4 for the largest. */
const around = (middle: number, n: number) => random(n, 3).map((v) => middle + v)

const meanOf = (xs: readonly number[]) => exactSum(xs) / xs.length
const squaresOf = (xs: readonly number[], mean = meanOf(xs)) => exactSum(xs.map((v) => (v - mean) ** 2))

const shapes = FOLD_SHAPES.filter(([, n]) => n > 0)

describe.each([
  { op: 'variance', root: (v: number) => v },
  { op: 'std', root: Math.sqrt },
] as const)('$op', ({ op, root }) => {
  it.each(shapes)('is within 1 ULP, near 0 and far from it, (%d, %d, %d)', (outer, n, inner) => {
    for (const middle of [0, 1e6]) {
      reset()
      const x = around(middle, outer * n * inner)
      const y = alloc(outer * inner * 4, 4)
      k[op](input(x, 8), y, columnScratch(inner, 8), outer, n, inner, n - 0.5)
      const exact = outputs(outer, inner, (o, i) => root(squaresOf(column(x, n, inner, o, i)) / (n - 0.5)))
      expect(Math.max(0, ...readF32(y, outer * inner).map((v, at) => ulp(v, exact[at]!)))).toBeLessThanOrEqual(1)
      expectCanaries()
    }
  })

  it('is 0 where all are equal', () => {
    const y = alloc(12)
    k[op](f32(new Float32Array(9999).fill(0.1)), y, columnScratch(1, 8), 1, 9999, 1, 9998)
    expect(readF32(y, 1)[0]).toBe(0)
    k[op](f32(new Float32Array(9999).fill(-1e10 / 3)), y, columnScratch(3, 8), 1, 3333, 3, 3332)
    expect([...readF32(y, 3)]).toEqual([0, 0, 0])
  })

  it.each(FOLD_SHAPES)('has a gradient that keeps its digits far from 0, (%d, %d, %d)', (outer, n, inner) => {
    for (const [middle, beta] of pairs([0, 1e6], [0, 1])) {
      reset()
      const x = around(middle, outer * n * inner)
      const y = outputs(outer, inner, (o, i) => root(squaresOf(column(x, n, inner, o, i)) / n))
      const dy = random(outer * inner)
      const before = random(outer * n * inner, 2)
      const dx = beta ? f32(before, 4) : alloc(outer * n * inner * 4, 4)
      const scratch = columnScratch(inner, 16)
      k[`${op}Grad`](input(x, 8), input(y), input(dy), dx, scratch, outer, n, inner, beta, n)
      const exact = gradients(outer, n, inner, (o, i) => {
        const xs = column(x, n, inner, o, i)
        const at = o * inner + i
        const mean = meanOf(xs)
        const slope = op === 'variance' ? 2 : y[at] === 0 ? 0 : 1 / Math.fround(y[at]!)
        return (j) => ((dy[at]! * slope) / n) * (xs[j]! - mean)
      })
      expectSums(readF32(dx, before.length), exact, beta ? before : null)
      expectCanaries()
    }
  })
})
