/** Activations as layers. Each computes what the method of `Tensor` of that name does. */
import {
  checkAlpha,
  checkRange,
  checkSlope,
  type GeluOptions,
  geluOptions,
  type SoftplusOptions,
  softplusOptions,
} from '../ops/activation-options.ts'
import {
  elu,
  gelu,
  hardsigmoid,
  hardswish,
  hardtanh,
  leakyRelu,
  logSoftmax,
  logsigmoid,
  relu,
  relu6,
  sigmoid,
  silu,
  softmax,
  softplus,
  tanh,
} from '../ops/index.ts'
import type { Tensor } from '../tensor.ts'
import { Module } from './module.ts'

/** max(x, 0) */
export class ReLU extends Module<'same'> {
  forward(x: Tensor): Tensor {
    return relu(x)
  }
}

/** 1 / (1 + exp(-x)) */
export class Sigmoid extends Module<'same'> {
  forward(x: Tensor): Tensor {
    return sigmoid(x)
  }
}

/** tanh(x) */
export class Tanh extends Module<'same'> {
  forward(x: Tensor): Tensor {
    return tanh(x)
  }
}

/** x where it is above 0, `negativeSlope` times x elsewhere. */
export class LeakyReLU extends Module<'same'> {
  /** The slope below 0. */
  readonly negativeSlope: number

  /**
   * @param negativeSlope Default: 0.01.
   * @throws OptionError when it is no finite number.
   */
  constructor(negativeSlope = 0.01) {
    super()
    checkSlope('LeakyReLU', negativeSlope)
    this.negativeSlope = negativeSlope
  }

  forward(x: Tensor): Tensor {
    return leakyRelu(x, this.negativeSlope)
  }

  override extraRepr(): string {
    return `negativeSlope=${this.negativeSlope}`
  }
}

/** x where it is above 0, alpha (exp(x) - 1) elsewhere. */
export class ELU extends Module<'same'> {
  /** What it comes down to, negated. */
  readonly alpha: number

  /**
   * @param alpha Default: 1.
   * @throws OptionError when it is no finite number.
   */
  constructor(alpha = 1) {
    super()
    checkAlpha('ELU', alpha)
    this.alpha = alpha
  }

  forward(x: Tensor): Tensor {
    return elu(x, this.alpha)
  }

  override extraRepr(): string {
    return `alpha=${this.alpha}`
  }
}

/** x (1 + erf(x / √2)) / 2, or its approximation by tanh: x times the standard normal distribution up to x. */
export class GELU extends Module<'same'> {
  /** By the error function, or by tanh. */
  readonly approximate: 'none' | 'tanh'

  /**
   * @param options.approximate `'none'` or `'tanh'`. Default: `'none'`.
   * @throws OptionError for any other.
   */
  constructor(options: GeluOptions = {}) {
    super()
    this.approximate = geluOptions('GELU', options).approximate
  }

  forward(x: Tensor): Tensor {
    return gelu(x, { approximate: this.approximate })
  }

  override extraRepr(): string {
    return `approximate='${this.approximate}'`
  }
}

/** x / (1 + exp(-x)) */
export class SiLU extends Module<'same'> {
  forward(x: Tensor): Tensor {
    return silu(x)
  }
}

/** log(1 + exp(beta x)) / beta, or x where beta x is above the threshold. */
export class Softplus extends Module<'same'> {
  /** How sharply it bends. */
  readonly beta: number
  /** Where beta x is above this, the result is x. */
  readonly threshold: number

  /**
   * @param options.beta How sharply it bends. Default: 1.
   * @param options.threshold Default: 20.
   * @throws OptionError when beta is 0 or not finite, or the threshold is NaN.
   */
  constructor(options: SoftplusOptions = {}) {
    super()
    const { beta, threshold } = softplusOptions('Softplus', options)
    this.beta = beta
    this.threshold = threshold
  }

  forward(x: Tensor): Tensor {
    return softplus(x, { beta: this.beta, threshold: this.threshold })
  }

  override extraRepr(): string {
    return `beta=${this.beta}, threshold=${this.threshold}`
  }
}

/** log(1 / (1 + exp(-x))) */
export class LogSigmoid extends Module<'same'> {
  forward(x: Tensor): Tensor {
    return logsigmoid(x)
  }
}

/** x, but at least `minVal` and at most `maxVal`. */
export class Hardtanh extends Module<'same'> {
  /** The least that it gives. */
  readonly minVal: number
  /** The most that it gives. */
  readonly maxVal: number

  /**
   * @param minVal Default: -1.
   * @param maxVal Default: 1.
   * @throws OptionError unless `minVal` is below `maxVal`.
   */
  constructor(minVal = -1, maxVal = 1) {
    super()
    checkRange('Hardtanh', minVal, maxVal)
    this.minVal = minVal
    this.maxVal = maxVal
  }

  forward(x: Tensor): Tensor {
    return hardtanh(x, this.minVal, this.maxVal)
  }

  override extraRepr(): string {
    return `minVal=${this.minVal}, maxVal=${this.maxVal}`
  }
}

/** min(max(x + 3, 0), 6) / 6 */
export class Hardsigmoid extends Module<'same'> {
  forward(x: Tensor): Tensor {
    return hardsigmoid(x)
  }
}

/** x min(max(x + 3, 0), 6) / 6 */
export class Hardswish extends Module<'same'> {
  forward(x: Tensor): Tensor {
    return hardswish(x)
  }
}

/** min(max(x, 0), 6) */
export class ReLU6 extends Module<'same'> {
  forward(x: Tensor): Tensor {
    return relu6(x)
  }
}

/** exp(x) / sum(exp(x)) along an axis. */
export class Softmax extends Module<'same'> {
  /** The axis along which the elements are weighed against each other. */
  readonly dim: number

  /** @param dim Default: the last axis. A tensor without such an axis is a ShapeError. */
  constructor(dim = -1) {
    super()
    this.dim = dim
  }

  forward(x: Tensor): Tensor {
    return softmax(x, this.dim)
  }

  override extraRepr(): string {
    return `dim=${this.dim}`
  }
}

/** log(exp(x) / sum(exp(x))) along an axis. */
export class LogSoftmax extends Module<'same'> {
  /** The axis along which the elements are weighed against each other. */
  readonly dim: number

  /** @param dim Default: the last axis. A tensor without such an axis is a ShapeError. */
  constructor(dim = -1) {
    super()
    this.dim = dim
  }

  forward(x: Tensor): Tensor {
    return logSoftmax(x, this.dim)
  }

  override extraRepr(): string {
    return `dim=${this.dim}`
  }
}
