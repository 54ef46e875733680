import { OptionError } from '../errors.ts'
import { Optimizer, type Trainable } from './optimizer.ts'
import { atLeast0, finite, flag, flipOf } from './options.ts'

/** The hyper-parameters of `SGD`. */
export interface SGDOptions {
  /** Learning rate. Default: 0.01. */
  lr?: number
  /** How much of the last update goes into the next. Default: 0. */
  momentum?: number
  /** By how much a gradient is weakened before it enters the momentum. Default: 0. */
  dampening?: number
  /** Factor of the parameter that is added to its gradient. Default: 0. */
  weightDecay?: number
  /** Whether the momentum looks ahead (Nesterov); needs momentum and no dampening. Default: false. */
  nesterov?: boolean
  /** Whether to go up along the gradient instead of down. Default: false. */
  maximize?: boolean
}

const RULES = {
  lr: atLeast0(0.01),
  momentum: atLeast0(0),
  dampening: finite(0),
  weightDecay: atLeast0(0),
  nesterov: flag(false),
  maximize: flag(false),
}

/**
 * Stochastic gradient descent, as `torch.optim.SGD`: g += weightDecay p; v = momentum v + (1 - dampening) g (at first v = g);
 * p -= lr v, or with Nesterov p -= lr (g + momentum v).
 */
export class SGD extends Optimizer<SGDOptions> {
  protected readonly kernel = 'sgd'
  protected readonly states = ['momentumBuffer']

  constructor(parameters: Trainable<SGDOptions>, options: SGDOptions = {}) {
    super(parameters, options, RULES)
  }

  protected override checkTogether(where: string, { nesterov, momentum, dampening }: Required<SGDOptions>): void {
    if (nesterov && (momentum === 0 || dampening !== 0))
      throw new OptionError(
        `${where}: nesterov needs momentum above 0 and no dampening; they are ${momentum} and ${dampening}`,
      )
  }

  protected override initialState({ momentum }: Required<SGDOptions>): number | null {
    return momentum > 0 ? 0 : null
  }

  protected hyperParameters(options: Required<SGDOptions>, _update: number, isFresh: boolean): readonly number[] {
    const { lr, momentum, dampening, weightDecay, nesterov, maximize } = options
    return [lr, momentum, 1 - dampening, weightDecay, Number(nesterov), Number(isFresh), flipOf(maximize)]
  }
}
