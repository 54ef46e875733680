/**
 * Variances and standard deviations along the middle axis of x: (outer, n, inner), in float64 by two passes: the mean, then the
 * squared distances from it. They are within 1 ULP, however far the mean is from 0, and exactly 0 where all elements are equal:
 * n of one float32 add up exactly for n < 2^29.
 */
import { Additive, fold, foldGradWide, Rounded, Sum, Wide } from './fold'
import { V } from './simd'

class SquaredDistances extends Additive {
  @inline centre(means: usize, i: i32): v128 {
    return V.load(means + (i << 3))
  }
  @inline join(total: v128, v: v128, mean: v128, param: v128): v128 {
    const distance = f64x2.sub(v, mean)
    return f64x2.add(total, f64x2.mul(distance, distance))
  }
}

export class Variance extends SquaredDistances {
  @inline end(total: v128, divisor: v128): v128 {
    return f64x2.div(total, divisor)
  }
  /** What a distance from the mean is multiplied by, but for dy / divisor. */
  @inline slope(y: v128): v128 {
    return f64x2.splat(2)
  }
}

class Std extends SquaredDistances {
  @inline end(total: v128, divisor: v128): v128 {
    return f64x2.sqrt(f64x2.div(total, divisor))
  }
  /** 0 where y is, as in PyTorch. */
  @inline slope(y: v128): v128 {
    return v128.andnot(f64x2.div(f64x2.splat(1), y), f64x2.eq(y, f64x2.splat(0)))
  }
}

class Distance {
  @inline df(v: v128, mean: v128, slope: v128, param: v128): v128 {
    return f64x2.mul(f64x2.sub(v, mean), slope)
  }
}

/**
 * y = the sum of squared distances from the mean along n / divisor.
 * x: (outer, n, inner), y: (outer, inner), scratch: 8 bytes for each column, in whole fours
 */
export function variance(x: usize, y: usize, scratch: usize, outer: i32, n: i32, inner: i32, divisor: f64): void {
  deviation<Variance>(x, y, scratch, outer, n, inner, divisor)
}

/** The square root of `variance`. */
export function std(x: usize, y: usize, scratch: usize, outer: i32, n: i32, inner: i32, divisor: f64): void {
  deviation<Std>(x, y, scratch, outer, n, inner, divisor)
}

function deviation<F>(x: usize, y: usize, means: usize, outer: i32, n: i32, inner: i32, divisor: f64): void {
  for (; outer > 0; outer--, x += n * inner * 4, y += inner << 2) {
    fold<Sum, Wide>(x, 0, means, 1, n, inner, n)
    fold<F, Rounded>(x, means, y, 1, n, inner, divisor)
  }
}

/**
 * dx (+)= dy * 2 (x - mean) / divisor, in float64 from the mean on. y, dy: (outer, inner), x, dx: (outer, n, inner),
 * scratch: 16 bytes for each column, in whole fours
 */
export function varianceGrad(
  x: usize,
  y: usize,
  dy: usize,
  dx: usize,
  scratch: usize,
  outer: i32,
  n: i32,
  inner: i32,
  beta: i32,
  divisor: f64,
): void {
  deviationGrad<Variance>(x, y, dy, dx, scratch, outer, n, inner, beta, divisor)
}

/** dx (+)= dy * (x - mean) / (divisor * y), and 0 where y is 0. */
export function stdGrad(
  x: usize,
  y: usize,
  dy: usize,
  dx: usize,
  scratch: usize,
  outer: i32,
  n: i32,
  inner: i32,
  beta: i32,
  divisor: f64,
): void {
  deviationGrad<Std>(x, y, dy, dx, scratch, outer, n, inner, beta, divisor)
}

function deviationGrad<F>(
  x: usize,
  y: usize,
  dy: usize,
  dx: usize,
  scratch: usize,
  outer: i32,
  n: i32,
  inner: i32,
  beta: i32,
  divisor: f64,
): void {
  const f = changetype<F>(0)
  const means = scratch
  const slopes = scratch + (((inner + 3) & ~3) << 3)
  const size: usize = n * inner * 4
  for (; outer > 0; outer--, x += size, dx += size, y += inner << 2, dy += inner << 2) {
    fold<Sum, Wide>(x, 0, means, 1, n, inner, n)
    for (let i = 0; i < inner; i += 2) {
      const share = f64x2.div(V.loadPair(dy + (i << 2)), f64x2.splat(divisor))
      V.store(slopes + (i << 3), f64x2.mul(share, f.slope(V.loadPair(y + (i << 2)))))
    }
    foldGradWide<Distance>(x, means, slopes, dx, n, inner, beta, 0)
  }
}
