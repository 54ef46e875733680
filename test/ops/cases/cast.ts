/** Rows of conversions. */
import type { Dtype } from '../../../src/dtype.ts'
import { GraphError } from '../../../src/errors.ts'
import { type Case, EDGES, given, on, type Refusal, rows } from '../case.ts'
import { type Nd, zip } from '../nd.ts'

/** From every dtype, at every length, and of no elements. */
const casts = (dtype: Dtype) => [
  ...EDGES.flatMap((n) => {
    const from = (...values: readonly number[]) => [...Array(n).keys()].map((i) => values[i % values.length])
    return [
      on(given(from(0, 1.9, -0, 200.5, 0.5))).with(dtype),
      on(given(from(0, 1, 7, 255), 'int32')).with(dtype),
      on(given(from(0, 1, 7, 255), 'uint8')).with(dtype),
      on(given(from(0, 1, 1), 'bool')).with(dtype),
    ]
  }),
  on(rows([0.5, 2], [-0, 3], [4, 5])).with(dtype),
  on({ ...rows([0, 2], [1, 3], [4, 5]), dtype: 'int32' }).with(dtype),
  on(given(3, 'int32')).with(dtype),
  on(given([])).with(dtype),
]

export const cases: readonly Case[] = [
  { op: 'to', f: (x: Nd) => zip(Math.trunc, x), gives: 'int32', on: casts('int32') },
  { op: 'to', f: (x: Nd) => zip(Math.trunc, x), gives: 'uint8', on: casts('uint8') },
  { op: 'to', f: (x: Nd) => zip((a) => Number(a !== 0), x), gives: 'bool', on: casts('bool') },
  { op: 'to', f: (x: Nd) => x, gives: 'float32', on: casts('float32') },
]

export const refused: readonly Refusal[] = [{ op: 'to', error: GraphError, on: [on([2]).with('int32')] }]
