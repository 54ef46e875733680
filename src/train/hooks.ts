/** Callbacks that most trainings want. */
import { kindOf, OptionError } from '../errors.ts'
import type { StateDict } from '../nn/state-dict.ts'
import { checkFlag, checkOption, checkOptions, checkSize } from '../options.ts'
import type { Callback, EpochEndContext } from './callback.ts'
import { type Logs, record } from './learner.ts'

/** What `progress` may be told. */
export interface ProgressOptions {
  /** Tells of every epoch whose number is a multiple of this, and of the last. Default: 1. */
  every?: number
  /** What gets a line. Default: `console.log`. */
  write?: (line: string) => void
}

/** Writes a line for each epoch: `epoch 3/20  loss 0.2345  accuracy 0.9100  valLoss 0.2510  0.8 s`. */
export function progress(options: ProgressOptions = {}): Callback {
  checkOptions('progress', options, ['every', 'write'])
  const { every = 1, write = (line: string) => console.log(line) } = options
  checkSize('progress', 'every', every)
  if (typeof write !== 'function')
    throw new OptionError(`progress: write is ${kindOf(write)}; it must be a function that gets a line`)
  let skipped: string | null = null
  return {
    onTrainBegin() {
      skipped = null
    },
    onEpochEnd({ epoch, epochs, logs }) {
      const line = lineOf(epoch, epochs, logs)
      skipped = epoch % every === 0 ? null : line
      if (skipped === null) write(line)
    },
    onTrainEnd() {
      if (skipped !== null) write(skipped)
    },
  }
}

function lineOf(epoch: number, epochs: number, { lr: _constant, seconds, ...logs }: Logs): string {
  const number = String(epoch).padStart(String(epochs).length)
  const parts = Object.entries(logs).map(([name, value]) => `${name} ${shown(value)}`)
  return [`epoch ${number}/${epochs}`, ...parts, `${seconds.toFixed(1)} s`].join('  ')
}

/** Four places, so that lines stand below one another; very small and large numbers by their exponents. */
function shown(value: number): string {
  const size = Math.abs(value)
  return size === 0 || (size >= 1e-3 && size < 1e5) ? value.toFixed(4) : value.toExponential(2)
}

/** Which epochs are better than those before. */
export interface MonitorOptions {
  /** The name in the logs that tells how good an epoch was. Default: `valLoss`. */
  monitor?: string
  /** Whether less or more of it is better. Default: 'min' for what is called a loss; for anything else it must be said. */
  mode?: 'min' | 'max'
}

/** What `earlyStopping` may be told. */
export interface EarlyStoppingOptions extends MonitorOptions {
  /** How many epochs without a new best one to wait for the next. Default: 5. */
  patience?: number
  /** By how much an epoch must be better to be the new best one. Default: 0. */
  minDelta?: number
  /** Whether the model gets the parameters and buffers of the best epoch back at the end. Default: false. */
  restoreBestWeights?: boolean
}

/** Compares epochs by one of their logs. */
class Monitor {
  readonly #op: string
  readonly #name: string
  readonly #sign: 1 | -1
  readonly #minDelta: number
  #best = -Infinity

  constructor(op: string, { monitor = 'valLoss', mode }: MonitorOptions, minDelta: number) {
    if (typeof monitor !== 'string')
      throw new OptionError(`${op}: monitor is ${kindOf(monitor)}; it is a name in the logs, such as 'valLoss'`)
    if (mode !== 'min' && mode !== 'max' && (mode !== undefined || !/loss$/i.test(monitor)))
      throw new OptionError(
        `${op}: mode is ${mode}; say 'min' when less of ${monitor} is better, and 'max' when more of it is`,
      )
    this.#op = op
    this.#name = monitor
    this.#sign = mode === 'max' ? 1 : -1
    this.#minDelta = minDelta
  }

  reset(): void {
    this.#best = -Infinity
  }

  /** Whether these are the best logs so far. NaN is never the best. */
  isBest(logs: Logs): boolean {
    if (!Object.hasOwn(logs, this.#name))
      throw new OptionError(
        `${this.#op}: there is no ${this.#name} in the logs, but ${Object.keys(logs).join(', ')}; give fit validation data, or monitor one of these`,
      )
    const value = logs[this.#name] * this.#sign
    const isBetter = value - this.#minDelta > this.#best
    if (isBetter) this.#best = value
    return isBetter
  }
}

/**
 * Ends a training that gets no better: after `patience` epochs in a row without a new best value of `monitor`. `fit` then
 * returns as usual. With `restoreBestWeights` the model is left as it was after its best epoch, also when the training went
 * on to its last one; not when an error ended it.
 * @throws OptionError, from `fit`, when the logs have no such name.
 */
export function earlyStopping(options: EarlyStoppingOptions = {}): Callback {
  checkOptions('earlyStopping', options, ['monitor', 'patience', 'minDelta', 'mode', 'restoreBestWeights'])
  const { patience = 5, minDelta = 0, restoreBestWeights = false } = options
  checkSize('earlyStopping', 'patience', patience)
  checkOption('earlyStopping', 'minDelta', minDelta, minDelta >= 0, 'a finite number from 0 up')
  checkFlag('earlyStopping', 'restoreBestWeights', restoreBestWeights)
  const monitor = new Monitor('earlyStopping', options, minDelta)
  let waited = 0
  let best: StateDict = {}
  const remember = (state: StateDict) => {
    for (const x of Object.values(best)) x.dispose()
    best = state
  }
  return {
    onTrainBegin() {
      monitor.reset()
      waited = 0
    },
    onEpochEnd({ logs, model, stop }) {
      waited = monitor.isBest(logs) ? 0 : waited + 1
      if (waited === 0 && restoreBestWeights) remember(model.stateDict())
      if (waited >= patience) stop()
    },
    onTrainEnd({ model, completed }) {
      try {
        if (completed && restoreBestWeights && Object.keys(best).length > 0) model.loadStateDict(best)
      } finally {
        remember({})
      }
    },
  }
}

/** A callback that records. */
export interface HistoryCallback extends Callback {
  /** A list for each name, with a number for each epoch of every training that it was given to. Plain JSON. */
  readonly history: Record<string, number[]>
}

/** Records the logs of several trainings in one: give the same `history()` to each `fit`. What one alone gives is its result. */
export function history(): HistoryCallback {
  const lists: Record<string, number[]> = {}
  return {
    history: lists,
    onEpochEnd({ logs }) {
      record(lists, logs)
    },
  }
}

/** What `checkpoint` may be told. */
export interface CheckpointOptions extends MonitorOptions {
  /** Whether to call it only after an epoch that is better than all before, by `monitor`. Default: false. */
  saveBestOnly?: boolean
}

/**
 * Calls `save` after each epoch, or after each that is the best so far, and waits for it.
 * @throws OptionError, from `fit`, when the logs have no such name as `monitor`.
 */
export function checkpoint(save: (context: EpochEndContext) => unknown, options: CheckpointOptions = {}): Callback {
  if (typeof save !== 'function')
    throw new OptionError(`checkpoint: expected a function that saves, got ${kindOf(save)}`)
  checkOptions('checkpoint', options, ['monitor', 'mode', 'saveBestOnly'])
  const { saveBestOnly = false } = options
  checkFlag('checkpoint', 'saveBestOnly', saveBestOnly)
  const monitor = saveBestOnly ? new Monitor('checkpoint', options, 0) : null
  return {
    onTrainBegin: () => monitor?.reset(),
    onEpochEnd: (context) => (!monitor || monitor.isBest(context.logs) ? save(context) : undefined),
  }
}
