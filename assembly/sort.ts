/**
 * The order of elements along the middle axis of x: (outer, n, inner), as int32 indices. It is stable, NaN is larger than
 * anything, and -0 equals 0.
 *
 * An element becomes a key, an int32 that compares as the element does, and with its index below it a pair of 64 bits:
 * no two pairs are equal, so any way of sorting them is a stable sort of the elements.
 */
import { V } from './simd'

/**
 * Up to here, the k first pairs are held in order and every pair is offered to them; beyond, a radix sort, whose cost no order
 * of the elements changes. With 32 of 1000 the former is far ahead on random rows, and behind only where most pairs go in.
 */
const FEW = 32

/** Values of a digit in the radix sort, of which a key has four. */
const DIGITS = 256

/** Bytes of n pairs, and of n keys before they are pairs, in whole vectors. */
function pairBytes(n: i32): i64 {
  return (i64(n) * 8 + 15) & ~15
}

/** Bytes of scratch for rows of n elements, or the largest i32 where they are more: no memory has so many. */
export function argsortScratch(n: i32): i32 {
  return i32(min<i64>(2 * pairBytes(n) + 4 * DIGITS * 4, i32.MAX_VALUE))
}

/**
 * y[o, .., i] = the indices of the k first elements of x[o, .., i] in ascending order, or, with `descending` 1, in descending.
 * x: float32 (outer, n, inner), y: int32 (outer, k, inner) with k <= n; scratch: argsortScratch(n) bytes.
 */
export function argsortF32(
  x: usize,
  y: usize,
  scratch: usize,
  outer: i32,
  n: i32,
  inner: i32,
  k: i32,
  descending: i32,
): void {
  argsort<FloatKey>(x, y, scratch, outer, n, inner, k, descending)
}

/** `argsortF32` for int32. */
export function argsortI32(
  x: usize,
  y: usize,
  scratch: usize,
  outer: i32,
  n: i32,
  inner: i32,
  k: i32,
  descending: i32,
): void {
  argsort<IntKey>(x, y, scratch, outer, n, inner, k, descending)
}

class IntKey {
  @inline of(x: v128): v128 {
    return x
  }
}

class FloatKey {
  /** The bits, where negative with all but the sign turned round: larger magnitudes are to come first. */
  @inline of(x: v128): v128 {
    const bits = V.add(x, V.zero()) // -0 becomes 0
    const turned = v128.xor(bits, i32x4.shr_u(i32x4.shr_s(bits, 31), 1))
    return V.select(f32x4.eq(x, x), turned, i32x4.splat(i32.MAX_VALUE))
  }
}

function argsort<K>(x: usize, y: usize, scratch: usize, outer: i32, n: i32, inner: i32, k: i32, descending: i32): void {
  if (k === 0) return
  const pairs = scratch
  const keys = pairs + usize(pairBytes(n))
  const counts = keys + usize(pairBytes(n))
  const step = inner << 2
  for (; outer > 0; outer--, x += n * step, y += k * step) {
    for (let i = 0; i < step; i += 4) {
      toKeys<K>(x + i, keys, n, step, descending)
      let sorted = pairs
      if (k <= FEW) select(keys, pairs, n, k)
      else sorted = radixSort(keys, pairs, counts, n)
      for (let j = 0; j < k; j++) store<i32>(y + i + j * step, load<i32>(sorted + (j << 3)))
    }
  }
}

/** The keys of n elements that lie `step` bytes apart. */
function toKeys<K>(x: usize, keys: usize, n: i32, step: i32, descending: i32): void {
  if (step > 4) {
    for (let j = 0; j < n; j++, x += step) store<i32>(keys + (j << 2), load<i32>(x))
    x = keys
  }
  const flip = i32x4.splat(-descending)
  for (; n > 0; n -= 4, x += 16, keys += 16) V.store(keys, v128.xor(changetype<K>(0).of(V.load(x)), flip))
}

class Pair {
  /** Key number i with its index below it. */
  @inline static at(keys: usize, i: i32): i64 {
    return (i64(load<i32>(keys + (i << 2))) << 32) | i64(i)
  }
}

/** pairs = the k least of n, in order; 1 <= k <= n. */
function select(keys: usize, pairs: usize, n: i32, k: i32): void {
  const last = pairs + ((k - 1) << 3)
  for (let i = 0; i < k; i++) insert(Pair.at(keys, i), pairs, pairs + (i << 3))
  for (let i = k; i < n; i++) {
    const pair = Pair.at(keys, i)
    if (pair < load<i64>(last)) insert(pair, pairs, last)
  }
}

/** Puts a pair in its place among those from `first` up to but without `free`, moving the larger ones on by one. */
function insert(pair: i64, first: usize, free: usize): void {
  for (; free > first; free -= 8) {
    const before = load<i64>(free - 8)
    if (before < pair) break
    store<i64>(free, before)
  }
  store<i64>(free, pair)
}

/**
 * The n pairs in order, in one of two places; the keys lie in the other and are overwritten. Sorts by one digit of the key
 * after the other, the lowest first, and leaves out a digit that all keys share: small integers have three.
 */
function radixSort(keys: usize, pairs: usize, counts: usize, n: i32): usize {
  memory.fill(counts, 0, 4 * DIGITS * 4)
  for (let i = 0; i < n; i++) {
    const pair = Pair.at(keys, i) ^ i64.MIN_VALUE // so that digits without a sign have the order of keys with one
    store<i64>(pairs + (i << 3), pair)
    for (let d = 0; d < 4; d++) {
      const count = counts + (((d << 8) + digit(pair, d)) << 2)
      store<i32>(count, load<i32>(count) + 1)
    }
  }
  let from = pairs
  let to = keys
  for (let d = 0; d < 4; d++) {
    const table = counts + (d << 10)
    if (load<i32>(table + (digit(load<i64>(from), d) << 2)) === n) continue
    toStarts(table)
    for (let p = from, end = from + (n << 3); p < end; p += 8) {
      const pair = load<i64>(p)
      const start = table + (digit(pair, d) << 2)
      const place = load<i32>(start)
      store<i32>(start, place + 1)
      store<i64>(to + (place << 3), pair)
    }
    const empty = from
    from = to
    to = empty
  }
  return from
}

function digit(pair: i64, d: i32): i32 {
  return i32(pair >>> (32 + (d << 3))) & (DIGITS - 1)
}

/** Turns the counts of digits into the places where their pairs start. */
function toStarts(table: usize): void {
  let start = 0
  for (const end = table + DIGITS * 4; table < end; table += 4) {
    const count = load<i32>(table)
    store<i32>(table, start)
    start += count
  }
}
