import { engine } from '../runtime/engine.ts'
import { Optimizer, type Trainable } from './optimizer.ts'
import { atLeast0, flag, flipOf, rates } from './options.ts'

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
  /** Whether to divide by the largest mean square so far (AMSGrad, Reddi et al., arXiv:1904.09237). Default: false. */
  amsgrad?: boolean
  /** Whether to go up along the gradient instead of down. Default: false. */
  maximize?: boolean
}

/** The hyper-parameters of `AdamW`: those of `Adam`, with another weight decay. */
export interface AdamWOptions extends AdamOptions {
  /** The share of the parameter, times the learning rate, that each step takes away. Default: 0.01. */
  weightDecay?: number
}

const RULES = {
  lr: atLeast0(1e-3),
  betas: rates(0.9, 0.999),
  eps: atLeast0(1e-8),
  weightDecay: atLeast0(0),
  amsgrad: flag(false),
  maximize: flag(false),
}

const STATES = ['expAvg', 'expAvgSq', 'maxExpAvgSq']

const startOf = ({ amsgrad }: Required<AdamOptions>, name: string) => (name === 'maxExpAvgSq' && !amsgrad ? null : 0)

/** The row of update `update`: `decay` joins the gradient, `shrink` is taken off the parameter. */
function rowOf(options: Required<AdamOptions>, update: number, decay: number, shrink: number): readonly number[] {
  const { lr, betas, eps, maximize } = options
  const [beta1, beta2] = betas
  const { pow } = engine().k
  const stepSize = lr / (1 - pow(beta1, update))
  const correction = 1 / Math.sqrt(1 - pow(beta2, update))
  return [stepSize, correction, 1 - beta1, beta2, 1 - beta2, eps, decay, shrink, flipOf(maximize)]
}

/**
 * Adam (Kingma and Ba, arXiv:1412.6980), as `torch.optim.Adam`: m = β₁ m + (1 - β₁) g; v = β₂ v + (1 - β₂) g²;
 * p -= lr / (1 - β₁ᵗ) · m / (√v / √(1 - β₂ᵗ) + eps).
 */
export class Adam extends Optimizer<AdamOptions> {
  protected readonly kernel = 'adam'
  protected readonly states = STATES

  constructor(parameters: Trainable<AdamOptions>, options: AdamOptions = {}) {
    super(parameters, options, RULES)
  }

  protected override initialState(options: Required<AdamOptions>, name: string): number | null {
    return startOf(options, name)
  }

  protected hyperParameters(options: Required<AdamOptions>, update: number): readonly number[] {
    return rowOf(options, update, options.weightDecay, 0)
  }
}

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter, arXiv:1711.05101), as `torch.optim.AdamW`: first
 * p -= lr weightDecay p, then the step of Adam, whose means know nothing of the decay.
 */
export class AdamW extends Optimizer<AdamWOptions> {
  protected readonly kernel = 'adam'
  protected readonly states = STATES

  constructor(parameters: Trainable<AdamWOptions>, options: AdamWOptions = {}) {
    super(parameters, options, { ...RULES, weightDecay: atLeast0(0.01) })
  }

  protected override initialState(options: Required<AdamWOptions>, name: string): number | null {
    return startOf(options, name)
  }

  protected hyperParameters(options: Required<AdamWOptions>, update: number): readonly number[] {
    return rowOf(options, update, 0, options.lr * options.weightDecay)
  }
}
