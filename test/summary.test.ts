/** The table that `model.summary()` gives. */
import { expect, test } from 'vitest'
import { manualSeed, memory, nn, noGrad, randn, ShapeError, type Tensor, zeros } from '../src/index.ts'

/** Counts how often it is called, draws in eval mode too, and is called twice by its model. */
class Restless extends nn.Module<'same'> {
  readonly calls = nn.buffer(zeros([]))
  forward(x: Tensor): Tensor {
    noGrad(() => this.calls.add_(1))
    return x.add(randn(x.shape))
  }
}

class Net extends nn.Module {
  readonly embed = new nn.Embedding(1000, 16)
  readonly blocks = [new nn.Linear(16, 16), new Restless()]
  readonly head = new nn.Linear(16, 10)
  readonly tied = this.embed
  readonly unused = new nn.Dropout()
  readonly scale = new nn.Parameter(randn([16]), { requiresGrad: false })

  forward(x: Tensor): Tensor {
    const h = this.blocks[0].forward(this.embed.forward(x).mul(this.scale))
    return this.head.forward(this.blocks[1].forward(this.blocks[1].forward(h)))
  }
}

test('shows every module with what it gives and holds, and counts a shared parameter once', () => {
  const model = new Net()
  expect(model.summary([32, 7])).toBe(
    [
      'Net: (32, 7) to (32, 7, 10)',
      '─────────────────────────────────────────────',
      'layer     type       output shape  parameters',
      '─────────────────────────────────────────────',
      '          Net        (32, 7, 10)           16',
      'embed     Embedding  (32, 7, 16)       16,000',
      'blocks.0  Linear     (32, 7, 16)          272',
      'blocks.1  Restless   (32, 7, 16)            0',
      'head      Linear     (32, 7, 10)          170',
      'tied      Embedding  (32, 7, 16)       shared',
      'unused    Dropout    -                      0',
      '─────────────────────────────────────────────',
      '16,458 parameters: 16,442 trained, 16 frozen',
    ].join('\n'),
  )
})

test('shows no shapes without one', () => {
  expect(nn.sequential(new nn.Linear(4, 2), new nn.ReLU()).summary()).toBe(
    [
      'Sequential',
      '─────────────────────────',
      'layer  type    parameters',
      '─────────────────────────',
      '0      Linear          10',
      '1      ReLU             0',
      '─────────────────────────',
      '10 parameters: 10 trained, 0 frozen',
    ].join('\n'),
  )
})

test('a layer alone has a line', () => {
  expect(new nn.Linear(2, 3).summary([5, 2]).split('\n')[4]).toBe('       Linear  (5, 3)                 9')
})

test('leaves modes, buffers, gradients, random numbers and memory as they are', () => {
  const model = nn.sequential(new nn.Linear(4, 3), new nn.BatchNorm1d(3), new Restless(), new nn.Dropout())
  model[2].eval()
  const x = randn([5, 4])
  model.forward(x).sum().backward()
  const [before, grad, { live }] = [JSON.stringify(model.stateDict()), model.parameters()[0].grad, memory()]
  const forward = model[0].forward
  model.summary([2, 4])
  expect(() => model.summary([2, 5])).toThrow(ShapeError)
  expect(memory().live).toBe(live)
  expect(JSON.stringify(model.stateDict())).toBe(before)
  expect(model.parameters()[0].grad).toBe(grad)
  expect([model, model[0], model[1], model[2], model[3]].map(({ training }) => training)).toEqual([
    true,
    true,
    true,
    false,
    true,
  ])
  expect(model[0].forward).toBe(forward)
  expect(Object.hasOwn(model[0], 'forward')).toBe(false)
})

test('uses up no random number', () => {
  const model = new Restless()
  nn.init.zeros_(model.calls)
  const draw = (summarises: boolean) => {
    const first = randn([2]).toArray()
    if (summarises) model.summary([3])
    return [first, randn([2]).toArray()]
  }
  noGrad(() => {
    manualSeed(3)
    const expected = draw(false)
    manualSeed(3)
    expect(draw(true)).toEqual(expected)
  })
})

test('watches a forward that is a field, and puts it back', () => {
  class Arrow extends nn.Module<'same'> {
    forward = (x: Tensor): Tensor => x.mul(2)
  }
  const model = new Arrow()
  const { forward } = model
  expect(model.summary([3])).toContain('Arrow  (3)')
  expect(model.forward).toBe(forward)
})

test('throws for what is no shape, and for one that the model does not take', () => {
  const model = new nn.Linear(2, 3)
  expect(() => model.summary([1.5])).toThrow('summary: 1.5 in shape (1.5) is not a size')
  expect(() => model.summary([3])).toThrow('linear: input (3) does not fit weight (3, 2)')
})
