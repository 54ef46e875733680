/** Rows picked by index. */
import { copyBytes } from './loops'
import { V } from './simd'

/** Row i of y = row index[i] of x. index: int32 (rows), trusted. */
export function gatherRows(x: usize, index: usize, y: usize, rows: i32, rowBytes: i32): void {
  for (; rows > 0; rows--, index += 4, y += rowBytes) copyBytes(y, x + load<i32>(index) * rowBytes, rowBytes)
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
