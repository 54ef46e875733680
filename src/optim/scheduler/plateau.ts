import { kindOf, OptionError } from '../../errors.ts'
import { checkOption, checkOptions } from '../../options.ts'
import { Tensor } from '../../tensor.ts'
import type { Optimizer } from '../optimizer.ts'
import { checkCount, checkNames, checkOptimizer, checkRates, perGroup, type SchedulerState } from './scheduler.ts'

/** The options of `ReduceLROnPlateau`. */
export interface PlateauOptions {
  /** Whether the metric is to fall or to rise. Default: 'min'. */
  mode?: 'min' | 'max'
  /** What the rate is multiplied by, from 0 up to but without 1. Default: 0.1. */
  factor?: number
  /** How many epochs without improvement are borne. Default: 10. */
  patience?: number
  /** By how much the metric must be better to count. Default: 0.0001. */
  threshold?: number
  /** Whether `threshold` is a share of the best metric or a difference. Default: 'rel'. */
  thresholdMode?: 'rel' | 'abs'
  /** How many epochs after a reduction do not count. Default: 0. */
  cooldown?: number
  /** What the rate does not fall below, or one for each group; groups that are added later have no such bound. Default: 0. */
  minLr?: number | readonly number[]
  /** A reduction by no more than this is left out. Default: 1e-8. */
  eps?: number
}

interface Settings {
  readonly mode: 'min' | 'max'
  readonly factor: number
  readonly patience: number
  readonly threshold: number
  readonly thresholdMode: 'rel' | 'abs'
  readonly cooldown: number
  readonly minLrs: readonly number[]
  readonly eps: number
}

const NAME = 'ReduceLROnPlateau'

/**
 * Multiplies the rate by `factor` when a metric has not improved for more than `patience` epochs, as
 * `torch.optim.lr_scheduler.ReduceLROnPlateau`. A metric of NaN is no improvement.
 */
export class ReduceLROnPlateau {
  /** The optimizer whose rates it sets. */
  readonly optimizer: Optimizer
  #settings: Settings
  #lastEpoch = 0
  /** The best metric; null before the first. */
  #best: number | null = null
  #badEpochs = 0
  #cooldownLeft = 0

  /** @throws OptionError when `optimizer` is none, or for options that are out of range or of the wrong kind. */
  constructor(optimizer: Optimizer, options: PlateauOptions = {}) {
    checkOptimizer(NAME, optimizer)
    checkOptions(NAME, options, [
      ...(['mode', 'factor', 'patience', 'threshold', 'thresholdMode', 'cooldown', 'minLr', 'eps'] as const),
    ])
    const { mode = 'min', factor = 0.1, patience = 10, threshold = 1e-4, thresholdMode = 'rel' } = options
    const { cooldown = 0, minLr = 0, eps = 1e-8 } = options
    const minLrs = perGroup(minLr, optimizer)
    this.optimizer = optimizer
    this.#settings = { mode, factor, patience, threshold, thresholdMode, cooldown, minLrs, eps }
    this.#check(NAME, this.#settings, optimizer.paramGroups.length)
  }

  /** How often `step` has been called. */
  get lastEpoch(): number {
    return this.#lastEpoch
  }

  /** The rate of each group. */
  getLastLr(): number[] {
    return this.optimizer.paramGroups.map(({ lr }) => lr)
  }

  /**
   * Takes note of the metric of an epoch, and lowers the rates when it has not improved for too long.
   * @param metric A number, or a tensor of one element.
   */
  step(metric: number | Tensor): void {
    const value = metric instanceof Tensor ? metric.item() : metric
    if (typeof value !== 'number')
      throw new OptionError(`${NAME}: the metric is ${kindOf(value)}; pass a number, such as the validation loss`)
    this.#lastEpoch++
    if (this.#isBetter(value)) {
      this.#best = value
      this.#badEpochs = 0
    } else this.#badEpochs++
    if (this.#cooldownLeft > 0) {
      this.#cooldownLeft--
      this.#badEpochs = 0
    }
    const { patience, cooldown } = this.#settings
    if (this.#badEpochs <= patience) return
    this.#reduce()
    this.#cooldownLeft = cooldown
    this.#badEpochs = 0
  }

  /** A snapshot of settings and of what has been seen, plain enough for JSON. */
  stateDict(): SchedulerState {
    const { minLrs, ...settings } = this.#settings
    return {
      ...settings,
      minLrs: [...minLrs],
      best: this.#best,
      numBadEpochs: this.#badEpochs,
      cooldownCounter: this.#cooldownLeft,
      lastEpoch: this.#lastEpoch,
    }
  }

  /**
   * Goes on from what `stateDict()` gave. The rates themselves are the optimizer's: load its state too.
   * @throws OptionError when something is missing, unexpected or of the wrong kind; nothing has changed then.
   */
  loadStateDict(state: SchedulerState): void {
    const op = `${NAME}.loadStateDict`
    checkNames(op, state, Object.keys(this.stateDict()))
    const { best, numBadEpochs, cooldownCounter, lastEpoch, ...rest } = state
    const settings = rest as unknown as Settings
    this.#check(op, settings, this.#settings.minLrs.length)
    if (best !== null && typeof best !== 'number')
      throw new OptionError(`${op}: best is ${kindOf(best)}; it must be a number or null`)
    for (const [name, count] of Object.entries({ numBadEpochs, cooldownCounter, lastEpoch }))
      checkCount(op, name, count)
    this.#settings = { ...settings, minLrs: [...settings.minLrs] }
    this.#best = best
    this.#badEpochs = numBadEpochs as number
    this.#cooldownLeft = cooldownCounter as number
    this.#lastEpoch = lastEpoch as number
  }

  #isBetter(value: number): boolean {
    const { mode, threshold, thresholdMode } = this.#settings
    const best = this.#best ?? (mode === 'min' ? Infinity : -Infinity)
    const margin = mode === 'min' ? -threshold : threshold
    const bar = thresholdMode === 'rel' ? best * (1 + margin) : best + margin
    return mode === 'min' ? value < bar : value > bar
  }

  #reduce(): void {
    const { factor, minLrs, eps } = this.#settings
    this.optimizer.paramGroups.forEach((group, i) => {
      const next = Math.max(group.lr * factor, minLrs[i] ?? 0)
      if (group.lr - next > eps) group.lr = next
    })
  }

  #check(op: string, settings: Settings, groups: number): void {
    const { mode, factor, patience, threshold, thresholdMode, cooldown, minLrs, eps } = settings
    if (mode !== 'min' && mode !== 'max') throw new OptionError(`${op}: mode is ${mode}; it must be 'min' or 'max'`)
    if (thresholdMode !== 'rel' && thresholdMode !== 'abs')
      throw new OptionError(`${op}: thresholdMode is ${thresholdMode}; it must be 'rel' or 'abs'`)
    checkOption(op, 'factor', factor, factor >= 0 && factor < 1, 'a number from 0 up to but without 1')
    checkCount(op, 'patience', patience)
    checkCount(op, 'cooldown', cooldown)
    checkOption(op, 'threshold', threshold, threshold >= 0, 'a finite number from 0 up')
    checkOption(op, 'eps', eps, eps >= 0, 'a finite number from 0 up')
    checkRates(op, 'minLr', minLrs, groups)
  }
}
