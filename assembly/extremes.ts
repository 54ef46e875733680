/** The largest and the smallest of the elements along the middle axis of x: (outer, n, inner), and where they are. */
import { foldLanes } from './fold'
import { foldGrad } from './loops'
import { V } from './simd'

/** NaN is beyond anything: pmax and pmin, one instruction each, pass over it in their second operand, and flags recall it. */
class Extreme {
  @inline hold(p: usize): v128 {
    return V.zero()
  }
  @inline flag(v: v128): v128 {
    return f32x4.ne(v, v)
  }
  @inline end(best: v128, flags: v128): v128 {
    return v128.or(best, flags)
  }
}

class Largest extends Extreme {
  @inline start(): v128 {
    return V.splat(-Infinity)
  }
  @inline merge(a: v128, b: v128): v128 {
    return f32x4.pmax(a, b)
  }
  /** Whether `v` is not beyond `best`. */
  @inline isWithin(v: v128, best: v128): v128 {
    return f32x4.le(v, best)
  }
}

class Smallest extends Extreme {
  @inline start(): v128 {
    return V.splat(Infinity)
  }
  @inline merge(a: v128, b: v128): v128 {
    return f32x4.pmin(a, b)
  }
  @inline isWithin(v: v128, best: v128): v128 {
    return f32x4.ge(v, best)
  }
}

export class Max extends Largest {
  @inline join(best: v128, v: v128, held: v128): v128 {
    return f32x4.pmax(best, v)
  }
}

class Min extends Smallest {
  @inline join(best: v128, v: v128, held: v128): v128 {
    return f32x4.pmin(best, v)
  }
}

export class MaxAbs extends Largest {
  @inline join(best: v128, v: v128, held: v128): v128 {
    return f32x4.pmax(best, V.abs(v))
  }
}

export class MinAbs extends Smallest {
  @inline join(best: v128, v: v128, held: v128): v128 {
    return f32x4.pmin(best, V.abs(v))
  }
}

/** The elements that are the extreme `y` have a share in its gradient: where it is NaN, all that are NaN. */
class Values {
  @inline isExtreme(x: v128, y: v128): v128 {
    return v128.or(f32x4.eq(x, y), f32x4.ne(x, x))
  }
  @inline df(x: v128, y: v128, share: v128): v128 {
    return v128.and(this.isExtreme(x, y), share)
  }
}

/** The same for the extreme of absolute values, whose gradient has the sign of the element; at 0 and NaN it is 0. */
class Magnitudes {
  @inline isExtreme(x: v128, y: v128): v128 {
    return f32x4.eq(V.abs(x), y)
  }
  @inline df(x: v128, y: v128, share: v128): v128 {
    return v128.and(this.isExtreme(x, y), V.withSignOf(x, share))
  }
}

/** How many elements share the gradient, as a float. */
class Hits<E> {
  @inline hold(p: usize): v128 {
    return V.load(p)
  }
  @inline start(): v128 {
    return V.zero()
  }
  @inline join(hits: v128, v: v128, y: v128): v128 {
    return i32x4.sub(hits, changetype<E>(0).isExtreme(v, y))
  }
  @inline flag(v: v128): v128 {
    return V.zero()
  }
  @inline merge(a: v128, b: v128): v128 {
    return i32x4.add(a, b)
  }
  @inline end(hits: v128, flags: v128): v128 {
    return f32x4.convert_i32x4_s(hits)
  }
}

/** y = the largest of x along n, NaN if there is one; -Infinity where n is 0. x: (outer, n, inner), y: (outer, inner) */
export function max(x: usize, y: usize, outer: i32, n: i32, inner: i32): void {
  foldLanes<Max>(x, 0, y, outer, n, inner)
}

/** y = the smallest of x along n, NaN if there is one; Infinity where n is 0. x: (outer, n, inner), y: (outer, inner) */
export function min(x: usize, y: usize, outer: i32, n: i32, inner: i32): void {
  foldLanes<Min>(x, 0, y, outer, n, inner)
}

/** y = the largest of |x| along n, NaN if there is one. x: (outer, n, inner), y: (outer, inner) */
export function maxAbs(x: usize, y: usize, outer: i32, n: i32, inner: i32): void {
  foldLanes<MaxAbs>(x, 0, y, outer, n, inner)
}

/** y = the smallest of |x| along n, NaN if there is one. x: (outer, n, inner), y: (outer, inner) */
export function minAbs(x: usize, y: usize, outer: i32, n: i32, inner: i32): void {
  foldLanes<MinAbs>(x, 0, y, outer, n, inner)
}

/**
 * dx (+)= dy where x is its extreme y, in equal shares where several elements are. y, dy: (outer, inner),
 * x, dx: (outer, n, inner), scratch: 4 bytes for each column, in whole fours
 */
export function extremeGrad(
  x: usize,
  y: usize,
  dy: usize,
  dx: usize,
  scratch: usize,
  outer: i32,
  n: i32,
  inner: i32,
  beta: i32,
): void {
  shared<Values>(x, y, dy, dx, scratch, outer, n, inner, beta)
}

/** The same for |x|, with the sign of x. */
export function extremeAbsGrad(
  x: usize,
  y: usize,
  dy: usize,
  dx: usize,
  scratch: usize,
  outer: i32,
  n: i32,
  inner: i32,
  beta: i32,
): void {
  shared<Magnitudes>(x, y, dy, dx, scratch, outer, n, inner, beta)
}

function shared<E>(
  x: usize,
  y: usize,
  dy: usize,
  dx: usize,
  scratch: usize,
  outer: i32,
  n: i32,
  inner: i32,
  beta: i32,
): void {
  const size: usize = n * inner * 4
  const row: usize = inner << 2
  for (; outer > 0; outer--, x += size, dx += size, y += row, dy += row) {
    foldLanes<Hits<E>>(x, y, scratch, 1, n, inner)
    for (let at: usize = 0; at < row; at += 16) V.store(scratch + at, V.div(V.load(dy + at), V.load(scratch + at)))
    foldGrad<E>(x, y, scratch, dx, 1, n, inner, beta)
  }
}

/**
 * y = the index of the largest element along n, the first of equals; NaN is larger than anything, as in PyTorch.
 * x: (outer, n, inner) with n >= 1, y: int32 (outer, inner)
 */
export function argmax(x: usize, y: usize, outer: i32, n: i32, inner: i32): void {
  find<Max>(x, y, outer, n, inner)
}

/** The same for the smallest; NaN is smaller than anything, as in PyTorch. */
export function argmin(x: usize, y: usize, outer: i32, n: i32, inner: i32): void {
  find<Min>(x, y, outer, n, inner)
}

function find<E>(x: usize, y: usize, outer: i32, n: i32, inner: i32): void {
  if (inner === 1) {
    // The extremes first, where the indices go.
    foldLanes<E>(x, 0, y, outer, n, 1)
    for (; outer > 0; outer--, x += n << 2, y += 4) store<i32>(y, findInRow(x, V.loadSplat(y)))
    return
  }
  const stride = inner << 2
  for (; outer > 0; outer--, x += n * stride, y += stride)
    for (let i = 0; i < inner; i += 4) V.storeUpTo(y + (i << 2), findInColumns<E>(x + (i << 2), n, stride), inner - i)
}

/** The first index that holds the extreme: no index vectors, and garbage lies behind every match. */
function findInRow(x: usize, extreme: v128): i32 {
  let hits = 0
  let i = -4
  for (; !hits; x += 16, i += 4) hits = i32x4.bitmask(changetype<Values>(0).isExtreme(V.load(x), extreme))
  return i + ctz(hits)
}

/** Indices of the extremes of four adjacent columns. */
function findInColumns<E>(x: usize, n: i32, stride: i32): v128 {
  const e = changetype<E>(0)
  let best = V.load(x)
  let index = i32x4.splat(0)
  for (let j = 1; j < n; j++) {
    x += stride
    const v = V.load(x)
    // Beyond or NaN, unless NaN was met before.
    const wins = v128.andnot(f32x4.eq(best, best), e.isWithin(v, best))
    best = V.select(wins, v, best)
    index = V.select(wins, i32x4.splat(j), index)
  }
  return index
}
