import { zeros } from '../create.ts'
import { ShapeError } from '../errors.ts'
import { type Frame, isOpen, root } from '../runtime/frame.ts'
import { own, placeIn } from '../runtime/lifetimes.ts'
import { noGrad } from '../scope.ts'
import { formatShape, sameShape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'

/** Rows that come in batches, put together in one tensor which is there from the first batch on. */
export class Rows {
  readonly #op: string
  readonly #length: number
  #all: Tensor | null = null
  #filled = 0

  constructor(op: string, length: number) {
    this.#op = op
    this.#length = length
  }

  /** Copies a batch of `count` rows behind those before. */
  add(batch: Tensor, count: number): void {
    const [rows, ...rest] = batch.shape
    if (rows !== count)
      throw new ShapeError(
        `${this.#op}: the model gave ${formatShape(batch.shape)} for a batch of ${count} rows; it must give one row for each`,
      )
    noGrad(() => {
      if (!this.#all) {
        this.#all = zeros([this.#length, ...rest], { dtype: batch.dtype })
        own(this.#all)
      }
      const all = this.#all
      if (!sameShape(all.shape.slice(1), rest) || all.dtype !== batch.dtype)
        throw new ShapeError(
          `${this.#op}: the model gave ${batch.dtype} ${formatShape(batch.shape)} after rows of ${all.dtype} ${formatShape(all.shape.slice(1))}; all batches must agree`,
        )
      all.slice([this.#filled, this.#filled + count]).copy_(batch)
    })
    this.#filled += count
  }

  /** All rows, when every batch has been added. */
  get all(): Tensor {
    return this.#all as Tensor
  }

  /** The rows, which belong from now on to `frame` if that is still open, or else to their handle. */
  handOver(frame: Frame): Tensor {
    const { all } = this
    this.#all = null
    if (frame !== root && isOpen(frame)) placeIn(all, frame)
    return all
  }

  dispose(): void {
    this.#all?.dispose()
    this.#all = null
  }
}
