/** Batch and layer normalisation. */
import { defineOp } from '../autograd/op.ts'
import { check, withReadable } from '../autograd/operands.ts'
import type { Operand } from '../dtype.ts'
import { DtypeError, OptionError, ShapeError } from '../errors.ts'
import { checkFlag, checkOption, checkOptions } from '../options.ts'
import { engine } from '../runtime/engine.ts'
import type { Ptr } from '../runtime/kernels.generated.ts'
import { formatShape, numelOf, type Shape, sameShape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import { change } from './inplace.ts'

const NONE = 0 as Ptr

/** Which of weight and bias follow x among the inputs. */
interface Affine {
  readonly eps: number
  /** Where they are among the inputs, or -1. */
  readonly weightAt: number
  readonly biasAt: number
}

/** x with the weight and the bias that there are, and where they are. */
function affineInputs(x: Tensor, weight: Tensor | null, bias: Tensor | null) {
  const inputs = [x, weight, bias].filter((input) => input !== null)
  return { inputs, weightAt: weight ? 1 : -1, biasAt: bias ? inputs.length - 1 : -1 }
}

const ptrAt = (xs: readonly Operand[], at: number): Ptr => xs[at]?.ptr ?? NONE

/** Backward reads x and the weight. */
const readsNoBias = (needed: readonly boolean[], { biasAt }: Affine) => needed.map((_, i) => i !== biasAt)

/** Throws unless weight and bias, as far as there are any, have the shape. */
function checkAffine(op: string, weight: Tensor | null, bias: Tensor | null, shape: Shape): void {
  for (const [name, x] of [['weight', weight] as const, ['bias', bias] as const]) {
    if (x === null) continue
    check(op, x)
    if (!sameShape(x.shape, shape))
      throw new ShapeError(`${op}: the ${name} has shape ${formatShape(x.shape)}; it must be ${formatShape(shape)}`)
  }
}

export function checkEps(op: string, eps: number): void {
  checkOption(op, 'eps', eps, eps >= 0, 'a finite number from 0 up')
}

// --- layers ----------------------------------------------------------------------------------------------------------

interface Layers extends Affine {
  /** How many of the last axes are normalised together. */
  readonly axes: number
}

function rowsOf({ shape }: Operand, { axes }: Layers): [rows: number, n: number] {
  const split = shape.length - axes
  return [numelOf(shape.slice(0, split)), numelOf(shape.slice(split))]
}

const layerNormOf = defineOp<Layers, 'stats'>({
  name: 'layerNorm',
  // Mean and 1 / standard deviation of each row, in float64.
  saves: { stats: ([x], params) => [rowsOf(x, params)[0], 4] },
  uses: readsNoBias,
  shape: ([x]) => x.shape,
  forward: (k, xs, y, params, { stats }) => {
    const { weightAt, biasAt, eps } = params
    const sizes = rowsOf(y, params)
    k.layerNorm(xs[0].ptr, ptrAt(xs, weightAt), ptrAt(xs, biasAt), y.ptr, stats.ptr, ...sizes, eps)
  },
  backward: (k, saved, dy, dxs, params) => {
    const { weightAt, biasAt } = params
    const { stats } = saved.extras
    const [x] = saved
    const [dx] = dxs
    const [dw, db] = [dxs[weightAt], dxs[biasAt]]
    const [rows, n] = rowsOf(dy, params)
    if (dx) k.layerNormGrad(x.ptr, ptrAt(saved, weightAt), stats.ptr, dy.ptr, dx.ptr, rows, n, dx.beta)
    if (dw) k.layerNormGradWeight(x.ptr, stats.ptr, dy.ptr, dw.ptr, wideColumns(n, 1), rows, n, dw.beta)
    if (db) k.sum(dy.ptr, db.ptr, 1, rows, n, db.beta, 1)
  },
})

/** What `layerNorm` takes besides. */
export interface LayerNormOptions {
  /** What the result is multiplied by, of the normalised shape. Default: nothing. */
  weight?: Tensor | null
  /** What is added to that, of the normalised shape. Default: nothing. */
  bias?: Tensor | null
  /** What is added to the variance. Default: 0.00001. */
  eps?: number
}

/**
 * (x - mean) / sqrt(variance + eps) * weight + bias over the last axes of x, those of `normalizedShape`, for each index into the
 * others on its own; the variance is divided by the number of elements. Mean and variance are float64. The shape stays.
 * Source: J. L. Ba, J. R. Kiros, G. E. Hinton, "Layer Normalization" (arXiv:1607.06450).
 * @throws ShapeError when x does not end in `normalizedShape`, or weight or bias has another shape; OptionError for an `eps` below 0.
 */
export function layerNorm(x: Tensor, normalizedShape: number | Shape, options: LayerNormOptions = {}): Tensor {
  checkOptions('layerNorm', options, ['weight', 'bias', 'eps'])
  const { weight = null, bias = null, eps = 1e-5 } = options
  check('layerNorm', x)
  checkEps('layerNorm', eps)
  const shape = normalizedSizes('layerNorm', normalizedShape)
  const axes = shape.length
  if (axes > x.ndim || !sameShape(x.shape.slice(x.ndim - axes), shape))
    throw new ShapeError(
      `layerNorm: the last axes of ${formatShape(x.shape)} are not those of the normalized shape ${formatShape(shape)}`,
    )
  checkAffine('layerNorm', weight, bias, shape)
  const { inputs, ...at } = affineInputs(x, weight, bias)
  return layerNormOf(inputs, { ...at, eps, axes })
}

/** The sizes of the axes that are normalised together: at least one. */
export function normalizedSizes(op: string, shape: number | Shape): readonly number[] {
  const sizes = typeof shape === 'number' ? [shape] : shape
  if (!Array.isArray(sizes) || sizes.length === 0 || sizes.some((size) => !Number.isSafeInteger(size) || size < 0))
    throw new ShapeError(
      `${op}: the normalized shape is ${Array.isArray(sizes) ? formatShape(sizes) : String(sizes)}; it must be a size, or an array of the sizes of the last axes`,
    )
  return sizes
}

// --- batches ---------------------------------------------------------------------------------------------------------

/** Bytes of so many float64 for each of c columns, in whole fours. */
const wideBytes = (c: number, each: number) => Math.ceil(c / 4) * 32 * each

const wideColumns = (c: number, each: number): Ptr => engine().heap.workspace(wideBytes(c, each))

/** Running statistics. Addresses, so that the tape holds no tensors. */
interface Running {
  readonly mean: Ptr
  readonly variance: Ptr
  /** How many batches have moved them, or `NONE`. */
  readonly count: Ptr
  /** Null: the average of all batches so far. */
  readonly momentum: number | null
}

interface Batches extends Affine {
  /** Whether mean and variance are those of the batch. */
  readonly ofBatch: boolean
  readonly running: Running | null
}

const batchNormOf = defineOp<Batches, 'stats'>({
  name: 'batchNorm',
  // Means, then variances of the columns, in float64.
  saves: { stats: ([x]) => [wideBytes(x.shape[1], 2) / 4] },
  uses: readsNoBias,
  shape: ([x]) => x.shape,
  forward: (k, xs, y, { weightAt, biasAt, eps, ofBatch, running }, { stats }) => {
    const [x] = xs
    const [n, c] = x.shape
    const scratch = wideColumns(c, 1)
    if (ofBatch) k.batchStats(x.ptr, stats.ptr, n, c)
    else if (running) k.runningStats(running.mean, running.variance, stats.ptr, c)
    k.batchNorm(x.ptr, ptrAt(xs, weightAt), ptrAt(xs, biasAt), stats.ptr, y.ptr, scratch, n, c, eps)
    // Last, when nothing can fail any more.
    if (ofBatch && running) {
      const { mean, variance, count, momentum } = running
      const isCumulative = Number(momentum === null)
      k.updateRunning(stats.ptr, mean, variance, count, n, c, momentum ?? 0, isCumulative)
    }
  },
  backward: (k, saved, dy, dxs, { weightAt, biasAt, eps, ofBatch }) => {
    const { stats } = saved.extras
    const [x] = saved
    const [dx] = dxs
    const [dw, db] = [dxs[weightAt], dxs[biasAt]]
    const [n, c] = dy.shape
    const weight = ptrAt(saved, weightAt)
    const sums = wideColumns(c, 5)
    const scratch = (sums + wideBytes(c, 2)) as Ptr
    if (dw || db || ofBatch) k.batchNormSums(x.ptr, stats.ptr, dy.ptr, sums, n, c)
    if (dw) k.batchNormGradWeight(stats.ptr, sums, dw.ptr, c, dw.beta, eps)
    if (db) k.batchNormGradBias(sums, db.ptr, c, db.beta)
    if (dx && ofBatch) k.batchNormGrad(x.ptr, weight, stats.ptr, sums, dy.ptr, dx.ptr, scratch, n, c, dx.beta, eps)
    else if (dx) k.batchNormGradFixed(weight, stats.ptr, dy.ptr, dx.ptr, scratch, n, c, dx.beta, eps)
  },
})

/** What `batchNorm` takes besides. */
export interface BatchNormOptions {
  /** What the result is multiplied by, (C). Default: nothing. */
  weight?: Tensor | null
  /** What is added to that, (C). Default: nothing. */
  bias?: Tensor | null
  /** Whether mean and variance are those of the batch, and move the running ones. Default: false. */
  training?: boolean
  /** How far the running statistics move towards those of a batch, from 0 to 1. Default: 0.1. */
  momentum?: number
  /** What is added to the variance. Default: 0.00001. */
  eps?: number
}

/**
 * (x - mean) / sqrt(variance + eps) * weight + bias for each column of x, (N, C). In training, mean and variance (divided by N)
 * are those of the batch, in float64, and move `runningMean` and `runningVar`, both (C), in place, the variance as divided by
 * N - 1; a batch of no rows moves nothing. Else they are the running ones, constants for the gradient.
 * Source: S. Ioffe, C. Szegedy, "Batch Normalization" (arXiv:1502.03167).
 * @throws ShapeError when x has not two axes, has one row in training, or something is not (C); OptionError without running
 *   statistics outside of training, for an `eps` below 0 or a momentum outside of 0 to 1; GraphError for running statistics
 *   that need a gradient.
 */
export function batchNorm(
  x: Tensor,
  runningMean: Tensor | null,
  runningVar: Tensor | null,
  options: BatchNormOptions = {},
): Tensor {
  checkOptions('batchNorm', options, ['weight', 'bias', 'training', 'momentum', 'eps'])
  const { momentum = 0.1 } = options
  checkMomentum('batchNorm', momentum)
  return normalizedBatch('batchNorm', x, { runningMean, runningVar, count: null, ...options, momentum })
}

export function checkMomentum(op: string, momentum: number): void {
  checkOption(op, 'momentum', momentum, momentum >= 0 && momentum <= 1, 'a number from 0 to 1')
}

/** What `batchNorm` and the layer know of a batch. */
export interface BatchNormState extends Omit<BatchNormOptions, 'momentum'> {
  readonly runningMean: Tensor | null
  readonly runningVar: Tensor | null
  /** How many batches have moved the statistics, int32. */
  readonly count: Tensor | null
  readonly momentum: number | null
}

/** `batchNorm` under another name, which errors show. */
export function normalizedBatch(op: string, x: Tensor, state: BatchNormState): Tensor {
  const { runningMean, runningVar, count, momentum } = state
  const { weight = null, bias = null, training = false, eps = 1e-5 } = state
  check(op, x)
  checkFlag(op, 'training', training)
  checkEps(op, eps)
  if (x.ndim !== 2)
    throw new ShapeError(
      `${op}: takes (N, C), got ${formatShape(x.shape)}; reshape other axes into N, or use flatten(1) or layerNorm`,
    )
  const [n, c] = x.shape
  checkAffine(op, weight, bias, [c])
  checkRunning(op, runningMean, runningVar, c)
  if (training && n === 1)
    throw new ShapeError(
      `${op}: expected more than 1 row in training, got ${formatShape(x.shape)}: one row has no variance; leave out a last small batch by { dropLast: true }, or call eval()`,
    )
  const { inputs, ...at } = affineInputs(x, weight, bias)
  const run = (running: Running | null) => batchNormOf(inputs, { ...at, eps, ofBatch: training, running })
  if (!runningMean || !runningVar) {
    if (training) return run(null)
    throw new OptionError(
      `${op}: outside of training it takes a running mean and variance; give both, or { training: true }`,
    )
  }
  if (!training)
    return withReadable(op, runningMean, {}, ({ ptr: mean }) =>
      withReadable(op, runningVar, {}, ({ ptr: variance }) => run({ mean, variance, count: NONE, momentum })),
    )
  return change(op, runningMean, [], ({ ptr: mean }) =>
    change(op, runningVar, [], ({ ptr: variance }) => {
      if (!count) return run({ mean, variance, count: NONE, momentum })
      return change(op, count, [], (counted) => run({ mean, variance, count: counted.ptr, momentum }))
    }),
  )
}

function checkRunning(op: string, runningMean: Tensor | null, runningVar: Tensor | null, c: number): void {
  if ((runningMean === null) !== (runningVar === null))
    throw new OptionError(`${op}: there is a running mean or a running variance, but not both; give both or neither`)
  for (const [name, x] of [['mean', runningMean] as const, ['variance', runningVar] as const]) {
    if (x === null) continue
    check(op, x)
    if (x.dtype !== 'float32') throw new DtypeError(`${op}: the running ${name} is ${x.dtype}; it must be float32`)
    if (x.ndim !== 1 || x.numel !== c)
      throw new ShapeError(
        `${op}: the running ${name} has shape ${formatShape(x.shape)}; with ${c} columns it must be (${c})`,
      )
  }
}
