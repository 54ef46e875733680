import { beforeEach, describe, expect, it } from 'vitest'
import { atEndOfMemory, input, inputI32, random } from './data.ts'
import { alloc, EDGE_LENGTHS, expectCanaries, k, readI32, reset } from './harness.ts'

beforeEach(reset)

type Sorter = 'argsortF32' | 'argsortI32'

/** The k first indices of each line, by the stable sort of the engine. */
function reference(x: ArrayLike<number>, outer: number, n: number, inner: number, count: number, descending: number) {
  const sign = descending ? -1 : 1
  // NaN above Infinity; -0 + 0 is 0.
  const compare = (a: number, b: number) => {
    if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b))
    return a < b ? -1 : Number(a > b)
  }
  const y = new Int32Array(outer * count * inner)
  for (let o = 0; o < outer; o++)
    for (let i = 0; i < inner; i++) {
      const line = Array.from({ length: n }, (_, j) => x[(o * n + j) * inner + i]!)
      const order = [...line.keys()].sort((a, b) => sign * compare(line[a]!, line[b]!))
      for (let j = 0; j < count; j++) y[(o * count + j) * inner + i] = order[j]!
    }
  return y
}

function check(sort: Sorter, x: Float32Array | Int32Array, outer: number, n: number, inner: number, counts = [n]) {
  for (const count of counts)
    for (const descending of [0, 1]) {
      reset()
      const p = sort === 'argsortF32' ? input(x, 8) : inputI32(x)
      const y = alloc(outer * count * inner * 4, 4)
      k[sort](p, y, alloc(k.argsortScratch(n)), outer, n, inner, count, descending)
      const expected = reference(x, outer, n, inner, count, descending)
      expect(readI32(y, expected.length)).toEqual(expected)
      expectCanaries()
    }
}

const LENGTHS = [...EDGE_LENGTHS, 31, 32, 33, 34, 255, 4099]

describe.each(LENGTHS)('of %d elements', (n) => {
  it('orders floats', () => {
    check('argsortF32', random(n), 1, n, 1)
    check(
      'argsortF32',
      random(n).map((v, i) => v * 10 ** ((i % 70) - 35)),
      1,
      n,
      1,
    )
  })

  it('orders integers of all sizes', () => {
    check(
      'argsortI32',
      Int32Array.from(random(n, 3, -1, 1), (v) => v * 2 ** 31),
      1,
      n,
      1,
    )
    check('argsortI32', Int32Array.from(random(n, 3, -300, 300)), 1, n, 1)
    check('argsortI32', Int32Array.from(random(n, 3, -(2 ** 24), 2 ** 24)), 1, n, 1)
  })

  it('keeps equal elements in their order', () => {
    check('argsortF32', random(n, 5, 0, 3).map(Math.floor), 1, n, 1)
    check('argsortI32', new Int32Array(n).fill(-7), 1, n, 1)
  })

  it('in both directions, from rows that are in order already', () => {
    check(
      'argsortF32',
      Float32Array.from({ length: n }, (_, i) => i),
      1,
      n,
      1,
    )
    check(
      'argsortI32',
      Int32Array.from({ length: n }, (_, i) => -i),
      1,
      n,
      1,
    )
  })

  it('gives the first few', () => {
    const counts = [0, 1, 5, 32, 33].filter((count) => count <= n)
    check('argsortF32', random(n), 1, n, 1, counts)
    check('argsortF32', random(n, 5, 0, 3).map(Math.floor), 1, n, 1, counts)
    check('argsortI32', new Int32Array(n).fill(2 ** 31 - 1), 1, n, 1, counts)
  })
})

it.each([
  [3, 5, 1],
  [2, 5, 3],
  [2, 40, 3],
  [3, 1, 4],
  [0, 3, 2],
  [2, 3, 0],
])('orders lines of (%d, %d, %d)', (outer, n, inner) => {
  check('argsortF32', random(outer * n * inner), outer, n, inner, [n, Math.min(n, 2)])
  check('argsortI32', Int32Array.from(random(outer * n * inner, 2, -9, 9)), outer, n, inner, [n, Math.min(n, 2)])
})

describe.each([9, 50])('of %d special values', (n) => {
  const specials = [0, -0, Infinity, -Infinity, NaN, 1e-45, -1e-45, 3.4e38, -3.4e38]

  it('has NaN above Infinity, and both zeros equal', () => {
    const x = Float32Array.from({ length: n }, (_, i) => specials[(i * 5) % 9]!)
    check('argsortF32', x, 1, n, 1)
    check('argsortF32', x, 1, n, 1, [3])
  })

  it('takes every NaN for the same, whatever its sign and bits', () => {
    const bits = Int32Array.from({ length: n }, (_, i) => [0x7fc00000, -1, 0x7f800001, 0x7fffffff, -0x7fffff][i % 5]!)
    for (const descending of [0, 1]) {
      reset()
      const y = alloc(n * 4)
      k.argsortF32(inputI32(bits), y, alloc(k.argsortScratch(n)), 1, n, 1, n, descending)
      expect([...readI32(y, n)]).toEqual([...bits.keys()])
    }
  })
})

it('asks for the largest i32 where an i32 cannot say how much scratch there must be', () => {
  expect(k.argsortScratch(10 ** 8)).toBeGreaterThan(16 * 10 ** 8)
  for (const n of [2 ** 27 - 1, 2 ** 27, 2 ** 31 - 1]) expect(k.argsortScratch(n)).toBe(2 ** 31 - 1)
})

it.each([5, 37])('reads at most 12 bytes past %d elements', (n) => {
  const x = atEndOfMemory(n * 4)
  k.fillF32(x, n, 1)
  const y = alloc(n * 4)
  for (const sort of ['argsortF32', 'argsortI32'] as const) {
    k[sort](x, y, alloc(k.argsortScratch(n)), 1, n, 1, n, 1)
    expect([...readI32(y, n)]).toEqual([...Array(n).keys()])
  }
})
