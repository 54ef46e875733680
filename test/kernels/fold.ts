/** Shapes and references for reductions along the middle axis of (outer, n, inner). */
import { expect } from 'vitest'
import type { Ptr } from '../../src/runtime/kernels.generated.ts'
import { alloc, EDGE_LENGTHS } from './harness.ts'

/** (outer, n, inner) */
export const FOLD_SHAPES: [number, number, number][] = [
  ...EDGE_LENGTHS.map((n): [number, number, number] => [1, n, 1]),
  ...EDGE_LENGTHS.map((n): [number, number, number] => [3, n, 1]),
  ...EDGE_LENGTHS.map((inner): [number, number, number] => [1, 5, inner]),
  ...EDGE_LENGTHS.filter((n) => n < 20).map((n): [number, number, number] => [2, n, 7]),
  [1, 32, 128],
  [1, 32, 10],
  [0, 3, 2],
  [1, 4096, 1],
  [2, 4097, 1],
  [1, 9000, 3],
]

/** Exact but for one rounding to float64: a compensated sum. */
export function exactSum(xs: Iterable<number>): number {
  let [total, lost] = [0, 0]
  for (const x of xs) {
    const t = total + x
    lost += Math.abs(total) >= Math.abs(x) ? total - t + x : x - t + total
    total = t
  }
  return total + lost
}

export const column = (x: Float32Array, n: number, inner: number, o: number, i: number) =>
  Array.from({ length: n }, (_, j) => x[(o * n + j) * inner + i]!)

export const outputs = <T>(outer: number, inner: number, f: (o: number, i: number) => T): T[] =>
  Array.from({ length: outer * inner }, (_, at) => f(Math.floor(at / inner), at % inner))

/** The gradient of each element of x: (outer, n, inner), by a function of j for each output. */
export function gradients(outer: number, n: number, inner: number, f: (o: number, i: number) => (j: number) => number) {
  const along = outputs(outer, inner, f)
  return Array.from({ length: outer * n * inner }, (_, at) =>
    along[Math.floor(at / (n * inner)) * inner + (at % inner)]!(Math.floor(at / inner) % n),
  )
}

/** Fails unless each value is within a few roundings of the exact one, added to what was there `before`. */
export function expectSums(actual: Float32Array, exact: readonly number[], before: Float32Array | null): void {
  expect(actual).toHaveLength(exact.length)
  exact.forEach((v, at) => {
    const there = before?.[at] ?? 0
    const bound = 2 ** -22 * Math.abs(v) + 2 ** -23 * Math.abs(there) + 2 ** -149
    const value = actual[at]!
    if (!(Math.abs(value - (v + there)) <= bound || Object.is(value, v + there)))
      expect.fail(`element ${at} is ${value}, not ${v + there}, give or take ${bound}`)
  })
}

/** Scratch memory of so many bytes for each column, in whole fours. */
export const columnScratch = (inner: number, bytes: number): Ptr => alloc(Math.ceil(inner / 4) * 4 * bytes)
