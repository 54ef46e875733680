/** Rows of what changes how elements are arranged. */
import { ShapeError } from '../../../src/errors.ts'
import { type Case, on, type Refusal } from '../case.ts'
import type { Nd } from '../nd.ts'
import { reshape, transpose } from '../reference/shape.ts'

export const cases: readonly Case[] = [
  {
    op: 'reshape',
    f: reshape,
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
    f: transpose,
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
    f: (x: Nd) => x,
    on: [on([]), on([5]), on([3, 4]), on([2, 3, 4]), on([2, 3, 2, 3]), on([0, 2])],
  },
]

export const refused: readonly Refusal[] = [
  {
    op: 'reshape',
    error: ShapeError,
    on: [on([2, 3]).with([5]), on([6]).with([-1, -1]), on([6]).with([-1, 4]), on([0]).with([-1, 0])],
  },
  { op: 'transpose', error: ShapeError, on: [on([2, 3]).with(0, 2), on([]).with(0, 0)] },
]
