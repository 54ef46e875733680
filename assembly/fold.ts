/**
 * The loops of reductions along the middle axis of x: (outer, n, inner). What is folded is a class without fields, as in
 * `loops`.
 *
 * `fold` works in float64 and in an order that the shape alone decides. n is cut into blocks of 4096, whose results are
 * joined one after another. Within a block
 *   inner == 1: element j joins lane j mod 8 of eight, as far as whole eights go, then the remaining pairs join lanes
 *     0 and 1; the lanes are joined as ((0 + 4) + (2 + 6)) + ((1 + 5) + (3 + 7)), and a last odd element to that;
 *   inner > 1: an output's elements are joined one after another.
 * Its speed is bound by the conversions to float64, about two elements a cycle on x64.
 *
 * `foldLanes` stays in lanes of 32 bits, for what no order can change.
 */
import { V } from './simd'

export const BLOCK = 4096

/** What is added up: it begins with 0. A fold is made of such classes by adding methods, never by replacing one. */
export class Additive {
  /** The result of no elements. */
  @inline start(): v128 {
    return f64x2.splat(0)
  }
  /** The result of two stretches of elements. */
  @inline merge(a: v128, b: v128): v128 {
    return f64x2.add(a, b)
  }
}

/** Elements that are taken for themselves. */
export class Plain extends Additive {
  /** What the elements of columns `i` and `i + 1` are taken against, two float64. */
  @inline centre(centres: usize, i: i32): v128 {
    return f64x2.splat(0)
  }
}

/** The sum / param. */
export class Sum extends Plain {
  /** `total` with two more elements, `v`. */
  @inline join(total: v128, v: v128, centre: v128, param: v128): v128 {
    return f64x2.add(total, v)
  }
  /** What becomes of the result of all elements. */
  @inline end(total: v128, param: v128): v128 {
    return f64x2.div(total, param)
  }
}

/** y = the results, each rounded once. */
export class Rounded {
  @inline shift(): i32 {
    return 2
  }
  /** The first `n` of the four results in `low` and `high`, or all. */
  @inline put(y: usize, low: v128, high: v128, n: i32): void {
    V.storeUpTo(y, V.demote(low, high), n)
  }
}

/** y += the results, each rounded before. */
export class RoundedSum {
  @inline shift(): i32 {
    return 2
  }
  @inline put(y: usize, low: v128, high: v128, n: i32): void {
    V.storeUpTo(y, V.add(V.load(y), V.demote(low, high)), n)
  }
}

/** y = the results in float64. y has room for whole fours. */
export class Wide {
  @inline shift(): i32 {
    return 3
  }
  @inline put(y: usize, low: v128, high: v128, n: i32): void {
    V.store(y, low)
    V.store(y + 16, high)
  }
}

/**
 * y[o, i] = the fold by `F` of x[o, ·, i], which `S` stores.
 * `centres`, if `F` reads it, has a value for each column, and for inner == 1 one for each row of x.
 */
export function fold<F, S>(x: usize, centres: usize, y: usize, outer: i32, n: i32, inner: i32, param: f64): void {
  const f = changetype<F>(0)
  const s = changetype<S>(0)
  const p = f64x2.splat(param)
  const stride = inner << 2
  if (inner === 1) {
    for (let o = 0; o < outer; o++, x += n << 2) {
      const c = f.centre(centres, o)
      const total = f.end(foldRow<F>(x, n, i64x2.shuffle(c, c, 0, 0), p), p)
      s.put(y + (o << s.shift()), total, total, 1)
    }
    return
  }
  for (; outer > 0; outer--, x += n * stride, y += inner << s.shift()) {
    let i = 0
    for (; i + 8 <= inner; i += 8) foldColumns<F, S, Several>(x, centres, y, i, inner, n, stride, p)
    for (; i < inner; i += 4) foldColumns<F, S, One>(x, centres, y, i, inner, n, stride, p)
  }
}

/** The fold of one row of n elements, taken against `centre`, as it is before `F` ends it. */
export function rowTotal<F>(x: usize, n: i32, centre: f64): f64 {
  return f64x2.extract_lane(foldRow<F>(x, n, f64x2.splat(centre), f64x2.splat(0)), 0)
}

/** The sum of n products a[j] * b[j], each exact: the two lanes take those of four j at a time, as (0 + 2) and (1 + 3). */
export function dotWide(a: usize, b: usize, n: i32): f64 {
  let total = V.zero()
  for (; n >= 4; n -= 4, a += 16, b += 16) total = V.addWideProduct(total, V.load(a), V.load(b))
  if (n > 0) {
    const mask = V.firstLanes(n)
    total = V.addWideProduct(total, v128.and(V.load(a), mask), v128.and(V.load(b), mask))
  }
  return V.hsumWide(total)
}

/** The result of n elements, in lane 0. */
function foldRow<F>(x: usize, n: i32, c: v128, p: v128): v128 {
  const f = changetype<F>(0)
  let total = f.start()
  for (; n > BLOCK; n -= BLOCK, x += BLOCK << 2) total = f.merge(total, foldBlock<F>(x, BLOCK, c, p))
  return f.merge(total, foldBlock<F>(x, n, c, p))
}

function foldBlock<F>(x: usize, n: i32, c: v128, p: v128): v128 {
  const f = changetype<F>(0)
  let s01 = f.start()
  let s23 = s01
  let s45 = s01
  let s67 = s01
  for (; n >= 8; n -= 8, x += 32) {
    s01 = f.join(s01, V.loadPair(x), c, p)
    s23 = f.join(s23, V.loadPair(x + 8), c, p)
    s45 = f.join(s45, V.loadPair(x + 16), c, p)
    s67 = f.join(s67, V.loadPair(x + 24), c, p)
  }
  for (; n >= 2; n -= 2, x += 8) s01 = f.join(s01, V.loadPair(x), c, p)
  const s = f.merge(f.merge(s01, s45), f.merge(s23, s67))
  const total = f.merge(s, i64x2.shuffle(s, s, 1, 0))
  return n > 0 ? f.join(total, V.loadPair(x), c, p) : total
}

/** A fold takes one vector of columns at a time, or several: those beyond the first are left out at compile time. */
class One {
  @inline several(): bool {
    return false
  }
}

class Several {
  @inline several(): bool {
    return true
  }
}

/** Folds the columns `i` to `i + 7`, or as many of `i` to `i + 3` as there are; rows are `stride` bytes apart. */
function foldColumns<F, S, C>(
  x: usize,
  centres: usize,
  y: usize,
  i: i32,
  inner: i32,
  n: i32,
  stride: i32,
  p: v128,
): void {
  const f = changetype<F>(0)
  const s = changetype<S>(0)
  const several = changetype<C>(0).several()
  const c01 = f.centre(centres, i)
  const c23 = f.centre(centres, i + 2)
  const c45 = several ? f.centre(centres, i + 4) : c01
  const c67 = several ? f.centre(centres, i + 6) : c01
  let t01 = f.start()
  let t23 = t01
  let t45 = t01
  let t67 = t01
  x += i << 2
  for (; n > 0; n -= BLOCK) {
    let s01 = f.start()
    let s23 = s01
    let s45 = s01
    let s67 = s01
    for (let j = min(n, BLOCK); j > 0; j--, x += stride) {
      s01 = f.join(s01, V.loadPair(x), c01, p)
      s23 = f.join(s23, V.loadPair(x + 8), c23, p)
      if (several) {
        s45 = f.join(s45, V.loadPair(x + 16), c45, p)
        s67 = f.join(s67, V.loadPair(x + 24), c67, p)
      }
    }
    t01 = f.merge(t01, s01)
    t23 = f.merge(t23, s23)
    t45 = f.merge(t45, s45)
    t67 = f.merge(t67, s67)
  }
  y += i << s.shift()
  s.put(y, f.end(t01, p), f.end(t23, p), inner - i)
  if (several) s.put(y + (4 << s.shift()), f.end(t45, p), f.end(t67, p), 4)
}

/**
 * y[o, i] = the fold by `F` of x[o, ·, i] in lanes of 32 bits. `held`: (outer, inner), what elements are compared with, if
 * `F` does. The result must not depend on the order.
 */
export function foldLanes<F>(x: usize, held: usize, y: usize, outer: i32, n: i32, inner: i32): void {
  const f = changetype<F>(0)
  const stride = inner << 2
  if (inner === 1) {
    for (; outer > 0; outer--, x += n << 2, held += 4, y += 4) {
      const h = f.hold(held)
      V.storeTail(y, foldLanesRow<F>(x, i32x4.shuffle(h, h, 0, 0, 0, 0), n), 1)
    }
    return
  }
  for (; outer > 0; outer--, x += n * stride, held += stride, y += stride) {
    let i = 0
    for (; i + 16 <= inner; i += 16) foldLanesColumns<F, Several>(x, held, y, i, inner, n, stride)
    for (; i < inner; i += 4) foldLanesColumns<F, One>(x, held, y, i, inner, n, stride)
  }
}

/** The result of n elements, in every lane. */
function foldLanesRow<F>(x: usize, h: v128, n: i32): v128 {
  const f = changetype<F>(0)
  let a = f.start()
  let b = a
  let c = a
  let d = a
  let flags = V.zero()
  for (; n >= 16; n -= 16, x += 64) {
    const p = V.load(x)
    const q = V.load(x + 16)
    const r = V.load(x + 32)
    const s = V.load(x + 48)
    a = f.join(a, p, h)
    b = f.join(b, q, h)
    c = f.join(c, r, h)
    d = f.join(d, s, h)
    flags = v128.or(flags, v128.or(v128.or(f.flag(p), f.flag(q)), v128.or(f.flag(r), f.flag(s))))
  }
  for (; n >= 4; n -= 4, x += 16) {
    const v = V.load(x)
    a = f.join(a, v, h)
    flags = v128.or(flags, f.flag(v))
  }
  if (n > 0) {
    const v = V.load(x)
    const within = V.firstLanes(n)
    a = V.select(within, f.join(a, v, h), a)
    flags = v128.or(flags, v128.and(f.flag(v), within))
  }
  a = f.merge(f.merge(a, c), f.merge(b, d))
  a = f.merge(a, i32x4.shuffle(a, a, 2, 3, 0, 1))
  a = f.merge(a, i32x4.shuffle(a, a, 1, 0, 3, 2))
  flags = v128.or(flags, i32x4.shuffle(flags, flags, 2, 3, 0, 1))
  flags = v128.or(flags, i32x4.shuffle(flags, flags, 1, 0, 3, 2))
  return f.end(a, flags)
}

/** Folds the columns `i` to `i + 15`, or as many of `i` to `i + 3` as there are; rows are `stride` bytes apart. */
function foldLanesColumns<F, C>(x: usize, held: usize, y: usize, i: i32, inner: i32, n: i32, stride: i32): void {
  const f = changetype<F>(0)
  const several = changetype<C>(0).several()
  held += i << 2
  const h0 = f.hold(held)
  const h1 = several ? f.hold(held + 16) : h0
  const h2 = several ? f.hold(held + 32) : h0
  const h3 = several ? f.hold(held + 48) : h0
  let a = f.start()
  let b = a
  let c = a
  let d = a
  let aFlags = V.zero()
  let bFlags = aFlags
  let cFlags = aFlags
  let dFlags = aFlags
  x += i << 2
  for (; n > 0; n--, x += stride) {
    const v = V.load(x)
    a = f.join(a, v, h0)
    aFlags = v128.or(aFlags, f.flag(v))
    if (several) {
      const q = V.load(x + 16)
      const r = V.load(x + 32)
      const s = V.load(x + 48)
      b = f.join(b, q, h1)
      c = f.join(c, r, h2)
      d = f.join(d, s, h3)
      bFlags = v128.or(bFlags, f.flag(q))
      cFlags = v128.or(cFlags, f.flag(r))
      dFlags = v128.or(dFlags, f.flag(s))
    }
  }
  y += i << 2
  V.storeUpTo(y, f.end(a, aFlags), inner - i)
  if (several) {
    V.store(y + 16, f.end(b, bFlags))
    V.store(y + 32, f.end(c, cFlags))
    V.store(y + 48, f.end(d, dFlags))
  }
}

/**
 * dx[j, i] (+)= df(x[j, i], a[i], b[i], param) in float64, rounded before it is added; a, b: float64 (inner), with room for
 * whole fours. x, dx: (n, inner)
 */
export function foldGradWide<F>(
  x: usize,
  a: usize,
  b: usize,
  dx: usize,
  n: i32,
  inner: i32,
  beta: i32,
  param: f64,
): void {
  if (inner === 1) {
    gradWideRow<F, Same>(x, a, b, dx, n, beta, param)
    return
  }
  for (; n > 0; n--, x += inner << 2, dx += inner << 2) gradWideRow<F, Each>(x, a, b, dx, inner, beta, param)
}

/** A pair of float64 for each pair of elements. */
class Each {
  @inline bytes(): i32 {
    return 16
  }
  @inline get(p: usize): v128 {
    return V.load(p)
  }
}

/** One float64 for all elements. */
class Same {
  @inline bytes(): i32 {
    return 0
  }
  @inline get(p: usize): v128 {
    return v128.load64_splat(p)
  }
}

function gradWideRow<F, A>(x: usize, a: usize, b: usize, dx: usize, n: i32, beta: i32, param: f64): void {
  const f = changetype<F>(0)
  const along = changetype<A>(0)
  const next: usize = along.bytes()
  const p = f64x2.splat(param)
  for (; n > 0; n -= 4, x += 16, dx += 16, a += 2 * next, b += 2 * next) {
    const low = f.df(V.loadPair(x), along.get(a), along.get(b), p)
    const v = V.demote(low, f.df(V.loadPair(x + 8), along.get(a + next), along.get(b + next), p))
    if (n >= 4) V.storeBeta(dx, v, beta)
    else V.storeTailBeta(dx, v, n, beta)
  }
}
