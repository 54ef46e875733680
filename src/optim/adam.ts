import { OptionError } from '../errors.ts'
import { checkOption, checkOptions } from '../options.ts'
import { engine } from '../runtime/engine.ts'
import type { Tensor } from '../tensor.ts'
import { Optimizer } from './optimizer.ts'

/** The hyper-parameters of `Adam`. */
export interface AdamOptions {
  /** Learning rate. Default: 0.001. */
  lr?: number
  /** Decay rates of the running means of the gradient and of its square. Default: [0.9, 0.999]. */
  betas?: readonly [number, number]
  /** Added to the root, so that nothing is divided by 0. Default: 1e-8. */
  eps?: number
  /** Factor of the parameter that is added to its gradient. Default: 0. */
  weightDecay?: number
}

/**
 * Adam (Kingma and Ba, arXiv:1412.6980), as `torch.optim.Adam`: m = β₁ m + (1 - β₁) g; v = β₂ v + (1 - β₂) g²;
 * p -= lr / (1 - β₁ᵗ) · m / (√v / √(1 - β₂ᵗ) + eps).
 */
export class Adam extends Optimizer {
  protected readonly kernel = 'adam'
  protected readonly stateCount = 2
  readonly #options: Required<Omit<AdamOptions, 'lr'>>

  constructor(parameters: Iterable<Tensor>, options: AdamOptions = {}) {
    checkOptions('Adam', options, ['lr', 'betas', 'eps', 'weightDecay'])
    const { lr = 1e-3, betas = [0.9, 0.999], eps = 1e-8, weightDecay = 0 } = options
    super(parameters, lr)
    const rates: unknown = betas
    if (!Array.isArray(rates) || rates.length !== 2)
      throw new OptionError(`Adam: betas is ${rates}; it must be two numbers, such as [0.9, 0.999]`)
    for (const beta of betas)
      checkOption('Adam', 'a beta', beta, beta >= 0 && beta < 1, 'a number from 0 up to but without 1')
    checkOption('Adam', 'eps', eps, eps >= 0, 'a finite number from 0 up')
    checkOption('Adam', 'weightDecay', weightDecay, weightDecay >= 0, 'a finite number from 0 up')
    this.#options = { betas: [...betas], eps, weightDecay }
  }

  protected hyperParameters(update: number): readonly number[] {
    const { betas, eps, weightDecay } = this.#options
    const [beta1, beta2] = betas
    const { pow } = engine().k
    const stepSize = this.lr / (1 - pow(beta1, update))
    const correction = 1 / Math.sqrt(1 - pow(beta2, update))
    return [stepSize, correction, 1 - beta1, beta2, 1 - beta2, eps, weightDecay]
  }
}
