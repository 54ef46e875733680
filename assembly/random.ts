/**
 * Random numbers as pure functions of (seed, draw, element): Philox4x32-10 of J. K. Salmon, M. A. Moraes, R. O. Dror,
 * D. E. Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3" (SC 2011). The key is the seed, the counter is
 * (block, 0, draw), and the four words of block b belong to the elements 4b..4b+3: how many are drawn, and in which
 * order, changes no element.
 */
import { M } from './math'
import { V } from './simd'
import { Trigonometry } from './trigonometry'

const MULTIPLIER_0: usize = memory.data<u32>([0xd2511f53])
const MULTIPLIER_1: usize = memory.data<u32>([0xcd9e8d57])
const WEYL_0: usize = memory.data<u32>([0x9e3779b9])
const WEYL_1: usize = memory.data<u32>([0xbb67ae85])
const SIGN: usize = memory.data<u32>([0x80000000])
const TWO_POW_MINUS_24: usize = memory.data<f32>([5.9604644775390625e-8])
const TWO_POW_MINUS_32: usize = memory.data<f32>([2.3283064365386963e-10])
const TWO_POW_MINUS_33: usize = memory.data<f32>([1.1641532182693481e-10])

/** Products of unsigned 32-bit lanes. */
class Wide {
  /** The upper 32 bits of a * b. */
  @inline static high(a: v128, b: v128): v128 {
    return i32x4.shuffle(i64x2.extmul_low_i32x4_u(a, b), i64x2.extmul_high_i32x4_u(a, b), 1, 3, 5, 7)
  }

  /** The upper 32 bits of (high * 2^32 + low) * b / 2^32: what scales 64 random bits to 0..b-1. */
  @inline static highOf64(low: v128, high: v128, b: v128): v128 {
    const even = i64x2.add(i64x2.extmul_low_i32x4_u(high, b), i64x2.shr_u(i64x2.extmul_low_i32x4_u(low, b), 32))
    const odd = i64x2.add(i64x2.extmul_high_i32x4_u(high, b), i64x2.shr_u(i64x2.extmul_high_i32x4_u(low, b), 32))
    return i32x4.shuffle(even, odd, 1, 3, 5, 7)
  }

  /** The lower 32 bits of a * b, from the same two products as `high`: i32x4.mul is slow on x64. */
  @inline static low(a: v128, b: v128): v128 {
    return i32x4.shuffle(i64x2.extmul_low_i32x4_u(a, b), i64x2.extmul_high_i32x4_u(a, b), 0, 2, 4, 6)
  }
}

/** Where words go. */
class Lanes {
  /** Stores the first n, at most 4, lanes of v. */
  @inline static store(y: usize, v: v128, n: i32): void {
    if (n >= 4) V.store(y, v)
    else if (n > 0) V.storeTail(y, v, n)
  }

  /** Has `S` put a[0], b[0], c[0], d[0], a[1], ...: the first n, at most 16, of them. */
  @inline static interleave<S>(x: usize, y: usize, n: i32, a: v128, b: v128, c: v128, d: v128): void {
    const s = changetype<S>(0)
    const abLow = i32x4.shuffle(a, b, 0, 4, 1, 5)
    const cdLow = i32x4.shuffle(c, d, 0, 4, 1, 5)
    const abHigh = i32x4.shuffle(a, b, 2, 6, 3, 7)
    const cdHigh = i32x4.shuffle(c, d, 2, 6, 3, 7)
    s.put(x, y, i32x4.shuffle(abLow, cdLow, 0, 1, 4, 5), n)
    s.put(x + 16, y + 16, i32x4.shuffle(abLow, cdLow, 2, 3, 6, 7), n - 4)
    s.put(x + 32, y + 32, i32x4.shuffle(abHigh, cdHigh, 0, 1, 4, 5), n - 8)
    s.put(x + 48, y + 48, i32x4.shuffle(abHigh, cdHigh, 2, 3, 6, 7), n - 12)
  }
}

/** y = v */
class Drawn {
  @inline put(x: usize, y: usize, v: v128, n: i32): void {
    Lanes.store(y, v, n)
  }
}

/** y = x * v */
class Product {
  @inline put(x: usize, y: usize, v: v128, n: i32): void {
    if (n > 0) Lanes.store(y, V.mul(V.load(x), v), n)
  }
}

/** y += x * v */
class AddedProduct {
  @inline put(x: usize, y: usize, v: v128, n: i32): void {
    if (n > 0) Lanes.store(y, V.add(V.load(y), V.mul(V.load(x), v)), n)
  }
}

/**
 * Fills y with n elements made of Philox words: four blocks at a time, one in each lane, and `F.write` makes of
 * their words w0..w3 the next `F.width` elements. `p` and `q` are the parameters of the distribution; x, if `F` reads it, has
 * as many elements.
 */
function draw<F>(
  x: usize,
  y: usize,
  n: i32,
  seedLo: i32,
  seedHi: i32,
  drawLo: i32,
  drawHi: i32,
  p: v128,
  q: v128,
): void {
  const f = changetype<F>(0)
  const m0 = V.loadSplat(MULTIPLIER_0)
  const m1 = V.loadSplat(MULTIPLIER_1)
  let block = i32x4(0, 1, 2, 3)
  for (; n > 0; n -= f.width, x += f.width << 2, y += f.width << 2) {
    let w0 = block
    let w1 = V.zero()
    let w2 = i32x4.splat(drawLo)
    let w3 = i32x4.splat(drawHi)
    let key0 = i32x4.splat(seedLo)
    let key1 = i32x4.splat(seedHi)
    for (let round = 0; round < 10; round++) {
      const high0 = Wide.high(w0, m0)
      const low0 = Wide.low(w0, m0)
      w0 = v128.xor(v128.xor(Wide.high(w2, m1), w1), key0)
      w1 = Wide.low(w2, m1)
      w2 = v128.xor(v128.xor(high0, w3), key1)
      w3 = low0
      key0 = i32x4.add(key0, V.loadSplat(WEYL_0))
      key1 = i32x4.add(key1, V.loadSplat(WEYL_1))
    }
    f.write(x, y, n, block, w0, w1, w2, w3, p, q)
    block = i32x4.add(block, i32x4.splat(4))
  }
}

class Uniform {
  @inline get width(): i32 {
    return 16
  }
  @inline write(
    x: usize,
    y: usize,
    n: i32,
    _block: v128,
    w0: v128,
    w1: v128,
    w2: v128,
    w3: v128,
    low: v128,
    high: v128,
  ): void {
    const u0 = Uniform.between(w0, low, high)
    const u1 = Uniform.between(w1, low, high)
    const u2 = Uniform.between(w2, low, high)
    const u3 = Uniform.between(w3, low, high)
    Lanes.interleave<Drawn>(x, y, n, u0, u1, u2, u3)
  }

  /** Rounding can reach `high`. That half step goes to `low`, which by rounding has only half a step of its own. */
  @inline static between(word: v128, low: v128, high: v128): v128 {
    const unit = V.mul(f32x4.convert_i32x4_s(i32x4.shr_u(word, 8)), V.loadSplat(TWO_POW_MINUS_24))
    const x = V.fma(V.sub(high, low), unit, low)
    return V.select(f32x4.lt(x, high), x, low)
  }
}

/** G. E. P. Box, M. E. Muller, "A note on the generation of random normal deviates" (1958). */
class Normal {
  @inline get width(): i32 {
    return 16
  }
  @inline write(
    x: usize,
    y: usize,
    n: i32,
    _block: v128,
    w0: v128,
    w1: v128,
    w2: v128,
    w3: v128,
    mean: v128,
    std: v128,
  ): void {
    const r0 = V.mul(Normal.radius(w0), std)
    const r1 = V.mul(Normal.radius(w2), std)
    const x0 = V.fma(r0, Normal.cos(w1), mean)
    const x1 = V.fma(r0, Normal.sin(w1), mean)
    const x2 = V.fma(r1, Normal.cos(w3), mean)
    const x3 = V.fma(r1, Normal.sin(w3), mean)
    Lanes.interleave<Drawn>(x, y, n, x0, x1, x2, x3)
  }

  /** sqrt(-2 log u), u = (word + 1/2) / 2^32: up to 6.76. */
  @inline static radius(word: v128): v128 {
    const u = V.fma(f32x4.convert_i32x4_u(word), V.loadSplat(TWO_POW_MINUS_32), V.loadSplat(TWO_POW_MINUS_33))
    return V.sqrt(V.mul(M.log(u), V.splat(-2)))
  }

  // The lower 30 bits of the word are an angle within an eighth of a turn to either side of zero, exactly reduced;
  // bit 30 exchanges cosine and sine, bit 31 turns by half a turn, which together reaches the whole circle.
  @inline static angle(word: v128): v128 {
    return V.mul(f32x4.convert_i32x4_s(i32x4.shl(word, 2)), V.loadSplat(TWO_POW_MINUS_32))
  }
  @inline static exchanged(word: v128): v128 {
    return i32x4.shr_s(i32x4.shl(word, 1), 31)
  }
  @inline static turned(word: v128, x: v128): v128 {
    return v128.xor(x, v128.and(word, V.loadSplat(SIGN)))
  }
  @inline static cos(word: v128): v128 {
    const angle = Normal.angle(word)
    return Normal.turned(
      word,
      V.select(Normal.exchanged(word), Trigonometry.sinQuarter(angle), Trigonometry.cosQuarter(angle)),
    )
  }
  @inline static sin(word: v128): v128 {
    const angle = Normal.angle(word)
    return Normal.turned(
      word,
      V.select(Normal.exchanged(word), Trigonometry.cosQuarter(angle), Trigonometry.sinQuarter(angle)),
    )
  }
}

class RandInt {
  @inline get width(): i32 {
    return 16
  }
  @inline write(
    x: usize,
    y: usize,
    n: i32,
    _block: v128,
    w0: v128,
    w1: v128,
    w2: v128,
    w3: v128,
    low: v128,
    range: v128,
  ): void {
    const x0 = RandInt.from(w0, low, range)
    const x1 = RandInt.from(w1, low, range)
    const x2 = RandInt.from(w2, low, range)
    const x3 = RandInt.from(w3, low, range)
    Lanes.interleave<Drawn>(x, y, n, x0, x1, x2, x3)
  }

  /** A range of 0 stands for 2^32, of which the word itself is the random number. */
  @inline static from(word: v128, low: v128, range: v128): v128 {
    const whole = i32x4.eq(range, V.zero())
    return i32x4.add(low, v128.or(Wide.high(word, range), v128.and(word, whole)))
  }
}

/** For each element i, 64 random bits scaled to 0..i. */
class Choice {
  @inline get width(): i32 {
    return 8
  }
  @inline write(
    x: usize,
    y: usize,
    n: i32,
    block: v128,
    w0: v128,
    w1: v128,
    w2: v128,
    w3: v128,
    _p: v128,
    _q: v128,
  ): void {
    const choices = i32x4.add(i32x4.shl(block, 1), i32x4.splat(1))
    const even = Wide.highOf64(w0, w1, choices)
    const odd = Wide.highOf64(w2, w3, i32x4.add(choices, i32x4.splat(1)))
    Lanes.store(y, i32x4.shuffle(even, odd, 0, 4, 1, 5), n)
    Lanes.store(y + 16, i32x4.shuffle(even, odd, 2, 6, 3, 7), n - 4)
  }
}

/** x times 0 with probability `threshold` / 2^32, else times `scale`; `S` puts it. */
class Dropout<S> {
  @inline get width(): i32 {
    return 16
  }
  @inline write(
    x: usize,
    y: usize,
    n: i32,
    _block: v128,
    w0: v128,
    w1: v128,
    w2: v128,
    w3: v128,
    threshold: v128,
    scale: v128,
  ): void {
    const f0 = v128.andnot(scale, i32x4.lt_u(w0, threshold))
    const f1 = v128.andnot(scale, i32x4.lt_u(w1, threshold))
    const f2 = v128.andnot(scale, i32x4.lt_u(w2, threshold))
    const f3 = v128.andnot(scale, i32x4.lt_u(w3, threshold))
    Lanes.interleave<S>(x, y, n, f0, f1, f2, f3)
  }
}

/** What `Dropout` is given. */
class Rate {
  /** The probability in steps of 2^-32, the nearest but 1. */
  @inline static threshold(p: f64): v128 {
    return i32x4.splat(<i32>(<u32>min(nearest(p * 4294967296), 4294967295)))
  }
  /** What keeps the mean; with nothing kept, 0. */
  @inline static scale(p: f64): v128 {
    return V.splat(p < 1 ? f32(1 / (1 - p)) : 0)
  }
}

/** y: n float32, evenly spread over [low, high) in steps of (high - low) / 2^24; high - low must be finite. */
export function uniform(
  y: usize,
  n: i32,
  seedLo: i32,
  seedHi: i32,
  drawLo: i32,
  drawHi: i32,
  low: f32,
  high: f32,
): void {
  draw<Uniform>(y, y, n, seedLo, seedHi, drawLo, drawHi, V.splat(low), V.splat(high))
}

/** y: n float32 of the normal distribution, within 6.76 standard deviations of the mean. */
export function normal(
  y: usize,
  n: i32,
  seedLo: i32,
  seedHi: i32,
  drawLo: i32,
  drawHi: i32,
  mean: f32,
  std: f32,
): void {
  draw<Normal>(y, y, n, seedLo, seedHi, drawLo, drawHi, V.splat(mean), V.splat(std))
}

/** The normal distribution with mean 0 and variance 1. */
class Gauss {
  /**
   * The probability of less than x, off by at most 1e-15: G. Marsaglia, "Evaluating the Normal Distribution", Journal of
   * Statistical Software 11 (4), 2004.
   */
  static below(x: f64): f64 {
    if (abs(x) > 8) return x > 0 ? 1 : 0
    let sum = x
    let before: f64 = 0
    let term = x
    for (let i: f64 = 3; sum !== before; i += 2) {
      before = sum
      term *= (x * x) / i
      sum += term
    }
    return 0.5 + sum * Math.exp(-0.5 * x * x - 0.9189385332046728)
  }

  /**
   * What is exceeded with probability 1 - p, to seven digits: M. J. Wichura, "Algorithm AS 241: The Percentage Points of the
   * Normal Distribution", Applied Statistics 37 (3), 1988, PPND7.
   */
  static quantile(p: f64): f64 {
    const q = p - 0.5
    if (abs(q) <= 0.425) {
      const r = 0.180625 - q * q
      const above = ((59.10937472 * r + 159.29113202) * r + 50.434271938) * r + 3.3871327179
      return (q * above) / (((67.1875636 * r + 78.757757664) * r + 17.895169469) * r + 1)
    }
    let r = Math.sqrt(-Math.log(min(p, 1 - p)))
    let x: f64
    if (r <= 5) {
      r -= 1.6
      const above = ((0.17023821103 * r + 1.3067284816) * r + 2.75681539) * r + 1.4234372777
      x = above / ((0.12021132975 * r + 0.7370016425) * r + 1)
    } else {
      r -= 5
      const above = ((0.017337203997 * r + 0.42868294337) * r + 3.081226386) * r + 6.657905115
      x = above / ((0.012258202635 * r + 0.24197894225) * r + 1)
    }
    return q < 0 ? -x : x
  }
}

/** The probability that a normal number with mean 0 and variance 1 lies from low to high. */
export function normalBetween(low: f64, high: f64): f64 {
  return Gauss.below(high) - Gauss.below(low)
}

/**
 * y: n float32 of the normal distribution, of which only the part from low to high is left, by the inverse of its distribution
 * function. `normalBetween` of that part, in standard deviations from the mean, must be well above 1e-15.
 */
export function truncatedNormal(
  y: usize,
  n: i32,
  seedLo: i32,
  seedHi: i32,
  drawLo: i32,
  drawHi: i32,
  mean: f64,
  std: f64,
  low: f64,
  high: f64,
): void {
  draw<RandInt>(y, y, n, seedLo, seedHi, drawLo, drawHi, V.zero(), V.zero())
  const from = Gauss.below((low - mean) / std)
  const width = Gauss.below((high - mean) / std) - from
  for (; n > 0; n--, y += 4) {
    const x = mean + std * Gauss.quantile(from + (width * (f64(load<u32>(y)) + 0.5)) / 4294967296)
    store<f32>(y, f32(min(max(x, low), high)))
  }
}

/** y: n int32 of low..high-1, as 32 random bits times (high - low) / 2^32. With high - low = 2^32, every int32. */
export function randint(
  y: usize,
  n: i32,
  seedLo: i32,
  seedHi: i32,
  drawLo: i32,
  drawHi: i32,
  low: i32,
  high: i32,
): void {
  draw<RandInt>(y, y, n, seedLo, seedHi, drawLo, drawHi, i32x4.splat(low), i32x4.splat(high - low))
}

/** y: the int32 0..n-1 in random order, 64 random bits to an element. Fisher-Yates from the inside out, in place. */
export function permutation(y: usize, n: i32, seedLo: i32, seedHi: i32, drawLo: i32, drawHi: i32): void {
  draw<Choice>(y, y, n, seedLo, seedHi, drawLo, drawHi, V.zero(), V.zero())
  for (let i = 0; i < n; i++) {
    const chosen = y + (load<i32>(y + (i << 2)) << 2)
    store<i32>(y + (i << 2), load<i32>(chosen))
    store<i32>(chosen, i)
  }
}

/** y = x, n elements, each times 0 with probability p, else times 1 / (1 - p); with p = 1 all times 0. */
export function dropout(x: usize, y: usize, n: i32, seedLo: i32, seedHi: i32, drawLo: i32, drawHi: i32, p: f64): void {
  const threshold = Rate.threshold(p)
  draw<Dropout<Product>>(x, y, n, seedLo, seedHi, drawLo, drawHi, threshold, Rate.scale(p))
}

/** dx (+)= dy times what x was multiplied by: the same draw gives it again. */
export function dropoutGrad(
  dy: usize,
  dx: usize,
  n: i32,
  seedLo: i32,
  seedHi: i32,
  drawLo: i32,
  drawHi: i32,
  beta: i32,
  p: f64,
): void {
  const threshold = Rate.threshold(p)
  const scale = Rate.scale(p)
  if (beta) draw<Dropout<AddedProduct>>(dy, dx, n, seedLo, seedHi, drawLo, drawHi, threshold, scale)
  else draw<Dropout<Product>>(dy, dx, n, seedLo, seedHi, drawLo, drawHi, threshold, scale)
}
