import { beforeEach, describe, expect, it } from 'vitest'
import { atEndOfMemory, input, inputU8, pairs, random } from './data.ts'
import { alloc, expectCanaries, f32, k, readF32, readU8, reset, u8 } from './harness.ts'
import { each, NAMES, operand, SHAPES } from './planes.ts'

beforeEach(reset)

const bits = (n: number, seed: number) => random(n, seed, 0, 2).map(Math.floor)
const condition = (pattern: (typeof NAMES)[number], rows: number, cols: number) =>
  operand(pattern, rows, cols, (n) => bits(n, 1), inputU8, 1)

const KERNELS = [
  { name: 'where32', make: random, place: input, size: 4, read: readF32 },
  {
    name: 'where8',
    make: (n: number, seed: number) => random(n, seed, 0, 256).map(Math.floor),
    place: inputU8,
    size: 1,
    read: readU8,
  },
] as const

describe.each(KERNELS)('$name', ({ name, make, place, size, read }) => {
  it.each(pairs(NAMES, NAMES))('takes a %s or b %s by any condition', (aPattern, bPattern) => {
    for (const [pattern, [rows, cols]] of pairs(NAMES, SHAPES)) {
      reset()
      const c = condition(pattern, rows, cols)
      const a = operand(aPattern, rows, cols, (n) => make(n, 2), place, size)
      const b = operand(bPattern, rows, cols, (n) => make(n, 3), place, size)
      const y = alloc(rows * cols * size, size)
      k[name](c.p, a.p, b.p, y, rows, cols, c.row, c.col, a.row, a.col, b.row, b.col)
      expect([...read(y, rows * cols)]).toEqual(each(rows, cols, (r, s) => (c.at(r, s) ? a.at(r, s) : b.at(r, s))))
      expectCanaries()
    }
  })
})

describe.each(['whereGradA', 'whereGradB'] as const)('%s', (name) => {
  const taken = name === 'whereGradA' ? 1 : 0

  it.each(pairs(NAMES, [0, 1]))('gives dy where the operand was taken, condition %s, beta %d', (pattern, beta) => {
    for (const [rows, cols] of SHAPES) {
      reset()
      const n = rows * cols
      const c = condition(pattern, rows, cols)
      const dy = random(n, 2)
      const before = random(n, 3)
      const dx = beta ? f32(before, 12) : alloc(n * 4, 12)
      k[name](c.p, input(dy, 8), dx, rows, cols, c.row, c.col, beta)
      const expected = each(rows, cols, (r, s, i) => {
        const share = c.at(r, s) === taken ? dy[i]! : 0
        return beta ? Math.fround(before[i]! + share) : share
      })
      expect([...readF32(dx, n)]).toEqual(expected)
      expectCanaries()
    }
  })

  it('gives 0 where the other operand was taken, also of NaN and infinities', () => {
    const dy = f32([NaN, Infinity, -Infinity, NaN, 1])
    const dx = alloc(20)
    k[name](u8(Array(5).fill(1 - taken)), dy, dx, 1, 5, 5, 1, 0)
    expect([...readF32(dx, 5)]).toEqual([0, 0, 0, 0, 0])
  })
})

it('reads at most 12 bytes past an operand', () => {
  const y = alloc(4)
  const word = atEndOfMemory(4)
  k.fillF32(word, 1, 3)
  k.where32(u8([1]), word, f32([2]), y, 1, 1, 1, 1, 1, 1, 1, 1)
  expect(readF32(y, 1)[0]).toBe(3)
  k.whereGradB(u8([0]), word, y, 1, 1, 1, 1, 0)
  expect(readF32(y, 1)[0]).toBe(3)
  const byte = atEndOfMemory(1)
  k.fillU8(byte, 1, 1)
  k.where8(byte, byte, byte, y, 1, 1, 1, 1, 1, 1, 1, 1)
  expect(readU8(y, 1)[0]).toBe(1)
})
