/** Rows of views of parts. */
import { OptionError, ShapeError } from '../../../src/errors.ts'
import type { Tensor } from '../../../src/index.ts'
import type { Shape } from '../../../src/shape.ts'
import { type Case, given, on, pick, type Refusal } from '../case.ts'
import type { Nd } from '../nd.ts'
import { slice, split } from '../reference/shape.ts'

/** Bounds inside, at and beyond both ends, counted from either, open, exchanged, and steps both ways. */
const BOUNDS = [
  [1, 3],
  [2],
  [],
  [null, 2],
  [undefined, -2],
  [-3, -1],
  [-99, 99],
  [4, 1],
  [5, 9],
  [0, 5, 2],
  [1, null, 3],
  [null, null, -1],
  [null, null, -2],
  [3, 0, -1],
  [-1, -99, -3],
  [99, 1, -1],
  [0, 4, -1],
  [-99, null, -1],
  [2, null, 2 ** 40],
  [2, null, -(2 ** 40)],
]

const SPLITS: readonly (readonly [shape: readonly number[], sizes: number | Shape, dim: number, n: number])[] = [
  [[7, 2], 3, 0, 3],
  [[2, 7], 3, -1, 3],
  [[2, 6, 2], 2, 1, 3],
  [[3], 5, 0, 1],
  [[0, 3], 2, 0, 1],
  [[0, 3], 0, 0, 1],
  [[0, 3], 2, 1, 2],
  [[7, 2], [2, 0, 5], 0, 3],
  [[2, 7], [3, 4], -1, 2],
  [[0], [0, 0], 0, 2],
]

/** As a list of sizes: what `chunk` shall make. */
const CHUNKS: readonly (readonly [shape: Shape, chunks: number, dim: number, sizes: Shape])[] = [
  [[6], 3, 0, [2, 2, 2]],
  [[7], 3, 0, [3, 3, 1]],
  [[5], 4, 0, [2, 2, 1]],
  [[2, 5], 9, 1, [1, 1, 1, 1, 1]],
  [[5, 2], 1, -2, [5]],
  [[0, 2], 3, 0, [0, 0, 0]],
]

const pieces = (shape: Shape, n: number, ...params: readonly unknown[]) =>
  [...Array(n).keys()].map((piece) => on(shape).with(...params, piece))

const splitRow = {
  op: 'split',
  run: (x: Tensor, sizes: number | Shape, dim: number, piece: number) => pick(x.split(sizes, dim), piece),
  f: split,
}

export const cases: readonly Case[] = [
  {
    op: 'slice',
    f: slice,
    on: [
      ...BOUNDS.map((bounds) => on([5]).with(bounds)),
      ...BOUNDS.map((bounds) => on([2, 5, 3]).with(null, bounds)),
      ...[0, 2, -1, -3].map((index) => on([3, 2]).with(index)),
      on([3, 2]).with(null, 1),
      on([3, 2]).with(-1, -2),
      on([3, 2]),
      on([3, 2]).with(null, null),
      on([3, 2]).with('...'),
      on([3, 2]).with(1, '...', 1),
      on([4, 2, 3, 5]).with([1, 3], '...', [null, null, -1], -1),
      on([4, 2, 3, 5]).with('...', 2),
      on([4, 2, 3, 5]).with(2, '...'),
      on([4, 2, 3, 5]).with([3, null, -2], 1, [1], [null, null, 2]),
      on([]),
      on([]).with('...'),
      on([1]).with([null, null, -1]),
      on([0]).with([null, null, -1]),
      on([0, 3]).with(null, 2),
      on([2, 0, 3]).with(1, [0, 5], [null, null, -1]),
      on([2, 3]).with([2]),
    ],
  },
  {
    op: 'slice',
    f: slice,
    gives: 'uint8',
    on: BOUNDS.map((bounds) =>
      on(
        given(
          [
            [1, 2, 3, 4, 5],
            [6, 7, 8, 9, 10],
          ],
          'uint8',
        ),
      ).with(null, bounds),
    ),
  },
  {
    op: 'slice',
    f: slice,
    gives: 'int32',
    on: [
      on(
        given(
          [
            [1, 2],
            [3, -(2 ** 31)],
          ],
          'int32',
        ),
      ).with(1, [null, null, -1]),
    ],
  },
  { ...splitRow, on: SPLITS.flatMap(([shape, sizes, dim, n]) => pieces(shape, n, sizes, dim)) },
  { ...splitRow, gives: 'bool', on: [on(given([true, false, true], 'bool')).with(2, 0, 1)] },
  {
    op: 'split',
    run: (x: Tensor, size: number, piece: number) => pick(x.split(size), piece),
    f: (x: Nd, size: number, piece: number) => split(x, size, 0, piece),
    on: pieces([3, 2], 2, 2),
  },
  {
    op: 'chunk',
    run: (x: Tensor, chunks: number, dim: number, _sizes: Shape, piece: number) => pick(x.chunk(chunks, dim), piece),
    f: (x: Nd, _chunks: number, dim: number, sizes: Shape, piece: number) => split(x, sizes, dim, piece),
    on: CHUNKS.flatMap(([shape, chunks, dim, sizes]) => pieces(shape, sizes.length, chunks, dim, sizes)),
  },
]

const SLICES_THAT_DO_NOT_FIT = [[3], [-4], [null, 2], [null, null, null], [0, 0, 0], [0, '...', 0, 0]]

/** No ranges: fractions, steps of 0, other kinds, lists too long, two gaps. */
const NO_SLICES = [
  [0.5],
  [NaN],
  [undefined],
  [true],
  ['1:2'],
  [{}],
  [[0, 1.5]],
  [[0.5]],
  [[0, Infinity]],
  [[0, 2, 0]],
  [[0, 2, 0.5]],
  [[0, 1, 1, 1]],
  [['0']],
  [[[0, 1]]],
  ['...', '...'],
]

export const refused: readonly Refusal[] = [
  {
    op: 'slice',
    error: ShapeError,
    on: [...SLICES_THAT_DO_NOT_FIT.map((ranges) => on([3, 2]).with(...ranges)), on([]).with(0), on([0]).with(0)],
  },
  { op: 'slice', error: OptionError, on: NO_SLICES.map((ranges) => on([3, 2]).with(...ranges)) },
  {
    op: 'split',
    error: ShapeError,
    on: [[0], [[2, 2]], [[3, 1]], [[]], [1, 2], [1, 0.5]]
      .map((args) => on([3, 2]).with(...args))
      .concat(on([]).with(1)),
  },
  {
    op: 'split',
    error: OptionError,
    on: [-1, 1.5, NaN, undefined, '2', [4, -1], [1.5, 1.5]].map((size) => on([3]).with(size)),
  },
  { op: 'chunk', error: ShapeError, on: [on([3, 2]).with(2, 2), on([]).with(1)] },
  { op: 'chunk', error: OptionError, on: [0, -1, 1.5, NaN, undefined, Infinity].map((chunks) => on([3]).with(chunks)) },
]
