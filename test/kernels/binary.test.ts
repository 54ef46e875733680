import { beforeEach, describe, expect, it } from 'vitest'
import { atEndOfMemory, input, pairs, random } from './data.ts'
import { alloc, EDGE_LENGTHS, expectCanaries, f32, k, readF32, reset } from './harness.ts'
import { each, NAMES, operand, SHAPES } from './planes.ts'

beforeEach(reset)

const fround = Math.fround
const FORWARD = {
  add: (a: number, b: number) => a + b,
  sub: (a: number, b: number) => a - b,
  mul: (a: number, b: number) => a * b,
  div: (a: number, b: number) => a / b,
  maximum: Math.max as (a: number, b: number) => number,
  minimum: Math.min as (a: number, b: number) => number,
}
const GRADIENTS = {
  mulGradA: (_a: number, b: number, dy: number) => dy * b,
  mulGradB: (a: number, _b: number, dy: number) => dy * a,
  divGradA: (_a: number, b: number, dy: number) => dy / b,
  divGradB: (a: number, b: number, dy: number) => -dy * fround(fround(a / b) / b),
  maximumGradA: (a: number, b: number, dy: number) => (a > b ? dy : a < b ? 0 : dy / 2),
  maximumGradB: (a: number, b: number, dy: number) => (b > a ? dy : b < a ? 0 : dy / 2),
  minimumGradA: (a: number, b: number, dy: number) => (a < b ? dy : a > b ? 0 : dy / 2),
  minimumGradB: (a: number, b: number, dy: number) => (b < a ? dy : b > a ? 0 : dy / 2),
}

describe.each(Object.keys(FORWARD) as (keyof typeof FORWARD)[])('%s', (name) => {
  const f = FORWARD[name]

  it.each(pairs(NAMES, NAMES))('gives the IEEE result, a %s, b %s', (aPattern, bPattern) => {
    for (const [rows, cols] of SHAPES) {
      reset()
      const a = operand(aPattern, rows, cols, (n) => random(n, 1), input)
      const b = operand(
        bPattern,
        rows,
        cols,
        (n) => random(n, 2),
        (data) => input(data, 4),
      )
      const y = alloc(rows * cols * 4, 8)
      k[name](a.p, b.p, y, rows, cols, a.row, a.col, b.row, b.col)
      expect([...readF32(y, rows * cols)]).toEqual(each(rows, cols, (r, c) => fround(f(a.at(r, c), b.at(r, c)))))
      expectCanaries()
    }
  })

  it('works in place', () => {
    const data = random(17)
    const a = f32(data)
    const b = f32([3])
    k[name](a, b, a, 1, 17, 17, 1, 0, 0)
    expect(readF32(a, 17)).toEqual(data.map((v) => f(v, 3)))
    const c = f32(data)
    k[name](c, c, c, 1, 17, 17, 1, 17, 1)
    expect(readF32(c, 17)).toEqual(data.map((v) => f(v, v)))
    expectCanaries()
  })
})

describe.each(Object.keys(GRADIENTS) as (keyof typeof GRADIENTS)[])('%s', (name) => {
  const f = GRADIENTS[name]

  it.each(pairs(NAMES, NAMES))('gives the IEEE result, a %s, b %s', (aPattern, bPattern) => {
    for (const [[rows, cols], beta] of pairs(SHAPES, [0, 1])) {
      reset()
      const n = rows * cols
      const a = operand(
        aPattern,
        rows,
        cols,
        (n) => random(n, 1),
        (data) => input(data, 4),
      )
      const b = operand(bPattern, rows, cols, (n) => random(n, 2), input)
      const dy = random(n, 3)
      const before = random(n, 4)
      const dx = beta ? f32(before, 12) : alloc(n * 4, 12)
      k[name](a.p, b.p, input(dy), dx, rows, cols, a.row, a.col, b.row, b.col, beta)
      const expected = each(rows, cols, (r, c, i) => {
        const d = fround(f(a.at(r, c), b.at(r, c), dy[i]!))
        return beta ? fround(before[i]! + d) : d
      })
      expect([...readF32(dx, n)]).toEqual(expected)
      expectCanaries()
    }
  })

  it('works in place of dy', () => {
    const [a, b, dy] = [random(7, 1), random(7, 2), random(7, 3)]
    const p = f32(dy)
    k[name](f32(a), f32(b), p, p, 1, 7, 7, 1, 7, 1, 0)
    expect([...readF32(p, 7)]).toEqual(each(1, 7, (_r, c) => fround(f(a[c]!, b[c]!, dy[c]!))))
  })
})

it('div and its gradients give what PyTorch gives at zeros, infinities, NaN and extremes', () => {
  // a, b, dy -> a / b, da, db by torch 1.13.
  const cases = [
    [1, 0, 1, Infinity, Infinity, -Infinity],
    [-1, 0, 1, -Infinity, Infinity, Infinity],
    [0, 0, 1, NaN, Infinity, NaN],
    [1, 0, 0, Infinity, NaN, NaN],
    [0, 2, 1, 0, 0.5, -0],
    [1, Infinity, 1, 0, 0, -0],
    [Infinity, 2, 1, Infinity, 0.5, -Infinity],
    [Infinity, Infinity, 1, NaN, 0, NaN],
    [NaN, 1, 1, NaN, 1, NaN],
    [1, NaN, 1, NaN, NaN, NaN],
    [fround(1e30), fround(1e30), 2, 1, fround(2 / fround(1e30)), -2 * fround(1 / fround(1e30))],
  ] as const
  const column = (i: number) => f32(cases.map((row) => row[i]!))
  const [a, b, dy] = [column(0), column(1), column(2)]
  const n = cases.length
  const y = alloc(n * 4)
  k.div(a, b, y, 1, n, n, 1, n, 1)
  expect([...readF32(y, n)]).toEqual(cases.map((row) => row[3]))
  k.divGradA(a, b, dy, y, 1, n, n, 1, n, 1, 0)
  expect([...readF32(y, n)]).toEqual(cases.map((row) => row[4]))
  k.divGradB(a, b, dy, y, 1, n, n, 1, n, 1, 0)
  expect([...readF32(y, n)]).toEqual(cases.map((row) => row[5]))
})

it('maximum, minimum and their gradients give what PyTorch gives at ties, zeros, infinities and NaN', () => {
  // a, b, dy -> maximum, da, db, minimum, da, db by torch 1.13, but for the signs of zeros.
  const cases = [
    [1, 2, 1, 2, 0, 1, 1, 1, 0],
    [2, 1, 1, 2, 1, 0, 1, 0, 1],
    [1, 1, 1, 1, 0.5, 0.5, 1, 0.5, 0.5],
    [0, -0, 1, 0, 0.5, 0.5, -0, 0.5, 0.5],
    [-0, 0, 1, 0, 0.5, 0.5, -0, 0.5, 0.5],
    [NaN, 1, 1, NaN, 1, 1, NaN, 1, 1],
    [1, NaN, 1, NaN, 1, 1, NaN, 1, 1],
    [NaN, NaN, 1, NaN, 1, 1, NaN, 1, 1],
    [Infinity, 1, 1, Infinity, 1, 0, 1, 0, 1],
    [Infinity, Infinity, 1, Infinity, 0.5, 0.5, Infinity, 0.5, 0.5],
    [-Infinity, -Infinity, 1, -Infinity, 0.5, 0.5, -Infinity, 0.5, 0.5],
    [Infinity, -Infinity, 1, Infinity, 1, 0, -Infinity, 0, 1],
    [1, 2, NaN, 2, 0, NaN, 1, NaN, 0],
    [2, 1, Infinity, 2, Infinity, 0, 1, 0, Infinity],
  ]
  const column = (i: number) => cases.map((row) => row[i]!)
  const [a, b, dy] = [f32(column(0)), f32(column(1)), f32(column(2))]
  const n = cases.length
  const y = alloc(n * 4)
  for (const [name, first] of [
    ['maximum', 3],
    ['minimum', 6],
  ] as const) {
    k[name](a, b, y, 1, n, n, 1, n, 1)
    expect([...readF32(y, n)]).toEqual(column(first))
    k[`${name}GradA`](a, b, dy, y, 1, n, n, 1, n, 1, 0)
    expect([...readF32(y, n)]).toEqual(column(first + 1))
    k[`${name}GradB`](a, b, dy, y, 1, n, n, 1, n, 1, 0)
    expect([...readF32(y, n)]).toEqual(column(first + 2))
  }
})

describe('lerp', () => {
  it.each([0, 0.1, 0.499, 0.5, 0.9, 1, -0.5, 1.5])('interpolates with weight %d', (weight) => {
    for (const n of EDGE_LENGTHS) {
      reset()
      const [a, b] = [random(n, 1), random(n, 2)]
      const y = alloc(n * 4, 4)
      k.lerp(input(a), input(b, 8), y, n, weight)
      const w = fround(weight)
      readF32(y, n).forEach((v, i) => {
        expect(Math.abs(v - (a[i]! + w * (b[i]! - a[i]!)))).toBeLessThan(1e-6)
      })
      expectCanaries()
    }
  })

  it('gives a at weight 0 and b at weight 1, bit for bit, and works in place', () => {
    const [a, b] = [random(7, 1, -1e-8, 1e-8), random(7, 2)]
    const p = f32(a)
    k.lerp(p, f32(b), p, 7, 0)
    expect(readF32(p, 7)).toEqual(a)
    k.lerp(p, f32(b), p, 7, 1)
    expect(readF32(p, 7)).toEqual(b)
  })
})

it('reads at most 12 bytes past an operand', () => {
  const a = atEndOfMemory(4)
  k.fillF32(a, 1, 3)
  const y = alloc(4)
  k.add(a, a, y, 1, 1, 1, 1, 1, 1)
  expect(readF32(y, 1)[0]).toBe(6)
  k.divGradB(a, a, a, y, 1, 1, 1, 1, 1, 1, 0)
  expect(readF32(y, 1)[0]).toBe(-1)
})
