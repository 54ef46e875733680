/**
 * The dot tile of GEMM: 2 x 4 elements of C, each a dot product of a row of A and a row of B, four k at a time.
 * Both operands are read along their rows, so nothing is packed.
 *
 * Four steps a turn with a branch between them, as in chain.ts. Here the vectors of one step are already too many if
 * V8 loads all first, so a branch that is never taken (`k === -1`: k is positive) splits it: 45 GFLOP/s instead of 41 on
 * Node 20. Each compares with a constant of its own, else all but the first are found redundant.
 */
import { V } from './simd'

/** Columns of C that a strip covers. */
export const DOT_COLS = 4

/** At 12 - 4 * n bytes: a mask of the first n lanes, n in 1..3. */
const LANES = memory.data<i32>([-1, -1, -1, 0, 0, 0], 16)

class DotTile {
  /**
   * 2 x 4 elements of C (single: 1 x 4), each a dot product over four lanes of k: the lanes are summed as V.hsum
   * does, and added to start. `b0` to `b3` are rows of op(B) transposed.
   */
  @inline static run(
    single: bool,
    a: usize,
    lda: usize,
    b0: usize,
    b1: usize,
    b2: usize,
    b3: usize,
    start: usize,
    startRow: usize,
    c: usize,
    ldc: usize,
    cols: i32,
    k: i32,
  ): void {
    let c00 = V.zero()
    let c01 = V.zero()
    let c02 = V.zero()
    let c03 = V.zero()
    let c10 = V.zero()
    let c11 = V.zero()
    let c12 = V.zero()
    let c13 = V.zero()
    let a1 = single ? a : a + lda
    let x0: v128
    let x1 = V.zero()
    let y: v128
    const rest = k & 3
    if (rest) {
      const end = (<usize>(k - rest)) << 2
      const mask = V.load(LANES + 12 - ((<usize>rest) << 2))
      x0 = v128.and(V.load(a + end), mask)
      if (!single) x1 = v128.and(V.load(a1 + end), mask)
      y = v128.and(V.load(b0 + end), mask)
      c00 = V.fma(x0, y, c00)
      if (!single) c10 = V.fma(x1, y, c10)
      y = v128.and(V.load(b1 + end), mask)
      c01 = V.fma(x0, y, c01)
      if (!single) c11 = V.fma(x1, y, c11)
      y = v128.and(V.load(b2 + end), mask)
      c02 = V.fma(x0, y, c02)
      if (!single) c12 = V.fma(x1, y, c12)
      y = v128.and(V.load(b3 + end), mask)
      c03 = V.fma(x0, y, c03)
      if (!single) c13 = V.fma(x1, y, c13)
    }
    for (k >>= 2; k > 0; k -= 4) {
      x0 = V.load(a)
      if (!single) x1 = V.load(a1)
      y = V.load(b0)
      c00 = V.fma(x0, y, c00)
      if (!single) c10 = V.fma(x1, y, c10)
      if (k === -1) break
      y = V.load(b1)
      c01 = V.fma(x0, y, c01)
      if (!single) c11 = V.fma(x1, y, c11)
      y = V.load(b2)
      c02 = V.fma(x0, y, c02)
      if (!single) c12 = V.fma(x1, y, c12)
      y = V.load(b3)
      c03 = V.fma(x0, y, c03)
      if (!single) c13 = V.fma(x1, y, c13)
      if (k === 1) break

      x0 = V.load(a + 16)
      if (!single) x1 = V.load(a1 + 16)
      y = V.load(b0 + 16)
      c00 = V.fma(x0, y, c00)
      if (!single) c10 = V.fma(x1, y, c10)
      if (k === -2) break
      y = V.load(b1 + 16)
      c01 = V.fma(x0, y, c01)
      if (!single) c11 = V.fma(x1, y, c11)
      y = V.load(b2 + 16)
      c02 = V.fma(x0, y, c02)
      if (!single) c12 = V.fma(x1, y, c12)
      y = V.load(b3 + 16)
      c03 = V.fma(x0, y, c03)
      if (!single) c13 = V.fma(x1, y, c13)
      if (k === 2) break

      x0 = V.load(a + 32)
      if (!single) x1 = V.load(a1 + 32)
      y = V.load(b0 + 32)
      c00 = V.fma(x0, y, c00)
      if (!single) c10 = V.fma(x1, y, c10)
      if (k === -3) break
      y = V.load(b1 + 32)
      c01 = V.fma(x0, y, c01)
      if (!single) c11 = V.fma(x1, y, c11)
      y = V.load(b2 + 32)
      c02 = V.fma(x0, y, c02)
      if (!single) c12 = V.fma(x1, y, c12)
      y = V.load(b3 + 32)
      c03 = V.fma(x0, y, c03)
      if (!single) c13 = V.fma(x1, y, c13)
      if (k === 3) break

      x0 = V.load(a + 48)
      if (!single) x1 = V.load(a1 + 48)
      y = V.load(b0 + 48)
      c00 = V.fma(x0, y, c00)
      if (!single) c10 = V.fma(x1, y, c10)
      if (k === -4) break
      y = V.load(b1 + 48)
      c01 = V.fma(x0, y, c01)
      if (!single) c11 = V.fma(x1, y, c11)
      y = V.load(b2 + 48)
      c02 = V.fma(x0, y, c02)
      if (!single) c12 = V.fma(x1, y, c12)
      y = V.load(b3 + 48)
      c03 = V.fma(x0, y, c03)
      if (!single) c13 = V.fma(x1, y, c13)
      a += 64
      a1 += 64
      b0 += 64
      b1 += 64
      b2 += 64
      b3 += 64
    }

    if (!single) V.storeUpTo(c + ldc, V.add(V.load(start + startRow), V.hsum4(c10, c11, c12, c13)), cols)
    V.storeUpTo(c, V.add(V.load(start), V.hsum4(c00, c01, c02, c03)), cols)
  }
}

/** `m` rows of `cols` columns of C as dot products: c = start + a . b. A is (m, k), B (cols, k). */
export function dotStrip(
  a: usize,
  lda: usize,
  b: usize,
  ldb: usize,
  start: usize,
  startRow: usize,
  c: usize,
  ldc: usize,
  m: i32,
  cols: i32,
  k: i32,
): void {
  const b1 = cols > 1 ? b + ldb : b
  const b2 = cols > 2 ? b1 + ldb : b1
  const b3 = cols > 3 ? b2 + ldb : b2
  for (; m >= 2; m -= 2) {
    DotTile.run(false, a, lda, b, b1, b2, b3, start, startRow, c, ldc, cols, k)
    a += lda << 1
    start += startRow << 1
    c += ldc << 1
  }
  if (m) DotTile.run(true, a, lda, b, b1, b2, b3, start, startRow, c, ldc, cols, k)
}
