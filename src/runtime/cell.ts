import { BYTES, type Dtype } from '../dtype.ts'
import { engine } from './engine.ts'
import type { Frame } from './frame.ts'
import type { Storage } from './heap.ts'
import type { Ptr } from './kernels.generated.ts'
import { here, type Origin, told } from './origins.ts'

/** How a tensor's memory went, as `StaleTensorError` tells it. */
export type Death =
  | 'it was disposed'
  | 'its graph was freed when the next one began'
  | 'its turn ended one turn ago'
  | 'its scope ended'
  | 'its gradient was cleared'

/**
 * The memory behind one handle, the `Tensor` that users hold. Who frees a living cell:
 *
 *   inGraph  frame   freed by
 *   false    null    its handle: disposed, or collected
 *   false    a turn  the turn or scope
 *   true     null    its graph
 *   true     a turn  its graph, or the turn or scope within that it was made in, whichever ends first
 *
 * Graphs, turns and scopes hold cells and never handles, so that a handle can be collected. A single element takes its value
 * with it when its memory goes.
 */
export class Cell {
  storage: Storage | null
  /** Of the first element, in elements. */
  offset: number
  readonly numel: number
  readonly dtype: Dtype
  frame: Frame | null = null
  inGraph = false
  death: Death | null = null
  /** In debug mode, what made this handle: for a view, the view and not the memory. */
  readonly origin: Origin | null
  /** In debug mode, what was running when the memory went. */
  freedBy: Origin | null = null
  /** The value of a single element, once its memory has gone. */
  value = Number.NaN
  /** The memory of the gradient, which goes with this one. */
  gradient: Cell | null = null

  constructor(storage: Storage, offset: number, numel: number, dtype: Dtype, origin = storage.origin) {
    this.storage = storage
    this.offset = offset
    this.numel = numel
    this.dtype = dtype
    this.origin = origin
  }

  /** How the memory went. */
  get fate(): string {
    return `${this.death ?? 'it was disposed'}${told(this.freedBy)}`
  }

  die(death: Death): void {
    if (!this.storage) return
    if (this.numel === 1)
      this.value = engine().heap.read((this.storage.ptr + this.offset * BYTES[this.dtype]) as Ptr, this.dtype)
    this.storage.release()
    this.storage = null
    this.death = death
    this.freedBy = here()
    this.frame = null
    this.inGraph = false
    this.gradient?.die(death)
    this.gradient = null
  }
}
