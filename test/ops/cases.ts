/**
 * The op table: what each operation computes, in float64. A row is all that an operation needs: `ops.test.ts` runs every check
 * over it, and fails when an exported operation has none.
 */
import type { NestedData } from '../../src/create.ts'
import type { Dtype } from '../../src/dtype.ts'
import { DtypeError, GraphError, type NeyronError, OptionError, ShapeError } from '../../src/errors.ts'
import type { Shape } from '../../src/shape.ts'
import * as nd from './nd.ts'

/** y[i] = f(x[i]) */
export interface MapCase {
  readonly op: string
  readonly f: (x: number) => number
  /** Where the derivative jumps. There the gradient may have any value from the one side's to the other's. */
  readonly kinks?: readonly number[]
  /** Where it has a value other than NaN. Default: everywhere. */
  readonly domain?: readonly [low: number, high: number]
}

/** y[i] = f(a[i], b[i]), broadcast; b may be a number. */
export interface ZipCase {
  readonly op: string
  readonly f: (a: number, b: number) => number
  /** What b is kept away from where gradients are checked. */
  readonly poles?: readonly number[]
  /** The dtype of the result; other than float32 it has no gradient. */
  readonly gives?: Dtype
}

/** x[i] = f(x[i], operand[i]), in place. */
export interface InPlaceCase {
  readonly op: string
  readonly f: (x: number, operand: number) => number
  readonly takes: 'nothing' | 'a number' | 'a tensor' | 'a tensor or number' | 'a tensor of its shape'
  /** What follows the operand. */
  readonly params?: readonly number[]
  /** Whether it works on every dtype. Default: float32 only. */
  readonly anyDtype?: boolean
}

/** An input: the shape of random numbers, which get a gradient, or given values, which get none. */
export type Input = Shape | { readonly values: NestedData; readonly dtype?: Dtype }

/** y = f(...inputs, ...params), the same arguments as those of the operation. */
export interface Case {
  readonly op: string
  readonly f: (...args: never[]) => nd.Nd
  readonly on: readonly Use[]
  readonly gives?: Dtype
  /** How far a value may lie from that in float64. Default: `elementwise`. */
  readonly error?: ErrorBound
}

export interface Use {
  readonly inputs: readonly Input[]
  readonly params: readonly unknown[]
}

/** From the exact value, that value with every term of its sum made positive, and the inputs. */
export type ErrorBound = (exact: number, magnitude: number, inputs: readonly nd.Nd[]) => number

/** A few roundings of the value itself. */
export const elementwise: ErrorBound = (exact) => 1e-5 * Math.abs(exact) + 1e-6

/** Accumulated in float64 (2^-53 for each term, in any order), then rounded to float32: half an ULP, which is 2^-24. */
const wideSum: ErrorBound = (exact, magnitude, [x]) => 2 ** -24 * Math.abs(exact) + x.data.length * 2 ** -53 * magnitude

/** Rounded to float32 after each of at most three runs of adjacent axes. */
const sumOfSums: ErrorBound = (_exact, magnitude) => 3 * 2 ** -24 * magnitude

/**
 * Accumulated in float32: a sum of n products, here with a bias, in any order is off by at most n + 1 roundings of 2^-24
 * of the sum of their magnitudes (N. J. Higham, "Accuracy and Stability of Numerical Algorithms", 3.5).
 */
const float32Sum: ErrorBound = (_exact, magnitude, [x]) => (x.shape[x.shape.length - 1] + 1) * 2 ** -24 * magnitude

const on = (...inputs: readonly Input[]) => ({
  inputs,
  params: [] as readonly unknown[],
  with: (...params: readonly unknown[]): Use => ({ inputs, params }),
})

const given = (values: NestedData, dtype: Dtype = 'float32') => ({ values, dtype })
const rows = (...values: readonly NestedData[]) => ({ values })

export const maps: readonly MapCase[] = [
  { op: 'relu', f: (x) => (x >= 0 ? x : x < 0 ? 0 : NaN), kinks: [0] },
  { op: 'sigmoid', f: (x) => 1 / (1 + Math.exp(-x)) },
  { op: 'tanh', f: Math.tanh },
  { op: 'exp', f: Math.exp },
  { op: 'log', f: Math.log, domain: [0, Infinity] },
]

export const zips: readonly ZipCase[] = [
  { op: 'add', f: (a, b) => a + b },
  { op: 'sub', f: (a, b) => a - b },
  { op: 'mul', f: (a, b) => a * b },
  { op: 'div', f: (a, b) => a / b, poles: [0] },
  { op: 'eq', f: (a, b) => Number(a === b), gives: 'bool' },
]

export const inPlace: readonly InPlaceCase[] = [
  { op: 'copy_', f: (_x, source) => source, takes: 'a tensor', anyDtype: true },
  { op: 'fill_', f: (_x, value) => value, takes: 'a number', anyDtype: true },
  { op: 'zero_', f: () => 0, takes: 'nothing', anyDtype: true },
  { op: 'add_', f: (x, other) => x + other, takes: 'a tensor or number' },
  { op: 'sub_', f: (x, other) => x - other, takes: 'a tensor or number' },
  { op: 'mul_', f: (x, other) => x * other, takes: 'a tensor or number' },
  { op: 'lerp_', f: (x, end) => x + 0.25 * (end - x), takes: 'a tensor of its shape', params: [0.25] },
  { op: 'lerp_', f: (x, end) => x + 0.75 * (end - x), takes: 'a tensor of its shape', params: [0.75] },
]

const keepdim = { keepdim: true }
const extremes = rows([NaN, 1, 2], [Infinity, 1, -Infinity], [Infinity, 1, 2], [3e38, 3e38, 3e38], [-0, -0, -0])

/** Lengths at which a vector loop can go wrong. */
const EDGES = [1, 3, 4, 5, 7, 8, 15, 16, 17]

/** One axis of every length, first, last and in the middle; all axes; none. */
const reductions = [
  ...[...EDGES, 1000].flatMap((n) => [on([n]), on([n, 2]).with(0), on([2, n]).with(0), on([2, n]).with(-1)]),
  ...[0, 1, 2, -1, undefined].flatMap((dim) => [on([2, 3, 5]).with(dim), on([2, 3, 5]).with(dim, keepdim)]),
  on([]),
  on([]).with(0),
  on([1, 1]).with(undefined, keepdim),
  on([3, 0]).with(0),
  on(extremes).with(0),
  on(extremes).with(1),
]

const severalAxes = [
  on([2, 3, 5]).with([0, 2]),
  on([2, 3, 5]).with([0, 2], keepdim),
  on([2, 3, 5]).with([1, 2]),
  on([2, 3, 5]).with([-3, 1]),
  on([2, 3, 5]).with([]),
  on([2, 3, 2, 3, 2]).with([0, 2, 4]),
  on([2, 3, 2, 3, 2]).with([1, 3], keepdim),
  on([0]),
  on([3, 0]).with(1),
  on([2, 0, 3]).with([0, 1]),
]

/** From every dtype, at every length, and of no elements. */
const casts = (dtype: Dtype) => [
  ...EDGES.flatMap((n) => {
    const from = (...values: readonly number[]) => [...Array(n).keys()].map((i) => values[i % values.length])
    return [
      on(given(from(0, 1.9, -0, 200.5, 0.5))).with(dtype),
      on(given(from(0, 1, 7, 255), 'int32')).with(dtype),
      on(given(from(0, 1, 7, 255), 'uint8')).with(dtype),
      on(given(from(0, 1, 1), 'bool')).with(dtype),
    ]
  }),
  on(rows([0.5, 2], [-0, 3], [4, 5])).with(dtype),
  on({ ...rows([0, 2], [1, 3], [4, 5]), dtype: 'int32' }).with(dtype),
  on(given(3, 'int32')).with(dtype),
  on(given([])).with(dtype),
]

export const others: readonly Case[] = [
  { op: 'sum', f: nd.sum, error: wideSum, on: reductions },
  { op: 'sum', f: nd.sum, error: sumOfSums, on: severalAxes },
  { op: 'mean', f: nd.mean, error: wideSum, on: reductions },
  { op: 'mean', f: nd.mean, error: sumOfSums, on: severalAxes },
  {
    op: 'argmax',
    f: nd.argmax,
    gives: 'int32',
    on: [...reductions, on(rows([2, 1, 2, 2], [0, NaN, NaN, 9], [-1, -1, -2, -1])).with(1)],
  },
  {
    op: 'softmax',
    f: nd.softmax,
    on: [
      ...[...EDGES, 100].flatMap((n) => [on([n]), on([3, n]), on([n, 2]).with(0)]),
      ...[0, 1, 2, -2].map((dim) => on([2, 3, 4]).with(dim)),
      on([]),
      on([]).with(0),
      on([0, 3]),
      on([3, 0]),
      on(extremes),
      on(rows([1e4, -1e4, 0], [-Infinity, 0, 0], [-Infinity, -Infinity, -Infinity], [88, 89, 90])),
    ],
  },
  {
    op: 'matmul',
    f: nd.matmul,
    error: float32Sum,
    on: [
      ...[...EDGES, 33].flatMap((n) => [on([n, 3], [3, 5]), on([3, n], [n, 2]), on([2, 3], [3, n])]),
      on([1, 1], [1, 1]),
      on([13, 9], [9, 19]),
      on([0, 3], [3, 2]),
      on([2, 0], [0, 3]),
      on([2, 3], [3, 0]),
      on(rows([NaN, 0], [Infinity, 0], [0, 1], [3e38, 1]), rows([1, 0, 2], [1, 1, 3e38])),
    ],
  },
  {
    op: 'linear',
    f: nd.linear,
    error: float32Sum,
    on: [
      ...[0, 1, 2, 5, 8, 17].flatMap((n) => [on([n, 3], [5, 3], [5]), on([n, 3], [5, 3])]),
      ...[1, 4, 7, 16].flatMap((n) => [on([3, n], [2, n], [2]), on([3, 2], [n, 2], [n])]),
      on([1], [1, 1], [1]),
      on([3], [2, 3], [2]),
      on([3], [2, 3]),
      on([2, 4, 3], [5, 3], [5]),
      on([2, 1, 2, 3], [5, 3]),
      on([2, 0, 3], [5, 3], [5]),
      on([4, 0], [3, 0], [3]),
    ],
  },
  {
    op: 'crossEntropy',
    f: nd.crossEntropy,
    on: [
      ...[...EDGES, 100].map((classes) => on([3, classes], given([classes - 1, 0, classes >> 1], 'int32'))),
      on([5, 4], given([0, 3, 1, 2, 1], 'uint8')),
      on([0, 3], given([], 'int32')),
      on(rows([1e4, -1e4, 0], [-1e4, 88, 90]), given([1, 1], 'int32')),
      on(rows([1, 2], [NaN, 1]), given([1, 1], 'int32')),
      on(rows([0, -Infinity]), given([0], 'int32')),
      on(rows([0, -Infinity]), given([1], 'int32')),
    ],
  },
  {
    op: 'mseLoss',
    f: nd.mseLoss,
    on: [
      ...[0, ...EDGES, 100].map((n) => on([n], [n])),
      on([], []),
      on([2, 3, 4], [2, 3, 4]),
      on(rows(1, NaN), rows(1, 2)),
      on(rows(1, 3e38), rows(1, -3e38)),
    ],
  },
  {
    op: 'reshape',
    f: nd.reshape,
    on: [
      on([2, 6]).with([3, 4]),
      on([2, 3, 4]).with([-1]),
      on([12]).with([2, -1, 3]),
      on([]).with([1, 1]),
      on([1, 1]).with([]),
      on([0, 3]).with([5, 0]),
      on([4, 0]).with([0, 2]),
    ],
  },
  {
    op: 'transpose',
    f: nd.transpose,
    on: [
      on([2, 3]).with(0, 1),
      on([2, 3, 4]).with(0, 2),
      on([2, 3, 4]).with(-1, 1),
      on([2, 3, 4]).with(1, 1),
      on([3]).with(0, -1),
      on([0, 3]).with(0, 1),
    ],
  },
  {
    op: 'contiguous',
    f: (x: nd.Nd) => x,
    on: [on([]), on([5]), on([3, 4]), on([2, 3, 4]), on([2, 3, 2, 3]), on([0, 2])],
  },
  { op: 'to', f: (x: nd.Nd) => nd.zip(Math.trunc, x), gives: 'int32', on: casts('int32') },
  { op: 'to', f: (x: nd.Nd) => nd.zip(Math.trunc, x), gives: 'uint8', on: casts('uint8') },
  { op: 'to', f: (x: nd.Nd) => nd.zip((a) => Number(a !== 0), x), gives: 'bool', on: casts('bool') },
  { op: 'to', f: (x: nd.Nd) => x, gives: 'float32', on: casts('float32') },
]

/** Arguments that an operation refuses. */
export const refused: readonly {
  readonly op: string
  readonly error: typeof NeyronError
  readonly on: readonly Use[]
}[] = [
  ...zips.map(({ op }) => ({ op, error: ShapeError, on: [on([2, 3], [2]), on([2, 3], [3, 2]), on([2], [3])] })),
  {
    op: 'sum',
    error: ShapeError,
    on: [on([2, 3]).with(2), on([2, 3]).with(-3), on([2, 3]).with([0, 0]), on([2]).with(0.5)],
  },
  { op: 'mean', error: ShapeError, on: [on([2, 3]).with(2), on([2, 3]).with([1, -1])] },
  { op: 'argmax', error: ShapeError, on: [on([2, 3]).with(2), on([2, 0]).with(1), on([0])] },
  { op: 'softmax', error: ShapeError, on: [on([2, 3]).with(2), on([2]).with(-2), on([]).with(1)] },
  {
    op: 'matmul',
    error: ShapeError,
    on: [on([2, 3], [2, 3]), on([2], [2, 3]), on([2, 3], [3]), on([1, 2, 3], [3, 2])],
  },
  {
    op: 'linear',
    error: ShapeError,
    on: [on([2, 3], [3, 2]), on([], [2, 3]), on([2, 3], [3]), on([2, 3], [5, 3], [3])],
  },
  {
    op: 'crossEntropy',
    error: ShapeError,
    on: [on([2, 3], given([0], 'int32')), on([3], given([0], 'int32')), on([1, 3], given([[0]], 'int32'))],
  },
  { op: 'crossEntropy', error: DtypeError, on: [on([2, 3], [2]), on([2, 3], given([0, 1], 'bool'))] },
  {
    op: 'crossEntropy',
    error: OptionError,
    on: [on([2, 3], given([0, 3], 'int32')), on([2, 3], given([-1, 0], 'int32')), on([1, 0], given([0], 'uint8'))],
  },
  { op: 'mseLoss', error: ShapeError, on: [on([2, 3], [3]), on([2], [1])] },
  {
    op: 'reshape',
    error: ShapeError,
    on: [on([2, 3]).with([5]), on([6]).with([-1, -1]), on([6]).with([-1, 4]), on([0]).with([-1, 0])],
  },
  { op: 'transpose', error: ShapeError, on: [on([2, 3]).with(0, 2), on([]).with(0, 0)] },
  { op: 'to', error: GraphError, on: [on([2]).with('int32')] },
]
