import { randn } from '../create.ts'
import { embedding } from '../ops/index.ts'
import { checkSize } from '../options.ts'
import type { Tensor } from '../tensor.ts'
import { Module } from './module.ts'
import { Parameter } from './parameter.ts'

/**
 * A vector for each of `numEmbeddings` things: indices (…), int32 or uint8, to (…, embeddingDim). `weight` is
 * (numEmbeddings, embeddingDim) and starts normal with mean 0 and variance 1, as in PyTorch.
 */
export class Embedding<D extends number = number> extends Module<readonly [number, D]> {
  /** (numEmbeddings, embeddingDim) */
  readonly weight: Parameter

  constructor(numEmbeddings: number, embeddingDim: D) {
    super()
    checkSize('Embedding', 'numEmbeddings', numEmbeddings)
    checkSize('Embedding', 'embeddingDim', embeddingDim)
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
