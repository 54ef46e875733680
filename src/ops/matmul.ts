/** Matrix products, all by the one GEMM kernel. */
import { defineOp } from '../autograd/op.ts'
import { check } from '../autograd/operands.ts'
import type { Operand } from '../dtype.ts'
import { ShapeError } from '../errors.ts'
import { engine } from '../runtime/engine.ts'
import type { Ptr } from '../runtime/kernels.generated.ts'
import { formatShape, numelOf } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import { contiguous } from './shape.ts'

/** A matrix as GEMM takes it: rows `ld` elements apart, or, transposed, columns. */
interface Matrix {
  readonly ptr: Ptr
  readonly ld: number
  readonly trans: 0 | 1
}

const NO_BIAS = 0 as Ptr

/** Whether GEMM can read a matrix where it lies: one of its axes is dense, and along the other nothing overlaps. */
const isReadable = ({ shape: [rows, cols], strides: [row, col] }: Pick<Operand, 'shape' | 'strides'>): boolean =>
  ((col === 1 || cols === 1) && (row >= cols || rows === 1)) ||
  ((row === 1 || rows === 1) && (col >= rows || cols === 1))

/** A readable matrix. */
function matrixOf({ ptr, shape: [rows, cols], strides: [row, col] }: Operand): Matrix {
  if ((col === 1 || cols === 1) && (row >= cols || rows === 1)) return { ptr, ld: rows === 1 ? cols : row, trans: 0 }
  return { ptr, ld: col, trans: 1 }
}

const dense = (ptr: Ptr, cols: number): Matrix => ({ ptr, ld: cols, trans: 0 })
const flip = ({ ptr, ld, trans }: Matrix): Matrix => ({ ptr, ld, trans: trans ? 0 : 1 })

/** C (m, n) = beta * C + A (m, k) B (k, n) + bias, C dense. */
function gemm(a: Matrix, b: Matrix, bias: Ptr, c: Ptr, m: number, n: number, k: number, beta: number): void {
  const { k: kernels, heap } = engine()
  const scratch = heap.workspace(kernels.gemmScratch(m, n, k, a.trans, b.trans))
  kernels.gemm(a.ptr, b.ptr, bias, c, scratch, m, n, k, a.ld, b.ld, n, a.trans, b.trans, beta)
}

const product = defineOp({
  name: 'matmul',
  saves: 'inputs',
  uses: ([a, b]) => [b, a],
  strided: true,
  shape: ([a, b]) => [a.shape[0], b.shape[1]],
  forward: (_k, [a, b], y) => {
    const [m, k] = a.shape
    gemm(matrixOf(a), matrixOf(b), NO_BIAS, y.ptr, m, b.shape[1], k, 0)
  },
  backward: (_k, [a, b], dy, [da, db]) => {
    const [m, k] = a.shape
    const n = b.shape[1]
    if (da) gemm(dense(dy.ptr, n), flip(matrixOf(b)), NO_BIAS, da.ptr, m, k, n, da.beta)
    if (db) gemm(flip(matrixOf(a)), dense(dy.ptr, n), NO_BIAS, db.ptr, k, n, m, db.beta)
  },
})

export function matmul(a: Tensor, b: Tensor): Tensor {
  check('matmul', a)
  check('matmul', b)
  if (a.ndim !== 2 || b.ndim !== 2 || a.shape[1] !== b.shape[0])
    throw new ShapeError(
      `matmul: ${formatShape(a.shape)} x ${formatShape(b.shape)}: takes two matrices, (m, k) x (k, n), with equal inner sizes`,
    )
  return product([readable(a), readable(b)])
}

const readable = (x: Tensor): Tensor => (isReadable(x) ? x : contiguous(x))

const affine = defineOp({
  name: 'linear',
  saves: 'inputs',
  uses: ([x, weight]) => [weight, x, false],
  shape: ([x, weight]) => [...x.shape.slice(0, -1), weight.shape[0]],
  forward: (_k, [x, weight, bias], y) => {
    const [outFeatures, inFeatures] = weight.shape
    const rows = numelOf(x.shape.slice(0, -1))
    const w = flip(dense(weight.ptr, inFeatures))
    gemm(dense(x.ptr, inFeatures), w, bias?.ptr ?? NO_BIAS, y.ptr, rows, outFeatures, inFeatures, 0)
  },
  backward: (k, [x, weight], dy, [dx, dw, db]) => {
    const [outFeatures, inFeatures] = weight.shape
    const rows = numelOf(x.shape.slice(0, -1))
    const dz = dense(dy.ptr, outFeatures)
    if (dx) gemm(dz, dense(weight.ptr, inFeatures), NO_BIAS, dx.ptr, rows, inFeatures, outFeatures, dx.beta)
    if (dw) gemm(flip(dz), dense(x.ptr, inFeatures), NO_BIAS, dw.ptr, outFeatures, inFeatures, rows, dw.beta)
    if (db) k.sum(dy.ptr, db.ptr, 1, rows, outFeatures, db.beta, 1)
  },
})

/**
 * x Wᵀ + b over the last axis: x (…, in), weight (out, in), bias (out) or null, result (…, out).
 * @throws ShapeError when the last axis of x is not `in`, or the bias does not fit.
 */
export function linear(x: Tensor, weight: Tensor, bias: Tensor | null = null): Tensor {
  check('linear', x)
  const [outFeatures, inFeatures] = weight.shape
  if (weight.ndim !== 2 || x.ndim === 0 || x.shape[x.ndim - 1] !== inFeatures)
    throw new ShapeError(
      `linear: input ${formatShape(x.shape)} does not fit weight ${formatShape(weight.shape)}: ` +
        `its last axis must have ${inFeatures} elements, the weight's in features`,
    )
  if (bias && (bias.ndim !== 1 || bias.numel !== outFeatures))
    throw new ShapeError(
      `linear: bias ${formatShape(bias.shape)} does not fit weight ${formatShape(weight.shape)}: it must be (${outFeatures})`,
    )
  return affine(bias ? [x, weight, bias] : [x, weight])
}
