/**
 * The vector vocabulary: what a kernel says instead of wasm opcodes.
 * This is the only file that knows whether a build fuses multiply and add.
 *
 * A tail may read up to 12 bytes past the end of a buffer (the heap keeps 16 spare at the very end
 * of memory) and never relies on what it finds there; it stores lane by lane.
 */
export class V {
  @inline static load(p: usize): v128 {
    return v128.load(p)
  }

  @inline static store(p: usize, v: v128): void {
    v128.store(p, v)
  }

  /** Stores the first `n` lanes of `v`, n in 1..3. */
  @inline static storeTail(p: usize, v: v128, n: i32): void {
    if (n & 2) {
      v128.store_lane<u64>(p, v, 0)
      if (n & 1) v128.store_lane<u32>(p, v, 2, 8)
    } else {
      v128.store_lane<u32>(p, v, 0)
    }
  }

  /** Stores the first `n` lanes of `v`, or all four if n is larger; n at least 1. */
  @inline static storeUpTo(p: usize, v: v128, n: i32): void {
    if (n >= 4) V.store(p, v)
    else V.storeTail(p, v, n)
  }

  /** Stores `v`, or adds it to what is there: what `beta` asks of every gradient kernel. */
  @inline static storeBeta(p: usize, v: v128, beta: i32): void {
    V.store(p, beta ? V.add(V.load(p), v) : v)
  }

  @inline static storeTailBeta(p: usize, v: v128, n: i32, beta: i32): void {
    V.storeTail(p, beta ? V.add(V.load(p), v) : v, n)
  }

  @inline static splat(x: f32): v128 {
    return f32x4.splat(x)
  }

  /** All four lanes from the float at `p`: one instruction, unlike `splat(load<f32>(p))`. */
  @inline static loadSplat(p: usize): v128 {
    return v128.load32_splat(p)
  }

  @inline static zero(): v128 {
    return f32x4.splat(0)
  }

  @inline static add(a: v128, b: v128): v128 {
    return f32x4.add(a, b)
  }

  @inline static sub(a: v128, b: v128): v128 {
    return f32x4.sub(a, b)
  }

  @inline static mul(a: v128, b: v128): v128 {
    return f32x4.mul(a, b)
  }

  @inline static div(a: v128, b: v128): v128 {
    return f32x4.div(a, b)
  }

  @inline static sqrt(a: v128): v128 {
    return f32x4.sqrt(a)
  }

  @inline static neg(a: v128): v128 {
    return f32x4.neg(a)
  }

  @inline static abs(a: v128): v128 {
    return f32x4.abs(a)
  }

  /** `v` with the sign of `x`, and 0 where that is 0 or NaN. */
  @inline static withSignOf(x: v128, v: v128): v128 {
    return V.sub(v128.and(v, f32x4.gt(x, V.zero())), v128.and(v, f32x4.lt(x, V.zero())))
  }

  /** a * b + c: two roundings in the strict build, one in a relaxed build on a host that fuses. */
  @inline static fma(a: v128, b: v128, c: v128): v128 {
    if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c)
    return f32x4.add(f32x4.mul(a, b), c)
  }

  /** Sum of the four lanes, always as (0 + 2) + (1 + 3). */
  @inline static hsum(v: v128): f32 {
    const pair = f32x4.add(v, i32x4.shuffle(v, v, 2, 3, 2, 3))
    return f32x4.extract_lane(pair, 0) + f32x4.extract_lane(pair, 1)
  }

  /** The sums of the lanes of four vectors, each as hsum. */
  @inline static hsum4(p: v128, q: v128, r: v128, s: v128): v128 {
    const pq = f32x4.add(i32x4.shuffle(p, q, 0, 1, 4, 5), i32x4.shuffle(p, q, 2, 3, 6, 7))
    const rs = f32x4.add(i32x4.shuffle(r, s, 0, 1, 4, 5), i32x4.shuffle(r, s, 2, 3, 6, 7))
    return f32x4.add(i32x4.shuffle(pq, rs, 0, 2, 4, 6), i32x4.shuffle(pq, rs, 1, 3, 5, 7))
  }

  /** `a` where the mask bits are set, `b` elsewhere. */
  @inline static select(mask: v128, a: v128, b: v128): v128 {
    return v128.bitselect(a, b, mask)
  }

  /** The four bytes at `p`, each in a lane of 32 bits. */
  @inline static loadBytes(p: usize): v128 {
    return i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(p)))
  }

  /** Stores the low byte of each lane. */
  @inline static storeBytes(p: usize, v: v128): void {
    v128.store_lane<u32>(p, V.lowBytes(v), 0)
  }

  /** Stores the low byte of the first `n` lanes, n in 1..3. */
  @inline static storeBytesTail(p: usize, v: v128, n: i32): void {
    const bytes = V.lowBytes(v)
    if (n & 2) {
      v128.store_lane<u16>(p, bytes, 0)
      if (n & 1) v128.store_lane<u8>(p, bytes, 2, 2)
    } else {
      v128.store_lane<u8>(p, bytes, 0)
    }
  }

  /** The low byte of each lane, packed into the first four bytes. */
  @inline static lowBytes(v: v128): v128 {
    return i8x16.shuffle(v, v, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12)
  }

  /** A mask as integers, 0 or 1 in each lane. */
  @inline static bool(mask: v128): v128 {
    return i32x4.shr_u(mask, 31)
  }

  /** The two floats at `p` as float64. */
  @inline static loadPair(p: usize): v128 {
    return f64x2.promote_low_f32x4(v128.load64_zero(p))
  }

  /** Four float32 from two pairs of float64, each rounded once. */
  @inline static demote(low: v128, high: v128): v128 {
    return i64x2.shuffle(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 2)
  }

  /** All bits of the first `n` lanes: what clears the garbage of a tail before a reduction. */
  @inline static firstLanes(n: i32): v128 {
    return i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(n))
  }

  /** The largest lane, in every lane. */
  @inline static hmax(v: v128): v128 {
    const pairs = f32x4.pmax(v, i32x4.shuffle(v, v, 2, 3, 0, 1))
    return f32x4.pmax(pairs, i32x4.shuffle(pairs, pairs, 1, 0, 3, 2))
  }

  /** Lanes 0 and 1 as float64. */
  @inline static wideLow(v: v128): v128 {
    return f64x2.promote_low_f32x4(v)
  }

  /** Lanes 2 and 3 as float64. */
  @inline static wideHigh(v: v128): v128 {
    return f64x2.promote_low_f32x4(i32x4.shuffle(v, v, 2, 3, 2, 3))
  }

  /** Adds the lanes of `v` to the two float64 of `total`, as (0 + 2) and (1 + 3). */
  @inline static addWide(total: v128, v: v128): v128 {
    return f64x2.add(total, f64x2.add(V.wideLow(v), V.wideHigh(v)))
  }

  /** Adds the products of the lanes of `a` and `b`, exact in float64, to the two float64 of `total`. */
  @inline static addWideProduct(total: v128, a: v128, b: v128): v128 {
    const low = f64x2.mul(V.wideLow(a), V.wideLow(b))
    return f64x2.add(total, f64x2.add(low, f64x2.mul(V.wideHigh(a), V.wideHigh(b))))
  }

  /** Both float64 from the one at `p`. */
  @inline static loadSplatWide(p: usize): v128 {
    return v128.load64_splat(p)
  }

  /** `fma` on two float64. */
  @inline static fmaWide(a: v128, b: v128, c: v128): v128 {
    if (ASC_FEATURE_RELAXED_SIMD) return f64x2.relaxed_madd(a, b, c)
    return f64x2.add(f64x2.mul(a, b), c)
  }

  /** Sum of the two float64. */
  @inline static hsumWide(total: v128): f64 {
    return f64x2.extract_lane(total, 0) + f64x2.extract_lane(total, 1)
  }
}
