/** Rows of choice. */
import type { NestedData } from '../../../src/create.ts'
import type { Dtype } from '../../../src/dtype.ts'
import { DtypeError, ShapeError } from '../../../src/errors.ts'
import { type Tensor, where } from '../../../src/index.ts'
import type { Shape } from '../../../src/shape.ts'
import { type Case, EDGES, given, on, type Refusal } from '../case.ts'
import type { Nd } from '../nd.ts'
import * as reference from '../reference/choice.ts'

/** Conditions of this shape that alternate irregularly. */
function bools(shape: Shape): { values: NestedData; dtype: Dtype } {
  let i = 0
  const nest = (axis: number): NestedData =>
    axis < shape.length ? Array.from({ length: shape[axis] }, () => nest(axis + 1)) : (i++ * 5) % 7 < 3
  return given(nest(0), 'bool')
}

const tensors = [
  ...EDGES.map((n) => on(bools([n]), [n], [n])),
  on(bools([33]), [33], []),
  on(bools([]), [], []),
  on(bools([]), [3], [2, 1]),
  on(bools([3, 1]), [5], [3, 5]),
  on(bools([5]), [3, 1], []),
  on(bools([3, 5]), [3, 1], [5]),
  on(bools([2, 1, 4]), [3, 1], [2, 3, 4]),
  on(bools([2, 3, 4]), [1, 4], [2, 1, 1]),
  on(bools([2, 3, 2, 3]), [3, 1, 3], [2, 1, 2, 1]),
  on(bools([0]), [1], [2, 1]),
  on(bools([2, 1]), [0], []),
  on(bools([2, 0]), [2, 1], [1, 1]),
  on(given([true, false, true, false], 'bool'), given([NaN, NaN, -0, 1]), given([1, Infinity, NaN, -0])),
]

const ints = [2 ** 24 + 1, -(2 ** 31), 2 ** 31 - 1, 0, 7]
const bytes = [255, 0, 128, 1, 7]
const truths = [1, 0, 1, 1, 0]

const ofDtype = (gives: Dtype, a: readonly number[], b: readonly number[]): Case => ({
  op: 'where',
  f: reference.where,
  gives,
  on: [
    on(bools([5]), given(a, gives), given(b, gives)),
    on(bools([2, 1]), given(a, gives), given(b[0], gives)),
    on(bools([3, 2, 1]), given(a, gives), given([[b[0]], [b[1]]], gives)),
  ],
})

/** A number in place of a or of b, beside a tensor of each dtype. */
const withNumber = (number: number, values: readonly number[], dtype: Dtype, gives: Dtype): Case[] => [
  {
    op: 'where',
    f: (condition: Nd, a: Nd) => reference.where(condition, a, reference.scalar(number)),
    gives,
    on: [on(bools([5]), given(values, dtype)).with(number), on(bools([3, 1]), given(values, dtype)).with(number)],
  },
  {
    op: 'where',
    run: (condition: Tensor, b: Tensor) => where(condition, number, b),
    f: (condition: Nd, b: Nd) => reference.where(condition, reference.scalar(number), b),
    gives,
    on: [on(bools([5]), given(values, dtype))],
  },
]

export const cases: readonly Case[] = [
  { op: 'where', f: reference.where, on: tensors },
  {
    op: 'where',
    f: (condition: Nd, a: Nd) => reference.where(condition, a, reference.scalar(0.5)),
    on: [on(bools([2, 3]), [3]).with(0.5), on(bools([3]), [2, 3]).with(0.5), on(bools([0]), [1]).with(0.5)],
  },
  {
    op: 'where',
    run: (condition: Tensor, b: Tensor) => where(condition, -0, b),
    f: (condition: Nd, b: Nd) => reference.where(condition, reference.scalar(-0), b),
    on: [on(bools([2, 3]), [3]), on(bools([3]), [])],
  },
  {
    op: 'where',
    f: (condition: Nd) => reference.where(condition, reference.scalar(1), reference.scalar(-2)),
    on: [on(bools([2, 3])).with(1, -2), on(bools([])).with(1, -2)],
  },
  ofDtype('int32', ints, ints.toReversed()),
  ofDtype('uint8', bytes, bytes.toReversed()),
  ofDtype('bool', truths, truths.toReversed()),
  ...withNumber(-5, ints, 'int32', 'int32'),
  ...withNumber(2 ** 31, bytes, 'int32', 'float32'),
  ...withNumber(0.5, bytes, 'int32', 'float32'),
  ...withNumber(NaN, bytes, 'int32', 'float32'),
  ...withNumber(200, bytes, 'uint8', 'uint8'),
  ...withNumber(256, bytes, 'uint8', 'float32'),
  ...withNumber(-1, bytes, 'uint8', 'float32'),
  ...withNumber(1, truths, 'bool', 'bool'),
  ...withNumber(2, truths, 'bool', 'float32'),
  {
    op: 'where',
    f: reference.where,
    on: [
      on(bools([5]), [5], given(bytes, 'int32')),
      on(bools([5]), given(bytes, 'uint8'), [5]),
      on(bools([5]), given(bytes, 'uint8'), given(bytes, 'int32')),
      on(bools([5]), given(truths, 'bool'), given(bytes, 'uint8')),
    ],
  },
]

export const refused: readonly Refusal[] = [
  {
    op: 'where',
    error: DtypeError,
    on: [
      on([3], [3], [3]),
      on(given([0, 1], 'uint8'), [2], [2]),
      on(given([0, 1], 'int32')).with(1, 0),
      on(bools([2]), [2]),
      on(bools([2]), [2]).with(null),
      on(bools([2])).with(1, true),
      on(bools([2])).with('1', 0),
    ],
  },
  {
    op: 'where',
    error: ShapeError,
    on: [
      on(bools([2]), [3], [3]),
      on(bools([3]), [2], [3]),
      on(bools([2, 3]), [3], [2]),
      on(bools([0]), [2], [1]),
      on(bools([2]), [3]).with(0),
    ],
  },
]
