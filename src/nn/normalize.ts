import { ones, zeros } from '../create.ts'
import { layerNorm } from '../ops/index.ts'
import { checkEps, checkMomentum, normalizedBatch, normalizedSizes } from '../ops/normalize.ts'
import { checkFlag, checkOptions, checkSize } from '../options.ts'
import type { Shape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import { Module } from './module.ts'
import { buffer, Parameter } from './parameter.ts'

/** What `BatchNorm1d` can be told. */
export interface BatchNorm1dOptions {
  /** What is added to the variance. Default: 0.00001. */
  eps?: number
  /** How far the running statistics move towards those of a batch; null: to the average of all batches. Default: 0.1. */
  momentum?: number | null
  /** Whether there are a weight and a bias. Default: true. */
  affine?: boolean
  /** Whether there are running statistics. Default: true. */
  trackRunningStats?: boolean
}

/**
 * (x - mean) / sqrt(variance + eps) * weight + bias for each column of x: (N, C) to (N, C). In training, mean and variance
 * are those of the batch, which needs two rows; the running ones follow. After `eval()` they are the running ones, unless
 * there are none. `weight` starts at 1, `bias` at 0. In `stateDict()` the statistics have PyTorch's names: `running_mean`,
 * `running_var` and `num_batches_tracked`. See `nn.functional.batchNorm`.
 */
export class BatchNorm1d<C extends number = number> extends Module<readonly [C, C]> {
  /** What is added to the variance. */
  readonly eps: number
  /** How far the running statistics move towards those of a batch; null: to the average of all. */
  readonly momentum: number | null
  /** (C), or null without `affine`. */
  readonly weight: Parameter | null
  /** (C), or null without `affine`. */
  readonly bias: Parameter | null
  /** (C), or null without `trackRunningStats`. It starts at 0. */
  readonly runningMean: Tensor | null
  /** (C), or null without `trackRunningStats`. It starts at 1. */
  readonly runningVar: Tensor | null
  /** How many batches the statistics are of, int32 without axes; or null without `trackRunningStats`. */
  readonly numBatchesTracked: Tensor | null
  readonly #numFeatures: C

  /** @throws OptionError for options outside of what is said of them. */
  constructor(numFeatures: C, options: BatchNorm1dOptions = {}) {
    super()
    checkOptions('BatchNorm1d', options, ['eps', 'momentum', 'affine', 'trackRunningStats'])
    const { eps = 1e-5, momentum = 0.1, affine = true, trackRunningStats = true } = options
    checkSize('BatchNorm1d', 'numFeatures', numFeatures)
    checkEps('BatchNorm1d', eps)
    if (momentum !== null) checkMomentum('BatchNorm1d', momentum)
    checkFlag('BatchNorm1d', 'affine', affine)
    checkFlag('BatchNorm1d', 'trackRunningStats', trackRunningStats)
    this.#numFeatures = numFeatures
    this.eps = eps
    this.momentum = momentum
    this.weight = affine ? new Parameter(ones([numFeatures])) : null
    this.bias = affine ? new Parameter(zeros([numFeatures])) : null
    this.runningMean = trackRunningStats ? buffer(zeros([numFeatures]), 'running_mean') : null
    this.runningVar = trackRunningStats ? buffer(ones([numFeatures]), 'running_var') : null
    this.numBatchesTracked = trackRunningStats ? buffer(zeros([], { dtype: 'int32' }), 'num_batches_tracked') : null
  }

  forward(x: Tensor): Tensor {
    const { weight, bias, runningMean, runningVar, numBatchesTracked: count, eps, momentum } = this
    const training = this.training || !runningMean
    return normalizedBatch('BatchNorm1d', x, { weight, bias, runningMean, runningVar, count, training, eps, momentum })
  }

  override extraRepr(): string {
    const { eps, momentum, weight, runningMean } = this
    const flags = `affine=${weight !== null}, trackRunningStats=${runningMean !== null}`
    return `${this.#numFeatures}, eps=${eps}, momentum=${momentum}, ${flags}`
  }
}

/** What `LayerNorm` can be told. */
export interface LayerNormModuleOptions {
  /** What is added to the variance. Default: 0.00001. */
  eps?: number
  /** Whether there is a weight, and unless `bias` says otherwise a bias. Default: true. */
  elementwiseAffine?: boolean
  /** Whether there is a bias besides the weight. Default: true. */
  bias?: boolean
}

/**
 * (x - mean) / sqrt(variance + eps) * weight + bias over the last axes, those of `normalizedShape`, for each index into the
 * others on its own. Any shape that ends so, to the same. `weight` starts at 1, `bias` at 0. See `nn.functional.layerNorm`.
 */
export class LayerNorm extends Module<'same'> {
  /** The sizes of the axes that are normalised together. */
  readonly normalizedShape: Shape
  /** What is added to the variance. */
  readonly eps: number
  /** Of the normalised shape, or null without `elementwiseAffine`. */
  readonly weight: Parameter | null
  /** Of the normalised shape, or null without `elementwiseAffine` or `bias`. */
  readonly bias: Parameter | null

  /** @throws ShapeError for what is no shape, or has no axes; OptionError for options outside of what is said of them. */
  constructor(normalizedShape: number | Shape, options: LayerNormModuleOptions = {}) {
    super()
    checkOptions('LayerNorm', options, ['eps', 'elementwiseAffine', 'bias'])
    const { eps = 1e-5, elementwiseAffine = true, bias = true } = options
    this.normalizedShape = [...normalizedSizes('LayerNorm', normalizedShape)]
    checkEps('LayerNorm', eps)
    checkFlag('LayerNorm', 'elementwiseAffine', elementwiseAffine)
    checkFlag('LayerNorm', 'bias', bias)
    this.eps = eps
    this.weight = elementwiseAffine ? new Parameter(ones(this.normalizedShape)) : null
    this.bias = elementwiseAffine && bias ? new Parameter(zeros(this.normalizedShape)) : null
  }

  forward(x: Tensor): Tensor {
    const { weight, bias, eps } = this
    return layerNorm(x, this.normalizedShape, { weight, bias, eps })
  }

  override extraRepr(): string {
    const { eps, weight } = this
    return `[${this.normalizedShape.join(', ')}], eps=${eps}, elementwiseAffine=${weight !== null}`
  }
}
