/** Every layer against float64: values, and gradients of inputs and parameters. */
import { describe, expect, test } from 'vitest'
import { memory, nn, OptionError, type Tensor, tensor } from '../src/index.ts'
import { elementwise, given, type Input } from './ops/case.ts'
import { type Check, clean, expectGradient, expectValue, gradientOf, make, operands, upstreamOf } from './ops/check.ts'
import * as nd from './ops/nd.ts'
import { elu, gelu, geluTanh, hardswish, leakyRelu, logsigmoid, softplus } from './ops/reference/activation.ts'
import { embedding } from './ops/reference/gather.ts'
import { linear } from './ops/reference/matmul.ts'
import { batchNorm, layerNorm } from './ops/reference/normalize.ts'
import { logSoftmax, softmax } from './ops/reference/softmax.ts'
import { clamp } from './ops/reference/unary.ts'

interface LayerCase {
  readonly layer: string
  readonly make: () => nn.Layer
  readonly f: (x: nd.Nd, ...parameters: nd.Nd[]) => nd.Nd
  readonly on: readonly Input[]
}

const each = (f: (x: number) => number) => (x: nd.Nd) => nd.zip(f, x)
const sigmoid = each((x) => 1 / (1 + Math.exp(-x)))
const tanh = each(Math.tanh)

/** Activations: how each is made and printed, and what it computes. */
const activations: readonly (readonly [layer: nn.Layer, printed: string, f: (x: nd.Nd) => nd.Nd])[] = [
  [new nn.ReLU(), 'ReLU()', each((x) => Math.max(x, 0))],
  [new nn.Sigmoid(), 'Sigmoid()', sigmoid],
  [new nn.Tanh(), 'Tanh()', tanh],
  [new nn.LeakyReLU(), 'LeakyReLU(negativeSlope=0.01)', each(leakyRelu(0.01))],
  [new nn.LeakyReLU(0.3), 'LeakyReLU(negativeSlope=0.3)', each(leakyRelu(0.3))],
  [new nn.ELU(), 'ELU(alpha=1)', each(elu(1))],
  [new nn.ELU(0.5), 'ELU(alpha=0.5)', each(elu(0.5))],
  [new nn.GELU(), "GELU(approximate='none')", each(gelu)],
  [new nn.GELU({ approximate: 'tanh' }), "GELU(approximate='tanh')", each(geluTanh)],
  [new nn.SiLU(), 'SiLU()', each((x) => x / (1 + Math.exp(-x)))],
  [new nn.Softplus(), 'Softplus(beta=1, threshold=20)', each(softplus(1, 20))],
  [new nn.Softplus({ beta: 3, threshold: 4 }), 'Softplus(beta=3, threshold=4)', each(softplus(3, 4))],
  [new nn.LogSigmoid(), 'LogSigmoid()', each(logsigmoid)],
  [new nn.Hardtanh(), 'Hardtanh(minVal=-1, maxVal=1)', each(clamp(-1, 1))],
  [new nn.Hardtanh(-0.3, 0.7), 'Hardtanh(minVal=-0.3, maxVal=0.7)', each(clamp(-0.3, 0.7))],
  [new nn.Hardsigmoid(), 'Hardsigmoid()', each((x) => clamp(0, 6)(x + 3) / 6)],
  [new nn.Hardswish(), 'Hardswish()', each(hardswish)],
  [new nn.ReLU6(), 'ReLU6()', each(clamp(0, 6))],
  [new nn.Softmax(), 'Softmax(dim=-1)', softmax],
  [new nn.Softmax(0), 'Softmax(dim=0)', (x) => softmax(x, 0)],
  [new nn.LogSoftmax(), 'LogSoftmax(dim=-1)', logSoftmax],
  [new nn.LogSoftmax(0), 'LogSoftmax(dim=0)', (x) => logSoftmax(x, 0)],
]

test.each(activations)('%# prints as PyTorch prints it: %s', (layer, printed) => {
  expect(`${layer}`).toBe(printed)
})

test('activations refuse parameters that mean nothing when they are made', () => {
  const given = NaN
  for (const build of [
    () => new nn.LeakyReLU(given),
    () => new nn.ELU(Infinity),
    () => new nn.GELU({ approximate: 'erf' as 'tanh' }),
    () => new nn.Softplus({ beta: 0 }),
    () => new nn.Softplus({ threshold: given }),
    () => new nn.Hardtanh(1, -1),
  ])
    expect(build).toThrow(OptionError)
})

const layers: readonly LayerCase[] = [
  { layer: 'Linear', make: () => new nn.Linear(3, 5), f: linear, on: [[3], [4, 3], [2, 4, 3], [0, 3]] },
  { layer: 'Linear', make: () => new nn.Linear(3, 5, { bias: false }), f: linear, on: [[3], [4, 3]] },
  {
    layer: 'Embedding',
    make: () => new nn.Embedding(4, 3),
    f: embedding,
    on: [given([2, 0, 2], 'int32'), given([[3], [0]], 'uint8'), given(1, 'int32'), given([], 'int32')],
  },
  ...activations.map(([layer, , f]) => ({
    layer: layer.constructor.name,
    make: () => layer,
    f,
    on: [[17], [3, 5]],
  })),
  { layer: 'Dropout', make: () => new nn.Dropout().eval(), f: (x) => x, on: [[17], [3, 5]] },
  { layer: 'Dropout', make: () => new nn.Dropout(1), f: (x) => nd.zip((a) => a * 0, x), on: [[17], [3, 5]] },
  {
    layer: 'BatchNorm1d',
    make: () => new nn.BatchNorm1d(3),
    f: (x, weight, bias) => batchNorm(x, weight, bias),
    on: [
      [2, 3],
      [7, 3],
      [0, 3],
    ],
  },
  { layer: 'BatchNorm1d', make: () => new nn.BatchNorm1d(3, { affine: false }), f: (x) => batchNorm(x), on: [[4, 3]] },
  {
    layer: 'BatchNorm1d',
    make: () => new nn.BatchNorm1d(3).eval(),
    f: (x, weight, bias) => batchNorm(x, weight, bias, 1e-5, new Array(3).fill({ mean: 0, variance: 1 })),
    on: [
      [1, 3],
      [7, 3],
      [0, 3],
    ],
  },
  {
    layer: 'BatchNorm1d',
    make: () => new nn.BatchNorm1d(3, { trackRunningStats: false, eps: 0.5 }).eval(),
    f: (x, weight, bias) => batchNorm(x, weight, bias, 0.5),
    on: [[4, 3]],
  },
  {
    layer: 'LayerNorm',
    make: () => new nn.LayerNorm(3),
    f: (x, weight, bias) => layerNorm(x, weight, bias, 1),
    on: [[3], [4, 3], [2, 4, 3], [0, 3]],
  },
  {
    layer: 'LayerNorm',
    make: () => new nn.LayerNorm([2, 3], { bias: false, eps: 0.5 }),
    f: (x, weight) => layerNorm(x, weight, null, 2, 0.5),
    on: [
      [2, 3],
      [4, 2, 3],
    ],
  },
  {
    layer: 'LayerNorm',
    make: () => new nn.LayerNorm(3, { elementwiseAffine: false }),
    f: (x) => layerNorm(x, null, null, 1),
    on: [[4, 3]],
  },
  {
    layer: 'Flatten',
    make: () => new nn.Flatten(),
    f: (x) => ({ ...x, shape: [x.shape[0], x.shape.slice(1).reduce((a, b) => a * b, 1)] }),
    on: [
      [3, 5],
      [2, 3, 4],
      [0, 3, 2],
    ],
  },
  { layer: 'Identity', make: () => new nn.Identity(), f: (x) => x, on: [[17], [3, 5]] },
  {
    layer: 'sequential',
    make: () => nn.sequential(new nn.Linear(3, 4), new nn.Tanh(), new nn.Linear(4, 2), new nn.Sigmoid()),
    f: (x, w0, b0, w1, b1) => sigmoid(linear(tanh(linear(x, w0, b0)), w1, b1)),
    on: [[3], [5, 3]],
  },
]

const valuesOf = (x: Tensor) => ({ shape: x.shape, data: Float64Array.from(x.toTypedArray()) })
const check = (of: Pick<Check, 'run' | 'f' | 'inputs'>): Check => ({
  ...of,
  name: '',
  isElementwise: false,
  gives: 'float32',
  error: elementwise,
})

describe.each(layers)('nn.$layer', ({ make: build, f, on }) => {
  test.each(operands(on).map((input) => ({ shape: input.shape, input })))(
    'has the values and gradients of its reference for $shape',
    ({ input }) => {
      clean([60], () => {
        const model = build()
        const parameters = model.parameters()
        const inputs = [input, ...parameters.map((p) => ({ ...valuesOf(p), dtype: p.dtype, isVariable: true }))]
        const { x } = make(input, 'dense', input.dtype, input.isVariable)
        const y = model.forward(x)
        const checked = check({ run: () => y, f: f as Check['f'], inputs })
        expectValue(checked, y)
        const dy = upstreamOf(checked)
        y.backward(tensor(dy.data, { shape: dy.shape }))
        ;[x, ...parameters].forEach(({ grad }, i) => {
          const expected = inputs[i].isVariable ? gradientOf(checked, i, dy) : null
          expectGradient(grad && (grad.toTypedArray() as Float32Array), expected, dy)
        })
        model.dispose()
      })
    },
  )

  test('frees its parameters when it is disposed', () => {
    const { live } = memory()
    build().dispose()
    expect(memory().live).toBe(live)
  })
})

test('every layer is in a table', () => {
  const { Module: _base, Parameter: _p, buffer: _b, functional: _f, init: _i, utils: _u, ...exported } = nn
  const named = layers.map(({ layer }) => layer)
  const isLoss = (name: string) => name.endsWith('Loss')
  expect(Object.keys(exported).filter((name) => !named.includes(name) && !isLoss(name))).toEqual([])
  expect(named.filter((name) => !(name in nn))).toEqual([])
})

test('a layer of a chain that is put in place of another is what the chain computes, shows and saves', () => {
  const chain = nn.sequential(new nn.Linear(2, 2), new nn.ReLU())
  Object.assign(chain, { 1: new nn.Linear(2, 2) })
  const x = tensor([[1, 2]])
  expect(chain.forward(x).toArray()).toEqual((chain[1] as nn.Layer).forward(chain[0].forward(x)).toArray())
  expect(Object.keys(chain.stateDict())).toEqual(['0.weight', '0.bias', '1.weight', '1.bias'])
})
