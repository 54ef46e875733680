export { type Batch, TensorDataset, type TensorDatasetOptions } from './dataset.ts'
export { parseIdx } from './idx.ts'
export { DataLoader, type DataLoaderOptions } from './loader.ts'
