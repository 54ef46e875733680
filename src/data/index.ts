export { type Batch, TensorDataset, type TensorDatasetOptions } from './dataset.ts'
export { parseIdx } from './idx.ts'
export { type EncodedLabels, encodeLabels, oneHot } from './labels.ts'
export { DataLoader, type DataLoaderOptions } from './loader.ts'
export { MinMaxScaler, type MinMaxScalerOptions, StandardScaler, type StandardScalerOptions } from './scaler.ts'
export { type Fold, type FoldOptions, kFold, type Split, type SplitOptions, trainTestSplit } from './split.ts'
export {
  type BlobsOptions,
  blobs,
  type CirclesOptions,
  circles,
  type LinearOptions,
  linear,
  moons,
  type NoiseOptions,
  type Samples,
  type SpiralsOptions,
  spirals,
  xor,
} from './synthetic.ts'
