/** Training over a guarded heap, and what the guard sees. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  data,
  full,
  manualSeed,
  nn,
  noGrad,
  optim,
  randint,
  randn,
  type Tensor,
  weightsSha256,
} from '../../src/index.ts'
import { engine } from '../../src/runtime/engine.ts'
import type { Ptr } from '../../src/runtime/kernels.generated.ts'
import { type Guard, guard } from '../support/guarded-heap.ts'

/** Losses and weights of an MLP whose sizes are no multiple of a vector, with the last batch smaller than the others. */
async function train(Kind: typeof optim.Adam | typeof optim.SGD) {
  manualSeed(11)
  const model = nn.sequential(
    new nn.Linear(13, 37),
    new nn.Tanh(),
    new nn.Linear(37, 21),
    new nn.ReLU(),
    new nn.Linear(21, 5),
  )
  const optimizer = new Kind(model.parameters(), { lr: 0.01, weightDecay: 0.1 })
  const [crossEntropy, mse] = [new nn.CrossEntropyLoss(), new nn.MSELoss()]
  const dataset = new data.TensorDataset(randn([50, 13]), randint(0, 5, [50]))
  const average = nn.buffer(full([5], 0))
  const losses: Tensor[] = []
  for (const batchSize of [16, 7, 50])
    for (const [x, y] of new data.DataLoader(dataset, { batchSize, shuffle: true })) {
      optimizer.zeroGrad()
      const out = model.forward(x)
      const target = noGrad(() => out.softmax().mul(2).sub(average))
      const loss = crossEntropy
        .forward(out, y)
        .add(mse.forward(out, target).mul(0.5))
        .add(out.mean(0).sum([0], { keepdim: true }))
      loss.sum().backward()
      optimizer.step()
      noGrad(() => average.lerp_(out.transpose(0, 1).mean(1), 0.5))
      losses.push(loss)
    }
  const results = { losses: losses.map((loss) => loss.item()), hash: await weightsSha256(model.stateDict()) }
  for (const owner of [optimizer, model, average, ...dataset.tensors]) owner.dispose()
  return results
}

test.each([optim.Adam, optim.SGD])('training gives the same bits with and without the guard: %o', async (Kind) => {
  const expected = await train(Kind)
  const guarded = guard()
  const results = await train(Kind)
  guarded.check()
  guarded.end()
  expect(results).toEqual(expected)
  expect(results.losses.every(Number.isFinite)).toBe(true)
})

describe('the guard', () => {
  let guarded: Guard
  const { k, heap } = engine()

  beforeEach(() => {
    guarded = guard()
  })
  afterEach(() => guarded.end())

  const bytesAt = (ptr: number, value: number) => heap.upload(ptr as Ptr, [value], 'uint8')

  test.each([
    ['before its start', (x: Tensor) => x.ptr - 1],
    ['past its end', (x: Tensor) => x.ptr + 5],
    ['past its end', (x: Tensor) => x.ptr + 20],
  ])('sees a byte that is written %s, while the block lives and after', (where, at) => {
    const x = full([5], 1, { dtype: 'uint8' })
    bytesAt(at(x), 7)
    expect(() => guarded.check()).toThrow(`a block of 5 bytes was written ${where}: byte `)
    x.dispose()
    expect(() => guarded.check()).toThrow(`a block of 5 bytes was written ${where}: byte `)
    guarded.check()
  })

  test('sees a freed block that is written to, also when it has been used again', () => {
    for (const size of [5, 300_000]) {
      const x = full([size], 1)
      const { ptr } = x
      x.dispose()
      bytesAt(ptr, 7)
      full([size], 1).dispose()
      expect(() => guarded.check()).toThrow('a freed block of ')
    }
  })

  test('fills fresh, scratch and freed memory with NaN', () => {
    const fresh = heap.alloc(12)
    expect([...heap.download(fresh.ptr, 3, 'float32')]).toEqual([NaN, NaN, NaN])
    k.fillF32(fresh.ptr, 3, 1)
    fresh.release()
    expect([...heap.download(fresh.ptr, 3, 'float32')]).toEqual([NaN, NaN, NaN])
    const scratch = heap.workspace(8)
    k.fillF32(scratch, 2, 1)
    heap.workspace(8)
    expect(heap.read(scratch, 'float32')).toBeNaN()
    expect(heap.workspace(0)).toBe(0)
  })

  test('changes nothing in what is counted, and lets blocks outlive it', () => {
    const { live } = heap.total
    const x = full([100], 1)
    guarded.end()
    x.dispose()
    expect(heap.total.live).toBe(live)
    guarded.check()
  })
})
