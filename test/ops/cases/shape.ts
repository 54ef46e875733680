/** Rows of what changes how elements are arranged. */
import { ShapeError } from '../../../src/errors.ts'
import { type Case, on, type Refusal } from '../case.ts'
import type { Nd } from '../nd.ts'
import { expand, permute, reshape, squeeze, transpose, unsqueeze } from '../reference/shape.ts'

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
      on([4, 6]).with([4, 2, 3]),
      on([4, 6]).with([2, 2, 6]),
      on([4, 6]).with([1, 4, 1, 6]),
      on([2, 3, 4]).with([2, 12]),
      on([2, 3, 4]).with([6, 4]),
    ],
  },
  {
    op: 'flatten',
    f: (x: Nd, start = 0, end = -1) => {
      const [from, to] = [start, end].map((dim) => (dim < 0 ? dim + Math.max(x.shape.length, 1) : dim))
      const joined = x.shape.slice(from, to + 1).reduce((a, b) => a * b, 1)
      return { shape: [...x.shape.slice(0, from), joined, ...x.shape.slice(to + 1)], data: x.data }
    },
    on: [
      on([2, 3, 4]),
      ...[[1], [0, 1], [1, 2], [-2, -1], [1, 1]].map((dims) => on([2, 3, 4]).with(...dims)),
      on([]),
      on([]).with(0, 0),
      on([3]),
      on([2, 0, 3]).with(1),
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
    op: 'permute',
    f: permute,
    on: [
      on([2, 3]).with([1, 0]),
      on([2, 3, 4]).with([2, 0, 1]),
      on([2, 3, 4]).with([-1, 1, 0]),
      on([2, 3, 2, 3]).with([0, 2, 1, 3]),
      on([]).with([]),
      on([0, 3]).with([1, 0]),
    ],
  },
  {
    op: 'squeeze',
    f: squeeze,
    on: [
      on([1, 3, 1, 2]),
      on([1, 3, 1, 2]).with(0),
      on([1, 3, 1, 2]).with(1),
      on([1, 3, 1, 2]).with([0, -2]),
      on([1, 1]),
      on([]),
      on([]).with(0),
      on([1, 0]).with(0),
    ],
  },
  {
    op: 'unsqueeze',
    f: unsqueeze,
    on: [...[0, 1, 2, -1, -3].map((dim) => on([2, 3]).with(dim)), on([]).with(0), on([0]).with(-1)],
  },
  {
    op: 'expand',
    f: expand,
    on: [
      on([3]).with([2, 3]),
      on([3, 1]).with([-1, 4]),
      on([1, 3, 1]).with([2, 3, 4]),
      on([3, 1]).with([2, 2, 3, 5]),
      on([2, 3]).with([2, 3]),
      on([]).with([2, 2]),
      on([]).with([]),
      on([1, 3]).with([0, 3]),
      on([0]).with([2, 0]),
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
  {
    op: 'flatten',
    error: ShapeError,
    on: [[3], [2, 1], [0, -4], [0.5], ['1']].map((dims) => on([2, 3, 4]).with(...dims)),
  },
  { op: 'transpose', error: ShapeError, on: [on([2, 3]).with(0, 2), on([]).with(0, 0)] },
  {
    op: 'permute',
    error: ShapeError,
    on: [[0], [0, 0], [0, 2], [0, 1, 2], 0].map((dims) => on([2, 3]).with(dims)),
  },
  { op: 'squeeze', error: ShapeError, on: [2, -3, [0, 0], 0.5].map((dim) => on([1, 3]).with(dim)) },
  {
    op: 'unsqueeze',
    error: ShapeError,
    on: [...[3, -4, 0.5].map((d) => on([2, 3]).with(d)), on(Array(8).fill(1)).with(0)],
  },
  {
    op: 'expand',
    error: ShapeError,
    on: [[3], [2, 4], [-1, 2, 3], [4, 2], 6, [2, 3.5]].map((shape) => on([2, 3]).with(shape)),
  },
]
