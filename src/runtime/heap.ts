/**
 * The allocator: size classes over one growable linear memory, in TypeScript, since the kernels have none.
 *
 *   0          heapBase                                              top              byteLength
 *   |  module  | blocks of all classes and large runs, as they came  |  untouched  | 16 spare |
 *
 * Up to 1 MiB a request takes the next of four block sizes per doubling (at most 25 % over) from that size's free
 * list. Above, it takes a run of 64 KiB pages; free runs coalesce with their neighbours. Where memory cannot grow, free
 * blocks become runs too. Kernels may read up to 12 bytes past a buffer, hence the spare bytes at the very end.
 */
import type { Dtype, TypedArrays } from '../dtype.ts'
import { MemoryLimitError } from '../errors.ts'
import type { Ptr } from './kernels.generated.ts'
import { here, type Origin } from './origins.ts'

const PAGE = 1 << 16
const SPARE = 16
const LARGE = 1 << 20
const MIN_GROWTH = 1 << 20

/** 2 GiB: beyond it `i32` sizes and pointers in kernels would need care. */
export const MAX_MEMORY = 2 ** 31

/** Who a block of memory belongs to, as `memory()` reports it. */
export type Owner = 'tensors' | 'parameters' | 'gradients' | 'optimizers' | 'workspace'

/** Bytes that somebody holds. */
export interface Usage {
  /** Bytes in use now. */
  live: number
  /** The most bytes that were in use at one time. */
  peak: number
}

/** A reference-counted block. Whoever holds one calls `retain`, and `release` when done. */
export class Storage {
  readonly ptr: Ptr
  readonly bytes: number
  /** Counts in-place changes, so that `backward` can tell that a saved tensor is no longer what it was. */
  version = 0
  /** In debug mode, what made it. */
  readonly origin: Origin | null = here()
  /** In debug mode, what changed it last. */
  changedBy: Origin | null = null
  #references = 1
  #owner: Owner
  readonly #heap: Heap

  constructor(heap: Heap, ptr: Ptr, bytes: number, owner: Owner) {
    this.#heap = heap
    this.ptr = ptr
    this.bytes = bytes
    this.#owner = owner
    this.#countAtOrigin(1)
  }

  retain(): this {
    this.#references++
    return this
  }

  release(): void {
    if (--this.#references > 0) return
    this.#heap.free(this, this.#owner)
    this.#countAtOrigin(-1)
  }

  /** Says that the contents are other than before. */
  changed(): void {
    this.version++
    this.changedBy = here()
  }

  /** Counts the block under another owner from now on. */
  assign(owner: Owner): void {
    this.#heap.account(this.#owner, -this.bytes)
    this.#owner = owner
    this.#heap.account(owner, this.bytes)
  }

  #countAtOrigin(blocks: number): void {
    if (!this.origin) return
    this.origin.count += blocks
    this.origin.live += blocks * this.bytes
  }
}

/** The block size for a request, and the index of its free list: 16, 32, 48, 64, then four per doubling. */
function sizeClass(bytes: number): { index: number; size: number } {
  if (bytes <= 64) {
    const index = Math.max(Math.ceil(bytes / 16), 1) - 1
    return { index, size: (index + 1) * 16 }
  }
  const power = 31 - Math.clz32(bytes - 1)
  const step = 1 << (power - 2)
  const quarter = Math.ceil((bytes - (1 << power)) / step)
  return { index: 4 + (power - 6) * 4 + quarter - 1, size: (1 << power) + quarter * step }
}

/** The block size of free list `index`. */
function sizeOf(index: number): number {
  if (index < 4) return (index + 1) * 16
  const power = 6 + Math.floor((index - 4) / 4)
  return (1 << power) + (((index - 4) % 4) + 1) * (1 << (power - 2))
}

const roundToPages = (bytes: number) => Math.ceil(bytes / PAGE) * PAGE

function count(usage: Usage, bytes: number): void {
  usage.live += bytes
  if (usage.live > usage.peak) usage.peak = usage.live
}

export class Heap {
  readonly #memory: WebAssembly.Memory
  readonly #maxMemory: number
  readonly #free: Ptr[][] = []
  /** Free runs of pages, by address; no two of them touch. */
  readonly #runs: { start: number; size: number }[] = []
  readonly #usage = new Map<Owner, Usage>()
  readonly #total: Usage = { live: 0, peak: 0 }
  #top: number
  #workspace: Storage | null = null
  #views!: { float32: Float32Array; int32: Int32Array; uint8: Uint8Array; bool: Uint8Array }

  /** @internal */
  constructor(memory: WebAssembly.Memory, base: Ptr, maxMemory: number) {
    this.#memory = memory
    this.#maxMemory = maxMemory
    this.#top = (base + 63) & ~63
    this.#renewViews()
  }

  /** A block of at least `bytes` bytes with undefined contents. Throws `MemoryLimitError` and changes nothing when there is no room. */
  alloc(bytes: number, owner: Owner = 'tensors'): Storage {
    if (bytes > LARGE) {
      const size = roundToPages(bytes)
      return this.#block(this.#takeRun(size) ?? this.#bump(size), size, owner)
    }
    const { index, size } = sizeClass(bytes)
    return this.#block(this.#free[index]?.pop() ?? this.#bump(size), size, owner)
  }

  /** Called by `Storage.release` alone. */
  free(block: Storage, owner: Owner): void {
    this.account(owner, -block.bytes)
    if (block.bytes > LARGE) this.#freeRun(block.ptr, block.bytes)
    else {
      const { index } = sizeClass(block.bytes)
      const list = this.#free[index]
      if (list) list.push(block.ptr)
      else this.#free[index] = [block.ptr]
    }
  }

  /**
   * Memory for the length of one kernel call, such as packed panels; the next caller gets the same bytes.
   * 0 bytes give a null pointer.
   */
  workspace(bytes: number): Ptr {
    if (bytes === 0) return 0 as Ptr
    if (!this.#workspace || this.#workspace.bytes < bytes) {
      const larger = this.alloc(bytes, 'workspace')
      this.#workspace?.release()
      this.#workspace = larger
    }
    return this.#workspace.ptr
  }

  account(owner: Owner, bytes: number): void {
    let usage = this.#usage.get(owner)
    if (!usage) {
      usage = { live: 0, peak: 0 }
      this.#usage.set(owner, usage)
    }
    count(usage, bytes)
    count(this.#total, bytes)
  }

  get total(): Readonly<Usage> {
    return { ...this.#total }
  }

  get byOwner(): Partial<Record<Owner, Usage>> {
    return Object.fromEntries([...this.#usage].map(([owner, usage]) => [owner, { ...usage }]))
  }

  /** Bytes of linear memory taken from the host. */
  get reserved(): number {
    return this.#memory.buffer.byteLength
  }

  /** Copies `data` into linear memory: the only way in but for kernels. */
  upload<D extends Dtype>(ptr: Ptr, data: ArrayLike<number>, dtype: D): void {
    const view = this.#views[dtype]
    view.set(data, ptr / view.BYTES_PER_ELEMENT)
  }

  /** A copy of `n` elements at `ptr`: the only way out. */
  download<D extends Dtype>(ptr: Ptr, n: number, dtype: D): TypedArrays[D] {
    const view: TypedArrays[D] = this.#views[dtype]
    const start = ptr / view.BYTES_PER_ELEMENT
    return view.slice(start, start + n) as TypedArrays[D]
  }

  /** One element at `ptr`. */
  read(ptr: Ptr, dtype: Dtype): number {
    const view = this.#views[dtype]
    return view[ptr / view.BYTES_PER_ELEMENT]
  }

  #block(ptr: Ptr, size: number, owner: Owner): Storage {
    this.account(owner, size)
    return new Storage(this, ptr, size, owner)
  }

  /** Bytes at the top; where memory cannot grow, from what is free anywhere. */
  #bump(size: number): Ptr {
    const refusal = this.#reserve(this.#top + size)
    if (refusal) {
      this.#coalesceBlocks()
      const ptr = this.#takeRun(size)
      if (ptr !== null) return ptr
      if (this.#reserve(this.#top + size)) throw this.#full(size, refusal)
    }
    const start = this.#top
    this.#top = start + size
    return start as Ptr
  }

  /** Turns the free blocks of all classes into runs, so that any size can be made of them. */
  #coalesceBlocks(): void {
    const free = this.#runs.splice(0)
    this.#free.forEach((list, index) => {
      for (const start of list.splice(0)) free.push({ start, size: sizeOf(index) })
    })
    free.sort((a, b) => a.start - b.start)
    for (const run of free) {
      const last = this.#runs[this.#runs.length - 1]
      if (last && last.start + last.size === run.start) last.size += run.size
      else this.#runs.push(run)
    }
    this.#lowerTop()
  }

  /** The smallest free run that fits, or null. */
  #takeRun(size: number): Ptr | null {
    let best = -1
    for (let i = 0; i < this.#runs.length; i++)
      if (this.#runs[i].size >= size && (best < 0 || this.#runs[i].size < this.#runs[best].size)) best = i
    if (best < 0) return null
    const run = this.#runs[best]
    const start = run.start as Ptr
    if (run.size === size) this.#runs.splice(best, 1)
    else {
      run.start += size
      run.size -= size
    }
    return start
  }

  #freeRun(start: number, size: number): void {
    let i = 0
    while (i < this.#runs.length && this.#runs[i].start < start) i++
    const before = this.#runs[i - 1]
    const after = this.#runs[i]
    const joinsAfter = after?.start === start + size
    if (before && before.start + before.size === start) {
      before.size += size + (joinsAfter ? after.size : 0)
      if (joinsAfter) this.#runs.splice(i, 1)
    } else if (joinsAfter) {
      after.start = start
      after.size += size
    } else {
      this.#runs.splice(i, 0, { start, size })
    }
    this.#lowerTop()
  }

  /** Gives a free run at the top back to the untouched rest. */
  #lowerTop(): void {
    const last = this.#runs[this.#runs.length - 1]
    if (last && last.start + last.size === this.#top) {
      this.#top = last.start
      this.#runs.pop()
    }
  }

  /** Grows linear memory so that `end` and the spare bytes lie inside; why it cannot, if so. */
  #reserve(end: number): string | null {
    const needed = end + SPARE
    const held = this.#memory.buffer.byteLength
    if (needed <= held) return null
    const limit = Math.floor(this.#maxMemory / PAGE) * PAGE
    if (needed > limit) return `its limit is ${this.#maxMemory} bytes`
    const wanted = Math.min(roundToPages(Math.max(needed, held + Math.max(held >> 2, MIN_GROWTH))), limit)
    if (!this.#grow(wanted - held) && !this.#grow(roundToPages(needed) - held)) return 'the host refused to grow it'
    this.#renewViews()
    return null
  }

  #grow(bytes: number): boolean {
    try {
      this.#memory.grow(bytes / PAGE)
      return true
    } catch (error) {
      if (error instanceof RangeError) return false
      throw error
    }
  }

  #full(bytes: number, why: string): MemoryLimitError {
    const more = this.#maxMemory < MAX_MEMORY ? ', or raise init({ maxMemory })' : ''
    return new MemoryLimitError(
      `linear memory has no room for ${bytes} more bytes: ${this.#total.live} are in use and ${why}. ` +
        'In a loop, free what each turn makes: for (const i of steps(n)), or scope(() => …), since no garbage is collected ' +
        `while synchronous code runs. Else use smaller batches, or dispose what is not needed (memory() tells who holds what)${more}.`,
    )
  }

  /** Growth detaches the old buffer and every view of it. */
  #renewViews(): void {
    const { buffer } = this.#memory
    const bytes = new Uint8Array(buffer)
    this.#views = { float32: new Float32Array(buffer), int32: new Int32Array(buffer), uint8: bytes, bool: bytes }
  }
}
