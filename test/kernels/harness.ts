/**
 * Kernels without the library: an instance over a memory of its own, and a bump allocator whose
 * buffers lie between canary bytes, so that a write outside a buffer is seen.
 */
import { readFileSync } from 'node:fs'
import { expect } from 'vitest'
import type { Kernels, Ptr } from '../../src/runtime/kernels.generated.ts'

const CANARY = 0xa5
const GAP = 64

const memory = new WebAssembly.Memory({ initial: 1024 })
const wasm = readFileSync(new URL('../../dist/kernels.wasm', import.meta.url))
const instance = new WebAssembly.Instance(new WebAssembly.Module(wasm), { env: { memory } })

export const k = instance.exports as unknown as Kernels

/** Static data of the module lies below this address. */
const BASE = 1 << 16
let top = BASE
let buffers: { start: number; end: number }[] = []

/** Forgets every buffer. Call before each test. */
export function reset(): void {
  top = BASE
  buffers = []
}

/** A buffer of `bytes` bytes, poisoned (NaN as float32), with canaries on both sides; `misalign` shifts it off 16 bytes. */
export function alloc(bytes: number, misalign = 0): Ptr {
  const start = ((top + GAP + 15) & ~15) + misalign
  const end = start + bytes
  const raw = new Uint8Array(memory.buffer)
  raw.fill(CANARY, top, start)
  raw.fill(0xff, start, end)
  top = end + GAP
  raw.fill(CANARY, end, top)
  buffers.push({ start, end })
  return start as Ptr
}

export function f32(data: ArrayLike<number>, misalign = 0): Ptr {
  const p = alloc(data.length * 4, misalign)
  new Float32Array(memory.buffer, p, data.length).set(data)
  return p
}

export function i32(data: ArrayLike<number>): Ptr {
  const p = alloc(data.length * 4)
  new Int32Array(memory.buffer, p, data.length).set(data)
  return p
}

export function u8(data: ArrayLike<number>): Ptr {
  const p = alloc(data.length)
  new Uint8Array(memory.buffer, p, data.length).set(data)
  return p
}

export const readF32 = (p: Ptr, n: number): Float32Array => new Float32Array(memory.buffer, p, n).slice()
export const readI32 = (p: Ptr, n: number): Int32Array => new Int32Array(memory.buffer, p, n).slice()
export const readU8 = (p: Ptr, n: number): Uint8Array => new Uint8Array(memory.buffer, p, n).slice()

/** Fails if a kernel wrote outside the buffers it was given. */
export function expectCanaries(): void {
  const raw = new Uint8Array(memory.buffer)
  let at = BASE
  for (const { start, end } of [...buffers, { start: top, end: top }]) {
    for (; at < start; at++)
      if (raw[at] !== CANARY) expect.fail(`a kernel wrote at byte ${at - start} of the buffer at ${start}`)
    at = end
  }
}

/** Lengths at which a vector loop can go wrong. */
export const EDGE_LENGTHS = [0, 1, 3, 4, 5, 7, 8, 15, 16, 17, 1000]

const bits = new DataView(new ArrayBuffer(8))
const ordinal = (x: number): number => {
  bits.setFloat32(0, x)
  const i = bits.getInt32(0)
  return i < 0 ? -2147483648 - i : i
}

/** Distance of float32 `actual` from the exact `expected`, in units in the last place of the float32 nearest to it; NaN equals only NaN. */
export function ulp(actual: number, expected: number): number {
  const nearest = Math.fround(expected)
  if (Number.isNaN(actual) || Number.isNaN(nearest))
    return Number.isNaN(actual) === Number.isNaN(nearest) ? 0 : Infinity
  if (!Number.isFinite(nearest) || !Number.isFinite(actual))
    return actual === nearest ? 0 : Math.abs(ordinal(actual) - ordinal(nearest))
  bits.setFloat32(0, Math.abs(nearest))
  bits.setInt32(0, Math.max(bits.getInt32(0), 0x00800000))
  const exponent = (bits.getInt32(0) >>> 23) - 150
  return Math.abs(actual - expected) / 2 ** exponent
}
