/** Memory that runs out, at any allocation: a typed error, nothing changed, nothing lost, and the same bits afterwards. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  data,
  earlyStopping,
  fit,
  gradcheck,
  MemoryLimitError,
  manualSeed,
  metrics,
  nn,
  noGrad,
  ones,
  optim,
  randn,
  type Tensor,
  tensor,
  zeros,
} from '../../src/index.ts'
import { engine } from '../../src/runtime/engine.ts'
import { endAfterlives, live, settled } from '../settle.ts'
import { failing, refusedOperation } from '../support/failing.ts'
import { node } from '../support/node.ts'

let before = 0

beforeEach(() => {
  endAfterlives()
  before = live()
})

afterEach(async () => {
  vi.restoreAllMocks()
  expect(await settled(before)).toBe(before)
})

const lossFn = new nn.CrossEntropyLoss()
const bits = (x: Tensor | null) => x && [...new Int32Array(x.toTypedArray().slice().buffer)]

class Net extends nn.Module {
  fc1 = new nn.Linear(4, 5)
  fc2 = new nn.Linear(5, 3)
  mean = nn.buffer(zeros([3]))
  forward(x: Tensor): Tensor {
    return this.fc2.forward(this.fc1.forward(x).tanh())
  }
}

type Kind = 'Adam' | 'SGD'

/** A training step of a model with a buffer, as the calls that it consists of. */
function trainer(kind: Kind) {
  manualSeed(7)
  const model = new Net()
  const parameters = model.parameters()
  const optimizer = kind === 'Adam' ? new optim.Adam(parameters) : new optim.SGD(parameters, { momentum: 0.9 })
  const dataset = new data.TensorDataset(randn([6, 2, 2]), tensor(new Uint8Array([0, 1, 2, 0, 1, 2])))
  const loader = new data.DataLoader(dataset, { batchSize: 6, shuffle: true })
  const state = () => [...parameters.flatMap((p) => [bits(p), bits(p.grad)]), bits(model.mean)]
  const losses: number[] = []

  /** Each call, and the one to go on from when it failed: `backward` needs the graph anew, the others are repeated. */
  const callsOn = (x: Tensor, y: Tensor): [call: () => unknown, from: number][] => {
    let out: Tensor
    let loss: Tensor
    return [
      [() => optimizer.zeroGrad(), 0],
      [() => (out = model.forward(x.transpose(1, 2).reshape([6, 4]))), 1],
      [() => (loss = lossFn.forward(out.mul(out), y).add(out.mean([0, 1]).mul(2))), 2],
      [() => loss.backward(), 1],
      [() => optimizer.step(), 4],
      [() => noGrad(() => model.mean.lerp_(out.mean(0), 0.125)), 5],
      [() => losses.push(loss.item()), 6],
    ]
  }

  /** Turn `seed` of the training, gone on with after each failure, of which `failed` is told. */
  const turn = (seed: number, failed?: (error: unknown, unchanged: boolean) => void) => {
    const attempt = (call: () => unknown) => {
      const old = state()
      try {
        call()
        return true
      } catch (error) {
        if (!failed) throw error
        failed(error, JSON.stringify(state()) === JSON.stringify(old))
        return false
      }
    }
    const pass = () => {
      manualSeed(seed)
      for (const [x, y] of loader) {
        const calls = callsOn(x, y)
        for (let i = 0; i < calls.length; ) i = attempt(calls[i][0]) ? i + 1 : calls[i][1]
      }
    }
    while (!attempt(pass));
  }

  const dispose = () => {
    for (const owner of [optimizer, model, ...dataset.tensors]) owner.dispose()
  }
  return { turn, state, losses, dispose }
}

/** What the first turns give when nothing fails. */
function undisturbed(kind: Kind, turns: number) {
  const { turn, state, losses, dispose } = trainer(kind)
  for (let i = 0; i < turns; i++) turn(i)
  const result = { state: state(), losses }
  dispose()
  return result
}

describe.each<Kind>(['Adam', 'SGD'])('at any allocation of a training step with %s', (kind) => {
  const expected = undisturbed(kind, 4)

  test.each([0, 1])('after %i others: a typed error, no change, no loss, and the same bits from there on', (warm) => {
    const refused = new Set<string>()
    for (let n = 1; ; n++) {
      const { turn, state, losses, dispose } = trainer(kind)
      for (let i = 0; i < warm; i++) turn(i)
      let failures = 0
      const error = failing(n, () =>
        turn(warm, (error, unchanged) => {
          failures++
          refused.add(refusedOperation(error))
          expect(unchanged, `allocation ${n}`).toBe(true)
        }),
      )
      expect(error).toBeNull()
      expect(failures).toBeLessThanOrEqual(1)
      for (let i = warm + 1; i < 4; i++) turn(i)
      expect({ state: state(), losses }, `allocation ${n}`).toEqual(expected)
      dispose()
      endAfterlives()
      expect(live(), `allocation ${n}`).toBe(before)
      if (failures === 0) break
    }
    const ops = ['DataLoader', 'add', 'backward', 'crossEntropy', 'linear', 'mean', 'mul', 'reshape', 'tanh']
    expect([...refused].sort()).toEqual([...(warm ? [] : [`${kind}.step`]), ...ops].sort())
  })
})

test('at any allocation of a backward pass that adds to gradients, they are as they were', () => {
  const w = tensor([1, 2, 3], { requiresGrad: true })
  const run = () => w.mul(w).tanh().sum()
  run().backward()
  const old = bits(w.grad)
  for (let n = 1; ; n++) {
    const loss = run()
    const error = failing(n, () => loss.backward())
    if (!error) break
    expect(refusedOperation(error)).toBe('backward')
    expect(bits(w.grad)).toEqual(old)
  }
  expect(bits(w.grad)).not.toEqual(old)
  w.dispose()
})

/** A call, what it must leave alone, and what there is to dispose of. */
interface Attempt {
  readonly run: () => unknown
  readonly state: () => unknown
  readonly owners: readonly { dispose(): void }[]
}

/** The bits of a state dict, of which nothing is left. */
const bitsOf = (model: nn.Module) =>
  Object.values(model.stateDict()).map((x) => {
    const found = bits(x)
    x.dispose()
    return found
  })

/** A model with every kind of parameter and buffer, and gradients. */
function normalised() {
  const model = nn.sequential(new nn.Linear(2, 3), new nn.BatchNorm1d(3), new nn.Dropout(), new nn.LayerNorm(3))
  for (const parameter of model.parameters()) parameter.grad = ones(parameter.shape)
  return model
}

test.each<[string, () => Attempt]>([
  [
    'stateDict',
    () => {
      const model = normalised()
      return { run: () => model.stateDict(), state: () => bitsOf(model), owners: [model] }
    },
  ],
  [
    'loadStateDict, with conversions and strides',
    () => {
      const model = new nn.BatchNorm1d(3)
      const strided = randn([6]).slice([null, null, 2])
      const counts = tensor([1, 2, 3], { dtype: 'int32' })
      const state = {
        weight: strided,
        bias: counts,
        running_mean: strided,
        running_var: counts,
        num_batches_tracked: tensor(4),
      }
      const owners = [model, ...Object.values(state)]
      return { run: () => model.loadStateDict(state), state: () => bitsOf(model), owners }
    },
  ],
  [
    'batch normalisation of a strided view',
    () => {
      const model = new nn.BatchNorm1d(4)
      const x = randn([4, 2]).transpose(0, 1)
      return { run: () => model.forward(x), state: () => bitsOf(model), owners: [model, x] }
    },
  ],
  [
    'a step over groups with other options',
    () => {
      const model = normalised()
      const [first, ...others] = model.parameters()
      const groups = [{ params: [first], momentum: 0.9, centered: true }, { params: others }]
      const optimizer = new optim.RMSprop(groups)
      return { run: () => optimizer.step(), state: () => bitsOf(model), owners: [optimizer, model] }
    },
  ],
  [
    'a data set of strided tensors',
    () => {
      const tensors = [randn([4, 2]), randn([2, 4]).transpose(0, 1), randn([3, 4]).transpose(0, 1)]
      return { run: () => new data.TensorDataset(...tensors), state: () => tensors.map(bits), owners: tensors }
    },
  ],
  [
    'gradcheck',
    () => {
      const x = tensor([[1, 2]], { requiresGrad: true })
      x.grad = tensor([[3, 4]])
      const run = () => gradcheck((x) => x.tanh(), [x])
      return { run, state: () => [bits(x), bits(x.grad)], owners: [x] }
    },
  ],
])('at any allocation of %s: a typed error, no change, no loss', (_name, make) => {
  for (let n = 1; ; n++) {
    const { run, state, owners } = make()
    endAfterlives()
    const [held, old] = [live(), state()]
    const error = failing(n, run)
    if (error) {
      refusedOperation(error)
      endAfterlives()
      expect(live(), `allocation ${n}`).toBe(held)
      expect(state(), `allocation ${n}`).toEqual(old)
    }
    for (const owner of owners) owner.dispose()
    if (!error) break
  }
})

test('at any allocation of fit: a typed error, and only the model and the optimizer are left', async () => {
  const { heap } = engine()
  for (let n = 1; ; n++) {
    manualSeed(1)
    const model = nn.sequential(new nn.Linear(3, 4), new nn.BatchNorm1d(4), new nn.Dropout(), new nn.Linear(4, 3))
    const optimizer = new optim.Adam(model.parameters())
    const x = randn([3, 8]).transpose(0, 1)
    const y = tensor([0, 1, 2, 0, 1, 2, 0, 1], { dtype: 'int32' })
    endAfterlives()
    const held = live()
    const alloc = heap.alloc.bind(heap)
    let calls = 0
    // `failing` ends before a training does.
    heap.alloc = (bytes, owner) => {
      if (++calls === n) throw new MemoryLimitError('linear memory has no room: injected')
      return alloc(bytes, owner)
    }
    const callbacks = [earlyStopping({ restoreBestWeights: true })]
    const options = { batchSize: 4, validationSplit: 0.5, metrics: { accuracy: metrics.accuracy }, callbacks }
    const error = await fit(model, [x, y], { loss: lossFn, optimizer, epochs: 2, clipGradNorm: 1, ...options }).then(
      () => null,
      (error: unknown) => error,
    )
    Reflect.deleteProperty(heap, 'alloc')
    optimizer.dispose()
    endAfterlives()
    expect(live(), `allocation ${n}`).toBe(held)
    for (const owner of [model, x, y]) owner.dispose()
    if (error === null) break
    refusedOperation(error)
  }
})

/** A copy of the library with a memory of its own. */
async function fresh() {
  vi.resetModules()
  return import('../../src/index.ts')
}

test('when the host refuses to grow memory in the midst of a step', async () => {
  const train = async (refuses: boolean) => {
    const { nn, optim, randn, randint, steps, weightsSha256, memory } = await fresh()
    const model = nn.sequential(new nn.Linear(8, 512), new nn.ReLU(), new nn.Linear(512, 10))
    const optimizer = new optim.Adam(model.parameters())
    const lossFn = new nn.CrossEntropyLoss()
    const step = (x: Tensor, y: Tensor) => {
      optimizer.zeroGrad()
      lossFn.forward(model.forward(x), y).backward()
      optimizer.step()
    }
    const refused: string[] = []
    for (const i of steps(12)) {
      // So much more than the step before that memory has to grow.
      const rows = Math.floor(30 * 1.6 ** i)
      const [x, y] = [randn([rows, 8]), randint(0, 10, [rows])]
      const held = memory().reserved
      const grow = vi.spyOn(WebAssembly.Memory.prototype, 'grow')
      if (refuses)
        grow.mockImplementation(() => {
          throw new RangeError('WebAssembly.Memory.grow(): Unable to grow instance memory')
        })
      try {
        step(x, y)
      } catch (error) {
        refused.push(refusedOperation(error))
        expect(String(error)).toMatch(/ bytes: \d+ are in use and the host refused to grow it\. /)
        expect(memory().reserved).toBe(held)
        grow.mockRestore()
        step(x, y)
      } finally {
        grow.mockRestore()
      }
    }
    return { refused, hash: await weightsSha256(model.stateDict()) }
  }
  const [calm, rough] = [await train(false), await train(true)]
  expect(calm.refused).toEqual([])
  expect(new Set(rough.refused).size).toBeGreaterThan(1)
  expect(rough.hash).toBe(calm.hash)
})

test('when init({ maxMemory }) allows no more: batches that fit train as if the others had never been', async () => {
  const train = async (...batches: number[]) => {
    const printed = await node(['node_modules/tsx/dist/cli.mjs', 'test/properties/limited.ts', ...batches.map(String)])
    return JSON.parse(printed) as { refused: string[]; reserved: number; hash: string }
  }
  const calm = await train(256, 512, 64, 700)
  const rough = await train(100_000, 256, 8000, 512, 4000, 64, 3000, 700, 2500)
  expect(calm.refused).toEqual([])
  expect(rough.refused).toHaveLength(5)
  for (const error of rough.refused)
    expect(error).toMatch(
      /^MemoryLimitError: \w+: \([\d, ]*\).*: linear memory has no room for \d+ more bytes: \d+ are in use and its limit is 4194304 bytes/,
    )
  expect(rough.hash).toBe(calm.hash)
  expect(rough.reserved).toBeLessThanOrEqual(4 * 2 ** 20)
})
