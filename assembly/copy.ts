/** Moving, converting and filling: strided copies, casts, constants and ranges. */
import { Accumulate, Bytes, convert, copyBytes, Store, StoreBytes, spread, Words } from './loops'
import { V } from './simd'

/** y = x, any 4-byte type. Both are (rows, cols) with strides in elements, of any sign. */
export function copy32(x: usize, y: usize, rows: i32, cols: i32, xRow: i32, xCol: i32, yRow: i32, yCol: i32): void {
  strided<Move>(x, y, rows, cols, xRow, xCol, yRow, yCol)
}

/** y += x. Both are (rows, cols) with strides in elements, of any sign. */
export function accumulate(x: usize, y: usize, rows: i32, cols: i32, xRow: i32, xCol: i32, yRow: i32, yCol: i32): void {
  strided<Sum>(x, y, rows, cols, xRow, xCol, yRow, yCol)
}

class Move extends Store {
  @inline one(x: usize, y: usize): void {
    store<u32>(y, load<u32>(x))
  }
  @inline row(x: usize, y: usize, n: i32): void {
    copyBytes(y, x, n << 2)
  }
}

class Sum extends Accumulate {
  @inline one(x: usize, y: usize): void {
    store<f32>(y, load<f32>(y) + load<f32>(x))
  }
  @inline row(x: usize, y: usize, n: i32): void {
    convert<Identity, Words, Accumulate>(x, y, n)
  }
}

function strided<M>(x: usize, y: usize, rows: i32, cols: i32, xRow: i32, xCol: i32, yRow: i32, yCol: i32): void {
  const m = changetype<M>(0)
  // Along a row of y its elements adjoin, if they do in any direction.
  if (yRow === 1 && yCol !== 1) {
    strided<M>(x, y, cols, rows, xCol, xRow, yCol, yRow)
  } else if (yCol === 1 && xCol === 1) {
    if (xRow === cols && yRow === cols) m.row(x, y, rows * cols)
    else for (; rows > 0; rows--, x += xRow << 2, y += yRow << 2) m.row(x, y, cols)
  } else if (yCol === 1 && xRow === 1) {
    transposed<M>(x, y, rows, cols, xCol, yRow)
  } else {
    scattered<M>(x, y, rows, cols, xRow, xCol, yRow, yCol)
  }
}

function scattered<M>(x: usize, y: usize, rows: i32, cols: i32, xRow: i32, xCol: i32, yRow: i32, yCol: i32): void {
  const m = changetype<M>(0)
  for (; rows > 0; rows--, x += xRow << 2, y += yRow << 2) {
    let xp = x
    let yp = y
    for (let c = cols; c > 0; c--, xp += xCol << 2, yp += yCol << 2) m.one(xp, yp)
  }
}

/** Tile of a transpose: whole cache lines on either side, and few enough pages. The best of 14 tried on 1024 x 1024. */
const TILE_ROWS = 32
const TILE_COLS = 16

/** y[r, c] (+)= x[c, r] with adjoining elements along the rows of both. */
function transposed<M>(x: usize, y: usize, rows: i32, cols: i32, xCol: i32, yRow: i32): void {
  const xs = xCol << 2
  const ys = yRow << 2
  const wholeRows = rows & ~3
  const wholeCols = cols & ~3
  for (let r0 = 0; r0 < wholeRows; r0 += TILE_ROWS) {
    const rEnd = min(r0 + TILE_ROWS, wholeRows)
    for (let c0 = 0; c0 < wholeCols; c0 += TILE_COLS) {
      const cEnd = min(c0 + TILE_COLS, wholeCols)
      for (let r = r0; r < rEnd; r += 4) {
        for (let c = c0; c < cEnd; c += 4) transpose4x4<M>(x + c * xs + (r << 2), y + r * ys + (c << 2), xs, ys)
      }
    }
  }
  const restCols = cols - wholeCols
  scattered<M>(x + wholeCols * xs, y + (wholeCols << 2), wholeRows, restCols, 1, xCol, yRow, 1)
  scattered<M>(x + (wholeRows << 2), y + wholeRows * ys, rows - wholeRows, cols, 1, xCol, yRow, 1)
}

function transpose4x4<M>(x: usize, y: usize, xs: i32, ys: i32): void {
  const m = changetype<M>(0)
  const x0 = V.load(x)
  const x1 = V.load(x + xs)
  const x2 = V.load(x + 2 * xs)
  const x3 = V.load(x + 3 * xs)
  const low01 = i32x4.shuffle(x0, x1, 0, 4, 1, 5)
  const high01 = i32x4.shuffle(x0, x1, 2, 6, 3, 7)
  const low23 = i32x4.shuffle(x2, x3, 0, 4, 1, 5)
  const high23 = i32x4.shuffle(x2, x3, 2, 6, 3, 7)
  m.put(y, i64x2.shuffle(low01, low23, 0, 2))
  m.put(y + ys, i64x2.shuffle(low01, low23, 1, 3))
  m.put(y + 2 * ys, i64x2.shuffle(high01, high23, 0, 2))
  m.put(y + 3 * ys, i64x2.shuffle(high01, high23, 1, 3))
}

/** y = x, any 1-byte type. Both are (rows, cols) with strides in elements, of any sign. */
export function copy8(x: usize, y: usize, rows: i32, cols: i32, xRow: i32, xCol: i32, yRow: i32, yCol: i32): void {
  if (xCol === 1 && yCol === 1) {
    if (xRow === cols && yRow === cols) copyBytes(y, x, rows * cols)
    else for (; rows > 0; rows--, x += xRow, y += yRow) copyBytes(y, x, cols)
    return
  }
  for (; rows > 0; rows--, x += xRow, y += yRow) {
    let xp = x
    let yp = y
    for (let c = cols; c > 0; c--, xp += xCol, yp += yCol) store<u8>(yp, load<u8>(xp))
  }
}

class Identity {
  @inline f(x: v128): v128 {
    return x
  }
}

/** Also from uint8, whose values are never negative. */
class FromI32 {
  @inline f(x: v128): v128 {
    return f32x4.convert_i32x4_s(x)
  }
}

/** Truncates; beyond int32 the nearest int32, NaN 0. */
class ToI32 {
  @inline f(x: v128): v128 {
    return i32x4.trunc_sat_f32x4_s(x)
  }
}

class IsTrueF32 {
  @inline f(x: v128): v128 {
    return V.bool(f32x4.ne(x, V.zero()))
  }
}

class IsTrueI32 {
  @inline f(x: v128): v128 {
    return V.bool(i32x4.ne(x, i32x4.splat(0)))
  }
}

/** int32 to float32, rounded to nearest. */
export function i32ToF32(x: usize, y: usize, n: i32): void {
  convert<FromI32, Words, Store>(x, y, n)
}

/** uint8 to float32. */
export function u8ToF32(x: usize, y: usize, n: i32): void {
  convert<FromI32, Bytes, Store>(x, y, n)
}

/** float32 to int32: truncates; beyond int32 the nearest int32, NaN 0. */
export function f32ToI32(x: usize, y: usize, n: i32): void {
  convert<ToI32, Words, Store>(x, y, n)
}

/** uint8 to int32. */
export function u8ToI32(x: usize, y: usize, n: i32): void {
  convert<Identity, Bytes, Store>(x, y, n)
}

/** float32 to uint8: the low byte of what `f32ToI32` gives, so that -1 is 255 and 256 is 0. */
export function f32ToU8(x: usize, y: usize, n: i32): void {
  convert<ToI32, Words, StoreBytes>(x, y, n)
}

/** int32 to uint8: the low byte. */
export function i32ToU8(x: usize, y: usize, n: i32): void {
  convert<Identity, Words, StoreBytes>(x, y, n)
}

/** float32 to bool, 0 or 1: NaN is true, either zero false. */
export function f32ToBool(x: usize, y: usize, n: i32): void {
  convert<IsTrueF32, Words, StoreBytes>(x, y, n)
}

/** int32 to bool, 0 or 1. */
export function i32ToBool(x: usize, y: usize, n: i32): void {
  convert<IsTrueI32, Words, StoreBytes>(x, y, n)
}

/** uint8 to bool, 0 or 1. */
export function u8ToBool(x: usize, y: usize, n: i32): void {
  convert<IsTrueI32, Bytes, StoreBytes>(x, y, n)
}

/** y = value, n floats. */
export function fillF32(y: usize, n: i32, value: f32): void {
  spread<Store>(y, n, reinterpret<i32>(value))
}

/** y = value, n int32. */
export function fillI32(y: usize, n: i32, value: i32): void {
  spread<Store>(y, n, value)
}

/** y = the low byte of value, n bytes. */
export function fillU8(y: usize, n: i32, value: i32): void {
  memory.fill(y, <u8>value, n)
}

/** y[i] = start + i * step, in float64 and rounded once: no error builds up. n floats. */
export function arange(y: usize, n: i32, start: f64, step: f64): void {
  for (let i = 0; i < n; i++, y += 4) store<f32>(y, f32(start + f64(i) * step))
}

/** From start to end in n even steps, in float64 from the nearer end and rounded once: both ends are exact. n floats. */
export function linspace(y: usize, n: i32, start: f64, end: f64): void {
  const step = (end - start) / f64(max(n - 1, 1))
  const half = (n + 1) >> 1
  for (let i = 0; i < n; i++, y += 4) store<f32>(y, f32(i < half ? start + f64(i) * step : end - f64(n - 1 - i) * step))
}

/** y[i] = start + i * step, wrapping. n int32. */
export function arangeI32(y: usize, n: i32, start: i32, step: i32): void {
  for (; n > 0; n--, y += 4, start += step) store<i32>(y, start)
}
