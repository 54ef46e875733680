/** What a training calls on its way. */
import { kindOf, OptionError } from '../errors.ts'
import type { Module } from '../nn/module.ts'
import type { Optimizer } from '../optim/optimizer.ts'
import type { Logs } from './learner.ts'
import { settled } from './pieces.ts'

/** A training under way. */
export interface TrainContext {
  /** What is trained. */
  readonly model: Module
  /** What trains it. */
  readonly optimizer: Optimizer
  /** How many epochs there are to be. */
  readonly epochs: number
  /** The logs of the epochs so far: a list for each name. */
  readonly history: Readonly<Record<string, readonly number[]>>
  /** Ends the training after this epoch. `fit` returns as if it had been the last. */
  stop(): void
}

/** An epoch that begins. */
export interface EpochContext extends TrainContext {
  /** Its number, from 1. */
  readonly epoch: number
}

/** A batch that has been learned from. */
export interface BatchContext extends EpochContext {
  /** Its number in the epoch, from 1. */
  readonly batch: number
  /** How many batches the epoch has. */
  readonly batches: number
  /** Its loss, before the update. */
  readonly loss: number
}

/** An epoch that has ended. */
export interface EpochEndContext extends EpochContext {
  /** `{ loss, accuracy, valLoss, valAccuracy, lr, seconds }`, as far as there are such. */
  readonly logs: Logs
  /** Whether no epoch follows, as far as is known: callbacks after this one may still stop the training. */
  readonly isLast: boolean
}

/** A training that has ended. */
export interface TrainEndContext extends TrainContext {
  /** False when an error or the signal ended it. */
  readonly completed: boolean
}

/**
 * What `fit` calls, in the order of its list. A promise is waited for before the training goes on. What a callback makes is
 * freed with its handle: use `scope` or `noGrad` for more than a few tensors. An error in one ends the training.
 */
export interface Callback {
  /** Before the first epoch. */
  onTrainBegin?(context: TrainContext): unknown
  /** Before each epoch. */
  onEpochBegin?(context: EpochContext): unknown
  /** After each batch. */
  onBatchEnd?(context: BatchContext): unknown
  /** After each epoch, its validation and the scheduler. */
  onEpochEnd?(context: EpochEndContext): unknown
  /** At the end, however it came, and whatever the `onTrainEnd` of another did. */
  onTrainEnd?(context: TrainEndContext): unknown
}

const HOOKS = ['onTrainBegin', 'onEpochBegin', 'onBatchEnd', 'onEpochEnd', 'onTrainEnd'] as const
type Hook = (typeof HOOKS)[number]

export function checkCallbacks(op: string, callbacks: readonly Callback[]): void {
  if (!Array.isArray(callbacks)) throw new OptionError(`${op}: callbacks is ${kindOf(callbacks)}, not an array`)
  callbacks.forEach((callback: unknown, i) => {
    if (typeof callback !== 'object' || callback === null)
      throw new OptionError(
        `${op}: callback ${i} is ${kindOf(callback)}; call it, as in progress(), or pass { onEpochEnd: ({ epoch, logs }) => … }`,
      )
    for (const name in callback)
      if (/^on[A-Z]/.test(name) && !(HOOKS as readonly string[]).includes(name))
        throw new OptionError(`${op}: callback ${i} has ${name}, which nothing calls; there is ${HOOKS.join(', ')}`)
  })
}

/** Tells every callback of the end, also after one has failed, since it may hold what must be freed; then throws the first error. */
export async function notifyOfEnd(callbacks: readonly Callback[], context: TrainEndContext): Promise<void> {
  const errors: unknown[] = []
  for (const callback of callbacks)
    await notify([callback], 'onTrainEnd', context).catch((error: unknown) => errors.push(error))
  if (errors.length > 0) throw errors[0]
}

/** Calls one hook of every callback, one after the other. */
export async function notify<H extends Hook>(
  callbacks: readonly Callback[],
  hook: H,
  context: Parameters<NonNullable<Callback[H]>>[0],
): Promise<void> {
  for (const callback of callbacks) await settled(callback[hook]?.(context as never))
}
