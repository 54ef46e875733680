/**
 * Choosing elements by a condition c, bytes 0 and 1. Operands broadcast as in `binary.ts`; gradients are those of the
 * elements.
 */
import { Accumulate, Bytes, Store, StoreBytes, Words, zip3By } from './loops'
import { V } from './simd'

/** What the gradient is of an element that was not taken. */
const ZERO: usize = memory.data<f32>([0])

/** Bits are picked, not blended: NaN in what is not taken leaves no trace. */
class Where {
  @inline f(c: v128, a: v128, b: v128): v128 {
    return V.select(i32x4.gt_s(c, i32x4.splat(0)), a, b)
  }
}

/** y = c ? a : b. c: bool, a, b, y: of 4 bytes (rows, cols) */
export function where32(
  c: usize,
  a: usize,
  b: usize,
  y: usize,
  rows: i32,
  cols: i32,
  cRow: i32,
  cCol: i32,
  aRow: i32,
  aCol: i32,
  bRow: i32,
  bCol: i32,
): void {
  zip3By<Where, Bytes, Words, Words, Store>(c, a, b, y, rows, cols, cRow, cCol, aRow, aCol, bRow, bCol)
}

/** y = c ? a : b. c: bool, a, b, y: of 1 byte (rows, cols) */
export function where8(
  c: usize,
  a: usize,
  b: usize,
  y: usize,
  rows: i32,
  cols: i32,
  cRow: i32,
  cCol: i32,
  aRow: i32,
  aCol: i32,
  bRow: i32,
  bCol: i32,
): void {
  zip3By<Where, Bytes, Bytes, Bytes, StoreBytes>(c, a, b, y, rows, cols, cRow, cCol, aRow, aCol, bRow, bCol)
}

/** da (+)= c ? dy : 0. c: bool, dy, da: float32 (rows, cols) */
export function whereGradA(
  c: usize,
  dy: usize,
  da: usize,
  rows: i32,
  cols: i32,
  cRow: i32,
  cCol: i32,
  beta: i32,
): void {
  pick(c, dy, ZERO, da, rows, cols, cRow, cCol, cols, 1, 0, 0, beta)
}

/** db (+)= c ? 0 : dy. c: bool, dy, db: float32 (rows, cols) */
export function whereGradB(
  c: usize,
  dy: usize,
  db: usize,
  rows: i32,
  cols: i32,
  cRow: i32,
  cCol: i32,
  beta: i32,
): void {
  pick(c, ZERO, dy, db, rows, cols, cRow, cCol, 0, 0, cols, 1, beta)
}

/** y (+)= c ? a : b */
function pick(
  c: usize,
  a: usize,
  b: usize,
  y: usize,
  rows: i32,
  cols: i32,
  cRow: i32,
  cCol: i32,
  aRow: i32,
  aCol: i32,
  bRow: i32,
  bCol: i32,
  beta: i32,
): void {
  if (beta) zip3By<Where, Bytes, Words, Words, Accumulate>(c, a, b, y, rows, cols, cRow, cCol, aRow, aCol, bRow, bCol)
  else where32(c, a, b, y, rows, cols, cRow, cCol, aRow, aCol, bRow, bCol)
}
