import { describe, expect, it } from 'vitest'
import type { Ptr } from '../../src/runtime/kernels.generated.ts'
import { type Case, differsFromLaw, type Elements, noise, operands, type Pads, run } from './gemm-law.ts'
import { alloc, f32, k as kernels, readF32, reset } from './harness.ts'

/** The forms that skip zeros, as layers use them: x (rows, features) is A in NT and B in TN, the other is w or dy. */
const FORMS = ['NT', 'TN'] as const
type Form = (typeof FORMS)[number]

/** A product of `rows` inputs of `features`, with `outputs`: large enough for gemm to look for zeros. */
interface Layer extends Pick<Case, 'pad' | 'misalign' | 'bias' | 'beta' | 'seed'> {
  rows: number
  features: number
  outputs: number
  x: Elements
  other?: Elements
}

function product(form: Form, { rows, features, outputs, x, other, ...rest }: Layer): Case {
  return form === 'NT'
    ? { form, m: rows, n: outputs, k: features, a: x, b: other, ...rest }
    : { form, m: outputs, n: features, k: rows, a: other, b: x, ...rest }
}

function check(test: Case): Float32Array {
  const actual = run(test, operands(test))
  const problem = differsFromLaw(test, actual)
  if (problem) expect.fail(problem)
  return actual
}

const value = noise(7)
const chance = noise(8)
/** `chance` lies in -1..1. */
const where =
  (keep: (row: number, col: number) => boolean, zero = 0): Elements =>
  (row, col) =>
    keep(row, col) ? value(row, col) : zero

const PATTERNS: Record<string, Elements> = {
  'nothing but zeros': () => 0,
  'nothing but negative zeros': () => -0,
  '1 % at random': where((row, col) => chance(row, col) > 0.98),
  '10 % at random': where((row, col) => chance(row, col) > 0.8),
  '10 % at random, negative zeros': where((row, col) => chance(row, col) > 0.8, -0),
  '30 % at random': where((row, col) => chance(row, col) > 0.4),
  '50 % at random': where((row, col) => chance(row, col) > 0),
  'no zeros': value,
  'runs of eight, 30 %': where((row, col) => chance(row, col >> 3) > 0.4),
  'runs of eight, about as many as pay': where((row, col) => chance(row, col >> 3) > -0.25),
  'two rows of three': where((row) => row % 3 === 0),
  'rows that are full after rows that are not': where((row, col) => row > 20 || col % 16 === 0),
  'one-hot rows': (row, col) => (col === (row * 37) % 101 ? 1 : 0),
  'a frame of zeros': where((row, col) => row > 2 && col > 29 && col < 70),
  'the last element alone': where((_, col) => col % 101 === 100),
  'denormal numbers': (row, col) => (chance(row, col) > 0.8 ? 1e-40 : 0),
  'numbers that make denormal products': (row, col) => (chance(row, col) > 0.8 ? -1e-38 : 0),
}

/** Odd numbers of rows, tails in every dimension, several blocks of rows and of k. */
const SIZES: Record<Form, [rows: number, features: number, outputs: number][]> = {
  NT: [
    [8, 32, 16],
    [9, 101, 17],
    [33, 103, 23],
    [67, 102, 18],
    [10, 1100, 20],
  ],
  TN: [
    [16, 256, 256],
    [33, 257, 131],
    [65, 263, 66],
    [18, 259, 512],
    [261, 260, 17],
    [17, 261, 259],
  ],
}

const PADS: Pads[] = [
  [0, 0, 0],
  [1, 3, 5],
  [4, 2, 1],
]

describe.each(FORMS)('gemm %s with zeros in x', (form) => {
  it.each(Object.keys(PATTERNS))('keeps every bit: %s', (name) => {
    SIZES[form].forEach(([rows, features, outputs], at) => {
      const layer = { rows, features, outputs, x: PATTERNS[name], pad: PADS[at % PADS.length], seed: at }
      check(product(form, { ...layer, misalign: at % 2 ? 4 : 0, bias: form === 'NT' && at % 2 === 1 }))
    })
  })

  it('keeps every bit with bias and beta', () => {
    const [rows, features, outputs] = SIZES[form][1]
    for (const beta of [0, 1] as const)
      for (const bias of [false, true])
        check(product(form, { rows, features, outputs, x: PATTERNS['10 % at random'], beta, bias }))
  })

  it('adds the zeros left out where a sum starts from -0', () => {
    // A first product of -0 leaves a sum of -0, those after it make it +0.
    const [rows, features, outputs] = SIZES[form][1]
    const zeros = { rows, features, outputs, x: () => 0, other: (row: number) => (row ? 1 : -1) }
    for (const start of [{ bias: true }, { beta: 1 as const }]) {
      const test = product(form, { ...zeros, ...start })
      const all = operands(test)
      all.v?.data.fill(-0)
      if (test.beta) for (let i = 0; i < all.c.data.length - 3; i++) all.c.data[i] = -0
      expect(run(test, all).every((sum) => Object.is(sum, 0))).toBe(true)
    }
  })

  it('stays within its scratch where the lists are longest', () => {
    for (const rows of [16, 64, 128])
      check(
        product(form, { rows, features: 256, outputs: 256, x: where((row, col) => row % 64 > 62 || col % 64 < 40) }),
      )
  })

  it('has 0 times infinity and 0 times NaN in its sums', () => {
    const [rows, features, outputs] = SIZES[form][1]
    const x = PATTERNS['10 % at random']
    for (const bad of [Number.NaN, Infinity, -Infinity])
      for (const place of [0, 1, 15, 16, 29, 30, 31, 32]) {
        // In w an output and a feature, in dy a row and an output.
        const [row, col] = form === 'NT' ? [place % outputs, (place * 5) % features] : [place, place * 4]
        const other: Elements = (i, j) => (i === row && j === col ? bad : value(j, i))
        const c = check(product(form, { rows, features, outputs, x, other }))
        const n = form === 'NT' ? outputs : features
        const line = c.filter((_, at) => (form === 'NT' ? at % n === row : Math.floor(at / n) === col))
        expect(line.some(Number.isNaN)).toBe(true)
        expect(c.filter(Number.isFinite).length).toBe(c.length - line.length)
      }
  })

  it('takes neither NaN nor infinity in x for zero', () => {
    const [rows, features, outputs] = SIZES[form][1]
    for (const bad of [Number.NaN, Infinity]) {
      const x: Elements = (row, col) => (row === 5 && col === 70 ? bad : 0)
      const c = check(product(form, { rows, features, outputs, x }))
      expect(c.filter(Number.isFinite).length).toBe(c.length - outputs)
    }
  })

  /** What gemm leaves at the start of its scratch: the panel of the last eight columns of C. */
  function panel(layer: Layer): Float32Array {
    reset()
    const { m, n, k, ...test } = product(form, layer)
    const { a, b, c, transA, transB } = operands({ m, n, k, ...test })
    const [pa, pb, pc] = [a, b, c].map((matrix) => f32(matrix.data)) as [Ptr, Ptr, Ptr]
    const scratch = alloc(kernels.gemmScratch(m, n, k, +transA, +transB))
    kernels.gemm(pa, pb, 0 as Ptr, pc, scratch, m, n, k, a.stride, b.stride, c.stride, +transA, +transB, 0)
    return readF32(scratch, 16)
  }

  it('skips zeros where there are enough of them', () => {
    // In NT, with k past a multiple of four, and NaN behind it.
    const [rows, features, outputs] = [64, form === 'NT' ? 258 : 256, 64]
    const x = where((row) => row === 40)
    const other: Elements = (row, col) => row + col / 1024
    const pad: Pads = [1, 1, 1]
    const taken = panel({ rows, features, outputs, x, other, pad })
    const dense = panel({ rows, features, outputs, x: value, other, pad })
    if (form === 'NT') {
      // The first four k of the last eight rows of w. A product without zeros leaves scratch as it is.
      expect([...taken]).toEqual(Array.from({ length: 16 }, (_, at) => other(outputs - 8 + (at >> 2), at & 3)))
      expect(dense).toEqual(new Float32Array(16).fill(Number.NaN))
    } else {
      // The last eight columns of row 0 of x, which is always kept, and of row 40.
      const row40 = Array.from({ length: 8 }, (_, at) => value(40, features - 8 + at))
      expect([...taken]).toEqual([...new Array(8).fill(0), ...new Float32Array(row40)])
      const row1 = Array.from({ length: 8 }, (_, at) => value(1, features - 8 + at))
      expect([...dense.subarray(8)]).toEqual([...new Float32Array(row1)])
    }
  })
})
