import { beforeEach, describe, expect, it } from 'vitest'
import type { Ptr } from '../../src/runtime/kernels.generated.ts'
import { gelu, geluTanh, logsigmoid, softplus } from '../ops/reference/activation.ts'
import { erf, power as powerOf } from '../ops/reference/unary.ts'
import { alloc, f32, i32, k, readF32, reset, ulp } from './harness.ts'

interface Claim {
  readonly bound: number
  readonly reference: (x: number) => number
  /** Where the bound begins to hold. Default: everywhere. */
  readonly from?: number
  /** What the kernel is given after the sizes. */
  readonly parameters?: readonly number[]
}

/** The error that each function states where it is written, in ULP, and what it is measured against. */
const FUNCTIONS = {
  exp: { bound: 1.02, reference: Math.exp },
  log: { bound: 0.84, reference: Math.log },
  log1p: { bound: 1.4, reference: Math.log1p },
  expm1: { bound: 1.34, reference: Math.expm1 },
  erf: { bound: 1.27, reference: erf },
  tanh: { bound: 2.56, reference: Math.tanh },
  sigmoid: { bound: 2.41, reference: sigmoid },
  sin: { bound: 0.502, reference: Math.sin },
  cos: { bound: 0.502, reference: Math.cos },
  rsqrt: { bound: 1.5, reference: (x: number) => 1 / Math.sqrt(x) },
  gelu: { bound: 6, reference: gelu },
  geluTanh: { bound: 2.5, reference: geluTanh, from: -0.5 },
  silu: { bound: 3.2, reference: (x: number) => x / (1 + Math.exp(-x)) },
  softplus: { bound: 1.7, reference: softplus(1, 20), parameters: [1, 20] },
  logsigmoid: { bound: 1.7, reference: logsigmoid },
  elu: { bound: 1.34, reference: (x: number) => (x > 0 ? x : Math.expm1(x)), parameters: [1] },
} satisfies Record<string, Claim>

function sigmoid(x: number): number {
  const e = Math.exp(-Math.abs(x))
  return (x < 0 ? e : 1) / (1 + e)
}

/** Every 257th float32, or all of them, which takes several minutes. */
const STRIDE = process.env.NEYRON_EXHAUSTIVE ? 1 : 257
const CHUNK = 1 << 20

const MAX = 3.4028234663852886e38
const MIN_NORMAL = 2 ** -126
const MIN_DENORMAL = 2 ** -149

beforeEach(reset)

describe.each(Object.entries<Claim>(FUNCTIONS))('%s', (name, { bound, reference, from, parameters = [] }) => {
  const run = k[name as keyof typeof FUNCTIONS] as (x: Ptr, y: Ptr, n: number, ...parameters: number[]) => void
  const apply = (x: ArrayLike<number>) => {
    reset()
    const y = alloc(x.length * 4)
    run(f32(x), y, x.length, ...parameters)
    return readF32(y, x.length)
  }
  /** The largest error over `x`, unless that in `worst` is larger. */
  const measure = (x: Float32Array, worst = { error: 0, at: 0 }) => {
    const y = apply(x)
    for (let i = 0; i < x.length; i++) {
      if (from !== undefined && x[i]! < from) continue
      const exact = reference(x[i]!)
      // Rounded right: no more than half a ULP, which is never the largest.
      if (Object.is(y[i], Math.fround(exact))) continue
      const error = ulp(y[i]!, exact)
      if (error > worst.error) worst = { error, at: x[i]! }
    }
    return worst
  }

  it(`stays within ${bound} ULP over ${STRIDE === 1 ? 'all' : `every ${STRIDE}th of the`} float32`, () => {
    const bits = new Uint32Array(CHUNK)
    let worst = { error: 0, at: 0 }
    for (let start = 0; start < 2 ** 32; start += CHUNK * STRIDE) {
      const n = Math.min(CHUNK, Math.ceil((2 ** 32 - start) / STRIDE))
      for (let i = 0; i < n; i++) bits[i] = start + i * STRIDE
      worst = measure(new Float32Array(bits.buffer, 0, n), worst)
    }
    if (STRIDE === 1) console.log(`${name}: at most ${worst.error} ULP, at ${worst.at}`)
    expect(worst.error, `at ${worst.at}`).toBeLessThanOrEqual(bound)
  }, 3_600_000)

  it(`stays within ${bound} ULP where it changes its ways`, () => {
    const places = [
      0,
      MIN_DENORMAL,
      MIN_NORMAL,
      2 ** -24,
      2 ** -12,
      0.5,
      0.75,
      0.93,
      1,
      3.92,
      9.02,
      10,
      14.3,
      16,
      20,
      112,
      MAX,
      Infinity,
    ]
    places.push(87.33654, 88.72284, 89, 103.27893, 103.97208, 104)
    for (let n = 1; n <= 150; n++) places.push((n * Math.PI) / 2, (2 ** 20 + n) * Math.PI, (2 ** 24 + n) * Math.PI)
    for (let n = -150; n <= 150; n++) places.push((n + 0.5) * Math.LN2, ((n + 0.5) * Math.LN2) / 2)
    for (let n = -149; n <= 127; n++) places.push(2 ** n, Math.SQRT2 * 2 ** n)
    const bits = new Int32Array(Float32Array.from(places).buffer)
    const around = Int32Array.from({ length: 101 }, (_, i) => i - 50)
    const near = Float32Array.from([...bits].flatMap((b) => [...new Float32Array(around.map((d) => b + d).buffer)]))
    for (const x of [near, near.map((x) => -x)]) {
      const { error, at } = measure(x)
      expect(error, `at ${at}`).toBeLessThanOrEqual(bound)
    }
  })

  it('does not depend on the lane', () => {
    const x = Float32Array.from({ length: 64 }, (_, i) => Math.sin(i) * 10 ** (i % 9))
    const y = apply(x)
    for (let shift = 1; shift < 4; shift++) expect(apply(x.slice(shift))).toEqual(y.slice(shift))
  })
})

it('stays within 1.02 ULP in the exp of cross entropy, which has no denormals', () => {
  const x = Float32Array.from({ length: CHUNK }, (_, i) => 88 - i * 2e-4)
  const y = alloc(x.length * 4)
  // No column is column -1, and 0 is subtracted from each: this leaves e^x alone.
  const one = f32([1])
  k.crossEntropyGrad(f32(x), i32([-1]), one, f32([0]), one, one, y, 1, x.length, 0, 0, -100)
  const worst = readF32(y, x.length).reduce((max, value, i) => {
    const exact = Math.exp(x[i]!)
    return Math.max(max, ulp(value, exact < MIN_NORMAL ? 0 : exact))
  }, 0)
  expect(worst).toBeLessThanOrEqual(1.02)
})

/** Bits matter here: the sign of zero, NaN, the ends of the range. */
const SPECIAL: [keyof typeof FUNCTIONS, number, number][] = [
  ['exp', Number.NaN, Number.NaN],
  ['exp', Infinity, Infinity],
  ['exp', -Infinity, 0],
  ['exp', 0, 1],
  ['exp', -0, 1],
  ['exp', MAX, Infinity],
  ['exp', -MAX, 0],
  ['exp', 88.72284, Infinity],
  ['exp', -103.98, 0],
  ['exp', -103.9, MIN_DENORMAL],
  ['log', Number.NaN, Number.NaN],
  ['log', Infinity, Infinity],
  ['log', -Infinity, Number.NaN],
  ['log', 0, -Infinity],
  ['log', -0, -Infinity],
  ['log', 1, 0],
  ['log', -1, Number.NaN],
  ['log', -MIN_DENORMAL, Number.NaN],
  ['log', MIN_DENORMAL, Math.fround(Math.log(MIN_DENORMAL))],
  ['log1p', Number.NaN, Number.NaN],
  ['log1p', Infinity, Infinity],
  ['log1p', -Infinity, Number.NaN],
  ['log1p', -1, -Infinity],
  ['log1p', -1.0000001, Number.NaN],
  ['log1p', 0, 0],
  ['log1p', -0, -0],
  ['log1p', -MIN_DENORMAL, -MIN_DENORMAL],
  ['log1p', MAX, Math.fround(Math.log(MAX))],
  ['expm1', Number.NaN, Number.NaN],
  ['expm1', Infinity, Infinity],
  ['expm1', -Infinity, -1],
  ['expm1', 0, 0],
  ['expm1', -0, -0],
  ['expm1', MIN_DENORMAL, MIN_DENORMAL],
  ['expm1', 88.72284, Infinity],
  ['expm1', 88.72283, Math.fround(Math.exp(Math.fround(88.72283)))],
  ['erf', Number.NaN, Number.NaN],
  ['erf', Infinity, 1],
  ['erf', -Infinity, -1],
  ['erf', 0, 0],
  ['erf', -0, -0],
  ['erf', -MIN_DENORMAL, -MIN_DENORMAL],
  ['sin', Number.NaN, Number.NaN],
  ['sin', Infinity, Number.NaN],
  ['sin', -Infinity, Number.NaN],
  ['sin', 0, 0],
  ['sin', -0, -0],
  ['sin', MIN_DENORMAL, MIN_DENORMAL],
  ['sin', MAX, Math.fround(Math.sin(MAX))],
  ['cos', Number.NaN, Number.NaN],
  ['cos', -Infinity, Number.NaN],
  ['cos', -0, 1],
  ['cos', -MAX, Math.fround(Math.cos(MAX))],
  ['rsqrt', Number.NaN, Number.NaN],
  ['rsqrt', 0, Infinity],
  ['rsqrt', -0, -Infinity],
  ['rsqrt', -1, Number.NaN],
  ['rsqrt', Infinity, 0],
  ['rsqrt', MIN_DENORMAL, Math.fround(2 ** 74.5)],
  ['tanh', Number.NaN, Number.NaN],
  ['tanh', Infinity, 1],
  ['tanh', -Infinity, -1],
  ['tanh', 0, 0],
  ['tanh', -0, -0],
  ['tanh', MIN_DENORMAL, MIN_DENORMAL],
  ['tanh', -1e-40, Math.fround(-1e-40)],
  ['tanh', 1e-20, Math.fround(1e-20)],
  ['sigmoid', Number.NaN, Number.NaN],
  ['sigmoid', Infinity, 1],
  ['sigmoid', -Infinity, 0],
  ['sigmoid', 0, 0.5],
  ['sigmoid', -MAX, 0],
  ['sigmoid', -103, Math.fround(Math.exp(-103))],
  ...(['gelu', 'geluTanh', 'silu'] as const).flatMap((name): typeof SPECIAL => [
    [name, Number.NaN, Number.NaN],
    [name, Infinity, Infinity],
    [name, -Infinity, Number.NaN],
    [name, 0, 0],
    [name, -0, -0],
    [name, MAX, MAX],
    [name, -MAX, -0],
    [name, 2 * MIN_DENORMAL, MIN_DENORMAL],
  ]),
  ['gelu', -14, Math.fround(gelu(-14))],
  ['silu', -103, Math.fround(-103 * Math.exp(-103))],
  ['softplus', Number.NaN, Number.NaN],
  ['softplus', Infinity, Infinity],
  ['softplus', -Infinity, 0],
  ['softplus', MAX, MAX],
  ['softplus', -103, Math.fround(Math.exp(-103))],
  ['logsigmoid', Number.NaN, Number.NaN],
  ['logsigmoid', Infinity, 0],
  ['logsigmoid', -Infinity, -Infinity],
  ['logsigmoid', -MAX, -MAX],
  ['logsigmoid', 103, -Math.fround(Math.exp(-103))],
  ['elu', Number.NaN, Number.NaN],
  ['elu', Infinity, Infinity],
  ['elu', -Infinity, -1],
  ['elu', -0, -0],
  ['elu', -MIN_DENORMAL, -MIN_DENORMAL],
]

it('stays within 1.9 ULP in gelu from -0.5 up', () => {
  const x = Float32Array.from({ length: CHUNK }, (_, i) => -0.5 + i * 2 ** -16)
  const y = alloc(x.length * 4)
  k.gelu(f32(x), y, x.length)
  const worst = readF32(y, x.length).reduce((max, value, i) => Math.max(max, ulp(value, gelu(x[i]!))), 0)
  expect(worst).toBeLessThanOrEqual(1.9)
})

it.each([
  ['gelu', gelu],
  ['geluTanh', geluTanh],
] as const)('keeps %s within 1.2e-7 max(1, |x|) below -0.5', (name, reference) => {
  const x = Float32Array.from({ length: CHUNK }, (_, i) => -0.5 - i * 2 ** -16)
  const y = alloc(x.length * 4)
  k[name](f32(x), y, x.length)
  readF32(y, x.length).forEach((value, i) => {
    const error = Math.abs(value - reference(x[i]!)) / Math.max(1, -x[i]!)
    if (!(error <= 1.2e-7)) expect.fail(`off by ${error} at ${x[i]}`)
  })
})

it.each(SPECIAL)('%s(%d) is %d', (name, x, expected) => {
  const y = alloc(4)
  const { parameters = [] }: Claim = FUNCTIONS[name]
  const run = k[name] as (x: Ptr, y: Ptr, n: number, ...parameters: readonly number[]) => void
  run(f32([x]), y, 1, ...parameters)
  expect(readF32(y, 1)[0]).toBe(expected)
})

it('keeps tanh and erf within -1..1, and sigmoid within 0..1', () => {
  const x = Float32Array.from({ length: 100_000 }, (_, i) => (i - 50_000) / 2500)
  const y = alloc(x.length * 4)
  k.tanh(f32(x), y, x.length)
  expect(readF32(y, x.length).every((v) => Math.abs(v) <= 1)).toBe(true)
  k.erf(f32(x), y, x.length)
  expect(readF32(y, x.length).every((v) => Math.abs(v) <= 1)).toBe(true)
  k.sigmoid(f32(x), y, x.length)
  expect(readF32(y, x.length).every((v) => v >= 0 && v <= 1)).toBe(true)
})

it('cosine is off by at most one unit in the last place, and exact at multiples of pi', () => {
  let worst = 0
  for (let i = 0; i < 20_000; i++) {
    const x = (i - 5000) * 0.0123456789
    worst = Math.max(worst, Math.abs(k.cosine(x) - Math.cos(x)))
  }
  // Math.cos of this engine is off by less than one unit itself, and a cosine below 1 has units of 2^-53 or less.
  expect(worst).toBeLessThanOrEqual(2 ** -53)
  expect([k.cosine(0), k.cosine(Math.PI), k.cosine(2 * Math.PI)]).toEqual([1, -1, 1])
  // 1 / 2 and -1 / 2, but for the rounding of pi / 3.
  expect(k.cosine(Math.PI / 3)).toBe(0.5000000000000001)
  expect(k.cosine(Infinity)).toBeNaN()
})

it.each([
  [0.9, 1],
  [0.999, 12345],
  [1.0001, -77],
  [2, 0.5],
  [10, -308],
  [0, 0],
  [-2, 3],
  [5, 1 / 3],
])('pow(%d, %d)', (x, y) => {
  const expected = x ** y
  expect(Math.abs(k.pow(x, y) - expected)).toBeLessThanOrEqual(1e-15 * Math.abs(expected))
})

describe.each([-64, -63.5, -3, -1, -0.5, -0.3, 1 / 3, 0.5, 1.5, 2, 3, 7, 2.7, 63.5, 64, 64.5, 65])(
  'power of %d',
  (p) => {
    it('stays within 0.501 ULP', () => {
      const n = 1 << 16
      const x = new Float32Array(Uint32Array.from({ length: n }, (_, i) => i * 65537).buffer)
      const near1 = Float32Array.from({ length: n }, (_, i) => 0.25 + i / 4096)
      for (const bases of [x, near1]) {
        reset()
        const y = alloc(n * 4)
        k.power(f32(bases), y, n, p)
        const [at, worst] = readF32(y, n).reduce<[number, number]>(
          (found, value, i) => {
            const error = ulp(value, bases[i]! ** p)
            return error > found[1] ? [bases[i]!, error] : found
          },
          [0, 0],
        )
        expect(worst, `at ${at}`).toBeLessThanOrEqual(0.501)
      }
    })
  },
)

it('has the special values of the power function of C', () => {
  const bases = [
    Number.NaN,
    Infinity,
    -Infinity,
    0,
    -0,
    1,
    -1,
    2,
    -2,
    0.5,
    -0.5,
    MIN_DENORMAL,
    -MIN_DENORMAL,
    MAX,
    -MAX,
  ]
  for (const p of [
    0,
    1,
    -1,
    2,
    -2,
    3,
    -3,
    0.5,
    -0.5,
    1.5,
    -1.5,
    0.3,
    -0.3,
    64,
    65,
    101,
    -101,
    1e30,
    Infinity,
    -Infinity,
  ]) {
    reset()
    const y = alloc(bases.length * 4)
    k.power(f32(bases), y, bases.length, p)
    expect([...readF32(y, bases.length)], `to the power of ${p}`).toEqual(bases.map(powerOf(p)).map(Math.fround))
  }
})
