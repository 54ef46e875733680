/** Rows of copies with the elements in other places. */
import { DtypeError, OptionError, ShapeError } from '../../../src/errors.ts'
import { cat, stack, type Tensor } from '../../../src/index.ts'
import { type Case, EDGES, given, on, type Refusal } from '../case.ts'
import type { Nd } from '../nd.ts'
import * as exact from '../reference/shape.ts'

/** From tensors, then perhaps `dim`, to the arguments of functions that take a list. */
function listed<T>(args: readonly (T | number)[]): [T[], number | undefined] {
  return [args.filter((arg): arg is T => typeof arg !== 'number'), args.find((arg) => typeof arg === 'number')]
}

const catRow = {
  run: (...args: (Tensor | number)[]) => cat(...listed(args)),
  f: (...args: (Nd | number)[]) => exact.cat(...listed(args)),
}
const stackRow = {
  run: (...args: (Tensor | number)[]) => stack(...listed(args)),
  f: (...args: (Nd | number)[]) => exact.stack(...listed(args)),
}

const bytes = given(
  [
    [1, 2, 3],
    [4, 5, 6],
  ],
  'uint8',
)
const words = given([[7, -8, 2 ** 31 - 1]], 'int32')
/** Too many to be tried with other dtypes, which could not hold every value. */
const hundred = given([...Array(100).keys()])
const flags = given([[true, false, true]], 'bool')

export const cases: readonly Case[] = [
  {
    op: 'flip',
    f: exact.flip,
    on: [
      ...EDGES.map((n) => on([n]).with(0)),
      ...[0, 1, 2, -1, [0, 2], [-2, -1], [0, 1, 2], []].map((dims) => on([2, 3, 5]).with(dims)),
      on([1, 3]).with(0),
      on([1]).with(0),
      on([]).with([]),
      on([]).with(-1),
      on([0, 3]).with([0, 1]),
    ],
  },
  { op: 'flip', f: exact.flip, gives: 'uint8', on: [on(bytes).with([0, 1])] },
  { op: 'flip', f: exact.flip, gives: 'int32', on: [on(words).with(1)] },
  {
    op: 'cat',
    ...catRow,
    on: [
      on([3], [4]),
      on([5]),
      on([2, 3], [4, 3], [1, 3]),
      on([2, 3], [4, 3]).with(0),
      on([3, 2], [3, 5], [3, 1]).with(1),
      on([3, 2], [3, 5]).with(-1),
      on([2, 1, 3], [2, 4, 3], [2, 2, 3]).with(1),
      on([2, 1, 3], [2, 4, 3]).with(-2),
      on([0, 3], [2, 3]),
      on([2, 0], [2, 3]).with(1),
      on([0], [0]),
      on([2, 0], [1, 0]),
      on([1], [1]),
      on(bytes, [1, 3]),
      on(bytes, words),
      on(given([[0.5]]), given([[true]], 'bool')),
    ],
  },
  { op: 'cat', ...catRow, gives: 'uint8', on: [on(bytes, bytes).with(1), on(bytes, bytes)] },
  { op: 'cat', ...catRow, gives: 'int32', on: [on(words, words).with(1)] },
  { op: 'cat', ...catRow, gives: 'bool', on: [on(flags, flags).with(0)] },
  {
    op: 'cat',
    run: (x: Tensor) => cat([x, x, x], -1),
    f: (x: Nd) => exact.cat([x, x, x], -1),
    on: [on([2, 3]), on([1])],
  },
  {
    op: 'stack',
    ...stackRow,
    on: [
      on([3], [3]),
      on([], []),
      on([], []).with(-1),
      on([5]).with(1),
      ...[0, 1, 2, -1, -2, -3].map((dim) => on([2, 3], [2, 3], [2, 3]).with(dim)),
      on([2, 3, 4], [2, 3, 4]).with(1),
      on([0], [0]),
      on([2, 0], [2, 0]).with(-1),
      on(bytes, [2, 3]).with(2),
    ],
  },
  { op: 'stack', ...stackRow, gives: 'uint8', on: [on(bytes, bytes).with(1)] },
  { op: 'stack', ...stackRow, gives: 'int32', on: [on(words, words).with(-1)] },
  { op: 'stack', run: (x: Tensor) => stack([x, x], 1), f: (x: Nd) => exact.stack([x, x], 1), on: [on([2, 3])] },
  {
    op: 'pad',
    f: exact.pad,
    on: [
      ...EDGES.map((n) => on([n]).with([1, 2])),
      on([2, 3]).with([1, 0]),
      on([2, 3]).with([0, 2], { value: 1 }),
      on([2, 3]).with([1, 2, 3, 4]),
      on([2, 3]).with([0, 0, 1, 1], {}),
      on([2, 3, 4]).with([1, 1, 0, 2]),
      on([2, 3, 4]).with([0, 1, 1, 0, 2, 1], { value: 1 }),
      on([2, 3, 2, 3]).with([1, 1, 1, 1]),
      on([2, 3]).with([]),
      on([2, 3]).with([0, 0]),
      on([]).with([]),
      on([5]).with([-1, -2]),
      on([2, 5]).with([-1, 2], { value: 1 }),
      on([2, 5]).with([3, -4, -1, 0]),
      on([4, 5]).with([-1, -1, -1, -1]),
      on([3]).with([-2, -1]),
      on([3]).with([-3, 2]),
      on([0, 2]).with([1, 1]),
      on([0, 2]).with([0, 0, 1, 2], { value: 1 }),
      ...[-2.5, -0, NaN, -Infinity].map((value) => on(hundred).with([2, -1], { value })),
    ],
  },
  {
    op: 'pad',
    f: exact.pad,
    gives: 'uint8',
    on: [on(bytes).with([1, 2], { value: 255 }), on(bytes).with([-1, 0, 0, 1])],
  },
  { op: 'pad', f: exact.pad, gives: 'int32', on: [on(words).with([1, 0], { value: -(2 ** 31) })] },
  { op: 'pad', f: exact.pad, gives: 'bool', on: [on(flags).with([1, 1], { value: 1 }), on(flags).with([1, 1])] },
]

type Join = (tensors: readonly Tensor[], dim?: number) => Tensor

/** What is no list of tensors. */
const noLists = (op: string, join: Join): readonly Refusal[] => [
  { op, run: () => join([]), error: OptionError, on: [on([1])] },
  { op, run: (x: Tensor) => join(x as never), error: OptionError, on: [on([1])] },
  { op, run: () => join(undefined as never), error: OptionError, on: [on([1])] },
  { op, run: (x: Tensor) => join([x, [1] as never]), error: DtypeError, on: [on([1])] },
]

export const refused: readonly Refusal[] = [
  { op: 'flip', error: ShapeError, on: [2, -3, [0, 0], [0, -2], 0.5, undefined].map((dims) => on([2, 3]).with(dims)) },
  ...noLists('cat', cat),
  {
    op: 'cat',
    run: catRow.run,
    error: ShapeError,
    on: [on([2, 3], [2, 4]), on([2, 3], [3, 3]).with(1), on([], []), on([1], [])],
  },
  {
    op: 'cat',
    run: catRow.run,
    error: ShapeError,
    on: [on([0], [2, 3]), on([2, 3], [2, 3]).with(2), on([2, 3], [2, 3]).with(0.5)],
  },
  ...noLists('stack', stack),
  { op: 'stack', run: stackRow.run, error: ShapeError, on: [on([2], [1]), on([2], [2, 1]), on([2], [2]).with(-3)] },
  { op: 'stack', run: stackRow.run, error: ShapeError, on: [on(Array(8).fill(1), Array(8).fill(1))] },
  {
    op: 'pad',
    error: ShapeError,
    on: [
      on([3]).with([-2, -2]),
      on([3]).with([-5, 4]),
      on([3]).with([1, 1, 1, 1]),
      on([]).with([1, 1]),
      on([3]).with([2 ** 31, 0]),
    ],
  },
  {
    op: 'pad',
    error: OptionError,
    on: [
      ...[[1], 1, undefined, [1, 0.5], [1, NaN], ['1', '1'], [1, null]].map((padding) => on([3, 3]).with(padding)),
      on([3]).with([1, 1], { mode: 'reflect' }),
      on([3]).with([1, 1], 2),
    ],
  },
  {
    op: 'pad',
    error: DtypeError,
    on: [
      on([3]).with([1, 1], { value: '1' }),
      on([3]).with([1, 1], { value: null }),
      on(bytes).with([1, 1], { value: 256 }),
      on(words).with([1, 1], { value: 0.5 }),
    ],
  },
]
