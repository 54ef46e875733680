/**
 * Batch and layer normalisation: y = (x - mean) / sqrt(variance + eps) * weight + bias, along columns or along rows of x.
 * Mean and variance are taken by two passes in float64, in the order that `fold` states, and are kept in float64 for the
 * gradients: rounded to float32, the mean of a column far from 0 would be off by more than its spread.
 * weight 0 stands for ones, bias 0 for zeros.
 */
import { fold, foldGradWide, rowTotal, Sum, Wide } from './fold'
import { Variance } from './moments'
import { V } from './simd'

const ONES: usize = memory.data<f32>([1, 1, 1, 1])
const ZEROS: usize = memory.data<f32>([0, 0, 0, 0])

/** Four numbers of a vector that may be missing: what stands for it is read again and again. */
class Given {
  @inline static step(p: usize): usize {
    return p ? 16 : 0
  }
  @inline static weight(p: usize): usize {
    return p ? p : ONES
  }
  @inline static bias(p: usize): usize {
    return p ? p : ZEROS
  }
}

/** Bytes of one float64 for each of c columns, in whole fours. */
class Columns {
  @inline static bytes(c: i32): usize {
    return ((c + 3) & ~3) << 3
  }
  /** 1 / sqrt(variance + eps) of the columns i and i + 1. */
  @inline static rstd(stats: usize, c: i32, i: i32, eps: v128): v128 {
    const variance = V.load(stats + Columns.bytes(c) + (i << 3))
    return f64x2.div(f64x2.splat(1), f64x2.sqrt(f64x2.add(variance, eps)))
  }
}

/** What is done with a pair of an output: x - mean, times a slope, plus a shift. */
class Pair {
  @inline static affine(x: v128, mean: v128, slope: v128, shift: v128): v128 {
    return f64x2.add(f64x2.mul(f64x2.sub(x, mean), slope), shift)
  }
}

class Scaled {
  @inline df(v: v128, slope: v128, _same: v128, _param: v128): v128 {
    return f64x2.mul(v, slope)
  }
}

// --- along columns ---------------------------------------------------------------------------------------------------

/** stats: the means, then the variances (divided by n) of the columns of x: (n, c), in float64; each in whole fours. 0 of no rows */
export function batchStats(x: usize, stats: usize, n: i32, c: i32): void {
  const divisor = max(n, 1)
  fold<Sum, Wide>(x, 0, stats, 1, n, c, divisor)
  fold<Variance, Wide>(x, stats, stats + Columns.bytes(c), 1, n, c, divisor)
}

/** stats: as of `batchStats`, but the running mean and variance: (c) each */
export function runningStats(mean: usize, variance: usize, stats: usize, c: i32): void {
  const variances = stats + Columns.bytes(c)
  for (let i = 0; i < c; i += 2) {
    V.store(stats + (i << 3), V.loadPair(mean + (i << 2)))
    V.store(variances + (i << 3), V.loadPair(variance + (i << 2)))
  }
}

/**
 * Moves the running mean and variance (c) by `momentum` of the way to those in `stats`, of n rows, in float64 and rounded
 * once; the variance there counts n / (n - 1) times. Of no rows it moves nothing. count: 0, or an int32 that becomes 1 more;
 * if `cumulative`, its reciprocal is the momentum.
 */
export function updateRunning(
  stats: usize,
  mean: usize,
  variance: usize,
  count: usize,
  n: i32,
  c: i32,
  momentum: f64,
  cumulative: i32,
): void {
  if (count) store<i32>(count, load<i32>(count) + 1)
  if (n === 0) return
  const share = cumulative ? 1 / f64(load<i32>(count)) : momentum
  moveTowards(stats, mean, c, share, 1)
  moveTowards(stats + Columns.bytes(c), variance, c, share, f64(n) / f64(n - 1))
}

/** running += share * (factor * found - running) */
function moveTowards(found: usize, running: usize, c: i32, share: f64, factor: f64): void {
  const gain = f64x2.splat(share * factor)
  const rest = f64x2.splat(1 - share)
  for (; c > 0; c -= 4, running += 16, found += 32) {
    const low = f64x2.add(f64x2.mul(V.loadPair(running), rest), f64x2.mul(V.load(found), gain))
    const high = f64x2.add(f64x2.mul(V.loadPair(running + 8), rest), f64x2.mul(V.load(found + 16), gain))
    V.storeUpTo(running, V.demote(low, high), c)
  }
}

/** slopes: weight / sqrt(variance + eps) in float64 */
function slopesOf(weight: usize, stats: usize, slopes: usize, c: i32, eps: f64): void {
  let w = Given.weight(weight)
  for (let i = 0; i < c; i += 2, w += Given.step(weight) >> 1)
    V.store(slopes + (i << 3), f64x2.mul(Columns.rstd(stats, c, i, f64x2.splat(eps)), V.loadPair(w)))
}

/** y, in float64 and rounded once. x, y: (n, c), weight, bias: (c), stats: of `batchStats`, scratch: 8 bytes for each column, in whole fours */
export function batchNorm(
  x: usize,
  weight: usize,
  bias: usize,
  stats: usize,
  y: usize,
  scratch: usize,
  n: i32,
  c: i32,
  eps: f64,
): void {
  slopesOf(weight, stats, scratch, c, eps)
  for (; n > 0; n--, x += c << 2, y += c << 2) {
    let b = Given.bias(bias)
    let at: usize = 0
    for (let i = c; i > 0; i -= 4, at += 16, b += Given.step(bias)) {
      const mean = stats + 2 * at
      const slope = scratch + 2 * at
      const low = Pair.affine(V.loadPair(x + at), V.load(mean), V.load(slope), V.loadPair(b))
      const high = Pair.affine(V.loadPair(x + at + 8), V.load(mean + 16), V.load(slope + 16), V.loadPair(b + 8))
      V.storeUpTo(y + at, V.demote(low, high), i)
    }
  }
}

/**
 * sums: the sums over rows of dy, then those of dy * (x - mean), in float64, one row after another; 16 bytes for each
 * column, in whole fours. x, dy: (n, c)
 */
export function batchNormSums(x: usize, stats: usize, dy: usize, sums: usize, n: i32, c: i32): void {
  const products = sums + Columns.bytes(c)
  memory.fill(sums, 0, 2 * Columns.bytes(c))
  for (; n > 0; n--, x += c << 2, dy += c << 2)
    for (let i = 0; i < c; i += 2) {
      const wide: usize = i << 3
      const g = V.loadPair(dy + (i << 2))
      const distance = f64x2.sub(V.loadPair(x + (i << 2)), V.load(stats + wide))
      V.store(sums + wide, f64x2.add(V.load(sums + wide), g))
      V.store(products + wide, f64x2.add(V.load(products + wide), f64x2.mul(g, distance)))
    }
}

/**
 * dx (+)= weight * rstd * (dy - mean of dy - (x - mean) * rstd² * mean of dy * (x - mean)), in float64 and rounded once before
 * it is added. x, dy, dx: (n, c), scratch: 24 bytes for each column, in whole fours
 */
export function batchNormGrad(
  x: usize,
  weight: usize,
  stats: usize,
  sums: usize,
  dy: usize,
  dx: usize,
  scratch: usize,
  n: i32,
  c: i32,
  beta: i32,
  eps: f64,
): void {
  const bytes = Columns.bytes(c)
  const shares = scratch + bytes
  const bends = shares + bytes
  slopesOf(weight, stats, scratch, c, eps)
  const rows = f64x2.splat(n)
  for (let i = 0; i < c; i += 2) {
    const wide: usize = i << 3
    const rstd = Columns.rstd(stats, c, i, f64x2.splat(eps))
    V.store(shares + wide, f64x2.div(V.load(sums + wide), rows))
    const share = f64x2.div(V.load(sums + bytes + wide), rows)
    V.store(bends + wide, f64x2.mul(f64x2.mul(share, rstd), rstd))
  }
  for (; n > 0; n--, x += c << 2, dy += c << 2, dx += c << 2) {
    let at: usize = 0
    for (let i = c; i > 0; i -= 4, at += 16) {
      const wide: usize = at << 1
      const low = Slope.of(x + at, dy + at, V.load(stats + wide), V.load(shares + wide), V.load(bends + wide))
      const high = Slope.of(
        x + at + 8,
        dy + at + 8,
        V.load(stats + wide + 16),
        V.load(shares + wide + 16),
        V.load(bends + wide + 16),
      )
      const slope = scratch + wide
      const v = V.demote(f64x2.mul(V.load(slope), low), f64x2.mul(V.load(slope + 16), high))
      if (i >= 4) V.storeBeta(dx + at, v, beta)
      else V.storeTailBeta(dx + at, v, i, beta)
    }
  }
}

class Slope {
  /** dy - share - (x - mean) * bend of the pairs at x and dy. */
  @inline static of(x: usize, dy: usize, mean: v128, share: v128, bend: v128): v128 {
    const distance = f64x2.sub(V.loadPair(x), mean)
    return f64x2.sub(f64x2.sub(V.loadPair(dy), share), f64x2.mul(distance, bend))
  }
}

/** dx (+)= dy * weight * rstd: `batchNormGrad` where the stats do not depend on x. scratch: 8 bytes for each column, in whole fours */
export function batchNormGradFixed(
  weight: usize,
  stats: usize,
  dy: usize,
  dx: usize,
  scratch: usize,
  n: i32,
  c: i32,
  beta: i32,
  eps: f64,
): void {
  slopesOf(weight, stats, scratch, c, eps)
  for (; n > 0; n--, dy += c << 2, dx += c << 2) foldGradWide<Scaled>(dy, scratch, scratch, dx, 1, c, beta, 0)
}

/** dw (+)= the sums of dy * (x - mean) times rstd. dw: (c) */
export function batchNormGradWeight(stats: usize, sums: usize, dw: usize, c: i32, beta: i32, eps: f64): void {
  const products = sums + Columns.bytes(c)
  for (let i = 0; i < c; i += 4) {
    const wide: usize = i << 3
    const low = f64x2.mul(V.load(products + wide), Columns.rstd(stats, c, i, f64x2.splat(eps)))
    const high = f64x2.mul(V.load(products + wide + 16), Columns.rstd(stats, c, i + 2, f64x2.splat(eps)))
    storeBetaUpTo(dw + (i << 2), V.demote(low, high), c - i, beta)
  }
}

/** db (+)= the sums of dy. db: (c) */
export function batchNormGradBias(sums: usize, db: usize, c: i32, beta: i32): void {
  demoteTo(sums, db, c, beta)
}

// --- along rows ------------------------------------------------------------------------------------------------------

/** y. x, y: (rows, n), weight, bias: (n), stats: (rows, 2) in float64, the mean and 1 / sqrt(variance + eps) of each row */
export function layerNorm(
  x: usize,
  weight: usize,
  bias: usize,
  y: usize,
  stats: usize,
  rows: i32,
  n: i32,
  eps: f64,
): void {
  for (; rows > 0; rows--, stats += 16) {
    store<f64>(stats, rowTotal<Sum>(x, n, 0) / n)
    const variance = rowTotal<Variance>(x, n, load<f64>(stats)) / n
    store<f64>(stats, 1 / sqrt(variance + eps), 8)
    const mean = V.loadSplatWide(stats)
    const rstd = V.loadSplatWide(stats + 8)
    let w = Given.weight(weight)
    let b = Given.bias(bias)
    let i = n
    for (; i >= 4; i -= 4, x += 16, y += 16, w += Given.step(weight), b += Given.step(bias))
      V.store(y, V.fma(Row.normal(x, mean, rstd), V.load(w), V.load(b)))
    if (i > 0) V.storeTail(y, V.fma(Row.normal(x, mean, rstd), V.load(w), V.load(b)), i)
    x += i << 2
    y += i << 2
  }
}

class Row {
  /** (x - mean) * rstd of the four at x, each rounded once. */
  @inline static normal(x: usize, mean: v128, rstd: v128): v128 {
    const low = f64x2.mul(f64x2.sub(V.loadPair(x), mean), rstd)
    return V.demote(low, f64x2.mul(f64x2.sub(V.loadPair(x + 8), mean), rstd))
  }
  /** The float64 in both lanes. */
  @inline static total(v: v128): v128 {
    return f64x2.add(v, i64x2.shuffle(v, v, 1, 0))
  }
}

/**
 * dx (+)= rstd * (g - mean of g - (x - mean) * rstd² * mean of g * (x - mean)) with g = dy * weight, along each row; in
 * float64, in sums of two lanes, and rounded once before it is added. x, dy, dx: (rows, n)
 */
export function layerNormGrad(
  x: usize,
  weight: usize,
  stats: usize,
  dy: usize,
  dx: usize,
  rows: i32,
  n: i32,
  beta: i32,
): void {
  const length = f64x2.splat(n)
  const stride: usize = n << 2
  const step = Given.step(weight)
  for (; rows > 0; rows--, stats += 16, x += stride, dy += stride, dx += stride) {
    const mean = V.loadSplatWide(stats)
    const rstd = V.loadSplatWide(stats + 8)
    let sum = f64x2.splat(0)
    let product = f64x2.splat(0)
    let w = Given.weight(weight)
    let at: usize = 0
    for (let i = n; i > 0; i -= 4, at += 16, w += step) {
      const within = V.firstLanes(i)
      const v = v128.and(V.load(x + at), within)
      const g = v128.and(V.load(dy + at), within)
      const scale = v128.and(V.load(w), within)
      const low = f64x2.mul(V.wideLow(g), V.wideLow(scale))
      const high = f64x2.mul(V.wideHigh(g), V.wideHigh(scale))
      sum = f64x2.add(sum, f64x2.add(low, high))
      product = f64x2.add(product, f64x2.mul(low, f64x2.sub(V.wideLow(v), mean)))
      product = f64x2.add(product, f64x2.mul(high, f64x2.sub(V.wideHigh(v), mean)))
    }
    const share = f64x2.div(Row.total(sum), length)
    const bend = f64x2.mul(f64x2.mul(f64x2.div(Row.total(product), length), rstd), rstd)
    w = Given.weight(weight)
    at = 0
    for (let i = n; i > 0; i -= 4, at += 16, w += step) {
      const low = RowSlope.of(x + at, dy + at, w, mean, share, bend)
      const high = RowSlope.of(x + at + 8, dy + at + 8, w + 8, mean, share, bend)
      storeBetaUpTo(dx + at, V.demote(f64x2.mul(low, rstd), f64x2.mul(high, rstd)), i, beta)
    }
  }
}

class RowSlope {
  /** dy * weight - share - (x - mean) * bend of a pair. */
  @inline static of(x: usize, dy: usize, weight: usize, mean: v128, share: v128, bend: v128): v128 {
    const g = f64x2.mul(V.loadPair(dy), V.loadPair(weight))
    return f64x2.sub(f64x2.sub(g, share), f64x2.mul(f64x2.sub(V.loadPair(x), mean), bend))
  }
}

/**
 * dw (+)= the sums over rows of dy * (x - mean) * rstd, in float64, one row after another. x, dy: (rows, n), dw: (n),
 * scratch: 8 bytes for each column, in whole fours
 */
export function layerNormGradWeight(
  x: usize,
  stats: usize,
  dy: usize,
  dw: usize,
  scratch: usize,
  rows: i32,
  n: i32,
  beta: i32,
): void {
  memory.fill(scratch, 0, Columns.bytes(n))
  for (; rows > 0; rows--, stats += 16, x += n << 2, dy += n << 2) {
    const mean = V.loadSplatWide(stats)
    const rstd = V.loadSplatWide(stats + 8)
    for (let i = 0; i < n; i += 2) {
      const distance = f64x2.mul(f64x2.sub(V.loadPair(x + (i << 2)), mean), rstd)
      const total = scratch + (i << 3)
      V.store(total, f64x2.add(V.load(total), f64x2.mul(V.loadPair(dy + (i << 2)), distance)))
    }
  }
  demoteTo(scratch, dw, n, beta)
}

/** y (+)= x, n float64 in whole fours, each rounded. */
function demoteTo(x: usize, y: usize, n: i32, beta: i32): void {
  for (; n > 0; n -= 4, x += 32, y += 16) storeBetaUpTo(y, V.demote(V.load(x), V.load(x + 16)), n, beta)
}

function storeBetaUpTo(p: usize, v: v128, n: i32, beta: i32): void {
  if (n >= 4) V.storeBeta(p, v, beta)
  else V.storeTailBeta(p, v, n, beta)
}
