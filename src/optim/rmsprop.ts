import { Optimizer, type Trainable } from './optimizer.ts'
import { atLeast0, flag, flipOf, share } from './options.ts'

/** The hyper-parameters of `RMSprop`. */
export interface RMSpropOptions {
  /** Learning rate. Default: 0.001; PyTorch's is 0.01. */
  lr?: number
  /** Decay rate of the running mean of squares. Default: 0.99. */
  alpha?: number
  /** Added to the root, so that nothing is divided by 0. Default: 1e-8. */
  eps?: number
  /** Factor of the parameter that is added to its gradient. Default: 0. */
  weightDecay?: number
  /** How much of the last update goes into the next. Default: 0. */
  momentum?: number
  /** Whether to divide by the root of the variance instead of the mean square. Default: false. */
  centered?: boolean
  /** Whether to go up along the gradient instead of down. Default: false. */
  maximize?: boolean
}

const RULES = {
  lr: atLeast0(1e-3),
  alpha: share(0.99),
  eps: atLeast0(1e-8),
  weightDecay: atLeast0(0),
  momentum: atLeast0(0),
  centered: flag(false),
  maximize: flag(false),
}

/**
 * RMSprop (Hinton, Coursera lecture 6; centered: Graves, arXiv:1308.0850), as `torch.optim.RMSprop`:
 * s = alpha s + (1 - alpha) g²; p -= lr g / (√s + eps). Centered, the square of the mean gradient is subtracted from s under
 * the root. With momentum, v = momentum v + g / (√s + eps) and p -= lr v.
 */
export class RMSprop extends Optimizer<RMSpropOptions> {
  protected readonly kernel = 'rmsprop'
  protected readonly states = ['squareAvg', 'gradAvg', 'momentumBuffer']

  constructor(parameters: Trainable<RMSpropOptions>, options: RMSpropOptions = {}) {
    super(parameters, options, RULES)
  }

  protected override initialState({ centered, momentum }: Required<RMSpropOptions>, name: string): number | null {
    const isNeeded = name === 'gradAvg' ? centered : name === 'momentumBuffer' ? momentum > 0 : true
    return isNeeded ? 0 : null
  }

  protected hyperParameters(options: Required<RMSpropOptions>): readonly number[] {
    const { lr, alpha, eps, weightDecay, momentum, maximize } = options
    return [lr, alpha, 1 - alpha, eps, weightDecay, momentum, flipOf(maximize)]
  }
}
