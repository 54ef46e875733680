/**
 * Matrix products, C = beta * C + op(A) . op(B) + bias, in the forms that a Linear layer needs:
 *   NT  A . B^T    forward, weights stored (out, in)
 *   TN  A^T . B    gradient of the weights; k is the batch
 *   NN  A . B      gradient of the input, plain matmul
 *   TT             through packing
 *
 * The order in which an element of C is summed is a function of k and the form alone, never of m, n, strides, tile or
 * thread: a row gives the same bits in any batch. Let start = beta * C + bias, rounded once.
 *   NT          c = start + dot, for each K_DOT of k in turn; dot has four sums over k mod 4, the k past the last
 *               multiple of four first, combined as (0 + 2) + (1 + 3).
 *   NN, TN, TT  c = start, then c += a * b for each k in turn.
 * Packing and blocks move data, they never change an order: a chain goes through memory between blocks of K as it is.
 * Nor do the zeros that NT and TN leave out of A and of B where there are many: sparse.ts says why.
 */
import { CHAIN_COLS, Chain } from './chain'
import { DOT_COLS, dotStrip } from './dot'
import { packColumns, packRows, packTransposed } from './pack'
import { V } from './simd'
import { allFinite, keepRows, listedColumns, Sparse } from './sparse'

/** Four rows of B in a dot strip, 16 KB at most, stay in L1. Part of the summing order. */
const K_DOT = 1024
/** Rows of A that stay in L2 while dot strips pass over them. */
const M_DOT = 64
/** A panel of B, 8 KB at most, stays in L1, and K_CHAIN x M_CHAIN of A, 256 KB, in L2. */
const K_CHAIN = 256
const M_CHAIN = 256

/** What a chain strip without bias starts from. */
const ZEROS = memory.data<f32>([0, 0, 0, 0, 0, 0, 0, 0], 16)

/**
 * The choice by shape: what gets packed into scratch. Copying pays where it is used often enough, and most where the
 * rows lie a multiple of 1 KB apart and so compete for a few cache sets. gemmScratch does not know the strides,
 * so it asks with the worst one.
 */
class Packs {
  /** B in panels of (k, 8), repaid by the m rows that use each. */
  @inline static b(m: i32, k: i32, bRow: usize, transB: i32): bool {
    if (transB) return true
    return bRow & 1023 ? m >= 32 && k >= 64 : m >= 16 && k >= 16
  }

  /** A stored (k, m) in panels of (k, 4), repaid by the n columns that use each. */
  @inline static a(n: i32, k: i32, aRow: usize, transA: i32): bool {
    return transA !== 0 && (aRow & 2047) === 0 && n >= 32 && k >= 16
  }
}

/** Addresses. */
class At {
  @inline static element(p: usize, row: i32, stride: usize, col: i32): usize {
    return p + <usize>row * stride + ((<usize>col) << 2)
  }

  /** Where a strip reads its start from: C itself, the bias or zeros. */
  @inline static start(c: usize, bias: usize, col: i32, beta: i32): usize {
    if (beta) return c
    return bias ? bias + ((<usize>col) << 2) : ZEROS
  }
}

/**
 * C (m, n) = beta * C + op(A) (m, k) . op(B) (k, n) + bias (n). bias 0: none; beta: 0 or 1.
 * A is stored (m, k), with transA (k, m); B (k, n), with transB (n, k); lda, ldb, ldc are the strides of their rows.
 * Rows of A and of B may lie backwards or over one another.
 * scratch: gemmScratch(...) bytes.
 */
export function gemm(
  a: usize,
  b: usize,
  bias: usize,
  c: usize,
  scratch: usize,
  m: i32,
  n: i32,
  k: i32,
  lda: i32,
  ldb: i32,
  ldc: i32,
  transA: i32,
  transB: i32,
  beta: i32,
): void {
  const aRow = (<usize>lda) << 2
  const bRow = (<usize>ldb) << 2
  const cRow = (<usize>ldc) << 2
  if (k === 0 || (beta && bias)) {
    makeStart(bias, c, m, n, cRow, beta)
    beta = 1
  }
  if (transB && !transA) dots(a, b, bias, c, scratch, m, n, k, aRow, bRow, cRow, beta)
  else chains(a, b, bias, c, scratch, m, n, k, aRow, bRow, cRow, transA, transB, beta)
}

/** Bytes of scratch that gemm needs for these sizes, whatever the strides: at most 266 KB. */
export function gemmScratch(m: i32, n: i32, k: i32, transA: i32, transB: i32): i32 {
  if (transB && !transA) return Sparse.looksAtGroups(m, n, k) ? Sparse.groupScratch(min(m, M_DOT), min(k, K_DOT)) : 0
  const rows = min(k, K_CHAIN)
  const skips = Sparse.looksAtRows(m, n, k, transA, transB)
  const panel = skips || Packs.b(m, k, 0, transB) ? CHAIN_COLS * rows : 0
  const block = Packs.a(n, k, 0, transA) ? ((min(m, M_CHAIN) + 3) & ~3) * rows : 0
  const list = skips ? rows + 1 : 0
  return (panel + block + list) << 2
}

/** C = start. */
function makeStart(bias: usize, c: usize, m: i32, n: i32, cRow: usize, beta: i32): void {
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j += 4) {
      const p = At.element(c, i, cRow, j)
      let start = bias ? V.load(At.element(bias, 0, 0, j)) : V.zero()
      if (beta) start = V.add(V.load(p), start)
      V.storeUpTo(p, start, min(n - j, 4))
    }
  }
}

function dots(
  a: usize,
  b: usize,
  bias: usize,
  c: usize,
  scratch: usize,
  m: i32,
  n: i32,
  k: i32,
  aRow: usize,
  bRow: usize,
  cRow: usize,
  beta: i32,
): void {
  for (let kk = 0; kk < k; kk += K_DOT) {
    const depth = min(k - kk, K_DOT)
    const startRow = beta ? cRow : 0
    const panel = At.element(b, 0, bRow, kk)
    for (let i = 0; i < m; i += M_DOT) {
      const rows = min(m - i, M_DOT)
      const block = At.element(a, i, aRow, kk)
      const to = At.element(c, i, cRow, 0)
      const start = At.start(to, bias, 0, beta)
      const startCol: usize = start === ZEROS ? 0 : 4
      let j = listedColumns(block, aRow, panel, bRow, start, startRow, startCol, to, cRow, rows, n, depth, scratch)
      for (; j < n; j += DOT_COLS) {
        const cols = min(n - j, DOT_COLS)
        const to = At.element(c, i, cRow, j)
        const start = At.start(to, bias, j, beta)
        dotStrip(block, aRow, At.element(b, j, bRow, kk), bRow, start, startRow, to, cRow, rows, cols, depth)
      }
    }
    beta = 1
  }
}

function chains(
  a: usize,
  b: usize,
  bias: usize,
  c: usize,
  scratch: usize,
  m: i32,
  n: i32,
  k: i32,
  aRow: usize,
  bRow: usize,
  cRow: usize,
  transA: i32,
  transB: i32,
  beta: i32,
): void {
  const packA = Packs.a(n, k, aRow, transA)
  const packB = Packs.b(m, k, bRow, transB)
  const looks = !beta && !bias && Sparse.looksAtRows(m, n, k, transA, transB)
  for (let kk = 0; kk < k; kk += K_CHAIN) {
    const depth = min(k - kk, K_CHAIN)
    const startRow = beta ? cRow : 0
    const aPanels = scratch + (looks || packB ? <usize>depth * (CHAIN_COLS << 2) : 0)
    for (let i = 0; i < m; i += M_CHAIN) {
      const rows = min(m - i, M_CHAIN)
      let block = transA ? At.element(a, kk, aRow, i) : At.element(a, i, aRow, kk)
      let blockRow = aRow
      let blockTile: usize = transA ? 16 : aRow << 2
      const skips = looks && allFinite(block, aRow, depth, rows)
      const list = aPanels + (packA ? (<usize>((rows + 3) & ~3) * depth) << 2 : 0)
      if (packA) {
        packColumns(block, aRow, rows, depth, aPanels)
        block = aPanels
        blockRow = 16
        blockTile = (<usize>depth) << 4
      }
      for (let j = 0; j < n; j += CHAIN_COLS) {
        const cols = min(n - j, CHAIN_COLS)
        const to = At.element(c, i, cRow, j)
        const start = At.start(to, bias, j, beta)
        let panel = transB ? At.element(b, j, bRow, kk) : At.element(b, kk, bRow, j)
        let panelRow = bRow
        if (skips) {
          const kept = keepRows(panel, bRow, cols, depth, blockRow, scratch, list)
          if (kept) {
            Chain.listedStrip(block, list, blockTile, scratch, start, startRow, to, cRow, rows, cols, kept)
            continue
          }
        }
        if (packB) {
          if (transB) packTransposed(panel, bRow, cols, depth, scratch)
          else packRows(panel, bRow, cols, depth, scratch)
          panel = scratch
          panelRow = CHAIN_COLS << 2
        }
        Chain.strip(transA, block, blockRow, blockTile, panel, panelRow, start, startRow, to, cRow, rows, cols, depth)
      }
    }
    beta = 1
  }
}
