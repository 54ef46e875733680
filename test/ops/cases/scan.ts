/** Rows of running sums. */
import { ShapeError } from '../../../src/errors.ts'
import { type Case, EDGES, extremes, on, type Refusal, wideSum } from '../case.ts'
import { cumsum } from '../reference/scan.ts'

export const cases: readonly Case[] = [
  {
    op: 'cumsum',
    f: cumsum,
    error: wideSum,
    on: [
      ...EDGES.flatMap((n) => [on([n, 3]).with(0), on([2, n]).with(0), on([2, n]).with(-1)]),
      ...[0, 1, 2, -2].map((dim) => on([2, 3, 5]).with(dim)),
      on([]).with(0),
      on([]).with(-1),
      on([0]).with(0),
      on([3, 0]).with(0),
      on([3, 0]).with(1),
      on(extremes).with(0),
      on(extremes).with(1),
    ],
  },
]

export const refused: readonly Refusal[] = [
  {
    op: 'cumsum',
    error: ShapeError,
    on: [on([2, 3]).with(2), on([2, 3]).with(-3), on([]).with(1), on([2]).with(0.5), on([2]), on([2]).with([0])],
  },
]
