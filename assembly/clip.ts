/**
 * The gradients of a model taken together: their norm, and changes of all of them. A table has a row of 8 bytes for each
 * segment: 0 pointer, 4 length (i32).
 *
 * Sums are in float64, in two pairs of lanes that go on from segment to segment, so that no float32 overflows.
 */
import { V } from './simd'

const ROW = 8

class Absolute {
  @inline of(v: v128, extreme: f64, p: f64): v128 {
    return f64x2.abs(v)
  }
}

class Square {
  @inline of(v: v128, extreme: f64, p: f64): v128 {
    return f64x2.mul(v, v)
  }
}

/** Of the elements / the largest one, so that none overflows. */
class Power {
  @inline of(v: v128, extreme: f64, p: f64): v128 {
    const share = f64x2.div(f64x2.abs(v), f64x2.splat(extreme))
    return f64x2(Math.pow(f64x2.extract_lane(share, 0), p), Math.pow(f64x2.extract_lane(share, 1), p))
  }
}

function sum<F>(table: usize, rows: i32, extreme: f64, p: f64): f64 {
  const f = changetype<F>(0)
  let low = f64x2.splat(0)
  let high = f64x2.splat(0)
  for (; rows > 0; rows--, table += ROW) {
    let x: usize = load<u32>(table)
    for (let n = load<i32>(table, 4); n > 0; n -= 4, x += 16) {
      let v = V.load(x)
      if (n < 4) v = v128.and(v, V.firstLanes(n))
      low = f64x2.add(low, f.of(V.wideLow(v), extreme, p))
      high = f64x2.add(high, f.of(V.wideHigh(v), extreme, p))
    }
  }
  return V.hsumWide(f64x2.add(low, high))
}

/** The largest absolute value, 0 without elements; NaN is beyond anything. */
function largest(table: usize, rows: i32): f64 {
  let best = V.zero()
  for (; rows > 0; rows--, table += ROW) {
    let x: usize = load<u32>(table)
    for (let n = load<i32>(table, 4); n > 0; n -= 4, x += 16) {
      const v = V.abs(V.load(x))
      best = f32x4.max(best, n < 4 ? v128.and(v, V.firstLanes(n)) : v)
    }
  }
  const low = max(f32x4.extract_lane(best, 0), f32x4.extract_lane(best, 1))
  return max(low, max(f32x4.extract_lane(best, 2), f32x4.extract_lane(best, 3)))
}

/** The norm of order p > 0 of all elements as one vector. table: `rows` segments */
export function segmentsNorm(table: usize, rows: i32, p: f64): f64 {
  if (p === 1) return sum<Absolute>(table, rows, 1, p)
  if (p === 2) return Math.sqrt(sum<Square>(table, rows, 1, p))
  const extreme = largest(table, rows)
  if (p === Infinity || !(extreme > 0 && extreme < Infinity)) return extreme
  return extreme * Math.pow(sum<Power>(table, rows, extreme, p), 1 / p)
}

/** Every element *= factor. table: `rows` segments */
export function scaleSegments(table: usize, rows: i32, factor: f32): void {
  const scale = V.splat(factor)
  for (; rows > 0; rows--, table += ROW) {
    let x: usize = load<u32>(table)
    for (let n = load<i32>(table, 4); n > 0; n -= 4, x += 16) V.storeUpTo(x, V.mul(V.load(x), scale), n)
  }
}

/** Every element between -limit and limit; NaN stays. table: `rows` segments */
export function clampSegments(table: usize, rows: i32, limit: f32): void {
  const high = V.splat(limit)
  const low = V.neg(high)
  for (; rows > 0; rows--, table += ROW) {
    let x: usize = load<u32>(table)
    for (let n = load<i32>(table, 4); n > 0; n -= 4, x += 16)
      V.storeUpTo(x, f32x4.min(f32x4.max(V.load(x), low), high), n)
  }
}
