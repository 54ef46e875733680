/**
 * The exponential family on four float32 lanes, and the float64 functions that hosts need. Sine and cosine are in
 * `trigonometry.ts`, powers in `power.ts`, what activations multiply x with in `gate.ts`.
 *
 * Each function states its largest error over all 2^32 inputs, in units in the last place (ULP), and
 * test/kernels/math.test.ts holds it to it.
 *
 * The reductions are the classical ones of W. J. Cody, W. Waite, "Software Manual for the Elementary Functions" (1980),
 * and for log the identity log(1 + f) = 2 atanh(f / (2 + f)) in the form that fdlibm gave it (K. C. Ng, e_log.c, 1993).
 * The polynomials are minimax fits made for this file.
 */
import { V } from './simd'

// In memory, not literals: V8 rebuilds a v128.const at each use, which makes exp 1.6 times as slow on Node 24.
const ONE: usize = memory.data<f32>([1])
const TWO: usize = memory.data<f32>([2])
const HALF: usize = memory.data<f32>([0.5])
const INFINITY: usize = memory.data<f32>([Infinity])
const SIGN: usize = memory.data<u32>([0x80000000])
const LOG2E: usize = memory.data<f32>([Mathf.LOG2E])

// log 2 in two parts; the first has 16 bits, so its product with a whole number below 256 is exact.
const LN2_HIGH: usize = memory.data<f32>([0.693145751953125])
const LN2_LOW: usize = memory.data<f32>([1.4286068e-6])
const MINUS_LN2_HIGH: usize = memory.data<f32>([-0.693145751953125])
const MINUS_LN2_LOW: usize = memory.data<f32>([-1.4286068e-6])

// (e^r - 1 - r) / r^2 for |r| <= log(2) / 2, to 2^-26 of (e^r - 1) / r.
const EXPM1: usize = memory.data<f32>([0.5, 0.16666542, 0.04166641, 0.008366775, 0.001394005])

// (2 atanh(s) / s - 2) / s^2 in powers of s^2, for |s| <= (sqrt(2) - 1) / (sqrt(2) + 1), to 2^-30.
const ATANH: usize = memory.data<f32>([0.66666776, 0.39977512, 0.29873997])

// erf(x) / x - 1 in powers of x^2 for |x| <= 0.93, to 2^-25 of erf.
const ERF_NEAR: usize = memory.data<f32>([
  0.12837915, -0.3761249, 0.11281731, -0.026762966, 0.004987353, -0.00059595896,
])
// -log(1 - erf(t)) / t - 1 in powers of t for 0.93 <= t <= 4, to 2^-28 of erf.
const ERF_FAR: usize = memory.data<f32>([
  0.12851177, 0.63572705, 0.10525036, -0.022882607, 0.0032126606, -0.00021370612,
])
const ERF_SPLIT: usize = memory.data<f32>([0.93])
// erf(x) is 1 in float32 from |x| = 3.92 on.
const ERF_MAX: usize = memory.data<f32>([4])

// x + 1.5 * 2^23 rounds x to a whole number n and leaves n in the low bits of the sum; a bias added to n is the
// exponent's, so that a shift to the left by 23 makes a power of two of them.
const ROUND_BIASED_LESS: usize = memory.data<f32>([12582912 + 126])
const ROUND_BIASED: usize = memory.data<f32>([12582912 + 127])
const ROUND_BIASED_TWICE: usize = memory.data<f32>([12582912 + 254])

// e^x is 0 below -103.97 and infinite above 88.72, in float32.
const EXP_MIN: usize = memory.data<f32>([-104])
const EXP_MAX: usize = memory.data<f32>([89])
// e^x is below 2^-126 from here on.
const EXP_NORMAL_MIN: usize = memory.data<f32>([-87.33654])
// e^x - 1 is -1 in float32 from here on, and x where |x| is below 2^-25.
const EXPM1_MIN: usize = memory.data<f32>([-18])
const EXPM1_SMALL: usize = memory.data<f32>([2.9802322387695312e-8])
// tanh(x) is 1 in float32 from |x| = 9.02 on.
const TANH_MAX_TWICE: usize = memory.data<f32>([20])

const MIN_NORMAL: usize = memory.data<u32>([0x00800000])
const TWO_POW_23: usize = memory.data<f32>([8388608])
const TWENTY_THREE: usize = memory.data<f32>([23])
const SQRT_HALF_BITS: usize = memory.data<u32>([0x3f3504f3])
const MANTISSA: usize = memory.data<u32>([0x007fffff])

export class M {
  /** e^x; 1.02 ULP. Overflows to infinity, underflows through the denormals to zero. */
  @inline static exp(x: v128): v128 {
    x = f32x4.pmin(f32x4.pmax(x, V.loadSplat(EXP_MIN)), V.loadSplat(EXP_MAX))
    const power = M.nearestPower(x)
    return M.scale(M.expNear0(M.lessPower(x, power)), power)
  }

  /** The n for which 2^n is nearest to e^x, as `lessPower` and `scale` take it. For |x| <= 174. */
  @inline static nearestPower(x: v128): v128 {
    return V.fma(x, V.loadSplat(LOG2E), V.loadSplat(ROUND_BIASED_TWICE))
  }

  /** x - n log 2. */
  @inline static lessPower(x: v128, power: v128): v128 {
    return M.lessLog2(x, V.sub(power, V.loadSplat(ROUND_BIASED_TWICE)))
  }

  /** y 2^n. 2^n has no float32 for the outermost n; two halves of it have, and only the last product rounds. */
  @inline static scale(y: v128, power: v128): v128 {
    const half = i32x4.shr_u(power, 1)
    const rest = i32x4.sub(power, half)
    return V.mul(V.mul(y, i32x4.shl(half, 23)), i32x4.shl(rest, 23))
  }

  /** e^r for |r| <= log(2) / 2. */
  @inline static expNear0(r: v128): v128 {
    return V.add(V.loadSplat(ONE), M.expm1Near0(r))
  }

  /** e^x for x <= 88, with zero for what is below 2^-126; 1.02 ULP above. */
  @inline static expOrZero(x: v128): v128 {
    const rounded = V.fma(x, V.loadSplat(LOG2E), V.loadSplat(ROUND_BIASED))
    const n = V.sub(rounded, V.loadSplat(ROUND_BIASED))
    const y = M.expNear0(M.lessLog2(x, n))
    return v128.andnot(V.mul(y, i32x4.shl(rounded, 23)), f32x4.lt(x, V.loadSplat(EXP_NORMAL_MIN)))
  }

  /**
   * e^x for x <= 88, as `exp`, and fast unless the result is denormal. Making one, or a zero from what is too small for
   * it, takes a processor a hundred cycles: `exp` of a row half of which is masked by -Infinity is three times as slow.
   */
  @inline static expMostlyNormal(x: v128): v128 {
    const y = M.expOrZero(x)
    const below = f32x4.lt(x, V.loadSplat(EXP_NORMAL_MIN))
    if (v128.any_true(below)) {
      const isDenormal = v128.and(below, f32x4.gt(x, V.loadSplat(EXP_MIN)))
      // The other lanes keep their bits, which are not to depend on neighbours.
      if (v128.any_true(isDenormal)) return V.select(isDenormal, M.exp(x), y)
    }
    return y
  }

  /** Natural logarithm; 0.84 ULP. -Infinity for zero, NaN below. */
  @inline static log(x: v128): v128 {
    // x = 2^e * (1 + f), 1 + f in [sqrt(1/2), sqrt(2)); denormals are made normal first.
    const denormal = f32x4.lt(x, V.loadSplat(MIN_NORMAL))
    const bits = V.select(denormal, V.mul(x, V.loadSplat(TWO_POW_23)), x)
    const offset = i32x4.sub(bits, V.loadSplat(SQRT_HALF_BITS))
    const exponent = f32x4.convert_i32x4_s(i32x4.shr_s(offset, 23))
    const e = V.sub(exponent, v128.and(denormal, V.loadSplat(TWENTY_THREE)))
    const fraction = i32x4.add(v128.and(offset, V.loadSplat(MANTISSA)), V.loadSplat(SQRT_HALF_BITS))
    const y = M.logNear1(e, V.sub(fraction, V.loadSplat(ONE)))

    const infinity = V.loadSplat(INFINITY)
    const regular = V.sub(y, v128.and(f32x4.eq(x, V.zero()), infinity))
    return v128.or(V.select(f32x4.lt(x, infinity), regular, x), f32x4.lt(x, V.zero()))
  }

  /** log(1 + x); 1.4 ULP. -Infinity for -1, NaN below; keeps the sign of zero. */
  @inline static log1p(x: v128): v128 {
    // 1 + x = u + lost, exactly (D. E. Knuth's TwoSum), and u = 2^e * (1 + f) as in log.
    const one = V.loadSplat(ONE)
    const u = V.add(one, x)
    const kept = V.sub(u, one)
    const lost = V.add(V.sub(one, V.sub(u, kept)), V.sub(x, kept))
    const offset = i32x4.sub(u, V.loadSplat(SQRT_HALF_BITS))
    const exponent = i32x4.shr_s(offset, 23)
    const fraction = i32x4.add(v128.and(offset, V.loadSplat(MANTISSA)), V.loadSplat(SQRT_HALF_BITS))
    // From 2^126 on the power would be no float32; what is lost there does not count.
    const power = i32x4.sub(one, i32x4.shl(i32x4.min_s(exponent, i32x4.splat(126)), 23))
    const f = V.fma(lost, power, V.sub(fraction, one))
    const y = V.select(V.loadSplat(SIGN), x, M.logNear1(f32x4.convert_i32x4_s(exponent), f))

    const infinity = V.loadSplat(INFINITY)
    const regular = V.sub(y, v128.and(f32x4.eq(u, V.zero()), infinity))
    return v128.or(V.select(f32x4.lt(x, infinity), regular, x), f32x4.lt(u, V.zero()))
  }

  /** e^x - 1; 1.34 ULP. Keeps the sign of zero. */
  @inline static expm1(x: v128): v128 {
    const within = f32x4.pmin(f32x4.pmax(x, V.loadSplat(EXPM1_MIN)), V.loadSplat(EXP_MAX))
    const rounded = V.fma(within, V.loadSplat(LOG2E), V.loadSplat(ROUND_BIASED_LESS))
    const n = V.sub(rounded, V.loadSplat(ROUND_BIASED_LESS))
    // r = x - n log 2, and what rounding it loses: 2^n - 1 and 2^n r may cancel.
    const high = V.fma(n, V.loadSplat(MINUS_LN2_HIGH), within)
    const low = V.mul(n, V.loadSplat(LN2_LOW))
    const r = V.sub(high, low)
    const lost = V.sub(V.sub(high, r), low)
    const rest = V.fma(M.expm1Slope(r), V.mul(r, r), lost)
    // Half of it, since 2^128 is no float32.
    const power = i32x4.shl(rounded, 23)
    const half = V.fma(power, rest, V.fma(power, r, V.sub(power, V.loadSplat(HALF))))
    return V.select(f32x4.lt(V.abs(x), V.loadSplat(EXPM1_SMALL)), x, V.add(half, half))
  }

  /** The error function; 1.27 ULP. Never beyond 1, keeps the sign of zero. */
  @inline static erf(x: v128): v128 {
    const z = V.mul(x, x)
    let p = V.fma(V.loadSplat(ERF_NEAR + 20), z, V.loadSplat(ERF_NEAR + 16))
    p = V.fma(p, z, V.loadSplat(ERF_NEAR + 12))
    p = V.fma(p, z, V.loadSplat(ERF_NEAR + 8))
    p = V.fma(p, z, V.loadSplat(ERF_NEAR + 4))
    p = V.fma(p, z, V.loadSplat(ERF_NEAR))
    const near = V.fma(p, x, x)

    const t = f32x4.pmin(V.abs(x), V.loadSplat(ERF_MAX))
    let q = V.fma(V.loadSplat(ERF_FAR + 20), t, V.loadSplat(ERF_FAR + 16))
    q = V.fma(q, t, V.loadSplat(ERF_FAR + 12))
    q = V.fma(q, t, V.loadSplat(ERF_FAR + 8))
    q = V.fma(q, t, V.loadSplat(ERF_FAR + 4))
    q = V.fma(q, t, V.loadSplat(ERF_FAR))
    const far = V.sub(V.loadSplat(ONE), M.expOrZero(V.neg(V.fma(q, t, t))))
    return V.select(f32x4.lt(t, V.loadSplat(ERF_SPLIT)), near, V.select(V.loadSplat(SIGN), x, far))
  }

  /** Hyperbolic tangent, as m / (m + 2) with m = e^(2|x|) - 1; 2.56 ULP. Never beyond 1, keeps the sign of zero. */
  @inline static tanh(x: v128): v128 {
    const twice = f32x4.pmin(V.abs(V.add(x, x)), V.loadSplat(TANH_MAX_TWICE))
    const rounded = V.fma(twice, V.loadSplat(LOG2E), V.loadSplat(ROUND_BIASED))
    const n = V.sub(rounded, V.loadSplat(ROUND_BIASED))
    const power = i32x4.shl(rounded, 23)
    const m = V.fma(power, M.expm1Near0(M.lessLog2(twice, n)), V.sub(power, V.loadSplat(ONE)))
    return V.select(V.loadSplat(SIGN), x, V.div(m, V.add(m, V.loadSplat(TWO))))
  }

  /** 1 / (1 + e^-x); 2.41 ULP down to the denormals. Stays within 0..1. */
  @inline static sigmoid(x: v128): v128 {
    // Of e^x and e^-x take the one that cannot overflow.
    const one = V.loadSplat(ONE)
    const e = M.exp(V.neg(V.abs(x)))
    return V.div(V.select(f32x4.lt(x, V.zero()), e, one), V.add(one, e))
  }

  /** x - n log 2. */
  @inline private static lessLog2(x: v128, n: v128): v128 {
    return V.fma(n, V.loadSplat(MINUS_LN2_LOW), V.fma(n, V.loadSplat(MINUS_LN2_HIGH), x))
  }

  /** e log 2 + log(1 + f), where 1 + f lies between sqrt(1/2) and sqrt(2). */
  @inline private static logNear1(e: v128, f: v128): v128 {
    const s = V.div(f, V.add(V.loadSplat(TWO), f))
    const z = V.mul(s, s)
    let p = V.fma(V.loadSplat(ATANH + 8), z, V.loadSplat(ATANH + 4))
    p = V.mul(V.fma(p, z, V.loadSplat(ATANH)), z)
    const square = V.mul(V.mul(V.loadSplat(HALF), f), f)
    const small = V.fma(s, V.add(square, p), V.mul(e, V.loadSplat(LN2_LOW)))
    return V.fma(e, V.loadSplat(LN2_HIGH), V.add(V.sub(small, square), f))
  }

  /** e^r - 1 for |r| <= log(2) / 2. */
  @inline private static expm1Near0(r: v128): v128 {
    return V.fma(M.expm1Slope(r), V.mul(r, r), r)
  }

  /** (e^r - 1 - r) / r^2 for |r| <= log(2) / 2. */
  @inline private static expm1Slope(r: v128): v128 {
    let p = V.fma(V.loadSplat(EXPM1 + 16), r, V.loadSplat(EXPM1 + 12))
    p = V.fma(p, r, V.loadSplat(EXPM1 + 8))
    p = V.fma(p, r, V.loadSplat(EXPM1 + 4))
    return V.fma(p, r, V.loadSplat(EXPM1))
  }
}

/** x to the power of y in float64, the same bits on every host, as `Math.pow` is not. */
export function pow(x: f64, y: f64): f64 {
  return Math.pow(x, y)
}

/** The cosine in float64, off by less than 1 ULP, the same bits on every host, as `Math.cos` is not. */
export function cosine(x: f64): f64 {
  return Math.cos(x)
}
