import { beforeEach, describe, expect, it } from 'vitest'
import { atEndOfMemory, input, pairs, random } from './data.ts'
import { alloc, EDGE_LENGTHS, expectCanaries, f32, k, readF32, readI32, reset, ulp } from './harness.ts'

beforeEach(reset)

/** (outer, n, inner) */
const SHAPES: [number, number, number][] = [
  ...EDGE_LENGTHS.map((n): [number, number, number] => [1, n, 1]),
  ...EDGE_LENGTHS.map((n): [number, number, number] => [3, n, 1]),
  ...EDGE_LENGTHS.map((inner): [number, number, number] => [1, 5, inner]),
  ...EDGE_LENGTHS.filter((n) => n < 20).map((n): [number, number, number] => [2, n, 7]),
  [1, 32, 128],
  [1, 32, 10],
  [0, 3, 2],
  [1, 4096, 1],
  [2, 4097, 1],
  [1, 9000, 3],
]

/** Exact but for one rounding to float64: a compensated sum. */
function exactSum(xs: Iterable<number>): number {
  let [total, lost] = [0, 0]
  for (const x of xs) {
    const t = total + x
    lost += Math.abs(total) >= Math.abs(x) ? total - t + x : x - t + total
    total = t
  }
  return total + lost
}

const column = (x: Float32Array, n: number, inner: number, o: number, i: number) =>
  Array.from({ length: n }, (_, j) => x[(o * n + j) * inner + i]!)

const outputs = <T>(outer: number, inner: number, f: (o: number, i: number) => T): T[] =>
  Array.from({ length: outer * inner }, (_, at) => f(Math.floor(at / inner), at % inner))

describe('sum', () => {
  it.each(SHAPES)('is within 1 ULP of the exact sum, (%d, %d, %d)', (outer, n, inner) => {
    for (const [divisor, beta] of pairs([1, n], [0, 1])) {
      reset()
      const x = random(outer * n * inner)
      const before = random(outer * inner, 2)
      const y = beta ? f32(before, 4) : alloc(outer * inner * 4, 4)
      k.sum(input(x, 8), y, outer, n, inner, beta, divisor)
      const exact = outputs(outer, inner, (o, i) => exactSum(column(x, n, inner, o, i)) / divisor)
      readF32(y, outer * inner).forEach((v, at) => {
        // Adding to what is there is a rounding of its own, of the rounded quotient.
        if (beta) expect(v).toBe(Math.fround(before[at]! + Math.fround(exact[at]!)))
        else expect(ulp(v, exact[at]!)).toBeLessThanOrEqual(1)
      })
      expectCanaries()
    }
  })

  it('is within 1 ULP over 1e6 elements, in rows and in columns', () => {
    const x = random(1e6, 7, 0, 1)
    const p = input(x)
    const y = alloc(8)
    k.sum(p, y, 1, 1e6, 1, 0, 1)
    expect(ulp(readF32(y, 1)[0]!, exactSum(x))).toBeLessThanOrEqual(1)
    k.sum(p, y, 1, 5e5, 2, 0, 5e5)
    for (const i of [0, 1])
      expect(ulp(readF32(y, 2)[i]!, exactSum(column(x, 5e5, 2, 0, i)) / 5e5)).toBeLessThanOrEqual(1)
    expectCanaries()
  })

  it('adds in the documented order', () => {
    // Beside a partial sum of huge elements float64 rounds the others to hundreds, and in the end the huge ones cancel:
    // what is left tells which elements met which, and when.
    const wild = (n: number, seed: number) => {
      const kind = random(n, seed, 0, 8)
      let debt = 0
      return random(n, seed + 1, -1000, 1000).map((v, j) => {
        const huge = n - j <= Math.abs(debt) + 1 ? -Math.sign(debt) : kind[j]! < 1 ? 1 : kind[j]! < 2 ? -1 : 0
        debt += huge
        return huge ? huge * 2 ** 60 : v
      })
    }
    const seeds = [1, 2, 3, 4, 5, 6, 7, 8]
    const row = (x: Float32Array) => {
      const lanes = new Float64Array(8)
      const eights = x.length & ~7
      x.forEach((v, j) => {
        if (j < eights) lanes[j % 8]! += v
        else if (j < (x.length & ~1)) lanes[j % 2]! += v
      })
      const [a, b, c, d, e, f, g, h] = lanes as unknown as number[]
      const total = a! + e! + (c! + g!) + (b! + f! + (d! + h!))
      return x.length & 1 ? total + x.at(-1)! : total
    }
    for (const [n, seed] of pairs([15, 100, 4095, 4096, 4097, 10001], seeds)) {
      const x = wild(n, seed)
      let total = 0
      for (let at = 0; at < n; at += 4096) total += row(x.subarray(at, at + 4096))
      reset()
      const y = alloc(4)
      k.sum(f32(x), y, 1, n, 1, 0, 1)
      expect(readF32(y, 1)[0]).toBe(Math.fround(total))
    }
    for (const [[n, inner], seed] of pairs(
      [
        [100, 8],
        [9000, 3],
        [9000, 9],
      ] as const,
      seeds,
    )) {
      const columns = Array.from({ length: inner }, (_, i) => wild(n, seed + i))
      const x = Float32Array.from({ length: n * inner }, (_, at) => columns[at % inner]![Math.floor(at / inner)]!)
      reset()
      const y = alloc(inner * 4)
      k.sum(f32(x), y, 1, n, inner, 0, 1)
      const expected = columns.map((xs) => {
        let total = 0
        for (let at = 0; at < n; at += 4096) total += xs.subarray(at, at + 4096).reduce((s, v) => s + v, 0)
        return Math.fround(total)
      })
      expect([...readF32(y, inner)]).toEqual(expected)
    }
  })

  it('of infinities and NaN is what IEEE says', () => {
    const y = alloc(16)
    k.sum(f32([1, Infinity, Infinity, 1, Infinity, -Infinity, NaN, 1]), y, 4, 2, 1, 0, 1)
    expect([...readF32(y, 4)]).toEqual([Infinity, Infinity, NaN, NaN])
  })

  it('does not overflow on the way', () => {
    const y = alloc(4)
    k.sum(f32([3e38, 3e38, 3e38, 3e38]), y, 1, 4, 1, 0, 4)
    expect(readF32(y, 1)[0]).toBe(Math.fround(3e38))
  })
})

describe('sumGrad', () => {
  it.each(SHAPES)('spreads dy / divisor over n, (%d, %d, %d)', (outer, n, inner) => {
    for (const [divisor, beta] of pairs([1, 3], [0, 1])) {
      reset()
      const dy = random(outer * inner)
      const before = random(outer * n * inner, 2)
      const dx = beta ? f32(before, 4) : alloc(outer * n * inner * 4, 4)
      k.sumGrad(input(dy), dx, outer, n, inner, beta, divisor)
      const expected = before.map((v, at) => {
        const share = Math.fround(dy[Math.floor(at / (n * inner)) * inner + (at % inner)]! / divisor)
        return beta ? v + share : share
      })
      expect(readF32(dx, outer * n * inner)).toEqual(expected)
      expectCanaries()
    }
  })
})

describe('argmax', () => {
  const reference = (xs: number[]) => {
    const nan = xs.findIndex(Number.isNaN)
    return nan >= 0 ? nan : xs.indexOf(xs.reduce((best, v) => Math.max(best, v), -Infinity))
  }
  const check = (x: Float32Array, outer: number, n: number, inner: number) => {
    reset()
    const y = alloc(outer * inner * 4, 4)
    k.argmax(input(x, 8), y, outer, n, inner)
    const expected = outputs(outer, inner, (o, i) => reference(column(x, n, inner, o, i)))
    expect([...readI32(y, outer * inner)]).toEqual(expected)
    expectCanaries()
  }
  const shapes = SHAPES.filter(([, n]) => n > 0)

  it.each(shapes)('finds the largest, (%d, %d, %d)', (outer, n, inner) => {
    check(random(outer * n * inner), outer, n, inner)
  })

  it.each(shapes)('takes the first of equals, (%d, %d, %d)', (outer, n, inner) => {
    check(random(outer * n * inner, 5, 0, 2).map(Math.floor), outer, n, inner)
    check(new Float32Array(outer * n * inner).fill(-Infinity), outer, n, inner)
    check(
      random(outer * n * inner, 5, -1, 1).map((v) => (v < 0 ? -0 : 0)),
      outer,
      n,
      inner,
    )
  })

  it.each(shapes)('takes NaN for the largest, and the first of them, (%d, %d, %d)', (outer, n, inner) => {
    const x = random(outer * n * inner)
    const nan = random(outer * n * inner, 9, 0, 1)
    check(
      x.map((v, at) => (nan[at]! < 0.2 ? NaN : nan[at]! < 0.4 ? Infinity : v)),
      outer,
      n,
      inner,
    )
    check(x.fill(NaN), outer, n, inner)
  })
})

it('reads at most 12 bytes past x', () => {
  const x = atEndOfMemory(5 * 4)
  k.fillF32(x, 5, 2)
  const y = alloc(20)
  k.sum(x, y, 1, 5, 1, 0, 1)
  expect(readF32(y, 1)[0]).toBe(10)
  k.sum(x, y, 1, 1, 5, 0, 1)
  expect([...readF32(y, 5)]).toEqual([2, 2, 2, 2, 2])
  k.argmax(x, y, 1, 5, 1)
  expect(readI32(y, 1)[0]).toBe(0)
  k.argmax(x, y, 1, 1, 5)
  expect([...readI32(y, 5)]).toEqual([0, 0, 0, 0, 0])
})
