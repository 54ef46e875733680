/**
 * Reductions along the middle axis of x: (outer, n, inner).
 *
 * A sum is taken in float64 and in an order that its shape alone decides. n is cut into blocks of 4096, which are
 * added one after another. Within a block
 *   inner == 1: element j joins lane j mod 8 of eight, as far as whole eights go, then the remaining pairs join lanes
 *     0 and 1; the lanes are added as ((0 + 4) + (2 + 6)) + ((1 + 5) + (3 + 7)), and a last odd element to that;
 *   inner > 1: an output's elements are added one after another.
 * Speed is bound by the conversions to float64, about two elements a cycle on x64.
 */
import { Accumulate, copyBytes, Store, spread } from './loops'
import { V } from './simd'

const BLOCK = 4096

/**
 * y (+)= (sum of x along n) / divisor; the quotient is rounded once, then added.
 * x: (outer, n, inner), y: (outer, inner)
 */
export function sum(x: usize, y: usize, outer: i32, n: i32, inner: i32, beta: i32, divisor: f64): void {
  if (inner === 1) {
    for (; outer > 0; outer--, x += n << 2, y += 4) {
      const mean = f32(sumRow(x, n) / divisor)
      store<f32>(y, beta ? load<f32>(y) + mean : mean)
    }
    return
  }
  const stride = inner << 2
  for (; outer > 0; outer--, x += n * stride, y += stride) {
    let i = 0
    for (; i + 8 <= inner; i += 8) sumColumns8(x + (i << 2), y + (i << 2), n, stride, beta, divisor)
    for (; i < inner; i += 4) sumColumns4(x + (i << 2), y + (i << 2), min(inner - i, 4), n, stride, beta, divisor)
  }
}

function sumRow(x: usize, n: i32): f64 {
  let total: f64 = 0
  for (; n > BLOCK; n -= BLOCK, x += BLOCK << 2) total += sumBlock(x, BLOCK)
  return total + sumBlock(x, n)
}

function sumBlock(x: usize, n: i32): f64 {
  let s01 = f64x2.splat(0)
  let s23 = s01
  let s45 = s01
  let s67 = s01
  for (; n >= 8; n -= 8, x += 32) {
    s01 = f64x2.add(s01, V.loadPair(x))
    s23 = f64x2.add(s23, V.loadPair(x + 8))
    s45 = f64x2.add(s45, V.loadPair(x + 16))
    s67 = f64x2.add(s67, V.loadPair(x + 24))
  }
  for (; n >= 2; n -= 2, x += 8) s01 = f64x2.add(s01, V.loadPair(x))
  const s = f64x2.add(f64x2.add(s01, s45), f64x2.add(s23, s67))
  const total = f64x2.extract_lane(s, 0) + f64x2.extract_lane(s, 1)
  return n > 0 ? total + f64(load<f32>(x)) : total
}

/** Sums of 8 adjacent columns whose rows are `stride` bytes apart. */
function sumColumns8(x: usize, y: usize, n: i32, stride: i32, beta: i32, divisor: f64): void {
  let t01 = f64x2.splat(0)
  let t23 = t01
  let t45 = t01
  let t67 = t01
  for (; n > 0; n -= BLOCK) {
    let s01 = f64x2.splat(0)
    let s23 = s01
    let s45 = s01
    let s67 = s01
    for (let j = min(n, BLOCK); j > 0; j--, x += stride) {
      s01 = f64x2.add(s01, V.loadPair(x))
      s23 = f64x2.add(s23, V.loadPair(x + 8))
      s45 = f64x2.add(s45, V.loadPair(x + 16))
      s67 = f64x2.add(s67, V.loadPair(x + 24))
    }
    t01 = f64x2.add(t01, s01)
    t23 = f64x2.add(t23, s23)
    t45 = f64x2.add(t45, s45)
    t67 = f64x2.add(t67, s67)
  }
  const d = f64x2.splat(divisor)
  let low = V.demote(f64x2.div(t01, d), f64x2.div(t23, d))
  let high = V.demote(f64x2.div(t45, d), f64x2.div(t67, d))
  if (beta) {
    low = V.add(V.load(y), low)
    high = V.add(V.load(y + 16), high)
  }
  V.store(y, low)
  V.store(y + 16, high)
}

/** Sums of 1 to 4 adjacent columns, in the order of `sumColumns8`. */
function sumColumns4(x: usize, y: usize, cols: i32, n: i32, stride: i32, beta: i32, divisor: f64): void {
  let t01 = f64x2.splat(0)
  let t23 = t01
  for (; n > 0; n -= BLOCK) {
    let s01 = f64x2.splat(0)
    let s23 = s01
    for (let j = min(n, BLOCK); j > 0; j--, x += stride) {
      s01 = f64x2.add(s01, V.loadPair(x))
      s23 = f64x2.add(s23, V.loadPair(x + 8))
    }
    t01 = f64x2.add(t01, s01)
    t23 = f64x2.add(t23, s23)
  }
  const d = f64x2.splat(divisor)
  let mean = V.demote(f64x2.div(t01, d), f64x2.div(t23, d))
  if (beta) mean = V.add(V.load(y), mean)
  if (cols === 4) V.store(y, mean)
  else V.storeTail(y, mean, cols)
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

/**
 * y = the index of the largest element along n, the first of equals; NaN is larger than anything, as in PyTorch.
 * x: (outer, n, inner) with n >= 1, y: int32 (outer, inner)
 */
export function argmax(x: usize, y: usize, outer: i32, n: i32, inner: i32): void {
  if (inner === 1) {
    for (; outer > 0; outer--, x += n << 2, y += 4) store<i32>(y, argmaxRow(x, n))
    return
  }
  const stride = inner << 2
  for (; outer > 0; outer--, x += n * stride, y += stride) {
    let i = 0
    for (; i + 4 <= inner; i += 4) V.store(y + (i << 2), argmaxColumns(x + (i << 2), n, stride))
    if (i < inner) V.storeTail(y + (i << 2), argmaxColumns(x + (i << 2), n, stride), inner - i)
  }
}

/** The largest value first, then the first index that holds it: no index vectors, and garbage lies behind every match. */
function argmaxRow(x: usize, n: i32): i32 {
  let best = V.loadSplat(x)
  let nan = V.zero()
  let i = 0
  for (; i + 4 <= n; i += 4) {
    const v = V.load(x + (i << 2))
    best = f32x4.pmax(best, v)
    nan = v128.or(nan, f32x4.ne(v, v))
  }
  for (; i < n; i++) {
    const v = V.loadSplat(x + (i << 2))
    best = f32x4.pmax(best, v)
    nan = v128.or(nan, f32x4.ne(v, v))
  }
  const isNan = v128.any_true(nan)
  best = f32x4.pmax(best, i32x4.shuffle(best, best, 2, 3, 0, 1))
  best = f32x4.pmax(best, i32x4.shuffle(best, best, 1, 0, 3, 2))
  let hits = 0
  for (i = -4; !hits; ) {
    i += 4
    const v = V.load(x + (i << 2))
    hits = i32x4.bitmask(isNan ? f32x4.ne(v, v) : f32x4.eq(v, best))
  }
  return i + ctz(hits)
}

/** Indices of the largest elements of four adjacent columns. */
function argmaxColumns(x: usize, n: i32, stride: i32): v128 {
  let best = V.load(x)
  let index = i32x4.splat(0)
  for (let j = 1; j < n; j++) {
    x += stride
    const v = V.load(x)
    // Larger or NaN, unless NaN was met before.
    const wins = v128.andnot(f32x4.eq(best, best), f32x4.le(v, best))
    best = V.select(wins, v, best)
    index = V.select(wins, i32x4.splat(j), index)
  }
  return index
}
