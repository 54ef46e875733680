/** Rows of softmax. */
import { ShapeError } from '../../../src/errors.ts'
import { type Case, EDGES, extremes, on, type Refusal, rows } from '../case.ts'
import { logSoftmax, softmax } from '../reference/softmax.ts'

const uses = [
  ...[...EDGES, 100].flatMap((n) => [on([n]), on([3, n]), on([n, 2]).with(0)]),
  ...[0, 1, 2, -2].map((dim) => on([2, 3, 4]).with(dim)),
  on([]),
  on([]).with(0),
  on([0, 3]),
  on([3, 0]),
  on(extremes),
  on(rows([1e4, -1e4, 0], [-Infinity, 0, 0], [-Infinity, -Infinity, -Infinity], [88, 89, 90])),
]

export const cases: readonly Case[] = [
  { op: 'softmax', f: softmax, on: uses },
  { op: 'logSoftmax', f: logSoftmax, on: uses },
]

export const refused: readonly Refusal[] = ['softmax', 'logSoftmax'].map((op) => ({
  op,
  error: ShapeError,
  on: [on([2, 3]).with(2), on([2]).with(-2), on([]).with(1), on([2]).with('0')],
}))
