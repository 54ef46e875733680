import { beforeEach, describe, expect, it } from 'vitest'
import type { Ptr } from '../../src/runtime/kernels.generated.ts'
import { atEndOfMemory, input, random } from './data.ts'
import { alloc, EDGE_LENGTHS, expectCanaries, f32, i32, k, readF32, reset } from './harness.ts'

beforeEach(reset)

interface Segment {
  p: Ptr
  g: Ptr
  state0?: Ptr
  state1?: Ptr
  state2?: Ptr
  n: number
  hyper: number[]
}

/** The table that optimizer kernels read: 64 bytes a row. */
function table(segments: Segment[]): Ptr {
  const view = new DataView(new ArrayBuffer(segments.length * 64))
  segments.forEach(({ p, g, state0 = 0, state1 = 0, state2 = 0, n, hyper }, row) => {
    for (const [i, v] of [p, g, state0, state1, state2, n].entries()) view.setInt32(row * 64 + i * 4, v, true)
    for (const [i, v] of hyper.entries()) view.setFloat32(row * 64 + 24 + i * 4, v, true)
  })
  return i32(new Int32Array(view.buffer))
}

const gradient = (n: number, step: number) => random(n, 100 + step, -1, 1)
const STEPS = 20

const expectClose = (actual: Float32Array, expected: number[], relative: number, absolute: number) =>
  actual.forEach((v, i) => {
    expect(Math.abs(v - expected[i]!)).toBeLessThanOrEqual(absolute + relative * Math.abs(expected[i]!))
  })

describe('sgd', () => {
  const options = [
    {},
    { weightDecay: 0.1 },
    { momentum: 0.9 },
    { momentum: 0.9, dampening: 0.3 },
    { momentum: 0.9, nesterov: true },
    { momentum: 0.8, dampening: 0.1, weightDecay: 0.05 },
    { momentum: 0.8, nesterov: true, weightDecay: 0.05 },
  ].map((o) => ({ lr: 0.1, momentum: 0, dampening: 0, weightDecay: 0, nesterov: false, ...o }))
  type Options = (typeof options)[number]
  const hyper = (o: Options, first: boolean) => [
    o.lr,
    o.momentum,
    1 - o.dampening,
    o.weightDecay,
    Number(o.nesterov),
    Number(first),
  ]

  /** torch.optim.SGD in float64. */
  const reference = (p: number[], buffer: number[], g: Float32Array, o: Options, first: boolean) => {
    p.forEach((weight, i) => {
      let d = g[i]! + o.weightDecay * weight
      if (o.momentum !== 0) {
        buffer[i] = first ? d : o.momentum * buffer[i]! + (1 - o.dampening) * d
        d = o.nesterov ? d + o.momentum * buffer[i]! : buffer[i]!
      }
      p[i] = weight - o.lr * d
    })
  }

  it.each(options)('follows torch.optim.SGD for 20 steps, %o', (o) => {
    for (const n of EDGE_LENGTHS) {
      reset()
      const start = random(n)
      const p = f32(start, 4)
      const g = alloc(n * 4 + 12, 8)
      // What the buffer holds before the first step is garbage.
      const state0 = o.momentum === 0 ? undefined : alloc(n * 4, 12)
      const expected = [...start]
      const buffer = new Array<number>(n).fill(0)
      for (let step = 0; step < STEPS; step++) {
        const data = gradient(n, step)
        k.gatherRows(input(data), i32([0]), g, 1, n * 4)
        k.sgd(table([{ p, g, state0, n, hyper: hyper(o, step === 0) }]), 1)
        reference(expected, buffer, data, o, step === 0)
      }
      expectClose(readF32(p, n), expected, 1e-6, 3e-6)
      if (state0 !== undefined) expectClose(readF32(state0, n), buffer, 1e-6, 2e-6)
      expectCanaries()
    }
  })

  it('adds no weight decay of 0, not even to an infinite weight', () => {
    const [p, q] = [f32([Infinity, 1]), f32([Infinity, 1])]
    const g = f32([1, 1])
    const buffer = alloc(8)
    k.sgd(
      table([
        { p, g, n: 2, hyper: [0.5, 0, 1, 0, 0, 1] },
        { p: q, g, state0: buffer, n: 2, hyper: [0.5, 0.9, 1, 0, 0, 1] },
      ]),
      2,
    )
    expect([...readF32(p, 2)]).toEqual([Infinity, 0.5])
    expect([...readF32(q, 2)]).toEqual([Infinity, 0.5])
    expect([...readF32(buffer, 2)]).toEqual([1, 1])
  })
})

describe('adam', () => {
  const options = [
    {},
    { beta1: 0.8, beta2: 0.99, eps: 1e-3 },
    { weightDecay: 0.1 },
    { beta1: 0, beta2: 0 },
    { lr: 0.1, eps: 1e-30 },
  ].map((o) => ({ lr: 0.01, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0, ...o }))
  type Options = (typeof options)[number]
  const hyper = (o: Options, t: number) => [
    o.lr / (1 - o.beta1 ** t),
    1 / Math.sqrt(1 - o.beta2 ** t),
    1 - o.beta1,
    o.beta2,
    1 - o.beta2,
    o.eps,
    o.weightDecay,
  ]

  /** torch.optim.Adam in float64. */
  const reference = (p: number[], m: number[], v: number[], g: Float32Array, o: Options, t: number) => {
    p.forEach((weight, i) => {
      const d = g[i]! + o.weightDecay * weight
      m[i] = o.beta1 * m[i]! + (1 - o.beta1) * d
      v[i] = o.beta2 * v[i]! + (1 - o.beta2) * d * d
      const denominator = Math.sqrt(v[i]!) / Math.sqrt(1 - o.beta2 ** t) + o.eps
      p[i] = weight - ((o.lr / (1 - o.beta1 ** t)) * m[i]!) / denominator
    })
  }

  it.each(options)('follows torch.optim.Adam for 20 steps, %o', (o) => {
    for (const n of EDGE_LENGTHS) {
      reset()
      const start = random(n)
      const p = f32(start, 4)
      const g = alloc(n * 4 + 12, 8)
      const [m, v] = [f32(new Float32Array(n), 12), f32(new Float32Array(n), 4)]
      const expected = [...start]
      const [mean, square] = [new Array<number>(n).fill(0), new Array<number>(n).fill(0)]
      for (let t = 1; t <= STEPS; t++) {
        const data = gradient(n, t)
        k.gatherRows(input(data), i32([0]), g, 1, n * 4)
        k.adam(table([{ p, g, state0: m, state1: v, n, hyper: hyper(o, t) }]), 1)
        reference(expected, mean, square, data, o, t)
      }
      expectClose(readF32(m, n), mean, 1e-6, 1e-7)
      expectClose(readF32(v, n), square, 1e-6, 0)
      expectClose(readF32(p, n), expected, 1e-6, 3e-6)
      expectCanaries()
    }
  })

  it('treats every segment of a table, each with its own hyper-parameters', () => {
    const fresh = (n: number, lr: number) => ({
      p: f32(random(n)),
      g: input(gradient(n, 1)),
      state0: f32(new Float32Array(n)),
      state1: f32(new Float32Array(n)),
      n,
      hyper: hyper({ ...options[0]!, lr }, 1),
    })
    const segments = [fresh(5, 0.5), fresh(0, 1), fresh(16, 0), fresh(3, 0.25)]
    k.adam(table(segments), segments.length)
    // The first step is lr in the direction against the gradient, whatever its size.
    for (const { p, n, hyper } of segments) {
      const lr = hyper[0]! * 0.1
      const expected = [...random(n)].map((w, i) => w - lr * Math.sign(gradient(n, 1)[i]!))
      expectClose(readF32(p, n), expected, 1e-6, 1e-6)
    }
    k.adam(table([]), 0)
    expectCanaries()
  })

  it('gives an element the same bits wherever in a segment it lies', () => {
    const n = 11
    const segment = (at: number) => {
      const one = (value: number, misalign: number) => f32(new Float32Array(n).fill(value, at, at + 1), misalign)
      const s = {
        p: one(0.3, 0),
        g: one(-0.7, 4),
        state0: one(0.01, 8),
        state1: one(0.002, 12),
        n,
        hyper: hyper(options[2]!, 3),
      }
      k.adam(table([s]), 1)
      return [readF32(s.p, n)[at], readF32(s.state0, n)[at], readF32(s.state1, n)[at]]
    }
    for (let at = 1; at < n; at++) expect(segment(at)).toEqual(segment(0))
  })

  it('adds no weight decay of 0, not even to an infinite weight', () => {
    const p = f32([Infinity])
    const [g, m, v] = [f32([1]), f32([0]), f32([0])]
    k.adam(table([{ p, g, state0: m, state1: v, n: 1, hyper: hyper(options[0]!, 1) }]), 1)
    expect(readF32(p, 1)[0]).toBe(Infinity)
    expect(readF32(m, 1)[0]).toBe(Math.fround(0.1))
  })

  it('leaves weights alone that never had a gradient', () => {
    const p = f32([2])
    k.adam(table([{ p, g: f32([0]), state0: f32([0]), state1: f32([0]), n: 1, hyper: hyper(options[0]!, 1) }]), 1)
    expect(readF32(p, 1)[0]).toBe(2)
  })

  it('reads at most 12 bytes past a segment', () => {
    const p = atEndOfMemory(4)
    k.fillF32(p, 1, 2)
    k.adam(table([{ p, g: p, state0: f32([0]), state1: f32([0]), n: 1, hyper: hyper(options[0]!, 1) }]), 1)
    expectClose(readF32(p, 1), [1.99], 1e-6, 0)
  })
})

/** A step of one optimizer in float64, in place: parameter, state and gradient element by element. */
type Step = (p: number, states: readonly number[], g: number, t: number) => readonly [p: number, ...states: number[]]

/** Rows of hyper-parameters with the number of state tensors, some of which are null pointers, and what a step is. */
const others: readonly {
  name: string
  kernel: 'adam' | 'rmsprop' | 'adagrad'
  has: readonly boolean[]
  hyper: (t: number) => number[]
  step: Step
}[] = [
  {
    name: 'adam with AMSGrad, shrinking and upwards',
    kernel: 'adam',
    has: [true, true, true],
    hyper: (t) => [0.01 / (1 - 0.9 ** t), 1 / Math.sqrt(1 - 0.7 ** t), 1 - 0.9, 0.7, 1 - 0.7, 1e-8, 0, 0.01, -0],
    step: (p, [m, v, peak], g, t) => {
      const [mean, square] = [0.9 * m! - 0.1 * g, 0.7 * v! + 0.3 * g * g]
      const largest = Math.max(peak!, square)
      const scale = Math.sqrt(largest / (1 - 0.7 ** t)) + 1e-8
      return [0.99 * p - ((0.01 / (1 - 0.9 ** t)) * mean) / scale, mean, square, largest]
    },
  },
  {
    name: 'rmsprop',
    kernel: 'rmsprop',
    has: [true, false, false],
    hyper: () => [0.01, 0.9, 1 - 0.9, 1e-3, 0.1, 0, 0],
    step: (p, [s], g) => {
      const d = g + 0.1 * p
      const square = 0.9 * s! + 0.1 * d * d
      return [p - (0.01 * d) / (Math.sqrt(square) + 1e-3), square]
    },
  },
  {
    name: 'rmsprop, centered',
    kernel: 'rmsprop',
    has: [true, true, false],
    hyper: () => [0.01, 0.95, 1 - 0.95, 0.1, 0, 0, 0],
    step: (p, [s, m], g) => {
      const [square, mean] = [0.95 * s! + 0.05 * g * g, 0.95 * m! + 0.05 * g]
      return [p - (0.01 * g) / (Math.sqrt(square - mean * mean) + 0.1), square, mean]
    },
  },
  {
    name: 'rmsprop with momentum, upwards',
    kernel: 'rmsprop',
    has: [true, false, true],
    hyper: () => [0.01, 0.9, 1 - 0.9, 1e-3, 0, 0.5, -0],
    step: (p, [s, , b], g) => {
      const square = 0.9 * s! + 0.1 * g * g
      const buffer = 0.5 * b! - g / (Math.sqrt(square) + 1e-3)
      return [p - 0.01 * buffer, square, 0, buffer]
    },
  },
  {
    name: 'adagrad',
    kernel: 'adagrad',
    has: [true, false, false],
    hyper: (t) => [0.1 / (1 + (t - 1) * 0.05), 1e-10, 0.1, 0],
    step: (p, [s], g, t) => {
      const d = g + 0.1 * p
      const sum = s! + d * d
      return [p - ((0.1 / (1 + (t - 1) * 0.05)) * d) / (Math.sqrt(sum) + 1e-10), sum]
    },
  },
]

describe.each(others)('$name', ({ kernel, has, hyper, step }) => {
  it('follows its rule for 20 steps', () => {
    for (const n of EDGE_LENGTHS) {
      reset()
      const p = f32(random(n), 4)
      const g = alloc(n * 4 + 12, 8)
      const states = has.map((isThere, i) => (isThere ? f32(new Float32Array(n), 12 - 4 * i) : undefined))
      const [state0, state1, state2] = states
      const expected = Array.from(random(n), (w) => [w, 0, 0, 0])
      for (let t = 1; t <= STEPS; t++) {
        const data = gradient(n, t)
        k.gatherRows(input(data), i32([0]), g, 1, n * 4)
        k[kernel](table([{ p, g, state0, state1, state2, n, hyper: hyper(t) }]), 1)
        expected.forEach((row, i) => {
          row.splice(0, 4, ...step(row[0]!, row.slice(1), data[i]!, t))
        })
      }
      const column = (i: number) => expected.map((row) => row[i]!)
      expectClose(readF32(p, n), column(0), 2e-6, 3e-6)
      states.forEach((state, i) => {
        if (state !== undefined) expectClose(readF32(state, n), column(i + 1), 4e-6, 4e-6)
      })
      expectCanaries()
    }
  })
})

it('takes a variance that rounding makes negative for 0', () => {
  // The square of the mean is one rounding above the mean of squares.
  const [g, p] = [f32([0.1]), f32([1])]
  const [square, mean] = [f32([0.01]), f32([0.1])]
  k.rmsprop(table([{ p, g, state0: square, state1: mean, n: 1, hyper: [0.5, 1, 0, 1, 0, 0, 0] }]), 1)
  expectClose(readF32(p, 1), [1 - 0.5 * 0.1], 1e-6, 0)
})
