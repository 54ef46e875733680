import { flatten } from '../ops/index.ts'
import type { Tensor } from '../tensor.ts'
import { Module } from './module.ts'

/** The axes from `startDim` to `endDim` as one: (N, …) to (N, the product of the others). See `x.flatten`. */
export class Flatten extends Module<readonly [number, number]> {
  /** The first of the axes that become one. */
  readonly startDim: number
  /** The last of them. */
  readonly endDim: number

  /**
   * @param startDim Default: 1, which keeps the batch.
   * @param endDim Default: -1, the last.
   */
  constructor(startDim = 1, endDim = -1) {
    super()
    this.startDim = startDim
    this.endDim = endDim
  }

  forward(x: Tensor): Tensor {
    return flatten(x, this.startDim, this.endDim)
  }

  override extraRepr(): string {
    return `startDim=${this.startDim}, endDim=${this.endDim}`
  }
}

/** x itself: what stands where a layer may be left out. */
export class Identity extends Module<'same'> {
  forward(x: Tensor): Tensor {
    return x
  }
}
