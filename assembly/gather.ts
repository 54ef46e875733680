/** Picking by index. */
import { accumulate } from './copy'
import { copyBytes } from './loops'
import { V } from './simd'

/** Row i of y = row index[i] of x. index: int32 (rows), trusted. */
export function gatherRows(x: usize, index: usize, y: usize, rows: i32, rowBytes: i32): void {
  if (rowBytes === 4) for (; rows > 0; rows--, index += 4, y += 4) store<u32>(y, load<u32>(x + (load<i32>(index) << 2)))
  else for (; rows > 0; rows--, index += 4, y += rowBytes) copyBytes(y, x + load<i32>(index) * rowBytes, rowBytes)
}

/** Row i of y = row index[i] of x as float32, times scale. x: uint8 (?, cols), index: int32 (rows), y: (rows, cols) */
export function gatherRowsU8(x: usize, index: usize, y: usize, rows: i32, cols: i32, scale: f32): void {
  const s = V.splat(scale)
  for (; rows > 0; rows--, index += 4) {
    let p = x + load<i32>(index) * cols
    let n = cols
    for (; n >= 16; n -= 16, p += 16, y += 64) {
      const bytes = V.load(p)
      const low = i16x8.extend_low_i8x16_u(bytes)
      const high = i16x8.extend_high_i8x16_u(bytes)
      V.store(y, V.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(low)), s))
      V.store(y + 16, V.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_u(low)), s))
      V.store(y + 32, V.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(high)), s))
      V.store(y + 48, V.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_u(high)), s))
    }
    for (; n >= 4; n -= 4, p += 4, y += 16) V.store(y, V.mul(f32x4.convert_i32x4_s(V.loadBytes(p)), s))
    if (n > 0) V.storeTail(y, V.mul(f32x4.convert_i32x4_s(V.loadBytes(p)), s), n)
    y += n << 2
  }
}

/** The position of the first of n int32 that is not in 0..size-1, or -1. */
export function findOutside(index: usize, n: i32, size: i32): i32 {
  const sizes = i32x4.splat(size)
  for (let i = 0; i < n; i += 4) {
    const outside = i32x4.bitmask(i32x4.ge_u(V.load(index + (i << 2)), sizes))
    // What lies behind the end comes after any hit before it.
    if (outside) return i + ctz(outside) < n ? i + ctz(outside) : -1
  }
  return -1
}

/** The largest of n int32, or -2^31 if there is none. */
export function largestI32(x: usize, n: i32): i32 {
  let largest = i32.MIN_VALUE
  for (; n > 0; n--, x += 4) largest = max(largest, load<i32>(x))
  return largest
}

/** y[o, j] = x[o, index[j]], rows of rowBytes. x: (outer, n), y: (outer, m); index: int32 (m), trusted. */
export function indexSelect(x: usize, index: usize, y: usize, outer: i32, n: i32, m: i32, rowBytes: i32): void {
  for (; outer > 0; outer--, x += n * rowBytes, y += m * rowBytes) gatherRows(x, index, y, m, rowBytes)
}

/**
 * dx[o, index[j], i] (+)= dy[o, j, i], added in float32 in ascending order of j; without beta to zeros.
 * index: int32 (m), trusted; dy: (outer, m, inner), dx: (outer, n, inner)
 */
export function indexSelectGrad(
  index: usize,
  dy: usize,
  dx: usize,
  outer: i32,
  n: i32,
  m: i32,
  inner: i32,
  beta: i32,
): void {
  const row = inner << 2
  if (!beta) memory.fill(dx, 0, outer * n * row)
  for (; outer > 0; outer--, dx += n * row) {
    for (let j = 0; j < m; j++, dy += row) {
      accumulate(dy, dx + load<i32>(index + (j << 2)) * row, 1, inner, 0, 1, 0, 1)
    }
  }
}

class Word {
  @inline shift(): i32 {
    return 2
  }
  @inline copy(x: usize, y: usize): void {
    store<u32>(y, load<u32>(x))
  }
}

class Byte {
  @inline shift(): i32 {
    return 0
  }
  @inline copy(x: usize, y: usize): void {
    store<u8>(y, load<u8>(x))
  }
}

/** y[o, j, i] = x[o, index[o, j, i], i]. index: int32 and trusted. x: (outer, n, inner); index, y: (outer, m, inner) */
export function gather32(x: usize, index: usize, y: usize, outer: i32, n: i32, m: i32, inner: i32): void {
  gather<Word>(x, index, y, outer, n, m, inner)
}

/** `gather32` for elements of 1 byte. */
export function gather8(x: usize, index: usize, y: usize, outer: i32, n: i32, m: i32, inner: i32): void {
  gather<Byte>(x, index, y, outer, n, m, inner)
}

function gather<E>(x: usize, index: usize, y: usize, outer: i32, n: i32, m: i32, inner: i32): void {
  const e = changetype<E>(0)
  for (; outer > 0; outer--, x += (n * inner) << e.shift()) {
    for (let j = 0; j < m; j++) {
      for (let i = 0; i < inner; i++, index += 4, y += 1 << e.shift()) {
        e.copy(x + ((load<i32>(index) * inner + i) << e.shift()), y)
      }
    }
  }
}

/**
 * dx[o, index[o, j, i], i] (+)= dy[o, j, i], added in float32 in ascending order of j; without beta to zeros.
 * index: int32 and trusted. index, dy: (outer, m, inner), dx: (outer, n, inner)
 */
export function gatherGrad(
  index: usize,
  dy: usize,
  dx: usize,
  outer: i32,
  n: i32,
  m: i32,
  inner: i32,
  beta: i32,
): void {
  const plane = (n * inner) << 2
  if (!beta) memory.fill(dx, 0, outer * plane)
  for (; outer > 0; outer--, dx += plane) {
    for (let j = 0; j < m; j++) {
      for (let i = 0; i < inner; i++, index += 4, dy += 4) {
        const to = dx + ((load<i32>(index) * inner + i) << 2)
        store<f32>(to, load<f32>(to) + load<f32>(dy))
      }
    }
  }
}

/** y[r, c] = 1 where c is labels[r], else 0. labels: int32 (rows), trusted; y: (rows, classes) */
export function oneHot(labels: usize, y: usize, rows: i32, classes: i32): void {
  const row = classes << 2
  memory.fill(y, 0, rows * row)
  for (; rows > 0; rows--, labels += 4, y += row) store<f32>(y + (load<i32>(labels) << 2), 1)
}
