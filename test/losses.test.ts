/** Every loss as a module, with every reduction and option, against float64; and where numbers end. */
import { describe, expect, test } from 'vitest'
import { nn, noGrad, type Tensor, tensor } from '../src/index.ts'
import { elementwise } from './ops/case.ts'
import { type Check, clean, expectGradient, expectValue, gradientOf, random, upstreamOf } from './ops/check.ts'
import type { Nd } from './ops/nd.ts'
import * as reference from './ops/reference/loss.ts'

type Options = Readonly<Record<string, unknown>>

interface LossCase {
  readonly loss: string
  readonly make: (options: Options) => nn.Module & { forward(input: Tensor, target: Tensor): Tensor }
  /** In float64, from what is given and the weights among the options. */
  readonly f: (input: Nd, target: Nd, options: Options, weight?: Nd, posWeight?: Nd) => Nd
  readonly options: readonly Options[]
  readonly input: Nd
  readonly target: Nd
  /** Whether targets are class indices. */
  readonly isLabels?: boolean
  readonly reductions?: readonly string[]
}

const REDUCTIONS = ['mean', 'sum', 'none']
const SHAPE = [4, 3]

const numbers = (seed: number, low = -2, high = 2): Nd => ({ shape: SHAPE, data: random(12, seed, low, high) })
const labels: Nd = { shape: [4], data: Float64Array.of(2, 0, -100, 2) }
const weight: Nd = { shape: [3], data: Float64Array.of(0.5, 0, 2) }
const posWeight: Nd = { shape: [4, 1], data: Float64Array.of(3, 1, 0.25, 0) }

const pair = { input: numbers(1), target: numbers(2) }
const ofLabels = { input: numbers(1), target: labels, isLabels: true }
const probabilities = numbers(3, 0.01, 0.99)
const smoothing = { labelSmoothing: 0.2 }
const weighted = [{}, { weight }]

const losses: readonly LossCase[] = [
  { loss: 'MSELoss', make: (o) => new nn.MSELoss(o), f: reference.mseLoss, options: [{}], ...pair },
  { loss: 'L1Loss', make: (o) => new nn.L1Loss(o), f: reference.l1Loss, options: [{}], ...pair },
  {
    loss: 'HuberLoss',
    make: (o) => new nn.HuberLoss(o),
    f: reference.huberLoss,
    options: [{}, { delta: 0.3 }],
    ...pair,
  },
  {
    loss: 'SmoothL1Loss',
    make: (o) => new nn.SmoothL1Loss(o),
    f: reference.smoothL1Loss,
    options: [{}, { beta: 0.3 }, { beta: 0 }],
    ...pair,
  },
  {
    loss: 'BCELoss',
    make: (o) => new nn.BCELoss(o),
    f: reference.binaryCrossEntropy,
    options: weighted,
    input: probabilities,
    target: numbers(4, 0, 1),
  },
  {
    loss: 'BCEWithLogitsLoss',
    make: (o) => new nn.BCEWithLogitsLoss(o),
    f: reference.binaryCrossEntropyWithLogits,
    options: [...weighted, { posWeight }, { weight, posWeight }],
    input: numbers(1),
    target: numbers(4, 0, 1),
  },
  {
    loss: 'CrossEntropyLoss',
    make: (o) => new nn.CrossEntropyLoss(o),
    f: reference.crossEntropy,
    options: [...weighted, smoothing, { ...smoothing, weight }, { ignoreIndex: 0, weight }],
    ...ofLabels,
    target: { ...labels, data: labels.data.map((t) => Math.max(t, 0)) },
  },
  {
    loss: 'CrossEntropyLoss',
    make: (o) => new nn.CrossEntropyLoss(o),
    f: reference.crossEntropy,
    options: [...weighted, { ...smoothing, weight }],
    ...ofLabels,
  },
  {
    loss: 'CrossEntropyLoss',
    make: (o) => new nn.CrossEntropyLoss(o),
    f: reference.crossEntropy,
    options: [...weighted, smoothing, { ...smoothing, weight }],
    input: numbers(1),
    target: probabilities,
  },
  { loss: 'NLLLoss', make: (o) => new nn.NLLLoss(o), f: reference.nllLoss, options: weighted, ...ofLabels },
  {
    loss: 'KLDivLoss',
    make: (o) => new nn.KLDivLoss(o),
    f: reference.klDiv,
    options: [{}],
    reductions: [...REDUCTIONS, 'batchmean'],
    input: numbers(1),
    target: probabilities,
  },
  {
    loss: 'KLDivLoss',
    make: (o) => new nn.KLDivLoss(o),
    f: reference.klDiv,
    options: [{ logTarget: true }],
    reductions: [...REDUCTIONS, 'batchmean'],
    ...pair,
  },
]

const given = ({ shape, data }: Nd) => tensor(data, { shape })
const isWeight = (value: unknown): value is Nd => typeof value === 'object'

describe.each(losses)('nn.$loss', ({ make, f, options, input, target, isLabels = false, reductions = REDUCTIONS }) => {
  describe.each(options.map((o) => [JSON.stringify(Object.keys(o)), o] as const))('with %s', (_names, chosen) => {
    test.each(reductions)('has the values and gradients of its reference, reduction %s', (reduction) => {
      clean([12, 13], () => {
        const weights = Object.entries(chosen).filter(([, value]) => isWeight(value))
        const lossFn = make({
          ...chosen,
          reduction,
          ...Object.fromEntries(weights.map(([name, w]) => [name, given(w as Nd)])),
        })
        const x = tensor(input.data, { shape: input.shape, requiresGrad: true })
        const t = tensor(target.data, {
          shape: target.shape,
          dtype: isLabels ? 'int32' : 'float32',
          requiresGrad: !isLabels,
        })
        const y = lossFn.forward(x, t)
        const plain = { ...chosen, reduction }
        const checked: Check = {
          name: '',
          run: () => y,
          f: ((a: Nd, b: Nd) => f(a, b, plain, chosen.weight as Nd, chosen.posWeight as Nd)) as Check['f'],
          inputs: [
            { ...input, dtype: 'float32', isVariable: true },
            { ...target, dtype: t.dtype, isVariable: !isLabels },
          ],
          isElementwise: false,
          gives: 'float32',
          error: elementwise,
        }
        expectValue(checked, y)
        const dy = upstreamOf(checked)
        y.backward(given(dy))
        ;[x, t].forEach(({ grad }, i) => {
          const expected = checked.inputs[i].isVariable ? gradientOf(checked, i, dy) : null
          expectGradient(grad && (grad.toTypedArray() as Float32Array), expected, dy)
        })
        lossFn.dispose()
      })
    })
  })
})

test('every loss is in the table', () => {
  const named = losses.map(({ loss }) => loss)
  expect(Object.keys(nn).filter((name) => name.endsWith('Loss') && !named.includes(name))).toEqual([])
  expect(named.filter((name) => !(name in nn))).toEqual([])
})

describe('losses as modules', () => {
  test.each(losses)('$loss prints as in PyTorch', ({ loss, make }) => {
    expect(`${make({})}`).toBe(`${loss}()`)
  })

  test('keep their weights as buffers', () => {
    const lossFn = new nn.BCEWithLogitsLoss({ weight: tensor([1, 2]), posWeight: tensor([3, 4]) })
    expect(lossFn.parameters()).toEqual([])
    const state = lossFn.stateDict()
    expect(Object.keys(state)).toEqual(['weight', 'posWeight'])
    const other = new nn.BCEWithLogitsLoss({ weight: tensor([0, 0]), posWeight: tensor([0, 0]) })
    other.loadStateDict(state)
    expect(other.posWeight?.toArray()).toEqual([3, 4])
    expect(new nn.CrossEntropyLoss({ weight: tensor([1, 2]) }).stateDict().weight.toArray()).toEqual([1, 2])
  })

  test('refuse options when they are made, in their own name', () => {
    const wrong = { reduction: 'avg' as never }
    for (const { loss, make } of losses)
      expect(() => make(wrong)).toThrow(new RegExp(`^${loss}: reduction is "avg"; use 'mean', 'sum', 'none'`))
    expect(() => new nn.CrossEntropyLoss({ weights: tensor([1]) } as never)).toThrow(
      /^CrossEntropyLoss: there is no option weights/,
    )
  })

  test('are not changed by what becomes of the options', () => {
    const options: { reduction: 'sum' | 'mean' } = { reduction: 'sum' }
    const lossFn = new nn.MSELoss(options)
    options.reduction = 'mean'
    expect(lossFn.forward(tensor([1, 2]), tensor([0, 0])).item()).toBe(5)
  })
})

/** Losses of single elements and their gradients. */
function each(lossFn: { forward(x: Tensor, t: Tensor): Tensor }, xs: number[], ts: number[]) {
  const x = tensor(xs, { requiresGrad: true })
  const t = tensor(ts, { requiresGrad: true })
  const y = lossFn.forward(x, t)
  y.sum().backward()
  const [dx, dt] = [x, t].map(({ grad }) => grad!.toArray() as number[])
  return { y: y.toArray() as number[], dx, dt }
}

describe('at the ends of numbers', () => {
  test('binary cross entropy of 0 and 1 has the finite values and slopes of PyTorch', () => {
    const { y, dx, dt } = each(new nn.BCELoss({ reduction: 'none' }), [0, 0, 1, 1, 0, 1], [0, 1, 0, 1, 0.5, 0.5])
    expect(y).toEqual([0, 100, 100, -0, 50, 50])
    const steep = Math.fround(1e12)
    expect(dx).toEqual([0, -steep, steep, 0, -steep / 2, steep / 2])
    expect(dt).toEqual([Infinity, Infinity, -Infinity, -Infinity, Infinity, -Infinity])
  })

  test('binary cross entropy of logits is exact where sigmoid is 0 or 1', () => {
    const lossFn = new nn.BCEWithLogitsLoss({ reduction: 'none' })
    const { y, dx, dt } = each(lossFn, [1e4, 1e4, -1e4, -1e4, 3e38], [1, 0, 1, 0, 0])
    expect(y).toEqual([0, 1e4, 1e4, 0, Math.fround(3e38)])
    expect(dx).toEqual([0, 1, -1, 0, 1])
    expect(dt).toEqual([-1e4, -1e4, 1e4, 1e4, -Math.fround(3e38)])
    const small = each(lossFn, [60, -60], [1, 0])
    expect(small.y[0]).toBeCloseTo(Math.exp(-60), 30)
    expect(small.dx[0] / -Math.exp(-60)).toBeCloseTo(1, 5)
    expect(each(lossFn, [Infinity, -Infinity], [0, 1]).y).toEqual([Infinity, Infinity])
    expect(each(lossFn, [Infinity, -Infinity], [1, 0]).y).toEqual([Number.NaN, Number.NaN])
    expect(each(lossFn, [Infinity, -Infinity], [1, 0]).dx).toEqual([0, 0])
  })

  test('a divergence from a target of 0 is 0, and so is its slope', () => {
    const { y, dx, dt } = each(new nn.KLDivLoss({ reduction: 'none' }), [-Infinity, 3, -1], [0, 0, 1])
    expect(y).toEqual([0, 0, 1])
    expect(dx.map((slope) => Math.abs(slope))).toEqual([0, 0, 1])
    expect(dt).toEqual([0, 0, 2])
  })

  test('equal elements have no slope in L1', () => {
    const { y, dx } = each(new nn.L1Loss({ reduction: 'none' }), [1, 2, -1], [1, 1, 1])
    expect(y).toEqual([0, 1, 2])
    expect(dx).toEqual([0, 1, -1])
  })
})

describe('of classes', () => {
  const of = (options: nn.CrossEntropyLossOptions, x: number[][], t: number[] | number[][]) => {
    const logits = tensor(x, { requiresGrad: true })
    const y = new nn.CrossEntropyLoss(options).forward(
      logits,
      tensor(t, { dtype: Array.isArray(t[0]) ? 'float32' : 'int32' }),
    )
    y.backward()
    return { y: y.item(), dx: logits.grad!.toArray() }
  }
  const nothing = [
    [0, 0],
    [0, 0],
  ]

  test.each([0, 0.25])(
    'where every label is ignored the mean is NaN and the gradient 0, smoothing %d',
    (labelSmoothing) => {
      const { y, dx } = of(
        { ignoreIndex: 1, labelSmoothing },
        [
          [1, 2],
          [3, 4],
        ],
        [1, 1],
      )
      expect(y).toBeNaN()
      expect(dx).toEqual(nothing)
    },
  )

  test.each([0, 0.25])('ignored rows may hold anything, smoothing %d', (labelSmoothing) => {
    const options = { ignoreIndex: -1, labelSmoothing }
    const { y, dx } = of(
      options,
      [
        [0, 1],
        [Number.NaN, Infinity],
      ],
      [0, -1],
    )
    const alone = of(options, [[0, 1]], [0])
    expect(y).toBe(alone.y)
    expect(dx).toEqual([(alone.dx as number[][])[0], [0, 0]])
  })

  test('a class that is impossible and not wanted adds nothing', () => {
    const { y, dx } = of({}, [[0, -Infinity]], [[1, 0]])
    expect(y).toBe(0)
    expect(dx).toEqual([[0, 0]])
    expect(of({}, [[0, -Infinity]], [[0.5, 0.5]]).y).toBe(Infinity)
  })

  test('one-hot rows of any dtype are probabilities', () => {
    const x = tensor([
      [1, 2],
      [3, 5],
    ])
    const lossFn = new nn.CrossEntropyLoss()
    const expected = lossFn.forward(x, tensor([1, 0], { dtype: 'int32' })).item()
    for (const dtype of ['float32', 'int32', 'uint8', 'bool'] as const)
      expect(
        lossFn
          .forward(
            x,
            tensor(
              [
                [0, 1],
                [1, 0],
              ],
              { dtype },
            ),
          )
          .item(),
      ).toBeCloseTo(expected, 6)
  })

  test('a single sample is a batch of one without its axis', () => {
    const x = tensor([1, 3, 2], { requiresGrad: true })
    const batch = tensor([[1, 3, 2]])
    for (const reduction of ['mean', 'sum', 'none'] as const) {
      const lossFn = new nn.CrossEntropyLoss({ reduction })
      const y = lossFn.forward(x, tensor(2, { dtype: 'int32' }))
      expect(y.shape).toEqual([])
      expect(y.item()).toBe(
        lossFn
          .forward(batch, tensor([2], { dtype: 'int32' }))
          .reshape([])
          .item(),
      )
      y.backward()
      const ofRow = lossFn.forward(x, tensor([0.25, 0.25, 0.5]))
      expect(ofRow.shape).toEqual([])
      expect(ofRow.item()).toBe(
        lossFn
          .forward(batch, tensor([[0.25, 0.25, 0.5]]))
          .reshape([])
          .item(),
      )
    }
    expect(x.grad?.shape).toEqual([3])
  })
})

test('a weight that requires a gradient is refused only while gradients are recorded', () => {
  const weight = tensor([1, 2], { requiresGrad: true })
  const run = () => nn.functional.binaryCrossEntropy(tensor([0.5, 0.5]), tensor([1, 0]), { weight })
  expect(run).toThrow(/^binaryCrossEntropy: weight requires a gradient, .* pass weight.detach\(\)/)
  expect(noGrad(run).item()).toBeCloseTo(1.5 * Math.log(2), 6)
})

test('a probability out of range is named with its place', () => {
  expect(() =>
    new nn.BCELoss().forward(
      tensor([
        [0.5, 1],
        [0, 1.5],
      ]),
      tensor([
        [0, 1],
        [0, 1],
      ]),
    ),
  ).toThrow(
    /^binaryCrossEntropy: the input at \(1, 1\) is 1.5; probabilities go from 0 to 1: take sigmoid\(\) first, or BCEWithLogitsLoss/,
  )
})
