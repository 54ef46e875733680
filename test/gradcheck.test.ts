/**
 * `gradcheck` passes what is right, every layer and loss among it, sees what is wrong, and leaves everything as it was. Every
 * operation passes it in `test/ops`.
 */
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

  test('is told without random factors, where the plain sum shows the error too', () => {
    const x = tensor([3], { requiresGrad: true })
    const message =
      /element \[0\]: the gradient is 9, but differences of values say (6|6\.00\d*|5\.99\d*), .* of f\(…\), summed up\./
    expect(() => gradcheck(square(1.5), [x])).toThrow(message)
    expect(() => gradcheck(square(1.5), [x])).toThrow(/At a kink, such as relu at 0, differences mean nothing/)
    // Here they cancel in the plain sum.
    const halves = (x: Tensor) => {
      const y = square(1.5)(x)
      return [y, y.neg()]
    }
    expect(() => gradcheck(halves, [x])).toThrow(/both are of f\(…\) times fixed random numbers/)
    expect(x.item()).toBe(3)
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
  /** Far from every kink of activations: 0, 1, 2, 3 and 6, on both sides. */
  const smooth = () =>
    tensor([[-4.5, -2.3, -1.6, -0.5], [0.4, 0.7, 1.6, 2.4], [3.5, 4.6, 5.2, 7.1]], { requiresGrad: true }) // biome-ignore format: a matrix
  /** From these distances of the above, losses have no kinks. */
  const near = () =>
    smooth()
      .detach()
      .add(tensor([0.3, -0.4, 2.2, -1.5]))
      .clone()
  const probabilities = () => tensor([[0.2, 0.7, 0.4, 0.6], [0.5, 0.3, 0.8, 0.35]], { requiresGrad: true }) // biome-ignore format: a matrix
  const distributions = () => tensor([[0.1, 0.2, 0.3, 0.4], [0.25, 0.55, 0.15, 0.05], [0.3, 0.3, 0.2, 0.2]]) // biome-ignore format: a matrix
  const labels = () => tensor([3, 0, 2], { dtype: 'int32' })
  const factors = () => tensor([0.5, 2, 1.5, 0.25])

  type Takes = (...inputs: Tensor[]) => Tensor
  type Row = readonly [name: string, make: () => nn.Module & { forward: Takes }, ...inputs: (() => Tensor)[]]

  /** Of each reduction. */
  const reduced = <Options>(
    Loss: new (options: never) => nn.Module & { forward: Takes },
    options: () => Options,
    ...inputs: (() => Tensor)[]
  ): Row[] =>
    ['mean', 'sum', 'none'].map((reduction) => {
      const said = Object.keys(options() as object).map((name) => `, ${name}`)
      return [
        `${Loss.name}, ${reduction}${said.join('')}`,
        () => new Loss({ ...options(), reduction } as never),
        ...inputs,
      ]
    })

  const layers: readonly Row[] = [
    ['Linear', () => new nn.Linear(4, 5), x],
    ['Linear without a bias', () => new nn.Linear(4, 5, { bias: false }), x],
    ['Embedding', () => new nn.Embedding(5, 3), () => randint(0, 5, [2, 3])],
    ['Embedding of one row for all', () => new nn.Embedding(5, 3), () => tensor([2, 2, 2], { dtype: 'int32' })],
    ['Sequential', () => nn.sequential(new nn.Linear(4, 6), new nn.Tanh(), new nn.Linear(6, 2)), x],
    ['Flatten', () => new nn.Flatten(), () => leaf([2, 3, 2])],
    ['Identity', () => new nn.Identity(), x],
    ['Dropout, its draw seeded', () => seeded(new nn.Dropout(0.4)), x],
    ['Dropout in evaluation', () => new nn.Dropout(0.4).eval(), x],
    ['BatchNorm1d', () => new nn.BatchNorm1d(4), x],
    ['BatchNorm1d without parameters', () => new nn.BatchNorm1d(4, { affine: false, momentum: null }), x],
    ['BatchNorm1d without statistics', () => new nn.BatchNorm1d(4, { trackRunningStats: false, eps: 0.1 }).eval(), x],
    ['BatchNorm1d in evaluation', () => evaluated(new nn.BatchNorm1d(4)), x],
    ['LayerNorm', () => new nn.LayerNorm(4), x],
    ['LayerNorm of two axes', () => new nn.LayerNorm([3, 2], { eps: 0.1 }), () => leaf([2, 3, 2])],
    ['LayerNorm without a bias', () => new nn.LayerNorm(4, { bias: false }), x],
    ['LayerNorm without parameters', () => new nn.LayerNorm(4, { elementwiseAffine: false }), x],
    ['ReLU', () => new nn.ReLU(), smooth],
    ['ReLU6', () => new nn.ReLU6(), smooth],
    ['LeakyReLU', () => new nn.LeakyReLU(), smooth],
    ['LeakyReLU with another slope', () => new nn.LeakyReLU(0.3), smooth],
    ['ELU', () => new nn.ELU(), smooth],
    ['ELU with another alpha', () => new nn.ELU(0.6), smooth],
    ['GELU', () => new nn.GELU(), smooth],
    ['GELU by tanh', () => new nn.GELU({ approximate: 'tanh' }), smooth],
    ['SiLU', () => new nn.SiLU(), smooth],
    ['Sigmoid', () => new nn.Sigmoid(), smooth],
    ['Tanh', () => new nn.Tanh(), smooth],
    ['Softplus', () => new nn.Softplus(), smooth],
    ['Softplus with other options', () => new nn.Softplus({ beta: 2, threshold: 5 }), smooth],
    ['LogSigmoid', () => new nn.LogSigmoid(), smooth],
    ['Hardtanh', () => new nn.Hardtanh(), smooth],
    ['Hardtanh of another range', () => new nn.Hardtanh(-2, 3), smooth],
    ['Hardsigmoid', () => new nn.Hardsigmoid(), smooth],
    ['Hardswish', () => new nn.Hardswish(), smooth],
    ['Softmax', () => new nn.Softmax(), x],
    ['Softmax of another axis', () => new nn.Softmax(0), x],
    ['LogSoftmax', () => new nn.LogSoftmax(), x],
    ['LogSoftmax of another axis', () => new nn.LogSoftmax(0), x],
    ...reduced(nn.MSELoss, () => ({}), x, x),
    ...reduced(
      nn.L1Loss,
      () => ({}),
      smooth,
      () => trained(near()),
    ),
    ...reduced(
      nn.HuberLoss,
      () => ({}),
      smooth,
      () => trained(near()),
    ),
    ...reduced(nn.HuberLoss, () => ({ delta: 1.8 }), smooth, near),
    ...reduced(
      nn.SmoothL1Loss,
      () => ({}),
      smooth,
      () => trained(near()),
    ),
    ...reduced(nn.SmoothL1Loss, () => ({ beta: 0.1 }), smooth, near),
    ...reduced(
      nn.BCELoss,
      () => ({}),
      probabilities,
      () => rand([2, 4]),
    ),
    ...reduced(
      nn.BCELoss,
      () => ({ weight: factors() }),
      probabilities,
      () => rand([2, 4]),
    ),
    ...reduced(
      nn.BCEWithLogitsLoss,
      () => ({}),
      x,
      () => rand([3, 4]),
    ),
    ...reduced(
      nn.BCEWithLogitsLoss,
      () => ({ weight: factors() }),
      x,
      () => rand([3, 4]),
    ),
    ...reduced(
      nn.BCEWithLogitsLoss,
      () => ({ posWeight: factors() }),
      x,
      () => rand([3, 4]),
    ),
    ...reduced(nn.CrossEntropyLoss, () => ({}), x, labels),
    ...reduced(nn.CrossEntropyLoss, () => ({}), x, distributions),
    ...reduced(nn.CrossEntropyLoss, () => ({ weight: factors(), ignoreIndex: 2, labelSmoothing: 0.2 }), x, labels),
    ...reduced(nn.CrossEntropyLoss, () => ({ weight: factors(), labelSmoothing: 0.2 }), x, distributions),
    ...reduced(nn.NLLLoss, () => ({}), x, labels),
    ...reduced(nn.NLLLoss, () => ({ weight: factors(), ignoreIndex: 0 }), x, labels),
    ...reduced(nn.KLDivLoss, () => ({}), x, distributions),
    ...reduced(
      nn.KLDivLoss,
      () => ({ logTarget: true }),
      x,
      () => randn([3, 4]),
    ),
    ['KLDivLoss, batchmean', () => new nn.KLDivLoss({ reduction: 'batchmean' }), x, distributions],
  ]

  const named = layers.map(([name, make, ...inputs]) => ({ name, make, takes: inputs }))

  test.each(named)('$name, in its inputs and parameters', ({ make, takes }) => {
    const model = make()
    // Parameters that begin at 1 and 0 would hide a factor or a term that is missing.
    for (const parameter of model.parameters()) nn.init.uniform_(parameter, 0.5, 1.5)
    const inputs = takes.map((one) => one())
    const f = (...xs: Tensor[]) => model.forward(...xs.slice(0, inputs.length))
    const variables = [...inputs, ...model.parameters()]
    expect(gradcheck(f, variables)).toBe(true)
    expect(gradcheck(f, variables, { fast: true })).toBe(true)
  })

  test('whatever `nn` has', () => {
    const classes = Object.entries(nn).filter(([, value]) => isLayer(value) && value !== nn.Module)
    const checked = new Set(layers.map(([name]) => /^\w+/.exec(name)?.[0]))
    expect(classes.length).toBeGreaterThan(30)
    expect(classes.map(([name]) => name).filter((name) => !checked.has(name))).toEqual([])
  })

  test('a function of several results, and one that leaves an input out', () => {
    expect(gradcheck((x, y) => [x.mul(y), y.exp().sum()], [x(), x()])).toBe(true)
    expect(gradcheck((x) => x.exp(), [x(), x()])).toBe(true)
    expect(() => gradcheck((x) => [x.exp(), square(1.05)(x)], [x()])).toThrow(GradcheckError)
  })
})

const isLayer = (value: unknown) => typeof value === 'function' && value.prototype instanceof nn.Module

function trained(x: Tensor): Tensor {
  x.requiresGrad = true
  return x
}

/** A layer that draws the same each time. */
function seeded<M extends nn.Module & { forward(x: Tensor): Tensor }>(layer: M): M {
  const forward = layer.forward.bind(layer)
  layer.forward = (x) => {
    manualSeed(11)
    return forward(x)
  }
  return layer
}

/** In evaluation, with running statistics of some batches. */
function evaluated(layer: nn.BatchNorm1d): nn.BatchNorm1d {
  const features = layer.runningMean!.numel
  for (let i = 0; i < 3; i++) layer.forward(randn([5, features]).mul(3).add(1))
  return layer.eval()
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

  test('a function without a gradient', () => {
    for (const f of [(x: Tensor) => x.detach().mul(2), (x: Tensor) => [tensor([1]), x.detach()]])
      expect(() => gradcheck(f, [leaf([2])])).toThrow(/^gradcheck: no gradient flows from what f gives to its inputs/)
    expect(() => gradcheck((x) => x.detach(), [leaf([2])])).toThrow(GraphError)
  })

  test('results that are no float32 tensors', () => {
    expect(() => gradcheck((x) => x.gt(0), [leaf([2])])).toThrow(/result 0 of f is bool/)
    expect(() => gradcheck(() => wrong(3), [leaf([2])])).toThrow(/result 0 of f: expected a tensor/)
  })
})
