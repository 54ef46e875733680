/** Every operation on tensors. They are documented where users meet them: at the methods of `Tensor`, and at `nn`. */
export * from './activation.ts'
export type { GeluOptions, SoftplusOptions } from './activation-options.ts'
export * from './arrange.ts'
export { add, div, maximum, minimum, mul, sub } from './binary.ts'
export * from './cast.ts'
export * from './choice.ts'
export * from './compare.ts'
export { type CrossEntropyLossOptions, crossEntropy, type NLLLossOptions, nllLoss } from './crossEntropy.ts'
export { dropout } from './dropout.ts'
export * from './einsum.ts'
export * from './extremes.ts'
export * from './gather.ts'
export { add_, clamp_, copy_, div_, fill_, lerp_, mul_, sub_, zero_ } from './inplace.ts'
export {
  type BCELossOptions,
  type BCEWithLogitsLossOptions,
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
  type HuberLossOptions,
  huberLoss,
  type KLDivLossOptions,
  klDiv,
  type LossOptions,
  l1Loss,
  mseLoss,
  type Reduction,
  type SmoothL1LossOptions,
  smoothL1Loss,
} from './loss.ts'
export * from './matmul.ts'
export * from './moments.ts'
export { type BatchNormOptions, batchNorm, type LayerNormOptions, layerNorm } from './normalize.ts'
export * from './reduce.ts'
export type { ReduceOptions } from './reduction.ts'
export * from './scan.ts'
export * from './shape.ts'
export * from './slice.ts'
export * from './softmax.ts'
export * from './sort.ts'
export * from './triangle.ts'
export * from './unary.ts'
