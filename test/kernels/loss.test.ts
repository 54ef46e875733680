import { beforeEach, describe, expect, it } from 'vitest'
import { alloc, EDGE_LENGTHS, expectCanaries, f32, i32, k, readF32, reset, ulp } from './harness.ts'

const { NaN: nan } = Number
/** Data with NaN right behind its end. */
const guarded = (data: ArrayLike<number>, misalign = 0) => f32([...Array.from(data), nan, nan, nan], misalign)

const wave = (n: number, scale: number, step: number) =>
  Float32Array.from({ length: n }, (_, i) => scale * Math.sin(step * i + 1))

const logSumExp = (row: Float32Array) => {
  const max = Math.max(...row)
  return max + Math.log(row.reduce((sum, v) => sum + Math.exp(v - max), 0))
}

function crossEntropy(x: ArrayLike<number>, target: number[], cols: number, misalign = 0) {
  const rows = target.length
  const lse = alloc(rows * 8, misalign)
  const losses = alloc(rows * 4, misalign)
  const invalid = k.crossEntropy(guarded(x, misalign), i32(target), lse, losses, rows, cols)
  expectCanaries()
  return { invalid, lse: readF32(lse, rows * 2), losses: readF32(losses, rows) }
}

beforeEach(reset)

describe('crossEntropy', () => {
  describe.each(EDGE_LENGTHS.filter((n) => n > 0))('with %d classes', (cols) => {
    describe.each([0, 1, 5])('and %d rows', (rows) => {
      const x = wave(rows * cols, 6, 1.3)
      const row = (r: number) => x.slice(r * cols, (r + 1) * cols)
      const target = Array.from({ length: rows }, (_, r) => (r * 7 + cols - 1) % cols)

      it.each([0, 4, 8, 12])('is logSumExp less the logit of the target, %d bytes off alignment', (misalign) => {
        const { invalid, lse, losses } = crossEntropy(x, target, cols, misalign)
        expect(invalid).toBe(-1)
        for (let r = 0; r < rows; r++) {
          const exact = logSumExp(row(r))
          expect(Math.abs(lse[2 * r]! + lse[2 * r + 1]! - exact)).toBeLessThan(1e-6)
          expect(Math.abs(losses[r]! - (exact - row(r)[target[r]!]!))).toBeLessThan(2e-6)
        }
      })

      it.each([
        [0, 0],
        [4, 1],
        [8, 0],
        [12, 1],
      ])('has the gradient softmax less one-hot, %d bytes off alignment, beta %d', (misalign, beta) => {
        const { lse } = crossEntropy(x, target, cols)
        const dlosses = wave(rows, 1, 2)
        const there = wave(rows * cols, 0.5, 0.7)
        for (const stride of [0, 1]) {
          const dx = beta ? f32(there, misalign) : alloc(rows * cols * 4, misalign)
          const saved = guarded(lse, misalign)
          const upstream = rows ? guarded(dlosses, misalign) : alloc(0)
          k.crossEntropyGrad(guarded(x, misalign), i32(target), saved, upstream, dx, rows, cols, stride, beta, 3)
          expectCanaries()
          readF32(dx, rows * cols).forEach((value, i) => {
            const r = Math.floor(i / cols)
            const p = Math.exp(x[i]! - logSumExp(row(r))) - (i % cols === target[r] ? 1 : 0)
            const exact = (p * dlosses[r * stride]!) / 3 + (beta ? there[i]! : 0)
            expect(Math.abs(value - exact)).toBeLessThan(4e-7)
          })
        }
      })
    })

    it.each([-1, cols, 2 ** 31 - 1, -(2 ** 31)])('reports the first row whose target is %d', (wrong) => {
      expect(crossEntropy(wave(3 * cols, 1, 1), [0, wrong, wrong], cols).invalid).toBe(1)
    })
  })

  it('has the same gradient however large the logits are', () => {
    const x = [1e6, 1e6, 1e6 + 1]
    const { lse } = crossEntropy(x, [0], 3)
    const dx = alloc(12)
    k.crossEntropyGrad(f32(x), i32([0]), f32(lse), f32([1]), dx, 1, 3, 0, 0, 1)
    const sum = 2 + Math.E
    const exact = [1 / sum - 1, 1 / sum, Math.E / sum]
    readF32(dx, 3).forEach((value, i) => {
      expect(Math.abs(value - exact[i]!)).toBeLessThan(1e-7)
    })
  })

  it('reports any target if there are no classes', () => {
    expect(crossEntropy([], [0], 0).invalid).toBe(0)
  })

  it('loses nothing of a small loss beside large logits', () => {
    const { losses } = crossEntropy([1e4, 1e4 - 5, 1e4 - 5], [0], 3)
    expect(ulp(losses[0]!, Math.log1p(2 * Math.exp(-5)))).toBeLessThan(8)
  })

  it('is finite for excluded classes, infinite for an excluded target', () => {
    const { losses } = crossEntropy([-Infinity, 1, -Infinity, 1, -Infinity, 2], [1, 1], 3)
    expect(losses).toEqual(Float32Array.of(0, Infinity))
    expect(crossEntropy([-3e38, 3e38], [1], 2).losses).toEqual(Float32Array.of(0))
  })

  it.each([
    [[nan, 0, 0, 0, 0]],
    [[0, 0, 0, 0, nan]],
    [[0, 0, 0, Infinity, 0]],
    [[-Infinity, -Infinity, -Infinity, -Infinity, -Infinity]],
  ])('is NaN for %o, and leaves the other rows alone', (bad) => {
    const good = [1, 2, 3, 4, 5]
    const { losses } = crossEntropy([...good, ...bad, ...good], [2, 2, 2], 5)
    const alone = crossEntropy(good, [2], 5).losses[0]!
    expect(losses).toEqual(Float32Array.of(alone, nan, alone))
  })
})

describe('mse', () => {
  describe.each([...EDGE_LENGTHS, 4095, 4096, 4097, 10_001])('of %d elements', (n) => {
    const a = wave(n, 3, 0.9)
    const b = wave(n, 2, 0.2)
    const difference = a.map((v, i) => v - b[i]!)

    it.each([0, 4, 8, 12])('is the mean square, %d bytes off alignment', (misalign) => {
      const y = alloc(4, misalign)
      k.mse(guarded(a, misalign), guarded(b, misalign), y, n)
      expectCanaries()
      const exact = difference.reduce((sum, d) => sum + d * d, 0) / n
      expect(ulp(readF32(y, 1)[0]!, exact)).toBeLessThan(0.51)
    })

    it.each([
      [0, 0],
      [4, 1],
      [8, 0],
      [12, 1],
    ])('has the gradient 2 (a - b) dy / n, %d bytes off alignment, beta %d', (misalign, beta) => {
      const there = wave(n, 0.01, 0.7)
      const da = beta ? f32(there, misalign) : alloc(n * 4, misalign)
      k.mseGrad(guarded(a, misalign), guarded(b, misalign), f32([0.7]), da, n, beta)
      expectCanaries()
      const scale = Math.fround((2 * Math.fround(0.7)) / n)
      const expected = difference.map((d, i) => Math.fround(d * scale) + (beta ? there[i]! : 0))
      expect(readF32(da, n)).toEqual(expected)
    })
  })

  it('accumulates in float64', () => {
    const n = 1000
    const a = new Float32Array(n).fill(1)
    a[0] = 2 ** 20
    const y = alloc(4)
    k.mse(f32(a), f32(new Float32Array(n)), y, n)
    expect(readF32(y, 1)[0]).toBe(Math.fround((2 ** 40 + 999) / n))
    a[0] = 3e38
    k.mse(f32(a), f32(new Float32Array(n)), y, n)
    expect(readF32(y, 1)[0]).toBe(Infinity)
    k.mse(f32([1e20, 0]), f32([0, 0]), y, 2)
    expect(readF32(y, 1)[0]).toBe(Infinity)
    k.mse(f32([1.8e19, 1.8e19]), f32([0, 0]), y, 2)
    expect(ulp(readF32(y, 1)[0]!, Math.fround(1.8e19) ** 2)).toBeLessThan(0.51)
  })

  it.each([0, 3, 4, 6])('is NaN if element %d is', (at) => {
    const a = wave(7, 1, 1)
    a[at] = nan
    const y = alloc(4)
    k.mse(f32(a), f32(wave(7, 1, 2)), y, 7)
    expect(readF32(y, 1)[0]).toBeNaN()
  })
})
