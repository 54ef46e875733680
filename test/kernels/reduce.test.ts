import { beforeEach, describe, expect, it } from 'vitest'
import { atEndOfMemory, input, offset, pairs, random } from './data.ts'
import { column, columnScratch, exactSum, expectSums, FOLD_SHAPES, gradients, outputs } from './fold.ts'
import { alloc, EDGE_LENGTHS, expectCanaries, f32, k, readF32, readU8, reset, u8, ulp } from './harness.ts'

beforeEach(reset)

describe('sum', () => {
  it.each(FOLD_SHAPES)('is within 1 ULP of the exact sum, (%d, %d, %d)', (outer, n, inner) => {
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

describe('dot', () => {
  it.each([...EDGE_LENGTHS, 4095, 4096, 4097, 1e5])('of %d products is their exact sum, rounded', (n) => {
    const [a, b] = [random(n), random(n, 2)]
    const y = alloc(4, 4)
    k.dot(input(a, 4), input(b, 8), y, n)
    const exact = exactSum(Array.from(a, (v, j) => v * b[j]!))
    expect(ulp(readF32(y, 1)[0]!, exact)).toBeLessThanOrEqual(1)
    expectCanaries()
  })

  it('adds in the documented order', () => {
    // Huge products cancel one another: what is left of the others tells which met which.
    for (const [n, seed] of pairs([15, 100, 4095, 4096, 4097, 10001], [1, 2, 3, 4])) {
      reset()
      const a = random(n, seed, -2, 2).map((v, j) => v * (j % 3 ? 1 : 2 ** 29))
      const b = random(n, seed + 9, -2, 2).map((v, j) => v * (j % 3 ? 1 : 2 ** 29))
      let total = 0
      for (let at = 0; at < n; at += 4096) {
        const product = (j: number) => (j < Math.min(n, at + 4096) ? a[j]! * b[j]! : 0)
        let [even, odd] = [0, 0]
        for (let j = at; j < Math.min(n, at + 4096); j += 4) {
          even += product(j) + product(j + 2)
          odd += product(j + 1) + product(j + 3)
        }
        total += even + odd
      }
      const y = alloc(4)
      k.dot(input(a), input(b), y, n)
      expect(readF32(y, 1)[0]).toBe(Math.fround(total))
    }
  })

  it('does not overflow on the way', () => {
    const y = alloc(4)
    k.dot(f32([3e38, 3e38, 3e38]), f32([2, -1, -0.5]), y, 3)
    expect(readF32(y, 1)[0]).toBe(Math.fround(Math.fround(3e38) / 2))
  })
})

describe('sumGrad', () => {
  it.each(FOLD_SHAPES)('spreads dy / divisor over n, (%d, %d, %d)', (outer, n, inner) => {
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

describe('prod', () => {
  it.each(FOLD_SHAPES)('is within 1 ULP of the product in float64, (%d, %d, %d)', (outer, n, inner) => {
    // Near 1 and of both signs, so that long products stay in range.
    const x = random(outer * n * inner, 3).map((v) => Math.sign(v) * (1 + v / 64))
    const y = alloc(outer * inner * 4, 4)
    k.prod(input(x, 8), y, outer, n, inner)
    const exact = outputs(outer, inner, (o, i) => column(x, n, inner, o, i).reduce((a, b) => a * b, 1))
    expect(Math.max(0, ...readF32(y, outer * inner).map((v, at) => ulp(v, exact[at]!)))).toBeLessThanOrEqual(1)
    expectCanaries()
  })

  it('does not overflow on the way', () => {
    const y = alloc(4)
    k.prod(f32([1e30, 1e30, 1e-30, 1e-30, 3]), y, 1, 5, 1)
    expect(readF32(y, 1)[0]).toBe(3)
  })
})

describe('prodGrad', () => {
  it.each(FOLD_SHAPES)(
    'is dy times the other factors, whatever number of them is 0, (%d, %d, %d)',
    (outer, n, inner) => {
      for (const [zeros, beta] of pairs([0, 1, 2], [0, 1])) {
        reset()
        const x = random(outer * n * inner, 3).map((v, at) =>
          Math.floor(at / inner) % n < zeros ? 0 : Math.sign(v) * (1 + v / 64),
        )
        const dy = random(outer * inner)
        const before = random(outer * n * inner, 2)
        const dx = beta ? f32(before, 4) : alloc(outer * n * inner * 4, 4)
        k.prodGrad(input(x, 8), input(dy), dx, columnScratch(inner, 16), outer, n, inner, beta)
        const exact = gradients(outer, n, inner, (o, i) => {
          const xs = column(x, n, inner, o, i)
          const others = dy[o * inner + i]! * xs.filter((v) => v !== 0).reduce((a, b) => a * b, 1)
          return (j) => (zeros > Number(xs[j] === 0) && n > 1 ? 0 : others / (xs[j] || 1))
        })
        expectSums(readF32(dx, before.length), exact, beta ? before : null)
        expectCanaries()
      }
    },
  )
})

describe.each(['any', 'all'] as const)('%s', (op) => {
  it.each(FOLD_SHAPES)('looks at every byte and no other, (%d, %d, %d)', (outer, n, inner) => {
    for (const rare of [0, 1]) {
      reset()
      // One byte in about n differs from the others, so that either answer is common.
      const x = random(outer * n * inner, 11, 0, 1).map((v) => (v * n < 0.7 ? 1 - rare : rare))
      const y = alloc(outer * inner, 1)
      k[op](u8([...x, 1 - rare, 1 - rare, 1 - rare]), y, outer, n, inner)
      const expected = outputs(outer, inner, (o, i) => {
        const bytes = column(x, n, inner, o, i)
        return Number(op === 'any' ? bytes.some((b) => b === 1) : bytes.every((b) => b === 1))
      })
      expect([...readU8(y, outer * inner)]).toEqual(expected)
      expectCanaries()
    }
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
  k.prod(x, y, 1, 5, 1)
  expect(readF32(y, 1)[0]).toBe(32)
  k.any(offset(x, 19, 1), y, 1, 1, 1)
  expect(readU8(y, 1)[0]).toBe(1)
  k.all(x, y, 1, 1, 17)
  expect([...readU8(y, 17)].slice(0, 4)).toEqual([0, 0, 0, 1])
})
