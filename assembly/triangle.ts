/** The lower or the upper triangle of matrices. */
import { accumulate } from './copy'
import { copyBytes } from './loops'

/**
 * y[o, r, c] = x[o, r, c] where c - r is at most `diagonal` (upper 0), or at least `diagonal` (upper 1); else 0.
 * x, y: (outer, rows, cols) of elements of `bytes` bytes.
 */
export function triangle(
  x: usize,
  y: usize,
  outer: i32,
  rows: i32,
  cols: i32,
  bytes: i32,
  diagonal: i32,
  upper: i32,
): void {
  const row = cols * bytes
  memory.fill(y, 0, outer * rows * row)
  for (; outer > 0; outer--) {
    for (let r = 0; r < rows; r++, x += row, y += row) {
      const from = Span.from(r, cols, diagonal, upper) * bytes
      copyBytes(y + from, x + from, Span.to(r, cols, diagonal, upper) * bytes - from)
    }
  }
}

/** dx (+)= the triangle of dy. dy, dx: (outer, rows, cols) */
export function triangleGrad(
  dy: usize,
  dx: usize,
  outer: i32,
  rows: i32,
  cols: i32,
  beta: i32,
  diagonal: i32,
  upper: i32,
): void {
  if (!beta) {
    triangle(dy, dx, outer, rows, cols, 4, diagonal, upper)
    return
  }
  const row = cols << 2
  for (; outer > 0; outer--) {
    for (let r = 0; r < rows; r++, dy += row, dx += row) {
      const from = Span.from(r, cols, diagonal, upper)
      const kept = Span.to(r, cols, diagonal, upper) - from
      accumulate(dy + (from << 2), dx + (from << 2), 1, kept, 0, 1, 0, 1)
    }
  }
}

/** The columns of a row that stay. */
class Span {
  @inline static from(r: i32, cols: i32, diagonal: i32, upper: i32): i32 {
    return upper ? max(0, min(cols, r + diagonal)) : 0
  }
  /** The first column behind them. */
  @inline static to(r: i32, cols: i32, diagonal: i32, upper: i32): i32 {
    return upper ? cols : max(0, min(cols, r + diagonal + 1))
  }
}
