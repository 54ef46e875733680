import { beforeEach, describe, expect, it } from 'vitest'
import type { Ptr } from '../../src/runtime/kernels.generated.ts'
import { type Case, describeCase, differsFromLaw, type Form, noise, operands, type Pads, run } from './gemm-law.ts'
import { alloc, expectCanaries, f32, k as kernels, readF32, reset } from './harness.ts'

const FORMS: Form[] = ['NN', 'NT', 'TN', 'TT']

/**
 * Every term of C = beta * C + bias + sum of k products passes at most k + 2 roundings (its product, the sum of the
 * start, k additions; a dot has fewer), each off by a factor of at most 1 + 2^-24:
 * |error| <= ((1 + 2^-24)^(k+2) - 1) * sum |terms| (Higham, Accuracy and Stability, 3.1).
 * For k = 1000, that is 6e-5 of sum |terms|; what a lost or doubled term does is 1000 times larger for k <= 100.
 */
function exceedsBound(test: Case, actual: Float32Array): string | undefined {
  const { m, n, k, beta = 0 } = test
  const { c, v, opA, opB } = operands(test)
  const bound = (1 + 2 ** -24) ** (k + 2) - 1
  for (let i = 0; i < m; i++)
    for (let j = 0; j < n; j++) {
      const start = [beta ? c.data[i * c.stride + j] : 0, v ? v.data[j] : 0]
      let sum = start[0] + start[1]
      let size = Math.abs(start[0]) + Math.abs(start[1])
      for (let p = 0; p < k; p++) {
        const term = opA(i, p) * opB(p, j)
        sum += term
        size += Math.abs(term)
      }
      if (!(Math.abs(actual[i * n + j] - sum) <= bound * size))
        return `C[${i}, ${j}] is ${actual[i * n + j]}, not ${sum}: ${describeCase(test)}`
    }
}

function check(test: Case): void {
  const actual = run(test, operands(test))
  const problem = exceedsBound(test, actual) ?? differsFromLaw(test, actual)
  if (problem) expect.fail(problem)
}

const PADS: Pads[] = [
  [0, 0, 0],
  [1, 3, 5],
  [4, 2, 1],
  [0, 0, 7],
  [3, 12, 0],
]

const SIZES = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100]

beforeEach(reset)

/** Pads that bring all three row strides to a multiple of `floats`. */
function padTo(floats: number, { form, m, n, k }: Case): Pads {
  const up = (x: number) => (floats - (x % floats)) % floats
  return [up(form[0] === 'T' ? m : k), up(form[1] === 'T' ? k : n), up(n)]
}

beforeEach(reset)

describe.each(FORMS)('gemm %s', (form) => {
  it('is within the bound and in the promised order, over small sizes, strides, bias, beta, alignment', () => {
    let variant = 0
    for (const m of SIZES)
      for (const n of SIZES)
        for (const k of SIZES) {
          variant++
          check({
            form,
            m,
            n,
            k,
            pad: PADS[variant % PADS.length],
            bias: variant % 2 === 1,
            beta: variant % 3 === 0 ? 1 : 0,
            misalign: variant % 7 === 0 ? 4 : 0,
            seed: variant % 11,
          })
        }
  })

  it.each([
    [300, 20, 40],
    [6, 300, 33],
    [35, 37, 300],
    [33, 34, 520],
    [3, 5, 1023],
    [3, 5, 1024],
    [5, 9, 2050],
    [261, 12, 259],
  ])('crosses blocks: %i x %i x %i', (m, n, k) => {
    for (const beta of [0, 1] as const)
      for (const bias of [false, true]) check({ form, m, n, k, beta, bias, pad: [1, 2, 3] })
  })

  it.each([128, 256, 512, 1024])('is the same with row strides of %i floats', (floats) => {
    for (const [m, n, k] of [
      [5, 9, 7],
      [16, 32, 16],
      [33, 35, 70],
      [70, 33, 300],
    ]) {
      const test: Case = { form, m, n, k, bias: true }
      const strided = { ...test, pad: padTo(floats, test) }
      check(strided)
      expect(run(strided, operands(strided))).toEqual(run(test, operands(test)))
    }
  })

  it.each([
    ['backwards', (cols: number) => -cols - 2],
    ['all in one place', () => 0],
    ['one element on', () => 1],
  ])('reads rows that lie %s', (_how, strideOf) => {
    for (const [m, n, k] of [
      [5, 9, 7],
      [33, 35, 70],
      [70, 260, 300],
    ])
      for (const zeros of [0, 0.9]) {
        reset()
        const [a, b] = [form[0] === 'T' ? [k, m] : [m, k], form[1] === 'T' ? [n, k] : [k, n]].map(
          ([rows, cols], seed) => {
            const stride = strideOf(cols)
            const first = (rows - 1) * Math.max(-stride, 0)
            const all = Float32Array.from({ length: first + Math.max(stride, 0) * rows + cols }, (_, at) => {
              const value = noise(seed)(at, 0)
              return Math.abs(noise(seed + 2)(at, 0)) < zeros ? 0 : value
            })
            const dense = Float32Array.from({ length: rows * cols }, (_, i) => {
              const row = Math.floor(i / cols)
              return all[first + row * stride + (i % cols)]
            })
            return { at: (f32(all) + 4 * first) as Ptr, stride, dense: f32(dense), cols }
          },
        )
        const transposed = [...form].map((letter) => (letter === 'T' ? 1 : 0))
        const scratch = alloc(kernels.gemmScratch(m, n, k, transposed[0], transposed[1]))
        const product = (atA: Ptr, atB: Ptr, lda: number, ldb: number) => {
          const c = alloc(m * n * 4)
          kernels.gemm(atA, atB, 0 as Ptr, c, scratch, m, n, k, lda, ldb, n, transposed[0], transposed[1], 0)
          expectCanaries()
          return readF32(c, m * n)
        }
        expect(product(a.at, b.at, a.stride, b.stride)).toEqual(product(a.dense, b.dense, a.cols, b.cols))
      }
  })

  it.each([7, 20, 64, 300, 1030])('gives a row the same bits whatever the number of rows, k = %i', (k) => {
    const n = 13
    for (const pad of [undefined, padTo(256, { form, m: 64, n, k })]) {
      const all: Case = { form, m: 64, n, k, bias: true, pad }
      const expected = run(all, operands(all))
      for (let m = 1; m <= 40; m++) {
        const some = { ...all, m }
        expect(run(some, operands(some))).toEqual(expected.subarray(0, m * n))
      }
    }
  })

  it.each([7, 20, 64, 300, 1030])('gives a column the same bits whatever the number of columns, k = %i', (k) => {
    const m = 18
    const all: Case = { form, m, n: 40, k, bias: true }
    const expected = run(all, operands(all))
    for (let n = 1; n <= 36; n++) {
      const some = { ...all, n }
      const columns = expected.filter((_, at) => at % 40 < n)
      expect(run(some, operands(some))).toEqual(columns)
    }
  })

  it.each([0, 1, -1])('carries NaN and infinities, times %i, to their row or column alone', (other) => {
    const [m, n, k] = [6, 11, 21]
    for (const bad of [Number.NaN, Infinity, -Infinity])
      for (let p = 0; p < k; p++)
        for (const [row, col] of [
          [4, -1],
          [5, -1],
          [-1, 2],
          [-1, 10],
        ]) {
          const test: Case = { form, m, n, k }
          const x = operands(test)
          // Column p of op(A) and row p of op(B) hold `other`, but one element of one of them is bad.
          for (let i = 0; i < m; i++) x.a.data[form[0] === 'T' ? p * m + i : i * k + p] = i === row ? bad : other
          for (let j = 0; j < n; j++) x.b.data[form[1] === 'T' ? j * k + p : p * n + j] = j === col ? bad : other
          run(test, x).forEach((value, at) => {
            if (Math.floor(at / n) === row || at % n === col) expect(value).toBe(bad * other)
            else if (!Number.isFinite(value)) expect.fail(`C[${at}] is ${value}, k = ${p}`)
          })
        }
  })
})

describe('gemmScratch', () => {
  it('is nothing where nothing is ever packed: products with few rows', () => {
    expect(kernels.gemmScratch(7, 128, 784, 0, 1)).toBe(0)
    expect(kernels.gemmScratch(8, 784, 128, 0, 0)).toBe(0)
    expect(kernels.gemmScratch(16, 4, 8, 1, 0)).toBe(0)
  })

  it('does not grow beyond a block', () => {
    for (const transA of [0, 1])
      for (const transB of [0, 1])
        expect(kernels.gemmScratch(5000, 6000, 7000, transA, transB)).toBeLessThanOrEqual(266 * 1024)
  })
})
