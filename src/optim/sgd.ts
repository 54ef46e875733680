import { OptionError } from '../errors.ts'
import { checkOption, checkOptions } from '../options.ts'
import type { Tensor } from '../tensor.ts'
import { Optimizer } from './optimizer.ts'

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
}

/**
 * Stochastic gradient descent, as `torch.optim.SGD`: g += weightDecay p; v = momentum v + (1 - dampening) g (at first v = g);
 * p -= lr v, or with Nesterov p -= lr (g + momentum v).
 */
export class SGD extends Optimizer {
  protected readonly kernel = 'sgd'
  protected readonly stateCount: number
  readonly #options: Required<Omit<SGDOptions, 'lr'>>

  constructor(parameters: Iterable<Tensor>, options: SGDOptions = {}) {
    checkOptions('SGD', options, ['lr', 'momentum', 'dampening', 'weightDecay', 'nesterov'])
    const { lr = 0.01, momentum = 0, dampening = 0, weightDecay = 0, nesterov = false } = options
    super(parameters, lr)
    checkOption('SGD', 'momentum', momentum, momentum >= 0, 'a finite number from 0 up')
    checkOption('SGD', 'dampening', dampening, true, 'a finite number')
    checkOption('SGD', 'weightDecay', weightDecay, weightDecay >= 0, 'a finite number from 0 up')
    if (nesterov && (momentum === 0 || dampening !== 0))
      throw new OptionError(
        `SGD: nesterov needs momentum above 0 and no dampening; they are ${momentum} and ${dampening}`,
      )
    this.#options = { momentum, dampening, weightDecay, nesterov }
    this.stateCount = momentum > 0 ? 1 : 0
  }

  protected hyperParameters(update: number): readonly number[] {
    const { momentum, dampening, weightDecay, nesterov } = this.#options
    return [this.lr, momentum, 1 - dampening, weightDecay, Number(nesterov), Number(update === 1)]
  }
}
