import { crossEntropyOptions, nllOptions } from '../ops/crossEntropy.ts'
import * as ops from '../ops/index.ts'
import {
  bceOptions,
  bceWithLogitsOptions,
  huberOptions,
  klDivOptions,
  lossOptions,
  smoothL1Options,
} from '../ops/loss.ts'
import type { Tensor } from '../tensor.ts'
import { Module } from './module.ts'
import { buffer } from './parameter.ts'

/** A weight among the options, as a buffer: it is saved, and printed by `stateDict()`, but not trained. */
const held = (weight: Tensor | null | undefined) => (weight ? buffer(weight) : null)

/** The mean of (input - target)² over all elements, which must have equal shapes; see `nn.functional.mseLoss`. */
export class MSELoss extends Module {
  readonly #options: ops.LossOptions

  constructor(options: ops.LossOptions = {}) {
    super()
    lossOptions('MSELoss', options)
    this.#options = { ...options }
  }

  /** Of two tensors of one shape, a tensor without axes, or with reduction `'none'` of that shape. */
  forward(input: Tensor, target: Tensor): Tensor {
    return ops.mseLoss(input, target, this.#options)
  }
}

/** The mean of |input - target| over all elements, which must have equal shapes; see `nn.functional.l1Loss`. */
export class L1Loss extends Module {
  readonly #options: ops.LossOptions

  constructor(options: ops.LossOptions = {}) {
    super()
    lossOptions('L1Loss', options)
    this.#options = { ...options }
  }

  /** Of two tensors of one shape, a tensor without axes, or with reduction `'none'` of that shape. */
  forward(input: Tensor, target: Tensor): Tensor {
    return ops.l1Loss(input, target, this.#options)
  }
}

/** Squared up to a distance of `delta`, linear from there on; see `nn.functional.huberLoss`. */
export class HuberLoss extends Module {
  readonly #options: ops.HuberLossOptions

  constructor(options: ops.HuberLossOptions = {}) {
    super()
    huberOptions('HuberLoss', options)
    this.#options = { ...options }
  }

  /** Of two tensors of one shape, a tensor without axes, or with reduction `'none'` of that shape. */
  forward(input: Tensor, target: Tensor): Tensor {
    return ops.huberLoss(input, target, this.#options)
  }
}

/** Squared up to a distance of `beta`, the distance less beta / 2 from there on; see `nn.functional.smoothL1Loss`. */
export class SmoothL1Loss extends Module {
  readonly #options: ops.SmoothL1LossOptions

  constructor(options: ops.SmoothL1LossOptions = {}) {
    super()
    smoothL1Options('SmoothL1Loss', options)
    this.#options = { ...options }
  }

  /** Of two tensors of one shape, a tensor without axes, or with reduction `'none'` of that shape. */
  forward(input: Tensor, target: Tensor): Tensor {
    return ops.smoothL1Loss(input, target, this.#options)
  }
}

/** Binary cross entropy of probabilities; see `nn.functional.binaryCrossEntropy`. Of logits, `BCEWithLogitsLoss` loses nothing. */
export class BCELoss extends Module {
  /** Factors of the losses, or null. */
  readonly weight: Tensor | null
  readonly #options: ops.BCELossOptions

  /** The weight becomes a buffer of this module, which takes over its memory. */
  constructor(options: ops.BCELossOptions = {}) {
    super()
    bceOptions('BCELoss', options)
    this.weight = held(options.weight)
    this.#options = { ...options, weight: this.weight }
  }

  /** Of probabilities and targets of one shape, a tensor without axes, or with reduction `'none'` of that shape. */
  forward(input: Tensor, target: Tensor): Tensor {
    return ops.binaryCrossEntropy(input, target, this.#options)
  }
}

/** Binary cross entropy of sigmoid(input), from the logits; see `nn.functional.binaryCrossEntropyWithLogits`. */
export class BCEWithLogitsLoss extends Module {
  /** Factors of the losses, or null. */
  readonly weight: Tensor | null
  /** Factors of the losses of positive targets, or null. */
  readonly posWeight: Tensor | null
  readonly #options: ops.BCEWithLogitsLossOptions

  /** The weights become buffers of this module, which takes over their memory. */
  constructor(options: ops.BCEWithLogitsLossOptions = {}) {
    super()
    bceWithLogitsOptions('BCEWithLogitsLoss', options)
    this.weight = held(options.weight)
    this.posWeight = held(options.posWeight)
    this.#options = { ...options, weight: this.weight, posWeight: this.posWeight }
  }

  /** Of logits and targets of one shape, a tensor without axes, or with reduction `'none'` of that shape. */
  forward(input: Tensor, target: Tensor): Tensor {
    return ops.binaryCrossEntropyWithLogits(input, target, this.#options)
  }
}

/** The mean over the batch of -log softmax(logits)[label], of class indices or probabilities; see `nn.functional.crossEntropy`. */
export class CrossEntropyLoss extends Module {
  /** A factor for each class, or null. */
  readonly weight: Tensor | null
  readonly #options: ops.CrossEntropyLossOptions

  /** The weight becomes a buffer of this module, which takes over its memory. */
  constructor(options: ops.CrossEntropyLossOptions = {}) {
    super()
    crossEntropyOptions('CrossEntropyLoss', options)
    this.weight = held(options.weight)
    this.#options = { ...options, weight: this.weight }
  }

  /**
   * Of logits (N, C) and a target of (N) class indices, int32 or uint8, or (N, C) probabilities: a tensor without axes,
   * or (N) with reduction `'none'`.
   */
  forward(logits: Tensor, target: Tensor): Tensor {
    return ops.crossEntropy(logits, target, this.#options)
  }
}

/** The mean over the batch of -input[label], of logarithms of probabilities; see `nn.functional.nllLoss`. */
export class NLLLoss extends Module {
  /** A factor for each class, or null. */
  readonly weight: Tensor | null
  readonly #options: ops.NLLLossOptions

  /** The weight becomes a buffer of this module, which takes over its memory. */
  constructor(options: ops.NLLLossOptions = {}) {
    super()
    nllOptions('NLLLoss', options)
    this.weight = held(options.weight)
    this.#options = { ...options, weight: this.weight }
  }

  /** Of (N, C) and (N) class indices, int32 or uint8: a tensor without axes, or (N) with reduction `'none'`. */
  forward(input: Tensor, target: Tensor): Tensor {
    return ops.nllLoss(input, target, this.#options)
  }
}

/** The Kullback-Leibler divergence of logarithms of probabilities from a target distribution; see `nn.functional.klDiv`. */
export class KLDivLoss extends Module {
  readonly #options: ops.KLDivLossOptions

  constructor(options: ops.KLDivLossOptions = {}) {
    super()
    klDivOptions('KLDivLoss', options)
    this.#options = { ...options }
  }

  /** Of two tensors of one shape, a tensor without axes, or with reduction `'none'` of that shape. */
  forward(input: Tensor, target: Tensor): Tensor {
    return ops.klDiv(input, target, this.#options)
  }
}
