import { beforeEach, describe, expect, it } from 'vitest'
import type { Ptr } from '../../src/runtime/kernels.generated.ts'
import { elu, gelu, geluTanh, hardswish, leakyRelu, logsigmoid, softplus } from '../ops/reference/activation.ts'
import { clamp, erf, round } from '../ops/reference/unary.ts'
import { alloc, EDGE_LENGTHS, expectCanaries, f32, k, readF32, reset, ulp } from './harness.ts'

type Forward = (x: Ptr, y: Ptr, n: number) => void
type Backward = (saved: Ptr, dy: Ptr, dx: Ptr, n: number, beta: number) => void

interface Op {
  forward: Forward
  f(x: number): number
  /** How many ULP its values are off by at most, between -3 and 3. Default: 3. */
  ulp?: number
  /** Whether it has values for positive numbers only. */
  isPositive?: boolean
  gradient?: {
    backward: Backward
    /** What it is given: the input or the output. */
    saves: 'x' | 'y'
    df(saved: number, dy: number): number
  }
}

const exact = (forward: Forward, f: Op['f']): Op => ({ forward, f })

const powers = (p: number): Op => ({
  forward: (x, y, n) => k.power(x, y, n, p),
  f: (x) => x ** p,
  isPositive: true,
  gradient: {
    backward: (s, dy, dx, n, beta) => k.powerGrad(s, dy, dx, n, beta, p),
    saves: 'x',
    df: (x, dy) => dy * p * x ** (p - 1),
  },
})

/** An op whose gradient is what differences say, and has no other test here. */
const slope =
  (f: Op['f'], h = 1e-5) =>
  (x: number, dy: number) =>
    (dy * (f(x + h) - f(x - h))) / (2 * h)
const bend = (forward: Forward, backward: Backward, f: Op['f']): Op => ({
  forward,
  f,
  gradient: { backward, saves: 'x', df: slope(f) },
})

const OPS: Record<string, Op> = {
  relu: {
    forward: k.relu,
    f: (x) => Math.max(x, 0),
    gradient: { backward: k.reluGrad, saves: 'y', df: (y, dy) => (y > 0 ? dy : 0) },
  },
  sigmoid: {
    forward: k.sigmoid,
    f: (x) => 1 / (1 + Math.exp(-x)),
    gradient: { backward: k.sigmoidGrad, saves: 'y', df: (y, dy) => dy * y * (1 - y) },
  },
  tanh: {
    forward: k.tanh,
    f: Math.tanh,
    gradient: { backward: k.tanhGrad, saves: 'y', df: (y, dy) => dy * (1 - y * y) },
  },
  exp: { forward: k.exp, f: Math.exp, gradient: { backward: k.expGrad, saves: 'y', df: (y, dy) => dy * y } },
  log: {
    forward: k.log,
    f: Math.log,
    isPositive: true,
    gradient: { backward: k.logGrad, saves: 'x', df: (x, dy) => dy / x },
  },
  log1p: {
    forward: k.log1p,
    f: Math.log1p,
    isPositive: true,
    gradient: { backward: k.log1pGrad, saves: 'x', df: (x, dy) => dy / (1 + x) },
  },
  expm1: {
    forward: k.expm1,
    f: Math.expm1,
    gradient: { backward: k.expm1Grad, saves: 'y', df: (y, dy) => dy * (y + 1) },
  },
  sqrt: {
    forward: k.sqrt,
    f: Math.sqrt,
    isPositive: true,
    gradient: { backward: k.sqrtGrad, saves: 'y', df: (y, dy) => dy / (2 * y) },
  },
  rsqrt: {
    forward: k.rsqrt,
    f: (x) => 1 / Math.sqrt(x),
    isPositive: true,
    gradient: { backward: k.rsqrtGrad, saves: 'y', df: (y, dy) => (-dy / 2) * y ** 3 },
  },
  reciprocal: {
    forward: k.reciprocal,
    f: (x) => 1 / x,
    gradient: { backward: k.reciprocalGrad, saves: 'y', df: (y, dy) => -dy * y * y },
  },
  square: {
    forward: k.square,
    f: (x) => x * x,
    gradient: { backward: k.squareGrad, saves: 'x', df: (x, dy) => dy * 2 * x },
  },
  abs: { forward: k.abs, f: Math.abs, gradient: { backward: k.absGrad, saves: 'x', df: (x, dy) => dy * Math.sign(x) } },
  sin: { forward: k.sin, f: Math.sin, gradient: { backward: k.sinGrad, saves: 'x', df: (x, dy) => dy * Math.cos(x) } },
  cos: { forward: k.cos, f: Math.cos, gradient: { backward: k.cosGrad, saves: 'x', df: (x, dy) => -dy * Math.sin(x) } },
  erf: {
    forward: k.erf,
    f: erf,
    gradient: {
      backward: k.erfGrad,
      saves: 'x',
      df: (x, dy) => ((dy * 2) / Math.sqrt(Math.PI)) * Math.exp(-x * x),
    },
  },
  clamp: {
    forward: (x, y, n) => k.clamp(x, y, n, -1, 2),
    f: (x) => Math.min(Math.max(x, -1), 2),
    gradient: {
      backward: (s, dy, dx, n, beta) => k.clampGrad(s, dy, dx, n, beta, -1, 2),
      saves: 'x',
      df: (x, dy) => (x >= -1 && x <= 2 ? dy : 0),
    },
  },
  leakyRelu: bend(
    (x, y, n) => k.leakyRelu(x, y, n, 0.25),
    (s, dy, dx, n, beta) => k.leakyReluGrad(s, dy, dx, n, beta, 0.25),
    leakyRelu(0.25),
  ),
  elu: bend(
    (x, y, n) => k.elu(x, y, n, 0.5),
    (s, dy, dx, n, beta) => k.eluGrad(s, dy, dx, n, beta, 0.5),
    elu(0.5),
  ),
  gelu: { ...bend(k.gelu, k.geluGrad, gelu), ulp: 5 },
  // The exponent is a rounded cube, whose error counts where e to its power is all there is.
  geluTanh: { ...bend(k.geluTanh, k.geluTanhGrad, geluTanh), ulp: 12 },
  silu: bend(k.silu, k.siluGrad, (x) => x / (1 + Math.exp(-x))),
  softplus: bend(
    (x, y, n) => k.softplus(x, y, n, 2, 5),
    (s, dy, dx, n, beta) => k.softplusGrad(s, dy, dx, n, beta, 2, 5),
    softplus(2, 5),
  ),
  logsigmoid: bend(k.logsigmoid, k.logsigmoidGrad, logsigmoid),
  hardtanh: bend(
    (x, y, n) => k.clamp(x, y, n, -1, 2),
    (s, dy, dx, n, beta) => k.hardtanhGrad(s, dy, dx, n, beta, -1, 2),
    clamp(-1, 2),
  ),
  hardsigmoid: bend(k.hardsigmoid, k.hardsigmoidGrad, (x) => clamp(0, 6)(x + 3) / 6),
  hardswish: bend(k.hardswish, k.hardswishGrad, hardswish),
  'power of 2': powers(2),
  'power of -3': powers(-3),
  'power of 1.5': powers(1.5),
  'power of 0.3': powers(0.3),
  neg: exact(k.neg, (x) => -x),
  floor: exact(k.floor, Math.floor),
  ceil: exact(k.ceil, Math.ceil),
  round: exact(k.round, round),
  trunc: exact(k.trunc, Math.trunc),
}

/** Inputs in the domain of the op. */
const inputs = ({ isPositive }: Op, n: number) =>
  Float32Array.from({ length: n }, (_, i) => (isPositive ? 0.01 + i : 3 * Math.sin(i + 1)))
const upstream = (n: number) => Float32Array.from({ length: n }, (_, i) => Math.cos(3 * i) + 0.1)

/** Data with NaN right behind its end. */
const guarded = (data: Float32Array, misalign = 0) => f32([...data, Number.NaN, Number.NaN, Number.NaN], misalign)

beforeEach(reset)

describe.each(Object.entries(OPS))('%s', (_, op) => {
  describe.each(EDGE_LENGTHS)('of %d elements', (n) => {
    const x = inputs(op, n)

    it.each([0, 4, 8, 12])('computes values, %d bytes off alignment', (misalign) => {
      const y = alloc(n * 4, misalign)
      op.forward(guarded(x, misalign), y, n)
      expectCanaries()
      readF32(y, n).forEach((value, i) => {
        expect(ulp(value, op.f(x[i]!))).toBeLessThan(op.ulp ?? 3)
      })
    })

    it('computes in place', () => {
      const y = alloc(n * 4)
      const p = guarded(x)
      op.forward(p, y, n)
      op.forward(p, p, n)
      expect(readF32(p, n)).toEqual(readF32(y, n))
      expectCanaries()
    })
  })

  it('passes NaN on', () => {
    const y = alloc(4)
    op.forward(f32([Number.NaN]), y, 1)
    expect(readF32(y, 1)).toEqual(Float32Array.of(Number.NaN))
  })
})

const differentiable = Object.entries(OPS).flatMap(([name, op]) => (op.gradient ? [{ name, op, ...op.gradient }] : []))

describe.each(differentiable)('the gradient of $name', ({ op, backward, saves, df }) => {
  describe.each(EDGE_LENGTHS)('of %d elements', (n) => {
    const x = inputs(op, n)
    const saved = saves === 'x' ? x : x.map(op.f)
    const dy = upstream(n)

    it.each([0, 4, 8, 12])('is stored, %d bytes off alignment', (misalign) => {
      const dx = alloc(n * 4, misalign)
      backward(guarded(saved, misalign), guarded(dy, misalign), dx, n, 0)
      expectCanaries()
      readF32(dx, n).forEach((value, i) => {
        const expected = df(saved[i]!, dy[i]!)
        expect(Math.abs(value - expected)).toBeLessThanOrEqual(3e-7 * Math.abs(dy[i]!) + 3e-7 * Math.abs(expected))
      })
    })

    it('is added', () => {
      const there = upstream(n).map((v) => v * 0.3)
      const stored = alloc(n * 4)
      const added = f32(there)
      backward(guarded(saved), guarded(dy), stored, n, 0)
      backward(guarded(saved), guarded(dy), added, n, 1)
      expect(readF32(added, n)).toEqual(readF32(stored, n).map((v, i) => v + there[i]!))
      expectCanaries()
    })
  })

  it('passes NaN on', () => {
    const dx = alloc(4)
    backward(f32([0.5]), f32([Number.NaN]), dx, 1, 0)
    expect(readF32(dx, 1)).toEqual(Float32Array.of(Number.NaN))
  })
})

const { NaN: nan } = Number

/** What a kernel makes of some numbers. */
const valuesOf = (forward: Forward, x: readonly number[]) => {
  const y = alloc(x.length * 4)
  forward(f32(x), y, x.length)
  return [...readF32(y, x.length)]
}
const gradientsOf = (backward: Backward, saved: readonly number[], dy = saved.map(() => 1)) => {
  const dx = alloc(saved.length * 4)
  backward(f32(saved), f32(dy), dx, saved.length, 0)
  return [...readF32(dx, saved.length)]
}

it('gives 0 for the sign of zeros and of NaN, and so for the gradient of abs, as PyTorch does', () => {
  const x = [3, -3, 0, -0, nan, Infinity, -Infinity, 1e-45, -1e-45]
  expect(valuesOf(k.sign, x)).toEqual([1, -1, 0, 0, 0, 1, -1, 1, -1])
  expect(gradientsOf(k.absGrad, x)).toEqual([1, -1, 0, 0, 0, 1, -1, 1, -1])
})

it('rounds halves to even, and keeps the sign of what becomes 0', () => {
  expect(valuesOf(k.round, [0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 8388609, -0.2])).toEqual([
    0, 2, 2, -0, -2, -2, 8388609, -0,
  ])
})

it('clamps as PyTorch does: NaN stays, bounds in the wrong order give the upper, the gradient passes at the bounds', () => {
  const x = [nan, -Infinity, 0, 1, 2, 3, 4, Infinity]
  const clamped = (low: number, high: number) => [
    valuesOf((x, y, n) => k.clamp(x, y, n, low, high), x),
    gradientsOf((s, dy, dx, n, beta) => k.clampGrad(s, dy, dx, n, beta, low, high), x),
  ]
  expect(clamped(1, 3)).toEqual([
    [nan, 1, 1, 1, 2, 3, 3, 3],
    [0, 0, 0, 1, 1, 1, 0, 0],
  ])
  expect(clamped(3, 1)).toEqual([
    [nan, 1, 1, 1, 1, 1, 1, 1],
    [0, 0, 0, 0, 0, 0, 0, 0],
  ])
  expect(clamped(-Infinity, 2)).toEqual([
    [nan, -Infinity, 0, 1, 2, 2, 2, 2],
    [0, 1, 1, 1, 1, 0, 0, 0],
  ])
})

it('has infinite slopes at the zeros of sqrt', () => {
  expect(gradientsOf(k.sqrtGrad, [0, -0, 2])).toEqual([Infinity, -Infinity, 0.25])
})

it('forms the gradient of a power as one number, of which no part overflows first', () => {
  const cubic: Backward = (s, dy, dx, n, beta) => k.powerGrad(s, dy, dx, n, beta, 3)
  expect(gradientsOf(cubic, [2 ** 70], [2 ** -40])).toEqual([3 * 2 ** 100])
})

it('passes an infinite upstream gradient through expm1 wherever the slope is not 0', () => {
  const y = [-1, -0.5, -0, 0, 2]
  const dy = y.map(() => Infinity)
  expect(gradientsOf(k.expm1Grad, y, dy)).toEqual([nan, Infinity, Infinity, Infinity, Infinity])
})

it('takes a large upstream gradient through erf without overflow where the slope is below 1', () => {
  expect(gradientsOf(k.erfGrad, [1], [3.4e38])[0]! / 3.4e38).toBeCloseTo(2 / Math.sqrt(Math.PI) / Math.E)
})

it('gates the gradient of relu as PyTorch does', () => {
  const y = [0, -0, 1, Infinity, Number.NaN, 0]
  const dy = [2, 2, 2, 2, 2, Number.NaN]
  const dx = alloc(y.length * 4)
  k.reluGrad(f32(y), f32(dy), dx, y.length, 0)
  expect(readF32(dx, y.length)).toEqual(Float32Array.of(0, 0, 2, 2, 2, 0))
})

it('keeps relu of infinities', () => {
  const y = alloc(8)
  k.relu(f32([Infinity, -Infinity]), y, 2)
  expect(readF32(y, 2)).toEqual(Float32Array.of(Infinity, 0))
})

describe('at its kinks, NaN and infinities, has the gradient that PyTorch has', () => {
  const { leaky, hardtanh, relu6, elu2 } = {
    leaky: ((s, dy, dx, n, beta) => k.leakyReluGrad(s, dy, dx, n, beta, 0.25)) satisfies Backward,
    hardtanh: ((s, dy, dx, n, beta) => k.hardtanhGrad(s, dy, dx, n, beta, -1, 1)) satisfies Backward,
    relu6: ((s, dy, dx, n, beta) => k.hardtanhGrad(s, dy, dx, n, beta, 0, 6)) satisfies Backward,
    elu2: ((s, dy, dx, n, beta) => k.eluGrad(s, dy, dx, n, beta, 2)) satisfies Backward,
  }

  it.each<[string, Backward, readonly number[], readonly number[]]>([
    ['leakyRelu', leaky, [0, -0, nan, Infinity, -Infinity], [0.25, 0.25, 0.25, 1, 0.25]],
    ['elu', elu2, [0, -0, nan, Infinity, -Infinity], [2, 2, nan, 1, 0]],
    ['hardtanh', hardtanh, [-1, 1, 0, nan, Infinity, -Infinity], [0, 0, 1, 0, 0, 0]],
    ['relu6', relu6, [0, -0, 6, 3, nan, Infinity], [0, 0, 0, 1, 0, 0]],
    ['hardsigmoid', k.hardsigmoidGrad, [-3, 3, 0, nan, Infinity], [0, 0, Math.fround(1 / 6), 0, 0]],
    ['hardswish', k.hardswishGrad, [-3, 3, 0, nan, Infinity, -Infinity], [-0.5, 1, 0.5, nan, 1, 0]],
    ['gelu', k.geluGrad, [0, nan, Infinity, -Infinity, 3e38, -3e38], [0.5, nan, nan, nan, 1, 0]],
    ['geluTanh', k.geluTanhGrad, [0, nan, Infinity, -Infinity], [0.5, nan, nan, nan]],
    ['silu', k.siluGrad, [0, nan, Infinity, -Infinity, 3e38, -3e38], [0.5, nan, nan, nan, 1, -0]],
    ['logsigmoid', k.logsigmoidGrad, [0, nan, Infinity, -Infinity], [0.5, nan, 0, 1]],
  ])('%s', (_name, backward, x, expected) => {
    expect(gradientsOf(backward, x).map((v) => v + 0)).toEqual(expected.map((v) => v + 0))
  })

  it('geluTanh, which has 1 and 0 far out, where PyTorch overflows to NaN', () => {
    expect(gradientsOf(k.geluTanhGrad, [3e38, -3e38, 1e20, -1e20]).map((v) => v + 0)).toEqual([1, 0, 1, 0])
  })
})

it('keeps hardswish finite where x times 6 would overflow', () => {
  expect(valuesOf(k.hardswish, [2e38, -2e38, -Infinity, Infinity])).toEqual([Math.fround(2e38), -0, nan, Infinity])
})
