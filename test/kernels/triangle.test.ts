import { beforeEach, describe, expect, it } from 'vitest'
import { input, random } from './data.ts'
import { alloc, EDGE_LENGTHS, expectCanaries, f32, k, readF32, readU8, reset, u8 } from './harness.ts'

beforeEach(reset)

const ROWS = 5
const DIAGONALS = [-5, -2, -1, 0, 1, 3]

/** Each element of two matrices with ROWS rows, or 0 outside the triangle. */
const expected = (x: ArrayLike<number>, cols: number, diagonal: number, upper: number) =>
  Array.from(x, (v, i) => {
    const offset = (i % cols) - (Math.floor(i / cols) % ROWS)
    return (upper ? offset >= diagonal : offset <= diagonal) ? v : 0
  })

const cases = DIAGONALS.flatMap((diagonal) => [0, 1].map((upper) => [diagonal, upper] as const))

describe.each(EDGE_LENGTHS.filter((n) => n < 20).concat(133))('rows of %d', (cols) => {
  const x = random(2 * ROWS * cols)

  it.each(cases)('triangle, diagonal %d, upper %d', (diagonal, upper) => {
    const y = alloc(x.length * 4, 4)
    k.triangle(input(x, 8), y, 2, ROWS, cols, 4, diagonal, upper)
    expect([...readF32(y, x.length)]).toEqual(expected(x, cols, diagonal, upper))
    const bytes = x.map((v) => Math.floor(v * 50) & 255)
    const z = alloc(x.length, 3)
    k.triangle(u8(bytes), z, 2, ROWS, cols, 1, diagonal, upper)
    expect([...readU8(z, x.length)]).toEqual(expected(bytes, cols, diagonal, upper))
    expectCanaries()
  })

  it.each(cases)('triangleGrad, diagonal %d, upper %d', (diagonal, upper) => {
    const before = random(x.length, 2)
    const stored = alloc(x.length * 4, 4)
    const added = f32(before, 4)
    k.triangleGrad(input(x), stored, 2, ROWS, cols, 0, diagonal, upper)
    k.triangleGrad(input(x), added, 2, ROWS, cols, 1, diagonal, upper)
    const share = expected(x, cols, diagonal, upper)
    expect([...readF32(stored, x.length)]).toEqual(share)
    expect([...readF32(added, x.length)]).toEqual(share.map((v, i) => Math.fround(v + before[i]!)))
    expectCanaries()
  })
})
