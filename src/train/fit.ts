import { GraphError, kindOf, OptionError } from '../errors.ts'
import type { Module } from '../nn/module.ts'
import { Optimizer } from '../optim/optimizer.ts'
import { ReduceLROnPlateau } from '../optim/scheduler/plateau.ts'
import { checkFlag, checkOption, checkOptions, checkSize } from '../options.ts'
import { type Callback, checkCallbacks } from './callback.ts'
import { checkMetrics, checkModel, checkThird, type Loss, lossOf, type Metric } from './learner.ts'
import { type AbortSignalLike, checkSignal } from './pieces.ts'
import { type Data, sourcesOf } from './source.ts'
import { type History, Training } from './training.ts'

/** What `fit` needs of a scheduler: every class of `optim.lrScheduler` has it. */
export interface TrainingScheduler {
  /** The optimizer whose rate it sets: that of the training. */
  readonly optimizer?: Optimizer
  /** After what it is stepped unless `schedulerEvery` says so. Default: 'epoch'. */
  readonly every?: 'epoch' | 'batch'
  /** Sets the learning rate of the next epoch, or batch. */
  step(metric: number): void
}

/** How `fit` trains. */
export interface FitOptions<
  Names extends string = string,
  V extends Data | undefined = Data | undefined,
  S extends number | undefined = number | undefined,
> {
  /** What is to become small: a loss module, or a function of prediction and target. It gives a single number. */
  loss: Loss
  /** What updates the parameters. */
  optimizer: Optimizer
  /** How often to go through the data. */
  epochs: number
  /** Rows in a batch; the last one may have fewer. A DataLoader has its own. Default: 32. */
  batchSize?: number
  /** Whether each epoch goes through the rows in a new random order. A DataLoader has its own. Default: true. */
  shuffle?: boolean
  /** A sequence of orders of its own. Default: orders are drawn from the global sequence (`manualSeed`). */
  seed?: number
  /**
   * Whether a last batch of fewer rows is left out, such as one of a single row, which batch norm cannot take. A DataLoader has
   * its own. Default: false.
   */
  dropLast?: boolean
  /** Data that are not trained on, but measured after each epoch. */
  validation?: V
  /** Takes this share of the rows, the last ones, from the training data to validate on; from above 0 to below 1. */
  validationSplit?: S
  /** Further numbers, by name, computed from all predictions and targets of an epoch. Default: none. */
  metrics?: Readonly<Record<Names, Metric>>
  /** What the norm of all gradients of the model may be at most: `nn.utils.clipGradNorm_` before each update. Default: no bound. */
  clipGradNorm?: number
  /**
   * Sets the learning rate: its `step` is called after each epoch with the validation loss, or without validation the loss; or
   * after each batch with the loss of that.
   */
  scheduler?: TrainingScheduler
  /** After what the scheduler is stepped. Default: 'batch' for OneCycleLR, and else 'epoch'. */
  schedulerEvery?: 'epoch' | 'batch'
  /** What is called on the way: `progress()`, `earlyStopping()`, `checkpoint(…)`, or your own. Default: none. */
  callbacks?: readonly Callback[]
  /** Ends the training between two batches; its reason is thrown. */
  signal?: AbortSignalLike
}

/** What a training leaves. */
export interface FitLog<Names extends string, Validated extends boolean> {
  /**
   * A list for each name, with a number for each epoch: `loss`, the metrics, `valLoss` and so on, `lr` (with which the epoch
   * began), `seconds`. Plain JSON.
   */
  readonly history: History<Names, Validated>
  /** Whether a callback ended it before the last epoch. */
  readonly stopped: boolean
}

const OPTIONS = [
  ...(['loss', 'optimizer', 'epochs', 'batchSize', 'shuffle', 'seed', 'dropLast', 'validation'] as const),
  ...(['validationSplit', 'metrics', 'clipGradNorm', 'scheduler', 'schedulerEvery', 'callbacks', 'signal'] as const),
]

/** Models in training: two trainings would undo each other's gradients. */
const inTraining = new WeakSet<Module>()

/**
 * Trains a model: the loop of `zeroGrad`, `forward`, `backward` and `step` over epochs and batches that is written by hand,
 * with the same results to the last bit, in training mode, then for each epoch validation in evaluation mode, scheduler and
 * callbacks. The loss of an epoch is the mean of those of its batches, each weighed by its rows, as the model was when it met
 * them; so are the metrics.
 *
 * It works in pieces of some 8 ms, each a scope, and lets the host run other tasks between them, so that a page stays alive.
 * Where the model itself is in training mode, modules inside keep the mode that they have: `model.body.eval()` holds for a
 * frozen part, whose batch norm then goes by its running statistics. Where it is in evaluation mode, all of it is trained in
 * training mode. Between pieces, in callbacks and afterwards modes are as they were. At the end, however it comes, gradients are
 * cleared and nothing is left but the parameters and the state of the optimizer. Several trainings at a time share the global
 * sequence of random numbers; give each a `seed`.
 *
 * ```ts
 * const x = tensor([[0, 0], [0, 1], [1, 0], [1, 1]])
 * const y = tensor([[0], [1], [1], [0]])
 * const model = nn.sequential(new nn.Linear(2, 8), new nn.Tanh(), new nn.Linear(8, 1), new nn.Sigmoid())
 * const optimizer = new optim.Adam(model.parameters(), { lr: 0.05 })
 * const log = await fit(model, [x, y], { loss: new nn.MSELoss(), optimizer, epochs: 300, callbacks: [progress({ every: 100 })] })
 * ```
 * @param data `[x, y]`, a `data.TensorDataset` or a `data.DataLoader`; the last tensor is the target, all others are arguments
 *   of `model.forward`.
 * @returns The numbers of each epoch: `log.history.loss[0]`.
 * @throws OptionError for a wrong option, or data that do not fit; AnomalyError as soon as a loss is NaN or infinite, before
 *   it can spoil a parameter, naming the parameter or the row of the data that held such already; GraphError for a model that another `fit` is training; the reason of the signal; what a callback
 *   throws.
 */
export async function fit<
  Names extends string = never,
  V extends Data | undefined = undefined,
  S extends number | undefined = undefined,
>(
  model: Module,
  data: Data,
  options: FitOptions<Names, V, S>,
): Promise<FitLog<Names, [V, S] extends [undefined, undefined] ? false : true>> {
  checkModel('fit', model)
  checkThird('fit', options)
  checkOptions('fit', options, OPTIONS)
  const { optimizer, epochs, metrics = {}, clipGradNorm, scheduler, callbacks = [], signal } = options
  const { schedulerEvery = scheduler?.every ?? 'epoch' } = options
  const loss = lossOf('fit', options.loss)
  if (!(optimizer instanceof Optimizer))
    throw new OptionError(
      `fit: optimizer is ${kindOf(optimizer)}; pass one of optim, such as new optim.Adam(model.parameters())`,
    )
  checkTrains(optimizer, model)
  checkSize('fit', 'epochs', epochs)
  if (options.dropLast !== undefined) checkFlag('fit', 'dropLast', options.dropLast)
  checkMetrics('fit', metrics)
  if (clipGradNorm !== undefined)
    checkOption('fit', 'clipGradNorm', clipGradNorm, clipGradNorm > 0, 'a finite number above 0')
  if (scheduler !== undefined && typeof scheduler?.step !== 'function')
    throw new OptionError(`fit: scheduler is ${kindOf(scheduler)} without step(); pass one of optim.lrScheduler`)
  if (scheduler?.optimizer && scheduler.optimizer !== optimizer)
    throw new OptionError(
      'fit: the scheduler sets the rates of another optimizer; make it of the one that fit is given',
    )
  if (schedulerEvery !== 'epoch' && schedulerEvery !== 'batch')
    throw new OptionError(`fit: schedulerEvery is ${String(schedulerEvery)}; it is 'epoch' or 'batch'`)
  if (schedulerEvery === 'batch' && scheduler instanceof ReduceLROnPlateau)
    throw new OptionError("fit: ReduceLROnPlateau goes by the loss of whole epochs; leave schedulerEvery at 'epoch'")
  checkCallbacks('fit', callbacks)
  checkSignal('fit', signal)
  if (inTraining.has(model))
    throw new GraphError('fit: another fit is training this model; await it first, or train a model of its own')
  const sources = sourcesOf('fit', data, options)
  inTraining.add(model)
  try {
    const steps = { clipGradNorm, scheduler, schedulerEvery }
    const plan = { model, optimizer, loss, epochs, metrics, ...steps, callbacks, signal, sources }
    const training = new Training(plan)
    await training.run()
    return { history: training.history as FitLog<Names, true>['history'], stopped: training.stopped }
  } finally {
    inTraining.delete(model)
    optimizer.zeroGrad()
    model.zeroGrad()
    for (const source of sources) source?.dispose()
  }
}

/** Throws when the optimizer trains something else, such as a model that was made before. */
function checkTrains({ paramGroups }: Optimizer, model: Module): void {
  const trained = new Set(paramGroups.flatMap(({ params }) => params))
  if (model.parameters().some((parameter) => trained.has(parameter))) return
  throw new OptionError(
    'fit: the optimizer trains no parameter of this model; make it of model.parameters() when the model is complete',
  )
}
