/** How parameters begin: bounds, fans and gains, in place on leaves. What the numbers look like is in statistics.test.ts. */
import { describe, expect, test } from 'vitest'
import {
  DtypeError,
  GraphError,
  manualSeed,
  memory,
  nn,
  OptionError,
  ShapeError,
  type Tensor,
  zeros,
} from '../src/index.ts'
import type { Nonlinearity } from '../src/nn/init.ts'
import { failing } from './support/failing.ts'

const { init } = nn

const largest = (x: Tensor) => x.abs().max().item()

test('gains are those of PyTorch', () => {
  const gain = init.calculateGain
  expect(['linear', 'sigmoid', 'tanh', 'relu', 'leakyRelu', 'selu'].map((name) => gain(name as Nonlinearity))).toEqual([
    1,
    1,
    5 / 3,
    Math.sqrt(2),
    1.4141428569978354,
    0.75,
  ])
  expect(gain('leakyRelu', 2)).toBeCloseTo(Math.sqrt(0.4), 12)
  expect(() => gain('mish' as Nonlinearity)).toThrow(OptionError)
})

/** Uniform numbers come near to their bound and never pass it. */
const bounds: readonly (readonly [string, (x: Tensor) => Tensor, number])[] = [
  ['uniform_', (x) => init.uniform_(x, -0.25, 0.25), 0.25],
  ['xavierUniform_', (x) => init.xavierUniform_(x), Math.sqrt(6 / (30 * 6 + 40 * 6))],
  ['xavierUniform_ with a gain', (x) => init.xavierUniform_(x, { gain: 2 }), 2 * Math.sqrt(6 / (30 * 6 + 40 * 6))],
  ['kaimingUniform_', (x) => init.kaimingUniform_(x), Math.sqrt(6 / (30 * 6))],
  ['kaimingUniform_ by fanOut', (x) => init.kaimingUniform_(x, { mode: 'fanOut' }), Math.sqrt(6 / (40 * 6))],
  [
    'kaimingUniform_ as Linear begins in PyTorch',
    (x) => init.kaimingUniform_(x, { a: Math.sqrt(5) }),
    1 / Math.sqrt(30 * 6),
  ],
  ['kaimingUniform_ for tanh', (x) => init.kaimingUniform_(x, { nonlinearity: 'tanh' }), (5 / 3) * Math.sqrt(3 / 180)],
]

test.each(bounds)('%s keeps its bound', (_name, fill, bound) => {
  const x = zeros([40, 30, 2, 3])
  expect(fill(x)).toBe(x)
  expect(largest(x)).toBeLessThanOrEqual(Math.fround(bound))
  expect(largest(x)).toBeGreaterThan(0.99 * bound)
})

const spreads: readonly (readonly [string, (x: Tensor) => Tensor, number])[] = [
  ['normal_', (x) => init.normal_(x, 0, 3), 3],
  ['xavierNormal_', (x) => init.xavierNormal_(x), Math.sqrt(2 / (180 + 240))],
  ['kaimingNormal_', (x) => init.kaimingNormal_(x, { mode: 'fanOut' }), Math.sqrt(2 / 240)],
]

test.each(spreads)('%s has its spread', (_name, fill, std) => {
  const x = fill(zeros([40, 30, 2, 3]))
  expect(Math.abs(x.std().item() / std - 1)).toBeLessThan(4 / Math.sqrt(2 * x.numel))
})

test('truncNormal_ keeps its bounds, also far from the mean', () => {
  for (const [mean, std, a, b] of [
    [0, 1, -2, 2],
    [1, 0.02, 0.99, 1.5],
    [0, 1, 4, 5],
    [0, 1, -5, -4],
    [0, 1e-3, -1, 1],
  ]) {
    const x = init.truncNormal_(zeros([1000]), mean, std, a, b)
    expect(x.min().item()).toBeGreaterThanOrEqual(Math.fround(a))
    expect(x.max().item()).toBeLessThanOrEqual(Math.fround(b))
    expect(x.std().item()).toBeGreaterThan(0)
  }
})

test('constants', () => {
  expect(init.constant_(zeros([2]), 3).toArray()).toEqual([3, 3])
  expect(init.zeros_(init.ones_(zeros([2]))).toArray()).toEqual([0, 0])
  expect(init.ones_(zeros([2], { dtype: 'bool' })).toArray()).toEqual([true, true])
  expect(init.eye_(init.ones_(zeros([2, 3]))).toArray()).toEqual([
    [1, 0, 0],
    [0, 1, 0],
  ])
})

test('fills parameters and views in place, without a place on the tape', () => {
  const layer = new nn.Linear(4, 3)
  for (const fill of [init.kaimingNormal_, init.eye_, init.ones_]) {
    expect(fill(layer.weight)).toBe(layer.weight)
    expect(layer.weight.requiresGrad && layer.weight.isLeaf).toBe(true)
  }
  const x = zeros([4, 6])
  init.uniform_(x.transpose(0, 1).slice([0, 6, 2]), 1, 2)
  expect(x.slice(null, [0, 6, 2]).min().item()).toBeGreaterThanOrEqual(1)
  expect(x.slice(null, [1, 6, 2]).max().item()).toBe(0)
  const y = layer.weight.mul(2)
  expect(() => init.zeros_(y)).toThrow(GraphError)
  expect(() => init.uniform_(y)).toThrow(GraphError)
})

test('is the same for a seed, and leaves the sequence alone when memory runs out', () => {
  const fill = (x: Tensor) => init.xavierNormal_(x)
  manualSeed(5)
  const expected = fill(zeros([3, 4])).toArray()
  manualSeed(5)
  const strided = zeros([4, 3]).transpose(0, 1)
  const { live } = memory()
  expect(failing(1, () => fill(strided))).not.toBeNull()
  expect(memory().live).toBe(live)
  expect(strided.toArray()).toEqual(zeros([3, 4]).toArray())
  expect(fill(strided).toArray()).toEqual(expected)
})

test('nothing to fill is filled', () => {
  for (const fill of [init.xavierUniform_, init.xavierNormal_, init.kaimingUniform_, init.kaimingNormal_, init.eye_])
    expect(fill(zeros([0, 0])).shape).toEqual([0, 0])
})

const matrix = () => zeros([2, 3])
const wrong = <T>(value: unknown) => value as T

describe.each([
  [ShapeError, () => init.xavierUniform_(zeros([3]))],
  [ShapeError, () => init.kaimingNormal_(zeros([]))],
  [ShapeError, () => init.eye_(zeros([2, 2, 2]))],
  [DtypeError, () => init.uniform_(zeros([2], { dtype: 'int32' }))],
  [DtypeError, () => init.constant_(zeros([2], { dtype: 'int32' }), 0.5)],
  [DtypeError, () => init.normal_(wrong<Tensor>([1]))],
  [OptionError, () => init.uniform_(matrix(), 1, 0)],
  [OptionError, () => init.uniform_(matrix(), NaN)],
  [OptionError, () => init.uniform_(matrix(), -1.7e308, 1.7e308)],
  [OptionError, () => init.normal_(matrix(), 0, -1)],
  [OptionError, () => init.normal_(matrix(), wrong<number>('0'))],
  [OptionError, () => init.truncNormal_(matrix(), 0, 0)],
  [OptionError, () => init.truncNormal_(matrix(), 0, 1, 2, 2)],
  [OptionError, () => init.truncNormal_(matrix(), 0, 1, 20, 21)],
  [OptionError, () => init.xavierNormal_(matrix(), { gain: -1 })],
  [OptionError, () => init.kaimingNormal_(matrix(), { mode: wrong('fan_in') })],
  [OptionError, () => init.kaimingNormal_(matrix(), { nonlinearity: wrong('toString') })],
  [OptionError, () => init.kaimingNormal_(matrix(), { a: NaN })],
])('%o', (error, run) => {
  test(`is thrown by ${String(run).slice(6)}`, () => {
    expect(run).toThrow(error)
  })
})
