/** Cases of gemm: their operands, the call, and the summing order that assembly/gemm.ts promises. */
import { expect } from 'vitest'
import type { Ptr } from '../../src/runtime/kernels.generated.ts'
import { alloc, expectCanaries, f32, k as kernels, readF32, reset } from './harness.ts'

/** What A, B and C have between their rows. */
export type Pads = [a: number, b: number, c: number]
export type Form = 'NN' | 'NT' | 'TN' | 'TT'

/** An element by its row and column. */
export type Elements = (row: number, col: number) => number

/** A matrix in rows `stride` apart. Everything that is not an element is NaN, three floats past the end included. */
interface Matrix {
  rows: number
  cols: number
  stride: number
  data: Float32Array
}

export interface Case {
  form: Form
  m: number
  n: number
  k: number
  pad?: Pads
  bias?: boolean
  beta?: 0 | 1
  misalign?: number
  seed?: number
  /** The elements of A and of B as they are stored; noise unless given. */
  a?: Elements
  b?: Elements
}

function matrix(rows: number, cols: number, stride: number, value: Elements): Matrix {
  const data = new Float32Array(rows * stride + 3).fill(Number.NaN)
  for (let i = 0; i < rows; i++) for (let j = 0; j < cols; j++) data[i * stride + j] = value(i, j)
  return { rows, cols, stride, data }
}

/** Element (i, j) is a function of (i, j, seed) alone, so that a smaller matrix is a corner of a larger one. */
export function noise(seed: number): Elements {
  return (row, col) => {
    let h = Math.imul(row + 1, 0x9e3779b1) ^ Math.imul(col + 1, 0x85ebca6b) ^ Math.imul(seed + 1, 0xc2b2ae35)
    h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d)
    return (h ^ (h >>> 13)) / 2 ** 31
  }
}

/** The operands of a case, as gemm takes them and as functions of logical indices. */
export function operands(test: Case) {
  const { form, m, n, k, pad = [0, 0, 0], bias = false, beta = 0, seed = 0 } = test
  const transA = form[0] === 'T'
  const transB = form[1] === 'T'
  const at = (x: Matrix, trans: boolean) => (row: number, col: number) =>
    trans ? x.data[col * x.stride + row] : x.data[row * x.stride + col]
  // Noise by logical index: rows of a smaller m, columns of a smaller n are those of the larger.
  const noiseA = noise(seed)
  const noiseB = noise(seed + 1)
  const elementA = test.a ?? (transA ? (i: number, j: number) => noiseA(j, i) : noiseA)
  const elementB = test.b ?? (transB ? (i: number, j: number) => noiseB(j, i) : noiseB)
  const a = transA ? matrix(k, m, m + pad[0], elementA) : matrix(m, k, k + pad[0], elementA)
  const b = transB ? matrix(n, k, k + pad[1], elementB) : matrix(k, n, n + pad[1], elementB)
  const c = matrix(m, n, n + pad[2], beta ? noise(seed + 2) : () => Number.NaN)
  const v = bias ? matrix(1, n, n, noise(seed + 3)) : undefined
  return { a, b, c, v, opA: at(a, transA), opB: at(b, transB), transA, transB }
}

type Operands = ReturnType<typeof operands>

/** Runs the kernel on a case; checks that it wrote the elements of C and nothing else; returns C, dense. */
export function run({ m, n, k, beta = 0, misalign = 0 }: Case, { a, b, c, v, transA, transB }: Operands): Float32Array {
  reset()
  const [pa, pb, pc] = [a, b, c].map((x) => f32(x.data, misalign)) as [Ptr, Ptr, Ptr]
  const pv = v ? f32(v.data, misalign) : (0 as Ptr)
  const scratch = alloc(kernels.gemmScratch(m, n, k, +transA, +transB))
  kernels.gemm(pa, pb, pv, pc, scratch, m, n, k, a.stride, b.stride, c.stride, +transA, +transB, beta)
  expectCanaries()
  const after = readF32(pc, c.data.length)
  const dense = new Float32Array(m * n)
  for (let i = 0; i < m; i++) {
    dense.set(after.subarray(i * c.stride, i * c.stride + n), i * n)
    after.fill(Number.NaN, i * c.stride, i * c.stride + n)
  }
  if (!after.every(Number.isNaN)) expect.fail('gemm wrote between the rows of C')
  return dense
}

export const describeCase = (c: Case) => JSON.stringify(c)

/**
 * The summing order that assembly/gemm.ts promises, in float32 arithmetic.
 * Returns what differs first, or undefined.
 */
export function differsFromLaw(test: Case, actual: Float32Array): string | undefined {
  const { form, m, n, k, beta = 0 } = test
  const { c, v, opA, opB } = operands(test)
  const f = Math.fround
  for (let i = 0; i < m; i++)
    for (let j = 0; j < n; j++) {
      const old = beta ? c.data[i * c.stride + j] : 0
      let sum = f(old + (v ? v.data[j] : 0))
      if (form === 'NT') {
        for (let from = 0; from < k; from += 1024) {
          const to = Math.min(k, from + 1024)
          const whole = to - ((to - from) % 4)
          const lanes = [0, 0, 0, 0]
          for (let p = whole; p < to; p++) lanes[p % 4] = f(opA(i, p) * opB(p, j))
          for (let p = from; p < whole; p++) lanes[p % 4] = f(lanes[p % 4] + f(opA(i, p) * opB(p, j)))
          sum = f(sum + f(f(lanes[0] + lanes[2]) + f(lanes[1] + lanes[3])))
        }
      } else for (let p = 0; p < k; p++) sum = f(sum + f(opA(i, p) * opB(p, j)))
      if (!Object.is(actual[i * n + j], sum))
        return `C[${i}, ${j}] is ${actual[i * n + j]}, not ${sum}: ${describeCase(test)}`
    }
}
