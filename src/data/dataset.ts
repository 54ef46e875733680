import { check, withReadable } from '../autograd/operands.ts'
import { BYTES } from '../dtype.ts'
import { GraphError, MemoryLimitError, OptionError, ShapeError } from '../errors.ts'
import { checkOption, checkOptions } from '../options.ts'
import { engine } from '../runtime/engine.ts'
import type { Ptr } from '../runtime/kernels.generated.ts'
import { own, place } from '../runtime/lifetimes.ts'
import { formatShape, isContiguous, numelOf } from '../shape.ts'
import type { Tensor } from '../tensor.ts'

/** One tensor for each tensor of a data set. */
export type Batch<T extends readonly Tensor[]> = { [I in keyof T]: Tensor }

/** How rows become batches. */
export interface TensorDatasetOptions {
  /** What uint8 tensors of rank 2 and more, such as images, are multiplied by as they become float32 in a batch. Default: they stay uint8. */
  scale?: number
}

/**
 * Rows of one or several tensors with equal first sizes: `new TensorDataset(images, labels, { scale: 1 / 255 })`.
 * The tensors are used where they are (a strided view is copied), and are kept out of any turn or scope they were made in.
 */
export class TensorDataset<T extends readonly Tensor[] = readonly Tensor[]> {
  /** The tensors, dense, in the order given. */
  readonly tensors: T
  /** The number of rows. */
  readonly length: number
  readonly #scale: number | undefined

  constructor(...args: [...tensors: T] | [...tensors: T, options: TensorDatasetOptions]) {
    const last = args[args.length - 1]
    const hasOptions = isOptions(last)
    const options: TensorDatasetOptions = hasOptions ? last : {}
    checkOptions('TensorDataset', options, ['scale'])
    const { scale } = options
    const tensors = (hasOptions ? args.slice(0, -1) : args) as readonly Tensor[]
    if (tensors.length === 0) throw new OptionError('TensorDataset: there are no tensors; pass inputs and labels')
    for (const x of tensors) {
      check('TensorDataset', x)
      if (x.requiresGrad)
        throw new GraphError(
          'TensorDataset: no gradient flows through batches to a tensor that requires one; detach() it',
        )
    }
    if (scale !== undefined) checkOption('TensorDataset', 'scale', scale, true, 'a finite number')
    this.#scale = scale
    const shapes = tensors.map((x) => formatShape(x.shape)).join(', ')
    const [length] = tensors[0].shape
    if (tensors.some((x) => x.ndim === 0 || x.shape[0] !== length))
      throw new ShapeError(`TensorDataset: the tensors ${shapes} must have equal first sizes, one row for each sample`)
    this.length = length
    this.tensors = owned(tensors) as unknown as T
  }

  /** @internal The rows that `count` int32 indices at `index` name, gathered inside linear memory. */
  batch(index: Ptr, count: number): Batch<T> {
    const made: Tensor[] = []
    try {
      for (const x of this.tensors) made.push(this.#gather(x, index, count))
    } catch (error) {
      for (const x of made) x.drop()
      throw MemoryLimitError.from(error, 'DataLoader', this.tensors)
    }
    for (const x of made) place(x, null)
    return made as unknown as Batch<T>
  }

  /** @internal The rows from `start` up to but without `end`, in the same memory. */
  rows(start: number, end: number): TensorDataset {
    const views = this.tensors.map((x) => x.slice([start, end]))
    return new TensorDataset(...views, this.#scale === undefined ? {} : { scale: this.#scale })
  }

  #gather(x: Tensor, index: Ptr, count: number): Tensor {
    check('DataLoader', x)
    const { k } = engine()
    const rest = x.shape.slice(1)
    const cols = numelOf(rest)
    const scales = this.#scale !== undefined && x.dtype === 'uint8' && x.ndim > 1
    const y = x.make([count, ...rest], scales ? 'float32' : x.dtype)
    if (scales) k.gatherRowsU8(x.ptr, index, y.ptr, count, cols, this.#scale)
    else k.gatherRows(x.ptr, index, y.ptr, count, cols * BYTES[x.dtype])
    return y
  }
}

const isOptions = (x: unknown): x is TensorDatasetOptions =>
  typeof x === 'object' && x !== null && Object.getPrototypeOf(x) === Object.prototype

/** The tensors out of any turn or scope, and dense copies of strided ones, whose rows do not lie together; all or none. */
function owned(tensors: readonly Tensor[]): Tensor[] {
  const copies: Tensor[] = []
  try {
    const dense = tensors.map((x) => {
      if (x.cell.storage !== null && isContiguous(x.shape, x.strides)) return x
      const copy = withReadable('TensorDataset', x, { strided: true }, (source) => source.converted(source.dtype))
      copies.push(copy)
      return copy
    })
    for (const x of dense) own(x)
    return dense
  } catch (error) {
    for (const copy of copies) copy.drop()
    throw error
  }
}
