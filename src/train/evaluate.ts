import { withoutRecording } from '../autograd/tape.ts'
import { TensorDataset } from '../data/dataset.ts'
import { DataLoader } from '../data/loader.ts'
import { DtypeError } from '../errors.ts'
import type { Module } from '../nn/module.ts'
import { checkOptions, checkSize } from '../options.ts'
import { current } from '../runtime/frame.ts'
import type { Tensor } from '../tensor.ts'
import {
  checkMetrics,
  checkModel,
  checkThird,
  inputsOf,
  type Logs,
  type Loss,
  lossOf,
  lossValue,
  type Metric,
  predicted,
  Tally,
  targetOf,
} from './learner.ts'
import { type AbortSignalLike, Clock, checkSignal, inPieces, type Work } from './pieces.ts'
import { Rows } from './rows.ts'
import { type Data, datasetOfTensors, EVALUATION, release, sourceOf } from './source.ts'

/** What `predict` may be told. */
export interface PredictOptions {
  /** Rows that are computed at a time. Default: 256. */
  batchSize?: number
  /** Ends it between two batches; its reason is thrown. */
  signal?: AbortSignalLike
}

/** What `evaluate` needs. */
export interface EvaluateOptions<Names extends string = string> {
  /** What is computed from predictions and targets: a loss module, or a function of both. */
  loss: Loss
  /** Further numbers, by name, each computed from all predictions and targets. Default: none. */
  metrics?: Readonly<Record<Names, Metric>>
  /** Rows that are computed at a time; a DataLoader has its own. Default: 256. */
  batchSize?: number
  /** Ends it between two batches; its reason is thrown. */
  signal?: AbortSignalLike
}

/**
 * The loss and the metrics of a model on data, in evaluation mode and without gradients. The loss is the mean of those of the
 * batches, each weighed by its rows. Afterwards the model is in the mode it was in. From time to time it lets the host run
 * other tasks.
 * @param data `[x, y]`, a `data.TensorDataset` or a `data.DataLoader`; the last tensor is the target.
 * @returns `{ loss, … }`, with the metrics by their names.
 * @throws OptionError for what is no model, data, loss or metric; ShapeError for a loss that is no single number; the reason
 *   of the signal.
 */
export async function evaluate<Names extends string = never>(
  model: Module,
  data: Data,
  options: EvaluateOptions<Names>,
): Promise<Record<'loss' | Names, number>> {
  checkModel('evaluate', model)
  checkThird('evaluate', options)
  checkOptions('evaluate', options, ['loss', 'metrics', 'batchSize', 'signal'])
  const { loss, metrics = {}, batchSize, signal } = options
  const lossFn = lossOf('evaluate', loss)
  checkMetrics('evaluate', metrics)
  checkSignal('evaluate', signal)
  const source = sourceOf('evaluate', 'data', data, { batchSize }, EVALUATION)
  try {
    const work = { op: 'evaluate', model, training: false, clock: new Clock(), signal }
    const logs = await assess(work, source.loader, lossFn, metrics)
    return logs as Record<'loss' | Names, number>
  } finally {
    source.dispose()
  }
}

/** The loss and the metrics over a pass. */
export async function assess(
  work: Work,
  loader: DataLoader<readonly Tensor[]>,
  loss: (prediction: Tensor, target: Tensor) => Tensor,
  metrics: Readonly<Record<string, Metric>>,
): Promise<Logs> {
  const { op, model } = work
  const pass = loader.pass()
  const tally = new Tally(op, metrics, pass)
  try {
    await inPieces(work, pass.length, (i) =>
      withoutRecording(() => {
        const batch = pass.batch(i)
        const target = targetOf(batch)
        const prediction = predicted(op, model, inputsOf(batch))
        tally.add(lossValue(op, loss(prediction, target)), prediction, target)
      }),
    )
    return tally.logs
  } finally {
    tally.dispose()
    pass.end()
  }
}

/**
 * What a model gives for all rows of `x`, in their order, computed batch by batch in evaluation mode and without gradients.
 * Afterwards the model is in the mode it was in. From time to time it lets the host run other tasks.
 * @param x (N, …), or a list of such tensors with equal N for a model whose `forward` takes several.
 * @returns (N, …): a row for each row of `x`. It belongs to the turn that `predict` was called in, or else to its handle.
 * @throws OptionError for what is no model; DtypeError for what is no tensor; ShapeError for a model that does not give a row
 *   for each; the reason of the signal.
 */
export async function predict(
  model: Module,
  x: Tensor | readonly Tensor[],
  options: PredictOptions = {},
): Promise<Tensor> {
  checkModel('predict', model)
  checkOptions('predict', options, ['batchSize', 'signal'])
  const { batchSize = EVALUATION.batchSize, signal } = options
  checkSize('predict', 'batchSize', batchSize)
  checkSignal('predict', signal)
  if (x instanceof DataLoader || x instanceof TensorDataset)
    throw new DtypeError(
      `predict: x is a ${x.constructor.name}; it takes one tensor of inputs, without targets: predict(model, x)`,
    )
  const frame = current()
  const dataset = datasetOfTensors('predict', Array.isArray(x) ? x : [x as Tensor])
  const pass = new DataLoader(dataset, { batchSize }).pass()
  const rows = new Rows('predict', dataset.length)
  try {
    const work = { op: 'predict', model, training: false, clock: new Clock(), signal }
    // No rows are a batch of none: the result has a shape all the same.
    await inPieces(work, Math.max(pass.length, 1), (i) =>
      withoutRecording(() => rows.add(predicted('predict', model, pass.batch(i)), pass.rows(i))),
    )
    return rows.handOver(frame)
  } finally {
    rows.dispose()
    pass.end()
    release(dataset)
  }
}
