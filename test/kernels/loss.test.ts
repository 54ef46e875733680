import { beforeEach, describe, expect, it } from 'vitest'
import type { Ptr } from '../../src/runtime/kernels.generated.ts'
import { alloc, EDGE_LENGTHS, expectCanaries, f32, i32, k, readF32, reset, ulp } from './harness.ts'

const { NaN: nan } = Number
const NULL = 0 as Ptr
const IGNORED = -100

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
  const weights = alloc(rows * 4, misalign)
  const labels = i32(target)
  const invalid = k.labelWeights(labels, NULL, weights, rows, cols, IGNORED)
  if (invalid < 0) k.crossEntropy(guarded(x, misalign), labels, weights, lse, losses, rows, cols, IGNORED)
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
          const inputs = [guarded(x, misalign), i32(target), f32(target.map(() => 1)), saved] as const
          k.crossEntropyGrad(...inputs, f32([3]), upstream, dx, rows, cols, stride, beta, IGNORED)
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
    const one = f32([1])
    k.crossEntropyGrad(f32(x), i32([0]), one, f32(lse), one, one, dx, 1, 3, 0, 0, IGNORED)
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
      k.mse(guarded(a, misalign), guarded(b, misalign), y, n, 0, n)
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
      k.mseGrad(guarded(a, misalign), guarded(b, misalign), f32([0.7]), da, n, 0, beta, n)
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
    k.mse(f32(a), f32(new Float32Array(n)), y, n, 0, n)
    expect(readF32(y, 1)[0]).toBe(Math.fround((2 ** 40 + 999) / n))
    a[0] = 3e38
    k.mse(f32(a), f32(new Float32Array(n)), y, n, 0, n)
    expect(readF32(y, 1)[0]).toBe(Infinity)
    k.mse(f32([1e20, 0]), f32([0, 0]), y, 2, 0, 2)
    expect(readF32(y, 1)[0]).toBe(Infinity)
    k.mse(f32([1.8e19, 1.8e19]), f32([0, 0]), y, 2, 0, 2)
    expect(ulp(readF32(y, 1)[0]!, Math.fround(1.8e19) ** 2)).toBeLessThan(0.51)
  })

  it.each([0, 3, 4, 6])('is NaN if element %d is', (at) => {
    const a = wave(7, 1, 1)
    a[at] = nan
    const y = alloc(4)
    k.mse(f32(a), f32(wave(7, 1, 2)), y, 7, 0, 7)
    expect(readF32(y, 1)[0]).toBeNaN()
  })
})

describe('labelWeights and weightedMean', () => {
  it.each([0, 4, 8, 12])('weigh rows by their labels, %d bytes off alignment', (misalign) => {
    const target = [2, 0, -7, 2, 1]
    const weights = alloc(20, misalign)
    expect(k.labelWeights(i32(target), guarded([0.5, 3, 2], misalign), weights, 5, 3, -7)).toBe(-1)
    expect(readF32(weights, 5)).toEqual(Float32Array.of(2, 0.5, 0, 2, 3))
    expect(k.labelWeights(i32(target), NULL, weights, 5, 3, -7)).toBe(-1)
    expect(readF32(weights, 5)).toEqual(Float32Array.of(1, 1, 0, 1, 1))
    expect(k.labelWeights(i32(target), NULL, weights, 5, 2, -7)).toBe(0)
    const [y, divisor] = [alloc(4, misalign), alloc(4, misalign)]
    k.weightedMean(guarded([1, 2, 3, 4, 6], misalign), guarded([2, 0.5, 0, 2, 3], misalign), y, divisor, 5)
    expect(readF32(y, 1)[0]).toBe(Math.fround(16 / 7.5))
    expect(readF32(divisor, 1)[0]).toBe(7.5)
    k.weightedMean(y, y, y, divisor, 0)
    expect(readF32(y, 1)[0]).toBeNaN()
    expectCanaries()
  })
})

describe('crossEntropy of ignored rows', () => {
  it.each([0, 1])('leaves them alone with beta %d, and weighs the others', (beta) => {
    const x = f32([1, 2, nan, nan, 3, 1])
    const [lse, losses] = [alloc(24), alloc(12)]
    const [target, weights] = [i32([0, 9, 1]), f32([2, 0, 0.5])]
    k.crossEntropy(x, target, weights, lse, losses, 3, 2, 9)
    const [first, ignored, last] = readF32(losses, 3)
    expect(first).toBeCloseTo(2 * Math.log1p(Math.E), 6)
    expect(ignored).toBe(0)
    expect(last).toBeCloseTo(0.5 * Math.log1p(Math.exp(2)), 6)
    const dx = beta ? f32([1, 1, 1, 1, 1, 1]) : alloc(24)
    k.crossEntropyGrad(x, target, weights, lse, f32([4]), f32([1]), dx, 3, 2, 0, beta, 9)
    const p = 1 / (1 + Math.E)
    const q = 1 / (1 + Math.exp(2))
    const exact = [(2 * (p - 1)) / 4, (2 * (1 - p)) / 4, 0, 0, (0.5 * (1 - q)) / 4, (0.5 * (q - 1)) / 4]
    readF32(dx, 6).forEach((value, i) => {
      expect(Math.abs(value - exact[i]! - beta)).toBeLessThan(2e-7)
    })
    expectCanaries()
  })
})

describe('nll', () => {
  it.each([0, 1])('picks the label of each row, beta %d', (beta) => {
    const [x, target, weights] = [f32([1, 2, 3, 4, nan, 6]), i32([1, 0, 7]), f32([2, 0.5, 0])]
    const losses = alloc(12)
    k.nll(x, target, weights, losses, 3, 2, 7)
    expect(readF32(losses, 3)).toEqual(Float32Array.of(-4, -1.5, 0))
    for (const [stride, dlosses] of [
      [0, [4]],
      [1, [4, 2, 8]],
    ] as const) {
      const dx = beta ? f32([1, 1, 1, 1, 1, 1]) : alloc(24)
      k.nllGrad(target, weights, f32([2]), guarded(dlosses), dx, 3, 2, stride, beta, 7)
      const second = stride ? -0.5 : -1
      expect(readF32(dx, 6)).toEqual(Float32Array.from([0, -4, second, 0, 0, 0], (v) => v + beta))
    }
    expectCanaries()
  })
})

describe.each(EDGE_LENGTHS.filter((n) => n > 0 && n < 100))('softCrossEntropy of %d classes', (cols) => {
  const rows = 3
  const x = wave(rows * cols, 5, 1.1)
  const q = wave(rows * cols, 1, 0.3).map(Math.abs)
  const of = (data: Float32Array, r: number) => data.slice(r * cols, (r + 1) * cols)
  const total = (r: number) => of(q, r).reduce((a, b) => a + b, 0)

  it.each([
    [0, 0],
    [4, 1],
    [8, 0],
    [12, 1],
  ])('is what each class counts times its loss, %d bytes off alignment, beta %d', (misalign, beta) => {
    const [lse, losses] = [alloc(rows * 8, misalign), alloc(rows * 4, misalign)]
    const [px, pq] = [guarded(x, misalign), guarded(q, misalign)]
    k.softCrossEntropy(px, pq, lse, losses, rows, cols)
    readF32(losses, rows).forEach((value, r) => {
      const exact = of(x, r).reduce((sum, v, c) => sum + of(q, r)[c]! * (logSumExp(of(x, r)) - v), 0)
      expect(Math.abs(value - exact)).toBeLessThan(1e-6 * (1 + exact))
    })
    for (const stride of [0, 1]) {
      const dlosses = [0.7, -2, 3].slice(0, stride ? 3 : 1)
      const there = wave(rows * cols, 0.5, 0.7)
      const [dx, dq] = [0, 0].map(() => (beta ? f32(there, misalign) : alloc(rows * cols * 4, misalign)))
      k.softCrossEntropyGrad(px, pq, lse, f32([3]), guarded(dlosses), dx!, rows, cols, stride, beta)
      k.softCrossEntropyTargetGrad(px, lse, f32([3]), guarded(dlosses), dq!, rows, cols, stride, beta)
      expectCanaries()
      const [dxs, dqs] = [readF32(dx!, rows * cols), readF32(dq!, rows * cols)]
      dxs.forEach((value, i) => {
        const r = Math.floor(i / cols)
        const scale = dlosses[r * stride]! / 3
        const loss = logSumExp(of(x, r)) - x[i]!
        const before = beta ? there[i]! : 0
        expect(Math.abs(value - before - (Math.exp(-loss) * total(r) - q[i]!) * scale)).toBeLessThan(
          2e-6 * (1 + total(r)),
        )
        expect(Math.abs(dqs[i]! - before - loss * scale)).toBeLessThan(4e-6)
      })
    }
  })

  it('takes smoothed labels', () => {
    const labels = i32([cols - 1, -1, 0])
    const [weights, weight] = [f32([2, 0, 1]), wave(cols, 1, 0.4).map(Math.abs)]
    const y = alloc(rows * cols * 4)
    k.smoothLabels(labels, weights, guarded(weight), y, rows, cols, -1, 0.25)
    expectCanaries()
    readF32(y, rows * cols).forEach((value, i) => {
      const [r, c] = [Math.floor(i / cols), i % cols]
      const isLabel = c === [cols - 1, -1, 0][r]
      const exact = r === 1 ? 0 : (0.25 / cols) * weight[c]! + (isLabel ? 0.75 * [2, 0, 1][r]! : 0)
      expect(value).toBe(Math.fround(exact))
    })
  })
})

const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))
const logit = (x: number) => Math.log(x / (1 - x))

/** A loss of x and t, its slopes, and its kernels, which take what they share: x, t, then dy and dx, or y. */
const PAIRS: Record<
  string,
  {
    f: (x: number, t: number) => number
    dx: (x: number, t: number) => number
    dt: (x: number, t: number) => number
    run: (x: Ptr, t: Ptr, y: Ptr, n: number, each: number, divisor: number) => void
    grads: ((x: Ptr, t: Ptr, dy: Ptr, to: Ptr, n: number, each: number, beta: number, divisor: number) => void)[]
  }
> = {
  l1: {
    f: (x, t) => Math.abs(x - t),
    dx: (x, t) => Math.sign(x - t),
    dt: (x, t) => Math.sign(t - x),
    run: k.l1,
    grads: [k.l1Grad, (x, t, ...rest) => k.l1Grad(t, x, ...rest)],
  },
  huber: {
    f: (x, t) => (Math.abs(x - t) > 0.3 ? 0.3 * (Math.abs(x - t) - 0.15) : (x - t) ** 2 / 2) / 2,
    dx: (x, t) => Math.max(Math.min(x - t, 0.3), -0.3) / 2,
    dt: (x, t) => Math.max(Math.min(t - x, 0.3), -0.3) / 2,
    run: (...args) => k.huber(...args, 0.3, 2),
    grads: [(...args) => k.huberGrad(...args, 0.3, 2), (x, t, ...rest) => k.huberGrad(t, x, ...rest, 0.3, 2)],
  },
  bce: {
    f: (x, t) => -(t * Math.log(x) + (1 - t) * Math.log1p(-x)),
    dx: (x, t) => (x - t) / (x * (1 - x)),
    dt: (x) => -logit(x),
    run: k.bce,
    grads: [k.bceGrad, k.bceTargetGrad],
  },
  bceWithLogits: {
    f: (x, t) => t * softplus(-x) + (1 - t) * softplus(x),
    dx: (x, t) => 1 / (1 + Math.exp(-x)) - t,
    dt: (x) => -x,
    run: (x, t, ...rest) => k.bceWithLogits(x, t, NULL, ...rest),
    grads: [
      (x, t, ...rest) => k.bceWithLogitsGrad(x, t, NULL, ...rest),
      (x, t, ...rest) => k.bceWithLogitsTargetGrad(x, t, NULL, ...rest),
    ],
  },
  klDiv: {
    f: (x, t) => t * (Math.log(t) - x),
    dx: (_x, t) => -t,
    dt: (x, t) => Math.log(t) + 1 - x,
    run: (...args) => k.klDiv(...args, 0),
    grads: [(...args) => k.klDivGrad(...args, 0), (...args) => k.klDivTargetGrad(...args, 0)],
  },
  'klDiv of logarithms': {
    f: (x, t) => Math.exp(t) * (t - x),
    dx: (_x, t) => -Math.exp(t),
    dt: (x, t) => Math.exp(t) * (t + 1 - x),
    run: (...args) => k.klDiv(...args, 1),
    grads: [(...args) => k.klDivGrad(...args, 1), (...args) => k.klDivTargetGrad(...args, 1)],
  },
}

describe.each(Object.entries(PAIRS))('%s', (_name, { f, dx, dt, run, grads }) => {
  describe.each([...EDGE_LENGTHS, 4097])('of %d elements', (n) => {
    const x = wave(n, 0.45, 0.9).map((v) => v + 0.5)
    const t = wave(n, 0.4, 0.2).map((v) => v + 0.5)
    const values = Array.from(x, (v, i) => f(v, t[i]!))

    it.each([0, 4, 8, 12])('gives the losses, or their sum, %d bytes off alignment', (misalign) => {
      const [all, total] = [alloc(n * 4, misalign), alloc(4, misalign)]
      run(guarded(x, misalign), guarded(t, misalign), all, n, 1, 1)
      run(guarded(x, misalign), guarded(t, misalign), total, n, 0, 7)
      expectCanaries()
      readF32(all, n).forEach((value, i) => {
        expect(Math.abs(value - values[i]!)).toBeLessThan(1e-6 * (1 + Math.abs(values[i]!)))
      })
      const exact = values.reduce((a, b) => a + b, 0) / 7
      expect(Math.abs(readF32(total, 1)[0]! - exact)).toBeLessThan(1e-6 * (1 + Math.abs(exact)))
    })

    it.each([
      [0, 0],
      [4, 1],
      [8, 0],
      [12, 1],
    ])('gives the gradients, %d bytes off alignment, beta %d', (misalign, beta) => {
      const there = wave(n, 0.01, 0.7)
      const dy = wave(n, 2, 0.4)
      for (const each of [0, 1])
        grads.forEach((grad, of) => {
          const to = beta ? f32(there, misalign) : alloc(n * 4, misalign)
          const upstream = each ? guarded(dy, misalign) : guarded([0.7], misalign)
          grad(guarded(x, misalign), guarded(t, misalign), upstream, to, n, each, beta, 3)
          expectCanaries()
          readF32(to, n).forEach((value, i) => {
            const exact = [dx, dt][of]!(x[i]!, t[i]!) * (each ? dy[i]! : 0.7 / 3)
            expect(Math.abs(value - exact - (beta ? there[i]! : 0))).toBeLessThan(1e-6 * (1 + Math.abs(exact)))
          })
        })
    })
  })
})

describe('findOutsideUnit', () => {
  it.each(EDGE_LENGTHS.filter((n) => n > 0))('finds the first of %d that is no probability', (n) => {
    const x = wave(n, 0.5, 1).map((v) => v + 0.5)
    expect(k.findOutsideUnit(guarded([0, 1, ...x]), n + 2)).toBe(-1)
    for (const bad of [-1e-45, 1.0000001, nan, Infinity, -1])
      for (const at of new Set([0, n >> 1, n - 1])) {
        expect(k.findOutsideUnit(guarded(x.with(at, bad)), n)).toBe(at)
        expect(k.findOutsideUnit(f32(x.with(at, bad)), at)).toBe(-1)
      }
  })
})
