/** What is measured: in every case of every suite neyron and the baseline compute the same. */
import { describe, expect, test } from 'vitest'
import { casesOf, SUITES } from '../bench/support/contender.ts'

describe.each(SUITES)('the suite %s', async (suite) => {
  test.each(await casesOf(suite))('computes $name alike', ({ neyron, baseline }) => {
    const [actual, expected] = [neyron().result(), baseline().result()]
    expect(actual.length).toBe(expected.length)
    let worst = 0
    for (let i = 0; i < expected.length; i++)
      worst = Math.max(worst, Math.abs(actual[i] - expected[i]) / (1e-4 + 1e-4 * Math.abs(expected[i])))
    expect(worst).toBeLessThan(1)
  })
})
