/** What training and evaluation do with one batch, and what they make of all of them. */
import { check } from '../autograd/operands.ts'
import { withoutRecording } from '../autograd/tape.ts'
import type { Batch } from '../data/dataset.ts'
import type { Pass } from '../data/loader.ts'
import { DtypeError, kindOf, OptionError, ShapeError } from '../errors.ts'
import { Module } from '../nn/module.ts'
import { runScope } from '../runtime/lifetimes.ts'
import { formatShape } from '../shape.ts'
import { Tensor } from '../tensor.ts'
import { isPromise } from './pieces.ts'
import { Rows } from './rows.ts'

/** A loss: a module such as `nn.MSELoss`, or a function; it gives a single number. */
export type Loss =
  | {
      /** A single number, from what the model gave and what it should have given. */
      forward(prediction: Tensor, target: Tensor): Tensor
    }
  | ((prediction: Tensor, target: Tensor) => Tensor)

/** A number that tells how good predictions are: `metrics.accuracy`, or a function of your own. It gets all rows at once. */
export type Metric = (prediction: Tensor, target: Tensor) => number

/** Numbers by name, such as `{ loss: 0.31, accuracy: 0.9 }`. */
export type Logs = Readonly<Record<string, number>>

/** Puts the numbers of an epoch at the end of the list of each name. */
export function record(lists: Record<string, number[]>, logs: Logs): void {
  for (const [name, value] of Object.entries(logs)) {
    // A metric may be called as what every object has, such as `constructor`.
    if (!Object.hasOwn(lists, name)) lists[name] = []
    lists[name].push(value)
  }
}

/** Throws unless `model` can be trained and evaluated. */
export function checkModel(op: string, model: Module): void {
  if (!(model instanceof Module))
    throw new OptionError(
      `${op}: expected a model, got ${kindOf(model)}; it is a layer, an nn.sequential(…) or an instance of a class that extends nn.Module`,
    )
}

/** Throws for `fit(model, x, y, options)`, where what stands third is no options. */
export function checkThird(op: string, options: object): void {
  if (typeof options !== 'object' || options === null || 'loss' in options) return
  const kind: unknown = Object.getPrototypeOf(options)
  // A plain object of any realm.
  if (kind === null || Object.getPrototypeOf(kind) === null) return
  throw new OptionError(`${op}: pass inputs and targets as one argument: ${op}(model, [x, y], options)`)
}

/** The loss as a function. */
export function lossOf(op: string, loss: Loss): (prediction: Tensor, target: Tensor) => Tensor {
  if (typeof loss === 'function' && !/^class\b/.test(String(loss))) return loss
  if (typeof loss === 'object' && typeof loss?.forward === 'function') return (a, b) => loss.forward(a, b)
  throw new OptionError(
    `${op}: loss is ${typeof loss === 'function' ? 'a class; make an instance of it by new' : `${kindOf(loss)}; pass a loss such as new nn.MSELoss(), or (prediction, target) => a tensor of one element`}`,
  )
}

export function checkMetrics(op: string, metrics: Readonly<Record<string, Metric>>): void {
  if (typeof metrics !== 'object' || metrics === null)
    throw new OptionError(`${op}: metrics is ${kindOf(metrics)}; name them, as in { accuracy: metrics.accuracy }`)
  for (const [name, metric] of Object.entries(metrics)) {
    if (typeof metric !== 'function')
      throw new OptionError(
        `${op}: the metric ${name} is ${kindOf(metric)}; it must be a function of (prediction, target)`,
      )
    if (name === '')
      throw new OptionError(`${op}: a metric has no name; give it one, as in { accuracy: metrics.accuracy }`)
    if (/^(loss|lr|seconds)$|^val[A-Z]/.test(name))
      throw new OptionError(`${op}: a metric cannot be called ${name}, which is the name of something else in the logs`)
    const twin = `${name[0].toLowerCase()}${name.slice(1)}`
    if (twin !== name && Object.hasOwn(metrics, twin))
      throw new OptionError(`${op}: the metrics ${twin} and ${name} would both be val${name} in validation; rename one`)
  }
}

/** What the model gives for a batch. */
export function predicted(op: string, model: Module, inputs: readonly Tensor[]): Tensor {
  const { forward } = model as { forward(...inputs: readonly Tensor[]): Tensor }
  let prediction: Tensor
  try {
    prediction = forward.apply(model, [...inputs])
  } catch (error) {
    // Not before it fails: an input that may be left out counts in the length of forward too.
    if (forward.length <= inputs.length || !(error instanceof Error && error.message.includes('undefined'))) throw error
    throw new OptionError(
      `${op}: forward takes ${forward.length} inputs, but the data have ${inputs.length}, so that one is undefined; pass them all, as in ${op === 'predict' ? 'predict(model, [x1, x2])' : `${op}(model, [x1, x2, y], options)`}. It failed by: ${error.message}`,
      { cause: error },
    )
  }
  check(`${op}: what the model gave`, prediction)
  return prediction
}

/** Adds up what the batches of a pass give: losses by their rows, and predictions and targets whole, where metrics want them. */
export class Tally {
  readonly #op: string
  readonly #metrics: readonly (readonly [name: string, metric: Metric])[]
  readonly #predictions: Rows
  readonly #targets: Rows
  #loss = 0
  #rows = 0

  constructor(op: string, metrics: Readonly<Record<string, Metric>>, pass: Pass<readonly Tensor[]>) {
    let rows = 0
    for (let i = 0; i < pass.length; i++) rows += pass.rows(i)
    this.#op = op
    this.#metrics = Object.entries(metrics)
    this.#predictions = new Rows(op, rows)
    this.#targets = new Rows(op, rows)
  }

  add(loss: number, prediction: Tensor, target: Tensor): void {
    const rows = target.shape[0]
    this.#loss += loss * rows
    this.#rows += rows
    if (this.#metrics.length === 0) return
    this.#predictions.add(prediction, rows)
    this.#targets.add(target, rows)
  }

  /** The mean loss of a row, and the metrics. */
  get logs(): Logs {
    const logs: Record<string, number> = { loss: this.#loss / this.#rows }
    for (const [name, metric] of this.#metrics) logs[name] = this.#measure(name, metric)
    return logs
  }

  dispose(): void {
    this.#predictions.dispose()
    this.#targets.dispose()
  }

  #measure(name: string, metric: Metric): number {
    const value: unknown = withoutRecording(() =>
      runScope(`${this.#op}: the metric ${name}`, () => metric(this.#predictions.all, this.#targets.all)),
    )
    if (typeof value === 'number') return value
    if (value instanceof Tensor)
      throw new DtypeError(`${this.#op}: the metric ${name} gave a tensor; use .item() of one that has one element`)
    throw new DtypeError(`${this.#op}: the metric ${name} gave ${kindOf(value)}; it must be a number`)
  }
}

/** The target of a batch is its last tensor. */
export const inputsOf = (batch: Batch<readonly Tensor[]>): readonly Tensor[] => batch.slice(0, -1)
export const targetOf = (batch: Batch<readonly Tensor[]>): Tensor => batch[batch.length - 1]

/** The value of a loss, which must be a single number. */
export function lossValue(op: string, loss: Tensor): number {
  if (isPromise(loss)) throw new DtypeError(`${op}: the loss gave a promise; it must be computed at once`)
  check(`${op}: what the loss gave`, loss)
  if (loss.numel !== 1)
    throw new ShapeError(
      `${op}: the loss has the shape ${formatShape(loss.shape)}, but must be a single number: use its reduction 'mean', or mean()`,
    )
  return loss.item()
}
