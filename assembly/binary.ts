/**
 * Element-wise functions of two operands that broadcast: a[r * aRow + c * aCol], b[r * bRow + c * bCol],
 * with aCol and bCol 0 or 1. Gradients are those of the elements; summing over broadcast axes is the caller's.
 */
import { Accumulate, Store, zip, zipGrad } from './loops'
import { V } from './simd'

/** The gradients of a sum and a difference are dy and -dy: no kernel of their own. */
class Add {
  @inline f(a: v128, b: v128): v128 {
    return V.add(a, b)
  }
}

class Sub {
  @inline f(a: v128, b: v128): v128 {
    return V.sub(a, b)
  }
}

/** da = dy * b, db = dy * a: products themselves. */
class Mul {
  @inline f(a: v128, b: v128): v128 {
    return V.mul(a, b)
  }
}

/** da = dy / b, a quotient itself; db as PyTorch forms it, finite where b * b would overflow or vanish. */
class Div {
  @inline f(a: v128, b: v128): v128 {
    return V.div(a, b)
  }
  @inline df(a: v128, b: v128, dy: v128): v128 {
    return V.mul(V.neg(dy), V.div(V.div(a, b), b))
  }
}

const HALF: usize = memory.data<f32>([0.5])

/** dy, or half of it where a and b are equal; 0 where the mask says that the other one was taken. NaN is equal to nothing. */
class Share {
  @inline static of(a: v128, b: v128, dy: v128, isOther: v128): v128 {
    return v128.andnot(V.select(f32x4.eq(a, b), V.mul(dy, V.loadSplat(HALF)), dy), isOther)
  }
}

/** NaN if either is. `df` is da; as neither goes first, db is the same with a and b exchanged. */
class Maximum {
  @inline f(a: v128, b: v128): v128 {
    return f32x4.max(a, b)
  }
  @inline df(a: v128, b: v128, dy: v128): v128 {
    return Share.of(a, b, dy, f32x4.lt(a, b))
  }
}

/** As `Maximum`. */
class Minimum {
  @inline f(a: v128, b: v128): v128 {
    return f32x4.min(a, b)
  }
  @inline df(a: v128, b: v128, dy: v128): v128 {
    return Share.of(a, b, dy, f32x4.gt(a, b))
  }
}

/** dx (+)= f(dy, b) with dy: (rows, cols). */
function product<F>(dy: usize, b: usize, dx: usize, rows: i32, cols: i32, bRow: i32, bCol: i32, beta: i32): void {
  if (beta) zip<F, Accumulate>(dy, b, dx, rows, cols, cols, 1, bRow, bCol)
  else zip<F, Store>(dy, b, dx, rows, cols, cols, 1, bRow, bCol)
}

/** y = a + b. y: (rows, cols) */
export function add(
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
  zip<Add, Store>(a, b, y, rows, cols, aRow, aCol, bRow, bCol)
}

/** y = a - b. y: (rows, cols) */
export function sub(
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
  zip<Sub, Store>(a, b, y, rows, cols, aRow, aCol, bRow, bCol)
}

/** y = a * b. y: (rows, cols) */
export function mul(
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
  zip<Mul, Store>(a, b, y, rows, cols, aRow, aCol, bRow, bCol)
}

/** da (+)= dy * b. dy, da: (rows, cols) */
export function mulGradA(
  a: usize,
  b: usize,
  dy: usize,
  da: usize,
  rows: i32,
  cols: i32,
  aRow: i32,
  aCol: i32,
  bRow: i32,
  bCol: i32,
  beta: i32,
): void {
  product<Mul>(dy, b, da, rows, cols, bRow, bCol, beta)
}

/** db (+)= dy * a. dy, db: (rows, cols) */
export function mulGradB(
  a: usize,
  b: usize,
  dy: usize,
  db: usize,
  rows: i32,
  cols: i32,
  aRow: i32,
  aCol: i32,
  bRow: i32,
  bCol: i32,
  beta: i32,
): void {
  product<Mul>(dy, a, db, rows, cols, aRow, aCol, beta)
}

/** y = a / b. y: (rows, cols) */
export function div(
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
  zip<Div, Store>(a, b, y, rows, cols, aRow, aCol, bRow, bCol)
}

/** da (+)= dy / b. dy, da: (rows, cols) */
export function divGradA(
  a: usize,
  b: usize,
  dy: usize,
  da: usize,
  rows: i32,
  cols: i32,
  aRow: i32,
  aCol: i32,
  bRow: i32,
  bCol: i32,
  beta: i32,
): void {
  product<Div>(dy, b, da, rows, cols, bRow, bCol, beta)
}

/** db (+)= -dy * (a / b / b). dy, db: (rows, cols) */
export function divGradB(
  a: usize,
  b: usize,
  dy: usize,
  db: usize,
  rows: i32,
  cols: i32,
  aRow: i32,
  aCol: i32,
  bRow: i32,
  bCol: i32,
  beta: i32,
): void {
  if (beta) zipGrad<Div, Accumulate>(a, b, dy, db, rows, cols, aRow, aCol, bRow, bCol)
  else zipGrad<Div, Store>(a, b, dy, db, rows, cols, aRow, aCol, bRow, bCol)
}

/** y = the larger of a and b; NaN if either is, and -0 counts as less than 0. y: (rows, cols) */
export function maximum(
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
  zip<Maximum, Store>(a, b, y, rows, cols, aRow, aCol, bRow, bCol)
}

/** da (+)= dy where a > b, half of it where they are equal, all of it where either is NaN. dy, da: (rows, cols) */
export function maximumGradA(
  a: usize,
  b: usize,
  dy: usize,
  da: usize,
  rows: i32,
  cols: i32,
  aRow: i32,
  aCol: i32,
  bRow: i32,
  bCol: i32,
  beta: i32,
): void {
  if (beta) zipGrad<Maximum, Accumulate>(a, b, dy, da, rows, cols, aRow, aCol, bRow, bCol)
  else zipGrad<Maximum, Store>(a, b, dy, da, rows, cols, aRow, aCol, bRow, bCol)
}

/** db (+)= dy where b > a, half of it where they are equal, all of it where either is NaN. dy, db: (rows, cols) */
export function maximumGradB(
  a: usize,
  b: usize,
  dy: usize,
  db: usize,
  rows: i32,
  cols: i32,
  aRow: i32,
  aCol: i32,
  bRow: i32,
  bCol: i32,
  beta: i32,
): void {
  if (beta) zipGrad<Maximum, Accumulate>(b, a, dy, db, rows, cols, bRow, bCol, aRow, aCol)
  else zipGrad<Maximum, Store>(b, a, dy, db, rows, cols, bRow, bCol, aRow, aCol)
}

/** y = the smaller of a and b; NaN if either is, and -0 counts as less than 0. y: (rows, cols) */
export function minimum(
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
  zip<Minimum, Store>(a, b, y, rows, cols, aRow, aCol, bRow, bCol)
}

/** da (+)= dy where a < b, half of it where they are equal, all of it where either is NaN. dy, da: (rows, cols) */
export function minimumGradA(
  a: usize,
  b: usize,
  dy: usize,
  da: usize,
  rows: i32,
  cols: i32,
  aRow: i32,
  aCol: i32,
  bRow: i32,
  bCol: i32,
  beta: i32,
): void {
  if (beta) zipGrad<Minimum, Accumulate>(a, b, dy, da, rows, cols, aRow, aCol, bRow, bCol)
  else zipGrad<Minimum, Store>(a, b, dy, da, rows, cols, aRow, aCol, bRow, bCol)
}

/** db (+)= dy where b < a, half of it where they are equal, all of it where either is NaN. dy, db: (rows, cols) */
export function minimumGradB(
  a: usize,
  b: usize,
  dy: usize,
  db: usize,
  rows: i32,
  cols: i32,
  aRow: i32,
  aCol: i32,
  bRow: i32,
  bCol: i32,
  beta: i32,
): void {
  if (beta) zipGrad<Minimum, Accumulate>(b, a, dy, db, rows, cols, bRow, bCol, aRow, aCol)
  else zipGrad<Minimum, Store>(b, a, dy, db, rows, cols, bRow, bCol, aRow, aCol)
}

/**
 * y = a + weight * (b - a), n elements. From the nearer end, as PyTorch does, so that weight 1 gives b exactly:
 * b + (weight - 1) * (b - a) is the same line, and weight - 1 is exact there.
 */
export function lerp(a: usize, b: usize, y: usize, n: i32, weight: f32): void {
  const near = weight < 0.5
  let from = near ? a : b
  const w = V.splat(near ? weight : weight - 1)
  for (; n >= 4; n -= 4, a += 16, b += 16, from += 16, y += 16)
    V.store(y, V.fma(w, V.sub(V.load(b), V.load(a)), V.load(from)))
  if (n > 0) V.storeTail(y, V.fma(w, V.sub(V.load(b), V.load(a)), V.load(from)), n)
}
