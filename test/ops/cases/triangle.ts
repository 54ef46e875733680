/** Rows of triangles of matrices. */
import { OptionError, ShapeError } from '../../../src/errors.ts'
import { type Case, EDGES, extremes, given, on, type Refusal } from '../case.ts'
import { tril, triu } from '../reference/triangle.ts'

const matrices = [
  ...EDGES.flatMap((n) => [on([3, n]), on([n, 3]).with(1)]),
  ...[-5, -3, -1, 0, 2, 4, 5, 2 ** 40, -(2 ** 40)].map((diagonal) => on([3, 4]).with(diagonal)),
  on([2, 3, 3]),
  on([2, 2, 3, 2]).with(-1),
  on([2, 40]).with(36),
  on([2, 40]).with(-1),
  on([0, 3]),
  on([3, 0]).with(1),
  on([2, 0, 3]),
  on(extremes),
]

const ints = given(
  [
    [2 ** 24 + 1, -(2 ** 31)],
    [5, 6],
    [7, 8],
  ],
  'int32',
)
const bytes = given(
  [
    [255, 1, 2, 3, 4],
    [5, 6, 7, 8, 9],
    [1, 1, 1, 1, 1],
  ],
  'uint8',
)
const mask = given(
  [
    [true, true, true],
    [true, true, true],
    [true, false, true],
  ],
  'bool',
)

const triangles = (op: string, f: typeof tril): Case[] => [
  { op, f, on: matrices },
  { op, f, gives: 'int32', on: [on(ints), on(ints).with(-1)] },
  { op, f, gives: 'uint8', on: [on(bytes), on(bytes).with(2)] },
  { op, f, gives: 'bool', on: [on(mask), on(mask).with(1)] },
]

export const cases: readonly Case[] = [...triangles('tril', tril), ...triangles('triu', triu)]

export const refused: readonly Refusal[] = ['tril', 'triu'].flatMap((op) => [
  { op, error: ShapeError, on: [on([3]), on([])] },
  { op, error: OptionError, on: [0.5, NaN, Infinity, null, '1'].map((diagonal) => on([2, 2]).with(diagonal)) },
])
