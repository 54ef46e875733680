export type {
  BCELossOptions,
  BCEWithLogitsLossOptions,
  CrossEntropyLossOptions,
  HuberLossOptions,
  KLDivLossOptions,
  LossOptions,
  NLLLossOptions,
  Reduction,
  SmoothL1LossOptions,
} from '../ops/index.ts'
export {
  ELU,
  GELU,
  Hardsigmoid,
  Hardswish,
  Hardtanh,
  LeakyReLU,
  LogSigmoid,
  LogSoftmax,
  ReLU,
  ReLU6,
  Sigmoid,
  SiLU,
  Softmax,
  Softplus,
  Tanh,
} from './activation.ts'
export { Dropout } from './dropout.ts'
export { Embedding } from './embedding.ts'
export { Flatten, Identity } from './flatten.ts'
/** What layers, activations and losses compute, as functions. */
export * as functional from './functional.ts'
/** How parameters begin: functions that fill a tensor in place. */
export * as init from './init.ts'
export { Linear } from './linear.ts'
export {
  BCELoss,
  BCEWithLogitsLoss,
  CrossEntropyLoss,
  HuberLoss,
  KLDivLoss,
  L1Loss,
  MSELoss,
  NLLLoss,
  SmoothL1Loss,
} from './loss.ts'
export { type Features, type Layer, Module } from './module.ts'
export { BatchNorm1d, type BatchNorm1dOptions, LayerNorm, type LayerNormModuleOptions } from './normalize.ts'
export { buffer, Parameter } from './parameter.ts'
export { type Sequential, sequential } from './sequential.ts'
export type { StateDict } from './state-dict.ts'
/** What is done to the gradients of a model between `backward()` and `step()`. */
export * as utils from './utils.ts'
