/**
 * Whether what is drawn fits its distribution, by tests that chance fails once in 30,000 times; seeds are fixed, so they hold or
 * not. And that a draw depends on seed, number of the draw and element alone.
 */
import { beforeEach, describe, expect, test } from 'vitest'
import { arange, data, manualSeed, nn, ones, rand, randint, randn, scope, type Tensor, zeros } from '../src/index.ts'
import {
  chiSquare,
  chiSquareLimit,
  correlation,
  FAR,
  kolmogorovLimit,
  kolmogorovSmirnov,
  normalDistribution,
} from './support/statistics.ts'

const { init, functional } = nn

beforeEach(() => manualSeed(20_26))

const floats = (x: Tensor) => x.toTypedArray() as Float32Array

/** Fails unless `x` fits the distribution function. */
function expectFit(x: Float32Array, distribution: (x: number) => number): void {
  expect(kolmogorovSmirnov(x, distribution)).toBeLessThan(kolmogorovLimit(x.length))
}

/** Fails unless all counts may have come from one probability. */
function expectEven(counts: readonly number[]): void {
  const expected = counts.reduce((a, b) => a + b) / counts.length
  expect(chiSquare([...counts], expected)).toBeLessThan(chiSquareLimit(counts.length - 1))
}

function expectUncorrelated(a: ArrayLike<number>, b: ArrayLike<number>): void {
  expect(Math.abs(correlation(a, b))).toBeLessThan(FAR)
}

function countsOf(values: Iterable<number>, kinds: number): number[] {
  const counts = new Array<number>(kinds).fill(0)
  for (const value of values) counts[value]++
  return counts
}

/** The first element of each of n draws. */
const firsts = (n: number, draw: () => Tensor) => Float32Array.from({ length: n }, () => scope(() => floats(draw())[0]))

const uniformOver =
  (low: number, high: number) =>
  (x: number): number =>
    Math.min(Math.max((x - low) / (high - low), 0), 1)

const normalWith = (mean: number, std: number) => (x: number) => normalDistribution((x - mean) / std)

const N = 100_000

/** Lags at which the lanes and blocks of the generator could show. */
const LAGS = [1, 2, 3, 4, 8, 16, 64]

describe('elements of a draw', () => {
  test.each([
    ['rand', () => rand([N]), uniformOver(0, 1)],
    ['randn', () => randn([N]), normalDistribution],
  ] as const)('of %s fit their distribution, and know nothing of their neighbours', (_name, draw, distribution) => {
    const x = floats(draw())
    expectFit(x, distribution)
    for (const lag of LAGS) expectUncorrelated(x.subarray(lag), x.subarray(0, N - lag))
    const squares = x.map((v) => (v - 0.5) ** 2)
    for (const lag of LAGS) expectUncorrelated(squares.subarray(lag), squares.subarray(0, N - lag))
  })

  test('of randn have the moments', () => {
    const x = floats(randn([N]))
    const moment = (power: number) => x.reduce((sum, v) => sum + v ** power, 0) / N
    const variances = [1, 2, 15, 96]
    ;[0, 1, 0, 3].forEach((expected, i) => {
      expect(Math.abs(moment(i + 1) - expected)).toBeLessThan(FAR * Math.sqrt(variances[i] / N))
    })
  })

  test('of rand fill the square of neighbours evenly', () => {
    const cells = floats(rand([N, 2]).mul(10).floor().matmul(arange(2).mul(9).add(1)))
    expectEven(countsOf(cells, 100))
  })

  test.each([
    [0, 2],
    [-3, 4],
    [5, 105],
  ])('of randint are even from %d to %d', (low, high) => {
    const x = Array.from(randint(low, high, [N]).toTypedArray(), (v) => v - low)
    expectEven(countsOf(x, high - low))
    for (const lag of LAGS) expectUncorrelated(x.slice(lag), x.slice(0, -lag))
  })
})

describe('draws', () => {
  const M = 5000

  test('that follow one another know nothing of one another', () => {
    const x = firsts(M, () => rand([1]))
    expectFit(x, uniformOver(0, 1))
    for (const lag of LAGS) expectUncorrelated(x.subarray(lag), x.subarray(0, M - lag))
  })

  test('of seeds that follow one another know nothing of one another', () => {
    const x = Float32Array.from({ length: M }, (_, seed) => {
      manualSeed(seed)
      return scope(() => rand([1]).item())
    })
    expectFit(x, uniformOver(0, 1))
    for (const lag of LAGS) expectUncorrelated(x.subarray(lag), x.subarray(0, M - lag))
  })

  test('of several elements know nothing of the draw before, element by element', () => {
    const [a, b] = [floats(randn([N])), floats(randn([N]))]
    expectUncorrelated(a, b)
    expectUncorrelated(a.subarray(1), b.subarray(0, N - 1))
  })
})

describe('shuffles', () => {
  /** The order of the rows in each of `passes`. */
  function orders(n: number, passes: number): number[][] {
    const loader = new data.DataLoader(new data.TensorDataset(arange(n), arange(n)), {
      batchSize: n,
      shuffle: true,
      seed: 1,
    })
    return Array.from({ length: passes }, () => {
      const order: number[] = []
      for (const [x] of loader) order.push(...x.toTypedArray())
      return order
    })
  }

  test('of four rows give each of the 24 orders as often', () => {
    const found = new Map<string, number>()
    for (const order of orders(4, 4800)) found.set(order.join(), (found.get(order.join()) ?? 0) + 1)
    expect(found.size).toBe(24)
    expectEven([...found.values()])
  })

  test('bring each row to each place as often', () => {
    const passes = orders(20, 4000)
    for (let place = 0; place < 20; place++)
      expectEven(
        countsOf(
          passes.map((order) => order[place]),
          20,
        ),
      )
  })

  test('know nothing of the pass before', () => {
    const passes = orders(50, 200).flat()
    expectUncorrelated(passes.slice(50), passes.slice(0, -50))
    expectUncorrelated(passes.slice(1), passes.slice(0, -1))
  })
})

describe.each([0.01, 0.1, 0.5, 0.75, 0.99])('dropout with p %d', (p) => {
  /** 1 for what is dropped. */
  const dropped = (shape: number[]) => floats(functional.dropout(ones(shape), p)).map((v) => Number(v === 0))
  const spread = Math.sqrt(p * (1 - p))

  test('drops that share, and keeps the mean', () => {
    const y = functional.dropout(ones([N]), p)
    const share = floats(y).filter((v) => v === 0).length / N
    expect(Math.abs(share - p)).toBeLessThan((FAR * spread) / Math.sqrt(N))
    expect(Math.abs(y.mean().item() - 1)).toBeLessThan((FAR * spread) / (1 - p) / Math.sqrt(N))
  })

  test('drops each place as often, and none because of another', () => {
    const [rows, places] = [2000, 64]
    const masks = Array.from({ length: rows }, () => scope(() => Array.from(dropped([places]))))
    const counts = Array.from({ length: places }, (_, i) => masks.reduce((sum, mask) => sum + mask[i], 0))
    const distance = counts.reduce((sum, count) => sum + (count - rows * p) ** 2, 0) / (rows * spread * spread)
    expect(distance).toBeLessThan(chiSquareLimit(places))
    const all = masks.flat()
    for (const lag of [...LAGS, places]) expectUncorrelated(all.slice(lag), all.slice(0, -lag))
  })
})

describe('initialisers', () => {
  const weight = () => zeros([400, 250])
  const bound = Math.sqrt(6 / 650)
  const truncated = (low: number, high: number) => {
    const [from, to] = [low, high].map(normalDistribution)
    return (x: number) => (normalDistribution(x) - from) / (to - from)
  }

  test.each([
    ['uniform_', () => init.uniform_(weight(), -3, 5), uniformOver(-3, 5)],
    ['normal_', () => init.normal_(weight(), 2, 0.5), normalWith(2, 0.5)],
    ['truncNormal_', () => init.truncNormal_(weight()), truncated(-2, 2)],
    ['truncNormal_ of a tail', () => init.truncNormal_(weight(), 0, 1, 1, 4), truncated(1, 4)],
    ['xavierUniform_', () => init.xavierUniform_(weight()), uniformOver(-bound, bound)],
    ['xavierNormal_', () => init.xavierNormal_(weight()), normalWith(0, Math.sqrt(2 / 650))],
    [
      'kaimingUniform_',
      () => init.kaimingUniform_(weight(), { nonlinearity: 'relu' }),
      uniformOver(-Math.sqrt(6 / 250), Math.sqrt(6 / 250)),
    ],
    ['kaimingNormal_', () => init.kaimingNormal_(weight(), { mode: 'fanOut' }), normalWith(0, Math.sqrt(2 / 400))],
    ['Linear', () => new nn.Linear(250, 400).weight, uniformOver(-1 / Math.sqrt(250), 1 / Math.sqrt(250))],
    ['Embedding', () => new nn.Embedding(400, 250).weight, normalDistribution],
  ] as const)('%s fits its distribution', (_name, make, distribution) => {
    expectFit(floats(make()), distribution)
  })

  test('truncNormal_ follows the quantiles of the normal distribution into the tails', () => {
    const x = floats(init.truncNormal_(zeros([N]), 0, 1, -8, 8))
    const moment = (power: number) => x.reduce((sum, v) => sum + v ** power, 0) / N
    expect(Math.abs(moment(2) - 1)).toBeLessThan(FAR * Math.sqrt(2 / N))
    expect(Math.abs(moment(4) - 3)).toBeLessThan(FAR * Math.sqrt(96 / N))
  })
})

describe('a draw depends on seed, number and element alone', () => {
  const kinds = {
    rand: (n: number) => rand([n]),
    randn: (n: number) => randn([n]),
    randint: (n: number) => randint(0, 1000, [n]),
    dropout: (n: number) => functional.dropout(ones([n]), 0.5),
    uniform_: (n: number) => init.uniform_(zeros([n]), -1, 1),
    normal_: (n: number) => init.normal_(zeros([n])),
    truncNormal_: (n: number) => init.truncNormal_(zeros([n])),
  }

  test.each(Object.entries(kinds))('%s: longer ones begin with the shorter', (_name, draw) => {
    manualSeed(4)
    const all = draw(1000).toTypedArray()
    for (const n of [0, 1, 3, 4, 5, 15, 16, 17, 63]) {
      manualSeed(4)
      expect(draw(n).toTypedArray()).toEqual(all.slice(0, n))
    }
  })

  test.each(Object.entries(kinds))(
    '%s: the size of earlier ones changes nothing, nor does their kind',
    (_name, draw) => {
      manualSeed(4)
      rand([1])
      rand([1])
      const third = draw(20).toTypedArray()
      manualSeed(4)
      randn([777])
      functional.dropout(ones([33]), 0.1)
      expect(draw(20).toTypedArray()).toEqual(third)
      expect(draw(20).toTypedArray()).not.toEqual(third)
      manualSeed(5)
      rand([1])
      rand([1])
      expect(draw(20).toTypedArray()).not.toEqual(third)
    },
  )

  test('also of a shape with more axes, and of a gradient', () => {
    manualSeed(4)
    const flat = functional.dropout(ones([24]), 0.5)
    manualSeed(4)
    const x = ones([2, 3, 4], { requiresGrad: true })
    const y = functional.dropout(x, 0.5)
    expect(y.toTypedArray()).toEqual(flat.toTypedArray())
    y.sum().backward()
    expect(x.grad!.toTypedArray()).toEqual(flat.toTypedArray())
  })
})
