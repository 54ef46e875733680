/**
 * Every strip-mined loop, written once. An op is a class without fields, passed as a type parameter:
 * `changetype<F>(0).f(x)` compiles to the body of `f` in place, with no call and no object.
 */
import { V } from './simd'

/** y = f(x), n elements. */
export function map<F>(x: usize, y: usize, n: i32): void {
  const f = changetype<F>(0)
  for (; n >= 4; n -= 4, x += 16, y += 16) V.store(y, f.f(V.load(x)))
  if (n > 0) V.storeTail(y, f.f(V.load(x)), n)
}

/** dx (+)= df(s, dy): `s` is what the op saved, its input or its output. */
export function mapGrad<F>(s: usize, dy: usize, dx: usize, n: i32, beta: i32): void {
  const f = changetype<F>(0)
  if (beta) {
    for (; n >= 4; n -= 4, s += 16, dy += 16, dx += 16) V.store(dx, V.add(V.load(dx), f.df(V.load(s), V.load(dy))))
    if (n > 0) V.storeTail(dx, V.add(V.load(dx), f.df(V.load(s), V.load(dy))), n)
  } else {
    for (; n >= 4; n -= 4, s += 16, dy += 16, dx += 16) V.store(dx, f.df(V.load(s), V.load(dy)))
    if (n > 0) V.storeTail(dx, f.df(V.load(s), V.load(dy)), n)
  }
}

/** y = f(x, a, b), n elements: an op with one or two parameters, of which it makes vectors ahead of the loop. */
export function mapWith<F>(x: usize, y: usize, n: i32, first: f64, second: f64): void {
  const f = changetype<F>(0)
  const a = f.hold(first)
  const b = f.hold(second)
  for (; n >= 4; n -= 4, x += 16, y += 16) V.store(y, f.f(V.load(x), a, b))
  if (n > 0) V.storeTail(y, f.f(V.load(x), a, b), n)
}

/** dx (+)= df(s, dy, a, b): `mapGrad` of an op with one or two parameters. */
export function mapGradWith<F>(s: usize, dy: usize, dx: usize, n: i32, beta: i32, first: f64, second: f64): void {
  const f = changetype<F>(0)
  const a = f.hold(first)
  const b = f.hold(second)
  for (; n >= 4; n -= 4, s += 16, dy += 16, dx += 16) V.storeBeta(dx, f.df(V.load(s), V.load(dy), a, b), beta)
  if (n > 0) V.storeTailBeta(dx, f.df(V.load(s), V.load(dy), a, b), n, beta)
}

/** Reads four elements of 4 bytes. */
export class Words {
  @inline bytes(): i32 {
    return 16
  }
  @inline get(x: usize): v128 {
    return V.load(x)
  }
  /** The one element at `x`, four times. */
  @inline all(x: usize): v128 {
    return V.loadSplat(x)
  }
}

/** Reads four elements of 1 byte, each into a lane of 32 bits. */
export class Bytes {
  @inline bytes(): i32 {
    return 4
  }
  @inline get(x: usize): v128 {
    return V.loadBytes(x)
  }
  /** The one element at `x`, four times. */
  @inline all(x: usize): v128 {
    return i32x4.splat(load<u8>(x))
  }
}

/** An operand with a value for each element of a row, read by `R`. */
class Each<R> {
  @inline bytes(): i32 {
    return changetype<R>(0).bytes()
  }
  @inline hold(p: usize): v128 {
    return V.zero()
  }
  @inline at(p: usize, held: v128): v128 {
    return changetype<R>(0).get(p)
  }
}

/** An operand with one value for a whole row, read by `R` ahead of the loop. */
class Same<R> {
  @inline bytes(): i32 {
    return changetype<R>(0).bytes()
  }
  @inline hold(p: usize): v128 {
    return changetype<R>(0).all(p)
  }
  @inline at(p: usize, held: v128): v128 {
    return held
  }
}

/** y = v, four elements of 4 bytes. */
export class Store {
  @inline bytes(): i32 {
    return 16
  }
  @inline put(y: usize, v: v128): void {
    V.store(y, v)
  }
  @inline putTail(y: usize, v: v128, n: i32): void {
    V.storeTail(y, v, n)
  }
}

/** y += v, four floats. */
export class Accumulate {
  @inline bytes(): i32 {
    return 16
  }
  @inline put(y: usize, v: v128): void {
    V.store(y, V.add(V.load(y), v))
  }
  @inline putTail(y: usize, v: v128, n: i32): void {
    V.storeTail(y, V.add(V.load(y), v), n)
  }
}

/** y = v, the low byte of each lane. */
export class StoreBytes {
  @inline bytes(): i32 {
    return 4
  }
  @inline put(y: usize, v: v128): void {
    V.storeBytes(y, v)
  }
  @inline putTail(y: usize, v: v128, n: i32): void {
    V.storeBytesTail(y, v, n)
  }
}

/** y = f(x), n elements, where `R` reads elements of x and `W` writes those of y. */
export function convert<F, R, W>(x: usize, y: usize, n: i32): void {
  const f = changetype<F>(0)
  const r = changetype<R>(0)
  const w = changetype<W>(0)
  for (; n >= 4; n -= 4, x += r.bytes(), y += w.bytes()) w.put(y, f.f(r.get(x)))
  if (n > 0) w.putTail(y, f.f(r.get(x)), n)
}

/** Writes `word`, the bits of an int32 or a float32, to n elements by `W`. */
export function spread<W>(y: usize, n: i32, word: i32): void {
  const w = changetype<W>(0)
  const v = i32x4.splat(word)
  for (; n >= 4; n -= 4, y += 16) w.put(y, v)
  if (n > 0) w.putTail(y, v, n)
}

/**
 * y[r, c] = f(a[r * aRow + c * aCol], b[r * bRow + c * bCol]), where `W` writes y: (rows, cols).
 * aCol and bCol are 0 or 1, aRow and bRow anything. a and b have elements of 4 bytes.
 */
export function zip<F, W>(
  a: usize,
  b: usize,
  y: usize,
  rows: i32,
  cols: i32,
  aRow: i32,
  aCol: i32,
  bRow: i32,
  bCol: i32,
): void {
  zipBy<F, Words, Words, W>(a, b, y, rows, cols, aRow, aCol, bRow, bCol)
}

/** `zip` with a and b of any element size: `A` reads a, `B` reads b. */
export function zipBy<F, A, B, W>(
  a: usize,
  b: usize,
  y: usize,
  rows: i32,
  cols: i32,
  aRow: i32,
  aCol: i32,
  bRow: i32,
  bCol: i32,
): void {
  // Operands that are dense, or one value everywhere, make one long row of it all.
  if (aRow === aCol * cols && bRow === bCol * cols) {
    cols *= rows
    rows = 1
  }
  if (cols === 0) return
  if (aCol) {
    if (bCol) zipRows<F, Each<A>, Each<B>, W>(a, b, y, rows, cols, aRow, bRow)
    else zipRows<F, Each<A>, Same<B>, W>(a, b, y, rows, cols, aRow, bRow)
  } else {
    if (bCol) zipRows<F, Same<A>, Each<B>, W>(a, b, y, rows, cols, aRow, bRow)
    else zipRows<F, Same<A>, Same<B>, W>(a, b, y, rows, cols, aRow, bRow)
  }
}

function zipRows<F, A, B, W>(a: usize, b: usize, y: usize, rows: i32, cols: i32, aRow: i32, bRow: i32): void {
  const f = changetype<F>(0)
  const w = changetype<W>(0)
  const aAlong = changetype<A>(0)
  const bAlong = changetype<B>(0)
  const aStep = aRow * (aAlong.bytes() >> 2)
  const bStep = bRow * (bAlong.bytes() >> 2)
  for (; rows > 0; rows--, a += aStep, b += bStep) {
    const aHeld = aAlong.hold(a)
    const bHeld = bAlong.hold(b)
    let ap = a
    let bp = b
    let n = cols
    for (; n >= 4; n -= 4, ap += aAlong.bytes(), bp += bAlong.bytes(), y += w.bytes())
      w.put(y, f.f(aAlong.at(ap, aHeld), bAlong.at(bp, bHeld)))
    if (n > 0) w.putTail(y, f.f(aAlong.at(ap, aHeld), bAlong.at(bp, bHeld)), n)
    y += (n * w.bytes()) >> 2
  }
}

/** y = f(a, b, c): `zipBy` with a third operand, read by `C`. */
export function zip3By<F, A, B, C, W>(
  a: usize,
  b: usize,
  c: usize,
  y: usize,
  rows: i32,
  cols: i32,
  aRow: i32,
  aCol: i32,
  bRow: i32,
  bCol: i32,
  cRow: i32,
  cCol: i32,
): void {
  if (cols === 0) return
  if (aCol) {
    if (bCol) {
      if (cCol) zip3Rows<F, Each<A>, Each<B>, Each<C>, W>(a, b, c, y, rows, cols, aRow, bRow, cRow)
      else zip3Rows<F, Each<A>, Each<B>, Same<C>, W>(a, b, c, y, rows, cols, aRow, bRow, cRow)
    } else {
      if (cCol) zip3Rows<F, Each<A>, Same<B>, Each<C>, W>(a, b, c, y, rows, cols, aRow, bRow, cRow)
      else zip3Rows<F, Each<A>, Same<B>, Same<C>, W>(a, b, c, y, rows, cols, aRow, bRow, cRow)
    }
  } else {
    if (bCol) {
      if (cCol) zip3Rows<F, Same<A>, Each<B>, Each<C>, W>(a, b, c, y, rows, cols, aRow, bRow, cRow)
      else zip3Rows<F, Same<A>, Each<B>, Same<C>, W>(a, b, c, y, rows, cols, aRow, bRow, cRow)
    } else {
      if (cCol) zip3Rows<F, Same<A>, Same<B>, Each<C>, W>(a, b, c, y, rows, cols, aRow, bRow, cRow)
      else zip3Rows<F, Same<A>, Same<B>, Same<C>, W>(a, b, c, y, rows, cols, aRow, bRow, cRow)
    }
  }
}

function zip3Rows<F, A, B, C, W>(
  a: usize,
  b: usize,
  c: usize,
  y: usize,
  rows: i32,
  cols: i32,
  aRow: i32,
  bRow: i32,
  cRow: i32,
): void {
  const f = changetype<F>(0)
  const w = changetype<W>(0)
  const aAlong = changetype<A>(0)
  const bAlong = changetype<B>(0)
  const cAlong = changetype<C>(0)
  const aStep = aRow * (aAlong.bytes() >> 2)
  const bStep = bRow * (bAlong.bytes() >> 2)
  const cStep = cRow * (cAlong.bytes() >> 2)
  for (; rows > 0; rows--, a += aStep, b += bStep, c += cStep) {
    const aHeld = aAlong.hold(a)
    const bHeld = bAlong.hold(b)
    const cHeld = cAlong.hold(c)
    let ap = a
    let bp = b
    let cp = c
    let n = cols
    for (; n >= 4; n -= 4, ap += aAlong.bytes(), bp += bAlong.bytes(), cp += cAlong.bytes(), y += w.bytes())
      w.put(y, f.f(aAlong.at(ap, aHeld), bAlong.at(bp, bHeld), cAlong.at(cp, cHeld)))
    if (n > 0) w.putTail(y, f.f(aAlong.at(ap, aHeld), bAlong.at(bp, bHeld), cAlong.at(cp, cHeld)), n)
    y += (n * w.bytes()) >> 2
  }
}

/** dx = df(a, b, dy): `zip` with dy: (rows, cols) as a third operand. */
export function zipGrad<F, W>(
  a: usize,
  b: usize,
  dy: usize,
  dx: usize,
  rows: i32,
  cols: i32,
  aRow: i32,
  aCol: i32,
  bRow: i32,
  bCol: i32,
): void {
  if (aRow === aCol * cols && bRow === bCol * cols) {
    cols *= rows
    rows = 1
  }
  if (cols === 0) return
  if (aCol) {
    if (bCol) zipGradRows<F, Each<Words>, Each<Words>, Each<Words>, W>(a, b, dy, dx, rows, cols, aRow, bRow, cols)
    else zipGradRows<F, Each<Words>, Same<Words>, Each<Words>, W>(a, b, dy, dx, rows, cols, aRow, bRow, cols)
  } else {
    if (bCol) zipGradRows<F, Same<Words>, Each<Words>, Each<Words>, W>(a, b, dy, dx, rows, cols, aRow, bRow, cols)
    else zipGradRows<F, Same<Words>, Same<Words>, Each<Words>, W>(a, b, dy, dx, rows, cols, aRow, bRow, cols)
  }
}

/** dx (+)= df(x, y, dy), the gradient of a reduction of x along n. x, dx: (outer, n, inner); y, dy: (outer, inner) */
export function foldGrad<F>(x: usize, y: usize, dy: usize, dx: usize, outer: i32, n: i32, inner: i32, beta: i32): void {
  if (inner === 1) {
    if (beta) zipGradRows<F, Each<Words>, Same<Words>, Same<Words>, Accumulate>(x, y, dy, dx, outer, n, n, 1, 1)
    else zipGradRows<F, Each<Words>, Same<Words>, Same<Words>, Store>(x, y, dy, dx, outer, n, n, 1, 1)
    return
  }
  const row = inner << 2
  for (; outer > 0; outer--, x += n * row, y += row, dy += row, dx += n * row) {
    if (beta) zipGradRows<F, Each<Words>, Each<Words>, Each<Words>, Accumulate>(x, y, dy, dx, n, inner, inner, 0, 0)
    else zipGradRows<F, Each<Words>, Each<Words>, Each<Words>, Store>(x, y, dy, dx, n, inner, inner, 0, 0)
  }
}

function zipGradRows<F, A, B, D, W>(
  a: usize,
  b: usize,
  dy: usize,
  dx: usize,
  rows: i32,
  cols: i32,
  aRow: i32,
  bRow: i32,
  dyRow: i32,
): void {
  const f = changetype<F>(0)
  const w = changetype<W>(0)
  const aAlong = changetype<A>(0)
  const bAlong = changetype<B>(0)
  const dyAlong = changetype<D>(0)
  for (; rows > 0; rows--, a += aRow << 2, b += bRow << 2, dy += dyRow << 2) {
    const aHeld = aAlong.hold(a)
    const bHeld = bAlong.hold(b)
    const dyHeld = dyAlong.hold(dy)
    let ap = a
    let bp = b
    let dp = dy
    let n = cols
    for (; n >= 4; n -= 4, ap += 16, bp += 16, dp += 16, dx += w.bytes())
      w.put(dx, f.df(aAlong.at(ap, aHeld), bAlong.at(bp, bHeld), dyAlong.at(dp, dyHeld)))
    if (n > 0) w.putTail(dx, f.df(aAlong.at(ap, aHeld), bAlong.at(bp, bHeld), dyAlong.at(dp, dyHeld)), n)
    dx += (n * w.bytes()) >> 2
  }
}

/** Copies `n` bytes; rows too short to be worth a call out of wasm, which memory.copy is, are copied in place. */
export function copyBytes(y: usize, x: usize, n: i32): void {
  if (n >= 128) {
    memory.copy(y, x, n)
    return
  }
  for (; n >= 16; n -= 16, x += 16, y += 16) V.store(y, V.load(x))
  for (; n >= 4; n -= 4, x += 4, y += 4) store<u32>(y, load<u32>(x))
  for (; n > 0; n--, x++, y++) store<u8>(y, load<u8>(x))
}
