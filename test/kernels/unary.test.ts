import { beforeEach, describe, expect, it } from 'vitest'
import type { Ptr } from '../../src/runtime/kernels.generated.ts'
import { alloc, EDGE_LENGTHS, expectCanaries, f32, k, readF32, reset, ulp } from './harness.ts'

type Forward = (x: Ptr, y: Ptr, n: number) => void
type Backward = (saved: Ptr, dy: Ptr, dx: Ptr, n: number, beta: number) => void

interface Op {
  forward: Forward
  backward: Backward
  /** What the gradient is given: the input or the output. */
  saves: 'x' | 'y'
  f(x: number): number
  df(saved: number, dy: number): number
}

const OPS: Record<string, Op> = {
  relu: {
    forward: k.relu,
    backward: k.reluGrad,
    saves: 'y',
    f: (x) => Math.max(x, 0),
    df: (y, dy) => (y > 0 ? dy : 0),
  },
  sigmoid: {
    forward: k.sigmoid,
    backward: k.sigmoidGrad,
    saves: 'y',
    f: (x) => 1 / (1 + Math.exp(-x)),
    df: (y, dy) => dy * y * (1 - y),
  },
  tanh: { forward: k.tanh, backward: k.tanhGrad, saves: 'y', f: Math.tanh, df: (y, dy) => dy * (1 - y * y) },
  exp: { forward: k.exp, backward: k.expGrad, saves: 'y', f: Math.exp, df: (y, dy) => dy * y },
  log: { forward: k.log, backward: k.logGrad, saves: 'x', f: Math.log, df: (x, dy) => dy / x },
}

/** Inputs in the domain of every op. */
const inputs = (op: Op, n: number) =>
  Float32Array.from({ length: n }, (_, i) => (op.saves === 'x' ? 0.01 + i : 3 * Math.sin(i + 1)))
const upstream = (n: number) => Float32Array.from({ length: n }, (_, i) => Math.cos(3 * i) + 0.1)

/** Data with NaN right behind its end. */
const guarded = (data: Float32Array, misalign = 0) => f32([...data, Number.NaN, Number.NaN, Number.NaN], misalign)

beforeEach(reset)

describe.each(Object.entries(OPS))('%s', (_, op) => {
  describe.each(EDGE_LENGTHS)('of %d elements', (n) => {
    const x = inputs(op, n)
    const saved = op.saves === 'x' ? x : x.map(op.f)
    const dy = upstream(n)

    it.each([0, 4, 8, 12])('computes values, %d bytes off alignment', (misalign) => {
      const y = alloc(n * 4, misalign)
      op.forward(guarded(x, misalign), y, n)
      expectCanaries()
      readF32(y, n).forEach((value, i) => {
        expect(ulp(value, op.f(x[i]!))).toBeLessThan(3)
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

    it.each([0, 4, 8, 12])('stores gradients, %d bytes off alignment', (misalign) => {
      const dx = alloc(n * 4, misalign)
      op.backward(guarded(saved, misalign), guarded(dy, misalign), dx, n, 0)
      expectCanaries()
      readF32(dx, n).forEach((value, i) => {
        const expected = op.df(saved[i]!, dy[i]!)
        expect(Math.abs(value - expected)).toBeLessThanOrEqual(3e-7 * Math.abs(dy[i]!) + 3e-7 * Math.abs(expected))
      })
    })

    it('adds gradients', () => {
      const there = upstream(n).map((v) => v * 0.3)
      const stored = alloc(n * 4)
      const added = f32(there)
      op.backward(guarded(saved), guarded(dy), stored, n, 0)
      op.backward(guarded(saved), guarded(dy), added, n, 1)
      expect(readF32(added, n)).toEqual(readF32(stored, n).map((v, i) => v + there[i]!))
      expectCanaries()
    })
  })

  it('passes NaN on', () => {
    const y = alloc(4)
    op.forward(f32([Number.NaN]), y, 1)
    expect(readF32(y, 1)).toEqual(Float32Array.of(Number.NaN))
    const dx = alloc(4)
    op.backward(f32([0.5]), f32([Number.NaN]), dx, 1, 0)
    expect(readF32(dx, 1)).toEqual(Float32Array.of(Number.NaN))
  })
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
