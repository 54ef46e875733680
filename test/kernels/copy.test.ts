import { beforeEach, describe, expect, it } from 'vitest'
import type { Ptr } from '../../src/runtime/kernels.generated.ts'
import { atEndOfMemory, input, inputI32, offset, random } from './data.ts'
import { alloc, EDGE_LENGTHS, expectCanaries, f32, i32, k, readF32, readI32, readU8, reset, u8 } from './harness.ts'

beforeEach(reset)

const SHAPES = [
  ...EDGE_LENGTHS.map((n) => [1, n] as const),
  [17, 1],
  ...[0, 1, 3, 4, 5, 16, 17].flatMap((n) => [[3, n] as const, [n, 6] as const]),
  [16, 16],
  [36, 40],
  [33, 50],
  [40, 19],
  [3, 150],
] as const

/** Row and column strides of a (rows, cols) view. */
const VIEWS: Record<string, (rows: number, cols: number) => [number, number]> = {
  dense: (_rows, cols) => [cols, 1],
  spaced: (_rows, cols) => [cols + 3, 1],
  transposed: (rows) => [1, rows],
  'transposed and spaced': (rows) => [1, rows + 5],
  'rows reversed': (_rows, cols) => [-cols, 1],
  'columns reversed': (_rows, cols) => [cols, -1],
  'transposed, reversed': (rows) => [1, -rows],
  'both reversed': (_rows, cols) => [-cols, -1],
  'every other': (_rows, cols) => [4 * cols, 2],
}
/** Views that name an element more than once. */
const REPEATING: typeof VIEWS = {
  'one row': () => [0, 1],
  'one column': () => [1, 0],
  'one element': () => [0, 0],
}

/** Where a view's elements lie in a buffer, and the buffer's size. */
function layout(rows: number, cols: number, [row, col]: [number, number]) {
  const span = (n: number, stride: number) => Math.max(n - 1, 0) * stride
  const first = -Math.min(span(rows, row), 0) - Math.min(span(cols, col), 0)
  const size = first + Math.max(span(rows, row), 0) + Math.max(span(cols, col), 0) + 1
  return { row, col, first, size, at: (r: number, c: number) => first + r * row + c * col }
}

const positions = (rows: number, cols: number) =>
  Array.from({ length: rows * cols }, (_, i): [number, number] => [Math.floor(i / cols), i % cols])

const entries = Object.entries
const cases = entries({ ...VIEWS, ...REPEATING }).flatMap(([from, x]) =>
  entries(VIEWS).map(([to, y]) => ({ from, to, x, y })),
)

describe.each(['copy32', 'copy8'] as const)('%s', (name) => {
  const place = name === 'copy32' ? i32 : u8
  const read = name === 'copy32' ? readI32 : readU8
  const size = name === 'copy32' ? 4 : 1

  it.each(cases)('copies $from to $to and touches nothing between', (view) => {
    for (const [rows, cols] of SHAPES) {
      reset()
      const x = layout(rows, cols, view.x(rows, cols))
      const y = layout(rows, cols, view.y(rows, cols))
      // Bits of signalling NaN among them: no element may pass through float arithmetic.
      const data = Array.from({ length: x.size }, (_, i) => (size === 4 ? 0x7f800000 + i : (i * 7) & 255))
      const expected = Array.from({ length: y.size }, (_, i) => (size === 4 ? -i - 1 : i & 127))
      const p = place(expected)
      k[name](offset(place(data), x.first, size), offset(p, y.first, size), rows, cols, x.row, x.col, y.row, y.col)
      for (const [r, c] of positions(rows, cols)) expected[y.at(r, c)] = data[x.at(r, c)]!
      expect([...read(p, y.size)]).toEqual(expected)
      expectCanaries()
    }
  })
})

describe('accumulate', () => {
  const all = entries({ ...VIEWS, ...REPEATING })
  const allCases = all.flatMap(([from, x]) => all.map(([to, y]) => ({ from, to, x, y })))

  it.each(allCases)('adds $from to $to, row by row', (view) => {
    for (const [rows, cols] of SHAPES) {
      reset()
      const x = layout(rows, cols, view.x(rows, cols))
      const y = layout(rows, cols, view.y(rows, cols))
      const data = random(x.size)
      const expected = random(y.size, 2)
      const p = f32(expected, 4)
      k.accumulate(offset(input(data), x.first), offset(p, y.first), rows, cols, x.row, x.col, y.row, y.col)
      for (const [r, c] of positions(rows, cols)) expected[y.at(r, c)]! += data[x.at(r, c)]!
      expect(readF32(p, y.size)).toEqual(expected)
      expectCanaries()
    }
  })
})

describe('casts', () => {
  const I32 = [0, 1, -1, 255, 256, -256, 2147483647, -2147483648, 16777217, 12345678]
  const F32 = [0, -0, 0.5, -0.9, 1.99, -1, 255.7, 256, 300, 3e9, -3e9, NaN, Infinity, -Infinity, 1e-45]
  const U8 = [0, 1, 2, 127, 128, 255]
  const saturate = (v: number) => (Number.isNaN(v) ? 0 : Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, Math.trunc(v)))) | 0

  const check = (
    name: keyof typeof k & `${string}To${string}`,
    values: number[],
    place: (data: number[]) => Ptr,
    bytes: number,
    read: (p: Ptr, n: number) => ArrayLike<number>,
    f: (v: number) => number,
  ) => {
    for (const n of EDGE_LENGTHS) {
      reset()
      const data = Array.from({ length: n }, (_, i) => values[i % values.length]!)
      const y = alloc(n * bytes, bytes)
      k[name](place(data), y, n)
      expect(Array.from(read(y, n))).toEqual(data.map((v) => f(v)))
      expectCanaries()
    }
  }
  const floats = (data: number[]) => input(data, 4)

  it('i32ToF32 rounds to nearest', () => check('i32ToF32', I32, inputI32, 4, readF32, Math.fround))
  it('u8ToF32', () => check('u8ToF32', U8, u8, 4, readF32, (v) => v))
  it('f32ToI32 truncates and saturates', () => check('f32ToI32', F32.map(Math.fround), floats, 4, readI32, saturate))
  it('u8ToI32', () => check('u8ToI32', U8, u8, 4, readI32, (v) => v))
  it('f32ToU8 truncates and wraps', () =>
    check('f32ToU8', F32.map(Math.fround), floats, 1, readU8, (v) => saturate(v) & 255))
  it('i32ToU8 wraps', () => check('i32ToU8', I32, inputI32, 1, readU8, (v) => v & 255))
  it('f32ToBool: NaN is true', () =>
    check('f32ToBool', F32.map(Math.fround), floats, 1, readU8, (v) => Number(v !== 0)))
  it('i32ToBool', () => check('i32ToBool', I32, inputI32, 1, readU8, (v) => Number(v !== 0)))
  it('u8ToBool', () => check('u8ToBool', U8, u8, 1, readU8, (v) => Number(v !== 0)))

  it('read at most 12 bytes past x', () => {
    const x = atEndOfMemory(1)
    k.fillU8(x, 1, 200)
    const y = alloc(4)
    k.u8ToI32(x, y, 1)
    expect(readI32(y, 1)[0]).toBe(200)
  })
})

describe('fills and ranges', () => {
  it.each(EDGE_LENGTHS)('fill %d elements', (n) => {
    const [a, b, c] = [alloc(n * 4, 4), alloc(n * 4, 4), alloc(n, 1)]
    k.fillF32(a, n, 0.1)
    k.fillI32(b, n, 0x7f800001)
    k.fillU8(c, n, 0x1ff)
    expect(readF32(a, n)).toEqual(new Float32Array(n).fill(0.1))
    expect(readI32(b, n)).toEqual(new Int32Array(n).fill(0x7f800001))
    expect(readU8(c, n)).toEqual(new Uint8Array(n).fill(255))
    expectCanaries()
  })

  it.each(EDGE_LENGTHS)('range over %d elements', (n) => {
    const [a, b] = [alloc(n * 4, 4), alloc(n * 4, 4)]
    k.arange(a, n, 0.1, 0.01)
    k.arangeI32(b, n, 2147483600, 7)
    expect(readF32(a, n)).toEqual(Float32Array.from({ length: n }, (_, i) => 0.1 + i * 0.01))
    expect(readI32(b, n)).toEqual(Int32Array.from({ length: n }, (_, i) => 2147483600 + i * 7))
    expectCanaries()
  })

  it.each(EDGE_LENGTHS)('space %d elements evenly, rounded once, with exact ends', (n) => {
    for (const [start, end] of [
      [-3, 0.1],
      [0.1, -3],
      [0.1, 1e30],
      [-1e30, 0.1],
    ]) {
      const a = alloc(n * 4, 4)
      k.linspace(a, n, start, end)
      const spaced = readF32(a, n)
      spaced.forEach((value, i) => {
        const exact = n === 1 ? start : (start * (n - 1 - i) + end * i) / (n - 1)
        const roundings = 4 * 2 ** -53 * Math.max(Math.abs(start), Math.abs(end))
        expect(Math.abs(value - exact)).toBeLessThanOrEqual(2 ** -24 * Math.abs(exact) + roundings)
      })
      if (n > 0) expect(spaced[0]).toBe(Math.fround(start))
      if (n > 1) expect(spaced[n - 1]).toBe(Math.fround(end))
    }
    expectCanaries()
  })
})
