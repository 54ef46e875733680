/** `fit`, `evaluate`, `predict`: the same bits as the loop written by hand, nothing left over, and what callbacks see. */
import { describe, expect, test } from 'vitest'
import {
  AnomalyError,
  type Callback,
  checkpoint,
  DtypeError,
  data,
  detectAnomaly,
  earlyStopping,
  evaluate,
  type FitOptions,
  fit,
  GraphError,
  history,
  manualSeed,
  memory,
  metrics,
  type NeyronError,
  nn,
  noGrad,
  OptionError,
  optim,
  predict,
  progress,
  randn,
  ShapeError,
  steps,
  type Tensor,
  tensor,
  zeros,
} from '../src/index.ts'
import { live, settled } from './settle.ts'

const lossFn = new nn.CrossEntropyLoss()

/** Nine rows: two batches of four, and one of one. */
function rows(n = 9): [Tensor, Tensor] {
  const labels = Array.from({ length: n }, (_, i) => (i * i) % 3)
  return [randn([n, 4]), tensor(labels, { dtype: 'int32' })]
}

const mlp = () => nn.sequential(new nn.Linear(4, 8), new nn.Tanh(), new nn.Linear(8, 3))

/** A model, its optimizer and data, all drawn anew. */
function setUp(n?: number) {
  manualSeed(7)
  const model = mlp()
  return { model, optimizer: new optim.Adam(model.parameters(), { lr: 0.01 }), pair: rows(n) }
}

const weights = (model: nn.Module) => Object.values(model.stateDict()).map((x) => [...x.toTypedArray()])

describe('fit gives the same bits as the loop written by hand', () => {
  /** The five lines, with the loss of each epoch weighed by rows; and what is done to gradients between them. */
  function byHand(options: data.DataLoaderOptions, epochs: number, clip?: (model: nn.Module) => void) {
    const { model, optimizer, pair } = setUp()
    const loader = new data.DataLoader(new data.TensorDataset(...pair), options)
    const losses: number[] = []
    for (const _ of steps(epochs)) {
      let [total, rows] = [0, 0]
      for (const [x, y] of loader) {
        optimizer.zeroGrad()
        const loss = lossFn.forward(model.forward(x), y)
        loss.backward()
        clip?.(model)
        optimizer.step()
        total += loss.item() * x.shape[0]
        rows += x.shape[0]
      }
      losses.push(total / rows)
    }
    return { model, losses }
  }

  test.each<[string, Partial<FitOptions>, data.DataLoaderOptions]>([
    ['shuffled in batches of 32', {}, { batchSize: 32, shuffle: true }],
    ['with a last smaller batch', { batchSize: 4 }, { batchSize: 4, shuffle: true }],
    ['by a seed', { batchSize: 4, seed: 3 }, { batchSize: 4, shuffle: true, seed: 3 }],
    ['in order', { batchSize: 4, shuffle: false }, { batchSize: 4 }],
    ['without a smaller batch', { batchSize: 4, dropLast: true }, { batchSize: 4, shuffle: true, dropLast: true }],
  ])('%s', async (_name, options, byLoader) => {
    const hand = byHand(byLoader, 3)
    const { model, optimizer, pair } = setUp()
    const { history } = await fit(model, pair, { loss: lossFn, optimizer, epochs: 3, ...options })
    expect(weights(model)).toEqual(weights(hand.model))
    expect(history.loss).toEqual(hand.losses)
  })

  test('with the gradients clipped', async () => {
    const norms: number[] = []
    const clip = (model: nn.Module) => norms.push(nn.utils.clipGradNorm_(model.parameters(), 0.5))
    const hand = byHand({ batchSize: 4, shuffle: true }, 3, clip)
    const { model, optimizer, pair } = setUp()
    await fit(model, pair, { loss: lossFn, optimizer, epochs: 3, batchSize: 4, clipGradNorm: 0.5 })
    expect(Math.max(...norms)).toBeGreaterThan(0.5)
    expect(weights(model)).toEqual(weights(hand.model))
    expect(weights(model)).not.toEqual(weights(byHand({ batchSize: 4, shuffle: true }, 3).model))
  })

  test('from a loader, which skips a smaller batch where it says so', async () => {
    const options = { batchSize: 4, shuffle: true, seed: 5, dropLast: true }
    const hand = byHand(options, 3)
    const { model, optimizer, pair } = setUp()
    const loader = new data.DataLoader(new data.TensorDataset(...pair), options)
    await fit(model, loader, { loss: lossFn, optimizer, epochs: 3 })
    expect(weights(model)).toEqual(weights(hand.model))
  })
})

describe('a scheduler', () => {
  type Make = (optimizer: optim.Optimizer) => optim.lrScheduler.LRScheduler
  const { OneCycleLR, CosineAnnealingLR, SequentialLR, LinearLR, ReduceLROnPlateau } = optim.lrScheduler
  const oneCycle: Make = (o) => new OneCycleLR(o, { maxLr: 0.1, epochs: 3, stepsPerEpoch: 3 })
  const cosine: Make = (o) => new CosineAnnealingLR(o, 3)
  const warmUp: Make = (o) =>
    new SequentialLR(o, [new LinearLR(o), new OneCycleLR(o, { maxLr: 0.1, totalSteps: 9 })], { milestones: [3] })

  function byHand(make: Make, every: 'epoch' | 'batch') {
    const { model, optimizer, pair } = setUp()
    const loader = new data.DataLoader(new data.TensorDataset(...pair), { batchSize: 4, shuffle: true })
    const scheduler = make(optimizer)
    for (const _ of steps(3)) {
      for (const [x, y] of loader) {
        optimizer.zeroGrad()
        lossFn.forward(model.forward(x), y).backward()
        optimizer.step()
        if (every === 'batch') scheduler.step()
      }
      if (every === 'epoch') scheduler.step()
    }
    return weights(model)
  }

  test.each<[string, Make, 'epoch' | 'batch' | undefined, 'epoch' | 'batch']>([
    ['OneCycleLR after each batch', oneCycle, undefined, 'batch'],
    ['OneCycleLR after each epoch if told so', oneCycle, 'epoch', 'epoch'],
    ['CosineAnnealingLR after each epoch', cosine, undefined, 'epoch'],
    ['CosineAnnealingLR after each batch if told so', cosine, 'batch', 'batch'],
    ['SequentialLR as the parts of it', warmUp, undefined, 'batch'],
  ])('%s', async (_name, make, schedulerEvery, every) => {
    const { model, optimizer, pair } = setUp()
    const scheduler = make(optimizer)
    await fit(model, pair, { loss: lossFn, optimizer, epochs: 3, batchSize: 4, scheduler, schedulerEvery })
    expect(scheduler.lastEpoch).toBe(every === 'batch' ? 9 : 3)
    expect(weights(model)).toEqual(byHand(make, every))
  })

  test('gets the loss of the batch where it counts batches', async () => {
    const { model, optimizer, pair } = setUp()
    const [given, losses]: number[][] = [[], []]
    const scheduler = { every: 'batch', step: (metric: number) => given.push(metric) } as const
    const callbacks: Callback[] = [{ onBatchEnd: ({ loss }) => losses.push(loss) }]
    await fit(model, pair, { loss: lossFn, optimizer, epochs: 2, batchSize: 4, scheduler, callbacks })
    expect(given).toHaveLength(6)
    expect(given).toEqual(losses)
  })

  test('of whole epochs, or at no known time, is refused', async () => {
    const { model, optimizer, pair } = setUp()
    const options = { loss: lossFn, optimizer, epochs: 1, scheduler: new ReduceLROnPlateau(optimizer) }
    await expect(fit(model, pair, { ...options, schedulerEvery: 'batch' })).rejects.toThrow(/^fit: ReduceLROnPlateau /)
    const wrong = { ...options, schedulerEvery: 'step' } as unknown as FitOptions
    await expect(fit(model, pair, wrong)).rejects.toThrow(/^fit: schedulerEvery is step; it is 'epoch' or 'batch'/)
  })
})

test('a last batch of one row, which batch norm refuses, can be left out', async () => {
  const { pair } = setUp()
  const model = nn.sequential(new nn.Linear(4, 3), new nn.BatchNorm1d(3))
  const options = { loss: lossFn, optimizer: new optim.SGD(model.parameters()), epochs: 1, batchSize: 4 }
  await expect(fit(model, pair, options)).rejects.toThrow(/leave out a last small batch by { dropLast: true }/)
  expect((await fit(model, pair, { ...options, dropLast: true })).history.loss).toHaveLength(1)
})

test('metrics, validation and callbacks change no bit of the training', async () => {
  const plain = setUp()
  await fit(plain.model, plain.pair, { loss: lossFn, optimizer: plain.optimizer, epochs: 3, batchSize: 4 })
  const { model, optimizer, pair } = setUp()
  const callbacks = [{ onBatchEnd: () => {} }, progress({ write: () => {} }), earlyStopping({ patience: 9 })]
  const options = { metrics: { accuracy: metrics.accuracy }, validation: pair, callbacks }
  await fit(model, pair, { loss: lossFn, optimizer, epochs: 3, batchSize: 4, ...options })
  expect(weights(model)).toEqual(weights(plain.model))
})

/** Passes its input on, and tells in which mode and whether a gradient could flow. */
class Witness extends nn.Module<'same'> {
  readonly seen: string[] = []
  forward(x: Tensor): Tensor {
    const records = tensor([1], { requiresGrad: true }).mul(1).requiresGrad
    this.seen.push(`${this.training ? 'train' : 'eval'} ${records ? 'recorded' : 'unrecorded'} ${x.shape[0]}`)
    return x
  }
}

describe('the history', () => {
  test('has a number for each epoch, is plain JSON, and typed by the names of metrics', async () => {
    const { model, optimizer, pair } = setUp()
    const options = { loss: lossFn, optimizer, epochs: 2, metrics: { accuracy: metrics.accuracy } }
    const validated = await fit(model, pair, { ...options, validation: pair })
    const names = ['loss', 'accuracy', 'valLoss', 'valAccuracy', 'lr', 'seconds']
    expect(Object.keys(validated.history)).toEqual(names)
    expect(validated.history.valAccuracy).toHaveLength(2)
    expect(validated.stopped).toBe(false)
    expect(JSON.parse(JSON.stringify(validated.history))).toEqual(validated.history)
    const plain = await fit(model, pair, options)
    expect(Object.keys(plain.history)).toEqual(['loss', 'accuracy', 'lr', 'seconds'])
    // @ts-expect-error: without validation there is no such list
    expect(plain.history.valLoss).toBeUndefined()
  })

  test('may hold a metric with the name of what every object has', async () => {
    const { model, optimizer, pair } = setUp()
    const recorder = history()
    const options = { loss: lossFn, optimizer, epochs: 2, callbacks: [recorder], metrics: { constructor: () => 3 } }
    const log = await fit(model, pair, options)
    expect([log.history.constructor, recorder.history.constructor]).toEqual([
      [3, 3],
      [3, 3],
    ])
  })

  test('has the metrics of all predictions of an epoch, and those of evaluate on the same data', async () => {
    const { model, pair } = setUp(300)
    const optimizer = new optim.SGD(model.parameters(), { lr: 0 })
    const measured = { rows: (p: Tensor, t: Tensor) => p.shape[0] * 1000 + t.shape[0], accuracy: metrics.accuracy }
    const options = { loss: lossFn, metrics: measured }
    const log = await fit(model, pair, { ...options, optimizer, epochs: 1, validation: pair, batchSize: 7 })
    const [x, y] = pair
    const out = noGrad(() => model.forward(x))
    expect(log.history.rows).toEqual([300_300])
    expect(log.history.accuracy[0]).toBe(metrics.accuracy(out, y))
    expect(log.history.loss[0]).toBeCloseTo(lossFn.forward(out, y).item(), 6)
    const evaluated = await evaluate(model, pair, options)
    expect(evaluated).toEqual({ loss: log.history.valLoss[0], rows: 300_300, accuracy: log.history.valAccuracy[0] })
  })

  test('has the learning rate of the epoch; a scheduler sets that of the next, by the validation loss', async () => {
    const { model, optimizer, pair } = setUp()
    const given: number[] = []
    const scheduler = {
      step(metric: number) {
        given.push(metric)
        optimizer.lr /= 2
      },
    }
    const options = { loss: lossFn, optimizer, epochs: 3, scheduler }
    const log = await fit(model, pair, { ...options, validation: pair })
    expect(log.history.lr).toEqual([0.01, 0.005, 0.0025])
    expect(given).toEqual(log.history.valLoss)
    const plain = await fit(model, pair, options)
    expect(given.slice(3)).toEqual(plain.history.loss)
  })
})

describe('modes', () => {
  test('training in training mode, validation in the other and without gradients; then each as it was', async () => {
    const { pair } = setUp()
    const witness = new Witness()
    const model = nn.sequential(witness, new nn.Linear(4, 3))
    model.eval()
    model[1].training = true
    const modes: boolean[] = []
    const options = { loss: lossFn, optimizer: new optim.SGD(model.parameters()), epochs: 1, batchSize: 5 }
    const callbacks: Callback[] = [
      { onBatchEnd: () => modes.push(witness.training), onEpochEnd: () => modes.push(witness.training) },
    ]
    await fit(model, pair, { ...options, validation: pair, callbacks })
    expect(witness.seen).toEqual(['train recorded 5', 'train recorded 4', 'eval unrecorded 9'])
    expect(modes).toEqual([false, false, false])
    expect([model, witness, model[1]].map(({ training }) => training)).toEqual([false, false, true])
    model.train()
    await evaluate(model, pair, { loss: lossFn, batchSize: 6 })
    await predict(model, pair[0])
    expect(witness.seen.slice(3)).toEqual(['eval unrecorded 6', 'eval unrecorded 3', 'eval unrecorded 9'])
    expect(model.training && witness.training).toBe(true)
  })
})

test('what is in evaluation mode inside a model in training mode, as a frozen body is, stays so', async () => {
  const { pair } = setUp()
  const [frozen, head] = [new Witness(), new Witness()]
  const norm = new nn.BatchNorm1d(4)
  const model = nn.sequential(nn.sequential(frozen, norm), head, new nn.Linear(4, 3))
  const plan = { loss: lossFn, optimizer: new optim.SGD(model.parameters()), epochs: 1, batchSize: 9 }
  const modes = () => [model, model[0], frozen, norm, head].map(({ training }) => training)
  model[0].eval()
  const before = modes()
  await fit(model, pair, { ...plan, validation: pair })
  expect(frozen.seen).toEqual(['eval recorded 9', 'eval unrecorded 9'])
  expect(head.seen).toEqual(['train recorded 9', 'eval unrecorded 9'])
  expect(norm.runningMean?.toArray()).toEqual([0, 0, 0, 0])
  expect(modes()).toEqual(before)
  model.eval()
  await fit(model, pair, plan)
  expect(frozen.seen.at(-1)).toBe('train recorded 9')
  expect(modes()).toEqual([false, false, false, false, false])
})

describe('data', () => {
  const seen = (model: nn.Module & { readonly seen: number[][] }) => model.seen
  /** Notes the first column of what it is given. */
  class Notes extends nn.Module {
    readonly weight = new nn.Parameter(zeros([1]))
    readonly seen: number[][] = []
    forward(...xs: Tensor[]): Tensor {
      this.seen.push(xs.flatMap((x) => [...x.toTypedArray()]))
      return xs[0].mul(this.weight)
    }
  }
  const count = (n: number, from = 0) => tensor(Array.from({ length: n }, (_, i) => [from + i]))
  const plan = (model: nn.Module) => ({
    loss: new nn.MSELoss(),
    optimizer: new optim.SGD(model.parameters()),
    epochs: 1,
    shuffle: false,
  })

  test('a validation split takes the last rows, before shuffling', async () => {
    const model = new Notes()
    await fit(model, [count(10), count(10)], { ...plan(model), shuffle: true, validationSplit: 0.3 })
    const [train, validation] = seen(model)
    expect(train.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6])
    expect(train).not.toEqual(train.toSorted((a, b) => a - b))
    expect(validation).toEqual([7, 8, 9])
  })

  test.each([
    [0.9, 1],
    [0.1, 9],
    [0.7, 3],
    [0.25, 7],
  ])('a split of %s leaves %s of 10 rows', async (share, left) => {
    const model = new Notes()
    await fit(model, [count(10), count(10)], { ...plan(model), validationSplit: share })
    expect(seen(model)[0]).toHaveLength(left)
  })

  test('a split keeps the scale of a data set', async () => {
    const model = new Notes()
    const images = tensor([[0], [51], [102], [255]], { dtype: 'uint8' }) // biome-ignore format: a matrix
    const set = new data.TensorDataset(images, count(4), { scale: 1 / 255 })
    await fit(model, set, { ...plan(model), validationSplit: 0.5 })
    expect(seen(model).flat()).toEqual([0, 51, 102, 255].map((pixel) => Math.fround(pixel * Math.fround(1 / 255))))
  })

  test('of more than two tensors the last is the target, and all others go to forward', async () => {
    const model = new Notes()
    await fit(model, [count(2), count(2, 10), count(2, 20)], plan(model))
    await evaluate(model, [count(2), count(2, 10), count(2, 20)], { loss: new nn.MSELoss() })
    const y = await predict(model, [count(2), count(2, 10)])
    expect(seen(model)).toEqual([
      [0, 1, 10, 11],
      [0, 1, 10, 11],
      [0, 1, 10, 11],
    ])
    expect(y.shape).toEqual([2, 1])
  })

  test('strided tensors, and the same tensor twice', async () => {
    const model = new Notes()
    const x = tensor([[0, 1, 2], [3, 4, 5]]).transpose(0, 1).slice(null, [1, 2]) // biome-ignore format: a matrix
    await fit(model, [x, x], plan(model))
    expect(seen(model)).toEqual([[3, 4, 5]])
    expect(x.toArray()).toEqual([[3], [4], [5]])
  })
})

describe('predict', () => {
  test.each([1, 2, 4, 9, 256])('gives every row in order, in batches of %s', async (batchSize) => {
    const {
      model,
      pair: [x],
    } = setUp()
    const y = await predict(model, x, { batchSize })
    expect(y.requiresGrad).toBe(false)
    expect([...y.toTypedArray()]).toEqual([...model.forward(x).toTypedArray()])
  })

  test('of no rows has the shape of a row all the same', async () => {
    expect((await predict(mlp(), zeros([0, 4]))).shape).toEqual([0, 3])
  })

  test('gives a tensor that belongs to the turn that it was called in', async () => {
    const {
      model,
      pair: [x],
    } = setUp()
    const results: Tensor[] = []
    for (const _ of steps(3)) results.push(await predict(model, x))
    expect(results[2].shape).toEqual([9, 3])
    expect(() => results[0].toArray()).toThrow(/its turn ended one turn ago/)
  })
})

describe('callbacks', () => {
  const trained = (callbacks: Callback[], options: Partial<FitOptions> = {}) => {
    const { model, optimizer, pair } = setUp()
    return fit(model, pair, { loss: lossFn, optimizer, epochs: 2, batchSize: 5, callbacks, ...options })
  }

  test('are called in order, and waited for', async () => {
    const calls: string[] = []
    const later = (name: string) => async () => {
      await new Promise((resolve) => setTimeout(resolve, 1))
      calls.push(name)
    }
    const first: Callback = {
      onTrainBegin: later('begin'),
      onEpochBegin: ({ epoch, epochs }) => later(`epoch ${epoch}/${epochs}`)(),
      onBatchEnd: ({ batch, batches, loss }) => later(`batch ${batch}/${batches} ${Number.isFinite(loss)}`)(),
      onEpochEnd: ({ logs, isLast }) => later(`end ${Object.keys(logs)} ${isLast}`)(),
      onTrainEnd: ({ completed, history }) => later(`done ${completed} ${history.loss.length}`)(),
    }
    await trained([first, { onEpochEnd: () => calls.push('second') }])
    const epoch = ['batch 1/2 true', 'batch 2/2 true']
    const [one, two] = [false, true].map((isLast) => [`end loss,lr,seconds ${isLast}`, 'second'])
    expect(calls).toEqual(['begin', 'epoch 1/2', ...epoch, ...one, 'epoch 2/2', ...epoch, ...two, 'done true 2'])
  })

  test('are all told of the end when an error ends it, which is what is thrown', async () => {
    const ends: boolean[] = []
    const watch: Callback = {
      onTrainEnd: ({ completed }) => {
        ends.push(completed)
        throw new Error('later')
      },
    }
    const fail: Callback = {
      onEpochEnd: () => {
        throw new Error('first')
      },
    }
    await expect(trained([watch, watch, fail])).rejects.toThrow('first')
    await expect(trained([watch, watch])).rejects.toThrow('later')
    expect(ends).toEqual([false, false, true, true])
  })

  test('may stop the training', async () => {
    const log = await trained([{ onBatchEnd: ({ batch, stop }) => batch === 1 && stop() }], { epochs: 9 })
    expect(log.history.loss).toHaveLength(1)
    expect(log.stopped).toBe(true)
  })

  test('progress writes a line for each epoch, or for some and the last', async () => {
    const lines: string[] = []
    const write = (line: string) => lines.push(line)
    await trained([progress({ write })], { epochs: 10, metrics: { accuracy: metrics.accuracy }, validationSplit: 0.4 })
    expect(lines).toHaveLength(10)
    expect(lines[2]).toMatch(
      /^epoch {2}3\/10 {2}loss \d\.\d{4} {2}accuracy \d\.\d{4} {2}valLoss \d\.\d{4} {2}valAccuracy \d\.\d{4} {2}\d\.\d s$/,
    )
    lines.length = 0
    await trained([progress({ write, every: 2 }), { onEpochEnd: ({ epoch, stop }) => epoch === 5 && stop() }], {
      epochs: 9,
    })
    expect(lines.map((line) => line.slice(0, 9))).toEqual(['epoch 2/9', 'epoch 4/9', 'epoch 5/9'])
    lines.length = 0
    await trained([progress({ write })], {
      epochs: 1,
      metrics: { tiny: () => 1.5e-7, huge: () => -1e9, none: () => 0 },
    })
    expect(lines[0]).toContain('tiny 1.50e-7  huge -1.00e+9  none 0.0000')
  })

  test('history records several trainings in one', async () => {
    const all = history()
    await trained([all])
    const log = await trained([all], { epochs: 1 })
    expect(all.history.loss).toHaveLength(3)
    expect(all.history.loss[2]).toBe(log.history.loss[0])
  })

  test('checkpoint gets each epoch, or the best ones', async () => {
    const values = [3, 2, 2.5, 1]
    const metric = () => values[turn++ % 4]
    let turn = 0
    const saved: number[] = []
    const save = async ({ epoch, model }: { epoch: number; model: nn.Module }) => {
      await null
      saved.push(epoch, Object.keys(model.stateDict()).length)
    }
    await trained([checkpoint(save)])
    expect(saved).toEqual([1, 4, 2, 4])
    saved.length = 0
    const best = { saveBestOnly: true, monitor: 'score', mode: 'min' } as const
    await trained([checkpoint(save, best)], { epochs: 4, metrics: { score: metric } })
    expect(saved.filter((_, i) => i % 2 === 0)).toEqual([1, 2, 4])
  })

  describe('earlyStopping', () => {
    /** The epochs that a training takes whose validation loss is scripted. */
    async function epochsOf(values: readonly number[], options: Parameters<typeof earlyStopping>[0]) {
      const { model, optimizer, pair } = setUp()
      let epoch = 0
      const states: number[][][] = []
      const callbacks: Callback[] = [
        { onEpochEnd: () => states.push(weights(model)) },
        earlyStopping({ monitor: 'score', ...options }),
      ]
      const score = () => values[epoch++]
      const plan = { loss: lossFn, optimizer, epochs: values.length, metrics: { score }, callbacks }
      const log = await fit(model, pair, plan)
      return { epochs: log.history.loss.length, stopped: log.stopped, states, left: weights(model) }
    }

    test.each<[string, number[], object, number]>([
      ['waits for patience epochs without a better one', [5, 4, 4, 4, 3, 3, 3], { mode: 'min', patience: 2 }, 4],
      ['begins to wait anew', [5, 4, 4, 3, 3, 3, 3], { mode: 'min', patience: 2 }, 6],
      ['by more than minDelta', [5, 4.9, 4.8, 3], { mode: 'min', patience: 2, minDelta: 0.5 }, 3],
      ['upwards', [1, 2, 2, 3], { mode: 'max', patience: 1 }, 3],
      ['and takes NaN for no better', [5, NaN, NaN, 1], { mode: 'min', patience: 2 }, 3],
      ['and lets go on what gets better', [5, 4, 3], { mode: 'min', patience: 1 }, 3],
    ])('%s', async (_name, values, options, expected) => {
      const { epochs, stopped } = await epochsOf(values, options)
      expect(epochs).toBe(expected)
      expect(stopped).toBe(expected < values.length)
    })

    test('leaves the best weights when told to, also after the last epoch', async () => {
      const options = { mode: 'min', patience: 2, restoreBestWeights: true } as const
      for (const values of [
        [3, 1, 2, 2, 0],
        [3, 1, 2],
      ]) {
        const { states, left } = await epochsOf(values, options)
        expect(left).toEqual(states[1])
      }
      const { states, left } = await epochsOf([3, 1, 2], { mode: 'min', patience: 2 })
      expect(left).toEqual(states[2])
    })

    test('needs what it monitors, and to know which way is better', async () => {
      await expect(trained([earlyStopping()])).rejects.toThrow(/there is no valLoss in the logs, but loss, lr, seconds/)
      expect(() => earlyStopping({ monitor: 'valAccuracy' })).toThrow(/say 'min' when less of valAccuracy is better/)
      expect(() => earlyStopping({ patience: 0 })).toThrow(OptionError)
    })
  })
})

describe('a signal', () => {
  /** The training, whose signal is given after some batches. */
  function aborted(after: number, reason?: unknown) {
    const { model, optimizer, pair } = setUp()
    const controller = new AbortController()
    let batches = 0
    const callbacks: Callback[] = [
      {
        onBatchEnd: () => {
          batches++
          if (batches === after) controller.abort(reason)
        },
      },
    ]
    if (after === 0) controller.abort(reason)
    const options = { loss: lossFn, optimizer, epochs: 3, batchSize: 4, callbacks, signal: controller.signal }
    return { run: fit(model, pair, options), model, optimizer, pair, batches: () => batches }
  }

  test.each([0, 1, 3, 5])('ends it after %s batches with an AbortError', async (after) => {
    const { run, model, batches } = aborted(after)
    await expect(run).rejects.toMatchObject({ name: 'AbortError' })
    expect(batches()).toBe(after)
    expect(model.parameters().every(({ grad }) => grad === null)).toBe(true)
  })

  test('throws its reason, and the model can be trained on', async () => {
    const { run, model, optimizer, pair } = aborted(2, new Error('enough'))
    await expect(run).rejects.toThrow('enough')
    const log = await fit(model, pair, { loss: lossFn, optimizer, epochs: 1 })
    expect(log.history.loss).toHaveLength(1)
  })

  test('ends evaluate and predict', async () => {
    const { model, pair } = setUp()
    const signal = AbortSignal.abort()
    await expect(evaluate(model, pair, { loss: lossFn, signal })).rejects.toMatchObject({ name: 'AbortError' })
    await expect(predict(model, pair[0], { signal })).rejects.toMatchObject({ name: 'AbortError' })
  })

  test('given from outside comes through, as the host runs other tasks meanwhile', async () => {
    const { model, optimizer, pair } = setUp()
    const controller = new AbortController()
    setTimeout(() => controller.abort(), 30)
    const run = fit(model, pair, { loss: lossFn, optimizer, epochs: 1e9, signal: controller.signal })
    await expect(run).rejects.toMatchObject({ name: 'AbortError' })
  })
})

describe('a loss that is no number', () => {
  test('ends the training before it spoils the parameters, naming epoch and batch', async () => {
    const { model, optimizer, pair } = setUp()
    let batch = 0
    const loss = (p: Tensor, t: Tensor) => lossFn.forward(p, t).mul(++batch === 5 ? NaN : 1)
    const run = fit(model, pair, { loss, optimizer, epochs: 4, batchSize: 4 })
    await expect(run).rejects.toThrow(AnomalyError)
    await expect(run).rejects.toThrow(
      /^fit: the loss is NaN in batch 2 of epoch 2: .* finite numbers; lower the learning rate.*setDetectAnomaly/,
    )
    expect(weights(model).flat().every(Number.isFinite)).toBe(true)
  })

  test('is told of the validation too', async () => {
    const {
      model,
      optimizer,
      pair: [x, y],
    } = setUp()
    const run = fit(model, [x, y], { loss: lossFn, optimizer, epochs: 2, validation: [x.mul(Infinity), y] })
    const message =
      /^fit: the validation loss is NaN in epoch 1: the input holds -?Infinity at row 0 of the validation data/
    await expect(run).rejects.toThrow(message)
  })

  describe.each([false, true])('because of NaN that was there before, with anomaly mode %s,', (isOn) => {
    /** The error of a training whose plan has been spoilt. */
    async function errorOf(spoil: (parts: ReturnType<typeof setUp>) => Partial<FitOptions> | undefined) {
      const parts = setUp()
      const { model, optimizer, pair } = parts
      const options = { loss: lossFn, optimizer, epochs: 2, batchSize: 9, shuffle: false, ...spoil(parts) }
      const run = () => fit(model, pair, options)
      const error: unknown = await (isOn ? detectAnomaly(run) : run()).catch((error: unknown) => error)
      expect(error).toBeInstanceOf(AnomalyError)
      return (error as Error).message
    }

    test('names the parameter', async () => {
      const message = await errorOf(({ model }) => void noGrad(() => model.parameters()[3].fill_(NaN)))
      expect(message).toMatch(
        /^fit: the loss is NaN in batch 1 of epoch 1: parameter 2\.bias holds NaN already; .* anew$/,
      )
    })

    test('names the parameter that an update has spoilt, and says when anomaly mode would tell more', async () => {
      const onEpochEnd = ({ model }: { model: nn.Module }) => noGrad(() => model.parameters()[0].fill_(NaN))
      const message = await errorOf(() => ({ callbacks: [{ onEpochEnd }] }))
      expect(message).toMatch(/batch 1 of epoch 2: parameter 0\.weight holds NaN already; an update left it there/)
      expect(message.includes('setDetectAnomaly')).toBe(!isOn)
    })

    test('names the row of the input', async () => {
      const message = await errorOf(({ pair: [x] }) => void noGrad(() => x.slice([3, 4]).fill_(NaN)))
      expect(message).toMatch(/: the input holds NaN at row 3 of the batch, of 9 rows; .*isFinite\(\)/)
      expect(message).not.toContain('setDetectAnomaly')
    })

    test('names the row of the target, and one of several inputs', async () => {
      const flawed = (n: number) => tensor(Array.from({ length: 9 }, (_, i) => [i === n ? Infinity : 0]))
      const plain = zeros([9, 1])
      class Two extends nn.Module {
        readonly weight = new nn.Parameter(zeros([1]))
        forward(a: Tensor, b: Tensor): Tensor {
          return a.add(b).mul(this.weight)
        }
      }
      const model = new Two()
      const plan = {
        loss: (p: Tensor, t: Tensor) => p.sub(t).mean(),
        optimizer: new optim.SGD(model.parameters()),
        epochs: 1,
        shuffle: false,
      }
      await expect(fit(model, [plain, plain, flawed(7)], plan)).rejects.toThrow(/: the target holds Infinity at row 7/)
      const run = fit(model, [plain, flawed(5), plain], plan)
      await expect(run).rejects.toThrow(/: input 1 holds Infinity at row 5/)
    })
  })

  test('is traced to its operation by detectAnomaly', async () => {
    const { model, optimizer, pair } = setUp()
    const loss = (p: Tensor) => p.sub(100).sqrt().mean()
    const run = detectAnomaly(() => fit(model, pair, { loss, optimizer, epochs: 1 }))
    await expect(run).rejects.toThrow(/^sqrt: gave NaN/)
  })
})

describe('refused:', () => {
  const wrong = (value: unknown) => value as never
  const [x, y] = rows()
  const model = mlp()
  const optimizer = new optim.SGD(model.parameters())
  const right = { loss: lossFn, optimizer, epochs: 1 }
  const loader = new data.DataLoader(new data.TensorDataset(x, y))
  const withOption = (options: object) => () => fit(model, [x, y], { ...right, ...options } as FitOptions)

  test.each<[string, () => Promise<unknown>, new (message: string) => NeyronError, RegExp]>([
    ['no model', () => fit(wrong({}), [x, y], right), OptionError, /^fit: expected a model, got an object/],
    ['no data', () => fit(model, wrong(x.toArray), right), OptionError, /^fit: data is a function; pass \[x, y\]/],
    ['inputs alone', () => fit(model, [x], right), OptionError, /^fit: data has one tensor/],
    ['arrays', () => fit(model, wrong([[1], [2]]), right), DtypeError, /^fit: expected a tensor, got an array/],
    ['other numbers of rows', () => fit(model, [x, y.slice([0, 2])], right), ShapeError, /equal first sizes/],
    [
      'no rows',
      () => fit(model, [zeros([0, 4]), zeros([0])], right),
      OptionError,
      /^fit: data has no batch: there are 0 rows/,
    ],
    ['no options', () => fit(model, [x, y], wrong(undefined)), OptionError, /^fit: expected an object of options/],
    [
      'an unknown option',
      withOption({ epoch: 3 }),
      OptionError,
      /^fit: there is no option epoch; did you mean epochs\?/,
    ],
    ['letters that are swapped', withOption({ epcohs: 3 }), OptionError, /no option epcohs; did you mean epochs\?/],
    [
      'the name of another library',
      withOption({ validationData: [x, y] }),
      OptionError,
      /no option validationData; did you mean validation\?/,
    ],
    [
      'an option that it has not',
      withOption({ learningRate: 1 }),
      OptionError,
      /no option learningRate; there is loss,/,
    ],
    ['an option with two names alike', withOption({ val: 1 }), OptionError, /no option val; there is loss,/],
    ['no epochs', withOption({ epochs: 0 }), OptionError, /^fit: epochs is 0/],
    ['half an epoch', withOption({ epochs: 0.5 }), OptionError, /^fit: epochs is 0.5/],
    ['no loss', withOption({ loss: undefined }), OptionError, /^fit: loss is undefined; pass a loss such as/],
    ['the class of a loss', withOption({ loss: nn.MSELoss }), OptionError, /^fit: loss is a class; make an instance/],
    [
      'a loss for each row',
      withOption({ loss: (p: Tensor) => p.sum(1) }),
      ShapeError,
      /^fit: the loss has the shape \(9\)/,
    ],
    [
      'a loss that is a number',
      withOption({ loss: () => 3 }),
      DtypeError,
      /^fit: what the loss gave: expected a tensor/,
    ],
    ['an async loss', withOption({ loss: async () => x }), DtypeError, /^fit: the loss gave a promise/],
    ['no optimizer', withOption({ optimizer: undefined }), OptionError, /^fit: optimizer is undefined/],
    [
      'the optimizer of another model',
      withOption({ optimizer: new optim.SGD(mlp().parameters()) }),
      OptionError,
      /trains no parameter of this model/,
    ],
    [
      'metrics that differ in a capital',
      withOption({ metrics: { f1: () => 1, F1: () => 2 } }),
      OptionError,
      /f1 and F1 would both be valF1/,
    ],
    ['a batch size of 0', withOption({ batchSize: 0 }), OptionError, /batchSize is 0/],
    ['a seed of -1', withOption({ seed: -1 }), OptionError, /-1 is not a seed/],
    ['a split of 1', withOption({ validationSplit: 1 }), OptionError, /^fit: validationSplit is 1/],
    ['a split that leaves no row', withOption({ validationSplit: 0.95 }), OptionError, /of 9 rows leaves/],
    ['two kinds of validation', withOption({ validationSplit: 0.5, validation: [x, y] }), OptionError, /both given/],
    [
      'a split of a loader',
      () => fit(model, loader, { ...right, validationSplit: 0.5 }),
      OptionError,
      /from a DataLoader/,
    ],
    [
      'batches of a loader',
      () => fit(model, loader, { ...right, batchSize: 2 }),
      OptionError,
      /^fit: batchSize is for data/,
    ],
    [
      'a last batch of a loader',
      () => fit(model, loader, { ...right, dropLast: true }),
      OptionError,
      /^fit: dropLast is for data without batches; give it to the DataLoader/,
    ],
    ['a word for dropLast', withOption({ dropLast: 'yes' }), OptionError, /^fit: dropLast is "yes"/],
    ['a metric that is none', withOption({ metrics: { a: 3 } }), OptionError, /^fit: the metric a is a number/],
    ['a metric called loss', withOption({ metrics: { loss: () => 1 } }), OptionError, /cannot be called loss/],
    [
      'a metric that gives a tensor',
      withOption({ metrics: { a: () => x } }),
      DtypeError,
      /^fit: the metric a gave a tensor; use \.item\(\)/,
    ],
    [
      'a callback that is a function',
      withOption({ callbacks: [progress] }),
      OptionError,
      /callback 0 is a function; call it/,
    ],
    [
      'a hook that nothing calls',
      withOption({ callbacks: [{ onEpoch() {} }] }),
      OptionError,
      /has onEpoch, which nothing calls/,
    ],
    ['gradients of no length', withOption({ clipGradNorm: 0 }), OptionError, /^fit: clipGradNorm is 0; it must be/],
    ['a metric without a name', withOption({ metrics: { '': () => 1 } }), OptionError, /a metric has no name/],
    [
      'the scheduler of another optimizer',
      withOption({ scheduler: new optim.lrScheduler.StepLR(new optim.SGD(model.parameters()), 1) }),
      OptionError,
      /^fit: the scheduler sets the rates of another optimizer/,
    ],
    ['a scheduler that is none', withOption({ scheduler: {} }), OptionError, /scheduler is an object without step/],
    ['a signal that is none', withOption({ signal: {} }), OptionError, /signal is no AbortSignal/],
    ['a model that sums up', () => predict(wrong(new Sums()), x), ShapeError, /gave \(4\) for a batch of 9 rows/],
    [
      'a metric that gives a word',
      withOption({ metrics: { a: () => 'b' } }),
      DtypeError,
      /the metric a gave a string; /,
    ],
    [
      'inputs and targets as two arguments',
      () => Reflect.apply(fit, null, [model, x, y, right]),
      OptionError,
      /^fit: pass inputs and targets as one argument: fit\(model, \[x, y\], options\)/,
    ],
    [
      'two arrays for them',
      () => Reflect.apply(evaluate, null, [model, [[1]], [[2]], { loss: lossFn }]),
      OptionError,
      /^evaluate: pass inputs and targets as one argument: evaluate\(model, \[x, y\], options\)/,
    ],
    [
      'fewer inputs than forward takes',
      () => evaluate(new Sum(), [x, y], { loss: lossFn }),
      OptionError,
      /^evaluate: forward takes 2 inputs, but the data have 1, .* \[x1, x2, y\], options\)\. It failed by: .*undefined/,
    ],
    [
      'fewer inputs than forward reads of',
      () => predict(new Second(), x),
      OptionError,
      /^predict: forward takes 2 inputs, but the data have 1, .*predict\(model, \[x1, x2\]\)/,
    ],
    ['an error that has nothing to do with it', () => predict(new Second(), [x, x]), ShapeError, /^reshape: /],
    [
      'a loader of inputs',
      () => predict(model, wrong(loader)),
      DtypeError,
      /^predict: x is a DataLoader; .* one tensor/,
    ],
    [
      'a prediction that is none',
      () => predict(wrong(new Nothing()), x),
      DtypeError,
      /what the model gave: expected a tensor/,
    ],
  ])('%s', async (_name, run, kind, message) => {
    const before = memory().live
    await expect(run()).rejects.toThrow(kind)
    await expect(run()).rejects.toThrow(message)
    expect(memory().live - before).toBeLessThan(1000)
  })

  class Sums extends nn.Module {
    forward(x: Tensor): Tensor {
      return x.sum(0)
    }
  }
  class Sum extends nn.Module {
    forward(a: Tensor, b: Tensor): Tensor {
      return a.add(b)
    }
  }
  class Second extends nn.Module {
    forward(_a: Tensor, b: Tensor): Tensor {
      return b.reshape([1])
    }
  }
  class Nothing extends nn.Module {
    forward(): undefined {}
  }

  test('a second training of a model at the same time', async () => {
    const first = fit(model, [x, y], right)
    await expect(fit(model, [x, y], right)).rejects.toThrow(GraphError)
    await first
    await fit(model, [x, y], right)
  })
})

test('two trainings at a time give what each gives alone', async () => {
  const train = (seed: number) => {
    const { model, optimizer, pair } = setUp()
    const run = fit(model, pair, { loss: lossFn, optimizer, epochs: 400, batchSize: 4, seed })
    return run.then((log) => ({ losses: log.history.loss, weights: weights(model) }))
  }
  const [alone, other] = [await train(1), await train(2)]
  expect(await Promise.all([train(1), train(2)])).toEqual([alone, other])
})

describe('memory', () => {
  const aborting = (...callbacks: Callback[]) => {
    const controller = new AbortController()
    return { signal: controller.signal, callbacks: [...callbacks, { onBatchEnd: () => controller.abort() }] }
  }
  const fails: Callback = {
    onBatchEnd: () => {
      throw new Error('on purpose')
    },
  }
  const best = earlyStopping({ monitor: 'loss', patience: 1, minDelta: 9, restoreBestWeights: true })

  test.each<[string, Partial<FitOptions>]>([
    ['a training', {}],
    ['one with all there is', { validationSplit: 0.3, metrics: { accuracy: metrics.accuracy }, seed: 1 }],
    ['one that is aborted', aborting()],
    ['one that a callback fails', { callbacks: [fails] }],
    ['one that stops early', { callbacks: [best] }],
    ['one that is aborted with its best weights at hand', aborting(best)],
    ['one whose loss is wrong', { loss: (p) => p }],
    ['one whose metric is wrong', { metrics: { wrong: () => wrongMetric() } }],
  ])('of %s is that of before, but for the state of the optimizer', async (_name, options) => {
    const { model, optimizer, pair } = setUp(20)
    await fit(model, pair, { loss: lossFn, optimizer, epochs: 1 })
    const before = await settled()
    await fit(model, pair, { loss: lossFn, optimizer, epochs: 3, batchSize: 6, ...options }).catch(() => {})
    expect(live()).toBe(before)
  })

  test('of data that had to be copied is that of before, and the data can be freed at once', async () => {
    const { model, optimizer, pair } = setUp(20)
    const options = { loss: lossFn, optimizer, epochs: 1, validationSplit: 0.5 }
    await fit(model, pair, options)
    const base = await settled()
    const wide = randn([4, 20])
    const x = wide.transpose(0, 1)
    await fit(model, [x, pair[1]], options)
    await evaluate(model, [x, pair[1]], { loss: lossFn })
    x.dispose()
    wide.dispose()
    expect(live()).toBe(base)
  })

  test.each<[string, Partial<FitOptions>]>([
    ['a batch size', { batchSize: 0 }],
    ['a batch size with a split', { batchSize: 0, validationSplit: 0.5 }],
    ['validation data', { validation: [zeros([2, 4])] }],
  ])('is that of before when %s is refused', async (_name, options) => {
    const { model, optimizer, pair } = setUp(20)
    const strided = randn([4, 20]).transpose(0, 1)
    const before = live()
    const plan = { loss: lossFn, optimizer, epochs: 1, ...options }
    await expect(fit(model, [strided, pair[1]], plan)).rejects.toThrow(OptionError)
    expect(live()).toBe(before)
  })

  test('of evaluate and predict is that of before, and of the result', async () => {
    const { model, pair } = setUp(20)
    const misfit = tensor([[1]])
    const before = await settled()
    await evaluate(model, pair, { loss: lossFn, batchSize: 6, metrics: { accuracy: metrics.accuracy } })
    expect(live()).toBe(before)
    const y = await predict(model, pair[0], { batchSize: 6 })
    y.dispose()
    expect(live()).toBe(before)
    await predict(model, misfit).catch(() => {})
    expect(live()).toBe(before)
  })
})

const wrongMetric = (): number => {
  throw new Error('on purpose')
}

test('other tasks run while it works, though no batch waits for them', async () => {
  const { model, optimizer, pair } = setUp()
  let ticks = 0
  let batches = 0
  const timer = setInterval(() => ticks++, 1)
  const start = performance.now()
  const stop: Callback = { onEpochEnd: ({ stop }) => ++batches && performance.now() - start > 200 && stop() }
  await fit(model, pair, { loss: lossFn, optimizer, epochs: 1e9, callbacks: [stop] })
  clearInterval(timer)
  expect(ticks).toBeGreaterThan(3)
  expect(batches).toBeGreaterThan(3 * ticks)
})
