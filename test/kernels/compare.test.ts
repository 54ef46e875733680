import { beforeEach, describe, expect, it, test } from 'vitest'
import { atEndOfMemory, input, inputI32, inputU8, pairs, random } from './data.ts'
import { alloc, EDGE_LENGTHS, expectCanaries, k, readU8, reset } from './harness.ts'
import { each, NAMES, operand, SHAPES } from './planes.ts'

beforeEach(reset)

type Relation = (a: number, b: number) => boolean

const COMPARISONS = {
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
  lt: (a, b) => a < b,
  le: (a, b) => a <= b,
} satisfies Record<string, Relation>

const LOGIC = {
  logicalAnd: (a, b) => a + b === 2,
  logicalOr: (a, b) => a + b > 0,
  logicalXor: (a, b) => a + b === 1,
} satisfies Record<string, Relation>

const keysOf = <K extends string>(record: Record<K, unknown>) => Object.keys(record) as K[]
const comparisons = keysOf(COMPARISONS)

const words = { place: input, make: (n: number, seed: number) => random(n, seed, -1, 2).map(Math.floor), size: 4 }
const KERNELS = [
  ...comparisons.map((name) => ({ ...words, name, f: COMPARISONS[name] as Relation })),
  ...comparisons.map((name) => ({
    ...words,
    name: `${name}I32` as const,
    f: COMPARISONS[name] as Relation,
    place: inputI32,
  })),
  ...keysOf(LOGIC).map((name) => ({
    name,
    f: LOGIC[name] as Relation,
    place: inputU8,
    make: (n: number, seed: number) => random(n, seed, 0, 2).map(Math.floor),
    size: 1,
  })),
]

describe.each(KERNELS)('$name', ({ name, f, place, make, size }) => {
  it.each(pairs(NAMES, NAMES))('gives bytes 0 and 1, a %s, b %s', (aPattern, bPattern) => {
    for (const [rows, cols] of SHAPES) {
      reset()
      const a = operand(aPattern, rows, cols, (n) => make(n, 1), place, size)
      const b = operand(bPattern, rows, cols, (n) => make(n, 2), place, size)
      const y = alloc(rows * cols, 3)
      k[name](a.p, b.p, y, rows, cols, a.row, a.col, b.row, b.col)
      expect([...readU8(y, rows * cols)]).toEqual(each(rows, cols, (r, c) => Number(f(a.at(r, c), b.at(r, c)))))
      expectCanaries()
    }
  })
})

const FLOATS = [NaN, Infinity, -Infinity, 0, -0, 1, 1 + 2 ** -23, -1, 3.4e38, -3.4e38, 1e-45, -1e-45].map(Math.fround)
const INTEGERS = [-(2 ** 31), 1 - 2 ** 31, -1, 0, 1, 2 ** 30, 2 ** 30 + 1, 2 ** 31 - 1]

describe.each(comparisons)('%s', (name) => {
  it.each([
    [name, 'floats', input, FLOATS],
    [`${name}I32`, 'integers', inputI32, INTEGERS],
  ] as const)('%s agrees with JavaScript about extreme %s', (kernel, _kind, place, values) => {
    const both = pairs(values, values)
    const n = both.length
    const [a, b] = [0, 1].map((i) => place(both.map((pair) => pair[i] as number)))
    const y = alloc(n)
    k[kernel](a!, b!, y, 1, n, n, 1, n, 1)
    expect([...readU8(y, n)]).toEqual(both.map(([a, b]) => Number(COMPARISONS[name](a, b))))
  })
})

const TESTS = {
  isNanF32: Number.isNaN,
  isInfF32: (x: number) => Math.abs(x) === Infinity,
  isFiniteF32: Number.isFinite,
}

test.each(keysOf(TESTS))('%s tells what floats are, at every length', (name) => {
  for (const n of EDGE_LENGTHS) {
    reset()
    const x = Array.from({ length: n }, (_, i) => FLOATS[i % FLOATS.length]!)
    const y = alloc(n, 1)
    k[name](input(x, 4), y, n)
    expect([...readU8(y, n)]).toEqual(x.map((v) => Number(TESTS[name](v))))
    expectCanaries()
  }
})

test('firstBeyond finds the first of NaN and whatever is too large, at every length and place, and nothing behind the end', () => {
  const LARGEST = 3.4028234663852886e38
  for (const n of EDGE_LENGTHS.filter((n) => n < 100)) {
    reset()
    expect(k.firstBeyond(input(new Array(n).fill(-LARGEST), 4), n, LARGEST)).toBe(-1)
    for (const [odd, limit] of [
      [NaN, Infinity],
      [NaN, LARGEST],
      [-Infinity, LARGEST],
      [2, 1],
    ] as const)
      for (let at = 0; at < n; at++) {
        reset()
        const x = Array.from({ length: n }, (_, i) => (i < at ? 1 : odd))
        expect(k.firstBeyond(input(x, 4), n, limit)).toBe(at)
        expect(k.firstBeyond(input(x, 4), at, limit)).toBe(-1)
      }
  }
})

test('logicalNot exchanges 0 and 1, at every length', () => {
  for (const n of EDGE_LENGTHS) {
    reset()
    const x = random(n, 1, 0, 2).map(Math.floor)
    const y = alloc(n, 1)
    k.logicalNot(inputU8(x), y, n)
    expect([...readU8(y, n)]).toEqual([...x].map((v) => 1 - v))
    expectCanaries()
  }
})

it('reads at most 12 bytes past an operand', () => {
  const y = alloc(1)
  const word = atEndOfMemory(4)
  k.fillF32(word, 1, 3)
  k.eq(word, word, y, 1, 1, 1, 1, 1, 1)
  expect(readU8(y, 1)[0]).toBe(1)
  const byte = atEndOfMemory(1)
  k.fillU8(byte, 1, 1)
  k.logicalXor(byte, byte, y, 1, 1, 1, 1, 1, 1)
  expect(readU8(y, 1)[0]).toBe(0)
})
