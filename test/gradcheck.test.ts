/** `gradcheck` passes what is right, sees what is wrong, and leaves everything as it was. Every operation passes it in `test/ops`. */
import { beforeEach, describe, expect, test } from 'vitest'
import { defineOp } from '../src/autograd/op.ts'
import {
  GradcheckError,
  GraphError,
  gradcheck,
  manualSeed,
  nn,
  OptionError,
  rand,
  randint,
  randn,
  type Tensor,
  tensor,
} from '../src/index.ts'
import { endAfterlives, live } from './settle.ts'

/** The square, with a gradient that is `factor` times what it should be for elements from `from` on. */
function square(factor: number, from = 0) {
  const op = defineOp({
    name: 'square',
    saves: 'inputs',
    shape: ([x]) => x.shape,
    forward: (k, [x], y) => k.square(x.ptr, y.ptr, x.numel),
    backward: (k, [x], dy, [dx]) => {
      if (!dx) return
      k.squareGrad(x.ptr, dy.ptr, dx.ptr, x.numel, dx.beta)
      const [head, tail] = [from * 4, x.numel - from]
      const scale = tensor([factor])
      k.mul((dx.ptr + head) as typeof dx.ptr, scale.ptr, (dx.ptr + head) as typeof dx.ptr, 1, tail, 0, 1, 0, 0)
      scale.dispose()
    },
  })
  return (x: Tensor) => op([x])
}

const leaf = (shape: readonly number[]) => {
  const x = randn(shape)
  x.requiresGrad = true
  return x
}

beforeEach(() => manualSeed(3))

describe('a gradient', () => {
  test('that is right passes', () => {
    expect(gradcheck(square(1), [leaf([3, 4])])).toBe(true)
  })

  test.each([1.05, 0.98, -1, 0])('that is %s times what it should be does not', (factor) => {
    const x = tensor([[1, 2], [3, -4]], { requiresGrad: true }) // biome-ignore format: a matrix
    expect(() => gradcheck(square(factor), [x])).toThrow(GradcheckError)
    expect(() => gradcheck(square(factor), [x], { fast: true })).toThrow(GradcheckError)
  })

  test('that is wrong in one element is named with both values', () => {
    const [x, y] = [tensor([1, 2]), tensor([[1, 2], [3, 5]], { requiresGrad: true })] // biome-ignore format: a matrix
    const f = (x: Tensor, y: Tensor) => x.add(square(1.05, 3)(y))
    let message = ''
    try {
      gradcheck(f, [x, y])
    } catch (error) {
      message = (error as Error).message
    }
    const parts =
      /input 1 of shape \(2, 2\), element \[1, 1\]: the gradient is (\S+), but differences of values say (\S+),/
    const [, analytical, numerical] = parts.exec(message) ?? []
    expect(Number(analytical) / Number(numerical)).toBeCloseTo(1.05, 3)
  })

  test('of large values passes, and is seen to be wrong', () => {
    const x = tensor([1e4, -3e3, 250], { requiresGrad: true })
    expect(gradcheck(square(1), [x])).toBe(true)
    expect(() => gradcheck(square(1.05), [x])).toThrow(GradcheckError)
  })

  test('at a kink, or over an edge, fails as documented', () => {
    expect(() => gradcheck((x) => x.relu(), [tensor([0], { requiresGrad: true })])).toThrow(GradcheckError)
    expect(() => gradcheck((x) => x.log(), [tensor([0.01], { requiresGrad: true })])).toThrow(GradcheckError)
  })
})

describe('passes for', () => {
  const x = () => leaf([3, 4])

  test.each<[string, () => readonly [nn.Module, (...inputs: Tensor[]) => Tensor, Tensor[]]]>([
    ['Linear', () => layer(new nn.Linear(4, 5), x())],
    ['Linear without a bias', () => layer(new nn.Linear(4, 5, { bias: false }), x())],
    ['Sigmoid', () => layer(new nn.Sigmoid(), x())],
    ['Tanh', () => layer(new nn.Tanh(), x())],
    ['Sequential', () => layer(nn.sequential(new nn.Linear(4, 6), new nn.Tanh(), new nn.Linear(6, 2)), x())],
    ['Embedding', () => layer(new nn.Embedding(5, 3), randint(0, 5, [2, 3]))],
  ])('%s, in its input and parameters', (_name, make) => {
    const [model, f, inputs] = make()
    const variables = [...inputs, ...model.parameters()]
    expect(gradcheck(f, variables)).toBe(true)
    expect(gradcheck(f, variables, { fast: true })).toBe(true)
  })

  test('losses', () => {
    const labels = randint(0, 4, [3])
    expect(gradcheck((x) => new nn.CrossEntropyLoss().forward(x, labels), [x()])).toBe(true)
    expect(gradcheck((x, y) => new nn.MSELoss().forward(x, y), [x(), x()])).toBe(true)
  })

  test('a function of several results, and one that leaves an input out', () => {
    expect(gradcheck((x, y) => [x.mul(y), y.exp().sum()], [x(), x()])).toBe(true)
    expect(gradcheck((x) => x.exp(), [x(), x()])).toBe(true)
    expect(() => gradcheck((x) => [x.exp(), square(1.05)(x)], [x()])).toThrow(GradcheckError)
  })
})

function layer(module: nn.Module & { forward(x: Tensor): Tensor }, x: Tensor) {
  return [module, (x: Tensor) => module.forward(x), [x]] as const as readonly [
    nn.Module,
    (...inputs: Tensor[]) => Tensor,
    Tensor[],
  ]
}

test('leaves inputs, gradients and memory as they were, also when it fails', () => {
  const x = leaf([2, 3])
  x.mul(2).sum().backward()
  endAfterlives()
  const before = { bits: [...x.toTypedArray()], grad: [...x.grad!.toTypedArray()], live: live() }
  expect(gradcheck((x) => x.exp(), [x])).toBe(true)
  expect(() => gradcheck(square(1.05), [x])).toThrow(GradcheckError)
  endAfterlives()
  expect({ bits: [...x.toTypedArray()], grad: [...x.grad!.toTypedArray()], live: live() }).toEqual(before)
})

describe('refuses', () => {
  const wrong = (value: unknown) => value as never

  test.each<[string, () => unknown, RegExp]>([
    ['what is no function', () => gradcheck(wrong(3), [leaf([2])]), /expected a function, got a number/],
    ['a single tensor', () => gradcheck((x) => x, wrong(leaf([2]))), /pass them in an array/],
    ['inputs without a gradient', () => gradcheck((x) => x.exp(), [rand([2])]), /no input requires a gradient/],
    [
      'a function that draws',
      () => gradcheck((x) => x.mul(rand([2])), [leaf([2])]),
      /other values for the same inputs/,
    ],
    ['an eps of 0', () => gradcheck((x) => x.exp(), [leaf([2])], { eps: 0 }), /eps is 0/],
    ['an unknown option', () => gradcheck((x) => x.exp(), [leaf([2])], wrong({ tol: 1 })), /no option tol/],
  ])('%s', (_name, run, message) => {
    expect(run).toThrow(OptionError)
    expect(run).toThrow(message)
  })

  test('an input that was computed', () => {
    expect(() => gradcheck((x) => x.exp(), [leaf([2]).mul(2)])).toThrow(GraphError)
  })

  test('results that are no float32 tensors', () => {
    expect(() => gradcheck((x) => x.gt(0), [leaf([2])])).toThrow(/result 0 of f is bool/)
    expect(() => gradcheck(() => wrong(3), [leaf([2])])).toThrow(/result 0 of f: expected a tensor/)
  })
})
