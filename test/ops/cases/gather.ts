/** Rows of picking by index. */
import { DtypeError, OptionError, ShapeError } from '../../../src/errors.ts'
import type { Tensor } from '../../../src/index.ts'
import { type Case, EDGES, given, type Input, on, type Refusal } from '../case.ts'
import type { Nd } from '../nd.ts'
import { embedding, gather, indexSelect, oneHot } from '../reference/gather.ts'

const ints = (values: Parameters<typeof given>[0]) => given(values, 'int32')

/** x and the index are the inputs of a row, and what stands between them in a call follows. */
const gatherOn = (x: Tensor, index: Tensor, dim: number) => x.gather(dim, index)
const selectOn = (x: Tensor, index: Tensor, dim: number) => x.indexSelect(dim, index)
const flipped = (f: (x: Nd, dim: number, index: Nd) => Nd) => (x: Nd, index: Nd, dim: number) => f(x, dim, index)

/** n indices below `size`, many of them equal. */
const someOf = (n: number, size: number) => [...Array(n).keys()].map((i) => (i * i + 1) % size)

const matrix = given(
  [
    [7, 200, 3],
    [9, 1, 255],
  ],
  'uint8',
)
const large = ints([2 ** 24 + 1, -(2 ** 31), 5])
const flags = given([true, false, true, true, false], 'bool')

const gathers = [
  ...EDGES.flatMap((n) => [
    on([2, 3], ints([someOf(n, 3), someOf(n, 2)])).with(1),
    on([3, n], ints([someOf(n, 3), someOf(n, 2)])).with(0),
  ]),
  on([2, 3, 2], ints([[[2, 0]], [[1, 1]]])).with(1),
  on(
    [2, 3, 2],
    ints([
      [
        [0, 0],
        [2, 1],
        [2, 1],
        [1, 1],
      ],
    ]),
  ).with(-2),
  on([2, 2, 3], ints([[[1, 1, 0]]])).with(-3),
  on(
    [2, 3],
    given(
      [
        [1, 1],
        [2, 0],
      ],
      'uint8',
    ),
  ).with(-1),
  on([4, 3], ints([[1, 2]])).with(1),
  on([4, 3], ints([[3]])).with(0),
  on([], ints(0)).with(0),
  on([3], ints([2, 2])).with(0),
  on([3], ints([])).with(0),
  on([0], ints([])).with(0),
]

const selections = [
  ...EDGES.flatMap((n) => [
    on([3, n], ints([2, 0, 2, 2])).with(0),
    on([2, 3, n], ints([1, 1])).with(1),
    on([2, n], ints(someOf(5, n))).with(-1),
  ]),
  on([4, 33], ints([3, 3, 0])).with(0),
  on([2, 3], given([1, 1], 'uint8')).with(-1),
  on([2, 3], ints(1)).with(1),
  on([2, 3], ints([])).with(0),
  on([0, 3], ints([])).with(0),
  on([3, 0], ints([1, 2])).with(0),
]

export const cases: readonly Case[] = [
  { op: 'gather', run: gatherOn, f: flipped(gather), on: gathers },
  { op: 'gather', run: gatherOn, f: flipped(gather), gives: 'uint8', on: [on(matrix, ints([[2, 2, 0, 1]])).with(1)] },
  { op: 'gather', run: gatherOn, f: flipped(gather), gives: 'int32', on: [on(large, ints([0, 2, 1, 0])).with(0)] },
  { op: 'gather', run: gatherOn, f: flipped(gather), gives: 'bool', on: [on(flags, ints([1, 0, 3])).with(0)] },
  { op: 'indexSelect', run: selectOn, f: flipped(indexSelect), on: selections },
  ...[0, 1].map(
    (dim): Case => ({
      op: 'indexSelect',
      run: selectOn,
      f: flipped(indexSelect),
      gives: 'uint8',
      on: [on(matrix, ints([1, 0, 0])).with(dim)],
    }),
  ),
  { op: 'indexSelect', run: selectOn, f: flipped(indexSelect), gives: 'int32', on: [on(large, ints([1, 0])).with(0)] },
  {
    op: 'indexSelect',
    run: selectOn,
    f: flipped(indexSelect),
    gives: 'bool',
    on: [on(flags, ints([1, 3, 3])).with(0)],
  },
  {
    op: 'embedding',
    f: embedding,
    on: [
      ...EDGES.flatMap((n) => [on(ints([2, 0, 2, 2]), [3, n]), on(ints(someOf(n, 4)), [4, 3])]),
      on(ints(1), [3, 2]),
      on(
        ints([
          [0, 1, 1],
          [3, 0, 1],
        ]),
        [4, 5],
      ),
      on(given([[[1], [2]]], 'uint8'), [3, 2]),
      on(ints([]), [3, 2]),
      on(ints([1]), [3, 0]),
      on(ints([]), [0, 2]),
    ],
  },
  { op: 'embedding', f: embedding, gives: 'uint8', on: [on(ints([1, 1, 0]), matrix)] },
  {
    op: 'oneHot',
    f: oneHot,
    on: [
      ...EDGES.flatMap((n) => [on(ints(someOf(n, 3))).with(3), on(ints([n - 1, 0])).with(n)]),
      on(ints([2, 0, 5])),
      on(
        ints([
          [1, 0],
          [2, 2],
        ]),
      ).with(4),
      on(given([[0, 3]], 'uint8')),
      on(ints(2)),
      on(ints(0)).with(2),
      on(ints([])).with(3),
    ],
  },
]

/** Of five things. */
const outside: readonly Input[] = [
  ints([0, 5]),
  ints([-1]),
  ints([4, 0, 2, 1, 0, 2 ** 31 - 1, 9]),
  given([255], 'uint8'),
]
const notIndices: readonly Input[] = [given([1, 0]), given([true, false], 'bool')]

export const refused: readonly Refusal[] = [
  {
    op: 'gather',
    run: gatherOn,
    error: ShapeError,
    on: [
      on([2, 3], ints([[0], [0], [0]])).with(1),
      on([2, 3], ints([0])).with(0),
      on([2], ints([[0]])).with(0),
      on([], ints([0])).with(0),
      on([2, 3], ints([[0]])).with(2),
      on([2, 3], ints([[0]])).with(NaN),
    ],
  },
  { op: 'gather', run: gatherOn, error: DtypeError, on: notIndices.map((index) => on([2], index).with(0)) },
  {
    op: 'gather',
    run: gatherOn,
    error: OptionError,
    on: [...outside.map((index) => on([5], index).with(0)), on([2, 0], ints([[0]])).with(1)],
  },
  {
    op: 'indexSelect',
    run: selectOn,
    error: ShapeError,
    on: [
      on([2, 3], ints([[0]])).with(0),
      on([], ints([0])).with(0),
      on([2, 3], ints([0])).with(2),
      on([2, 3], ints([0])).with(undefined),
    ],
  },
  { op: 'indexSelect', run: selectOn, error: DtypeError, on: notIndices.map((index) => on([2], index).with(0)) },
  {
    op: 'indexSelect',
    run: selectOn,
    error: OptionError,
    on: [...outside.map((index) => on([2, 5], index).with(1)), on([0, 2], ints([0])).with(0)],
  },
  {
    op: 'embedding',
    error: ShapeError,
    on: [on(ints([0]), [3]), on(ints([0]), [2, 2, 2]), on(ints([[[[[[[[0]]]]]]]]), [2, 2])],
  },
  { op: 'embedding', error: DtypeError, on: notIndices.map((index) => on(index, [3, 2])) },
  { op: 'embedding', error: OptionError, on: outside.map((index) => on(index, [5, 2])) },
  { op: 'oneHot', error: DtypeError, on: notIndices.map((labels) => on(labels).with(3)) },
  {
    op: 'oneHot',
    error: OptionError,
    on: [
      ...outside.map((labels) => on(labels).with(5)),
      ...[0, -1, 1.5, NaN, null, '3'].map((numClasses) => on(ints([0])).with(numClasses)),
      on(ints([-3])),
      on(ints([4, -3])),
      on(ints([])),
    ],
  },
  { op: 'oneHot', error: ShapeError, on: [on(ints([2 ** 31 - 1])), on(ints([[[[[[[[0]]]]]]]])).with(2)] },
]
