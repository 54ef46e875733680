/** The allocator by itself, over memories of its own. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MemoryLimitError } from '../src/errors.ts'
import { Heap, type Owner, type Storage } from '../src/runtime/heap.ts'
import type { Ptr } from '../src/runtime/kernels.generated.ts'

const KIB = 1 << 10
const MIB = 1 << 20
const PAGE = 1 << 16
const BASE = 1000

function heapOf(maxMemory = 256 * MIB, base = BASE) {
  const memory = new WebAssembly.Memory({ initial: 16 })
  return { memory, heap: new Heap(memory, base as Ptr, maxMemory) }
}

const SIZES = [0, 1, 15, 16, 17, 63, 64, 65, 80, 81, 1000, 4096, 4097, 65_535, 65_537, MIB - 1, MIB, MIB + 1, 3 * MIB]

/** The largest request that the heap can take now, found by trying; what it takes is given back. */
function largest(heap: Heap): number {
  let fits = 0
  for (let step = 2 ** 31; step >= 1; step /= 2) {
    try {
      heap.alloc(fits + step).release()
      fits += step
    } catch (error) {
      expect(error).toBeInstanceOf(MemoryLimitError)
    }
  }
  return fits
}

test('a block starts at a multiple of 16 after the base, holds the request, and wastes at most a quarter of it', () => {
  const { heap } = heapOf()
  for (const size of SIZES) {
    const block = heap.alloc(size)
    expect(block.ptr % 16).toBe(0)
    expect(block.ptr).toBeGreaterThanOrEqual(BASE)
    expect(block.bytes).toBeGreaterThanOrEqual(size)
    expect(block.bytes - size).toBeLessThanOrEqual(size <= 64 ? 16 : size / 4)
  }
})

test('every size up to 16 KiB, and a block and its free list agree on the size', () => {
  const { heap } = heapOf()
  for (let size = 1; size <= 16 * KIB; size++) {
    const block = heap.alloc(size)
    expect(block.bytes - size, `${size}`).toBeLessThanOrEqual(size <= 64 ? 15 : size / 4)
    block.release()
    const again = heap.alloc(block.bytes)
    expect(again.ptr).toBe(block.ptr)
    again.release()
  }
})

test('a freed block is used again, the latest first', () => {
  const { heap } = heapOf()
  const [a, b] = [heap.alloc(100), heap.alloc(100)]
  a.release()
  b.release()
  expect(heap.alloc(97).ptr).toBe(b.ptr)
  expect(heap.alloc(112).ptr).toBe(a.ptr)
})

test('a block is freed when the last of its holders releases it', () => {
  const { heap } = heapOf()
  const block = heap.alloc(100)
  block.retain()
  block.release()
  expect(heap.total.live).toBe(112)
  block.release()
  expect(heap.total.live).toBe(0)
})

test('free runs join the ones before and after, and the best fitting is used', () => {
  const { heap } = heapOf()
  const [a, b, c, guard] = [2, 3, 4, 2].map((size) => heap.alloc(size * MIB))
  const end = heap.alloc(16)
  a.release()
  c.release()
  b.release()
  const whole = heap.alloc(9 * MIB)
  expect(whole.ptr).toBe(a.ptr)
  whole.release()
  guard.release()
  const all = heap.alloc(11 * MIB)
  expect(all.ptr).toBe(a.ptr)
  all.release()
  end.release()
})

test('the best fitting run is used, and its rest stays free', () => {
  const { heap } = heapOf()
  const [large, , fitting] = [heap.alloc(4 * MIB), heap.alloc(16), heap.alloc(2 * MIB), heap.alloc(16)]
  large.release()
  fitting.release()
  expect(heap.alloc(2 * MIB - 1).ptr).toBe(fitting.ptr)
  expect(heap.alloc(2 * MIB).ptr).toBe(large.ptr)
  expect(heap.alloc(2 * MIB).ptr).toBe(large.ptr + 2 * MIB)
})

test('a run at the top gives its pages back to the untouched rest', () => {
  const { heap } = heapOf()
  const first = heap.alloc(2 * MIB)
  const second = heap.alloc(3 * MIB)
  first.release()
  second.release()
  expect(heap.alloc(16).ptr).toBe(first.ptr)
})

test('memory grows by at least 1 MiB or a quarter, and what was written survives', () => {
  const { heap, memory } = heapOf()
  expect(heap.reserved).toBe(MIB)
  const block = heap.alloc(16)
  heap.upload(block.ptr, [1, 2, 3, 4], 'float32')
  heap.alloc(MIB)
  expect(heap.reserved).toBe(2 * MIB)
  heap.alloc(30 * MIB)
  const held = heap.reserved
  heap.alloc(2 * MIB)
  expect(heap.reserved).toBeGreaterThanOrEqual(held + held / 4)
  expect(heap.reserved).toBe(memory.buffer.byteLength)
  expect([...heap.download(block.ptr, 4, 'float32')]).toEqual([1, 2, 3, 4])
  expect(heap.read(block.ptr, 'float32')).toBe(1)
  heap.upload(block.ptr, [-5], 'int32')
  expect(heap.read(block.ptr, 'int32')).toBe(-5)
})

test('16 bytes past the last block lie inside memory', () => {
  const { heap } = heapOf()
  for (let i = 0; i < 200; i++) {
    const block = heap.alloc(64 * KIB - 16)
    expect(block.ptr + block.bytes + 16).toBeLessThanOrEqual(heap.reserved)
  }
})

test('the limit holds to the byte: the last block that fits is taken, one of 16 bytes more is not', () => {
  const base = 1024
  for (const max of [MIB, 3 * MIB, 3 * MIB + 5 * PAGE, 3 * MIB + PAGE - 1]) {
    const { heap } = heapOf(max, base)
    const blocks: Storage[] = []
    const room = Math.floor(max / PAGE) * PAGE - base - 16
    for (let left = room; left >= 16; left -= 16) blocks.push(heap.alloc(16))
    expect(() => heap.alloc(16)).toThrow(MemoryLimitError)
    expect(heap.reserved).toBeLessThanOrEqual(max)
    expect(heap.total.live).toBe(blocks.length * 16)
  }
})

test('a refused request says what was asked, what is in use, the limit and the remedy, and changes nothing', () => {
  const { heap } = heapOf(4 * MIB)
  const kept = heap.alloc(MIB, 'parameters')
  const before = { total: heap.total, owners: heap.byOwner, reserved: heap.reserved }
  expect(() => heap.alloc(8 * MIB)).toThrow(
    /no room for 8388608 more bytes: 1048576 are in use and its limit is 4194304 bytes\. .*maxMemory/,
  )
  expect({ total: heap.total, owners: heap.byOwner, reserved: heap.reserved }).toEqual(before)
  const next = heap.alloc(2 * MIB)
  expect(next.ptr).toBe(kept.ptr + kept.bytes)
})

test('when memory is full, free blocks of any size serve requests of any other', () => {
  for (const [first, second] of [
    [900 * KIB, 400 * KIB],
    [3 * MIB, 100 * KIB],
    [1000, 700 * KIB],
    [100 * KIB, 5 * MIB],
    [700 * KIB, 16],
  ]) {
    const { heap } = heapOf(8 * MIB)
    const room = largest(heap)
    const blocks: Storage[] = []
    expect(() => {
      for (;;) blocks.push(heap.alloc(first))
    }).toThrow(MemoryLimitError)
    for (const block of blocks) block.release()
    heap.alloc(second).release()
    expect(largest(heap)).toBe(room)
  }
})

test('where the host refuses to grow, only what is needed is asked for, and then a typed error comes', () => {
  const memory = new WebAssembly.Memory({ initial: 16, maximum: 24 })
  const heap = new Heap(memory, BASE as Ptr, 256 * MIB)
  heap.alloc(MIB)
  expect(() => heap.alloc(2 * MIB)).toThrow(/the host refused to grow it/)
  heap.alloc(MIB / 4)
  expect(heap.reserved).toBeLessThanOrEqual(24 * PAGE)
})

test('live and peak bytes are counted by owner and in all', () => {
  const { heap } = heapOf()
  const a = heap.alloc(100, 'parameters')
  const b = heap.alloc(1000, 'gradients')
  expect(heap.byOwner).toEqual({ parameters: { live: 112, peak: 112 }, gradients: { live: 1024, peak: 1024 } })
  a.assign('gradients')
  expect(heap.byOwner).toEqual({ parameters: { live: 0, peak: 112 }, gradients: { live: 1136, peak: 1136 } })
  b.release()
  a.release()
  expect(heap.byOwner.gradients).toEqual({ live: 0, peak: 1136 })
  expect(heap.total).toEqual({ live: 0, peak: 1136 })
})

test('what memory reports is a copy', () => {
  const { heap } = heapOf()
  heap.alloc(16)
  const { byOwner, total } = heap
  heap.alloc(16)
  expect([byOwner.tensors?.live, total.live]).toEqual([16, 16])
})

test('the workspace is one block that grows, under its own name, and nothing for 0 bytes', () => {
  const { heap } = heapOf(4 * MIB)
  expect(heap.workspace(0)).toBe(0)
  const ptr = heap.workspace(1000)
  expect(heap.workspace(10)).toBe(ptr)
  heap.workspace(5000)
  expect(heap.byOwner.workspace?.live).toBe(5120)
  expect(() => heap.workspace(8 * MIB)).toThrow(MemoryLimitError)
  expect(heap.byOwner.workspace?.live).toBe(5120)
})

test('any sequence of requests: no overlap, live bytes exact, refusals only when full, and all of it coalesces at the end', () => {
  const owners: Owner[] = ['tensors', 'parameters', 'gradients']
  const size = fc.oneof(
    fc.nat(200),
    fc.nat(100_000),
    fc.integer({ min: MIB - 100, max: MIB + 100 }),
    fc.integer({ min: MIB, max: 6 * MIB }),
  )
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ size, owner: fc.constantFrom(...owners) }) },
    { weight: 2, arbitrary: fc.nat() },
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), fc.constantFrom(3 * MIB, 24 * MIB), (steps, maxMemory) => {
      const { heap } = heapOf(maxMemory)
      const room = largest(heap)
      const blocks: { storage: Storage; owner: Owner; mark: number }[] = []
      let mark = 0
      const check = () => {
        const sorted = [...blocks].sort((a, b) => a.storage.ptr - b.storage.ptr)
        sorted.forEach(({ storage }, i) => {
          const next = sorted[i + 1]?.storage.ptr ?? heap.reserved - 16
          expect(storage.ptr + storage.bytes).toBeLessThanOrEqual(next)
        })
        const bytes = (of: typeof blocks) => of.reduce((n, { storage }) => n + storage.bytes, 0)
        expect(heap.total.live).toBe(bytes(blocks))
        for (const owner of owners)
          expect(heap.byOwner[owner]?.live ?? 0).toBe(bytes(blocks.filter((block) => block.owner === owner)))
      }
      for (const step of steps) {
        if (typeof step === 'number') {
          const [gone] = blocks.splice(step % Math.max(blocks.length, 1), 1)
          if (gone) {
            expect(heap.read(gone.storage.ptr, 'int32')).toBe(gone.mark)
            gone.storage.release()
          }
        } else {
          try {
            const storage = heap.alloc(step.size, step.owner)
            heap.upload(storage.ptr, [++mark], 'int32')
            blocks.push({ storage, owner: step.owner, mark })
          } catch (error) {
            expect(error).toBeInstanceOf(MemoryLimitError)
          }
        }
        check()
      }
      for (const { storage, mark } of blocks.splice(0)) {
        expect(heap.read(storage.ptr, 'int32')).toBe(mark)
        storage.release()
      }
      check()
      expect(largest(heap)).toBe(room)
    }),
    { numRuns: 60 },
  )
})
