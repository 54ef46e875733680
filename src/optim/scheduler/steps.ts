/** Schedulers that multiply the learning rate: now and then, or always. */
import { OptionError } from '../../errors.ts'
import { checkOption, checkOptions, checkSize } from '../../options.ts'
import { engine } from '../../runtime/engine.ts'
import type { Optimizer } from '../optimizer.ts'
import { LRScheduler } from './scheduler.ts'

/** The options of schedulers that multiply. */
export interface DecayOptions {
  /** The factor. Default: 0.1. */
  gamma?: number
}

const checkGamma = (scheduler: string, gamma: number) =>
  checkOption(scheduler, 'gamma', gamma, gamma >= 0, 'a finite number from 0 up')

interface StepSettings {
  readonly stepSize: number
  readonly gamma: number
}

/** Multiplies the rate by `gamma` every `stepSize` epochs, as `torch.optim.lr_scheduler.StepLR`. */
export class StepLR extends LRScheduler<StepSettings> {
  /** @throws OptionError unless `stepSize` is an integer from 1 up and `gamma` a number from 0 up. */
  constructor(optimizer: Optimizer, stepSize: number, options: DecayOptions = {}) {
    checkOptions('StepLR', options, ['gamma'])
    const { gamma = 0.1 } = options
    super(optimizer, { stepSize, gamma })
    this.step()
  }

  protected check({ stepSize, gamma }: StepSettings): void {
    checkSize('StepLR', 'stepSize', stepSize)
    checkGamma('StepLR', gamma)
  }

  protected ratesAt(epoch: number, lrs: readonly number[]): number[] {
    const { stepSize, gamma } = this.settings
    return epoch > 0 && epoch % stepSize === 0 ? lrs.map((lr) => lr * gamma) : [...lrs]
  }
}

interface MultiStepSettings {
  readonly milestones: readonly number[]
  readonly gamma: number
}

/** Multiplies the rate by `gamma` at each of the `milestones`, as `torch.optim.lr_scheduler.MultiStepLR`. */
export class MultiStepLR extends LRScheduler<MultiStepSettings> {
  /** @throws OptionError unless `milestones` are integers from 0 up and `gamma` is a number from 0 up. */
  constructor(optimizer: Optimizer, milestones: readonly number[], options: DecayOptions = {}) {
    checkOptions('MultiStepLR', options, ['gamma'])
    const { gamma = 0.1 } = options
    super(optimizer, { milestones: Array.isArray(milestones) ? [...milestones] : milestones, gamma })
    this.step()
  }

  protected check({ milestones, gamma }: MultiStepSettings): void {
    if (!Array.isArray(milestones)) throw new OptionError('MultiStepLR: milestones must be a list of epochs')
    for (const epoch of milestones)
      checkOption('MultiStepLR', 'a milestone', epoch, Number.isInteger(epoch) && epoch >= 0, 'an integer from 0 up')
    checkGamma('MultiStepLR', gamma)
  }

  protected ratesAt(epoch: number, lrs: readonly number[]): number[] {
    const { milestones, gamma } = this.settings
    const times = milestones.filter((milestone) => milestone === epoch).length
    return times > 0 ? lrs.map((lr) => lr * engine().k.pow(gamma, times)) : [...lrs]
  }
}

interface ExponentialSettings {
  readonly gamma: number
}

/** Multiplies the rate by `gamma` every epoch, as `torch.optim.lr_scheduler.ExponentialLR`. */
export class ExponentialLR extends LRScheduler<ExponentialSettings> {
  /** @throws OptionError unless `gamma` is a number from 0 up. */
  constructor(optimizer: Optimizer, gamma: number) {
    super(optimizer, { gamma })
    this.step()
  }

  protected check({ gamma }: ExponentialSettings): void {
    checkGamma('ExponentialLR', gamma)
  }

  protected ratesAt(epoch: number, lrs: readonly number[]): number[] {
    return lrs.map((lr) => (epoch > 0 ? lr * this.settings.gamma : lr))
  }
}
