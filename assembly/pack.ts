/** Packing: parts of a matrix copied into panels that a tile walks in one go. Strides in bytes. */
import { V } from './simd'

/** Columns 0 to `cols` - 1, at most 8, of a matrix stored (k, n): a panel (k, 8) with garbage past `cols`. */
export function packRows(b: usize, ldb: usize, cols: i32, k: i32, panel: usize): void {
  const half: usize = cols > 4 ? 16 : 0
  for (; k > 0; k--) {
    const lo = V.load(b)
    const hi = V.load(b + half)
    V.store(panel, lo)
    V.store(panel + 16, hi)
    b += ldb
    panel += 32
  }
}

/** The same from a matrix stored (n, k). Its rows past `cols` may not exist: the last one is repeated. */
export function packTransposed(b: usize, ldb: usize, cols: i32, k: i32, panel: usize): void {
  for (let j = 0; j < 8; j++) {
    for (let i = 0; i < k; i++) store<f32>(panel + ((<usize>i) << 5), load<f32>(b + ((<usize>i) << 2)))
    panel += 4
    if (j < cols - 1) b += ldb
  }
}

/** All columns of a matrix stored (k, m): a panel (k, 4) for every four, one after the other, garbage past `m`. */
export function packColumns(a: usize, lda: usize, m: i32, k: i32, panel: usize): void {
  const tileStep = (<usize>k) << 4
  for (; k > 0; k--) {
    let from = a
    let to = panel
    for (let i = 0; i < m; i += 4) {
      V.store(to, V.load(from))
      from += 16
      to += tileStep
    }
    a += lda
    panel += 16
  }
}
