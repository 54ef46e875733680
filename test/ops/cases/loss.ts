/** Rows of losses. */
import { DtypeError, OptionError, ShapeError } from '../../../src/errors.ts'
import { type Case, EDGES, given, on, type Refusal, rows } from '../case.ts'
import { crossEntropy, mseLoss } from '../reference/loss.ts'

export const cases: readonly Case[] = [
  {
    op: 'crossEntropy',
    f: crossEntropy,
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
    f: mseLoss,
    on: [
      ...[0, ...EDGES, 100].map((n) => on([n], [n])),
      on([], []),
      on([2, 3, 4], [2, 3, 4]),
      on(rows(1, NaN), rows(1, 2)),
      on(rows(1, 3e38), rows(1, -3e38)),
    ],
  },
]

export const refused: readonly Refusal[] = [
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
]
