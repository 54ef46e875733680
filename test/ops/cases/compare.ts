/** Rows of comparisons among integers, where they are exact, and of tests of single elements. */
import { type Case, EDGES, extremes, given, on, type Refusal, type Use } from '../case.ts'
import { type Nd, zip } from '../nd.ts'

const RELATIONS = {
  eq: (a: number, b: number) => a === b,
  ne: (a: number, b: number) => a !== b,
  lt: (a: number, b: number) => a < b,
  le: (a: number, b: number) => a <= b,
  gt: (a: number, b: number) => a > b,
  ge: (a: number, b: number) => a >= b,
}

/** Neighbours that float32 cannot tell apart, and the ends of int32. */
const INTEGERS = [2 ** 24, 2 ** 24 + 1, -(2 ** 24), -(2 ** 24) - 1, 0, 1, -1, 2 ** 31 - 1, -(2 ** 31)]
/** Numbers at, between and beyond those. */
const NUMBERS = [0, -0, 1, 0.5, -0.5, 2 ** 24 + 1, 2 ** 24 + 0.5, -(2 ** 24) - 0.5, NaN, Infinity, -Infinity]
const ENDS = [2 ** 31 - 1, 2 ** 31 - 0.5, 2 ** 31, -(2 ** 31), -(2 ** 31) - 0.5, -(2 ** 31) - 1]

const toNumbers = Object.entries(RELATIONS).map(
  ([op, f]): Case => ({
    op,
    f: (x: Nd, number: number) => zip((a) => Number(f(a, number)), x),
    gives: 'bool',
    on: [
      ...[...NUMBERS, ...ENDS].map((number) => on(given(INTEGERS, 'int32')).with(number)),
      ...[-1, 254.5, 256].map((number) => on(given([0, 1, 255], 'uint8')).with(number)),
      on(given([0, 1], 'bool')).with(0.5),
    ],
  }),
)

const pairs = INTEGERS.flatMap((a) => INTEGERS.map((b) => [a, b] as const))
const [a, b] = [0, 1].map((i) => pairs.map((pair) => pair[i]))

const toTensors = Object.entries(RELATIONS).map(
  ([op, f]): Case => ({
    op,
    f: (a: Nd, b: Nd) => zip((x, y) => Number(f(x, y)), a, b),
    gives: 'bool',
    on: [
      on(given(a, 'int32'), given(b, 'int32')),
      on(given([0, 7, 255], 'uint8'), given([-1, 7, 256], 'int32')),
      on(given([0, 1, 1], 'bool'), given([0, 1, 2], 'uint8')),
      on(given([0, 1], 'bool'), given([[0.5], [1]])),
    ],
  }),
)

const one: readonly Use[] = [
  ...EDGES.flatMap((n) => [on([n])]),
  on([]),
  on([2, 3, 4]),
  on([2, 0, 3]),
  on(extremes),
  on(given([-0, 1e-45, -1e-45, 3.4e38, -3.4e38, NaN, Infinity])),
  on(given([0, 1, -1, 2 ** 31 - 1, -(2 ** 31)], 'int32')),
  on(given([0, 1, 255], 'uint8')),
  on(given([0, 1, 1, 0, 1], 'bool')),
]

const test = (op: string, f: (x: number) => boolean): Case => ({
  op,
  f: (x: Nd) => zip((a) => Number(f(a)), x),
  gives: 'bool',
  on: one,
})

export const cases: readonly Case[] = [
  ...toNumbers,
  ...toTensors,
  test('logicalNot', (x) => x === 0),
  test('isNan', Number.isNaN),
  test('isInf', (x) => Math.abs(x) === Infinity),
  test('isFinite', Number.isFinite),
]

export const refused: readonly Refusal[] = []
