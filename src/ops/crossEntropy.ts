/** Losses of samples: logits or logarithms of probabilities, one for each class, and which class it is. */
import { defineOp } from '../autograd/op.ts'
import { check } from '../autograd/operands.ts'
import { inSteps } from '../autograd/steps.ts'
import type { Operand } from '../dtype.ts'
import { DtypeError, OptionError, ShapeError } from '../errors.ts'
import { checkOption, checkOptions } from '../options.ts'
import { engine } from '../runtime/engine.ts'
import type { Kernels, Ptr } from '../runtime/kernels.generated.ts'
import { at } from '../runtime/strided.ts'
import { formatShape, type Shape, sameShape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import { add, mul } from './binary.ts'
import { checkConstant, checkReduction, type LossOptions, type Reduction } from './loss.ts'
import { reshape } from './shape.ts'

/** Options of `NLLLoss`. */
export interface NLLLossOptions extends LossOptions {
  /** (C), a factor for each class. The mean is by the sum of the factors of the labels. Default: none. */
  weight?: Tensor | null
  /** A label whose samples count for nothing: no loss, no gradient, no share of the mean. Default: -100. */
  ignoreIndex?: number
}

/** Options of `CrossEntropyLoss`. */
export interface CrossEntropyLossOptions extends NLLLossOptions {
  /** How much of the target, from 0 to 1, is spread evenly over all classes (C. Szegedy et al., arXiv:1512.00567). Default: 0. */
  labelSmoothing?: number
}

interface Params {
  readonly reduction: Reduction
  readonly ignored: number
}

const NULL = 0 as Ptr
const FLOAT32 = 4

const shapeOf = (x: Operand, { reduction }: Params): Shape => (reduction === 'none' ? [x.shape[0]] : [])

/** Writes the factors of the samples, and throws when a label is out of range. */
function weigh(op: string, target: Operand, weight: Operand | undefined, weights: Ptr, cols: number, ignored: number) {
  const { k, heap } = engine()
  const bad = k.labelWeights(target.ptr, weight?.ptr ?? NULL, weights, target.numel, cols, ignored)
  if (bad < 0) return
  const label = heap.read(at(target, bad), 'int32')
  throw new OptionError(
    `${op}: the label of row ${bad} is ${label}; with ${cols} classes labels go from 0 to ${cols - 1}, or are ignoreIndex`,
  )
}

/** Has `write` write the losses of the samples to `y`, or reduces them to it, and writes what they were divided by. */
function reduced(
  k: Kernels,
  y: Operand,
  weights: Ptr,
  divisor: Ptr,
  rows: number,
  { reduction }: Params,
  write: (losses: Ptr) => void,
): void {
  const losses = reduction === 'none' ? y.ptr : engine().heap.workspace(rows * FLOAT32)
  write(losses)
  if (reduction === 'mean') {
    k.weightedMean(losses, weights, y.ptr, divisor, rows)
    return
  }
  k.fillF32(divisor, 1, 1)
  if (reduction === 'sum') k.sum(losses, y.ptr, 1, rows, 1, 0, 1)
}

const strideOf = ({ reduction }: Params) => (reduction === 'none' ? 1 : 0)

/** What `forward` keeps: the divisor of the mean, the factors of the samples and, of logits, the pairs of `logSumExp`. */
function parts(kept: Operand, rows: number) {
  return { divisor: kept.ptr, weights: at(kept, 1), logSumExp: at(kept, 1 + rows) }
}

/** `inputs` are the logits, the labels and, where there is one, the weight of the classes. */
const ofLabels = defineOp<Params, 'kept'>({
  name: 'crossEntropy',
  saves: { kept: ([x]) => [1 + 3 * x.shape[0]] },
  takes: ([, , weight]) => (weight ? ['float32', 'int32', 'float32'] : ['float32', 'int32']),
  shape: ([x], params) => shapeOf(x, params),
  forward: (k, [x, target, weight], y, params, { kept }) => {
    const [rows, cols] = x.shape
    const { divisor, weights, logSumExp } = parts(kept, rows)
    weigh('crossEntropy', target, weight, weights, cols, params.ignored)
    reduced(k, y, weights, divisor, rows, params, (losses) =>
      k.crossEntropy(x.ptr, target.ptr, weights, logSumExp, losses, rows, cols, params.ignored),
    )
  },
  backward: (k, { 0: x, 1: target, extras }, dy, [dx], params) => {
    if (!dx) return
    const [rows, cols] = x.shape
    const { divisor, weights, logSumExp } = parts(extras.kept, rows)
    const stride = strideOf(params)
    k.crossEntropyGrad(
      ...([x.ptr, target.ptr, weights, logSumExp, divisor, dy.ptr, dx.ptr] as const),
      ...([rows, cols, stride, dx.beta, params.ignored] as const),
    )
  },
})

const nllOf = defineOp<Params, 'kept'>({
  name: 'nllLoss',
  saves: { kept: ([x]) => [1 + x.shape[0]] },
  takes: ([, , weight]) => (weight ? ['float32', 'int32', 'float32'] : ['float32', 'int32']),
  shape: ([x], params) => shapeOf(x, params),
  forward: (k, [x, target, weight], y, params, { kept }) => {
    const [rows, cols] = x.shape
    const { divisor, weights } = parts(kept, rows)
    weigh('nllLoss', target, weight, weights, cols, params.ignored)
    reduced(k, y, weights, divisor, rows, params, (losses) =>
      k.nll(x.ptr, target.ptr, weights, losses, rows, cols, params.ignored),
    )
  },
  backward: (k, { 0: x, 1: target, extras }, dy, [dx], params) => {
    if (!dx) return
    const [rows, cols] = x.shape
    const { divisor, weights } = parts(extras.kept, rows)
    const stride = strideOf(params)
    k.nllGrad(target.ptr, weights, divisor, dy.ptr, dx.ptr, rows, cols, stride, dx.beta, params.ignored)
  },
})

/** The factors of the samples, from the labels and, where there is one, the weight of the classes. */
const weightsOf = defineOp<{ readonly classes: number; readonly ignored: number }>({
  name: 'crossEntropy',
  takes: ([, weight]) => (weight ? ['int32', 'float32'] : ['int32']),
  shape: ([target]) => target.shape,
  forward: (_k, [target, weight], y, { classes, ignored }) =>
    weigh('crossEntropy', target, weight, y.ptr, classes, ignored),
})

interface Smoothing {
  readonly classes: number
  readonly ignored: number
  readonly smoothing: number
}

/** What each class of each sample counts, from the labels, the factors of the samples and those of the classes. */
const smoothedLabels = defineOp<Smoothing>({
  name: 'crossEntropy',
  takes: ([, , weight]) => (weight ? ['int32', 'float32', 'float32'] : ['int32', 'float32']),
  shape: ([target], { classes }) => [target.shape[0], classes],
  forward: (k, [target, weights, weight], q, { classes, ignored, smoothing }) =>
    k.smoothLabels(target.ptr, weights.ptr, weight?.ptr ?? NULL, q.ptr, target.numel, classes, ignored, smoothing),
})

/** `inputs` are the logits, what each class of each sample counts, and the factors of the samples, if not 1. */
const ofDistributions = defineOp<Params, 'kept'>({
  name: 'crossEntropy',
  saves: { kept: ([x]) => [1 + 3 * x.shape[0]] },
  uses: ([logits]) => [true, logits],
  shape: ([x], params) => shapeOf(x, params),
  forward: (k, [x, q, sampleWeights], y, params, { kept }) => {
    const [rows, cols] = x.shape
    const { divisor, weights, logSumExp } = parts(kept, rows)
    if (!sampleWeights) k.fillF32(weights, rows, 1)
    reduced(k, y, sampleWeights?.ptr ?? weights, divisor, rows, params, (losses) =>
      k.softCrossEntropy(x.ptr, q.ptr, logSumExp, losses, rows, cols),
    )
  },
  backward: (k, { 0: x, 1: q, extras }, dy, [dx, dq], params) => {
    const [rows, cols] = x.shape
    const { divisor, logSumExp } = parts(extras.kept, rows)
    const stride = strideOf(params)
    if (dx) k.softCrossEntropyGrad(x.ptr, q.ptr, logSumExp, divisor, dy.ptr, dx.ptr, rows, cols, stride, dx.beta)
    if (dq) k.softCrossEntropyTargetGrad(x.ptr, logSumExp, divisor, dy.ptr, dq.ptr, rows, cols, stride, dq.beta)
  },
})

/**
 * The mean of -log softmax(logits)[label] over a batch, or the sum, or the loss of each sample. Stable: the largest logit
 * of a row is subtracted first.
 * @param logits (N, C), unnormalised, or (C) for one sample.
 * @param target Class indices from 0 to C - 1: (N), or () for one sample, int32 or uint8. Or probabilities of the classes: of
 * the shape of the logits; they get a gradient too. A class of probability 0 adds nothing, also where its logit is -Infinity.
 * @param options.weight (C), a factor for each class. With class indices the mean is by the sum of the factors of the labels, with
 * probabilities by N.
 * @throws ShapeError for other shapes; DtypeError for labels of another dtype; OptionError for a label out
 * of range, or ignoreIndex with probabilities; GraphError for a weight that requires a gradient. The mean over no samples, or none that is not
 * ignored, is NaN.
 */
export function crossEntropy(logits: Tensor, target: Tensor, options: CrossEntropyLossOptions = {}): Tensor {
  const op = 'crossEntropy'
  const { weight, reduction, ignored, smoothing } = crossEntropyOptions(op, options)
  check(op, logits)
  check(op, target)
  const isDistribution =
    sameShape(logits.shape, target.shape) && (logits.ndim === 2 || (logits.ndim === 1 && target.dtype === 'float32'))
  if (!isDistribution) checkLabels(op, logits, target)
  if (isDistribution && ignored >= 0)
    throw new OptionError(
      `${op}: ignoreIndex is ${ignored}, but the targets are probabilities; it is for class indices`,
    )
  if (weight) checkClasses(op, weight, logits)
  const weights = weight ? [weight] : []
  const params = { reduction, ignored }
  return overBatch(logits, target, reduction, ([x, t]) => {
    if (!isDistribution && smoothing === 0) return ofLabels([x, t, ...weights], params)
    const classes = x.shape[1]
    return inSteps([t], (step) => {
      if (isDistribution) {
        const smooth = smoothing > 0 ? step(add(step(mul(t, 1 - smoothing)), smoothing / classes)) : t
        return ofDistributions([x, weight ? step(mul(smooth, weight)) : smooth], params)
      }
      const samples = step(weightsOf([t, ...weights], { classes, ignored }))
      return ofDistributions(
        [x, step(smoothedLabels([t, samples, ...weights], { classes, ignored, smoothing })), samples],
        params,
      )
    })
  })
}

interface CrossEntropyParams extends Params {
  readonly weight: Tensor | null
  readonly smoothing: number
}

export function crossEntropyOptions(op: string, options: CrossEntropyLossOptions): CrossEntropyParams {
  checkOptions(op, options, ['ignoreIndex', 'labelSmoothing', 'reduction', 'weight'])
  const { labelSmoothing = 0 } = options
  checkOption(op, 'labelSmoothing', labelSmoothing, labelSmoothing >= 0 && labelSmoothing <= 1, 'a number from 0 to 1')
  const { reduction, ignored, weight } = labelOptions(op, options)
  return { reduction, ignored, weight, smoothing: labelSmoothing }
}

/**
 * The mean of -input[label] over a batch, or the sum, or the loss of each sample: the negative log likelihood, where the input
 * has logarithms of probabilities.
 * @param input (N, C), or (C) for one sample.
 * @param target Class indices from 0 to C - 1: (N), or () for one sample, int32 or uint8.
 * @param options.weight (C), a factor for each class; the mean is by the sum of the factors of the labels.
 * @throws ShapeError for other shapes; DtypeError for labels of another dtype; OptionError for a label out of range;
 * GraphError for a weight that requires a gradient. The mean over no samples, or none that is not ignored, is NaN.
 */
export function nllLoss(input: Tensor, target: Tensor, options: NLLLossOptions = {}): Tensor {
  const op = 'nllLoss'
  const { weight, ...params } = nllOptions(op, options)
  check(op, input)
  check(op, target)
  checkLabels(op, input, target)
  if (weight) checkClasses(op, weight, input)
  return overBatch(input, target, params.reduction, (inputs) => nllOf(weight ? [...inputs, weight] : inputs, params))
}

export function nllOptions(op: string, options: NLLLossOptions): Params & { readonly weight: Tensor | null } {
  checkOptions(op, options, ['ignoreIndex', 'reduction', 'weight'])
  return labelOptions(op, options)
}

/** What the options of both have in common. */
function labelOptions(op: string, options: NLLLossOptions): Params & { readonly weight: Tensor | null } {
  const { weight = null, ignoreIndex = -100, reduction = 'mean' } = options
  checkReduction(op, reduction)
  checkOption(op, 'ignoreIndex', ignoreIndex, (ignoreIndex | 0) === ignoreIndex, 'an integer of 32 bits')
  if (weight !== null) checkConstant(op, 'weight', weight)
  return { reduction, ignored: ignoreIndex, weight }
}

function misfit(op: string, x: Tensor, target: Tensor): ShapeError {
  const others =
    op === 'crossEntropy' ? ', or (N, C) and (N, C) for probabilities; labels of one-hot rows are labels.argmax(1)' : ''
  return new ShapeError(
    `${op}: ${op === 'crossEntropy' ? 'logits' : 'input'} ${formatShape(x.shape)} and labels ${formatShape(target.shape)}: ` +
      `takes (N, C) and (N): one row and one class index for each sample${others}`,
  )
}

function checkLabels(op: string, x: Tensor, target: Tensor): void {
  const fits =
    (x.ndim === 2 && target.ndim === 1 && x.shape[0] === target.shape[0]) || (x.ndim === 1 && target.ndim === 0)
  if (!fits) throw misfit(op, x, target)
  if (target.dtype !== 'int32' && target.dtype !== 'uint8')
    throw new DtypeError(
      `${op}: labels are ${target.dtype}; class indices are int32 or uint8: convert them by labels.int()`,
    )
}

function checkClasses(op: string, weight: Tensor, x: Tensor): void {
  const classes = x.shape[x.ndim - 1]
  if (!sameShape(weight.shape, [classes]))
    throw new ShapeError(
      `${op}: weight ${formatShape(weight.shape)} and ${classes} classes: a weight has one factor for each class, (${classes})`,
    )
}

/** Runs `body` on batches; one sample without an axis for it is a batch of one. */
function overBatch(
  x: Tensor,
  target: Tensor,
  reduction: Reduction,
  body: (inputs: readonly Tensor[]) => Tensor,
): Tensor {
  if (x.ndim === 2) return body([x, target])
  return inSteps([], (step) => {
    const losses = body([step(reshape(x, [1, -1])), step(reshape(target, target.ndim === 0 ? [1] : [1, -1]))])
    return reduction === 'none' ? reshape(step(losses), []) : losses
  })
}
