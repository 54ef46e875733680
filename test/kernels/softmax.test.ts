import { beforeEach, describe, expect, it } from 'vitest'
import { input, random } from './data.ts'
import { column, FOLD_SHAPES, outputs } from './fold.ts'
import { alloc, EDGE_LENGTHS, expectCanaries, f32, k, readF32, reset, ulp } from './harness.ts'

/** Rows of a matrix. */
const split = <T extends { slice(start: number, end: number): T }>(data: T, rows: number, cols: number): T[] =>
  Array.from({ length: rows }, (_, r) => data.slice(r * cols, (r + 1) * cols))

/** In float64 but for the difference to the largest, whose rounding grows with it. */
function reference(row: Float32Array): number[] {
  const max = Math.max(...row)
  const e = [...row].map((v) => Math.exp(Math.fround(v - max)))
  const sum = e.reduce((a, b) => a + b, 0)
  return e.map((v) => v / sum)
}

/** Data with NaN right behind its end. */
const guarded = (data: ArrayLike<number>, misalign = 0) =>
  f32([...Array.from(data), Number.NaN, Number.NaN, Number.NaN], misalign)

const wave = (n: number, scale: number, step: number) =>
  Float32Array.from({ length: n }, (_, i) => scale * Math.sin(step * i + 1))

function softmax(x: ArrayLike<number>, rows: number, cols: number): Float32Array {
  const y = alloc(rows * cols * 4)
  k.softmax(guarded(x), y, rows, cols)
  expectCanaries()
  return readF32(y, rows * cols)
}

beforeEach(reset)

describe.each(EDGE_LENGTHS)('with %d columns', (cols) => {
  describe.each([0, 1, 3])('and %d rows', (rows) => {
    const x = wave(rows * cols, 8, 1.7)
    const dy = wave(rows * cols, 1, 0.9)

    it.each([0, 4, 8, 12])('computes softmax, %d bytes off alignment', (misalign) => {
      const y = alloc(rows * cols * 4, misalign)
      k.softmax(guarded(x, misalign), y, rows, cols)
      expectCanaries()
      const expected = split(x, rows, cols).flatMap(reference)
      readF32(y, rows * cols).forEach((value, i) => {
        expect(ulp(value, expected[i]!)).toBeLessThan(3)
      })
    })

    it('computes softmax in place', () => {
      const p = guarded(x)
      k.softmax(p, p, rows, cols)
      expect(readF32(p, rows * cols)).toEqual(softmax(x, rows, cols))
      expectCanaries()
    })

    it.each([0, 4, 8, 12])('stores gradients, %d bytes off alignment', (misalign) => {
      const y = softmax(x, rows, cols)
      const dx = alloc(rows * cols * 4, misalign)
      k.softmaxGrad(guarded(y, misalign), guarded(dy, misalign), dx, rows, cols, 0)
      expectCanaries()
      const actual = split(readF32(dx, rows * cols), rows, cols)
      const upstream = split(dy, rows, cols)
      for (const [r, row] of split(y, rows, cols).entries()) {
        const dot = row.reduce((sum, v, c) => sum + v * upstream[r]![c]!, 0)
        for (const [c, v] of row.entries()) {
          expect(Math.abs(actual[r]![c]! - v * (upstream[r]![c]! - dot))).toBeLessThanOrEqual(2e-7 * v)
        }
      }
    })

    it('adds gradients', () => {
      const y = guarded(softmax(x, rows, cols))
      const there = wave(rows * cols, 2, 0.3)
      const stored = alloc(rows * cols * 4)
      const added = f32(there)
      k.softmaxGrad(y, guarded(dy), stored, rows, cols, 0)
      k.softmaxGrad(y, guarded(dy), added, rows, cols, 1)
      expect(readF32(added, rows * cols)).toEqual(readF32(stored, rows * cols).map((v, i) => v + there[i]!))
      expectCanaries()
    })
  })
})

describe.each([3, 4, 5, 8, 11])('a row of %d', (cols) => {
  const { NaN: nan } = Number
  const row = (at: number, value: number, rest: number) =>
    Float32Array.from({ length: cols }, (_, c) => (c === at ? value : rest))
  const everywhere = Array.from({ length: cols }, (_, c) => c)
  const allNaN = row(0, nan, nan)

  it.each(everywhere)('with NaN, Infinity or all the weight in column %d', (at) => {
    expect(softmax(row(at, nan, 1), 1, cols)).toEqual(allNaN)
    expect(softmax(row(at, nan, -Infinity), 1, cols)).toEqual(allNaN)
    expect(softmax(row(at, Infinity, 1), 1, cols)).toEqual(allNaN)
    expect(softmax(row(at, 1, -Infinity), 1, cols)).toEqual(row(at, 1, 0))
    expect(softmax(row(at, 3e38, -3e38), 1, cols)).toEqual(row(at, 1, 0))
  })

  it('of equals', () => {
    const equal = row(0, Math.fround(1 / cols), Math.fround(1 / cols))
    for (const value of [0, 1e-42, -1e-42, 1e30, -3e38]) expect(softmax(row(0, value, value), 1, cols)).toEqual(equal)
    expect(softmax(row(0, -Infinity, -Infinity), 1, cols)).toEqual(allNaN)
  })

  it('does not spread to its neighbours', () => {
    const good = wave(cols, 3, 1)
    const y = softmax([...good, ...allNaN, ...good], 3, cols)
    const alone = softmax(good, 1, cols)
    expect(split(y, 3, cols)).toEqual([alone, allNaN, alone])
  })
})

it('keeps small probabilities down to the smallest denormal', () => {
  const logs = [0, -20, -60, -87, -87.33, -87.34, -88, -95.5, -100, -103.2, -103.9, -104, -104.1, -1e4, -Infinity]
  // Each in every lane, and beside lanes that have no denormals.
  for (let shift = 0; shift < logs.length; shift++) {
    const x = [0, 0, 0].slice(shift % 4).concat(logs.slice(shift), logs.slice(0, shift))
    const y = softmax(x, 1, x.length)
    const sum = x.reduce((total, v) => total + Math.exp(v), 0)
    x.forEach((v, i) => {
      expect(ulp(y[i]!, Math.exp(Math.fround(v)) / sum)).toBeLessThan(2)
    })
  }
})

it('takes the inner product of the gradient in float64', () => {
  const n = 6 * 1024 + 1
  const y = Float32Array.from({ length: n }, (_, i) => (i ? 2 ** -10 : 1))
  const dy = Float32Array.from({ length: n }, (_, i) => (i ? 1 : 2 ** 24))
  const dx = alloc(n * 4)
  k.softmaxGrad(f32(y), f32(dy), dx, 1, n, 0)
  expect(readF32(dx, n)[0]).toBe(-6)
})

function logSoftmax(x: ArrayLike<number>, rows: number, cols: number, misalign = 0): Float32Array {
  const y = alloc(rows * cols * 4, misalign)
  k.logSoftmax(guarded(x, misalign), y, rows, cols)
  expectCanaries()
  return readF32(y, rows * cols)
}

describe.each(EDGE_LENGTHS)('logSoftmax of %d columns', (cols) => {
  const [x, dy] = [wave(3 * cols, 8, 1.7), wave(3 * cols, 1, 0.9)]

  it.each([0, 4, 8, 12])('has its values and gradients, %d bytes off alignment', (misalign) => {
    const y = logSoftmax(x, 3, cols, misalign)
    const exact = split(x, 3, cols).flatMap((row) => reference(row).map(Math.log))
    y.forEach((value, i) => {
      expect(Math.abs(value - exact[i]!)).toBeLessThanOrEqual(3e-7 * (1 + Math.abs(exact[i]!)))
    })
    const stored = alloc(3 * cols * 4, misalign)
    const added = f32(dy, misalign)
    k.logSoftmaxGrad(guarded(y, misalign), guarded(dy, misalign), stored, 3, cols, 0)
    k.logSoftmaxGrad(guarded(y, misalign), guarded(dy, misalign), added, 3, cols, 1)
    expectCanaries()
    const dx = readF32(stored, 3 * cols)
    expect(readF32(added, 3 * cols)).toEqual(dx.map((v, i) => v + dy[i]!))
    dx.forEach((value, i) => {
      const total = dy.slice(i - (i % cols), i - (i % cols) + cols).reduce((sum, v) => sum + v, 0)
      expect(Math.abs(value - (dy[i]! - Math.exp(y[i]!) * total))).toBeLessThanOrEqual(3e-7 * (1 + Math.abs(total)))
    })
  })
})

it('gives logSoftmax to the last digits where one element has nearly all the weight', () => {
  const y = logSoftmax([0, -20, -25, -30, -40], 1, 5)
  const rest = [20, 25, 30, 40].reduce((sum, v) => sum + Math.exp(-v), 0)
  expect(ulp(y[0]!, -Math.log1p(rest))).toBeLessThan(3)
})

it('spreads NaN over the rows of logSoftmax that hold NaN, Infinity, or nothing but -Infinity', () => {
  const rows = [
    [NaN, 0, 1],
    [Infinity, 0, 1],
    [-Infinity, -Infinity, -Infinity],
    [0, -Infinity, -Infinity],
  ]
  expect([...logSoftmax(rows.flat(), 4, 3)]).toEqual([...Array<number>(9).fill(NaN), 0, -Infinity, -Infinity])
})

describe('logSumExp', () => {
  const lse = (xs: readonly number[]) => {
    const max = Math.max(...xs)
    return Number.isFinite(max) ? max + Math.log(xs.reduce((sum, v) => sum + Math.exp(v - max), 0)) : max
  }

  it.each(FOLD_SHAPES)('is within its bound, (%d, %d, %d)', (outer, n, inner) => {
    for (const [middle, width] of [
      [0, 2],
      [-0.7, 0.01],
      [1000, 50],
      [0, 500],
    ] as const) {
      reset()
      const x = random(outer * n * inner, 3, middle - width, middle + width)
      const y = alloc(outer * inner * 4, 4)
      k.logSumExp(input(x, 8), y, outer, n, inner)
      const exact = outputs(outer, inner, (o, i) => lse(column(x, n, inner, o, i)))
      readF32(y, outer * inner).forEach((v, at) => {
        const bound = 2 ** -23 * (2 + Math.log(n)) + 2 ** -24 * Math.abs(exact[at]!)
        if (!(v === exact[at] || Math.abs(v - exact[at]!) <= bound)) expect.fail(`${v} is not ${exact[at]}`)
      })
      expectCanaries()
    }
  })

  it('is infinite where the largest is, and NaN with a NaN, in rows and in columns', () => {
    const rows = [
      [-Infinity, -Infinity, -Infinity],
      [Infinity, 1, -Infinity],
      [Infinity, Infinity, 1],
      [NaN, Infinity, 1],
      [-Infinity, NaN, -Infinity],
      [1, NaN, 2],
      [0, -Infinity, -Infinity],
    ]
    const expected = [-Infinity, Infinity, Infinity, NaN, NaN, NaN, 0]
    const y = alloc(rows.length * 4)
    k.logSumExp(input(rows.flat()), y, rows.length, 3, 1)
    expect([...readF32(y, rows.length)]).toEqual(expected)
    k.logSumExp(input([0, 1, 2].flatMap((j) => rows.map((row) => row[j]!))), y, 1, 3, rows.length)
    expect([...readF32(y, rows.length)]).toEqual(expected)
    expectCanaries()
  })
})
