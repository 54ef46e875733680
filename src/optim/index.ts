export { Adagrad, type AdagradOptions } from './adagrad.ts'
export { Adam, type AdamOptions, AdamW, type AdamWOptions } from './adam.ts'
export type { ParamGroup, ParamGroupOptions, Trainable } from './groups.ts'
export { Optimizer, type OptimizerOptions } from './optimizer.ts'
export { RMSprop, type RMSpropOptions } from './rmsprop.ts'
/** Schedulers of the learning rate. */
export * as lrScheduler from './scheduler/index.ts'
export { SGD, type SGDOptions } from './sgd.ts'
export type { OptimizerStateDict, ParameterState } from './state-dict.ts'
