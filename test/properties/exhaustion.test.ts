/** Memory that runs out, at any allocation: a typed error, nothing changed, nothing lost, and the same bits afterwards. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { data, manualSeed, nn, noGrad, optim, randn, type Tensor, tensor, zeros } from '../../src/index.ts'
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
