/** The same seed gives the same bits: weights, orders, and rows whatever batch they are in. */
import { describe, expect, test } from 'vitest'
import {
  arange,
  data,
  manualSeed,
  nn,
  noGrad,
  optim,
  rand,
  randint,
  randn,
  steps,
  type Tensor,
  tensor,
  weightsSha256,
} from '../src/index.ts'

async function train(seed: number): Promise<string> {
  manualSeed(seed)
  const model = nn.sequential(
    new nn.Linear(7, 19),
    new nn.Tanh(),
    new nn.Linear(19, 13),
    new nn.ReLU(),
    new nn.Linear(13, 5),
  )
  const optimizer = new optim.Adam(model.parameters(), { lr: 1e-2, weightDecay: 1e-3 })
  const lossFn = new nn.CrossEntropyLoss()
  const loader = new data.DataLoader(new data.TensorDataset(randn([45, 7]), randint(0, 5, [45])), {
    batchSize: 8,
    shuffle: true,
  })
  for (const _ of steps(20))
    for (const [x, y] of loader) {
      optimizer.zeroGrad()
      lossFn.forward(model.forward(x), y).backward()
      optimizer.step()
    }
  return weightsSha256(model.stateDict())
}

test('the orders of a seeded loader are not the numbers that the same seed draws', () => {
  manualSeed(42)
  const order = (seed: number) => {
    const loader = new data.DataLoader(new data.TensorDataset(arange(8)), { batchSize: 8, shuffle: true, seed })
    return Array.from(loader, ([batch]) => [...batch.toTypedArray()])[0]
  }
  expect(order(42)).toEqual(order(42))
  const unseeded = new data.DataLoader(new data.TensorDataset(arange(8)), { batchSize: 8, shuffle: true })
  expect(Array.from(unseeded, ([batch]) => [...batch.toTypedArray()])[0]).not.toEqual(order(42))
})

describe('training', () => {
  test('the same seed twice gives the same weights, another seed others', async () => {
    const first = await train(1)
    expect(await train(1)).toBe(first)
    expect(await train(2)).not.toBe(first)
  })

  test('gives the weights it gave where this was written, on every engine and machine', async () => {
    expect(await train(42)).toBe('2676e63da09eb4d99587b18c768c595629112bb056620aae20b95cad642ff836')
  })

  test('the seed is 0 without manualSeed, in a copy that has just started', async () => {
    const path = '../dist/index.js?seed'
    const copy = (await import(path)) as typeof import('../src/index.ts')
    const drawn = [...copy.rand([5]).toTypedArray()]
    manualSeed(0)
    expect([...rand([5]).toTypedArray()]).toEqual(drawn)
  })
})

describe('weightsSha256', () => {
  test('depends on values and their order, not on names, dtypes or strides', async () => {
    const x = tensor([
      [1, 2],
      [3, 4],
    ])
    const hash = await weightsSha256({ x })
    expect(await weightsSha256({ other: x.transpose(0, 1).clone().transpose(0, 1) })).toBe(hash)
    expect(await weightsSha256({ x: x.to('int32') })).toBe(hash)
    expect(await weightsSha256({ x: x.transpose(0, 1) })).not.toBe(hash)
  })

  test('is the SHA-256 of the little-endian float32', async () => {
    expect(await weightsSha256({})).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
    const bytes = new Uint8Array([0, 0, 128, 63, 0, 0, 0, 192])
    const digest = Buffer.from(await crypto.subtle.digest('SHA-256', bytes)).toString('hex')
    expect(await weightsSha256({ a: tensor([1]), b: tensor([-2]) })).toBe(digest)
  })

  test('takes every NaN for the same, and 0 and -0 for different', async () => {
    const nan = new Float32Array(new Uint32Array([0x7fc00001, 0xffc12345]).buffer)
    const hashes = [tensor([Number.NaN, Number.NaN]), tensor(nan)].map((x) => weightsSha256({ x }))
    expect(await hashes[0]).toBe(await hashes[1])
    expect(await weightsSha256({ x: tensor([0]) })).not.toBe(await weightsSha256({ x: tensor([-0]) }))
  })
})

describe('DataLoader', () => {
  const rows = (loader: data.DataLoader<[Tensor]>) => {
    const batches: number[][] = []
    for (const [x] of loader) batches.push([...x.toTypedArray()])
    return batches
  }
  const dataset = (n = 10) => new data.TensorDataset(arange(n))

  test('without shuffle gives the rows in order, the last batch partial, or left out', () => {
    const whole = new data.DataLoader(dataset(), { batchSize: 4 })
    expect(rows(whole)).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
      [8, 9],
    ])
    expect(whole.length).toBe(3)
    const dropping = new data.DataLoader(dataset(), { batchSize: 4, dropLast: true })
    expect(rows(dropping)).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
    ])
    expect(dropping.length).toBe(2)
    expect(rows(new data.DataLoader(dataset(3), { batchSize: 4, dropLast: true }))).toEqual([])
    expect(rows(new data.DataLoader(dataset(8), { batchSize: 4, dropLast: true }))).toHaveLength(2)
    expect(rows(new data.DataLoader(dataset(2)))).toEqual([[0], [1]])
  })

  test('shuffled gives every row once, in another order each pass', () => {
    manualSeed(1)
    const loader = new data.DataLoader(dataset(101), { batchSize: 8, shuffle: true })
    const passes = [1, 2, 3].map(() => rows(loader).flat())
    for (const pass of passes) expect([...pass].sort((a, b) => a - b)).toEqual(Array.from({ length: 101 }, (_, i) => i))
    expect(new Set(passes.map(String)).size).toBe(3)
    expect(rows(loader).map((batch) => batch.length)).toEqual([...new Array<number>(12).fill(8), 5])
  })

  test('orders agree between loaders of the same seed, whatever else is drawn', () => {
    const make = (seed: number) => new data.DataLoader(dataset(50), { batchSize: 7, shuffle: true, seed })
    const [a, b, c] = [make(9), make(9), make(10)]
    const orders = [a, b, c].map((loader) => {
      randn([3])
      return [rows(loader), rows(loader)]
    })
    expect(orders[0]).toEqual(orders[1])
    expect(orders[0]).not.toEqual(orders[2])
    expect(orders[0][0]).not.toEqual(orders[0][1])
  })

  test('without a seed of its own the order follows manualSeed', () => {
    const order = (seed: number) => {
      manualSeed(seed)
      return rows(new data.DataLoader(dataset(50), { batchSize: 7, shuffle: true }))
    }
    expect(order(3)).toEqual(order(3))
    expect(order(3)).not.toEqual(order(4))
  })

  test('gathers rows of every dtype and shape together, views included, and scales images alone', () => {
    const images = tensor(new Uint8Array([0, 51, 102, 153, 204, 255]), { shape: [3, 1, 2] })
    const labels = tensor(new Uint8Array([7, 8, 9]))
    const flags = tensor([true, false, true])
    const columns = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]).transpose(0, 1)
    const scaled = (x: number) => Math.fround(x * Math.fround(1 / 255))
    const set = new data.TensorDataset(images, labels, flags, columns, { scale: 1 / 255 })
    const [batch] = new data.DataLoader(set, { batchSize: 3 })
    expect(batch.map((x) => x.dtype)).toEqual(['float32', 'uint8', 'bool', 'float32'])
    expect(batch[0].toArray()).toEqual([[[0, 51]], [[102, 153]], [[204, 255]]].map(([row]) => [row.map(scaled)]))
    expect(batch.slice(1).map((x) => x.toArray())).toEqual([
      [7, 8, 9],
      [true, false, true],
      [
        [1, 4],
        [2, 5],
        [3, 6],
      ],
    ])
  })
})

test('a row gives the same bits in any batch, at any place in it', () => {
  manualSeed(11)
  for (const [inFeatures, outFeatures] of [
    [1, 1],
    [5, 3],
    [64, 10],
    [130, 37],
    [784, 128],
  ]) {
    const layer = new nn.Linear(inFeatures, outFeatures)
    noGrad(() => {
      const x = randn([40, inFeatures])
      const all = layer.forward(x).toTypedArray()
      const rows = x.toTypedArray()
      for (let size = 1; size <= 40; size++)
        for (const first of [0, 40 - size]) {
          const part = tensor(rows.subarray(first * inFeatures, (first + size) * inFeatures), {
            shape: [size, inFeatures],
          })
          const out = layer.forward(part).toTypedArray()
          expect(out).toEqual(all.subarray(first * outFeatures, (first + size) * outFeatures))
          part.dispose()
        }
    })
    layer.dispose()
  }
})
