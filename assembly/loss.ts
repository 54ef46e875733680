/**
 * Losses of pairs of elements: each for itself, or their sum in float64. A loss is a class without fields, as in `loops`:
 * `of` computes a difference, of which `loss` makes the loss and `add` adds the loss to a sum.
 */
import { M } from './math'
import { V } from './simd'

/** Sums run over blocks of this many elements, then over the blocks, so that blocks can be shared out among threads. */
const BLOCK = 4096

const HALF: usize = memory.data<f32>([0.5])
const ONE: usize = memory.data<f32>([1])
const ONES: usize = memory.data<f32>([1, 1, 1, 1])
/** How small a logarithm of a probability may become, and the product that its slope is divided by, as in PyTorch. */
const LOG_MIN: usize = memory.data<f32>([-100])
const SLOPE_MIN: usize = memory.data<f32>([1e-12])

/**
 * y[i] = the loss of a[i], b[i] and c[i], or y[0] = their sum / divisor unless `each`. c may be null, for ones.
 * p and q are what the loss takes besides.
 */
function losses<F>(
  a: usize,
  b: usize,
  c: usize,
  y: usize,
  n: i32,
  each: i32,
  divisor: f64,
  p: f32 = 0,
  q: f32 = 0,
): void {
  const f = changetype<F>(0)
  const pv = V.splat(p)
  const qv = V.splat(q)
  const step: usize = c ? 16 : 0
  const next: usize = each ? 16 : 0
  if (!c) c = ONES
  let total: f64 = 0
  for (; n > 0; n -= BLOCK) {
    let sum = V.zero()
    let m = min(n, BLOCK)
    if (f.isCheap() && !each)
      for (; m >= 4; m -= 4, a += 16, b += 16, c += step)
        sum = f.add(sum, f.of(V.load(a), V.load(b), f.third(c), pv, qv))
    for (; m > 0; m -= 4, a += 16, b += 16, c += step, y += next) {
      const d = f.of(V.load(a), V.load(b), f.third(c), pv, qv)
      if (each) V.storeUpTo(y, f.loss(d), m)
      else sum = f.add(sum, v128.and(d, V.firstLanes(m)))
    }
    total += V.hsumWide(sum)
  }
  if (!each) store<f32>(y, f32(total / divisor))
}

/** dx (+)= the slope of the loss times dy: of each element its own if `each`, else dy[0] / divisor for all. */
function lossesGrad<F>(
  a: usize,
  b: usize,
  c: usize,
  dy: usize,
  dx: usize,
  n: i32,
  each: i32,
  beta: i32,
  divisor: f64,
  p: f32 = 0,
  q: f32 = 0,
): void {
  const f = changetype<F>(0)
  const pv = V.splat(p)
  const qv = V.splat(q)
  const step: usize = c ? 16 : 0
  const next: usize = each ? 16 : 0
  if (!c) c = ONES
  const share = V.splat(f32(f64(load<f32>(dy)) / divisor))
  if (f.isCheap() && !each)
    for (; n >= 4; n -= 4, a += 16, b += 16, c += step, dx += 16)
      V.storeBeta(dx, f.df(V.load(a), V.load(b), f.third(c), share, pv, qv), beta)
  for (; n > 0; n -= 4, a += 16, b += 16, c += step, dy += next, dx += 16) {
    const v = f.df(V.load(a), V.load(b), f.third(c), each ? V.load(dy) : share, pv, qv)
    if (n >= 4) V.storeBeta(dx, v, beta)
    else V.storeTailBeta(dx, v, n, beta)
  }
}

/** What `of` computes is the loss. */
class Plain {
  @inline loss(d: v128): v128 {
    return d
  }
  @inline add(sum: v128, d: v128): v128 {
    return V.addWide(sum, d)
  }
}

/** Of two operands, and so cheap that whole vectors get a loop of their own. */
class Cheap extends Plain {
  @inline isCheap(): bool {
    return true
  }
  @inline third(c: usize): v128 {
    return V.zero()
  }
}

/** Of two operands, and costlier than its loop: one does for everything. */
class Costly extends Plain {
  @inline isCheap(): bool {
    return false
  }
  @inline third(c: usize): v128 {
    return V.zero()
  }
}

/** Of three operands. */
class Weighted extends Plain {
  @inline isCheap(): bool {
    return false
  }
  @inline third(c: usize): v128 {
    return V.load(c)
  }
}

/** (a - b)^2, whose sum is of exact squares. */
class Mse {
  @inline isCheap(): bool {
    return true
  }
  @inline third(c: usize): v128 {
    return V.zero()
  }
  @inline of(a: v128, b: v128, c: v128, p: v128, q: v128): v128 {
    return V.sub(a, b)
  }
  @inline loss(d: v128): v128 {
    return V.mul(d, d)
  }
  @inline add(sum: v128, d: v128): v128 {
    return V.addWideProduct(sum, d, d)
  }
  @inline df(a: v128, b: v128, c: v128, dy: v128, p: v128, q: v128): v128 {
    return V.mul(V.sub(a, b), V.add(dy, dy))
  }
}

/** |a - b|. The slope at 0 and NaN is 0, as that of `abs`. */
class L1 extends Cheap {
  @inline of(a: v128, b: v128, c: v128, p: v128, q: v128): v128 {
    return V.abs(V.sub(a, b))
  }
  @inline df(a: v128, b: v128, c: v128, dy: v128, p: v128, q: v128): v128 {
    return V.withSignOf(V.sub(a, b), dy)
  }
}

/** d^2 / 2 up to |d| = delta, from there on delta (|d| - delta / 2), and all of it divided by `divisor`. */
class Huber extends Cheap {
  @inline of(a: v128, b: v128, c: v128, delta: v128, divisor: v128): v128 {
    const d = V.abs(V.sub(a, b))
    const near = f32x4.pmin(d, delta)
    return V.mul(V.div(near, divisor), V.sub(d, V.mul(V.loadSplat(HALF), near)))
  }
  @inline df(a: v128, b: v128, c: v128, dy: v128, delta: v128, divisor: v128): v128 {
    return V.mul(V.div(f32x4.pmin(f32x4.pmax(V.sub(a, b), V.neg(delta)), delta), divisor), dy)
  }
}

/** -(t log x + (1 - t) log(1 - x)), no logarithm below -100. x is a probability. */
class Bce extends Costly {
  @inline of(x: v128, t: v128, c: v128, p: v128, q: v128): v128 {
    const no = V.mul(V.sub(t, V.loadSplat(ONE)), Bce.logLess(x))
    return V.sub(no, V.mul(t, Bce.log(x)))
  }
  @inline df(x: v128, t: v128, c: v128, dy: v128, p: v128, q: v128): v128 {
    const slope = f32x4.pmax(V.mul(V.sub(V.loadSplat(ONE), x), x), V.loadSplat(SLOPE_MIN))
    return V.div(V.mul(dy, V.sub(x, t)), slope)
  }
  @inline static log(x: v128): v128 {
    return f32x4.pmax(M.log(x), V.loadSplat(LOG_MIN))
  }
  /** log(1 - x) */
  @inline static logLess(x: v128): v128 {
    return f32x4.pmax(M.log1p(V.neg(x)), V.loadSplat(LOG_MIN))
  }
}

/** log((1 - x) / x) from |1 - 2x|, which cancels nothing near a half. Infinite at 0 and 1, as in PyTorch. */
class BceTarget extends Costly {
  @inline df(x: v128, t: v128, c: v128, dy: v128, p: v128, q: v128): v128 {
    const rest = V.sub(V.loadSplat(ONE), x)
    const beyond = V.sub(rest, x)
    return V.mul(dy, V.withSignOf(beyond, M.log1p(V.div(V.abs(beyond), f32x4.pmin(x, rest)))))
  }
}

/**
 * u log(1 + e^-x) + v log(1 + e^x) with u = c t and v = 1 - t, as |x| times the one that x speaks against and (u + v)
 * log(1 + e^-|x|): nothing cancels and nothing overflows.
 */
class BceWithLogits extends Weighted {
  @inline of(x: v128, t: v128, c: v128, p: v128, q: v128): v128 {
    const u = V.mul(c, t)
    const v = V.sub(V.loadSplat(ONE), t)
    const distance = V.abs(x)
    const against = V.select(f32x4.gt(x, V.zero()), v, u)
    return V.fma(distance, against, V.mul(V.add(u, v), M.log1p(M.exp(V.neg(distance)))))
  }
  /** v sigmoid(x) - u sigmoid(-x) */
  @inline df(x: v128, t: v128, c: v128, dy: v128, p: v128, q: v128): v128 {
    const e = M.exp(V.neg(V.abs(x)))
    const large = V.div(V.loadSplat(ONE), V.add(V.loadSplat(ONE), e))
    const small = V.mul(e, large)
    const isNegative = f32x4.lt(x, V.zero())
    const yes = V.mul(V.sub(V.loadSplat(ONE), t), V.select(isNegative, small, large))
    return V.mul(dy, V.sub(yes, V.mul(V.mul(c, t), V.select(isNegative, large, small))))
  }
}

class BceWithLogitsTarget extends Weighted {
  /** c log(1 + e^-x) - log(1 + e^x), of which -x is left where c is 1. */
  @inline df(x: v128, t: v128, c: v128, dy: v128, p: v128, q: v128): v128 {
    const near = V.mul(V.sub(c, V.loadSplat(ONE)), M.log1p(M.exp(V.neg(V.abs(x)))))
    const far = V.sub(V.mul(c, f32x4.pmax(V.neg(x), V.zero())), f32x4.pmax(x, V.zero()))
    return V.mul(dy, V.add(near, far))
  }
}

/** t (log t - x), 0 where t is 0. */
class KlDiv extends Costly {
  @inline of(x: v128, t: v128, c: v128, p: v128, q: v128): v128 {
    return v128.andnot(V.mul(t, V.sub(M.log(t), x)), f32x4.eq(t, V.zero()))
  }
  @inline df(x: v128, t: v128, c: v128, dy: v128, p: v128, q: v128): v128 {
    return V.mul(V.neg(t), dy)
  }
}

/** The slope at t = 0 counts as 0, as in PyTorch. */
class KlDivTarget extends Costly {
  @inline df(x: v128, t: v128, c: v128, dy: v128, p: v128, q: v128): v128 {
    const slope = V.sub(V.add(M.log(t), V.loadSplat(ONE)), x)
    return v128.andnot(V.mul(slope, dy), f32x4.eq(t, V.zero()))
  }
}

/** e^t (t - x) */
class KlDivOfLog extends Costly {
  @inline of(x: v128, t: v128, c: v128, p: v128, q: v128): v128 {
    return V.mul(M.exp(t), V.sub(t, x))
  }
  @inline df(x: v128, t: v128, c: v128, dy: v128, p: v128, q: v128): v128 {
    return V.mul(V.neg(M.exp(t)), dy)
  }
}

class KlDivOfLogTarget extends Costly {
  @inline df(x: v128, t: v128, c: v128, dy: v128, p: v128, q: v128): v128 {
    return V.mul(V.mul(M.exp(t), V.sub(V.add(t, V.loadSplat(ONE)), x)), dy)
  }
}

// Of every loss: y[i] of n elements if `each`, else y[0] = their sum / divisor, accumulated in float64; of a gradient:
// dx (+)= the slope times dy[i] if `each`, else times dy[0] / divisor.

/** (a - b)^2 */
export function mse(a: usize, b: usize, y: usize, n: i32, each: i32, divisor: f64): void {
  losses<Mse>(a, b, 0, y, n, each, divisor)
}
/** For db exchange a and b. */
export function mseGrad(a: usize, b: usize, dy: usize, da: usize, n: i32, each: i32, beta: i32, divisor: f64): void {
  lossesGrad<Mse>(a, b, 0, dy, da, n, each, beta, divisor)
}

/** |a - b| */
export function l1(a: usize, b: usize, y: usize, n: i32, each: i32, divisor: f64): void {
  losses<L1>(a, b, 0, y, n, each, divisor)
}
/** For db exchange a and b. */
export function l1Grad(a: usize, b: usize, dy: usize, da: usize, n: i32, each: i32, beta: i32, divisor: f64): void {
  lossesGrad<L1>(a, b, 0, dy, da, n, each, beta, divisor)
}

/** (a - b)^2 / 2 up to |a - b| = delta, from there on delta (|a - b| - delta / 2); all divided by `unit`. */
export function huber(a: usize, b: usize, y: usize, n: i32, each: i32, divisor: f64, delta: f32, unit: f32): void {
  losses<Huber>(a, b, 0, y, n, each, divisor, delta, unit)
}
/** For db exchange a and b. */
export function huberGrad(
  a: usize,
  b: usize,
  dy: usize,
  da: usize,
  n: i32,
  each: i32,
  beta: i32,
  divisor: f64,
  delta: f32,
  unit: f32,
): void {
  lossesGrad<Huber>(a, b, 0, dy, da, n, each, beta, divisor, delta, unit)
}

/** -(t log x + (1 - t) log(1 - x)), no logarithm below -100. */
export function bce(x: usize, t: usize, y: usize, n: i32, each: i32, divisor: f64): void {
  losses<Bce>(x, t, 0, y, n, each, divisor)
}
/** The slope is (x - t) / (x (1 - x)), of which the divisor is at least 1e-12. */
export function bceGrad(x: usize, t: usize, dy: usize, dx: usize, n: i32, each: i32, beta: i32, divisor: f64): void {
  lossesGrad<Bce>(x, t, 0, dy, dx, n, each, beta, divisor)
}
export function bceTargetGrad(
  x: usize,
  t: usize,
  dy: usize,
  dt: usize,
  n: i32,
  each: i32,
  beta: i32,
  divisor: f64,
): void {
  lossesGrad<BceTarget>(x, t, 0, dy, dt, n, each, beta, divisor)
}

/** c t log(1 + e^-x) + (1 - t) log(1 + e^x), where c may be null, for ones. */
export function bceWithLogits(x: usize, t: usize, c: usize, y: usize, n: i32, each: i32, divisor: f64): void {
  losses<BceWithLogits>(x, t, c, y, n, each, divisor)
}
export function bceWithLogitsGrad(
  x: usize,
  t: usize,
  c: usize,
  dy: usize,
  dx: usize,
  n: i32,
  each: i32,
  beta: i32,
  divisor: f64,
): void {
  lossesGrad<BceWithLogits>(x, t, c, dy, dx, n, each, beta, divisor)
}
export function bceWithLogitsTargetGrad(
  x: usize,
  t: usize,
  c: usize,
  dy: usize,
  dt: usize,
  n: i32,
  each: i32,
  beta: i32,
  divisor: f64,
): void {
  lossesGrad<BceWithLogitsTarget>(x, t, c, dy, dt, n, each, beta, divisor)
}

/** t (log t - x), or e^t (t - x) where t are logarithms. */
export function klDiv(x: usize, t: usize, y: usize, n: i32, each: i32, divisor: f64, ofLog: i32): void {
  if (ofLog) losses<KlDivOfLog>(x, t, 0, y, n, each, divisor)
  else losses<KlDiv>(x, t, 0, y, n, each, divisor)
}
export function klDivGrad(
  x: usize,
  t: usize,
  dy: usize,
  dx: usize,
  n: i32,
  each: i32,
  beta: i32,
  divisor: f64,
  ofLog: i32,
): void {
  if (ofLog) lossesGrad<KlDivOfLog>(x, t, 0, dy, dx, n, each, beta, divisor)
  else lossesGrad<KlDiv>(x, t, 0, dy, dx, n, each, beta, divisor)
}
export function klDivTargetGrad(
  x: usize,
  t: usize,
  dy: usize,
  dt: usize,
  n: i32,
  each: i32,
  beta: i32,
  divisor: f64,
  ofLog: i32,
): void {
  if (ofLog) lossesGrad<KlDivOfLogTarget>(x, t, 0, dy, dt, n, each, beta, divisor)
  else lossesGrad<KlDivTarget>(x, t, 0, dy, dt, n, each, beta, divisor)
}

/** The index of the first of n elements that is not in 0..1, or -1. */
export function findOutsideUnit(x: usize, n: i32): i32 {
  for (let i = 0; i < n; i += 4, x += 16) {
    const v = V.load(x)
    const within = v128.and(f32x4.ge(v, V.zero()), f32x4.le(v, V.loadSplat(ONE)))
    const outside = i32x4.bitmask(v128.not(within))
    if (outside && i + ctz(outside) < n) return i + ctz(outside)
  }
  return -1
}
