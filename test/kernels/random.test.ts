import { beforeEach, describe, expect, it } from 'vitest'
import { philox, type Words } from '../support/philox.ts'
import { chiSquare, kolmogorovSmirnov, normalDistribution } from '../support/statistics.ts'
import { alloc, EDGE_LENGTHS, expectCanaries, f32, k, readF32, readI32, reset } from './harness.ts'

it.each<[Words, [number, number], Words]>([
  [
    [0, 0, 0, 0],
    [0, 0],
    [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
  ],
  [
    [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
    [0xffffffff, 0xffffffff],
    [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  ],
  [
    [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    [0xa4093822, 0x299f31d0],
    [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  ],
])('philox, against which the kernels are held, gives the published answer for %o', (counter, key, words) => {
  expect(philox(counter, key)).toEqual(words)
})

/** (seedLo, seedHi, drawLo, drawHi). */
type Stream = Words
const STREAMS: Stream[] = [
  [0, 0, 0, 0],
  [1, 0, 0, 0],
  [0xa4093822, 0x299f31d0, 0x13198a2e, 0x03707344],
  [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
]
const SEED: Stream = [2024, 0, 5, 0]

/** The words of the first n elements. */
const wordsOf = ([seedLo, seedHi, drawLo, drawHi]: Stream, n: number) =>
  Array.from({ length: Math.ceil(n / 4) }, (_, block) => philox([block, 0, drawLo, drawHi], [seedLo, seedHi])).flat()

const KINDS = {
  uniform: (stream: Stream, n: number, low = -1, high = 1) => {
    const y = alloc(n * 4, 4)
    k.uniform(y, n, ...stream, low, high)
    return readF32(y, n)
  },
  normal: (stream: Stream, n: number, mean = 0, std = 1) => {
    const y = alloc(n * 4, 8)
    k.normal(y, n, ...stream, mean, std)
    return readF32(y, n)
  },
  randint: (stream: Stream, n: number, low = -(2 ** 31), high = 2 ** 31) => {
    const y = alloc(n * 4, 12)
    k.randint(y, n, ...stream, low, high)
    return readI32(y, n)
  },
  permutation: (stream: Stream, n: number) => {
    const y = alloc(n * 4, 4)
    k.permutation(y, n, ...stream)
    return readI32(y, n)
  },
}
const { uniform, normal, randint, permutation } = KINDS

beforeEach(reset)

describe.each(Object.entries(KINDS))('%s', (name, draw) => {
  it('gives the same for the same seed and draw, and else something different', () => {
    const all = STREAMS.map((stream) => draw(stream, 100).join())
    expect(STREAMS.map((stream) => draw(stream, 100).join())).toEqual(all)
    for (const word of [0, 1, 2, 3]) {
      all.push(draw(SEED.map((v, i) => (i === word ? v + 1 : v)) as Stream, 100).join())
    }
    expect(new Set(all).size).toBe(all.length)
  })

  it.each(EDGE_LENGTHS)('writes %d elements and no more', (n) => {
    const y = draw(SEED, n)
    expectCanaries()
    expect([...y].some(Number.isNaN)).toBe(false)
    if (name !== 'permutation') expect(y).toEqual(draw(SEED, 1000).slice(0, n))
  })
})

describe('randint', () => {
  it.each(STREAMS)('gives the words of Philox for all of int32, stream %d %d %d %d', (...stream) => {
    const words = wordsOf(stream, 1000)
    expect([...randint(stream, 1000)]).toEqual(words.map((w) => w - 2 ** 31))
  })

  it.each([
    [0, 2],
    [-3, 4],
    [0, 2 ** 31 - 1],
    [-(2 ** 31), 2 ** 31 - 1],
    [7, 8],
  ])('scales them to %d..%d', (low, high) => {
    const scaled = wordsOf(SEED, 1000).map((w) => low + Number((BigInt(w) * BigInt(high - low)) >> 32n))
    expect([...randint(SEED, 1000, low, high)]).toEqual(scaled)
  })

  it('is evenly spread', () => {
    const n = 100_000
    const counts = new Array(10).fill(0)
    for (const v of randint(SEED, n, 0, 10)) counts[v]++
    expect(chiSquare(counts, n / 10)).toBeLessThan(27.9)
  })
})

describe('uniform', () => {
  it.each([
    [0, 1],
    [-0.05, 0.05],
    [-3e38, 0],
    [5, 5.5],
  ])('is the upper 24 bits of each word, over [%d, %d)', (low, high) => {
    const [from, to] = [Math.fround(low), Math.fround(high)]
    const expected = wordsOf(SEED, 1000).map((w) => {
      const x = Math.fround(from + Math.fround(Math.fround(to - from) * (w >>> 8) * 2 ** -24))
      return x < to ? x : from
    })
    expect([...uniform(SEED, 1000, low, high)]).toEqual(expected)
  })

  it('never reaches the upper end, however coarse the float32 between', () => {
    const next = 1 + 2 ** -23
    expect(new Set(uniform(SEED, 10_000, 1, next))).toEqual(new Set([1]))
    const four = uniform(SEED, 40_000, 2 ** 24, 2 ** 24 + 8)
    const counts = [0, 2, 4, 6].map((d) => four.filter((v) => v === 2 ** 24 + d).length)
    expect(counts.reduce((a, b) => a + b)).toBe(40_000)
    expect(chiSquare(counts, 10_000)).toBeLessThan(16.3)
    expect(uniform(SEED, 1, 3, 3)).toEqual(Float32Array.of(3))
  })

  it('is evenly spread', () => {
    const n = 200_000
    const u = uniform(SEED, n, 0, 1)
    expect(kolmogorovSmirnov(u, (x) => x)).toBeLessThan(1.95 / Math.sqrt(n))
    const mean = u.reduce((sum, v) => sum + v, 0) / n
    expect(Math.abs(mean - 0.5)).toBeLessThan(4 / Math.sqrt(12 * n))
    const variance = u.reduce((sum, v) => sum + (v - 0.5) ** 2, 0) / n
    expect(Math.abs(variance - 1 / 12)).toBeLessThan(4 / Math.sqrt(180 * n))
  })
})

describe('normal', () => {
  it('is the Box-Muller transform of the words', () => {
    const words = wordsOf(SEED, 1000)
    const y = normal(SEED, 1000)
    const scaled = normal(SEED, 1000, 3, 2)
    for (let i = 0; i < 1000; i += 2) {
      const radius = Math.sqrt(-2 * Math.log((words[i]! + 0.5) / 2 ** 32))
      const word = words[i + 1]!
      const eighth = ((word << 2) / 2 ** 32) * (Math.PI / 2)
      const angle = (word & (1 << 30) ? Math.PI / 2 - eighth : eighth) + (word >>> 31) * Math.PI
      // Near u = 1, where the radius is small, the float32 nearest to u is what limits it.
      const tolerance = 3e-7 * Math.max(radius, 1 / radius)
      expect(Math.abs(y[i]! - radius * Math.cos(angle))).toBeLessThan(tolerance)
      expect(Math.abs(y[i + 1]! - radius * Math.sin(angle))).toBeLessThan(tolerance)
    }
    scaled.forEach((v, i) => {
      expect(Math.abs(v - (3 + 2 * y[i]!))).toBeLessThan(2e-6)
    })
  })

  it('has the moments and the shape', () => {
    const n = 1_000_000
    const y = normal(SEED, n)
    const moment = (power: number) => y.reduce((sum, v) => sum + v ** power, 0) / n
    expect(Math.abs(moment(1))).toBeLessThan(4 / Math.sqrt(n))
    expect(Math.abs(moment(2) - 1)).toBeLessThan(4 * Math.sqrt(2 / n))
    expect(Math.abs(moment(3))).toBeLessThan(4 * Math.sqrt(15 / n))
    expect(Math.abs(moment(4) - 3)).toBeLessThan(4 * Math.sqrt(96 / n))
    const product = y.reduce((sum, v, i) => (i & 1 ? sum + v * y[i - 1]! : sum), 0) / (n / 2)
    expect(Math.abs(product)).toBeLessThan(4 / Math.sqrt(n / 2))
    expect(kolmogorovSmirnov(y, normalDistribution)).toBeLessThan(1.95 / Math.sqrt(n))
    const extreme = y.reduce((max, v) => Math.max(max, Math.abs(v)), 0)
    expect(extreme).toBeGreaterThan(4.2)
    expect(extreme).toBeLessThan(6.77)
  })
})

describe('truncatedNormal', () => {
  it.each([
    [-2, 2],
    [-8, 8],
    [0.5, 3],
    [-6, -2],
  ])('is where the distribution function reaches what the words say, from %d to %d', (low, high) => {
    const n = 2000
    const y = alloc(n * 4, 4)
    k.truncatedNormal(y, n, ...SEED, 3, 2, 3 + 2 * low, 3 + 2 * high)
    expectCanaries()
    const from = normalDistribution(low)
    const width = normalDistribution(high) - from
    const words = wordsOf(SEED, n)
    readF32(y, n).forEach((v, i) => {
      const expected = from + (width * (words[i]! + 0.5)) / 2 ** 32
      expect(Math.abs(normalDistribution((v - 3) / 2) - expected)).toBeLessThan(6e-7)
    })
  })

  it('knows how much lies between', () => {
    const between = (low: number, high: number) => k.normalBetween(low, high)
    expect(Math.abs(between(-1, 1) - 0.6826894921370859)).toBeLessThan(2e-15)
    expect(Math.abs(between(-40, -5) - 2.8665157187919344e-7)).toBeLessThan(2e-15)
    expect(between(-40, 40)).toBe(1)
    expect(between(20, 40)).toBe(0)
  })
})

describe.each([0.25, 0.9])('dropout with p %d', (p) => {
  it.each(EDGE_LENGTHS)('goes by the words, forward and back, for %d elements', (n) => {
    const x = Float32Array.from({ length: n }, (_, i) => i - 3.5)
    const expected = x.map((v, i) => v * (wordsOf(SEED, n)[i]! < p * 2 ** 32 ? 0 : Math.fround(1 / (1 - p))))
    const [y, dx, added] = [alloc(n * 4, 4), alloc(n * 4, 8), f32(x)]
    k.dropout(f32(x, 12), y, n, ...SEED, p)
    k.dropoutGrad(f32(x), dx, n, ...SEED, 0, p)
    k.dropoutGrad(f32(x), added, n, ...SEED, 1, p)
    expectCanaries()
    expect(readF32(y, n)).toEqual(expected)
    expect(readF32(dx, n)).toEqual(expected)
    expect(readF32(added, n)).toEqual(expected.map((v, i) => v + x[i]!))
  })
})

describe('permutation', () => {
  it.each([...EDGE_LENGTHS, 60_000])('of %d holds each index once', (n) => {
    const sorted = permutation(SEED, n).sort()
    expect(sorted.every((v, i) => v === i)).toBe(true)
  })

  it('is Fisher and Yates from the inside out, with 64 bits to each step', () => {
    const words = wordsOf(SEED, 2000).map(BigInt)
    const expected: number[] = []
    for (let i = 0; i < 1000; i++) {
      const random = words[2 * i]! | (words[2 * i + 1]! << 32n)
      const j = Number((random * BigInt(i + 1)) >> 64n)
      expected.push(i)
      expected[i] = expected[j]!
      expected[j] = i
    }
    expect([...permutation(SEED, 1000)]).toEqual(expected)
  })

  it('gives every order of five as often', () => {
    const counts = new Map<string, number>()
    for (let draw = 0; draw < 12_000; draw++) {
      reset()
      const order = permutation([7, 0, draw, 0], 5).join()
      counts.set(order, (counts.get(order) ?? 0) + 1)
    }
    expect(counts.size).toBe(120)
    expect(chiSquare([...counts.values()], 100)).toBeLessThan(173)
  })
})
