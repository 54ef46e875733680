/** One call of `fit`: epoch by epoch. */
import type { Module } from '../nn/module.ts'
import { clipGradNorm_ } from '../nn/utils.ts'
import type { Optimizer } from '../optim/optimizer.ts'
import type { Tensor } from '../tensor.ts'
import { type Callback, notify, notifyOfEnd, type TrainContext } from './callback.ts'
import { divergence } from './divergence.ts'
import { assess } from './evaluate.ts'
import { inputsOf, type Logs, lossValue, type Metric, predicted, record, Tally, targetOf } from './learner.ts'
import { type AbortSignalLike, Clock, inPieces } from './pieces.ts'
import type { Source } from './source.ts'

/** A list for each name, with a number for each epoch. */
export type History<Names extends string, Validated extends boolean> = Record<
  'loss' | 'lr' | 'seconds' | Names,
  number[]
> &
  (Validated extends true ? Record<'valLoss' | `val${Capitalize<Names>}`, number[]> : unknown)

/** What a training consists of. */
export interface Plan {
  readonly model: Module
  readonly optimizer: Optimizer
  readonly loss: (prediction: Tensor, target: Tensor) => Tensor
  readonly epochs: number
  readonly metrics: Readonly<Record<string, Metric>>
  readonly clipGradNorm: number | undefined
  readonly scheduler: { step(metric: number): void } | undefined
  readonly schedulerEvery: 'epoch' | 'batch'
  readonly callbacks: readonly Callback[]
  readonly signal: AbortSignalLike | undefined
  readonly sources: readonly [train: Source, validation: Source | null]
}

export class Training {
  readonly history: Record<string, number[]> = {}
  #isStopped = false
  #epoch = 0
  readonly #plan: Plan
  readonly #clock = new Clock()
  readonly #context: TrainContext

  constructor(plan: Plan) {
    const { model, optimizer, epochs } = plan
    this.#plan = plan
    const stop = () => {
      this.#isStopped = true
    }
    this.#context = { model, optimizer, epochs, history: this.history, stop }
  }

  /** Whether a callback ended it before the last epoch. */
  get stopped(): boolean {
    return this.#epoch < this.#plan.epochs
  }

  async run(): Promise<void> {
    const { callbacks, epochs } = this.#plan
    try {
      await notify(callbacks, 'onTrainBegin', this.#context)
      while (this.#epoch < epochs && !this.#isStopped) {
        this.#epoch++
        await this.#runEpoch()
      }
    } catch (error) {
      // The first error is the one that tells.
      await notifyOfEnd(callbacks, { ...this.#context, completed: false }).catch(() => {})
      throw error
    }
    await notifyOfEnd(callbacks, { ...this.#context, completed: true })
  }

  async #runEpoch(): Promise<void> {
    const { optimizer, scheduler, schedulerEvery, callbacks, epochs } = this.#plan
    const start = performance.now()
    const context = { ...this.#context, epoch: this.#epoch }
    await notify(callbacks, 'onEpochBegin', context)
    const { lr } = optimizer
    const trained = await this.#train()
    const validated = await this.#validate()
    const seconds = (performance.now() - start) / 1000
    const logs: Logs = { ...trained, ...validated, lr, seconds }
    record(this.history, logs)
    if (schedulerEvery === 'epoch') scheduler?.step(logs.valLoss ?? logs.loss)
    const isLast = this.#epoch === epochs || this.#isStopped
    await notify(callbacks, 'onEpochEnd', { ...context, logs, isLast })
  }

  /** An epoch of updates. */
  async #train(): Promise<Logs> {
    const { metrics, callbacks, sources } = this.#plan
    const pass = sources[0].loader.pass()
    const tally = new Tally('fit', metrics, pass)
    const watchers = callbacks.filter(({ onBatchEnd }) => onBatchEnd !== undefined)
    let loss = 0
    const turn = (i: number) => {
      loss = this.#learn(pass.batch(i), i, tally)
    }
    const after = (i: number) => {
      const context = { ...this.#context, epoch: this.#epoch, batch: i + 1, batches: pass.length, loss }
      return notify(watchers, 'onBatchEnd', context)
    }
    try {
      await inPieces(this.#work(true), pass.length, turn, watchers.length > 0 ? after : undefined)
      return tally.logs
    } finally {
      tally.dispose()
      pass.end()
    }
  }

  /** The five lines, and two more where gradients are clipped and where the scheduler counts batches. */
  #learn(batch: readonly Tensor[], i: number, tally: Tally): number {
    const { model, optimizer, loss: lossOf, clipGradNorm, scheduler, schedulerEvery } = this.#plan
    const target = targetOf(batch)
    optimizer.zeroGrad()
    const prediction = predicted('fit', model, inputsOf(batch))
    const loss = lossOf(prediction, target)
    const value = lossValue('fit', loss)
    if (!Number.isFinite(value)) {
      const what = `the loss is ${value} in batch ${i + 1} of epoch ${this.#epoch}`
      throw divergence(what, model, batch, 'the batch', this.#epoch > 1 || i > 0)
    }
    loss.backward()
    if (clipGradNorm !== undefined) clipGradNorm_(model.parameters(), clipGradNorm)
    optimizer.step()
    if (schedulerEvery === 'batch') scheduler?.step(value)
    tally.add(value, prediction, target)
    return value
  }

  async #validate(): Promise<Logs> {
    const { model, loss, metrics, sources } = this.#plan
    const [, validation] = sources
    if (!validation) return {}
    const measured = await assess(this.#work(false), validation.loader, loss, metrics)
    if (!Number.isFinite(measured.loss)) {
      const what = `the validation loss is ${measured.loss} in epoch ${this.#epoch}`
      throw divergence(what, model, validation.loader.dataset.tensors, 'the validation data', true)
    }
    const renamed = Object.entries(measured).map(([name, value]) => [
      `val${name[0].toUpperCase()}${name.slice(1)}`,
      value,
    ])
    return Object.fromEntries(renamed)
  }

  #work(training: boolean) {
    const { model, signal } = this.#plan
    return { op: 'fit', model, training, clock: this.#clock, signal }
  }
}
