import { beforeEach, describe, expect, it } from 'vitest'
import { input, pairs, random } from './data.ts'
import { column, columnScratch, exactSum, expectSums, FOLD_SHAPES, gradients, outputs } from './fold.ts'
import { alloc, expectCanaries, f32, k, readF32, reset, ulp } from './harness.ts'

beforeEach(reset)

/** The norm of order p, of elements scaled so that nothing overflows. */
function norm(xs: readonly number[], p: number): number {
  if (p === 0) return xs.filter((v) => v !== 0).length
  const magnitudes = xs.map(Math.abs)
  const scale = p > 0 ? Math.max(0, ...magnitudes) : Math.min(...magnitudes)
  return scale === 0 || scale === Infinity
    ? scale
    : scale * exactSum(magnitudes.map((v) => (v / scale) ** p)) ** (1 / p)
}

const forward = (p: number, x: number[] | Float32Array, outer: number, n: number, inner: number): Float32Array => {
  const y = alloc(outer * inner * 4, 4)
  const from = input(x, 8)
  if (p === 0 || p === 1 || p === 2) k[`norm${p}`](from, y, outer, n, inner)
  else k.normP(from, y, outer, n, inner, p)
  return readF32(y, outer * inner)
}

const shapes = FOLD_SHAPES.filter(([, n]) => n > 0)

describe.each([0, 1, 2, 3, 20, 0.5, -1, -20])('the norm of order %d', (p) => {
  it.each(shapes)('is within 1 ULP, (%d, %d, %d)', (outer, n, inner) => {
    for (const size of [1, 1e30, 1e-30]) {
      reset()
      const x = random(outer * n * inner).map((v, at) => (p >= 0 && at % 3 === 0 ? 0 : v * size))
      const exact = outputs(outer, inner, (o, i) => norm(column(x, n, inner, o, i), p))
      const y = forward(p, x, outer, n, inner)
      expect(Math.max(0, ...y.map((v, at) => ulp(v, exact[at]!)))).toBeLessThanOrEqual(1)
      expectCanaries()
    }
  })

  it('is 0 of zeros, and NaN with a NaN', () => {
    expect([...forward(p, [0, 0, 0], 1, 3, 1)]).toEqual([0])
    if (p !== 0) expect(forward(p, [1, NaN, 0, 0, 2, NaN], 1, 3, 2)[1]).toBeNaN()
  })
})

describe.each([1, 2, 3, 20, 0.5, -1, -20])('the gradient of the norm of order %d', (p) => {
  it.each(shapes)('is dy (|x| / y)^(p - 1) with the sign of x, (%d, %d, %d)', (outer, n, inner) => {
    for (const [size, beta] of pairs([1, 1e30, 1e-30], [0, 1])) {
      reset()
      const x = random(outer * n * inner).map((v, at) => (p >= 1 && at % 3 === 0 ? 0 : v * size))
      const y = Float32Array.from(outputs(outer, inner, (o, i) => norm(column(x, n, inner, o, i), p)))
      const dy = random(outer * inner)
      const before = random(outer * n * inner, 2)
      const dx = beta ? f32(before, 4) : alloc(outer * n * inner * 4, 4)
      const from = input(x, 8)
      if (p === 1) k.norm1Grad(from, input(dy), dx, outer, n, inner, beta)
      else if (p === 2) k.norm2Grad(from, input(y), input(dy), dx, outer, n, inner, beta)
      else k.normPGrad(from, input(y), input(dy), dx, columnScratch(inner, 16), outer, n, inner, beta, p)
      const exact = gradients(outer, n, inner, (o, i) => (j) => {
        const v = x[(o * n + j) * inner + i]!
        const at = o * inner + i
        return v === 0 ? 0 : dy[at]! * Math.sign(v) * (Math.abs(v) / y[at]!) ** (p - 1)
      })
      expectSums(readF32(dx, before.length), exact, beta ? before : null)
      expectCanaries()
    }
  })
})
