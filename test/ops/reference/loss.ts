/** Losses, by definition. */
import { get, type Nd, nd, zip } from '../nd.ts'
import { sum } from './reduce.ts'
import { logSoftmax } from './softmax.ts'

interface Options {
  readonly reduction?: string
}

/** The losses, their sum, or their sum by `divisor`. */
function reduced(losses: Nd, { reduction = 'mean' }: Options = {}, divisor = losses.data.length): Nd {
  if (reduction === 'none') return losses
  return zip((total) => (reduction === 'sum' ? total : total / divisor), sum(losses))
}

interface LabelOptions extends Options {
  readonly ignoreIndex?: number
  readonly labelSmoothing?: number
}

/** What is given of one sample, as a batch of one. */
const batch = (x: Nd, axes: number): Nd => (x.shape.length < axes ? { ...x, shape: [1, ...x.shape] } : x)

export function nllLoss(x: Nd, target: Nd, options: LabelOptions = {}, weight?: Nd): Nd {
  const { ignoreIndex = -100 } = options
  if (x.shape.length === 1) {
    const losses = nllLoss(batch(x, 2), batch(target, 1), options, weight)
    return options.reduction === 'none' ? { ...losses, shape: [] } : losses
  }
  const factors = nd(target.shape, (row) => {
    const label = get(target, row)
    return label === ignoreIndex ? 0 : weight ? weight.data[label] : 1
  })
  const losses = nd(target.shape, ([row]) => {
    const label = get(target, [row])
    return label === ignoreIndex ? 0 : factors.data[row] * -get(x, [row, label])
  })
  return reduced(losses, options, sum(factors).data[0])
}

/** A target of float64 in the shape of the logits has probabilities. */
export function crossEntropy(logits: Nd, target: Nd, options: LabelOptions = {}, weight?: Nd): Nd {
  const { labelSmoothing = 0, ignoreIndex = -100 } = options
  const [, classes] = logits.shape
  const logs = logSoftmax(logits)
  const w = (c: number) => weight?.data[c] ?? 1
  const perSample = (counts: (row: number, c: number) => number) =>
    nd([logits.shape[0]], ([row]) =>
      Array.from({ length: classes }, (_, c) =>
        counts(row, c) === 0 ? 0 : counts(row, c) * -get(logs, [row, c]),
      ).reduce((a, b) => a + b, 0),
    )
  if (target.shape.length === 2) {
    const smooth = (t: number) => t * (1 - labelSmoothing) + labelSmoothing / classes
    return reduced(
      perSample((row, c) => w(c) * smooth(get(target, [row, c]))),
      options,
    )
  }
  if (labelSmoothing === 0) return nllLoss(logs, target, options, weight)
  const label = (row: number) => get(target, [row])
  const counts = (row: number, c: number) =>
    label(row) === ignoreIndex
      ? 0
      : (labelSmoothing / classes) * w(c) + (c === label(row) ? (1 - labelSmoothing) * w(c) : 0)
  const divisor = target.data.reduce((total, t) => total + (t === ignoreIndex ? 0 : w(t)), 0)
  return reduced(perSample(counts), options, divisor)
}

export const mseLoss = (input: Nd, target: Nd, options?: Options): Nd =>
  reduced(
    zip((a, b) => (a - b) ** 2, input, target),
    options,
  )

export const l1Loss = (input: Nd, target: Nd, options?: Options): Nd =>
  reduced(
    zip((a, b) => Math.abs(a - b), input, target),
    options,
  )

export const huberLoss = (input: Nd, target: Nd, options: Options & { delta?: number } = {}): Nd => {
  const { delta = 1 } = options
  const huber = (d: number) => (d > delta ? delta * (d - delta / 2) : (d * d) / 2)
  return reduced(
    zip((a, b) => huber(Math.abs(a - b)), input, target),
    options,
  )
}

export const smoothL1Loss = (input: Nd, target: Nd, options: Options & { beta?: number } = {}): Nd => {
  const { beta = 1 } = options
  const smooth = (d: number) => (d >= beta ? d - beta / 2 : (d * d) / 2 / beta)
  return reduced(
    zip((a, b) => smooth(Math.abs(a - b)), input, target),
    options,
  )
}

const one: Nd = { shape: [], data: Float64Array.of(1) }

export const binaryCrossEntropy = (input: Nd, target: Nd, options?: Options, weight = one): Nd =>
  reduced(
    zip(
      (x, t, w) => w * ((t - 1) * Math.max(Math.log1p(-x), -100) - t * Math.max(Math.log(x), -100)),
      input,
      target,
      weight,
    ),
    options,
  )

const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))

export const binaryCrossEntropyWithLogits = (
  input: Nd,
  target: Nd,
  options?: Options,
  weight = one,
  posWeight = one,
): Nd =>
  reduced(
    zip((x, t, w, p) => w * (p * t * softplus(-x) + (1 - t) * softplus(x)), input, target, weight, posWeight),
    options,
  )

export const klDiv = (input: Nd, target: Nd, options: Options & { logTarget?: boolean } = {}): Nd => {
  const divergence = (x: number, t: number) => (t === 0 ? 0 : t * (Math.log(t) - x))
  const losses = zip((x, t) => (options.logTarget ? Math.exp(t) * (t - x) : divergence(x, t)), input, target)
  return reduced(losses, options, options.reduction === 'batchmean' ? (input.shape[0] ?? 1) : undefined)
}
