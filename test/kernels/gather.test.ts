import { beforeEach, describe, expect, it } from 'vitest'
import { atEndOfMemory } from './data.ts'
import { alloc, EDGE_LENGTHS, expectCanaries, i32, k, readF32, readU8, reset, u8 } from './harness.ts'

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
