import { MemoryLimitError, OptionError } from '../errors.ts'
import { checkFlag, checkOptions, checkSize } from '../options.ts'
import { Cell } from '../runtime/cell.ts'
import { engine } from '../runtime/engine.ts'
import type { Storage } from '../runtime/heap.ts'
import type { Ptr } from '../runtime/kernels.generated.ts'
import { freeWithHandle, turns } from '../runtime/lifetimes.ts'
import type { Draw } from '../runtime/random.ts'
import { Tensor } from '../tensor.ts'
import { type Batch, TensorDataset } from './dataset.ts'
import { drawsOf, LOADER_DRAWS } from './draws.ts'

/** How a data set is cut into batches. */
export interface DataLoaderOptions {
  /** Rows in a batch. Default: 1. */
  batchSize?: number
  /** Whether each pass goes through the rows in a new random order. Default: false. */
  shuffle?: boolean
  /** A sequence of orders of its own, started by this seed. Default: orders are drawn from the global sequence (`manualSeed`). */
  seed?: number
  /** Whether a last batch of fewer rows is left out. Default: false. */
  dropLast?: boolean
}

/** The batches of one pass over a data set. */
export interface Pass<T extends readonly Tensor[]> {
  readonly length: number
  /** How many rows batch `i` has. */
  rows(i: number): number
  /** Gathers batch `i`, which belongs to the turn or scope it is made in. */
  batch(i: number): Batch<T>
  /** Frees the order of rows. */
  end(): void
}

/**
 * Batches of a data set: `for (const [x, y] of loader)`. Each pass is a loop of turns: what is made in one turn, the batch
 * included, is freed when the next one ends, except for what is kept.
 */
export class DataLoader<T extends readonly Tensor[]> implements Iterable<Batch<T>> {
  /** What the batches are taken from. */
  readonly dataset: TensorDataset<T>
  /** Rows in a batch; the last one may have fewer. */
  readonly batchSize: number
  readonly #dropLast: boolean
  readonly #shuffle: boolean
  readonly #nextDraw: () => Draw

  constructor(dataset: TensorDataset<T>, options: DataLoaderOptions = {}) {
    if (!(dataset instanceof TensorDataset))
      throw new OptionError('DataLoader: expected a TensorDataset; wrap tensors by new TensorDataset(inputs, labels)')
    checkOptions('DataLoader', options, ['batchSize', 'shuffle', 'seed', 'dropLast'])
    const { batchSize = 1, shuffle = false, seed, dropLast = false } = options
    checkSize('DataLoader', 'batchSize', batchSize)
    checkFlag('DataLoader', 'shuffle', shuffle)
    checkFlag('DataLoader', 'dropLast', dropLast)
    this.dataset = dataset
    this.batchSize = batchSize
    this.#dropLast = dropLast
    this.#shuffle = shuffle
    this.#nextDraw = drawsOf('DataLoader', seed, LOADER_DRAWS)
  }

  /** The number of batches in a pass. */
  get length(): number {
    const batches = this.dataset.length / this.batchSize
    return this.#dropLast ? Math.floor(batches) : Math.ceil(batches)
  }

  /** A pass over the data. */
  *[Symbol.iterator](): Generator<Batch<T>, void, undefined> {
    const pass = this.pass()
    try {
      yield* turns('DataLoader', pass.length, (i) => pass.batch(i))
    } finally {
      pass.end()
    }
  }

  /** @internal A pass that belongs to no loop; its order is drawn now. */
  pass(): Pass<T> {
    const { dataset, batchSize, length } = this
    const order = this.#order()
    const rows = (i: number) => Math.min(batchSize, dataset.length - i * batchSize)
    return {
      length,
      rows,
      batch: (i) => dataset.batch((order.ptr + i * batchSize * 4) as Ptr, rows(i)),
      end: () => order.dispose(),
    }
  }

  /** Row numbers in the order of this pass, int32. Freed with its handle, should the loop be dropped in its midst. */
  #order(): Tensor {
    const { k } = engine()
    const { length, tensors } = this.dataset
    const order = new Tensor(new Cell(allocate(length * 4, tensors), 0, length, 'int32'), [length])
    freeWithHandle(order)
    if (this.#shuffle) k.permutation(order.ptr, length, ...this.#nextDraw())
    else k.arangeI32(order.ptr, length, 0, 1)
    return order
  }
}

function allocate(bytes: number, tensors: readonly Tensor[]): Storage {
  try {
    return engine().heap.alloc(bytes)
  } catch (error) {
    throw MemoryLimitError.from(error, 'DataLoader', tensors)
  }
}
