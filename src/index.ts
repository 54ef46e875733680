// For those whose own `lib` has no `Symbol.dispose`: the declarations name it.
/// <reference lib="esnext.disposable" preserve="true" />
/**
 * Train and run neural networks anywhere JavaScript runs, on WebAssembly SIMD kernels.
 *
 * @module neyron
 */

// What went wrong in the numbers.
export { detectAnomaly, setDetectAnomaly } from './autograd/anomaly.ts'
// Tensors: making them, and what they are.
export {
  arange,
  eye,
  full,
  linspace,
  type NestedData,
  ones,
  rand,
  randint,
  randn,
  type TensorData,
  type TensorOptions,
  type TypedArray,
  tensor,
  zeros,
} from './create.ts'
// Models, optimizers and data.
/** Data sets, batches, and files of data. */
export * as data from './data/index.ts'
export type { Dtype, TypedArrays } from './dtype.ts'
// What is thrown.
export {
  AnomalyError,
  DtypeError,
  ForeignTensorError,
  FormatError,
  GradcheckError,
  GraphError,
  InitError,
  MemoryLimitError,
  NeyronError,
  OptionError,
  ShapeError,
  StaleTensorError,
} from './errors.ts'
export { type GradcheckOptions, gradcheck } from './gradcheck.ts'
// Files of tensors, and reproducible results.
/** Saving and loading models, in safetensors. */
export * as io from './io/index.ts'
export { weightsSha256 } from './io/weights-sha256.ts'
/** Layers, losses, and what models are built of. */
export * as nn from './nn/index.ts'
// Operations that are not methods of a tensor.
export {
  cat,
  einsum,
  type GeluOptions,
  type PadOptions,
  type Range,
  type ReduceOptions,
  type SoftplusOptions,
  type Sorted,
  type SortOptions,
  stack,
  type TopkOptions,
  type VarianceOptions,
  where,
} from './ops/index.ts'
/** Optimizers. */
export * as optim from './optim/index.ts'
// The engine and its memory.
export { type InitOptions, init, type MemoryReport, memory, variant } from './runtime/engine.ts'
export type { Owner, Usage } from './runtime/heap.ts'
export { type LineUsage, setDebug } from './runtime/origins.ts'
export { manualSeed } from './runtime/random.ts'
// Loops and blocks that free what is made in them.
export { noGrad, scope, steps } from './scope.ts'
export type { Shape } from './shape.ts'
export { type NestedArray, Tensor } from './tensor.ts'
// Training.
export type {
  BatchContext,
  Callback,
  EpochContext,
  EpochEndContext,
  TrainContext,
  TrainEndContext,
} from './train/callback.ts'
export { type EvaluateOptions, evaluate, type PredictOptions, predict } from './train/evaluate.ts'
export { type FitLog, type FitOptions, fit, type TrainingScheduler } from './train/fit.ts'
export {
  type CheckpointOptions,
  checkpoint,
  type EarlyStoppingOptions,
  earlyStopping,
  type HistoryCallback,
  history,
  type MonitorOptions,
  type ProgressOptions,
  progress,
} from './train/hooks.ts'
export type { Logs, Loss, Metric } from './train/learner.ts'
/** Numbers that tell how good predictions are. */
export * as metrics from './train/metrics.ts'
export type { AbortSignalLike } from './train/pieces.ts'
export type { Data } from './train/source.ts'
export type { History } from './train/training.ts'
