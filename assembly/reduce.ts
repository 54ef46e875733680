/** Sums and products along the middle axis of x: (outer, n, inner), in the order that `fold` states; and whether any is true. */
import { BLOCK, dotWide, fold, foldGradWide, Plain, Rounded, RoundedSum, Sum, Wide } from './fold'
import { Accumulate, Bytes, copyBytes, Store, spread, Words } from './loops'
import { V } from './simd'

/**
 * y (+)= (sum of x along n) / divisor; the quotient is rounded once, then added.
 * x: (outer, n, inner), y: (outer, inner)
 */
export function sum(x: usize, y: usize, outer: i32, n: i32, inner: i32, beta: i32, divisor: f64): void {
  if (beta) fold<Sum, RoundedSum>(x, 0, y, outer, n, inner, divisor)
  else fold<Sum, Rounded>(x, 0, y, outer, n, inner, divisor)
}

/** y[0] = the sum of a[j] * b[j], rounded once: block by block of 4096, each as `dotWide` adds it up. a, b: (n) */
export function dot(a: usize, b: usize, y: usize, n: i32): void {
  let total: f64 = 0
  for (; n > BLOCK; n -= BLOCK, a += BLOCK << 2, b += BLOCK << 2) total += dotWide(a, b, BLOCK)
  store<f32>(y, f32(total + dotWide(a, b, n)))
}

/**
 * dx[o, j, i] (+)= dy[o, i] / divisor; the quotient is rounded once, then added.
 * dy: (outer, inner), dx: (outer, n, inner)
 */
export function sumGrad(dy: usize, dx: usize, outer: i32, n: i32, inner: i32, beta: i32, divisor: f64): void {
  if (inner === 1) {
    for (; outer > 0; outer--, dy += 4, dx += n << 2) {
      const share = reinterpret<i32>(f32(f64(load<f32>(dy)) / divisor))
      if (beta) spread<Accumulate>(dx, n, share)
      else spread<Store>(dx, n, share)
    }
    return
  }
  const stride = inner << 2
  for (; outer > 0; outer--, dy += stride) {
    const first = dx
    for (let j = 0; j < n; j++, dx += stride) {
      if (beta) divideRow<Accumulate>(dy, dx, inner, divisor)
      else if (j === 0) divideRow<Store>(dy, dx, inner, divisor)
      else copyBytes(dx, first, stride)
    }
  }
}

function divideRow<W>(x: usize, y: usize, n: i32, divisor: f64): void {
  const w = changetype<W>(0)
  const d = f64x2.splat(divisor)
  for (; n >= 4; n -= 4, x += 16, y += 16)
    w.put(y, V.demote(f64x2.div(V.loadPair(x), d), f64x2.div(V.loadPair(x + 8), d)))
  if (n > 0) w.putTail(y, V.demote(f64x2.div(V.loadPair(x), d), f64x2.div(V.loadPair(x + 8), d)), n)
}

/** A product of float64. */
class Factors {
  @inline start(): v128 {
    return f64x2.splat(1)
  }
  @inline centre(centres: usize, i: i32): v128 {
    return f64x2.splat(0)
  }
  @inline merge(a: v128, b: v128): v128 {
    return f64x2.mul(a, b)
  }
  @inline end(total: v128, param: v128): v128 {
    return total
  }
}

class Product extends Factors {
  @inline join(total: v128, v: v128, centre: v128, param: v128): v128 {
    return f64x2.mul(total, v)
  }
}

class ProductWithoutZeros extends Factors {
  @inline join(total: v128, v: v128, centre: v128, param: v128): v128 {
    return f64x2.mul(total, V.select(f64x2.eq(v, f64x2.splat(0)), f64x2.splat(1), v))
  }
}

class Zeros extends Plain {
  @inline join(total: v128, v: v128, centre: v128, param: v128): v128 {
    return f64x2.add(total, v128.and(f64x2.eq(v, f64x2.splat(0)), f64x2.splat(1)))
  }
  @inline end(total: v128, param: v128): v128 {
    return total
  }
}

/** The product of the other factors, given the gradients of a factor 1 and of a factor 0. */
class Others {
  @inline df(v: v128, ofOne: v128, ofZero: v128, param: v128): v128 {
    return V.select(f64x2.eq(v, f64x2.splat(0)), ofZero, f64x2.div(ofOne, v))
  }
}

/** y = the product of x along n, taken in float64 and rounded once; 1 where n is 0. x: (outer, n, inner), y: (outer, inner) */
export function prod(x: usize, y: usize, outer: i32, n: i32, inner: i32): void {
  fold<Product, Rounded>(x, 0, y, outer, n, inner, 1)
}

/**
 * dx (+)= dy * the product of the other factors, in float64: that of all but zeros, divided by the factor; with one 0 among
 * them, only that one has a gradient. A factor that is NaN or infinite gets NaN. dy: (outer, inner), x, dx: (outer, n, inner), scratch: 16 bytes for each column, in whole fours
 */
export function prodGrad(
  x: usize,
  dy: usize,
  dx: usize,
  scratch: usize,
  outer: i32,
  n: i32,
  inner: i32,
  beta: i32,
): void {
  const ofOne = scratch
  const ofZero = scratch + (((inner + 3) & ~3) << 3)
  const size: usize = n * inner * 4
  for (; outer > 0; outer--, x += size, dx += size, dy += inner << 2) {
    fold<ProductWithoutZeros, Wide>(x, 0, ofOne, 1, n, inner, 1)
    fold<Zeros, Wide>(x, 0, ofZero, 1, n, inner, 1)
    for (let i = 0; i < inner; i += 2) {
      const zeros = V.load(ofZero + (i << 3))
      const product = f64x2.mul(V.loadPair(dy + (i << 2)), V.load(ofOne + (i << 3)))
      // Not 0 itself, but 0 times the others: NaN where one of them is NaN or infinite.
      const none = f64x2.mul(product, f64x2.splat(0))
      V.store(ofOne + (i << 3), V.select(f64x2.eq(zeros, f64x2.splat(0)), product, none))
      V.store(ofZero + (i << 3), V.select(f64x2.eq(zeros, f64x2.splat(1)), product, none))
    }
    foldGradWide<Others>(x, ofOne, ofZero, dx, n, inner, beta, 1)
  }
}

/** Which bytes decide the question whether there is any: those that are not 0. */
class NotZero {
  @inline found(v: v128): v128 {
    return v
  }
}

/** The same for whether all are true: those that are 0. */
class Zero {
  @inline found(v: v128): v128 {
    return i8x16.eq(v, i8x16.splat(0))
  }
}

/** y = whether any of x along n is true. x: bool (outer, n, inner), y: bool (outer, inner) */
export function any(x: usize, y: usize, outer: i32, n: i32, inner: i32): void {
  find<NotZero>(x, y, outer, n, inner, 1)
}

/** y = whether all of x along n are true. x: bool (outer, n, inner), y: bool (outer, inner) */
export function all(x: usize, y: usize, outer: i32, n: i32, inner: i32): void {
  find<Zero>(x, y, outer, n, inner, 0)
}

/** y = `found` where `F` finds a byte, else the opposite. */
function find<F>(x: usize, y: usize, outer: i32, n: i32, inner: i32, found: i32): void {
  if (inner === 1) {
    for (; outer > 0; outer--, x += n, y++) store<u8>(y, findInRow<F>(x, n) ? found : 1 - found)
    return
  }
  for (; outer > 0; outer--, x += n * inner, y += inner) {
    let i = 0
    for (; i + 16 <= inner; i += 16) V.store(y + i, findInColumns<F, Words>(x + i, n, inner, found))
    for (; i + 4 <= inner; i += 4) V.storeBytes(y + i, findInColumns<F, Bytes>(x + i, n, inner, found))
    if (i < inner) V.storeBytesTail(y + i, findInColumns<F, Bytes>(x + i, n, inner, found), inner - i)
  }
}

function findInRow<F>(x: usize, n: i32): bool {
  const f = changetype<F>(0)
  for (; n >= 16; n -= 16, x += 16) if (v128.any_true(f.found(V.load(x)))) return true
  for (; n > 0; n -= 4, x += 4) {
    const lowBytes = v128.and(V.firstLanes(n), i32x4.splat(0xff))
    if (v128.any_true(v128.and(f.found(V.loadBytes(x)), lowBytes))) return true
  }
  return false
}

/** `found` or the opposite for each column that `R` reads; rows are `stride` bytes apart. */
function findInColumns<F, R>(x: usize, n: i32, stride: i32, found: i32): v128 {
  const f = changetype<F>(0)
  const r = changetype<R>(0)
  let some = V.zero()
  for (; n > 0; n--, x += stride) some = v128.or(some, f.found(r.get(x)))
  const isFound = v128.and(i8x16.ne(some, V.zero()), i8x16.splat(1))
  return v128.xor(isFound, i8x16.splat(i8(1 - found)))
}
