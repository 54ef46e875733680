/** Inputs for kernel tests. */
import type { Ptr } from '../../src/runtime/kernels.generated.ts'
import { f32, i32, u8 } from './harness.ts'

/** Repeatable numbers, evenly spread over [low, high). */
export function random(n: number, seed = 1, low = -2, high = 2): Float32Array {
  let state = seed >>> 0
  return Float32Array.from({ length: n }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return low + (high - low) * (state / 2 ** 32)
  })
}

/** An input with NaN behind its end, where tails read. */
export const input = (data: ArrayLike<number>, misalign = 0): Ptr => f32([...Array.from(data), NaN, NaN, NaN], misalign)

/** The same for int32: the bits of NaN lie behind. */
export const inputI32 = (data: ArrayLike<number>): Ptr => i32([...Array.from(data), -1, -1, -1])

/** The same for bytes: 255 lies behind. */
export const inputU8 = (data: ArrayLike<number>): Ptr => u8([...Array.from(data), 255, 255, 255])

/** An address `elements` further on. */
export const offset = (p: Ptr, elements: number, size = 4): Ptr => (p + elements * size) as Ptr

/**
 * An address `bytes` + 12 short of where memory ends: reading more than 12 bytes past a buffer there is a trap.
 * No canaries guard it; fill it by kernels.
 */
export const atEndOfMemory = (bytes: number): Ptr => (1024 * 65536 - 12 - bytes) as Ptr

/** All combinations of the elements of two lists. */
export const pairs = <A, B>(as: readonly A[], bs: readonly B[]): [A, B][] =>
  as.flatMap((a) => bs.map((b): [A, B] => [a, b]))
