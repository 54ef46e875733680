import { OptionError } from '../../errors.ts'
import { checkFlag, checkOption, checkOptions, checkSize } from '../../options.ts'
import { engine } from '../../runtime/engine.ts'
import type { Optimizer } from '../optimizer.ts'
import { checkOptimizer, checkRates, LRScheduler, perGroup } from './scheduler.ts'

/** The options of `OneCycleLR`. */
export interface OneCycleOptions {
  /** The highest rate, or one for each group. */
  maxLr: number | readonly number[]
  /** How many steps the cycle has; or give `epochs` and `stepsPerEpoch`. */
  totalSteps?: number
  /** How many epochs the cycle has, of `stepsPerEpoch` steps. */
  epochs?: number
  /** How many steps an epoch has: `loader.length`. */
  stepsPerEpoch?: number
  /** The share of the cycle in which the rate rises. Default: 0.3. */
  pctStart?: number
  /** Along half a wave of the cosine, or a line. Default: 'cos'. */
  annealStrategy?: 'cos' | 'linear'
  /** Whether momentum, or the first of betas, falls while the rate rises, and the other way round. Default: true. */
  cycleMomentum?: boolean
  /** The lowest momentum, or one for each group. Default: 0.85. */
  baseMomentum?: number | readonly number[]
  /** The highest momentum, or one for each group. Default: 0.95. */
  maxMomentum?: number | readonly number[]
  /** The rate begins at maxLr / divFactor. Default: 25. */
  divFactor?: number
  /** The rate ends at maxLr / divFactor / finalDivFactor. Default: 10000. */
  finalDivFactor?: number
  /** Whether the rate falls back to where it began before it falls further. Default: false. */
  threePhase?: boolean
}

interface OneCycleSettings {
  readonly maxLr: readonly number[]
  readonly totalSteps: number
  readonly pctStart: number
  readonly annealStrategy: 'cos' | 'linear'
  readonly cycleMomentum: boolean
  readonly baseMomentum: readonly number[]
  readonly maxMomentum: readonly number[]
  readonly divFactor: number
  readonly finalDivFactor: number
  readonly threePhase: boolean
}

/** A part of the cycle, by names of rates and momenta. */
interface Phase {
  readonly end: number
  readonly lr: readonly [from: Rate, to: Rate]
  readonly momentum: readonly [from: Momentum, to: Momentum]
}
type Rate = 'initial' | 'max' | 'min'
type Momentum = 'base' | 'max'

/** A group whose momentum cycles: it has one of the two. */
type Cycling = { momentum: number } | { betas: readonly [number, number] }

const NAMES = [
  ...(['maxLr', 'totalSteps', 'epochs', 'stepsPerEpoch', 'pctStart', 'annealStrategy', 'cycleMomentum'] as const),
  ...(['baseMomentum', 'maxMomentum', 'divFactor', 'finalDivFactor', 'threePhase'] as const),
]

/**
 * One cycle (Smith and Topin, arXiv:1708.07120), as `torch.optim.lr_scheduler.OneCycleLR`: the rate rises from
 * maxLr / divFactor to maxLr, then falls far below where it began, and momentum does the opposite. Step it after every batch.
 * `fit` does. Groups that are added later are left alone.
 */
export class OneCycleLR extends LRScheduler<OneCycleSettings> {
  /**
   * @throws OptionError for options that are out of range or of the wrong kind, without a number of steps, or when momentum
   *   is to cycle and the optimizer has none.
   */
  constructor(optimizer: Optimizer, options: OneCycleOptions) {
    checkOptimizer('OneCycleLR', optimizer)
    checkOptions('OneCycleLR', options, NAMES)
    const { maxLr, epochs, stepsPerEpoch, pctStart = 0.3, annealStrategy = 'cos', cycleMomentum = true } = options
    const {
      baseMomentum = 0.85,
      maxMomentum = 0.95,
      divFactor = 25,
      finalDivFactor = 1e4,
      threePhase = false,
    } = options
    const { totalSteps = stepsOf(epochs, stepsPerEpoch) } = options
    const each = (value: number | readonly number[]) => perGroup(value, optimizer)
    const lists = { maxLr: each(maxLr), baseMomentum: each(baseMomentum), maxMomentum: each(maxMomentum) }
    const settings = { totalSteps, pctStart, annealStrategy, cycleMomentum, divFactor, finalDivFactor, threePhase }
    super(
      optimizer,
      { ...settings, ...lists },
      lists.maxLr.map((lr) => lr / divFactor),
    )
    this.step()
  }

  /** After every batch: the cycle counts those. */
  override get every(): 'batch' {
    return 'batch'
  }

  protected check(settings: OneCycleSettings): void {
    const { totalSteps, pctStart, annealStrategy, cycleMomentum, divFactor, finalDivFactor, threePhase } = settings
    const groups = this.optimizer.paramGroups
    const scheduled = this.settings?.maxLr.length ?? groups.length
    for (const name of ['maxLr', 'baseMomentum', 'maxMomentum'] as const)
      checkRates('OneCycleLR', name, settings[name], scheduled)
    checkSize('OneCycleLR', 'totalSteps', totalSteps)
    checkOption('OneCycleLR', 'pctStart', pctStart, pctStart >= 0 && pctStart <= 1, 'a number from 0 to 1')
    if (annealStrategy !== 'cos' && annealStrategy !== 'linear')
      throw new OptionError(`OneCycleLR: annealStrategy is ${annealStrategy}; it must be 'cos' or 'linear'`)
    checkOption('OneCycleLR', 'divFactor', divFactor, divFactor > 0, 'a finite number above 0')
    checkOption('OneCycleLR', 'finalDivFactor', finalDivFactor, finalDivFactor > 0, 'a finite number above 0')
    checkFlag('OneCycleLR', 'cycleMomentum', cycleMomentum)
    checkFlag('OneCycleLR', 'threePhase', threePhase)
    if (cycleMomentum && !groups.every((group) => 'momentum' in group || 'betas' in group))
      throw new OptionError(
        `OneCycleLR: ${this.optimizer.constructor.name} has no momentum to cycle; pass { cycleMomentum: false }`,
      )
  }

  protected ratesAt(step: number, lrs: readonly number[]): number[] {
    const { maxLr, totalSteps, cycleMomentum, baseMomentum, maxMomentum, finalDivFactor } = this.settings
    if (step > totalSteps)
      throw new OptionError(`OneCycleLR: step ${step} of a cycle of ${totalSteps}; make totalSteps larger`)
    const phases = phasesOf(this.settings)
    const last = phases.length - 1
    const at = phases.findIndex(({ end }, i) => step <= end || i === last)
    const { end, lr, momentum } = phases[at]
    const start = at > 0 ? phases[at - 1].end : 0
    // A phase without a length is over.
    const share = end > start ? (step - start) / (end - start) : 1
    if (cycleMomentum)
      (this.optimizer.paramGroups as readonly object[] as readonly Cycling[])
        .slice(0, maxLr.length)
        .forEach((group, i) => {
          const momenta = { base: baseMomentum[i], max: maxMomentum[i] }
          const value = this.#between(momenta[momentum[0]], momenta[momentum[1]], share)
          if ('betas' in group) group.betas = [value, group.betas[1]]
          else group.momentum = value
        })
    return lrs.map((unscheduled, i) => {
      if (i >= maxLr.length) return unscheduled
      const initial = this.baseLrs[i]
      const rates = { initial, max: maxLr[i], min: initial / finalDivFactor }
      return this.#between(rates[lr[0]], rates[lr[1]], share)
    })
  }

  /** PyTorch goes on beyond the end by one step; along a line, rates there could be negative, so it ends at the end. */
  #between(from: number, to: number, share: number): number {
    if (this.settings.annealStrategy === 'linear') return (to - from) * Math.min(share, 1) + from
    return to + ((from - to) / 2) * (engine().k.cosine(Math.PI * share) + 1)
  }
}

function stepsOf(epochs?: number, stepsPerEpoch?: number): number {
  if (epochs === undefined || stepsPerEpoch === undefined)
    throw new OptionError('OneCycleLR: pass totalSteps, or both epochs and stepsPerEpoch')
  checkSize('OneCycleLR', 'epochs', epochs)
  checkSize('OneCycleLR', 'stepsPerEpoch', stepsPerEpoch)
  return epochs * stepsPerEpoch
}

function phasesOf({ totalSteps, pctStart, threePhase }: OneCycleSettings): readonly Phase[] {
  const rise: Phase = { end: pctStart * totalSteps - 1, lr: ['initial', 'max'], momentum: ['max', 'base'] }
  const end = totalSteps - 1
  if (!threePhase) return [rise, { end, lr: ['max', 'min'], momentum: ['base', 'max'] }]
  return [
    rise,
    { end: 2 * pctStart * totalSteps - 2, lr: ['max', 'initial'], momentum: ['base', 'max'] },
    { end, lr: ['initial', 'min'], momentum: ['max', 'max'] },
  ]
}
