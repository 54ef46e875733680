import { checkProbability } from '../ops/dropout.ts'
import { dropout } from '../ops/index.ts'
import type { Tensor } from '../tensor.ts'
import { Module } from './module.ts'

/**
 * In training, each element times 0 with probability `p`, else times 1 / (1 - p), drawn anew each time as `manualSeed` says;
 * after `eval()` x itself. Any shape, to the same. See `nn.functional.dropout`.
 */
export class Dropout extends Module<'same'> {
  /** The probability that an element is dropped. */
  readonly p: number

  /**
   * @param p Default: 0.5.
   * @throws OptionError unless `p` is from 0 to 1.
   */
  constructor(p = 0.5) {
    super()
    checkProbability('Dropout', p)
    this.p = p
  }

  forward(x: Tensor): Tensor {
    return dropout(x, this.p, this.training)
  }

  override extraRepr(): string {
    return `p=${this.p}`
  }
}
