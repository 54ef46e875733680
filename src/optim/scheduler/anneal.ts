/** Schedulers that move the learning rate along a line or half a wave of the cosine. */
import { checkOption, checkOptions, checkSize } from '../../options.ts'
import { engine } from '../../runtime/engine.ts'
import type { Optimizer } from '../optimizer.ts'
import { LRScheduler } from './scheduler.ts'

interface CosineSettings {
  readonly tMax: number
  readonly etaMin: number
}

/** The options of `CosineAnnealingLR`. */
export interface CosineAnnealingOptions {
  /** The rate at the bottom of the wave. Default: 0. */
  etaMin?: number
}

/**
 * Lowers the rate along half a wave of the cosine to `etaMin` within `tMax` epochs, and up again in the next, without the
 * restarts of the paper (SGDR, Loshchilov and Hutter, arXiv:1608.03983), as `torch.optim.lr_scheduler.CosineAnnealingLR`:
 * etaMin + (lr₀ - etaMin) (1 + cos(π t / tMax)) / 2.
 */
export class CosineAnnealingLR extends LRScheduler<CosineSettings> {
  /** @throws OptionError unless `tMax` is an integer from 1 up and `etaMin` a number from 0 up. */
  constructor(optimizer: Optimizer, tMax: number, options: CosineAnnealingOptions = {}) {
    checkOptions('CosineAnnealingLR', options, ['etaMin'])
    const { etaMin = 0 } = options
    super(optimizer, { tMax, etaMin })
    this.step()
  }

  protected check({ tMax, etaMin }: CosineSettings): void {
    checkSize('CosineAnnealingLR', 'tMax', tMax)
    checkOption('CosineAnnealingLR', 'etaMin', etaMin, etaMin >= 0, 'a finite number from 0 up')
  }

  protected ratesAt(epoch: number, lrs: readonly number[]): number[] {
    const { tMax, etaMin } = this.settings
    const { cosine } = engine().k
    if (epoch === 0) return [...lrs]
    // From the bottom there is no factor that leads up.
    if ((epoch - 1 - tMax) % (2 * tMax) === 0) {
      const rise = 1 - cosine(Math.PI / tMax)
      return lrs.map((lr, i) => lr + ((this.baseLrs[i] - etaMin) * rise) / 2)
    }
    const factor = (1 + cosine((Math.PI * epoch) / tMax)) / (1 + cosine((Math.PI * (epoch - 1)) / tMax))
    return lrs.map((lr) => factor * (lr - etaMin) + etaMin)
  }
}

interface LinearSettings {
  readonly startFactor: number
  readonly endFactor: number
  readonly totalIters: number
}

/** The options of `LinearLR`. */
export interface LinearOptions {
  /** The share of the rate at first. Default: 1 / 3. */
  startFactor?: number
  /** The share of the rate at the end. Default: 1. */
  endFactor?: number
  /** After how many epochs the end is reached. Default: 5. */
  totalIters?: number
}

/**
 * Moves the rate along a line from `startFactor` to `endFactor` of it within `totalIters` epochs, to warm up, as
 * `torch.optim.lr_scheduler.LinearLR`.
 */
export class LinearLR extends LRScheduler<LinearSettings> {
  /** @throws OptionError unless factors lie in 0..1, that of the start above 0, and `totalIters` is an integer from 1 up. */
  constructor(optimizer: Optimizer, options: LinearOptions = {}) {
    checkOptions('LinearLR', options, ['startFactor', 'endFactor', 'totalIters'])
    const { startFactor = 1 / 3, endFactor = 1, totalIters = 5 } = options
    super(optimizer, { startFactor, endFactor, totalIters })
    this.step()
  }

  protected check({ startFactor, endFactor, totalIters }: LinearSettings): void {
    const isShare = (factor: number) => factor >= 0 && factor <= 1
    checkOption(
      'LinearLR',
      'startFactor',
      startFactor,
      isShare(startFactor) && startFactor > 0,
      'above 0 and at most 1',
    )
    checkOption('LinearLR', 'endFactor', endFactor, isShare(endFactor), 'a number from 0 to 1')
    checkSize('LinearLR', 'totalIters', totalIters)
  }

  protected ratesAt(epoch: number, lrs: readonly number[]): number[] {
    const { startFactor, endFactor, totalIters } = this.settings
    if (epoch === 0) return lrs.map((lr) => lr * startFactor)
    if (epoch > totalIters) return [...lrs]
    const slope = endFactor - startFactor
    const factor = 1 + slope / (totalIters * startFactor + (epoch - 1) * slope)
    // At an end of 0 the factor is 0 but for rounding, which may leave it below.
    return lrs.map((lr) => lr * Math.max(factor, 0))
  }
}
