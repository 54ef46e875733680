import { beforeEach, describe, expect, it } from 'vitest'
import { atEndOfMemory, input, pairs, random } from './data.ts'
import { alloc, EDGE_LENGTHS, expectCanaries, f32, k, readF32, reset } from './harness.ts'

beforeEach(reset)

/** (outer, n, inner) */
const SHAPES: [number, number, number][] = [
  ...EDGE_LENGTHS.map((n): [number, number, number] => [3, n, 1]),
  ...EDGE_LENGTHS.map((inner): [number, number, number] => [2, 5, inner]),
  [2, 1000, 3],
  [0, 3, 2],
]

/** In float64, one element after another in the order of `along`, rounded once each. */
function sums(x: Float32Array, outer: number, n: number, inner: number, along: (j: number) => number): Float32Array {
  const y = new Float32Array(x.length)
  for (let o = 0; o < outer; o++)
    for (let i = 0; i < inner; i++) {
      let total = 0
      for (let j = 0; j < n; j++) {
        const at = (o * n + along(j)) * inner + i
        total += x[at]!
        y[at] = total
      }
    }
  return y
}

describe.each(SHAPES)('of (%d, %d, %d)', (outer, n, inner) => {
  // Of sizes so far apart that another order, or float32, would show.
  const x = random(outer * n * inner).map((v, i) => v * 10 ** (i % 9))

  it('cumsum adds in float64 from the first element on, and rounds once', () => {
    const y = alloc(x.length * 4, 4)
    k.cumsum(input(x, 8), y, outer, n, inner)
    expect(readF32(y, x.length)).toEqual(sums(x, outer, n, inner, (j) => j))
    expectCanaries()
  })

  it('cumsumGrad adds from the last element on', () => {
    for (const beta of [0, 1]) {
      reset()
      const before = random(x.length, 2)
      const dx = beta ? f32(before, 4) : alloc(x.length * 4, 4)
      k.cumsumGrad(input(x, 8), dx, outer, n, inner, beta)
      const added = sums(x, outer, n, inner, (j) => n - 1 - j)
      expect(readF32(dx, x.length)).toEqual(beta ? added.map((v, i) => v + before[i]!) : added)
      expectCanaries()
    }
  })
})

it.each(pairs([1, 5], [1, 5]))('reads at most 12 bytes past x: (1, %d, %d)', (n, inner) => {
  const x = atEndOfMemory(n * inner * 4)
  k.fillF32(x, n * inner, 1)
  const y = alloc(n * inner * 4)
  k.cumsum(x, y, 1, n, inner)
  expect(readF32(y, n * inner)[n * inner - 1]).toBe(n)
  k.cumsumGrad(x, y, 1, n, inner, 0)
  expect(readF32(y, n * inner)[0]).toBe(n)
})
