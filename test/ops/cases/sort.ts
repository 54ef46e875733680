/** Rows of sorting. */
import { OptionError, ShapeError } from '../../../src/errors.ts'
import type { Tensor } from '../../../src/index.ts'
import type { SortOptions, TopkOptions } from '../../../src/ops/index.ts'
import { type Case, EDGES, extremes, given, on, pick, type Refusal, rows } from '../case.ts'
import { argsort, sort, topk, topkIndices } from '../reference/sort.ts'

const descending = { descending: true }
const smallest = { largest: false }

const ties = rows([1, 0, 1, 0, -1, 1], [-0, 0, 0, -0, 0, -0], [NaN, 1, NaN, -Infinity, Infinity, NaN])

/** Both ways of sorting: 33 elements and more go another way than 32. */
const whole = [
  ...[...EDGES, 32, 33].flatMap((n) => [on([2, n]).with(-1, descending), on([n, 3]).with(0)]),
  on([5]),
  ...[0, 1, 2, -2].map((dim) => on([2, 3, 4]).with(dim)),
  on([]),
  on([]).with(0, descending),
  on([0]),
  on([0, 3]),
  on([3, 0]),
  on([0, 3]).with(0),
  on([0, 2 ** 30]),
  ...[-1, 0].flatMap((dim) => [ties, extremes].flatMap((x) => [on(x).with(dim), on(x).with(dim, descending)])),
]

const some = [
  ...[1, 4, 33].flatMap((n) => [0, 1, n].map((k) => on([2, n]).with(k))),
  on([3, 4]).with(2, 0),
  on([2, 3, 4]).with(2, 1, smallest),
  on([40, 3]).with(35, 0),
  on([]).with(1),
  on([0, 3]).with(2),
  on([3, 0]).with(0),
  on([0, 2 ** 30]).with(2),
  ...[1, 3, 5].flatMap((k) => [on(ties).with(k), on(ties).with(k, -1, smallest)]),
  on(extremes).with(2, 0),
]

/** Beyond what float32 can tell apart, and down to what an int32 can hold. */
const integers = [
  [2 ** 24 + 1, 2 ** 24, -1, 0, -(2 ** 31), 2 ** 31 - 1],
  [2 ** 31 - 1, 2 ** 31 - 2, 5, 5, -7, -(2 ** 31)],
]
const bytes = [
  [255, 0, 7, 7, 128],
  [1, 2, 3, 2, 1],
]

const valuesOfSort = (x: Tensor, dim?: number, options?: SortOptions) => pick(Object.values(x.sort(dim, options)), 0)
const indicesOfSort = (x: Tensor, dim?: number, options?: SortOptions) => pick(Object.values(x.sort(dim, options)), 1)
const valuesOfTopk = (x: Tensor, k: number, dim?: number, options?: TopkOptions) =>
  pick(Object.values(x.topk(k, dim, options)), 0)
const indicesOfTopk = (x: Tensor, k: number, dim?: number, options?: TopkOptions) =>
  pick(Object.values(x.topk(k, dim, options)), 1)

const exactly = (dtype: 'int32' | 'uint8', x: number[][]): Case[] => [
  {
    op: 'sort',
    run: valuesOfSort,
    f: sort,
    gives: dtype,
    on: [on(given(x, dtype)), on(given(x, dtype)).with(0, descending)],
  },
  { op: 'topk', run: valuesOfTopk, f: topk, gives: dtype, on: [on(given(x, dtype)).with(2)] },
  { op: 'argsort', f: argsort, gives: 'int32', on: [on(given(x, dtype)), on(given(x, dtype)).with(-1, descending)] },
]

export const cases: readonly Case[] = [
  { op: 'sort', run: valuesOfSort, f: sort, on: whole },
  { op: 'sort', run: indicesOfSort, f: argsort, gives: 'int32', on: [on(ties), on([3, 4]).with(0, descending)] },
  { op: 'argsort', f: argsort, gives: 'int32', on: whole },
  { op: 'topk', run: valuesOfTopk, f: topk, on: some },
  { op: 'topk', run: indicesOfTopk, f: topkIndices, gives: 'int32', on: some },
  ...exactly('int32', integers),
  ...exactly('uint8', bytes),
  { op: 'sort', run: valuesOfSort, f: sort, gives: 'bool', on: [on(given([true, false, true], 'bool'))] },
]

const badOptions = [null, true, { descend: true }, { largest: 1 }, { descending: 'yes' }]

export const refused: readonly Refusal[] = [
  ...['sort', 'argsort'].flatMap((op) => [
    { op, error: ShapeError, on: [on([2, 3]).with(2), on([]).with(1), on([2]).with(0.5), on([2]).with('0')] },
    { op, error: OptionError, on: badOptions.map((options) => on([2]).with(0, options)) },
  ]),
  { op: 'topk', error: ShapeError, on: [on([2, 3]).with(1, 2), on([2]).with(1, { dim: 0 })] },
  {
    op: 'topk',
    error: OptionError,
    on: [
      ...[4, -1, 1.5, NaN, undefined, '1'].map((k) => on([5, 3]).with(k)),
      on([]).with(2),
      ...badOptions.map((options) => on([2]).with(1, 0, options)),
    ],
  },
]
