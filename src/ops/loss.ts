/** Losses of pairs of elements: an input and a target of one shape. */
import { defineOp } from '../autograd/op.ts'
import { check } from '../autograd/operands.ts'
import { inSteps } from '../autograd/steps.ts'
import { type Destination, isRecording } from '../autograd/tape.ts'
import type { Operand } from '../dtype.ts'
import { GraphError, OptionError, ShapeError } from '../errors.ts'
import { checkFlag, checkOption, checkOptions } from '../options.ts'
import { engine } from '../runtime/engine.ts'
import type { Kernels, Ptr } from '../runtime/kernels.generated.ts'
import { at } from '../runtime/strided.ts'
import { formatShape, positionOf, type Shape, sameShape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import { mul } from './binary.ts'
import { mean, sum } from './reduce.ts'
import { expand } from './shape.ts'

/** What becomes of the losses of the elements or samples: their mean, their sum, or nothing. */
export type Reduction = 'mean' | 'sum' | 'none'

/** Options of every loss, and all that `MSELoss` and `L1Loss` take. */
export interface LossOptions {
  /** `'mean'` of the losses, their `'sum'`, or `'none'`: the losses themselves. Default: `'mean'`. */
  reduction?: Reduction
}

/** Options of `HuberLoss`. */
export interface HuberLossOptions extends LossOptions {
  /** The distance from which on the loss grows linearly; above 0. Default: 1. */
  delta?: number
}

/** Options of `SmoothL1Loss`. */
export interface SmoothL1LossOptions extends LossOptions {
  /** The distance from which on the loss is that of L1, less beta / 2; from 0 up. Default: 1. */
  beta?: number
}

/** Options of `BCELoss`. */
export interface BCELossOptions extends LossOptions {
  /** Factors of the losses, which broadcast to the shape of the input. */
  weight?: Tensor | null
}

/** Options of `BCEWithLogitsLoss`. */
export interface BCEWithLogitsLossOptions extends BCELossOptions {
  /** Factors of the losses of positive targets, which broadcast to the shape of the input: above 1 for more recall. */
  posWeight?: Tensor | null
}

/** Options of `KLDivLoss`. */
export interface KLDivLossOptions {
  /** As for other losses, or `'batchmean'`: the sum by the size of the first axis, which is the mathematical definition. Default: `'mean'`. */
  reduction?: Reduction | 'batchmean'
  /** Whether targets are logarithms of probabilities. Default: false. */
  logTarget?: boolean
}

const REDUCTIONS: readonly string[] = ['mean', 'sum', 'none']

export function checkReduction(op: string, reduction: string, known = REDUCTIONS): void {
  if (!known.includes(reduction))
    throw new OptionError(`${op}: reduction is ${JSON.stringify(reduction)}; use '${known.join("', '")}'`)
}

/** Throws unless a gradient with respect to `weight` is asked of nobody. */
export function checkConstant(op: string, name: string, weight: Tensor): void {
  check(op, weight)
  if (isRecording() && weight.requiresGrad)
    throw new GraphError(
      `${op}: ${name} requires a gradient, but the loss has none with respect to it; pass ${name}.detach(), or multiply the losses of reduction 'none' by it`,
    )
}

/** What becomes of the losses: how the kernels are told. */
interface Reduced {
  readonly reduction: Reduction | 'batchmean'
}

const isEach = ({ reduction }: Reduced) => (reduction === 'none' ? 1 : 0)

function divisorOf({ reduction }: Reduced, x: Operand): number {
  if (reduction === 'mean') return x.numel
  return reduction === 'batchmean' ? (x.shape[0] ?? 1) : 1
}

const shapeOf = (x: Operand, { reduction }: Reduced): Shape => (reduction === 'none' ? x.shape : [])

type Forward = (a: Ptr, b: Ptr, y: Ptr, n: number, each: number, divisor: number, p: number, q: number) => void
type Gradient = (
  a: Ptr,
  b: Ptr,
  dy: Ptr,
  dx: Ptr,
  n: number,
  each: number,
  beta: number,
  divisor: number,
  p: number,
  q: number,
) => void

interface Pair extends Reduced {
  /** What the kernels take besides. */
  readonly hyper?: readonly [number, number]
}

/** The losses whose gradient kernel gives that of the target when the operands are exchanged, and the others. */
type Symmetric = 'mse' | 'l1' | 'huber'
type Asymmetric = 'bce' | 'klDiv'

function pairwise(
  name: string,
  kernel: Symmetric | Asymmetric,
  validate?: (k: Kernels, x: Operand) => void,
): (x: Tensor, target: Tensor, params: Pair) => Tensor {
  const op = defineOp<Pair>({
    name,
    saves: 'inputs',
    shape: ([x], params) => shapeOf(x, params),
    forward: (k, [x, t], y, params) => {
      validate?.(k, x)
      const forward: Forward = k[kernel]
      const [p, q] = params.hyper ?? NO_HYPER
      forward(x.ptr, t.ptr, y.ptr, x.numel, isEach(params), divisorOf(params, x), p, q)
    },
    backward: (k, [x, t], dy, [dx, dt], params) => {
      const [p, q] = params.hyper ?? NO_HYPER
      const write = (gradient: Gradient, a: Operand, b: Operand, to: Destination) =>
        gradient(a.ptr, b.ptr, dy.ptr, to.ptr, x.numel, isEach(params), to.beta, divisorOf(params, x), p, q)
      if (dx) write(k[`${kernel}Grad`], x, t, dx)
      if (!dt) return
      if (kernel === 'bce' || kernel === 'klDiv') write(k[`${kernel}TargetGrad`], x, t, dt)
      else write(k[`${kernel}Grad`], t, x, dt)
    },
  })
  return (x, target, params) => {
    checkPair(name, x, target)
    return op([x, target], params)
  }
}

const NO_HYPER = [0, 0] as const

function checkPair(op: string, input: Tensor, target: Tensor): void {
  check(op, input)
  check(op, target)
  if (!sameShape(input.shape, target.shape))
    throw new ShapeError(
      `${op}: input ${formatShape(input.shape)} and target ${formatShape(target.shape)} must have equal shapes; reshape one of them`,
    )
}

const mseOf = pairwise('mseLoss', 'mse')

/**
 * The mean of (input - target)² over all elements, or their sum, or each of them.
 * @param input Any shape; its gradient is 2 (input - target), by the number of elements for the mean.
 * @param target The same shape; it gets a gradient too.
 * @throws ShapeError for shapes that differ: nothing is broadcast. The mean over no elements is NaN.
 */
export function mseLoss(input: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  return mseOf(input, target, lossOptions('mseLoss', options))
}

/** Checks the options of a loss that takes none but `reduction`. */
export function lossOptions(op: string, options: LossOptions): Reduced {
  checkOptions(op, options, ['reduction'])
  const { reduction = 'mean' } = options
  checkReduction(op, reduction)
  return { reduction }
}

const l1Of = pairwise('l1Loss', 'l1')

/**
 * The mean of |input - target| over all elements, or their sum, or each of them. Where both are equal the gradient is 0.
 * @param input Any shape.
 * @param target The same shape; it gets a gradient too.
 * @throws ShapeError for shapes that differ: nothing is broadcast.
 */
export function l1Loss(input: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  return l1Of(input, target, lossOptions('l1Loss', options))
}

const huberOf = pairwise('huberLoss', 'huber')

/**
 * Of the distances d = |input - target|: d² / 2 up to `delta`, from there on delta (d - delta / 2); the mean over all
 * elements, or their sum, or each of them (P. J. Huber, "Robust Estimation of a Location Parameter", 1964).
 * @param input Any shape.
 * @param target The same shape; it gets a gradient too.
 * @throws ShapeError for shapes that differ; OptionError for a delta that is not above 0.
 */
export function huberLoss(input: Tensor, target: Tensor, options: HuberLossOptions = {}): Tensor {
  return huberOf(input, target, huberOptions('huberLoss', options))
}

export function huberOptions(op: string, options: HuberLossOptions): Pair {
  checkOptions(op, options, ['delta', 'reduction'])
  const { delta = 1, reduction = 'mean' } = options
  checkReduction(op, reduction)
  checkOption(op, 'delta', delta, delta > 0, 'a finite number above 0')
  return { reduction, hyper: [delta, 1] }
}

const smoothL1Of = pairwise('smoothL1Loss', 'huber')
const sharpL1Of = pairwise('smoothL1Loss', 'l1')

/**
 * Of the distances d = |input - target|: d² / (2 beta) up to `beta`, from there on d - beta / 2, so that beta 0 gives L1;
 * the mean over all elements, or their sum, or each of them (R. Girshick, arXiv:1504.08083).
 * @param input Any shape.
 * @param target The same shape; it gets a gradient too.
 * @throws ShapeError for shapes that differ; OptionError for a negative beta.
 */
export function smoothL1Loss(input: Tensor, target: Tensor, options: SmoothL1LossOptions = {}): Tensor {
  const params = smoothL1Options('smoothL1Loss', options)
  return Math.fround(params.hyper[0]) === 0 ? sharpL1Of(input, target, params) : smoothL1Of(input, target, params)
}

export function smoothL1Options(op: string, options: SmoothL1LossOptions): Required<Pair> {
  checkOptions(op, options, ['beta', 'reduction'])
  const { beta = 1, reduction = 'mean' } = options
  checkReduction(op, reduction)
  checkOption(op, 'beta', beta, beta >= 0, 'a finite number from 0 up')
  return { reduction, hyper: [beta, beta] }
}

const klDivOf = pairwise('klDiv', 'klDiv')

/**
 * The Kullback-Leibler divergence: of each element, target (log target - input), which is 0 where the target is 0; the mean
 * over all elements, the mean over a batch, the sum, or each of them.
 * @param input Logarithms of probabilities, of any shape, such as x.sub(x.logSumExp(-1, { keepdim: true })).
 * @param target Probabilities, or with `logTarget` their logarithms, of the same shape; it gets a gradient too, 0 where it is 0.
 * @throws ShapeError for shapes that differ: nothing is broadcast. A negative target gives NaN.
 */
export function klDiv(input: Tensor, target: Tensor, options: KLDivLossOptions = {}): Tensor {
  return klDivOf(input, target, klDivOptions('klDiv', options))
}

export function klDivOptions(op: string, options: KLDivLossOptions): Pair {
  checkOptions(op, options, ['logTarget', 'reduction'])
  const { logTarget = false, reduction = 'mean' } = options
  checkReduction(op, reduction, [...REDUCTIONS, 'batchmean'])
  checkFlag(op, 'logTarget', logTarget)
  return { reduction, hyper: [Number(logTarget), 0] }
}

const bceOf = pairwise('binaryCrossEntropy', 'bce', (k, x) => {
  const bad = k.findOutsideUnit(x.ptr, x.numel)
  if (bad < 0) return
  const where = x.shape.length > 0 ? ` at ${formatShape(positionOf(bad, x.shape))}` : ''
  throw new OptionError(
    `binaryCrossEntropy: the input${where} is ${engine().heap.read(at(x, bad), 'float32')}; probabilities go from 0 to 1: ` +
      'take sigmoid() first, or BCEWithLogitsLoss of what sigmoid would be taken of',
  )
})

/**
 * Of each element, -(target log(input) + (1 - target) log(1 - input)), where a logarithm counts as no less than -100; the mean
 * over all elements, or their sum, or each of them. With `weight` the elements are multiplied by it first; the mean is still
 * by their number.
 * @param input Probabilities, of any shape. The gradient at 0 and 1 is finite: its divisor input (1 - input) counts as no less than 1e-12.
 * @param target From 0 to 1, of the same shape; it gets a gradient too.
 * @throws ShapeError for shapes that differ, or a weight that does not broadcast to them; OptionError for an input outside
 * 0..1, NaN included; GraphError for a weight that requires a gradient.
 */
export function binaryCrossEntropy(input: Tensor, target: Tensor, options: BCELossOptions = {}): Tensor {
  const { weight, ...params } = bceOptions('binaryCrossEntropy', options)
  if (!weight) return bceOf(input, target, params)
  return weighted('binaryCrossEntropy', [input, target], weight, params, () => bceOf(input, target, EACH))
}

const EACH: Reduced = { reduction: 'none' }

interface WeightedPair extends LossOptions {
  readonly reduction: Reduction
  readonly weight: Tensor | null
}

export function bceOptions(op: string, options: BCELossOptions): WeightedPair {
  checkOptions(op, options, ['reduction', 'weight'])
  const { weight = null, reduction = 'mean' } = options
  checkReduction(op, reduction)
  if (weight !== null) checkConstant(op, 'weight', weight)
  return { reduction, weight }
}

/** The losses of `each`, times `weight`, reduced. */
function weighted(
  op: string,
  inputs: readonly Tensor[],
  weight: Tensor,
  { reduction }: Reduced,
  each: () => Tensor,
): Tensor {
  checkPair(op, inputs[0], inputs[1])
  checkFits(op, 'weight', weight, inputs[0])
  return inSteps([...inputs, weight], (step) => {
    const losses = mul(step(each()), weight)
    if (reduction === 'none') return losses
    return reduction === 'mean' ? mean(step(losses)) : sum(step(losses))
  })
}

/** Throws unless `weight` broadcasts to the shape of `x`. */
function checkFits(op: string, name: string, weight: Tensor, x: Tensor): void {
  const lead = x.ndim - weight.ndim
  if (lead >= 0 && weight.shape.every((size, i) => size === 1 || size === x.shape[lead + i])) return
  throw new ShapeError(
    `${op}: ${name} ${formatShape(weight.shape)} does not broadcast to the input ${formatShape(x.shape)}; its axes, counted from the last, are of size 1 or those of the input`,
  )
}

const NULL = 0 as Ptr

/** `inputs` are the logits, the target, and where it is given posWeight in their shape. */
const bceWithLogitsOf = defineOp<Reduced>({
  name: 'binaryCrossEntropyWithLogits',
  saves: 'inputs',
  shape: ([x], params) => shapeOf(x, params),
  forward: (k, [x, t, positive], y, params) =>
    k.bceWithLogits(x.ptr, t.ptr, positive?.ptr ?? NULL, y.ptr, x.numel, isEach(params), divisorOf(params, x)),
  backward: (k, [x, t, positive], dy, [dx, dt], params) => {
    const write = (gradient: Kernels['bceWithLogitsGrad'], to: Destination) =>
      gradient(
        x.ptr,
        t.ptr,
        positive?.ptr ?? NULL,
        dy.ptr,
        to.ptr,
        x.numel,
        isEach(params),
        to.beta,
        divisorOf(params, x),
      )
    if (dx) write(k.bceWithLogitsGrad, dx)
    if (dt) write(k.bceWithLogitsTargetGrad, dt)
  },
})

/**
 * Binary cross entropy of sigmoid(input), computed from the logits, so that nothing is lost where sigmoid comes near 0 or 1:
 * of each element, -(posWeight target log sigmoid(input) + (1 - target) log sigmoid(-input)); the mean over all elements, or
 * their sum, or each of them. With `weight` the elements are multiplied by it first; the mean is still by their number.
 * @param input Logits, of any shape. An infinite one that is wrong gives Infinity, one that is right NaN.
 * @param target From 0 to 1, of the same shape; it gets a gradient too.
 * @throws ShapeError for shapes that differ, or a weight or posWeight that does not broadcast to them; GraphError for
 * one of these that requires a gradient.
 */
export function binaryCrossEntropyWithLogits(
  input: Tensor,
  target: Tensor,
  options: BCEWithLogitsLossOptions = {},
): Tensor {
  const op = 'binaryCrossEntropyWithLogits'
  const { weight, posWeight, ...params } = bceWithLogitsOptions(op, options)
  checkPair(op, input, target)
  const of = (reduced: Reduced) => {
    if (!posWeight) return bceWithLogitsOf([input, target], reduced)
    checkFits(op, 'posWeight', posWeight, input)
    return inSteps([posWeight], (step) =>
      bceWithLogitsOf([input, target, step(expand(posWeight, input.shape))], reduced),
    )
  }
  return weight ? weighted(op, [input, target], weight, params, () => of(EACH)) : of(params)
}

interface WeightedLogits extends WeightedPair {
  readonly posWeight: Tensor | null
}

export function bceWithLogitsOptions(op: string, options: BCEWithLogitsLossOptions): WeightedLogits {
  checkOptions(op, options, ['posWeight', 'reduction', 'weight'])
  const { posWeight = null, ...rest } = options
  if (posWeight !== null) checkConstant(op, 'posWeight', posWeight)
  return { ...bceOptions(op, rest), posWeight }
}
