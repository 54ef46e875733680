/**
 * The op table: what each operation computes, in float64. A row is all that an operation needs: `ops.test.ts` runs every check
 * over it, and fails when an exported operation has none. Rows stand here where one line says it all, else by family in
 * `cases/`.
 */
import { ShapeError } from '../../src/errors.ts'
import { type Case, type InPlaceCase, type MapCase, on, type Refusal, type ZipCase } from './case.ts'
import * as cast from './cases/cast.ts'
import * as loss from './cases/loss.ts'
import * as matmul from './cases/matmul.ts'
import * as reduce from './cases/reduce.ts'
import * as shape from './cases/shape.ts'
import * as softmax from './cases/softmax.ts'

export const maps: readonly MapCase[] = [
  { op: 'relu', f: (x) => (x >= 0 ? x : x < 0 ? 0 : NaN), kinks: [0] },
  { op: 'sigmoid', f: (x) => 1 / (1 + Math.exp(-x)) },
  { op: 'tanh', f: Math.tanh },
  { op: 'exp', f: Math.exp },
  { op: 'log', f: Math.log, domain: [0, Infinity] },
]

export const zips: readonly ZipCase[] = [
  { op: 'add', f: (a, b) => a + b },
  { op: 'sub', f: (a, b) => a - b },
  { op: 'mul', f: (a, b) => a * b },
  { op: 'div', f: (a, b) => a / b, poles: [0] },
  { op: 'eq', f: (a, b) => Number(a === b), gives: 'bool' },
]

export const inPlace: readonly InPlaceCase[] = [
  { op: 'copy_', f: (_x, source) => source, takes: 'a tensor', anyDtype: true },
  { op: 'fill_', f: (_x, value) => value, takes: 'a number', anyDtype: true },
  { op: 'zero_', f: () => 0, takes: 'nothing', anyDtype: true },
  { op: 'add_', f: (x, other) => x + other, takes: 'a tensor or number' },
  { op: 'sub_', f: (x, other) => x - other, takes: 'a tensor or number' },
  { op: 'mul_', f: (x, other) => x * other, takes: 'a tensor or number' },
  { op: 'lerp_', f: (x, end) => x + 0.25 * (end - x), takes: 'a tensor of its shape', params: [0.25] },
  { op: 'lerp_', f: (x, end) => x + 0.75 * (end - x), takes: 'a tensor of its shape', params: [0.75] },
]

const families = [cast, loss, matmul, reduce, shape, softmax]

export const others: readonly Case[] = families.flatMap(({ cases }) => cases)

export const refused: readonly Refusal[] = [
  ...zips.map(({ op }) => ({ op, error: ShapeError, on: [on([2, 3], [2]), on([2, 3], [3, 2]), on([2], [3])] })),
  ...families.flatMap(({ refused }) => refused),
]
