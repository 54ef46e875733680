/** What schedulers of the learning rate share: epochs, rates at first and last, state dicts. */
import { kindOf, OptionError } from '../../errors.ts'
import { checkOption } from '../../options.ts'
import type { ParamGroup } from '../groups.ts'
import { Optimizer, type OptimizerOptions } from '../optimizer.ts'

/** What `stateDict()` of a scheduler gives: plain numbers, words and lists of them, which JSON keeps. */
export type SchedulerState = Record<string, unknown>

/** The rates that groups had before the first scheduler, from which every scheduler of theirs starts. */
const initialLrs = new WeakMap<ParamGroup<OptimizerOptions>, number>()

/**
 * The base of schedulers that go by the count of `step()` alone. Making one sets the rates of epoch 0; each `step()`, after
 * those of the optimizer, goes on by one. As in PyTorch the next rate is computed from the present one where the formula
 * allows, so that several schedulers of one optimizer multiply.
 *
 * A subclass gives its settings to the constructor, calls `this.restart()` or `this.step()` at its end, and computes rates.
 */
export abstract class LRScheduler<Settings extends object = object> {
  /** The optimizer whose rates it sets. */
  readonly optimizer: Optimizer
  /** What the scheduler was made with, as `stateDict()` keeps it. */
  protected settings: Settings
  /** The rates of the groups before any scheduler. */
  protected baseLrs: readonly number[]
  #lastEpoch = -1
  #lastLr: readonly number[] = []

  /** @throws OptionError when `optimizer` is none, or the settings do not fit. */
  constructor(optimizer: Optimizer, settings: Settings, baseLrs?: readonly number[]) {
    checkOptimizer(this.name, optimizer)
    this.optimizer = optimizer
    this.check(settings)
    this.settings = settings
    if (baseLrs) setInitialLrs(optimizer, baseLrs)
    this.baseLrs = optimizer.paramGroups.map(initialLrOf)
  }

  /** After what `fit` steps it unless told otherwise. */
  get every(): 'epoch' | 'batch' {
    return 'epoch'
  }

  /** How often `step()` has been called. */
  get lastEpoch(): number {
    return this.#lastEpoch
  }

  /** The rate of each group as this scheduler last set it. */
  getLastLr(): number[] {
    return [...this.#lastLr]
  }

  /** Goes on by one epoch, or whatever is counted: call it after the steps of the optimizer. */
  step(): void {
    this.#moveTo(this.#lastEpoch + 1, (group) => group.lr)
  }

  /** @internal Goes to epoch 0, from the rates before any scheduler. */
  restart(): void {
    this.#moveTo(0, initialLrOf)
  }

  /** A snapshot of settings, rates and the count, plain enough for JSON. */
  stateDict(): SchedulerState {
    const { settings, baseLrs } = this
    return copied({ ...settings, baseLrs, lastEpoch: this.#lastEpoch, lastLr: this.#lastLr })
  }

  /**
   * Goes on from what `stateDict()` gave. The rates themselves are the optimizer's: load its state too, once all schedulers
   * are made, since making one sets rates.
   * @throws OptionError when something is missing, unexpected or of the wrong kind; nothing has changed then.
   */
  loadStateDict(state: SchedulerState): void {
    this.checkState(state)
    this.restore(state)
  }

  /** @internal Loads what `checkState` has let pass. */
  restore(state: SchedulerState): void {
    const { baseLrs, lastEpoch, lastLr, ...settings } = copied(state)
    this.settings = settings as Settings
    this.baseLrs = baseLrs as number[]
    setInitialLrs(this.optimizer, this.baseLrs)
    this.#lastEpoch = lastEpoch as number
    this.#lastLr = lastLr as number[]
  }

  /** @internal Throws unless `state` can be loaded. */
  checkState(state: SchedulerState): void {
    const op = `${this.name}.loadStateDict`
    checkNames(op, state, Object.keys(this.stateDict()))
    const { baseLrs, lastEpoch, lastLr, ...settings } = state
    checkRates(op, 'baseLrs', baseLrs, this.baseLrs.length)
    checkRates(op, 'lastLr', lastLr, this.#lastLr.length)
    checkCount(op, 'lastEpoch', lastEpoch)
    this.check(settings as Settings)
  }

  /** Throws `OptionError` for settings that cannot be. */
  protected abstract check(settings: Settings): void

  /** The rates of `epoch`, from those of the epoch before. */
  protected abstract ratesAt(epoch: number, lrs: readonly number[]): number[]

  /** The name of the class, for messages. */
  protected get name(): string {
    return this.constructor.name
  }

  #moveTo(epoch: number, from: (group: ParamGroup<OptimizerOptions>) => number): void {
    const groups = this.optimizer.paramGroups
    // Groups that came later are scheduled from now on.
    this.baseLrs = groups.map((group, i) => this.baseLrs[i] ?? initialLrOf(group))
    const lrs = this.ratesAt(epoch, groups.map(from))
    groups.forEach((group, i) => {
      group.lr = lrs[i]
    })
    this.#lastEpoch = epoch
    this.#lastLr = lrs
  }
}

function setInitialLrs({ paramGroups }: Optimizer, lrs: readonly number[]): void {
  lrs.forEach((lr, i) => {
    initialLrs.set(paramGroups[i], lr)
  })
}

function initialLrOf(group: ParamGroup<OptimizerOptions>): number {
  const known = initialLrs.get(group)
  if (known !== undefined) return known
  initialLrs.set(group, group.lr)
  return group.lr
}

/** Throws unless `optimizer` is one. */
export function checkOptimizer(scheduler: string, optimizer: Optimizer): void {
  if (!(optimizer instanceof Optimizer))
    throw new OptionError(`${scheduler}: expected an optimizer, got ${kindOf(optimizer)}`)
}

/** Throws unless `state` has these names and no others. */
export function checkNames(op: string, state: SchedulerState, names: readonly string[]): void {
  if (typeof state !== 'object' || state === null)
    throw new OptionError(`${op}: the state is ${kindOf(state)}; pass what stateDict() gave`)
  const missing = names.filter((name) => !Object.hasOwn(state, name)).map((name) => `missing ${name}`)
  const beyond = Object.keys(state).filter((name) => !names.includes(name))
  const problems = [...missing, ...beyond.map((name) => `unexpected ${name}`)]
  if (problems.length > 0) throw new OptionError(`${op}: ${problems.join('; ')}`)
}

/** Throws unless `value` is a list of `n` finite numbers from 0 up. */
export function checkRates(op: string, name: string, value: unknown, n: number): void {
  if (!Array.isArray(value) || value.length !== n)
    throw new OptionError(`${op}: ${name} must be a list with a number for each of the ${n} groups of parameters`)
  for (const rate of value) checkOption(op, `a number of ${name}`, rate, rate >= 0, 'a finite number from 0 up')
}

/** Throws unless `value` is an integer from 0 up. */
export function checkCount(op: string, name: string, value: unknown): void {
  checkOption(op, name, value as number, Number.isSafeInteger(value) && (value as number) >= 0, 'an integer from 0 up')
}

/** `value` for each group, or a list of one for each. */
export function perGroup(value: number | readonly number[], optimizer: Optimizer): number[] {
  return Array.isArray(value) ? [...value] : optimizer.paramGroups.map(() => value as number)
}

/** A copy whose lists are copies. */
const copied = (state: SchedulerState): SchedulerState =>
  Object.fromEntries(Object.entries(state).map(([name, value]) => [name, Array.isArray(value) ? [...value] : value]))
