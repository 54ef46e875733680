import { beforeEach, describe, expect, it } from 'vitest'
import { atEndOfMemory, input, pairs, random } from './data.ts'
import { column, columnScratch, expectSums, FOLD_SHAPES, gradients, outputs } from './fold.ts'
import { alloc, expectCanaries, f32, k, readF32, readI32, reset } from './harness.ts'

beforeEach(reset)

const magnitudes = (xs: readonly number[]) => xs.map(Math.abs)

const EXTREMES = [
  { op: 'max', f: (xs: readonly number[]) => Math.max(...xs) },
  { op: 'min', f: (xs: readonly number[]) => Math.min(...xs) },
  { op: 'maxAbs', f: (xs: readonly number[]) => Math.max(...magnitudes(xs)) },
  { op: 'minAbs', f: (xs: readonly number[]) => Math.min(...magnitudes(xs)) },
] as const

describe.each(EXTREMES)('$op', ({ op, f }) => {
  it.each(FOLD_SHAPES)('is exact, and NaN where there is one, (%d, %d, %d)', (outer, n, inner) => {
    const clean = random(outer * n * inner)
    const rare = random(outer * n * inner, 9, 0, 1)
    for (const x of [clean, clean.map((v, at) => (rare[at]! * n < 0.5 ? NaN : v)), clean.map(() => NaN)]) {
      reset()
      const y = alloc(outer * inner * 4, 4)
      k[op](input(x, 8), y, outer, n, inner)
      expect(readF32(y, outer * inner)).toEqual(
        Float32Array.from(outputs(outer, inner, (o, i) => f(column(x, n, inner, o, i)))),
      )
      expectCanaries()
    }
  })
})

describe.each([
  { op: 'extremeGrad', of: 'max', magnitude: (v: number) => v, slope: () => 1 },
  { op: 'extremeGrad', of: 'min', magnitude: (v: number) => v, slope: () => 1 },
  { op: 'extremeAbsGrad', of: 'maxAbs', magnitude: Math.abs, slope: (v: number) => Math.sign(v) || 0 },
  { op: 'extremeAbsGrad', of: 'minAbs', magnitude: Math.abs, slope: (v: number) => Math.sign(v) || 0 },
] as const)('$op of $of', ({ op, of, magnitude, slope }) => {
  it.each(FOLD_SHAPES)('is shared evenly among equals, among NaN too, (%d, %d, %d)', (outer, n, inner) => {
    const ties = random(outer * n * inner, 5, -2, 2).map(Math.floor)
    const rare = random(outer * n * inner, 9, 0, 1)
    const withNaN = ties.map((v, at) => (rare[at]! * n < 0.7 ? NaN : v))
    for (const [x, beta] of pairs([ties, withNaN], [0, 1])) {
      reset()
      const y = alloc(outer * inner * 4)
      const from = input(x, 8)
      k[of](from, y, outer, n, inner)
      const extremes = readF32(y, outer * inner)
      const dy = random(outer * inner)
      const before = random(outer * n * inner, 2)
      const dx = beta ? f32(before, 4) : alloc(outer * n * inner * 4, 4)
      k[op](from, input(extremes), input(dy), dx, columnScratch(inner, 4), outer, n, inner, beta)
      const isExtreme = (v: number, at: number) => Object.is(magnitude(v) + 0, extremes[at]! + 0)
      const exact = gradients(outer, n, inner, (o, i) => {
        const at = o * inner + i
        const xs = column(x, n, inner, o, i)
        const share = dy[at]! / xs.filter((v) => isExtreme(v, at)).length
        return (j) => (isExtreme(xs[j]!, at) ? share * slope(xs[j]!) : 0)
      })
      expectSums(readF32(dx, before.length), exact, beta ? before : null)
      expectCanaries()
    }
  })
})

describe.each([
  { op: 'argmax', sign: 1 },
  { op: 'argmin', sign: -1 },
] as const)('$op', ({ op, sign }) => {
  const reference = (xs: number[]) => {
    const nan = xs.findIndex(Number.isNaN)
    return nan >= 0 ? nan : xs.indexOf(sign * xs.reduce((best, v) => Math.max(best, sign * v), -Infinity))
  }
  const check = (x: Float32Array, outer: number, n: number, inner: number) => {
    reset()
    const y = alloc(outer * inner * 4, 4)
    k[op](input(x, 8), y, outer, n, inner)
    const expected = outputs(outer, inner, (o, i) => reference(column(x, n, inner, o, i)))
    expect([...readI32(y, outer * inner)]).toEqual(expected)
    expectCanaries()
  }
  const shapes = FOLD_SHAPES.filter(([, n]) => n > 0)

  it.each(shapes)('finds the extreme, (%d, %d, %d)', (outer, n, inner) => {
    check(random(outer * n * inner), outer, n, inner)
  })

  it.each(shapes)('takes the first of equals, (%d, %d, %d)', (outer, n, inner) => {
    check(random(outer * n * inner, 5, 0, 2).map(Math.floor), outer, n, inner)
    check(new Float32Array(outer * n * inner).fill(-sign * Infinity), outer, n, inner)
    check(
      random(outer * n * inner, 5, -1, 1).map((v) => (v < 0 ? -0 : 0)),
      outer,
      n,
      inner,
    )
  })

  it.each(shapes)('takes NaN for the extreme, and the first of them, (%d, %d, %d)', (outer, n, inner) => {
    const x = random(outer * n * inner)
    const nan = random(outer * n * inner, 9, 0, 1)
    check(
      x.map((v, at) => (nan[at]! < 0.2 ? NaN : nan[at]! < 0.4 ? sign * Infinity : v)),
      outer,
      n,
      inner,
    )
    check(x.fill(NaN), outer, n, inner)
  })
})

it('reads at most 12 bytes past x', () => {
  const x = atEndOfMemory(5 * 4)
  k.fillF32(x, 5, 2)
  const y = alloc(20)
  k.max(x, y, 1, 5, 1)
  expect(readF32(y, 1)[0]).toBe(2)
  k.min(x, y, 1, 1, 5)
  expect([...readF32(y, 5)]).toEqual([2, 2, 2, 2, 2])
  k.argmax(x, y, 1, 5, 1)
  expect(readI32(y, 1)[0]).toBe(0)
  k.argmin(x, y, 1, 1, 5)
  expect([...readI32(y, 5)]).toEqual([0, 0, 0, 0, 0])
})
