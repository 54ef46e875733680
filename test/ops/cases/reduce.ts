/** Rows of reductions. */
import { ShapeError } from '../../../src/errors.ts'
import { type Case, EDGES, extremes, on, type Refusal, rows, sumOfSums, wideSum } from '../case.ts'
import { argmax, mean, sum } from '../reference/reduce.ts'

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
]

export const refused: readonly Refusal[] = [
  {
    op: 'sum',
    error: ShapeError,
    on: [on([2, 3]).with(2), on([2, 3]).with(-3), on([2, 3]).with([0, 0]), on([2]).with(0.5)],
  },
  { op: 'mean', error: ShapeError, on: [on([2, 3]).with(2), on([2, 3]).with([1, -1])] },
  { op: 'argmax', error: ShapeError, on: [on([2, 3]).with(2), on([2, 0]).with(1), on([0])] },
]
