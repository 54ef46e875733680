/**
 * Skipping the zeros of an input x: four of five pixels of MNIST, all but one element of a one-hot row. gemm looks at
 * the data and comes here where enough products are zero:
 *   NT  x . w^T    per row of x, a list of the groups of four k with an element other than 0, for all columns of C
 *   TN  dy^T . x   per eight columns of x, a list of the rows with an element other than 0, for all rows of C
 *
 * The bits are those of the dense strips. What is left out are products of 0 or -0 and a finite number, thus 0 or -0,
 * and adding those changes no sum but -0. A sum that starts from +0 never becomes -0: +0 + -0 and x + -x are +0, and
 * sums do not underflow. (This needs products rounded by themselves: a fused one may underflow to -0.) So the other
 * operand has to be finite, since 0 * Infinity is NaN, and sums have to start from +0: those of NT always do, those of
 * TN without bias and with beta 0. NaN is not 0.
 */
import { V } from './simd'

/** Columns of C that a list strip covers, and of a panel of B. */
const COLS = 8

/** A group of four k in a list: its place in a panel of B (u32), then the four elements of A. */
const GROUP = 20

/** The choice: by shape whether to look for zeros, by the data whether to skip them. */
export class Sparse {
  /** NT: the rows repay packing B, the columns the lists. */
  @inline static looksAtGroups(m: i32, n: i32, k: i32): bool {
    return m >= 8 && n >= 16 && k >= 32
  }

  /** TN: with this much to do for eight columns, looking at them in vain costs about 1 %; for wide inputs only. */
  @inline static looksAtRows(m: i32, n: i32, k: i32, transA: i32, transB: i32): bool {
    return transA !== 0 && transB === 0 && n >= 256 && k >= 16 && m * k >= 4096
  }

  /** Whether skipping is faster if `kept` of `seen` groups or rows stay; with 5/8 of them it is about even. */
  @inline static pays(kept: i32, seen: i32): bool {
    return kept << 3 <= seen * 5
  }

  /** Bytes of scratch for listedColumns: a panel and lists, one row longer than pays, with a group to spare. */
  @inline static groupScratch(m: i32, k: i32): i32 {
    const groups = (k + 3) >> 2
    return groups * (COLS << 4) + (((groups * m * 5) >> 3) + groups + 1) * GROUP + (m << 2)
  }
}

/** Whether `m` rows of `n` elements hold neither NaN nor infinity: x - x is +0 for all others. */
export function allFinite(a: usize, lda: usize, m: i32, n: i32): bool {
  const rest = n & 3
  const whole = (<usize>(n - rest)) << 2
  const mask = V.firstLanes(rest)
  let bad = V.zero()
  for (; m > 0; m--) {
    for (let at: usize = 0; at < whole; at += 16) {
      const x = V.load(a + at)
      bad = v128.or(bad, V.sub(x, x))
    }
    if (rest) {
      const x = v128.and(V.load(a + whole), mask)
      bad = v128.or(bad, V.sub(x, x))
    }
    a += lda
  }
  return !v128.any_true(bad)
}

/**
 * Lists the groups of `m` rows of A (m, k): for each row the end of its list (u32), then GROUP bytes per group, the
 * one past the last multiple of four first. False, with the list unfinished, if too few elements are zero.
 */
function listGroups(a: usize, lda: usize, m: i32, k: i32, list: usize): bool {
  const groups = (k + 3) >> 2
  const rest = k & 3
  const whole = (<usize>(k - rest)) << 2
  const mask = V.firstLanes(rest)
  let kept: usize = 0
  for (let i = 1; i <= m; i++) {
    const from = list + 4
    let to = from
    if (rest) to = ListTile.keep(to, v128.and(V.load(a + whole), mask), whole)
    for (let at: usize = 0; at < whole; at += 16) to = ListTile.keep(to, V.load(a + at), at)
    store<usize>(list, to)
    list = to
    kept += to - from
    if (!Sparse.pays(<i32>kept / GROUP, i * groups)) return false
    a += lda
  }
  return true
}

/**
 * Columns 0 to `cols` - 1, at most 8, of B stored (n, k), as a panel of groups: four k of each column, side by side,
 * 0 past `k`, the last column repeated past `cols`. False if one of its elements is not finite.
 */
function packGroups(b: usize, ldb: usize, cols: i32, k: i32, panel: usize): bool {
  const rest = k & 3
  const whole = (<usize>(k - rest)) << 2
  const mask = V.firstLanes(rest)
  let bad = V.zero()
  for (let j = 0; j < COLS; j++) {
    let to = panel
    for (let at: usize = 0; at < whole; at += 16) {
      const x = V.load(b + at)
      V.store(to, x)
      bad = v128.or(bad, V.sub(x, x))
      to += COLS << 4
    }
    if (rest) {
      const x = v128.and(V.load(b + whole), mask)
      V.store(to, x)
      bad = v128.or(bad, V.sub(x, x))
    }
    panel += 16
    if (j < cols - 1) b += ldb
  }
  return !v128.any_true(bad)
}

class ListTile {
  /** Appends a group, `at` bytes into its row, if it has an element other than 0: the end of the list. */
  @inline static keep(list: usize, x: v128, at: usize): usize {
    store<usize>(list, at * COLS)
    V.store(list + 4, x)
    return v128.any_true(f32x4.ne(x, V.zero())) ? list + GROUP : list
  }

  /**
   * 1 x 8 elements of C from the list of a row and a panel, in the order of dot.ts. One row, since the groups of two
   * would be half as many again (MNIST: 40 % of all instead of 28 %). The branch never taken (a list lies higher)
   * splits the step as in dot.ts: without it the loads come first and spill.
   */
  @inline static run(list: usize, end: usize, panel: usize, start: usize, c: usize, cols: i32): void {
    let c0 = V.zero()
    let c1 = V.zero()
    let c2 = V.zero()
    let c3 = V.zero()
    let c4 = V.zero()
    let c5 = V.zero()
    let c6 = V.zero()
    let c7 = V.zero()
    for (; list < end; list += GROUP) {
      const b = panel + load<usize>(list)
      const x = V.load(list + 4)
      c0 = V.fma(x, V.load(b), c0)
      c1 = V.fma(x, v128.load(b, 16), c1)
      c2 = V.fma(x, v128.load(b, 32), c2)
      c3 = V.fma(x, v128.load(b, 48), c3)
      if (list === 4) break
      c4 = V.fma(x, v128.load(b, 64), c4)
      c5 = V.fma(x, v128.load(b, 80), c5)
      c6 = V.fma(x, v128.load(b, 96), c6)
      c7 = V.fma(x, v128.load(b, 112), c7)
    }
    const low = V.add(V.load(start), V.hsum4(c0, c1, c2, c3))
    if (cols > 4) {
      const high = V.add(V.load(start + 16), V.hsum4(c4, c5, c6, c7))
      V.store(c, low)
      V.storeUpTo(c + 16, high, cols - 4)
    } else {
      V.storeUpTo(c, low, cols)
    }
  }
}

/** `m` rows of `cols` columns of C from the lists of the rows of A and a panel of B. */
function listStrip(
  list: usize,
  panel: usize,
  start: usize,
  startRow: usize,
  c: usize,
  ldc: usize,
  m: i32,
  cols: i32,
): void {
  for (; m > 0; m--) {
    const end = load<usize>(list)
    ListTile.run(list + 4, end, panel, start, c, cols)
    list = end
    start += startRow
    c += ldc
  }
}

/**
 * The dot product of gemm, c = start + a . b, A (m, k), B (n, k), without the zeros of A, for as many columns of C as
 * it pays for: none if A is small or has too few zeros, else up to the first that are not finite. Returns their number.
 * `start` advances by `startCol` bytes a column.
 */
export function listedColumns(
  a: usize,
  lda: usize,
  b: usize,
  ldb: usize,
  start: usize,
  startRow: usize,
  startCol: usize,
  c: usize,
  ldc: usize,
  m: i32,
  n: i32,
  k: i32,
  scratch: usize,
): i32 {
  if (!Sparse.looksAtGroups(m, n, k)) return 0
  const list = scratch + <usize>((k + 3) >> 2) * (COLS << 4)
  if (!listGroups(a, lda, m, k, list)) return 0
  for (let j = 0; j < n; j += COLS) {
    const cols = min(n - j, COLS)
    if (!packGroups(b, ldb, cols, k, scratch)) return j
    listStrip(list, scratch, start, startRow, c, ldc, m, cols)
    b += ldb * COLS
    start += startCol * COLS
    c += COLS << 2
  }
  return n
}

/**
 * The rows of B (k, n) that are not 0 in columns 0 to `cols` - 1, at most 8, as a panel (kept, 8), and for each the
 * distance from the row of A before it, u32, the first from row 0. Row 0 is always kept, garbage past `cols` may keep
 * others. Returns their number, or 0 if too few rows are zero.
 */
export function keepRows(b: usize, ldb: usize, cols: i32, k: i32, lda: usize, panel: usize, list: usize): i32 {
  const half: usize = cols > 4 ? 16 : 0
  let kept = 0
  let distance: usize = 0
  for (let p = 0; p < k; p++) {
    const lo = V.load(b)
    const hi = V.load(b + half)
    if (p === 0 || v128.any_true(v128.or(f32x4.ne(lo, V.zero()), f32x4.ne(hi, V.zero())))) {
      V.store(panel, lo)
      V.store(panel + 16, hi)
      store<usize>(list, distance)
      panel += 32
      list += 4
      distance = 0
      kept++
      if (!Sparse.pays(kept - 3, p)) return 0
    }
    distance += lda
    b += ldb
  }
  return kept
}
