/** Rows of matrix products. */
import { ShapeError } from '../../../src/errors.ts'
import { type Case, EDGES, float32Sum, on, type Refusal, rows } from '../case.ts'
import { linear, matmul } from '../reference/matmul.ts'

export const cases: readonly Case[] = [
  {
    op: 'matmul',
    f: matmul,
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
    f: linear,
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
]

export const refused: readonly Refusal[] = [
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
]
