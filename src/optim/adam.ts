import { engine } from '../runtime/engine.ts'
import { Optimizer, type Trainable } from './optimizer.ts'
import { atLeast0, rates } from './options.ts'

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

const RULES = { lr: atLeast0(1e-3), betas: rates(0.9, 0.999), eps: atLeast0(1e-8), weightDecay: atLeast0(0) }

/**
 * Adam (Kingma and Ba, arXiv:1412.6980), as `torch.optim.Adam`: m = β₁ m + (1 - β₁) g; v = β₂ v + (1 - β₂) g²;
 * p -= lr / (1 - β₁ᵗ) · m / (√v / √(1 - β₂ᵗ) + eps).
 */
export class Adam extends Optimizer<AdamOptions> {
  protected readonly kernel = 'adam'
  protected readonly states = ['expAvg', 'expAvgSq']

  constructor(parameters: Trainable<AdamOptions>, options: AdamOptions = {}) {
    super(parameters, options, RULES)
  }

  protected hyperParameters(options: Required<AdamOptions>, update: number): readonly number[] {
    const { lr, betas, eps, weightDecay } = options
    const [beta1, beta2] = betas
    const { pow } = engine().k
    const stepSize = lr / (1 - pow(beta1, update))
    const correction = 1 / Math.sqrt(1 - pow(beta2, update))
    return [stepSize, correction, 1 - beta1, beta2, 1 - beta2, eps, weightDecay]
  }
}
