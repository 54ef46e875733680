/**
 * The op table: what each operation computes, in float64. A row is all that an operation needs: `ops.test.ts` runs every check
 * over it, and fails when an exported operation has none. Rows stand here where one line says it all, else by family in
 * `cases/`.
 */
import { OptionError, ShapeError } from '../../src/errors.ts'
import { type Case, given, type InPlaceCase, type MapCase, on, type Refusal, type ZipCase } from './case.ts'
import * as arrange from './cases/arrange.ts'
import * as cast from './cases/cast.ts'
import * as choice from './cases/choice.ts'
import * as compare from './cases/compare.ts'
import * as dropout from './cases/dropout.ts'
import * as einsum from './cases/einsum.ts'
import * as gather from './cases/gather.ts'
import * as loss from './cases/loss.ts'
import * as matmul from './cases/matmul.ts'
import * as normalize from './cases/normalize.ts'
import * as reduce from './cases/reduce.ts'
import * as scan from './cases/scan.ts'
import * as shape from './cases/shape.ts'
import * as slice from './cases/slice.ts'
import * as softmax from './cases/softmax.ts'
import { elu, gelu, geluTanh, hardswish, leakyRelu, logsigmoid, softplus } from './reference/activation.ts'
import { clamp, erf, power, round, sign } from './reference/unary.ts'

/** Where whole numbers come to their ends, among the elements that gradients are checked at. */
const WHOLE = [-1e4, -100, -80, -20, -4, -3, -2, -1, 0, 1, 2, 3, 4, 20, 80, 100, 1e4]

import * as sort from './cases/sort.ts'
import * as triangle from './cases/triangle.ts'

export const maps: readonly MapCase[] = [
  { op: 'relu', f: (x) => (x >= 0 ? x : x < 0 ? 0 : NaN), kinks: [0] },
  { op: 'sigmoid', f: (x) => 1 / (1 + Math.exp(-x)) },
  { op: 'tanh', f: Math.tanh },
  { op: 'leakyRelu', f: leakyRelu(0.01), kinks: [0] },
  ...[0.3, 0, -0.5, 2].map((slope) => ({ op: 'leakyRelu', params: [slope], f: leakyRelu(slope), kinks: [0] })),
  { op: 'elu', f: elu(1) },
  ...[0.3, 0, -0.5, 2].map((alpha) => ({ op: 'elu', params: [alpha], f: elu(alpha), kinks: [0] })),
  { op: 'gelu', f: gelu },
  { op: 'gelu', params: [{ approximate: 'tanh' }], f: geluTanh },
  { op: 'silu', f: (x) => x / (1 + Math.exp(-x)) },
  { op: 'softplus', f: softplus(1, 20), kinks: [20] },
  { op: 'softplus', params: [{ beta: 2.5, threshold: 5 }], f: softplus(2.5, 5), kinks: [2] },
  { op: 'softplus', params: [{ beta: 0.5, threshold: Infinity }], f: softplus(0.5, Infinity) },
  { op: 'softplus', params: [{ beta: -1 }], f: softplus(-1, 20), kinks: [-20] },
  { op: 'logsigmoid', f: logsigmoid },
  { op: 'hardtanh', f: clamp(-1, 1), kinks: [-1, 1] },
  { op: 'hardtanh', params: [-0.25, 2], f: clamp(-0.25, 2), kinks: [-0.25, 2] },
  { op: 'hardtanh', params: [0, Infinity], f: clamp(0, Infinity), kinks: [0] },
  { op: 'hardsigmoid', f: (x) => clamp(0, 6)(x + 3) / 6, kinks: [-3, 3] },
  { op: 'hardswish', f: hardswish, kinks: [-3, 3] },
  { op: 'relu6', f: clamp(0, 6), kinks: [0, 6] },
  { op: 'exp', f: Math.exp },
  { op: 'log', f: Math.log, domain: [0, Infinity] },
  { op: 'log1p', f: Math.log1p, domain: [-1, Infinity] },
  { op: 'expm1', f: Math.expm1 },
  { op: 'sqrt', f: Math.sqrt, domain: [0, Infinity] },
  { op: 'rsqrt', f: (x) => 1 / Math.sqrt(x), domain: [0, Infinity] },
  { op: 'square', f: (x) => x * x },
  { op: 'reciprocal', f: (x) => 1 / x },
  { op: 'sin', f: Math.sin },
  { op: 'cos', f: Math.cos },
  { op: 'erf', f: erf },
  { op: 'neg', f: (x) => -x },
  { op: 'abs', f: Math.abs, kinks: [0] },
  { op: 'sign', f: sign, kinks: [0] },
  { op: 'floor', f: Math.floor, kinks: WHOLE },
  { op: 'ceil', f: Math.ceil, kinks: WHOLE },
  { op: 'round', f: round, kinks: [-3.5, -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5] },
  { op: 'trunc', f: Math.trunc, kinks: WHOLE },
  ...[0, 1, 2, 3, -2].map((p) => ({ op: 'pow', params: [p], f: power(p) })),
  ...[0.5, -1.5, 2.7].map((p) => ({ op: 'pow', params: [p], f: power(p), domain: [0, Infinity] as const })),
  { op: 'clamp', params: [-1.5, 2], f: clamp(-1.5, 2), kinks: [-1.5, 2] },
  { op: 'clamp', params: [0.25], f: clamp(0.25, Infinity), kinks: [0.25] },
  { op: 'clamp', params: [null, 0.25], f: clamp(-Infinity, 0.25), kinks: [0.25] },
  { op: 'clamp', params: [2, 1], f: clamp(2, 1) },
]

export const zips: readonly ZipCase[] = [
  { op: 'add', f: (a, b) => a + b },
  { op: 'sub', f: (a, b) => a - b },
  { op: 'mul', f: (a, b) => a * b },
  { op: 'div', f: (a, b) => a / b, poles: [0] },
  { op: 'maximum', f: Math.max },
  { op: 'minimum', f: Math.min },
  { op: 'eq', f: (a, b) => Number(a === b), gives: 'bool' },
  { op: 'ne', f: (a, b) => Number(a !== b), gives: 'bool' },
  { op: 'lt', f: (a, b) => Number(a < b), gives: 'bool' },
  { op: 'le', f: (a, b) => Number(a <= b), gives: 'bool' },
  { op: 'gt', f: (a, b) => Number(a > b), gives: 'bool' },
  { op: 'ge', f: (a, b) => Number(a >= b), gives: 'bool' },
  { op: 'logicalAnd', f: (a, b) => Number(a !== 0 && b !== 0), gives: 'bool' },
  { op: 'logicalOr', f: (a, b) => Number(a !== 0 || b !== 0), gives: 'bool' },
  { op: 'logicalXor', f: (a, b) => Number((a !== 0) !== (b !== 0)), gives: 'bool' },
]

export const inPlace: readonly InPlaceCase[] = [
  { op: 'copy_', f: (_x, source) => source, takes: 'a tensor', anyDtype: true },
  { op: 'fill_', f: (_x, value) => value, takes: 'a number', anyDtype: true },
  { op: 'zero_', f: () => 0, takes: 'nothing', anyDtype: true },
  { op: 'add_', f: (x, other) => x + other, takes: 'a tensor or number' },
  { op: 'sub_', f: (x, other) => x - other, takes: 'a tensor or number' },
  { op: 'mul_', f: (x, other) => x * other, takes: 'a tensor or number' },
  { op: 'div_', f: (x, other) => x / other, takes: 'a tensor or number' },
  { op: 'clamp_', f: clamp(-0.5, 1), takes: 'nothing', params: [-0.5, 1] },
  { op: 'clamp_', f: clamp(-Infinity, 0.25), takes: 'nothing', params: [null, 0.25] },
  { op: 'clamp_', f: Math.max, takes: 'a number' },
  { op: 'lerp_', f: (x, end) => x + 0.25 * (end - x), takes: 'a tensor of its shape', params: [0.25] },
  { op: 'lerp_', f: (x, end) => x + 0.75 * (end - x), takes: 'a tensor of its shape', params: [0.75] },
]

const families = [
  arrange,
  cast,
  choice,
  compare,
  einsum,
  gather,
  loss,
  dropout,
  matmul,
  normalize,
  reduce,
  scan,
  shape,
  slice,
  softmax,
  sort,
  triangle,
]

export const others: readonly Case[] = families.flatMap(({ cases }) => cases)

export const refused: readonly Refusal[] = [
  ...zips.map(({ op }) => ({ op, error: ShapeError, on: [on([2, 3], [2]), on([2, 3], [3, 2]), on([2], [3])] })),
  ...['clamp', 'clamp_'].map((op) => {
    const x = on(given([1, 2]))
    return { op, error: OptionError, on: [x, x.with(NaN), x.with(0, NaN), x.with('1'), x.with(null, null)] }
  }),
  ...['leakyRelu', 'elu'].map((op) => {
    const x = on(given([1, 2]))
    return { op, error: OptionError, on: [x.with(NaN), x.with(Infinity), x.with('1'), x.with(null)] }
  }),
  {
    op: 'gelu',
    error: OptionError,
    on: ['tanh', null, { approximate: 'erf' }, { approximate: null }, { approx: 'tanh' }].map((options) =>
      on([2]).with(options),
    ),
  },
  {
    op: 'softplus',
    error: OptionError,
    on: [
      2,
      null,
      { beta: 0 },
      { beta: NaN },
      { beta: Infinity },
      { beta: '1' },
      { threshold: NaN },
      { treshold: 1 },
    ].map((options) => on([2]).with(options)),
  },
  {
    op: 'hardtanh',
    error: OptionError,
    on: [[2], [1, 1], [2, -2], [NaN, 1], [-1, NaN], ['0', 1], [-1, null]].map((bounds) => on([2]).with(...bounds)),
  },
  { op: 'pow', error: OptionError, on: [on([2]), on([2]).with(NaN), on([2]).with(null), on([2]).with('2')] },
  ...families.flatMap(({ refused }) => refused),
]
