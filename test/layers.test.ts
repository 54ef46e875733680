/** What layers keep between calls: running statistics, modes and draws. */
import { describe, expect, test } from 'vitest'
import {
  GraphError,
  manualSeed,
  memory,
  nn,
  noGrad,
  OptionError,
  ones,
  randn,
  ShapeError,
  scope,
  type Tensor,
  tensor,
  zeros,
} from '../src/index.ts'
import { columnMoments } from './ops/reference/normalize.ts'
import { failing } from './support/failing.ts'

const values = (x: Tensor | null) => Array.from(x!.toTypedArray())
const statistics = ({ runningMean, runningVar, numBatchesTracked }: nn.BatchNorm1d) =>
  [runningMean, runningVar, numBatchesTracked].map(values)

/** The running mean and variance after `batches`, by PyTorch's rule, in float64. */
function running(batches: readonly Tensor[], momentum: number | null): [mean: number[], variance: number[]] {
  let mean = [0, 0, 0]
  let variance = [1, 1, 1]
  batches.forEach((batch, i) => {
    const n = batch.shape[0]
    const share = momentum ?? 1 / (i + 1)
    const found = columnMoments({ shape: batch.shape, data: Float64Array.from(batch.toTypedArray()) })
    mean = mean.map((m, c) => (1 - share) * m + share * found[c].mean)
    variance = variance.map((v, c) => (1 - share) * v + (share * found[c].variance * n) / (n - 1))
  })
  return [mean, variance]
}

const batches = () =>
  [2, 5, 32, 3].map((n, i) =>
    randn([n, 3])
      .mul(i + 1)
      .add(100 * i),
  )

describe('running statistics', () => {
  test.each([0.1, 0.5, 0, 1, null])('follow the batches with momentum %s', (momentum) => {
    scope(() => {
      const layer = new nn.BatchNorm1d(3, { momentum })
      const given = batches()
      for (const batch of given) layer.forward(batch)
      running(given, momentum).forEach((expected, i) => {
        statistics(layer)[i].forEach((v, c) => {
          expect(Math.abs(v - expected[c])).toBeLessThan(4 * 2 ** -24 * Math.max(400, Math.abs(expected[c])))
        })
      })
      expect(statistics(layer)[2]).toEqual([4])
      layer.dispose()
    })
  })

  test('move also under noGrad, and not after eval()', () => {
    const layer = new nn.BatchNorm1d(3)
    const [x] = batches()
    noGrad(() => layer.forward(x))
    const before = statistics(layer)
    expect(before[2]).toEqual([1])
    layer.eval().forward(x)
    expect(statistics(layer)).toEqual(before)
  })

  test('of a batch without rows count it and stay, as in PyTorch', () => {
    const layer = new nn.BatchNorm1d(3)
    const y = layer.forward(zeros([0, 3]))
    expect(y.shape).toEqual([0, 3])
    expect(statistics(layer)).toEqual([[0, 0, 0], [1, 1, 1], [1]])
  })

  test('stay as they are when a batch is refused, or memory runs out anywhere in its forward', () => {
    const layer = new nn.BatchNorm1d(3)
    layer.forward(randn([4, 3]))
    const before = statistics(layer)
    expect(() => layer.forward(zeros([1, 3]))).toThrow('dropLast: true')
    expect(() => layer.forward(zeros([4, 2]))).toThrow(ShapeError)
    const x = randn([3, 4]).transpose(0, 1)
    const { live } = memory()
    let failures = 0
    for (let n = 1; failing(n, () => layer.forward(x)); n++) {
      expect(statistics(layer)).toEqual(before)
      expect(memory().live).toBe(live)
      failures++
    }
    expect(failures).toBeGreaterThanOrEqual(3)
    expect(statistics(layer)[2]).toEqual([2])
  })

  test('are no part of the graph: they may move between forward and backward', () => {
    const layer = new nn.BatchNorm1d(3)
    const x = randn([4, 3], { requiresGrad: true })
    const loss = layer.forward(x).square().mul(x).sum()
    layer.forward(randn([4, 3]))
    loss.backward()
    layer.eval()
    const later = layer.forward(x).sum()
    layer.train().forward(randn([4, 3]))
    later.backward()
    expect(layer.runningMean!.isLeaf && !layer.runningMean!.requiresGrad && layer.runningMean!.grad === null).toBe(true)
  })

  test('have the names of PyTorch in state dicts, and come back from there exactly', () => {
    const model = nn.sequential(new nn.Linear(3, 3), new nn.BatchNorm1d(3))
    model.forward(randn([8, 3]))
    const state = model.stateDict()
    expect(Object.keys(state)).toEqual([
      '0.weight',
      '0.bias',
      ...['weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked'].map((name) => `1.${name}`),
    ])
    expect(state['1.num_batches_tracked'].dtype).toBe('int32')
    const other = nn.sequential(new nn.Linear(3, 3), new nn.BatchNorm1d(3))
    other.loadStateDict(state)
    const x = randn([5, 3])
    for (const mode of [false, true])
      expect(other.train(mode).forward(x).toArray()).toEqual(model.train(mode).forward(x).toArray())
    expect(JSON.stringify(other.stateDict())).toBe(JSON.stringify(model.stateDict()))
    expect(Object.keys(new nn.BatchNorm1d(3, { affine: false, trackRunningStats: false }).stateDict())).toEqual([])
  })

  test('of a function are changed in place, whatever their layout, unless they need a gradient', () => {
    const [mean, variance] = [zeros([3, 2]).slice(null, 0), ones([3, 2]).slice(null, 1)]
    const x = tensor([
      [1e4, 1, 2],
      [1e4 + 2, 1, 4],
    ])
    nn.functional.batchNorm(x, mean, variance, { training: true, momentum: 0.5 })
    expect(mean.toArray()).toEqual([5000.5, 0.5, 1.5])
    expect(variance.toArray()).toEqual([1.5, 0.5, 1.5])
    const leaf = zeros([3], { requiresGrad: true })
    expect(() => nn.functional.batchNorm(x, leaf, variance, { training: true })).toThrow(GraphError)
  })
})

describe('a row gives the same in any batch', () => {
  const rows = (x: Tensor) => x.toArray() as number[][]

  test('of LayerNorm, forward and back', () => {
    const layer = new nn.LayerNorm(37)
    const run = (data: Tensor) => {
      const x = data.detach()
      x.requiresGrad = true
      const y = layer.forward(x)
      y.square().mul(y).sum().backward()
      return [rows(y), rows(x.grad!)]
    }
    const x = randn([9, 37])
    const [y, dx] = run(x)
    for (const i of [0, 4, 8]) expect(run(x.slice([i, i + 1]))).toEqual([[y[i]], [dx[i]]])
  })

  test('of BatchNorm1d after eval()', () => {
    const layer = new nn.BatchNorm1d(37)
    layer.forward(randn([16, 37]))
    layer.eval()
    const x = randn([9, 37])
    const y = rows(layer.forward(x))
    for (const i of [0, 4, 8]) expect(rows(layer.forward(x.slice([i, i + 1])))).toEqual([y[i]])
  })
})

describe('Dropout', () => {
  test('draws anew each time, and in backward what it drew', () => {
    const layer = new nn.Dropout(0.3)
    const x = randn([1000], { requiresGrad: true })
    const [a, b] = [layer.forward(x), layer.forward(x)]
    expect(a.toArray()).not.toEqual(b.toArray())
    randn([10])
    manualSeed(99)
    a.sum().backward()
    const kept = values(a).map((v) => (v === 0 ? 0 : Math.fround(1 / 0.7)))
    expect(values(x.grad)).toEqual(kept)
  })

  test('gives back what it is given after eval()', () => {
    const x = randn([4])
    expect(new nn.Dropout().eval().forward(x)).toBe(x)
    expect(new nn.Dropout(0).forward(x)).toBe(x)
  })

  test('uses up no draw when memory runs out, or after eval()', () => {
    const layer = new nn.Dropout()
    const x = ones([100])
    manualSeed(1)
    const expected = layer.forward(x).toArray()
    manualSeed(1)
    expect(failing(1, () => layer.forward(x))).not.toBeNull()
    layer.eval().forward(x)
    expect(layer.train().forward(x).toArray()).toEqual(expected)
  })

  test.each([-0.1, 1.5, NaN, '0.5', null])('is refused with p %s', (p) => {
    expect(() => new nn.Dropout(p as number)).toThrow(OptionError)
  })
})

describe('what a layer cannot be told', () => {
  test.each([
    [OptionError, () => new nn.BatchNorm1d(0)],
    [OptionError, () => new nn.BatchNorm1d(3, { momentum: 2 })],
    [OptionError, () => new nn.BatchNorm1d(3, { eps: -1 })],
    [OptionError, () => new nn.BatchNorm1d(3, { affine: 1 as unknown as boolean })],
    [OptionError, () => new nn.BatchNorm1d(3, { track_running_stats: false } as object)],
    [ShapeError, () => new nn.LayerNorm([])],
    [ShapeError, () => new nn.LayerNorm('3' as unknown as number)],
    [OptionError, () => new nn.LayerNorm(3, { eps: NaN })],
    [OptionError, () => new nn.LayerNorm(3, { bias: 0 as unknown as boolean })],
    [ShapeError, () => new nn.BatchNorm1d(3).forward(zeros([2, 3, 4]))],
    [ShapeError, () => new nn.BatchNorm1d(3, { trackRunningStats: false }).eval().forward(zeros([1, 3]))],
  ])('%o', (error, run) => {
    expect(run).toThrow(error)
  })
})

test('layers print as in PyTorch', () => {
  const layers = [
    new nn.BatchNorm1d(3, { momentum: null }),
    new nn.LayerNorm([2, 3]),
    new nn.Dropout(0.2),
    new nn.Flatten(),
    new nn.Identity(),
  ]
  expect(layers.map(String)).toEqual([
    'BatchNorm1d(3, eps=0.00001, momentum=null, affine=true, trackRunningStats=true)',
    'LayerNorm([2, 3], eps=0.00001, elementwiseAffine=true)',
    'Dropout(p=0.2)',
    'Flatten(startDim=1, endDim=-1)',
    'Identity()',
  ])
})
