/** Softmax and its logarithm over rows, the row loops that it shares with cross entropy, and logSumExp along any axis. */
import { Max } from './extremes'
import { dotWide, foldLanes } from './fold'
import { foldGrad } from './loops'
import { M } from './math'
import { V } from './simd'

export class Row {
  /** The largest of n elements, in every lane; -Infinity if there is none. NaN is passed over: it shows in the sum. */
  @inline static max(x: usize, n: i32): v128 {
    let max = V.splat(-Infinity)
    for (; n >= 4; n -= 4, x += 16) max = f32x4.pmax(max, V.load(x))
    if (n > 0) max = f32x4.pmax(max, V.select(V.firstLanes(n), V.load(x), max))
    return V.hmax(max)
  }

  /** The sum of e^(x - max) over n elements. */
  @inline static sumExp(x: usize, max: v128, n: i32): f64 {
    let total = V.zero()
    for (; n >= 4; n -= 4, x += 16) total = V.addWide(total, M.expOrZero(V.sub(V.load(x), max)))
    if (n > 0) total = V.addWide(total, v128.and(M.expOrZero(V.sub(V.load(x), max)), V.firstLanes(n)))
    return V.hsumWide(total)
  }
}

/** y = e^(x - max(x)) of n elements; returns their sum. */
function expLessMax(x: usize, y: usize, n: i32): f64 {
  const max = Row.max(x, n)
  let total = V.zero()
  for (; n >= 4; n -= 4, x += 16, y += 16) {
    const e = M.expMostlyNormal(V.sub(V.load(x), max))
    V.store(y, e)
    total = V.addWide(total, e)
  }
  if (n > 0) {
    const e = M.expMostlyNormal(V.sub(V.load(x), max))
    V.storeTail(y, e, n)
    total = V.addWide(total, v128.and(e, V.firstLanes(n)))
  }
  return V.hsumWide(total)
}

/** y /= divisor, n elements. */
function divide(y: usize, divisor: v128, n: i32): void {
  for (; n >= 4; n -= 4, y += 16) V.store(y, V.div(V.load(y), divisor))
  if (n > 0) V.storeTail(y, V.div(V.load(y), divisor), n)
}

/**
 * y = e^x / sum(e^x) along each row; x, y: (rows, cols). Stable: the largest of a row is subtracted first.
 * A row that holds NaN or Infinity, or nothing but -Infinity, becomes NaN, as in PyTorch.
 */
export function softmax(x: usize, y: usize, rows: i32, cols: i32): void {
  const stride: usize = cols << 2
  for (; rows > 0; rows--, x += stride, y += stride) {
    const sum = expLessMax(x, y, cols)
    divide(y, V.splat(f32(sum)), cols)
  }
}

/** dx (+)= y * (dy - sum(dy * y)) along each row, the sum in float64; y, dy, dx: (rows, cols). */
export function softmaxGrad(y: usize, dy: usize, dx: usize, rows: i32, cols: i32, beta: i32): void {
  const stride: usize = cols << 2
  for (; rows > 0; rows--, y += stride, dy += stride, dx += stride) {
    const dot = dotWide(y, dy, cols)
    softmaxGradRow(y, dy, V.splat(f32(dot)), dx, cols, beta)
  }
}

/** dx (+)= y * (dy - dot), n elements. */
function softmaxGradRow(y: usize, dy: usize, dot: v128, dx: usize, n: i32, beta: i32): void {
  for (; n >= 4; n -= 4, y += 16, dy += 16, dx += 16) {
    V.storeBeta(dx, V.mul(V.load(y), V.sub(V.load(dy), dot)), beta)
  }
  if (n > 0) V.storeTailBeta(dx, V.mul(V.load(y), V.sub(V.load(dy), dot)), n, beta)
}

/**
 * y = x - log(sum(e^x)) along each row; x, y: (rows, cols). The largest of a row is subtracted first; what the others add to
 * its 1 goes through log1p, so that y is right next to 0 too. NaN in the rows where softmax has it.
 */
export function logSoftmax(x: usize, y: usize, rows: i32, cols: i32): void {
  const stride: usize = cols << 2
  for (; rows > 0; rows--, x += stride, y += stride) {
    const max = Row.max(x, cols)
    const logSum = M.log1p(V.splat(f32(Row.sumExp(x, max, cols) - 1)))
    subtractBoth(x, max, logSum, y, cols)
  }
}

/** y = (x - a) - b, n elements. */
function subtractBoth(x: usize, a: v128, b: v128, y: usize, n: i32): void {
  for (; n >= 4; n -= 4, x += 16, y += 16) V.store(y, V.sub(V.sub(V.load(x), a), b))
  if (n > 0) V.storeTail(y, V.sub(V.sub(V.load(x), a), b), n)
}

/** dx (+)= dy - e^y * sum(dy) along each row, the sum in float64; y, dy, dx: (rows, cols). */
export function logSoftmaxGrad(y: usize, dy: usize, dx: usize, rows: i32, cols: i32, beta: i32): void {
  const stride: usize = cols << 2
  for (; rows > 0; rows--, y += stride, dy += stride, dx += stride) {
    const sum = V.splat(f32(sumWide(dy, cols)))
    logSoftmaxGradRow(y, dy, sum, dx, cols, beta)
  }
}

/** The sum of n elements. */
function sumWide(x: usize, n: i32): f64 {
  let total = V.zero()
  for (; n >= 4; n -= 4, x += 16) total = V.addWide(total, V.load(x))
  if (n > 0) total = V.addWide(total, v128.and(V.load(x), V.firstLanes(n)))
  return V.hsumWide(total)
}

/** dx (+)= dy - e^y * sum, n elements. */
function logSoftmaxGradRow(y: usize, dy: usize, sum: v128, dx: usize, n: i32, beta: i32): void {
  for (; n >= 4; n -= 4, y += 16, dy += 16, dx += 16) {
    V.storeBeta(dx, V.sub(V.load(dy), V.mul(M.expOrZero(V.load(y)), sum)), beta)
  }
  if (n > 0) V.storeTailBeta(dx, V.sub(V.load(dy), V.mul(M.expOrZero(V.load(y)), sum)), n, beta)
}

/** Saves both its input and its output. */
class LogSumExp {
  @inline static of(max: v128, sum: v128): v128 {
    const isOrdinary = f32x4.lt(V.abs(max), V.splat(Infinity))
    return V.select(isOrdinary, V.add(max, M.log(sum)), max)
  }
  /** dy e^(x - y), the softmax of x times dy. NaN where x and y are infinite alike, as in PyTorch. */
  @inline df(x: v128, y: v128, dy: v128): v128 {
    return V.mul(dy, M.exp(V.sub(x, y)))
  }
}

/**
 * y = log(sum(e^x)) along n, as max + log(sum(e^(x - max))) with the sum in float64: off by at most
 * 2^-23 (2 + log n) + 2^-24 |y|. Infinite where the largest is; -Infinity where n is 0. x: (outer, n, inner), y: (outer, inner)
 */
export function logSumExp(x: usize, y: usize, outer: i32, n: i32, inner: i32): void {
  foldLanes<Max>(x, 0, y, outer, n, inner)
  if (inner === 1) {
    for (; outer > 0; outer--, x += n << 2, y += 4) {
      const max = V.loadSplat(y)
      V.storeTail(y, LogSumExp.of(max, V.splat(f32(Row.sumExp(x, max, n)))), 1)
    }
    return
  }
  const stride = inner << 2
  for (; outer > 0; outer--, x += n * stride, y += stride)
    for (let i = 0; i < inner; i += 4) {
      const max = V.load(y + (i << 2))
      V.storeUpTo(y + (i << 2), LogSumExp.of(max, sumExpColumns(x + (i << 2), max, n, stride)), inner - i)
    }
}

/** The sums of e^(x - max) of four adjacent columns, whose rows are `stride` bytes apart. */
function sumExpColumns(x: usize, max: v128, n: i32, stride: i32): v128 {
  let low = f64x2.splat(0)
  let high = low
  for (; n > 0; n--, x += stride) {
    const e = M.expOrZero(V.sub(V.load(x), max))
    low = f64x2.add(low, V.wideLow(e))
    high = f64x2.add(high, V.wideHigh(e))
  }
  return V.demote(low, high)
}

/** dx (+)= dy * e^(x - y). y, dy: (outer, inner), x, dx: (outer, n, inner) */
export function logSumExpGrad(
  x: usize,
  y: usize,
  dy: usize,
  dx: usize,
  outer: i32,
  n: i32,
  inner: i32,
  beta: i32,
): void {
  foldGrad<LogSumExp>(x, y, dy, dx, outer, n, inner, beta)
}
