/**
 * The chain tile of GEMM: 4 x 8 elements of C, each summed in the order of k. A strip walks it down the rows of C and
 * is a function of its own: few variables, called often, so that V8 compiles it early and well.
 *
 * What the code owes to V8 (bench/lab measures the whole):
 * - Four k-steps a turn with a real branch between them. In one basic block V8 would hoist the loads and spill.
 *   The branches also serve any K without a remainder loop.
 * - `v128.load32_splat(a, 8)`: an offset that Binaryen folds into plain loads, but not into this one.
 * - 4 x 8 runs as fast as 5 x 8 and makes better panels; 6 x 8 and 4 x 16 spill.
 *
 * Edges: row pointers past the last row alias it, and rows are stored from the last to the first, so that the true
 * one stays; columns past the edge are computed and not stored.
 */
import { V } from './simd'

/** Columns of C that a strip covers. */
export const CHAIN_COLS = 8

/** How A is stored: (m, k), or (k, m), or (k, m) of which a list gives the rows to take. */
class RowMajor {
  @inline kMajor(): bool {
    return false
  }
  @inline listed(): bool {
    return false
  }
}
class KMajor {
  @inline kMajor(): bool {
    return true
  }
  @inline listed(): bool {
    return false
  }
}
class Listed {
  @inline kMajor(): bool {
    return true
  }
  @inline listed(): bool {
    return true
  }
}

/** How many columns a strip stores: 5 to 8, or 1 to 4. */
class Wide {
  @inline wide(): bool {
    return true
  }
}
class Narrow {
  @inline wide(): bool {
    return false
  }
}

class ChainTile {
  /**
   * 4 x 8 elements of C, each a chain: start, then += a * b in the order of k. Narrow: 4 x 4; single: one row.
   * kMajor: A is (k, rows), else (rows, k); `lda` is its row stride in bytes, or if `listed`, the address of
   * the distances from each row to the next, as u32. `start` has `rows` rows `startRow` apart.
   */
  @inline static run(
    kMajor: bool,
    listed: bool,
    wide: bool,
    single: bool,
    a: usize,
    lda: usize,
    b: usize,
    ldb: usize,
    start: usize,
    startRow: usize,
    c: usize,
    ldc: usize,
    rows: i32,
    cols: i32,
    k: i32,
  ): void {
    const start1 = rows > 1 ? start + startRow : start
    const start2 = rows > 2 ? start1 + startRow : start1
    const start3 = rows > 3 ? start2 + startRow : start2
    let c00 = V.load(start)
    let c10 = V.load(start1)
    let c20 = V.load(start2)
    let c30 = V.load(start3)
    let c01 = V.zero()
    let c11 = V.zero()
    let c21 = V.zero()
    let c31 = V.zero()
    if (wide) {
      c01 = V.load(start + 16)
      c11 = V.load(start1 + 16)
      c21 = V.load(start2 + 16)
      c31 = V.load(start3 + 16)
    }

    let a1 = rows > 1 ? a + lda : a
    let a2 = rows > 2 ? a1 + lda : a1
    let a3 = rows > 3 ? a2 + lda : a2
    let x: v128
    let b0: v128
    let b1 = V.zero()
    for (;;) {
      b0 = V.load(b)
      if (wide) b1 = V.load(b + 16)
      x = V.loadSplat(a)
      c00 = V.fma(x, b0, c00)
      if (wide) c01 = V.fma(x, b1, c01)
      if (!single) {
        x = kMajor ? v128.load32_splat(a, 4) : V.loadSplat(a1)
        c10 = V.fma(x, b0, c10)
        if (wide) c11 = V.fma(x, b1, c11)
        x = kMajor ? v128.load32_splat(a, 8) : V.loadSplat(a2)
        c20 = V.fma(x, b0, c20)
        if (wide) c21 = V.fma(x, b1, c21)
        x = kMajor ? v128.load32_splat(a, 12) : V.loadSplat(a3)
        c30 = V.fma(x, b0, c30)
        if (wide) c31 = V.fma(x, b1, c31)
      }
      b += ldb
      if (kMajor) a += listed ? load<usize>(lda) : lda
      if (k === 1) break

      b0 = V.load(b)
      if (wide) b1 = V.load(b + 16)
      x = kMajor ? V.loadSplat(a) : v128.load32_splat(a, 4)
      c00 = V.fma(x, b0, c00)
      if (wide) c01 = V.fma(x, b1, c01)
      if (!single) {
        x = kMajor ? v128.load32_splat(a, 4) : v128.load32_splat(a1, 4)
        c10 = V.fma(x, b0, c10)
        if (wide) c11 = V.fma(x, b1, c11)
        x = kMajor ? v128.load32_splat(a, 8) : v128.load32_splat(a2, 4)
        c20 = V.fma(x, b0, c20)
        if (wide) c21 = V.fma(x, b1, c21)
        x = kMajor ? v128.load32_splat(a, 12) : v128.load32_splat(a3, 4)
        c30 = V.fma(x, b0, c30)
        if (wide) c31 = V.fma(x, b1, c31)
      }
      b += ldb
      if (kMajor) a += listed ? load<usize>(lda, 4) : lda
      if (k === 2) break

      b0 = V.load(b)
      if (wide) b1 = V.load(b + 16)
      x = kMajor ? V.loadSplat(a) : v128.load32_splat(a, 8)
      c00 = V.fma(x, b0, c00)
      if (wide) c01 = V.fma(x, b1, c01)
      if (!single) {
        x = kMajor ? v128.load32_splat(a, 4) : v128.load32_splat(a1, 8)
        c10 = V.fma(x, b0, c10)
        if (wide) c11 = V.fma(x, b1, c11)
        x = kMajor ? v128.load32_splat(a, 8) : v128.load32_splat(a2, 8)
        c20 = V.fma(x, b0, c20)
        if (wide) c21 = V.fma(x, b1, c21)
        x = kMajor ? v128.load32_splat(a, 12) : v128.load32_splat(a3, 8)
        c30 = V.fma(x, b0, c30)
        if (wide) c31 = V.fma(x, b1, c31)
      }
      b += ldb
      if (kMajor) a += listed ? load<usize>(lda, 8) : lda
      if (k === 3) break

      b0 = V.load(b)
      if (wide) b1 = V.load(b + 16)
      x = kMajor ? V.loadSplat(a) : v128.load32_splat(a, 12)
      c00 = V.fma(x, b0, c00)
      if (wide) c01 = V.fma(x, b1, c01)
      if (!single) {
        x = kMajor ? v128.load32_splat(a, 4) : v128.load32_splat(a1, 12)
        c10 = V.fma(x, b0, c10)
        if (wide) c11 = V.fma(x, b1, c11)
        x = kMajor ? v128.load32_splat(a, 8) : v128.load32_splat(a2, 12)
        c20 = V.fma(x, b0, c20)
        if (wide) c21 = V.fma(x, b1, c21)
        x = kMajor ? v128.load32_splat(a, 12) : v128.load32_splat(a3, 12)
        c30 = V.fma(x, b0, c30)
        if (wide) c31 = V.fma(x, b1, c31)
      }
      b += ldb
      a += listed ? load<usize>(lda, 12) : kMajor ? lda : 16
      if (listed) lda += 16
      a1 += 16
      a2 += 16
      a3 += 16
      k -= 4
      if (k === 0) break
    }

    if (!single) {
      const row1 = rows > 1 ? c + ldc : c
      const row2 = rows > 2 ? row1 + ldc : row1
      const row3 = rows > 3 ? row2 + ldc : row2
      ChainTile.store(wide, row3, c30, c31, cols)
      ChainTile.store(wide, row2, c20, c21, cols)
      ChainTile.store(wide, row1, c10, c11, cols)
    }
    ChainTile.store(wide, c, c00, c01, cols)
  }

  @inline static store(wide: bool, c: usize, lo: v128, hi: v128, cols: i32): void {
    if (wide) {
      V.store(c, lo)
      V.storeUpTo(c + 16, hi, cols - 4)
    } else {
      V.storeUpTo(c, lo, cols)
    }
  }
}

/**
 * `m` rows of `cols` columns of C as chains: c = start, then c += a * b for each k in turn.
 * A as its type says, with row stride `lda` and `aTile` bytes from one group of four rows of C to the next; B (k, cols).
 */
function strip<A, W>(
  a: usize,
  lda: usize,
  aTile: usize,
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
  const kMajor = changetype<A>(0).kMajor()
  const listed = changetype<A>(0).listed()
  const wide = changetype<W>(0).wide()
  for (; m >= 4; m -= 4) {
    ChainTile.run(kMajor, listed, wide, false, a, lda, b, ldb, start, startRow, c, ldc, 4, cols, k)
    a += aTile
    start += startRow << 2
    c += ldc << 2
  }
  if (m > 1) ChainTile.run(kMajor, listed, wide, false, a, lda, b, ldb, start, startRow, c, ldc, m, cols, k)
  else if (m) ChainTile.run(kMajor, listed, wide, true, a, lda, b, ldb, start, startRow, c, ldc, 1, cols, k)
}

/** The strip for A stored (m, k), or (k, m) if `transA`, and 1 to CHAIN_COLS columns. */
export class Chain {
  @inline static strip(
    transA: i32,
    a: usize,
    lda: usize,
    aTile: usize,
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
    if (transA) {
      if (cols > 4) strip<KMajor, Wide>(a, lda, aTile, b, ldb, start, startRow, c, ldc, m, cols, k)
      else strip<KMajor, Narrow>(a, lda, aTile, b, ldb, start, startRow, c, ldc, m, cols, k)
    } else {
      if (cols > 4) strip<RowMajor, Wide>(a, lda, aTile, b, ldb, start, startRow, c, ldc, m, cols, k)
      else strip<RowMajor, Narrow>(a, lda, aTile, b, ldb, start, startRow, c, ldc, m, cols, k)
    }
  }

  /** The strip for `k` rows of A stored (k, m), with the distance to each in `list`, the first from `a`, and a panel. */
  @inline static listedStrip(
    a: usize,
    list: usize,
    aTile: usize,
    panel: usize,
    start: usize,
    startRow: usize,
    c: usize,
    ldc: usize,
    m: i32,
    cols: i32,
    k: i32,
  ): void {
    a += load<usize>(list)
    list += 4
    if (cols > 4) strip<Listed, Wide>(a, list, aTile, panel, CHAIN_COLS << 2, start, startRow, c, ldc, m, cols, k)
    else strip<Listed, Narrow>(a, list, aTile, panel, CHAIN_COLS << 2, start, startRow, c, ldc, m, cols, k)
  }
}
