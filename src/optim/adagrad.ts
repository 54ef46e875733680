import { Optimizer, type Trainable } from './optimizer.ts'
import { atLeast0, flag, flipOf } from './options.ts'

/** The hyper-parameters of `Adagrad`. */
export interface AdagradOptions {
  /** Learning rate. Default: 0.01. */
  lr?: number
  /** How fast the learning rate falls: update t has lr / (1 + (t - 1) lrDecay). Default: 0. */
  lrDecay?: number
  /** Factor of the parameter that is added to its gradient. Default: 0. */
  weightDecay?: number
  /** What the sums of squares start from. Default: 0. */
  initialAccumulatorValue?: number
  /** Added to the root, so that nothing is divided by 0. Default: 1e-10. */
  eps?: number
  /** Whether to go up along the gradient instead of down. Default: false. */
  maximize?: boolean
}

const RULES = {
  lr: atLeast0(0.01),
  lrDecay: atLeast0(0),
  weightDecay: atLeast0(0),
  initialAccumulatorValue: atLeast0(0),
  eps: atLeast0(1e-10),
  maximize: flag(false),
}

/**
 * Adagrad (Duchi, Hazan and Singer, JMLR 12, 2011), as `torch.optim.Adagrad`: s += g²;
 * p -= lr / (1 + (t - 1) lrDecay) · g / (√s + eps).
 */
export class Adagrad extends Optimizer<AdagradOptions> {
  protected readonly kernel = 'adagrad'
  protected readonly states = ['sum']

  constructor(parameters: Trainable<AdagradOptions>, options: AdagradOptions = {}) {
    super(parameters, options, RULES)
  }

  protected override initialState({ initialAccumulatorValue }: Required<AdagradOptions>): number | null {
    return initialAccumulatorValue
  }

  protected hyperParameters(options: Required<AdagradOptions>, update: number): readonly number[] {
    const { lr, lrDecay, eps, weightDecay, maximize } = options
    return [lr / (1 + (update - 1) * lrDecay), eps, weightDecay, flipOf(maximize)]
  }
}
