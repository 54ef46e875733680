/** What the golden files rest on: equal formulas on both sides, a rule that can fail, and a size that stays small. */
import { readdirSync, statSync } from 'node:fs'
import { expect, test } from 'vitest'
import { compare, ulp } from './compare.ts'
import { type Formula, fill, sampled } from './formula.ts'
import { type Golden, read } from './read.ts'

test.each(read<{ readonly formula: Formula }>('formulas'))('$case is the same in Python', ({ formula, results }) => {
  const [{ shape, want }] = results
  const all = fill(formula, shape[0])
  expect(sampled(shape[0], want.length, 1).map((i) => all[i])).toEqual([...want])
})

const golden = (want: number[], rest: Partial<Golden> = {}): Golden => ({
  name: 'y',
  shape: [want.length],
  dtype: 'float32',
  want: Float64Array.from(want),
  terms: null,
  errors: [0],
  exact: false,
  ...rest,
})

const wrong = (want: number[], got: number[], rest?: Partial<Golden>) => compare(golden(want, rest), got).wrong.length

test('a value may be 2 ULP of its largest term off, or 4 times as far as PyTorch', () => {
  const u = 2 ** -23
  expect(wrong([1], [1 + 2 * u])).toBe(0)
  expect(wrong([1], [1 + 3 * u])).toBe(1)
  expect(wrong([1], [1 + 3 * u], { terms: Float32Array.of(2) })).toBe(0)
  expect(wrong([1], [1 + 5 * u], { terms: Float32Array.of(2) })).toBe(1)
  expect(wrong([1], [1 + 12 * u], { errors: [3] })).toBe(0)
  expect(wrong([1], [1 + 13 * u], { errors: [3] })).toBe(1)
  expect(wrong([1, 1], [1 + 12 * u, 1 + 12 * u], { errors: [3, 0] })).toBe(1)
  expect(wrong([1], [1 + u], { exact: true })).toBe(1)
})

test('NaN and infinities must be where they are in PyTorch', () => {
  const special = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1, 1e39]
  expect(
    wrong(special, [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1, Number.POSITIVE_INFINITY]),
  ).toBe(0)
  for (const got of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    const kept = special.filter((want) => Object.is(Math.fround(want), got)).length
    expect(
      wrong(
        special,
        special.map(() => got),
      ),
    ).toBe(special.length - kept)
  }
})

test('an ULP is the distance to the next float32, also among denormals and at the end', () => {
  expect([0, 2 ** -149, 2 ** -126, 1, 1.5, 2, 1e39].map(ulp)).toEqual(
    [-149, -149, -149, -23, -23, -22, 104].map((exponent) => 2 ** exponent),
  )
})

test('the files are smaller than 3 MB', () => {
  const folder = new URL('data/', import.meta.url)
  const bytes = readdirSync(folder).reduce((sum, name) => sum + statSync(new URL(name, folder)).size, 0)
  expect(bytes).toBeLessThan(3e6)
})
