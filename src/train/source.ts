/** What `fit`, `evaluate` and `predict` are given to work on, as batches. */
import { check } from '../autograd/operands.ts'
import { TensorDataset } from '../data/dataset.ts'
import { DataLoader, type DataLoaderOptions } from '../data/loader.ts'
import { GraphError, kindOf, OptionError } from '../errors.ts'
import { checkOption } from '../options.ts'
import type { Tensor } from '../tensor.ts'

/**
 * Inputs and targets, row by row: `[x, y]`, a `data.TensorDataset`, or a `data.DataLoader` that says itself how rows become
 * batches. Of more than two tensors the last is the target; all others are arguments of `model.forward`.
 */
export type Data = readonly Tensor[] | TensorDataset | DataLoader<readonly Tensor[]>

type RawData = Exclude<Data, DataLoader<readonly Tensor[]>>

/** Batches, and what was made to have them. */
export interface Source {
  readonly loader: DataLoader<readonly Tensor[]>
  dispose(): void
}

/** Larger batches are faster where nothing is learned from them, and memory is the only limit. */
export const EVALUATION = { batchSize: 256 }

const TRAINING = { batchSize: 32, shuffle: true }

/** The batches of `data`. Options are for what is no loader yet; `given` by the user, they are refused beside one. */
export function sourceOf(
  op: string,
  name: string,
  data: Data,
  given: DataLoaderOptions,
  defaults: DataLoaderOptions,
): Source {
  const stated = statedOf(given)
  if (data instanceof DataLoader) {
    const [option] = Object.keys(stated)
    if (option !== undefined)
      throw new OptionError(`${op}: ${option} is for data without batches; give it to the DataLoader instead`)
    return checked(op, name, { loader: data, dispose: () => {} })
  }
  const dataset = datasetOf(op, name, data)
  return checked(op, name, wrapped(dataset, dataset !== data, { ...defaults, ...stated }))
}

const statedOf = (given: DataLoaderOptions): DataLoaderOptions =>
  Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))

/** What `fit` is told about its data. */
interface TrainingData extends DataLoaderOptions {
  readonly validation?: Data
  readonly validationSplit?: number
}

/** Batches to train on, and to validate on if there are such. */
export function sourcesOf(op: string, data: Data, options: TrainingData): readonly [Source, Source | null] {
  const { batchSize, shuffle, seed, dropLast, validation, validationSplit } = options
  const given = { batchSize, shuffle, seed, dropLast }
  if (validationSplit === undefined) {
    const train = sourceOf(op, 'data', data, given, TRAINING)
    if (validation === undefined) return [train, null]
    return both(train, () => sourceOf(op, 'validation', validation, {}, EVALUATION))
  }
  const isShare = validationSplit > 0 && validationSplit < 1
  checkOption(op, 'validationSplit', validationSplit, isShare, 'a share of the rows, from above 0 to below 1')
  if (validation !== undefined)
    throw new OptionError(`${op}: validation and validationSplit are both given; give one of them`)
  if (data instanceof DataLoader)
    throw new OptionError(
      `${op}: validationSplit cannot take rows from a DataLoader; pass its data set, or validation data of their own`,
    )
  return split(op, data, validationSplit, given)
}

/** Both, or neither: the first is let go when there is no second. */
function both(first: Source, second: () => Source): readonly [Source, Source] {
  try {
    return [first, second()]
  } catch (error) {
    first.dispose()
    throw error
  }
}

/** All rows but the last, and the last rows: a share of `last` of all. */
function split(op: string, data: RawData, last: number, given: DataLoaderOptions): readonly [Source, Source] {
  const dataset = datasetOf(op, 'data', data)
  try {
    const { length } = dataset
    // As Keras counts, but 0.9 of 10 rows leave 1, although 10 * (1 - 0.9) is a little less.
    const first = Math.floor(length * (1 - last) + 1e-9)
    if (first === 0 || first === length)
      throw new OptionError(
        `${op}: validationSplit ${last} of ${length} rows leaves ${first} to train on and ${length - first} to validate on; both need some`,
      )
    const part = (start: number, end: number, options: DataLoaderOptions) =>
      checked(op, 'data', wrapped(dataset.rows(start, end), true, options))
    const train = part(0, first, { ...TRAINING, ...statedOf(given) })
    return both(train, () => part(first, length, EVALUATION))
  } finally {
    if (dataset !== data) release(dataset)
  }
}

/** A data set of the tensors, which stay where they belong: it has handles of its own on their memory. */
export function datasetOfTensors(op: string, tensors: readonly Tensor[]): TensorDataset {
  for (const x of tensors) {
    check(op, x)
    if (x.requiresGrad) throw new GraphError(`${op}: no gradient flows to data, but a tensor requires one; detach() it`)
  }
  const handles: Tensor[] = []
  let used: readonly Tensor[] = []
  try {
    for (const x of tensors) handles.push(x.detach())
    const dataset = new TensorDataset(...handles)
    used = dataset.tensors
    return dataset
  } finally {
    // Of a strided tensor the data set has a copy.
    for (const x of handles) if (!used.includes(x)) x.dispose()
  }
}

export function release(dataset: TensorDataset): void {
  for (const x of dataset.tensors) x.dispose()
}

function datasetOf(op: string, name: string, data: RawData): TensorDataset {
  if (data instanceof TensorDataset) return data
  if (!Array.isArray(data))
    throw new OptionError(
      `${op}: ${name} is ${kindOf(data)}; pass [x, y], a data.TensorDataset or a data.DataLoader of inputs and targets`,
    )
  return datasetOfTensors(op, data as readonly Tensor[])
}

function wrapped(dataset: TensorDataset, isOurs: boolean, options: DataLoaderOptions): Source {
  const dispose = () => {
    if (isOurs) release(dataset)
  }
  try {
    return { loader: new DataLoader(dataset, options), dispose }
  } catch (error) {
    dispose()
    throw error
  }
}

function checked(op: string, name: string, source: Source): Source {
  const { dataset, length } = source.loader
  const found = dataset.tensors.length
  if (found >= 2 && length > 0) return source
  source.dispose()
  throw new OptionError(
    found < 2
      ? `${op}: ${name} has one tensor; it takes inputs and targets, such as [x, y], or [x, x] to learn the inputs themselves`
      : `${op}: ${name} has no batch: there are ${dataset.length} rows, in batches of ${source.loader.batchSize}`,
  )
}
