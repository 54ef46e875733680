import { randn } from '../create.ts'
import { OptionError } from '../errors.ts'
import { embedding } from '../ops/index.ts'
import type { Tensor } from '../tensor.ts'
import { Module, Parameter } from './module.ts'

/**
 * A vector for each of `numEmbeddings` things: indices (…), int32 or uint8, to (…, embeddingDim). `weight` is
 * (numEmbeddings, embeddingDim) and starts normal with mean 0 and variance 1, as in PyTorch.
 */
export class Embedding<D extends number = number> extends Module<readonly [number, D]> {
  /** (numEmbeddings, embeddingDim) */
  readonly weight: Parameter

  constructor(numEmbeddings: number, embeddingDim: D) {
    super()
    for (const [what, size] of Object.entries({ numEmbeddings, embeddingDim }))
      if (!Number.isInteger(size) || size < 1)
        throw new OptionError(`Embedding: ${what} is ${size}; use an integer from 1 up`)
    this.weight = new Parameter(randn([numEmbeddings, embeddingDim]))
  }

  forward(indices: Tensor): Tensor {
    return embedding(indices, this.weight)
  }

  override extraRepr(): string {
    const [numEmbeddings, embeddingDim] = this.weight.shape
    return `numEmbeddings=${numEmbeddings}, embeddingDim=${embeddingDim}`
  }
}
