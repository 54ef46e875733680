import { OptionError } from '../../errors.ts'
import { checkOption, checkOptions } from '../../options.ts'
import type { Optimizer } from '../optimizer.ts'
import { LRScheduler, type SchedulerState } from './scheduler.ts'

/** The options of `SequentialLR`. */
export interface SequentialOptions {
  /** The epochs at which the next scheduler takes over, one fewer than there are schedulers. */
  milestones: readonly number[]
}

/**
 * Schedulers one after another, such as a warm-up and then an annealing, as `torch.optim.lr_scheduler.SequentialLR`: each
 * starts at its milestone as if it were new, from the rates before any scheduler.
 */
export class SequentialLR extends LRScheduler<SequentialOptions> {
  readonly #schedulers: readonly LRScheduler[]

  /**
   * @throws OptionError without schedulers, for one of another optimizer, or unless `milestones` are rising integers from 1
   *   up, one fewer than schedulers.
   */
  constructor(optimizer: Optimizer, schedulers: readonly LRScheduler[], options: SequentialOptions) {
    checkOptions('SequentialLR', options, ['milestones'])
    const { milestones } = options
    super(optimizer, { milestones: Array.isArray(milestones) ? [...milestones] : milestones })
    if (!Array.isArray(schedulers) || schedulers.length !== milestones.length + 1)
      throw new OptionError(`SequentialLR: ${milestones.length} milestones need ${milestones.length + 1} schedulers`)
    for (const scheduler of schedulers)
      if (!(scheduler instanceof LRScheduler) || scheduler.optimizer !== optimizer)
        throw new OptionError(
          'SequentialLR: every scheduler must be one that steps without a metric, of this optimizer',
        )
    this.#schedulers = [...schedulers]
    this.restart()
  }

  /** After every batch where one of the schedulers counts those, and then so do milestones; else after every epoch. */
  override get every(): 'epoch' | 'batch' {
    return this.#schedulers.some(({ every }) => every === 'batch') ? 'batch' : 'epoch'
  }

  override stateDict(): SchedulerState {
    return { ...super.stateDict(), schedulers: this.#schedulers.map((scheduler) => scheduler.stateDict()) }
  }

  /** @internal */
  override checkState(state: SchedulerState): void {
    super.checkState(state)
    const { schedulers } = state
    if (!Array.isArray(schedulers) || schedulers.length !== this.#schedulers.length)
      throw new OptionError(
        `SequentialLR.loadStateDict: schedulers must be a list of ${this.#schedulers.length}, as stateDict() gave it`,
      )
    this.#schedulers.forEach((scheduler, i) => {
      scheduler.checkState(schedulers[i])
    })
  }

  /** @internal */
  override restore({ schedulers, ...own }: SchedulerState): void {
    this.#schedulers.forEach((scheduler, i) => {
      scheduler.restore((schedulers as SchedulerState[])[i])
    })
    // Last: from its own rates each of the schedulers will start.
    super.restore(own)
  }

  protected check({ milestones }: SequentialOptions): void {
    if (!Array.isArray(milestones)) throw new OptionError('SequentialLR: milestones must be a list of epochs')
    milestones.forEach((epoch, i) => {
      const rises = Number.isInteger(epoch) && epoch > (i > 0 ? milestones[i - 1] : 0)
      checkOption('SequentialLR', 'a milestone', epoch, rises, 'an integer above those before it, from 1 up')
    })
  }

  protected ratesAt(epoch: number): number[] {
    const { milestones } = this.settings
    const scheduler = this.#schedulers[milestones.filter((milestone) => milestone <= epoch).length]
    if (epoch === 0 || milestones.includes(epoch)) scheduler.restart()
    else scheduler.step()
    return scheduler.getLastLr()
  }
}
