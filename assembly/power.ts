/**
 * x to the power of an exponent that all elements share, on pairs of float64 that are float32: 0.501 ULP once rounded to
 * float32, held by test/kernels/math.test.ts. Zeros, infinities and NaN as in C's pow: x^0 and 1^y are 1.
 */
import { V } from './simd'

/** Exponents up to this are split into squarings, which lose a float64 rounding each: nothing that a float32 would show. */
const MAX_SQUARED: f64 = 64

/** Whole exponents up to MAX_SQUARED. */
export class WholePower {
  static has(exponent: f64): bool {
    return abs(exponent) <= MAX_SQUARED && floor(exponent) === exponent
  }
  @inline of(x: v128, exponent: v128): v128 {
    return WholePower.squared(x, i32(f64x2.extract_lane(exponent, 0)))
  }
  @inline static squared(x: v128, exponent: i32): v128 {
    const one = f64x2.splat(1)
    let y = one
    for (let left = abs(exponent); left > 0; left >>= 1, x = f64x2.mul(x, x)) if (left & 1) y = f64x2.mul(y, x)
    return exponent < 0 ? f64x2.div(one, y) : y
  }
}

/** Exponents half-way between two of those: an odd power of the root. */
export class HalfPower {
  static has(exponent: f64): bool {
    return abs(exponent) <= MAX_SQUARED && floor(2 * exponent) === 2 * exponent
  }
  @inline of(x: v128, exponent: v128): v128 {
    // The root of -Infinity is to be Infinity, and that of -0 is to be 0, though sqrt says NaN and -0.
    const infinity = f64x2.splat(Infinity)
    const root = f64x2.sqrt(V.select(f64x2.eq(x, f64x2.neg(infinity)), infinity, f64x2.add(x, f64x2.splat(0))))
    return WholePower.squared(root, i32(2 * f64x2.extract_lane(exponent, 0)))
  }
}

/** Any exponent. */
export class AnyPower {
  @inline of(x: v128, exponent: v128): v128 {
    const y = f64x2.extract_lane(exponent, 0)
    const low = AnyPower.one(f64x2.extract_lane(x, 0), y)
    return f64x2.replace_lane(f64x2.splat(low), 1, AnyPower.one(f64x2.extract_lane(x, 1), y))
  }
  /** JavaScript has NaN where C has 1. */
  static one(x: f64, y: f64): f64 {
    return abs(x) === 1 && abs(y) === Infinity ? 1 : Math.pow(x, y)
  }
}
