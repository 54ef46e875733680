/**
 * Sine and cosine.
 *
 * sin and cos state their largest error over all 2^32 inputs, in units in the last place (ULP), and
 * test/kernels/math.test.ts holds them to it, as random.test.ts holds sinQuarter and cosQuarter.
 *
 * They are computed in float64: what is left of x after whole quarter turns has all the bits that a float32 needs, also
 * next to the zeros. Up to 2^20 the quarter turns are taken off in two parts (W. J. Cody, W. Waite, 1980); beyond, where
 * more bits of 2 / pi count than a float64 has, in integers (M. H. Payne, R. N. Hanek, 1983).
 */
import { V } from './simd'

// sin and cos of a quarter turn times f, |f| <= 1/2, in powers of f^2, to 2^-25.
const SIN: usize = memory.data<f32>([1.5707964, -0.64596677, 0.079714306, -0.004691481])
const COS: usize = memory.data<f32>([1, -1.233698, 0.253607, -0.020427959])

const ONE: usize = memory.data<f64>([1])
const SIGN: usize = memory.data<u64>([0x8000000000000000])

// (sin(r) / r - 1) / r^2 and (cos(r) - 1) / r^2 for |r| <= pi / 4, in powers of r^2: sin to 2^-37, cos to 2^-33.
const SIN_WIDE: usize = memory.data<f64>([
  -0.1666666664152642, 0.008333329374082977, -0.00019839330987023068, 2.718274393797771e-6,
])
const COS_WIDE: usize = memory.data<f64>([
  -0.4999999969321383, 0.04166662021467188, -0.0013886677147632363, 2.4383143731792907e-5,
])

// A quarter turn in two parts; the first has 33 bits, so its product with a whole number up to 2^20 is exact.
const QUARTER_HIGH: usize = memory.data<f64>([-1.5707963267341256])
const QUARTER_LOW: usize = memory.data<f64>([-6.077100506506192e-11])
const QUARTERS: usize = memory.data<f64>([0.6366197723675814])
// x + 1.5 * 2^52 rounds x to a whole number, and leaves it in the low bits of the sum.
const ROUND: usize = memory.data<f64>([6755399441055744])

const FAR: usize = memory.data<f32>([1048576])
const INFINITY: usize = memory.data<f32>([Infinity])
// The first 256 bits of 2 / pi after the point, behind 64 zeros; of each 64 the lower half stands first.
const TWO_OVER_PI: usize = memory.data<u32>([
  0, 0, 0x4e441529, 0xa2f9836e, 0xf534ddc0, 0xfc2757d1, 0x3c439041, 0xdb629599, 0xdebbc561, 0xfe5163ab,
])
// A quarter turn times 2^-62.
const QUARTER_FIXED: f64 = 3.4061215800865545e-19

export class Trigonometry {
  /** sin(x); 0.502 ULP. NaN for infinities; keeps the sign of zero. */
  @inline static sin(x: v128): v128 {
    return Trigonometry.ahead(x, 0)
  }

  /** cos(x); 0.502 ULP. NaN for infinities. */
  @inline static cos(x: v128): v128 {
    return Trigonometry.ahead(x, 1)
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

  /** The sine of x and `quarters` quarter turns. */
  @inline private static ahead(x: v128, quarters: i64): v128 {
    const low = Trigonometry.near(V.wideLow(x), quarters)
    const high = Trigonometry.near(V.wideHigh(x), quarters)
    const y = V.demote(low, high)
    const size = V.abs(x)
    const isFar = v128.and(f32x4.gt(size, V.loadSplat(FAR)), f32x4.lt(size, V.loadSplat(INFINITY)))
    if (!v128.any_true(isFar)) return y
    return V.select(isFar, Trigonometry.far(V.select(isFar, x, V.loadSplat(FAR)), quarters), y)
  }

  /** The same for two float64 up to 2^20. */
  @inline private static near(x: v128, quarters: i64): v128 {
    const rounded = V.fmaWide(x, V.loadSplatWide(QUARTERS), V.loadSplatWide(ROUND))
    const n = f64x2.sub(rounded, V.loadSplatWide(ROUND))
    const r = V.fmaWide(n, V.loadSplatWide(QUARTER_LOW), V.fmaWide(n, V.loadSplatWide(QUARTER_HIGH), x))
    return Trigonometry.turned(r, i64x2.add(rounded, i64x2.splat(quarters)))
  }

  /** The same for four float32 from 2^20 on. */
  private static far(x: v128, quarters: i64): v128 {
    const low = Trigonometry.farPair(f32x4.extract_lane(x, 0), f32x4.extract_lane(x, 1), quarters)
    const high = Trigonometry.farPair(f32x4.extract_lane(x, 2), f32x4.extract_lane(x, 3), quarters)
    return V.demote(low, high)
  }

  private static farPair(x0: f32, x1: f32, quarters: i64): v128 {
    const t0 = Trigonometry.quarterTurns(x0)
    const t1 = Trigonometry.quarterTurns(x1)
    const r0 = (t0 << 2) >> 2
    const r1 = (t1 << 2) >> 2
    const r = f64x2.replace_lane(f64x2.splat(<f64>r0 * QUARTER_FIXED), 1, <f64>r1 * QUARTER_FIXED)
    const n = i64x2.replace_lane(i64x2.splat((t0 - r0) >> 62), 1, (t1 - r1) >> 62)
    return Trigonometry.turned(r, i64x2.add(n, i64x2.splat(quarters)))
  }

  /** x from 2^20 on, in quarter turns modulo 4: a whole number of 2^-62, off by less than two. */
  private static quarterTurns(x: f32): i64 {
    const bits = reinterpret<u32>(x)
    const mantissa: u64 = (bits & 0x007fffff) | 0x00800000
    // Bits of 2 / pi that stand for whole turns are left out; of those that follow, 96 are enough.
    const skipped = ((bits >> 23) & 0xff) - 88
    const p = TWO_OVER_PI + ((skipped >> 6) << 3)
    const shift: u64 = skipped & 63
    const first = (load<u64>(p) << shift) | ((load<u64>(p, 8) >> 1) >> (63 - shift))
    const next = (load<u64>(p, 8) << shift) | ((load<u64>(p, 16) >> 1) >> (63 - shift))
    const turns: i64 = mantissa * first + ((mantissa * (next >> 32)) >> 32)
    return bits >> 31 ? -turns : turns
  }

  /** The sines of two float64, |r| <= pi / 4, and n quarter turns. */
  @inline private static turned(r: v128, n: v128): v128 {
    const one = V.loadSplatWide(ONE)
    const z = f64x2.mul(r, r)
    let s = V.fmaWide(V.loadSplatWide(SIN_WIDE + 24), z, V.loadSplatWide(SIN_WIDE + 16))
    s = V.fmaWide(s, z, V.loadSplatWide(SIN_WIDE + 8))
    s = V.fmaWide(s, z, V.loadSplatWide(SIN_WIDE))
    s = f64x2.mul(r, V.fmaWide(s, z, one))
    let c = V.fmaWide(V.loadSplatWide(COS_WIDE + 24), z, V.loadSplatWide(COS_WIDE + 16))
    c = V.fmaWide(c, z, V.loadSplatWide(COS_WIDE + 8))
    c = V.fmaWide(c, z, V.loadSplatWide(COS_WIDE))
    c = V.fmaWide(c, z, one)
    const isOdd = i64x2.neg(v128.and(n, i64x2.splat(1)))
    const sign = v128.and(i64x2.shl(n, 62), V.loadSplatWide(SIGN))
    return v128.xor(V.select(isOdd, c, s), sign)
  }
}
