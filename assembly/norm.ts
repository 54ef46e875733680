/**
 * Norms along the middle axis of x: (outer, n, inner), taken in float64 in the order that `fold` states, where no float32
 * overflows, and rounded once. The norms of order Infinity and -Infinity are `maxAbs` and `minAbs`.
 */
import { MaxAbs, MinAbs } from './extremes'
import { Additive, fold, foldGradWide, foldLanes, Plain, Rounded } from './fold'
import { foldGrad } from './loops'
import { V } from './simd'

/** How many elements are not 0. */
class Order0 extends Plain {
  @inline join(total: v128, v: v128, centre: v128, param: v128): v128 {
    return f64x2.add(total, v128.and(f64x2.ne(v, f64x2.splat(0)), f64x2.splat(1)))
  }
  @inline end(total: v128, param: v128): v128 {
    return total
  }
}

class Order1 extends Plain {
  @inline join(total: v128, v: v128, centre: v128, param: v128): v128 {
    return f64x2.add(total, f64x2.abs(v))
  }
  @inline end(total: v128, param: v128): v128 {
    return total
  }
  /** dy with the sign of x. */
  @inline df(x: v128, y: v128, dy: v128): v128 {
    return V.withSignOf(x, dy)
  }
}

class Order2 extends Plain {
  @inline join(total: v128, v: v128, centre: v128, param: v128): v128 {
    return f64x2.add(total, f64x2.mul(v, v))
  }
  @inline end(total: v128, param: v128): v128 {
    return f64x2.sqrt(total)
  }
  /** dy x / y, and 0 where y is. */
  @inline df(x: v128, y: v128, dy: v128): v128 {
    return v128.andnot(V.mul(V.div(x, y), dy), f32x4.eq(y, V.zero()))
  }
}

/** Any order, by one scalar power for each element, of the elements / the extreme one, so that none overflows. */
class AnyOrder extends Additive {
  @inline centre(extremes: usize, i: i32): v128 {
    return V.loadPair(extremes + (i << 2))
  }
  @inline join(total: v128, v: v128, extreme: v128, p: v128): v128 {
    return f64x2.add(total, AnyOrder.power(f64x2.div(f64x2.abs(v), extreme), p))
  }
  @inline end(total: v128, p: v128): v128 {
    return AnyOrder.power(total, f64x2.div(f64x2.splat(1), p))
  }
  /** dy (|x| / y)^(p - 1) with the sign of x, and 0 at 0, where PyTorch sets it so. */
  @inline df(v: v128, y: v128, dy: v128, p: v128): v128 {
    const zero = f64x2.splat(0)
    const power = AnyOrder.power(f64x2.div(f64x2.abs(v), y), f64x2.sub(p, f64x2.splat(1)))
    const slope = f64x2.mul(dy, V.select(f64x2.lt(v, zero), f64x2.neg(power), power))
    return v128.andnot(slope, f64x2.eq(v, zero))
  }
  @inline static power(v: v128, p: v128): v128 {
    const exponent = f64x2.extract_lane(p, 0)
    return f64x2(Math.pow(f64x2.extract_lane(v, 0), exponent), Math.pow(f64x2.extract_lane(v, 1), exponent))
  }
}

/** y *= the results, each product rounded once; where y is 0, infinite or NaN it stays. */
class Scaled {
  @inline shift(): i32 {
    return 2
  }
  @inline put(y: usize, low: v128, high: v128, n: i32): void {
    const extreme = V.load(y)
    const norm = V.demote(f64x2.mul(V.wideLow(extreme), low), f64x2.mul(V.wideHigh(extreme), high))
    const isOrdinary = v128.and(f32x4.ne(extreme, V.zero()), f32x4.lt(extreme, V.splat(Infinity)))
    V.storeUpTo(y, V.select(isOrdinary, norm, extreme), n)
  }
}

/** y = how many elements of x along n are not 0. x: (outer, n, inner), y: (outer, inner) */
export function norm0(x: usize, y: usize, outer: i32, n: i32, inner: i32): void {
  fold<Order0, Rounded>(x, 0, y, outer, n, inner, 0)
}

/** y = the sum of |x| along n. x: (outer, n, inner), y: (outer, inner) */
export function norm1(x: usize, y: usize, outer: i32, n: i32, inner: i32): void {
  fold<Order1, Rounded>(x, 0, y, outer, n, inner, 1)
}

/** dx (+)= dy with the sign of x. dy: (outer, inner), x, dx: (outer, n, inner) */
export function norm1Grad(x: usize, dy: usize, dx: usize, outer: i32, n: i32, inner: i32, beta: i32): void {
  foldGrad<Order1>(x, dy, dy, dx, outer, n, inner, beta)
}

/** y = the square root of the sum of x² along n. x: (outer, n, inner), y: (outer, inner) */
export function norm2(x: usize, y: usize, outer: i32, n: i32, inner: i32): void {
  fold<Order2, Rounded>(x, 0, y, outer, n, inner, 2)
}

/** dx (+)= dy * x / y, and 0 where y is 0. y, dy: (outer, inner), x, dx: (outer, n, inner) */
export function norm2Grad(x: usize, y: usize, dy: usize, dx: usize, outer: i32, n: i32, inner: i32, beta: i32): void {
  foldGrad<Order2>(x, y, dy, dx, outer, n, inner, beta)
}

/** y = (the sum of |x|^p along n)^(1 / p), p not 0. x: (outer, n, inner), y: (outer, inner) */
export function normP(x: usize, y: usize, outer: i32, n: i32, inner: i32, p: f64): void {
  if (p > 0) foldLanes<MaxAbs>(x, 0, y, outer, n, inner)
  else foldLanes<MinAbs>(x, 0, y, outer, n, inner)
  for (; outer > 0; outer--, x += n * inner * 4, y += inner << 2) fold<AnyOrder, Scaled>(x, y, y, 1, n, inner, p)
}

/**
 * dx (+)= dy * (|x| / y)^(p - 1) with the sign of x, and 0 where x is 0. y, dy: (outer, inner), x, dx: (outer, n, inner),
 * scratch: 16 bytes for each column, in whole fours
 */
export function normPGrad(
  x: usize,
  y: usize,
  dy: usize,
  dx: usize,
  scratch: usize,
  outer: i32,
  n: i32,
  inner: i32,
  beta: i32,
  p: f64,
): void {
  const norms = scratch
  const slopes = scratch + (((inner + 3) & ~3) << 3)
  const size: usize = n * inner * 4
  for (; outer > 0; outer--, x += size, dx += size, y += inner << 2, dy += inner << 2) {
    for (let i = 0; i < inner; i += 2) {
      V.store(norms + (i << 3), V.loadPair(y + (i << 2)))
      V.store(slopes + (i << 3), V.loadPair(dy + (i << 2)))
    }
    foldGradWide<AnyOrder>(x, norms, slopes, dx, n, inner, beta, p)
  }
}
