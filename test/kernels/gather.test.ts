import { beforeEach, describe, expect, it } from 'vitest'
import { atEndOfMemory, input, inputI32, random } from './data.ts'
import { alloc, EDGE_LENGTHS, expectCanaries, f32, i32, k, readF32, readU8, reset, u8 } from './harness.ts'

beforeEach(reset)

const ROWS = 6
const INDEX = [5, 0, 3, 3, 1]
const bytes = (n: number) => Uint8Array.from({ length: n }, (_, i) => (i * 37 + (i >> 4)) & 255)
const LENGTHS = [...EDGE_LENGTHS, 20, 31, 127, 128, 129, 784]

describe('gatherRows', () => {
  it.each(LENGTHS)('copies rows of %d bytes', (rowBytes) => {
    const data = bytes(ROWS * rowBytes)
    const y = alloc(INDEX.length * rowBytes, 3)
    k.gatherRows(u8(data), i32(INDEX), y, INDEX.length, rowBytes)
    const expected = INDEX.flatMap((row) => [...data.subarray(row * rowBytes, (row + 1) * rowBytes)])
    expect([...readU8(y, expected.length)]).toEqual(expected)
    expectCanaries()
  })

  it('of no rows writes nothing', () => {
    k.gatherRows(u8([1]), i32([]), alloc(0), 0, 1)
    expectCanaries()
  })
})

describe('gatherRowsU8', () => {
  it.each(LENGTHS)('widens rows of %d bytes', (cols) => {
    for (const scale of [1, 1 / 255]) {
      reset()
      const data = bytes(ROWS * cols)
      const y = alloc(INDEX.length * cols * 4, 4)
      k.gatherRowsU8(u8(data), i32(INDEX), y, INDEX.length, cols, scale)
      const factor = Math.fround(scale)
      const expected = INDEX.flatMap((row) =>
        [...data.subarray(row * cols, (row + 1) * cols)].map((v) => Math.fround(v * factor)),
      )
      expect([...readF32(y, expected.length)]).toEqual(expected)
      expectCanaries()
    }
  })

  it.each(LENGTHS.filter((n) => n > 0 && n < 150))('reads at most 12 bytes past a row of %d bytes', (cols) => {
    const x = atEndOfMemory(cols)
    k.fillU8(x, cols, 200)
    const y = alloc(cols * 4)
    k.gatherRowsU8(x, i32([0]), y, 1, cols, 0.5)
    expect(readF32(y, cols)).toEqual(new Float32Array(cols).fill(100))
  })
})

describe('findOutside', () => {
  it.each(EDGE_LENGTHS)('finds nothing in %d good indices, whatever lies behind', (n) => {
    const index = Array.from({ length: n }, (_, i) => i % 5)
    expect(k.findOutside(inputI32(index), n, 5)).toBe(-1)
  })

  it.each(EDGE_LENGTHS.filter((n) => n > 0 && n < 20))('finds the first of the bad among %d', (n) => {
    for (const bad of [5, 6, -1, 2 ** 31 - 1, -(2 ** 31)])
      for (let at = 0; at < n; at++) {
        reset()
        const index = Array.from({ length: n }, (_, i) => (i === at || i === n - 1 ? bad : i % 5))
        expect(k.findOutside(inputI32(index), n, 5)).toBe(at)
      }
  })

  it('takes no index for none', () => {
    expect(k.findOutside(inputI32([0]), 1, 0)).toBe(0)
    expect(k.findOutside(inputI32([]), 0, 0)).toBe(-1)
  })

  it('reads at most 12 bytes past the indices', () => {
    const index = atEndOfMemory(20)
    k.fillI32(index, 5, 3)
    expect(k.findOutside(index, 5, 4)).toBe(-1)
  })
})

describe('largestI32', () => {
  it('is the largest, wherever it is and below zero too', () => {
    expect(k.largestI32(i32([-9, -2, -5]), 3)).toBe(-2)
    expect(k.largestI32(i32([2 ** 31 - 1, 0]), 2)).toBe(2 ** 31 - 1)
    expect(k.largestI32(i32([1, 2, 3]), 2)).toBe(2)
    expect(k.largestI32(i32([]), 0)).toBe(-(2 ** 31))
  })
})

/** What `dx` holds when dy[j] is added to dx[index[j]] in order, in float32. */
function added(dx: Float32Array, index: readonly number[], dy: Float32Array): Float32Array {
  const sums = dx.slice()
  index.forEach((to, j) => {
    sums[to] = sums[to]! + dy[j]!
  })
  return sums
}

/** Picks of the same element that give another sum in another order. */
const TWICE = [1, 1, 4, 1, 0, 1]
const UNEVEN = [2 ** 24, 1, 3, 1, 5, -(2 ** 24)]

describe.each([0, 1])('gradients with beta %d', (beta) => {
  const OUTER = 2
  const N = 5

  it.each(EDGE_LENGTHS.filter((n) => n < 20))(
    'indexSelectGrad adds rows of %d in the order of the indices',
    (inner) => {
      const dy = random(OUTER * TWICE.length * inner).map((v, i) => v * UNEVEN[Math.floor(i / inner) % UNEVEN.length]!)
      const before = random(OUTER * N * inner, 2)
      const dx = beta ? f32(before, 4) : alloc(before.length * 4, 4)
      k.indexSelectGrad(i32(TWICE), input(dy, 8), dx, OUTER, N, TWICE.length, inner, beta)
      const rows = [...Array(OUTER * TWICE.length).keys()]
      const to = rows.flatMap((row) => {
        const o = Math.floor(row / TWICE.length)
        return Array.from({ length: inner }, (_, i) => (o * N + TWICE[row % TWICE.length]!) * inner + i)
      })
      expect(readF32(dx, before.length)).toEqual(added(beta ? before : new Float32Array(before.length), to, dy))
      expectCanaries()
    },
  )

  it.each([1, 3])('gatherGrad adds in the order of the indices, %d apart', (inner) => {
    const m = TWICE.length
    const index = Array.from({ length: OUTER * m * inner }, (_, at) => TWICE[Math.floor(at / inner) % m]!)
    const dy = Float32Array.from(index, (_, at) => UNEVEN[Math.floor(at / inner) % m]!)
    const before = random(OUTER * N * inner, 2)
    const dx = beta ? f32(before, 4) : alloc(before.length * 4, 4)
    k.gatherGrad(i32(index), input(dy), dx, OUTER, N, m, inner, beta)
    const to = index.map((j, at) => (Math.floor(at / (m * inner)) * N + j) * inner + (at % inner))
    expect(readF32(dx, before.length)).toEqual(added(beta ? before : new Float32Array(before.length), to, dy))
    expectCanaries()
  })
})
