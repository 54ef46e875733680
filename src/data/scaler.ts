import { tensor } from '../create.ts'
import { kindOf, OptionError, ShapeError } from '../errors.ts'
import { formatNumbers, INSPECT, inspected, SUMMARY } from '../inspect.ts'
import { checkOptions } from '../options.ts'
import { formatShape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import { finiteElements } from './check.ts'

/** What a scaler does to a value of column `column`. */
type Map = (value: number, column: number) => number

/** `f` of every element of x (N, features), in float64 and then rounded. */
function mapped(op: string, x: Tensor, features: number, f: Map): Tensor {
  const values = finiteElements(op, x)
  if (x.shape[1] !== features)
    throw new ShapeError(
      `${op}: ${formatShape(x.shape)} has ${x.shape[1]} columns, but fit() saw ${features}; pass the same columns`,
    )
  const result = Float64Array.from(values, (value, i) => f(value, i % features))
  return tensor(result, { shape: x.shape })
}

/** The columns of x (N, F). */
function columnsOf(op: string, x: Tensor): Float64Array[] {
  const values = finiteElements(op, x)
  const [rows, features] = x.shape
  if (rows === 0) throw new ShapeError(`${op}: ${formatShape(x.shape)} has no rows to learn from`)
  return Array.from({ length: features }, (_, column) =>
    Float64Array.from({ length: rows }, (_, row) => values[row * features + column]),
  )
}

const sum = (values: Float64Array) => values.reduce((total, value) => total + value, 0)

/** What an earlier `fit` learnt, given back to a constructor: a list of finite numbers, copied; of scales, all above 0. */
function given(op: string, name: string, values: readonly number[]): readonly number[] {
  if (!Array.isArray(values))
    throw new OptionError(`${op}: ${name} is ${kindOf(values)}; it must be an array, a number for each column`)
  const wrong = values.findIndex((value) => !Number.isFinite(value) || (name === 'scale' && value <= 0))
  if (wrong < 0) return [...values]
  const rule = name === 'scale' ? 'a finite number above 0' : 'a finite number'
  throw new OptionError(`${op}: ${name}[${wrong}] is ${String(values[wrong])}; it must be ${rule}`)
}

/** Throws unless there are as many numbers of one kind as of the other: none of both before `fit`. */
function checkPair(
  op: string,
  name: string,
  values: readonly number[] | undefined,
  scale: readonly number[] | undefined,
) {
  if (values?.length !== scale?.length)
    throw new OptionError(
      `${op}: ${values?.length ?? 'no'} numbers of ${name} and ${scale?.length ?? 'no'} of scale; give one of both for each column`,
    )
}

const notFitted = (op: string) => new OptionError(`${op}: nothing is learnt yet; call fit(x) first`)

/** What a `StandardScaler` has learnt: both lists, or none. */
export interface StandardScalerOptions {
  /** The mean of each column. Default: to be learnt by `fit`. */
  mean?: readonly number[]
  /** What the columns are divided by, above 0. Default: to be learnt by `fit`. */
  scale?: readonly number[]
}

/**
 * Columns with mean 0 and standard deviation 1: (x - mean) / scale, as scikit-learn's `StandardScaler`. Fit it on training data
 * only, and transform all other data by it. A scaler holds numbers, no tensors: there is nothing to dispose. What it has learnt
 * is kept beside the weights of a model as JSON: `const text = JSON.stringify(scaler)`, and later
 * `new data.StandardScaler(JSON.parse(text))`.
 */
export class StandardScaler {
  #mean: readonly number[] | null = null
  #scale: readonly number[] = []

  /**
   * A scaler to be fitted; or, given `mean` and `scale`, one that is.
   * @throws OptionError for lists of different lengths, numbers that are not finite, or a scale that is not above 0.
   */
  constructor(options: StandardScalerOptions = {}) {
    checkOptions('StandardScaler', options, ['mean', 'scale'])
    checkPair('StandardScaler', 'mean', options.mean, options.scale)
    if (options.mean === undefined || options.scale === undefined) return
    this.#mean = given('StandardScaler', 'mean', options.mean)
    this.#scale = given('StandardScaler', 'scale', options.scale)
  }

  /** The mean of each column. Throws `OptionError` before `fit`. */
  get mean(): readonly number[] {
    return this.#learnt('StandardScaler.mean').mean
  }

  /** The standard deviation of each column (of the population: divided by N), but 1 for a constant one. Throws `OptionError` before `fit`. */
  get scale(): readonly number[] {
    return this.#learnt('StandardScaler.scale').scale
  }

  /**
   * Learns mean and scale of the columns of x (N, F), of any dtype, with sums in float64; what was learnt before is forgotten.
   * The variance is computed in two passes (T. F. Chan, G. H. Golub, R. J. LeVeque, "Algorithms for Computing the Sample
   * Variance", 1983).
   * @throws OptionError for a value that is NaN or infinite, naming row and column; ShapeError for other shapes, or no rows.
   */
  fit(x: Tensor): this {
    const columns = columnsOf('StandardScaler.fit', x)
    this.#mean = columns.map((values) => sum(values) / values.length)
    this.#scale = columns.map((values, column) => deviation(values, (this.#mean as readonly number[])[column]))
    return this
  }

  /** (x - mean) / scale for x (N, F): float32 of the same shape. Throws as `fit`, and `OptionError` before it. */
  transform(x: Tensor): Tensor {
    const { mean, scale } = this.#learnt('StandardScaler.transform')
    return mapped('StandardScaler.transform', x, mean.length, (v, column) => (v - mean[column]) / scale[column])
  }

  /** `fit(x)`, then `transform(x)`. */
  fitTransform(x: Tensor): Tensor {
    return this.fit(x).transform(x)
  }

  /** x * scale + mean: what `transform` made, as it was. x (N, F); throws as `transform`. */
  inverseTransform(x: Tensor): Tensor {
    const { mean, scale } = this.#learnt('StandardScaler.inverseTransform')
    return mapped('StandardScaler.inverseTransform', x, mean.length, (v, column) => v * scale[column] + mean[column])
  }

  /** What the constructor makes an equal scaler of; `JSON.stringify(scaler)` calls it. */
  toJSON(): StandardScalerOptions {
    return this.#mean ? { mean: this.#mean, scale: this.#scale } : {}
  }

  /** The name, and what is learnt: `StandardScaler(mean=[2, 30], scale=[1, 10])`; of more than ten columns the first and last three. */
  toString(): string {
    return `StandardScaler(${described(this.toJSON())})`
  }

  /** @internal */
  [SUMMARY](): string {
    return 'StandardScaler'
  }

  /** @internal */
  [INSPECT](depth: number): string {
    return inspected(this, depth)
  }

  #learnt(op: string): { mean: readonly number[]; scale: readonly number[] } {
    if (!this.#mean) throw notFitted(op)
    return { mean: this.#mean, scale: this.#scale }
  }
}

/** `name=[1, 2]` for each list. */
const described = (lists: object): string =>
  Object.entries(lists)
    .map(([name, values]) => `${name}=${formatNumbers(values)}`)
    .join(', ')

/** The standard deviation, or 1 of equal values: then what rounding leaves of a variance says nothing. */
function deviation(values: Float64Array, mean: number): number {
  if (values.every((value) => value === values[0])) return 1
  const n = values.length
  const centred = values.map((value) => value - mean)
  const rest = sum(centred)
  return Math.sqrt((sum(centred.map((value) => value * value)) - (rest * rest) / n) / n)
}

/** What `MinMaxScaler` scales to, and what it has learnt: both lists, or none. */
export interface MinMaxScalerOptions {
  /** Where the smallest and the largest value of a column go. Default: [0, 1]. */
  featureRange?: readonly [low: number, high: number]
  /** The smallest value of each column. Default: to be learnt by `fit`. */
  dataMin?: readonly number[]
  /** The largest less the smallest value of each column, above 0. Default: to be learnt by `fit`. */
  scale?: readonly number[]
}

/**
 * Columns from 0 to 1, or over another range: low + (x - dataMin) / scale * (high - low), as scikit-learn's `MinMaxScaler`; values
 * beyond those that `fit` saw go beyond the range. A scaler holds numbers, no tensors: there is nothing to dispose. What it has
 * learnt is kept as JSON: `const text = JSON.stringify(scaler)`, and later `new data.MinMaxScaler(JSON.parse(text))`.
 */
export class MinMaxScaler {
  readonly #low: number
  readonly #high: number
  #dataMin: readonly number[] | null = null
  #scale: readonly number[] = []

  /**
   * A scaler to be fitted; or, given `dataMin` and `scale`, one that is.
   * @throws OptionError unless the two ends of the range are finite, and the first is the smaller; for lists of different
   * lengths, numbers that are not finite, or a scale that is not above 0.
   */
  constructor(options: MinMaxScalerOptions = {}) {
    checkOptions('MinMaxScaler', options, ['featureRange', 'dataMin', 'scale'])
    const range: readonly number[] = options.featureRange ?? [0, 1]
    if (!Array.isArray(range) || range.length !== 2 || !range.every(Number.isFinite) || range[0] >= range[1])
      throw new OptionError(`MinMaxScaler: featureRange is ${String(range)}; it must be [low, high] with low < high`)
    this.#low = range[0]
    this.#high = range[1]
    checkPair('MinMaxScaler', 'dataMin', options.dataMin, options.scale)
    if (options.dataMin === undefined || options.scale === undefined) return
    this.#dataMin = given('MinMaxScaler', 'dataMin', options.dataMin)
    this.#scale = given('MinMaxScaler', 'scale', options.scale)
  }

  /** The smallest value of each column. Throws `OptionError` before `fit`. */
  get dataMin(): readonly number[] {
    return this.#learnt('MinMaxScaler.dataMin').dataMin
  }

  /** The largest less the smallest value of each column, but 1 for a constant one. Throws `OptionError` before `fit`. */
  get scale(): readonly number[] {
    return this.#learnt('MinMaxScaler.scale').scale
  }

  /**
   * Learns the smallest and the largest value of the columns of x (N, F), of any dtype; what was learnt before is forgotten.
   * @throws OptionError for a value that is NaN or infinite, naming row and column; ShapeError for other shapes, or no rows.
   */
  fit(x: Tensor): this {
    const columns = columnsOf('MinMaxScaler.fit', x)
    const least = columns.map((values) => values.reduce((a, b) => Math.min(a, b)))
    this.#scale = columns.map((values, column) => values.reduce((a, b) => Math.max(a, b)) - least[column] || 1)
    this.#dataMin = least
    return this
  }

  /** x (N, F) scaled: float32 of the same shape. Throws as `fit`, and `OptionError` before it. */
  transform(x: Tensor): Tensor {
    const { dataMin, scale } = this.#learnt('MinMaxScaler.transform')
    const width = this.#high - this.#low
    return mapped(
      'MinMaxScaler.transform',
      x,
      dataMin.length,
      (v, column) => this.#low + ((v - dataMin[column]) / scale[column]) * width,
    )
  }

  /** `fit(x)`, then `transform(x)`. */
  fitTransform(x: Tensor): Tensor {
    return this.fit(x).transform(x)
  }

  /** What `transform` made, as it was. x (N, F); throws as `transform`. */
  inverseTransform(x: Tensor): Tensor {
    const { dataMin, scale } = this.#learnt('MinMaxScaler.inverseTransform')
    const width = this.#high - this.#low
    return mapped(
      'MinMaxScaler.inverseTransform',
      x,
      dataMin.length,
      (v, column) => ((v - this.#low) / width) * scale[column] + dataMin[column],
    )
  }

  /** What the constructor makes an equal scaler of; `JSON.stringify(scaler)` calls it. */
  toJSON(): MinMaxScalerOptions {
    return {
      featureRange: [this.#low, this.#high],
      ...(this.#dataMin && { dataMin: this.#dataMin, scale: this.#scale }),
    }
  }

  /** The name, and what is learnt: `MinMaxScaler(featureRange=[0, 1], dataMin=[1, 10], scale=[2, 50])`; of more than ten columns the first and last three. */
  toString(): string {
    return `MinMaxScaler(${described(this.toJSON())})`
  }

  /** @internal */
  [SUMMARY](): string {
    return 'MinMaxScaler'
  }

  /** @internal */
  [INSPECT](depth: number): string {
    return inspected(this, depth)
  }

  #learnt(op: string): { dataMin: readonly number[]; scale: readonly number[] } {
    if (!this.#dataMin) throw notFitted(op)
    return { dataMin: this.#dataMin, scale: this.#scale }
  }
}
