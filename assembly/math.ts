/**
 * Elementary functions on four float32 lanes, and the float64 functions that hosts need.
 *
 * exp, log, tanh and sigmoid state their largest error over all 2^32 inputs, in units in the last place (ULP), and
 * test/kernels/math.test.ts holds them to it, as random.test.ts holds sin and cos.
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

// sin and cos of a quarter turn times f, |f| <= 1/2, in powers of f^2, to 2^-25.
const SIN: usize = memory.data<f32>([1.5707964, -0.64596677, 0.079714306, -0.004691481])
const COS: usize = memory.data<f32>([1, -1.233698, 0.253607, -0.020427959])

// x + 1.5 * 2^23 rounds x to a whole number n and leaves n in the low bits of the sum; a bias added to n is the
// exponent's, so that a shift to the left by 23 makes a power of two of them.
const ROUND_BIASED: usize = memory.data<f32>([12582912 + 127])
const ROUND_BIASED_TWICE: usize = memory.data<f32>([12582912 + 254])

// e^x is 0 below -103.97 and infinite above 88.72, in float32.
const EXP_MIN: usize = memory.data<f32>([-104])
const EXP_MAX: usize = memory.data<f32>([89])
// e^x is below 2^-126 from here on.
const EXP_NORMAL_MIN: usize = memory.data<f32>([-87.33654])
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
    const rounded = V.fma(x, V.loadSplat(LOG2E), V.loadSplat(ROUND_BIASED_TWICE))
    const n = V.sub(rounded, V.loadSplat(ROUND_BIASED_TWICE))
    const y = V.add(V.loadSplat(ONE), M.expm1Near0(M.lessLog2(x, n)))
    // 2^n has no float32 for the outermost n; two halves of it have, and only the last product rounds.
    const half = i32x4.shr_u(rounded, 1)
    const rest = i32x4.sub(rounded, half)
    return V.mul(V.mul(y, i32x4.shl(half, 23)), i32x4.shl(rest, 23))
  }

  /** e^x for x <= 88, with zero for what is below 2^-126; 1.02 ULP above. */
  @inline static expOrZero(x: v128): v128 {
    const rounded = V.fma(x, V.loadSplat(LOG2E), V.loadSplat(ROUND_BIASED))
    const n = V.sub(rounded, V.loadSplat(ROUND_BIASED))
    const y = V.add(V.loadSplat(ONE), M.expm1Near0(M.lessLog2(x, n)))
    return v128.andnot(V.mul(y, i32x4.shl(rounded, 23)), f32x4.lt(x, V.loadSplat(EXP_NORMAL_MIN)))
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
    const f = V.sub(fraction, V.loadSplat(ONE))

    const s = V.div(f, V.add(V.loadSplat(TWO), f))
    const z = V.mul(s, s)
    let p = V.fma(V.loadSplat(ATANH + 8), z, V.loadSplat(ATANH + 4))
    p = V.mul(V.fma(p, z, V.loadSplat(ATANH)), z)
    const square = V.mul(V.mul(V.loadSplat(HALF), f), f)
    const small = V.fma(s, V.add(square, p), V.mul(e, V.loadSplat(LN2_LOW)))
    const y = V.fma(e, V.loadSplat(LN2_HIGH), V.add(V.sub(small, square), f))

    const infinity = V.loadSplat(INFINITY)
    const regular = V.sub(y, v128.and(f32x4.eq(x, V.zero()), infinity))
    return v128.or(V.select(f32x4.lt(x, infinity), regular, x), f32x4.lt(x, V.zero()))
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

  /** sin(f * pi / 2) for |f| <= 1/2. */
  @inline static sinQuarter(f: v128): v128 {
    const z = V.mul(f, f)
    let p = V.fma(V.loadSplat(SIN + 12), z, V.loadSplat(SIN + 8))
    p = V.fma(p, z, V.loadSplat(SIN + 4))
    p = V.fma(p, z, V.loadSplat(SIN))
    return V.mul(p, f)
  }

  /** cos(f * pi / 2) for |f| <= 1/2. */
  @inline static cosQuarter(f: v128): v128 {
    const z = V.mul(f, f)
    let p = V.fma(V.loadSplat(COS + 12), z, V.loadSplat(COS + 8))
    p = V.fma(p, z, V.loadSplat(COS + 4))
    return V.fma(p, z, V.loadSplat(COS))
  }

  /** x - n log 2. */
  @inline private static lessLog2(x: v128, n: v128): v128 {
    return V.fma(n, V.loadSplat(MINUS_LN2_LOW), V.fma(n, V.loadSplat(MINUS_LN2_HIGH), x))
  }

  /** e^r - 1 for |r| <= log(2) / 2. */
  @inline private static expm1Near0(r: v128): v128 {
    let p = V.fma(V.loadSplat(EXPM1 + 16), r, V.loadSplat(EXPM1 + 12))
    p = V.fma(p, r, V.loadSplat(EXPM1 + 8))
    p = V.fma(p, r, V.loadSplat(EXPM1 + 4))
    p = V.fma(p, r, V.loadSplat(EXPM1))
    return V.fma(p, V.mul(r, r), r)
  }
}

/** x to the power of y in float64, the same bits on every host, as `Math.pow` is not. */
export function pow(x: f64, y: f64): f64 {
  return Math.pow(x, y)
}
