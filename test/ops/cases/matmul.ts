/** Rows of matrix products. */
import { inSteps } from '../../../src/autograd/steps.ts'
import { ShapeError } from '../../../src/errors.ts'
import type { Tensor } from '../../../src/index.ts'
import { type Case, EDGES, float32Sum, on, type Refusal, rows, wideSum } from '../case.ts'
import type { Nd } from '../nd.ts'
import { linear, matmul, outer } from '../reference/matmul.ts'
import { expand } from '../reference/shape.ts'

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
      ...EDGES.flatMap((n) => [on([n], [n, 2]), on([3], [3, n]), on([n, 3], [3]), on([2, n], [n])]),
      ...[on([0], [0, 2]), on([2, 0], [0]), on([0, 3], [3]), on([3], [3, 0])],
      // Batches: alike, with one operand for all, broadcast either way and both ways, and of vectors.
      on([2, 3, 4], [2, 4, 5]),
      on([2, 3, 4], [4, 5]),
      on([3, 4], [2, 4, 5]),
      on([2, 1, 3, 4], [3, 4, 2]),
      on([3, 1, 2, 4], [1, 2, 4, 3]),
      on([2, 3, 2, 4], [2, 1, 4, 3]),
      on([2, 1, 4], [2, 4, 1]),
      on([3, 1, 4], [4, 2]),
      on([2, 3, 1], [1, 2]),
      on([4], [2, 4, 3]),
      on([2, 3, 4], [4]),
      on([2, 1, 2, 3], [3]),
      on([2, 2, 2, 1, 2, 3], [2, 1, 2, 3, 2]),
      ...[on([0, 2, 3], [3, 2]), on([2, 3], [0, 3, 2]), on([1, 2, 3], [0, 3, 2]), on([2, 2, 0], [2, 0, 3])],
      ...[on([2, 0, 3], [3, 2]), on([2, 2, 3], [2, 3, 0]), on([2, 0], [3, 0, 2]), on([2, 2, 0], [0])],
    ],
  },
  {
    op: 'matmul',
    run: (a: Tensor, b: Tensor) =>
      inSteps([], (step) => step(a.expand([2, 3, 2, 4])).matmul(step(b.expand([3, 4, 5])))),
    f: (a: Nd, b: Nd) => matmul(expand(a, [2, 3, 2, 4]), expand(b, [3, 4, 5])),
    error: float32Sum,
    on: [on([2, 4], [4, 5]), on([2, 1, 2, 4], [3, 4, 5]), on([1, 4], [1, 5]), on([3, 2, 4], [4, 1])],
  },
  ...['matmul', 'dot'].map((op) => ({
    op,
    f: matmul,
    error: wideSum,
    on: [...[0, ...EDGES, 100].map((n) => on([n], [n])), on(rows(NaN, 1, Infinity), rows(1, 2, 3))],
  })),
  {
    op: 'outer',
    f: outer,
    on: [
      ...EDGES.flatMap((n) => [on([n], [3]), on([2], [n])]),
      on([0], [2]),
      on([2], [0]),
      on(rows(NaN, Infinity, 3e38), rows(0, 1, -2)),
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
    on: [
      on([2, 3], [2, 3]),
      on([2], [3, 2]),
      on([2, 3], [2]),
      on([2], [3]),
      on([1], [3]),
      on([], [2, 3]),
      on([2, 3], []),
      on([2, 3, 4], [2, 3, 4]),
      on([2, 3, 4], [3, 4, 5]),
      on([2, 2, 3, 4], [3, 4, 5]),
    ],
  },
  { op: 'dot', error: ShapeError, on: [on([2], [3]), on([1], [3]), on([2, 2], [2, 2]), on([], []), on([2], [])] },
  { op: 'outer', error: ShapeError, on: [on([2, 2], [2]), on([2], [2, 2]), on([], [2]), on([2], [])] },
  {
    op: 'linear',
    error: ShapeError,
    on: [on([2, 3], [3, 2]), on([], [2, 3]), on([2, 3], [3]), on([2, 3], [5, 3], [3])],
  },
]
