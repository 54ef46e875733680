/** Matrix products, all by the one GEMM kernel but those of two vectors, which are sums in float64. */
import { defineOp } from '../autograd/op.ts'
import { check } from '../autograd/operands.ts'
import { inSteps } from '../autograd/steps.ts'
import type { Destination } from '../autograd/tape.ts'
import type { Operand } from '../dtype.ts'
import { ShapeError } from '../errors.ts'
import { engine } from '../runtime/engine.ts'
import type { Ptr } from '../runtime/kernels.generated.ts'
import { fillDense } from '../runtime/strided.ts'
import {
  broadcastShapes,
  broadcastStrides,
  contiguousStrides,
  eachPlane,
  formatShape,
  isContiguous,
  numelOf,
  type Shape,
  sameShape,
} from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import { unsqueeze } from './shape.ts'

/** A matrix as GEMM takes it: rows `ld` elements apart, or, transposed, columns. */
interface Matrix {
  readonly ptr: Ptr
  readonly ld: number
  readonly trans: 0 | 1
}

/** The first matrix of a batch, and how many elements on the next one lies, for each axis of the batch. */
interface Stack extends Matrix {
  readonly steps: Shape
}

type Layout = Pick<Operand, 'shape' | 'strides'>

const NO_BIAS = 0 as Ptr

const dense = (ptr: Ptr, cols: number): Matrix => ({ ptr, ld: cols, trans: 0 })
const flip = <M extends Matrix>(matrix: M): M => ({ ...matrix, trans: matrix.trans ? 0 : 1 })
const skip = ({ ptr, ld, trans }: Matrix, elements: number): Matrix => ({ ptr: (ptr + 4 * elements) as Ptr, ld, trans })

/** C (m, n) = beta * C + A (m, k) B (k, n) + bias, C dense. */
function gemm(a: Matrix, b: Matrix, bias: Ptr, c: Ptr, m: number, n: number, k: number, beta: number): void {
  const { k: kernels, heap } = engine()
  // A dense row or column is its own transpose, so a vector is read the way that suits the other operand. With a
  // column, a transposed A would be walked one element at a time; as Bᵀ Aᵀ, the same sums are a row of many columns.
  const transA = m === 1 && a.ld === 1 ? 0 : a.trans
  if (n === 1 && m > 1 && transA && bias === NO_BIAS) {
    gemm(flip(b), flip(a), bias, c, 1, m, k, beta)
    return
  }
  const transB = n === 1 && b.ld === 1 && !transA ? 1 : b.trans
  const scratch = heap.workspace(kernels.gemmScratch(m, n, k, transA, transB))
  kernels.gemm(a.ptr, b.ptr, bias, c, scratch, m, n, k, a.ld, b.ld, n, transA, transB, beta)
}

/** C = beta * C + A B for each item of a batch, each C dense. */
function gemms(batch: Shape, a: Stack, b: Stack, c: Stack, m: number, n: number, k: number, beta: number): void {
  if (batch.length === 0) {
    gemm(a, b, NO_BIAS, c.ptr, m, n, k, beta)
    return
  }
  eachPlane(batch, [a.steps, b.steps, c.steps], (first, rows, cols, row, col) => {
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < cols; j++) {
        const lies = (of: number) => first[of] + i * row[of] + j * col[of]
        gemm(skip(a, lies(0)), skip(b, lies(1)), NO_BIAS, skip(c, lies(2)).ptr, m, n, k, beta)
      }
  })
}

/** A vector on the left is a matrix of one row. */
const asRows = (x: Layout): Layout => (x.shape.length > 1 ? x : { shape: [1, ...x.shape], strides: [0, ...x.strides] })

/** A vector on the right is a matrix of one column. */
const asColumns = (x: Layout): Layout =>
  x.shape.length > 1 ? x : { shape: [...x.shape, 1], strides: [...x.strides, 0] }

const leading = (list: Shape): Shape => list.slice(0, -2)

/** Whether GEMM can read matrices where they lie: one of the two axes is dense, and in a vector that axis. */
function isReadable({ shape, strides }: Layout): boolean {
  const last = shape.length - 1
  const [rows, cols, row, col] = [shape[last - 1], shape[last], strides[last - 1], strides[last]]
  return rows === 1 || cols === 1 ? isContiguous([rows, cols], [row, col]) : row === 1 || col === 1
}

/** A matrix whose axes have these strides. */
const matrixOf = (ptr: Ptr, cols: number, row: number, col: number): Matrix =>
  col === 1 || cols === 1 ? { ptr, ld: row, trans: 0 } : { ptr, ld: col, trans: 1 }

/** Products of matrices, one for each index into `batch`. */
interface Product {
  readonly batch: Shape
  readonly m: number
  readonly n: number
  readonly k: number
  readonly a: Stack
  readonly b: Stack
  /** The result, or its gradient. */
  readonly c: (z: Operand) => Stack
  readonly da: (dx: Operand) => Stack
  readonly db: (dx: Operand) => Stack
}

const NO_STEPS: Shape = []
const alone = ({ ptr, ld, trans }: Matrix): Stack => ({ ptr, ld, trans, steps: NO_STEPS })

/** What A (…, m, k) x B (…, k, n) comes down to. A single product, as nearly all are, is not to cost more than it must. */
function productOf(x: Operand, y: Operand): Product {
  const a = asRows(x)
  const b = asColumns(y)
  if (a.shape.length > 2 || b.shape.length > 2) return batchedProduct(x.ptr, a, y.ptr, b)
  const [m, k] = a.shape
  const n = b.shape[1]
  return {
    batch: NO_STEPS,
    m,
    n,
    k,
    a: alone(matrixOf(x.ptr, k, a.strides[0], a.strides[1])),
    b: alone(matrixOf(y.ptr, n, b.strides[0], b.strides[1])),
    c: ({ ptr }) => alone(dense(ptr, n)),
    da: ({ ptr }) => alone(dense(ptr, k)),
    db: ({ ptr }) => alone(dense(ptr, n)),
  }
}

/**
 * Matrices of A that meet the same one of B are one matrix with more rows, where these lie evenly spaced: one product
 * instead of many, and the gradient of B is one sum over all rows.
 */
function batchedProduct(aPtr: Ptr, a: Layout, bPtr: Ptr, b: Layout): Product {
  const whole = broadcastShapes('matmul', leading(a.shape), leading(b.shape))
  const stepsOf = ({ shape, strides }: Layout) => broadcastStrides(leading(shape), leading(strides), whole)
  const steps = stepsOf(a)
  const [k, n] = b.shape.slice(-2)
  let [m] = a.shape.slice(-2)
  let [row, col] = a.strides.slice(-2)
  let axes = whole.length
  for (; axes > 0 && (b.shape.at(axes - whole.length - 3) ?? 1) === 1; axes--) {
    const size = whole[axes - 1]
    if (m === 1) row = steps[axes - 1]
    else if (size !== 1 && steps[axes - 1] !== m * row) break
    m *= size
  }
  const batch = whole.slice(0, axes)
  const stack = (matrix: Matrix, layout: Layout): Stack => ({ ...matrix, steps: stepsOf(layout).slice(0, axes) })
  const [bRow, bCol] = b.strides.slice(-2)
  return {
    batch,
    m,
    n,
    k,
    a: stack(matrixOf(aPtr, k, row, col), a),
    b: stack(matrixOf(bPtr, n, bRow, bCol), b),
    c: ({ ptr }) => ({ ...dense(ptr, n), steps: leading(contiguousStrides([...batch, m, n])) }),
    da: (dx) => stack(dense(dx.ptr, k), asRows(dx)),
    db: (dx) => stack(dense(dx.ptr, n), asColumns(dx)),
  }
}

/** dx (+)= A B, summed over the items of a batch that share it: each adds to it in turn, and nothing is set aside. */
function gradient(batch: Shape, a: Stack, b: Stack, c: Stack, m: number, n: number, k: number, dx: Destination): void {
  const isShared = dx.numel !== numelOf(batch) * m * n
  if (isShared && !dx.beta) fillDense(dx, 0)
  gemms(batch, a, b, c, m, n, k, isShared ? 1 : dx.beta)
}

const product = defineOp({
  name: 'matmul',
  saves: 'inputs',
  uses: ([a, b]) => [b, a],
  strided: (x, i) => isReadable(i === 0 ? asRows(x) : asColumns(x)),
  shape: ([{ shape: a }, { shape: b }]) => [
    ...broadcastShapes('matmul', leading(a), leading(b)),
    ...a.slice(-2, -1),
    ...(b.length > 1 ? b.slice(-1) : []),
  ],
  forward: (kernels, [x, y], z) => {
    if (x.shape.length === 1 && y.shape.length === 1) {
      kernels.dot(x.ptr, y.ptr, z.ptr, x.numel)
      return
    }
    const { batch, a, b, c, m, n, k } = productOf(x, y)
    gemms(batch, a, b, c(z), m, n, k, 0)
  },
  backward: (_k, [x, y], dz, [dx, dy]) => {
    const { batch, a, b, c, m, n, k, da, db } = productOf(x, y)
    if (dx) gradient(batch, c(dz), flip(b), da(dx), m, k, n, dx)
    if (dy) gradient(batch, flip(a), c(dz), db(dy), k, n, m, dy)
  },
})

export function matmul(a: Tensor, b: Tensor): Tensor {
  check('matmul', a)
  check('matmul', b)
  const shapes = () => `matmul: ${formatShape(a.shape)} x ${formatShape(b.shape)}`
  if (a.ndim === 0 || b.ndim === 0)
    throw new ShapeError(`${shapes()}: takes vectors and matrices, (…, m, k) x (…, k, n); use mul() for a number`)
  const inner = [a.shape.at(-1), b.shape.at(b.ndim > 1 ? -2 : -1)]
  if (inner[0] !== inner[1])
    throw new ShapeError(
      `${shapes()}: takes (…, m, k) x (…, k, n) with equal inner sizes, which are ${inner.join(' and ')} here`,
    )
  if (a.ndim > 2 && b.ndim > 2) broadcastShapes(`${shapes()}: leading axes`, leading(a.shape), leading(b.shape))
  return product([a, b])
}

export function dot(a: Tensor, b: Tensor): Tensor {
  check('dot', a)
  check('dot', b)
  if (a.ndim !== 1 || !sameShape(a.shape, b.shape))
    throw new ShapeError(`dot: ${formatShape(a.shape)} x ${formatShape(b.shape)}: takes two vectors of equal length`)
  return matmul(a, b)
}

export function outer(a: Tensor, b: Tensor): Tensor {
  check('outer', a)
  check('outer', b)
  if (a.ndim !== 1 || b.ndim !== 1)
    throw new ShapeError(`outer: ${formatShape(a.shape)} x ${formatShape(b.shape)}: takes two vectors`)
  return inSteps([], (step) => matmul(step(unsqueeze(a, 1)), step(unsqueeze(b, 0))))
}

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
