/** Rows of reductions. */
import { OptionError, ShapeError } from '../../../src/errors.ts'
import {
  type Case,
  EDGES,
  type ErrorBound,
  extremes,
  on,
  type Refusal,
  rows,
  sumOfSums,
  type Use,
  wideSum,
} from '../case.ts'
import {
  all,
  any,
  argmax,
  argmin,
  logSumExp,
  max,
  mean,
  min,
  norm,
  prod,
  std,
  sum,
  variance,
} from '../reference/reduce.ts'

const keepdim = { keepdim: true }

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

/** For the others, which share the loops of `fold`: lengths round two vectors, and every way to name axes. */
const folds = [
  ...[1, 3, 9, 17].flatMap((n) => [on([n]), on([n, 2]).with(0), on([2, n]).with(0)]),
  on([2, 3, 5]).with(1),
  on([2, 3, 5]).with(-1, keepdim),
  on([2, 3, 5]).with([0, 1]),
  on([2, 3, 5]).with([0, 2]),
  on([2, 3, 5]).with([2, -3], keepdim),
  on([2, 3, 5]).with([]),
  on([2, 3, 2, 2]).with([1, 3], keepdim),
  on([]),
  on([]).with(0),
  on([1, 1]).with(undefined, keepdim),
  on([3, 0]).with(0),
  on([0, 3]).with([1]),
  on(extremes).with(0),
  on(extremes).with(1),
]

const ofNothing = [on([0]), on([3, 0]).with(1), on([2, 0, 3]).with([0, 1], keepdim), on([0, 2, 3]).with([0, 2])]

const withFirst = (first: unknown, uses: readonly Use[]): Use[] =>
  uses.map(({ inputs, params }) => ({ inputs, params: [first, ...params] }))

const oneAxis = folds.filter(({ params: [dim] }) => !Array.isArray(dim))

const powers = [
  on([7]),
  on([2, 9]).with(0),
  on([3, 5]).with(1),
  on([2, 3, 4]).with([0, 2], keepdim),
  on([3, 0]).with(0),
]

/** In float64, of elements up to 2 in size, then rounded. */
const wide: ErrorBound = (exact) => 2 ** -24 * Math.abs(exact) + 1e-12

const truths = rows([0, 1, 0, 0, 1], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1], [1, NaN, 0.1, -3, 1e-45])
const deepTruths = rows(
  [
    [0, 0, 1],
    [0, 0, 0],
  ],
  [
    [0, 1, 1],
    [0, 0, 1],
  ],
)
const logic = [
  ...[undefined, 0, 1, -1, [0, 1], []].map((dim) => on(truths).with(dim)),
  ...[0, 1, 2, [0, 2], [1, 2]].map((dim) => on(deepTruths).with(dim, keepdim)),
  on([]),
  on([3, 0]).with(0),
  ...ofNothing,
]

export const cases: readonly Case[] = [
  { op: 'sum', f: sum, error: wideSum, on: reductions },
  { op: 'sum', f: sum, error: sumOfSums, on: severalAxes },
  { op: 'mean', f: mean, error: wideSum, on: reductions },
  { op: 'mean', f: mean, error: sumOfSums, on: severalAxes },
  {
    op: 'argmax',
    f: argmax,
    gives: 'int32',
    on: [...reductions, on(rows([2, 1, 2, 2], [0, NaN, NaN, 9], [-1, -1, -2, -1])).with(1)],
  },
  {
    op: 'argmin',
    f: argmin,
    gives: 'int32',
    on: [...oneAxis, on(rows([1, 2, 1, 1], [0, NaN, NaN, -9], [-1, -1, 2, -1])).with(1)],
  },
  { op: 'max', f: max, error: () => 0, on: folds },
  { op: 'min', f: min, error: () => 0, on: folds },
  {
    op: 'prod',
    f: prod,
    error: wideSum,
    on: [...folds, ...ofNothing, on(rows([0, 2, 0], [-1e-30, 1e-30, 1e30])).with(1)],
  },
  { op: 'variance', f: variance, error: wide, on: [...folds, ...ofNothing] },
  {
    op: 'variance',
    f: variance,
    error: wide,
    on: [
      on([2, 3]).with(1, { correction: 1.5 }),
      ...[3, 4].map((correction) => on(rows([1, 2, 4], [2, 2, 2])).with(1, { correction })),
    ],
  },
  { op: 'std', f: std, error: wide, on: [...folds, ...ofNothing] },
  {
    op: 'std',
    f: std,
    error: wide,
    on: [on([7]).with(0, { correction: 0, keepdim: true }), on([1]).with(0, { correction: 0 })],
  },
  { op: 'norm', f: norm, error: wideSum, on: withFirst(2, [...folds, ...ofNothing]) },
  { op: 'norm', f: norm, error: wideSum, on: [on([9])] },
  {
    op: 'norm',
    f: norm,
    error: wideSum,
    on: [0, 1, Infinity, -Infinity, 3, 0.5, -1].flatMap((p) => withFirst(p, [...powers, ...ofNothing])),
  },
  { op: 'logSumExp', f: logSumExp, on: [...folds, ...ofNothing, on(rows([1e4, 1e4], [-1e4, -1e4], [88, 89])).with(1)] },
  { op: 'any', f: any, gives: 'bool', on: logic },
  { op: 'all', f: all, gives: 'bool', on: logic },
]

export const refused: readonly Refusal[] = [
  {
    op: 'sum',
    error: ShapeError,
    on: [on([2, 3]).with(2), on([2, 3]).with(-3), on([2, 3]).with([0, 0]), on([2]).with(0.5)],
  },
  { op: 'mean', error: ShapeError, on: [on([2, 3]).with(2), on([2, 3]).with([1, -1])] },
  ...['argmax', 'argmin'].map((op) => ({
    op,
    error: ShapeError,
    on: [on([2, 3]).with(2), on([2, 0]).with(1), on([0])],
  })),
  ...['max', 'min'].map((op) => ({ op, error: ShapeError, on: [on([2, 3]).with([0, 2]), ...ofNothing] })),
  ...['prod', 'variance', 'std', 'logSumExp', 'any', 'all'].map((op) => ({
    op,
    error: ShapeError,
    on: [on([2, 3]).with([0, -2]), on([2]).with(0.5)],
  })),
  { op: 'norm', error: ShapeError, on: [on([2, 3]).with(2, 2)] },
  { op: 'norm', error: OptionError, on: [NaN, 'fro', null].map((p) => on([2]).with(p)) },
  ...['variance', 'std'].map((op) => ({
    op,
    error: OptionError,
    on: [
      { correction: -1 },
      { correction: NaN },
      { correction: Infinity },
      { correction: '1' },
      { unbiased: false },
    ].map((options) => on([2]).with(0, options)),
  })),
]
