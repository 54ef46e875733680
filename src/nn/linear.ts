import { uniform } from '../create.ts'
import { linear } from '../ops/index.ts'
import { checkOptions, checkSize } from '../options.ts'
import type { Tensor } from '../tensor.ts'
import { Module } from './module.ts'
import { Parameter } from './parameter.ts'

/**
 * y = x Wᵀ + b over the last axis: (…, in) to (…, out). `weight` is (out, in), `bias` (out).
 * Both start uniform in ±1/√in, as in PyTorch.
 */
export class Linear<In extends number = number, Out extends number = number> extends Module<readonly [In, Out]> {
  /** (out, in) */
  readonly weight: Parameter
  /** (out), or null without a bias. */
  readonly bias: Parameter | null

  /** @param options.bias Whether there is a bias. Default: true. */
  constructor(inFeatures: In, outFeatures: Out, options: { bias?: boolean } = {}) {
    super()
    checkOptions('Linear', options, ['bias'])
    const { bias = true } = options
    checkSize('Linear', 'inFeatures', inFeatures)
    checkSize('Linear', 'outFeatures', outFeatures)
    const bound = 1 / Math.sqrt(inFeatures)
    this.weight = new Parameter(uniform([outFeatures, inFeatures], -bound, bound))
    this.bias = bias ? new Parameter(uniform([outFeatures], -bound, bound)) : null
  }

  forward(x: Tensor): Tensor {
    return linear(x, this.weight, this.bias)
  }

  override extraRepr(): string {
    const [outFeatures, inFeatures] = this.weight.shape
    return `inFeatures=${inFeatures}, outFeatures=${outFeatures}, bias=${this.bias !== null}`
  }
}
