/** `nn.utils`: the gradients of a model, clipped together. */
import { describe, expect, test } from 'vitest'
import { memory, nn, OptionError, type Tensor, tensor, zeros } from '../src/index.ts'

const { clipGradNorm_, clipGradValue_ } = nn.utils

/** Tensors with these gradients, and one without. */
const withGradients = (...gradients: number[][]) => [
  ...gradients.map((gradient) => {
    const x = zeros([gradient.length], { requiresGrad: true })
    x.grad = tensor(gradient)
    return x
  }),
  zeros([2], { requiresGrad: true }),
]
const gradients = (parameters: Tensor[]) => parameters.flatMap(({ grad }) => (grad ? [...grad.toTypedArray()] : []))

describe('clipGradNorm_', () => {
  test('gives the norm of all gradients together, and scales them to the largest that is allowed', () => {
    const parameters = withGradients([3], [0, 4])
    expect(clipGradNorm_(parameters, 1)).toBe(5)
    const factor = Math.fround(1 / (5 + 1e-6))
    expect(gradients(parameters)).toEqual([3 * factor, 0, 4 * factor].map(Math.fround))
    expect(parameters[2].grad).toBeNull()
  })

  test('leaves gradients alone whose norm is small enough, and takes one tensor too', () => {
    const [x] = withGradients([3, 4])
    for (const maxNorm of [5.1, Infinity]) expect(clipGradNorm_(x, maxNorm)).toBe(5)
    expect(gradients([x])).toEqual([3, 4])
    expect(clipGradNorm_(x, 0)).toBe(5)
    expect(gradients([x])).toEqual([0, 0])
    expect(clipGradNorm_([], 1)).toBe(0)
    expect(clipGradNorm_(zeros([2]), 1)).toBe(0)
  })

  test.each([
    [1, 7],
    [3, 91 ** (1 / 3)],
    [Infinity, 4],
  ])('with normType %d', (normType, expected) => {
    const parameters = withGradients([3], [0, -4])
    expect(clipGradNorm_(parameters, 2, { normType })).toBeCloseTo(expected, 12)
    expect(clipGradNorm_(parameters, 9, { normType })).toBeCloseTo(2, 5)
  })

  test('counts a parameter once that is named twice', () => {
    const [x] = withGradients([3, 4])
    expect(clipGradNorm_([x, x], 2.5)).toBe(5)
    expect(gradients([x])[0]).toBeCloseTo(1.5, 5)
  })

  test('a norm that is not finite spoils every gradient, as in PyTorch, or is an error and nothing changes', () => {
    const infinite = withGradients([1], [Infinity])
    const spoilt = withGradients([1], [Number.NaN])
    for (const parameters of [infinite, spoilt]) {
      const before = gradients(parameters)
      expect(() => clipGradNorm_(parameters, 1, { errorIfNonfinite: true })).toThrow(OptionError)
      expect(gradients(parameters)).toEqual(before)
    }
    expect(clipGradNorm_(infinite, 1)).toBe(Infinity)
    expect(gradients(infinite)).toEqual([0, Number.NaN])
    expect(clipGradNorm_(spoilt, 1)).toBeNaN()
    expect(gradients(spoilt)).toEqual([Number.NaN, Number.NaN])
  })

  test('takes no memory that stays', () => {
    const parameters = withGradients([1, 2, 3], [4])
    clipGradNorm_(parameters, 1)
    const { live } = memory()
    for (let i = 0; i < 10; i++) clipGradNorm_(parameters, 1)
    expect(memory().live).toBe(live)
  })
})

test('clipGradValue_ clamps every element', () => {
  const parameters = withGradients([3, -3, 0.5], [Number.NaN, -Infinity])
  clipGradValue_(parameters, 1)
  expect(gradients(parameters)).toEqual([1, -1, 0.5, Number.NaN, -1])
  clipGradValue_(parameters[0], 0.25)
  expect(gradients([parameters[0]])).toEqual([0.25, -0.25, 0.25])
})

const wrong = <T>(value: unknown) => value as T

test.each<[string, () => unknown, RegExp]>([
  ['a model', () => clipGradNorm_(wrong(new nn.Linear(1, 1)), 1), /^clipGradNorm_: expected a list of parameters/],
  ['a negative norm', () => clipGradNorm_([], -1), /^clipGradNorm_: maxNorm is -1/],
  ['a norm of NaN', () => clipGradNorm_([], Number.NaN), /^clipGradNorm_: maxNorm is NaN/],
  [
    'order 0',
    () => clipGradNorm_([], 1, { normType: 0 }),
    /^clipGradNorm_: normType is 0; it must be a number above 0/,
  ],
  ['a misspelt option', () => clipGradNorm_([], 1, wrong({ norm: 1 })), /^clipGradNorm_: there is no option norm/],
  ['a negative value', () => clipGradValue_([], -1), /^clipGradValue_: clipValue is -1/],
  ['an infinite value', () => clipGradValue_([], Infinity), /^clipGradValue_: clipValue is Infinity/],
])('%s is refused', (_what, call, message) => {
  expect(call).toThrow(OptionError)
  expect(call).toThrow(message)
})
