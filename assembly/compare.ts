/**
 * Comparisons, logic and tests of single elements: the results are bytes, 0 or 1. Operands of two broadcast as in
 * `binary.ts`. a > b is b < a, and a >= b is b <= a: no kernels of their own.
 */
import { Bytes, convert, StoreBytes, Words, zip, zipBy } from './loops'
import { V } from './simd'

class Eq {
  @inline f(a: v128, b: v128): v128 {
    return V.bool(f32x4.eq(a, b))
  }
}

class EqI32 {
  @inline f(a: v128, b: v128): v128 {
    return V.bool(i32x4.eq(a, b))
  }
}

class Ne {
  @inline f(a: v128, b: v128): v128 {
    return V.bool(f32x4.ne(a, b))
  }
}

class NeI32 {
  @inline f(a: v128, b: v128): v128 {
    return V.bool(i32x4.ne(a, b))
  }
}

class Lt {
  @inline f(a: v128, b: v128): v128 {
    return V.bool(f32x4.lt(a, b))
  }
}

class LtI32 {
  @inline f(a: v128, b: v128): v128 {
    return V.bool(i32x4.lt_s(a, b))
  }
}

class Le {
  @inline f(a: v128, b: v128): v128 {
    return V.bool(f32x4.le(a, b))
  }
}

class LeI32 {
  @inline f(a: v128, b: v128): v128 {
    return V.bool(i32x4.le_s(a, b))
  }
}

class And {
  @inline f(a: v128, b: v128): v128 {
    return v128.and(a, b)
  }
}

class Or {
  @inline f(a: v128, b: v128): v128 {
    return v128.or(a, b)
  }
}

class Xor {
  @inline f(a: v128, b: v128): v128 {
    return v128.xor(a, b)
  }
}

class Not {
  @inline f(x: v128): v128 {
    return V.bool(i32x4.eq(x, i32x4.splat(0)))
  }
}

class IsNan {
  @inline f(x: v128): v128 {
    return V.bool(f32x4.ne(x, x))
  }
}

class IsInf {
  @inline f(x: v128): v128 {
    return V.bool(v128.andnot(f32x4.eq(x, x), IsFinite.mask(x)))
  }
}

class IsFinite {
  @inline f(x: v128): v128 {
    return V.bool(IsFinite.mask(x))
  }
  /** x - x is 0 for what is finite, else NaN. */
  @inline static mask(x: v128): v128 {
    const difference = V.sub(x, x)
    return f32x4.eq(difference, difference)
  }
}

/** y = a == b; NaN equals nothing. a, b: float32, y: bool (rows, cols) */
export function eq(
  a: usize,
  b: usize,
  y: usize,
  rows: i32,
  cols: i32,
  aRow: i32,
  aCol: i32,
  bRow: i32,
  bCol: i32,
): void {
  zip<Eq, StoreBytes>(a, b, y, rows, cols, aRow, aCol, bRow, bCol)
}

/** y = a == b. a, b: int32, y: bool (rows, cols) */
export function eqI32(
  a: usize,
  b: usize,
  y: usize,
  rows: i32,
  cols: i32,
  aRow: i32,
  aCol: i32,
  bRow: i32,
  bCol: i32,
): void {
  zip<EqI32, StoreBytes>(a, b, y, rows, cols, aRow, aCol, bRow, bCol)
}

/** y = a != b; NaN differs from everything. a, b: float32, y: bool (rows, cols) */
export function ne(
  a: usize,
  b: usize,
  y: usize,
  rows: i32,
  cols: i32,
  aRow: i32,
  aCol: i32,
  bRow: i32,
  bCol: i32,
): void {
  zip<Ne, StoreBytes>(a, b, y, rows, cols, aRow, aCol, bRow, bCol)
}

/** y = a != b. a, b: int32, y: bool (rows, cols) */
export function neI32(
  a: usize,
  b: usize,
  y: usize,
  rows: i32,
  cols: i32,
  aRow: i32,
  aCol: i32,
  bRow: i32,
  bCol: i32,
): void {
  zip<NeI32, StoreBytes>(a, b, y, rows, cols, aRow, aCol, bRow, bCol)
}

/** y = a < b; never with NaN. a, b: float32, y: bool (rows, cols) */
export function lt(
  a: usize,
  b: usize,
  y: usize,
  rows: i32,
  cols: i32,
  aRow: i32,
  aCol: i32,
  bRow: i32,
  bCol: i32,
): void {
  zip<Lt, StoreBytes>(a, b, y, rows, cols, aRow, aCol, bRow, bCol)
}

/** y = a < b. a, b: int32, y: bool (rows, cols) */
export function ltI32(
  a: usize,
  b: usize,
  y: usize,
  rows: i32,
  cols: i32,
  aRow: i32,
  aCol: i32,
  bRow: i32,
  bCol: i32,
): void {
  zip<LtI32, StoreBytes>(a, b, y, rows, cols, aRow, aCol, bRow, bCol)
}

/** y = a <= b; never with NaN. a, b: float32, y: bool (rows, cols) */
export function le(
  a: usize,
  b: usize,
  y: usize,
  rows: i32,
  cols: i32,
  aRow: i32,
  aCol: i32,
  bRow: i32,
  bCol: i32,
): void {
  zip<Le, StoreBytes>(a, b, y, rows, cols, aRow, aCol, bRow, bCol)
}

/** y = a <= b. a, b: int32, y: bool (rows, cols) */
export function leI32(
  a: usize,
  b: usize,
  y: usize,
  rows: i32,
  cols: i32,
  aRow: i32,
  aCol: i32,
  bRow: i32,
  bCol: i32,
): void {
  zip<LeI32, StoreBytes>(a, b, y, rows, cols, aRow, aCol, bRow, bCol)
}

/** y = both of a and b. a, b, y: bool (rows, cols) */
export function logicalAnd(
  a: usize,
  b: usize,
  y: usize,
  rows: i32,
  cols: i32,
  aRow: i32,
  aCol: i32,
  bRow: i32,
  bCol: i32,
): void {
  zipBy<And, Bytes, Bytes, StoreBytes>(a, b, y, rows, cols, aRow, aCol, bRow, bCol)
}

/** y = a or b or both. a, b, y: bool (rows, cols) */
export function logicalOr(
  a: usize,
  b: usize,
  y: usize,
  rows: i32,
  cols: i32,
  aRow: i32,
  aCol: i32,
  bRow: i32,
  bCol: i32,
): void {
  zipBy<Or, Bytes, Bytes, StoreBytes>(a, b, y, rows, cols, aRow, aCol, bRow, bCol)
}

/** y = one of a and b alone. a, b, y: bool (rows, cols) */
export function logicalXor(
  a: usize,
  b: usize,
  y: usize,
  rows: i32,
  cols: i32,
  aRow: i32,
  aCol: i32,
  bRow: i32,
  bCol: i32,
): void {
  zipBy<Xor, Bytes, Bytes, StoreBytes>(a, b, y, rows, cols, aRow, aCol, bRow, bCol)
}

/** y = not x. x, y: bool (n) */
export function logicalNot(x: usize, y: usize, n: i32): void {
  convert<Not, Bytes, StoreBytes>(x, y, n)
}

/** Whether x is NaN. x: float32, y: bool (n) */
export function isNanF32(x: usize, y: usize, n: i32): void {
  convert<IsNan, Words, StoreBytes>(x, y, n)
}

/** Whether x is an infinity of either sign. x: float32, y: bool (n) */
export function isInfF32(x: usize, y: usize, n: i32): void {
  convert<IsInf, Words, StoreBytes>(x, y, n)
}

/** Whether x is neither NaN nor an infinity. x: float32, y: bool (n) */
export function isFiniteF32(x: usize, y: usize, n: i32): void {
  convert<IsFinite, Words, StoreBytes>(x, y, n)
}

/** The index of the first element that is NaN, or farther from 0 than `limit`; -1 where there is none. x: float32 (n) */
export function firstBeyond(x: usize, n: i32, limit: f32): i32 {
  const bound = V.splat(limit)
  for (let i = 0; i < n; i += 4, x += 16) {
    const within = i32x4.bitmask(f32x4.le(V.abs(V.load(x)), bound))
    const beyond = ~within & ((1 << min(n - i, 4)) - 1)
    if (beyond) return i + ctz(beyond)
  }
  return -1
}
