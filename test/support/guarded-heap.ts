/**
 * The running heap under guard: every block lies between canaries, also in the slack up to its size class; fresh, scratch and
 * freed memory is poison. What reads memory that nobody wrote, or that was freed, computes with NaN; what writes beside a
 * block, or into a freed one, is reported.
 *
 *   | 16 canary | the bytes asked for | canary up to the end of the block, 16 bytes or more |
 */
import { type Engine, engine } from '../../src/runtime/engine.ts'
import { Storage } from '../../src/runtime/heap.ts'
import type { Ptr } from '../../src/runtime/kernels.generated.ts'

const EDGE = 16
/** A NaN that no kernel makes; also no int32 of any test, and no bool. */
const POISON = 0x7fc0dead
const POISON_BYTES = [0xad, 0xde, 0xc0, 0x7f]

export interface Guard {
  /** Throws what has been found: canaries that were written over, freed memory that was written to. */
  check(): void
  /** Takes memory so that only this many bytes are left before linear memory has to grow, until the returned function is called. */
  fill(rest: number): () => void
  /** Leaves the heap as it was. Blocks that live on stay guarded. */
  end(): void
}

/** Guards every block that is allocated from now on. */
export function guard({ k, heap }: Engine = engine()): Guard {
  const [alloc, free, workspace] = [heap.alloc, heap.free, heap.workspace].map((f) => f.bind(heap)) as [
    typeof heap.alloc,
    typeof heap.free,
    typeof heap.workspace,
  ]
  /** What was asked for, and the whole block around it. */
  const living = new Map<Storage, { bytes: number; block: Storage }>()
  /** Bytes by the address of a freed block. */
  const freed = new Map<Ptr, number>()
  const damage: string[] = []
  let scratch: Storage | null = null
  let end = 0

  const poison = ({ ptr, bytes }: Pick<Storage, 'ptr' | 'bytes'>) => k.fillI32(ptr, bytes / 4, POISON | 0)

  /** Reports the first byte from `start` up to `stop` that is not poison. */
  const inspect = (start: number, stop: number, what: string) => {
    const bytes = heap.download(start as Ptr, stop - start, 'uint8')
    const at = bytes.findIndex((byte, i) => byte !== POISON_BYTES[(start + i) % 4])
    if (at >= 0) damage.push(`${what}: byte ${at} is ${bytes[at]}`)
  }

  const inspectEdges = (storage: Storage, bytes: number, block: Storage) => {
    const what = `a block of ${bytes} bytes was written`
    inspect(block.ptr, storage.ptr, `${what} before its start`)
    inspect(storage.ptr + bytes, block.ptr + block.bytes, `${what} past its end`)
  }

  const inspectFreed = (ptr: Ptr, bytes: number) => {
    inspect(ptr, ptr + bytes, `a freed block of ${bytes} bytes was written`)
    freed.delete(ptr)
  }

  heap.alloc = (bytes, owner = 'tensors') => {
    const block = alloc(EDGE + bytes + EDGE, owner)
    if (freed.get(block.ptr) === block.bytes) inspectFreed(block.ptr, block.bytes)
    else
      for (const [ptr, size] of freed)
        if (ptr < block.ptr + block.bytes && block.ptr < ptr + size) inspectFreed(ptr, size)
    poison(block)
    const storage = new Storage(heap, (block.ptr + EDGE) as Ptr, block.bytes, owner)
    living.set(storage, { bytes, block })
    end = Math.max(end, block.ptr + block.bytes)
    return storage
  }

  // Stays when the guard ends: guarded blocks may live longer.
  heap.free = (storage, owner) => {
    const found = living.get(storage)
    if (!found) {
      free(storage, owner)
      return
    }
    living.delete(storage)
    const { bytes, block } = found
    inspectEdges(storage, bytes, block)
    poison(block)
    freed.set(block.ptr, block.bytes)
    free(block, owner)
  }

  const releaseScratch = () => {
    scratch?.release()
    scratch = null
  }

  heap.workspace = (bytes) => {
    releaseScratch()
    if (bytes === 0) return 0 as Ptr
    scratch = heap.alloc(bytes, 'workspace')
    return scratch.ptr
  }

  return {
    check() {
      for (const [storage, { bytes, block }] of living) inspectEdges(storage, bytes, block)
      for (const [ptr, bytes] of freed) inspectFreed(ptr, bytes)
      if (damage.length > 0) throw new Error(damage.splice(0).join('\n'))
    },
    fill(rest) {
      const block = alloc(Math.max(heap.reserved - end - EDGE - rest, 1), 'tensors')
      end = Math.max(end, block.ptr + block.bytes)
      return () => block.release()
    },
    end() {
      releaseScratch()
      heap.alloc = alloc
      heap.workspace = workspace
    },
  }
}
