/** Operands of rows and columns, in every way that broadcasting and views lay them. */
import type { Ptr } from '../../src/runtime/kernels.generated.ts'
import { offset } from './data.ts'
import { EDGE_LENGTHS } from './harness.ts'

/** Rows and columns at which a loop over rows can go wrong. */
export const SHAPES: [number, number][] = [
  ...EDGE_LENGTHS.map((n): [number, number] => [1, n]),
  ...EDGE_LENGTHS.filter((n) => n < 20).map((n): [number, number] => [3, n]),
  [17, 1],
  [0, 5],
  [32, 10],
]

/** Row and column strides of an operand, and how many of its elements lie before its first. */
const PATTERNS = {
  dense: (_rows: number, cols: number) => [cols, 1, 0],
  row: () => [0, 1, 0],
  column: () => [1, 0, 0],
  scalar: () => [0, 0, 0],
  spaced: (_rows: number, cols: number) => [cols + 3, 1, 0],
  reversed: (rows: number, cols: number) => [-cols, 1, Math.max(rows - 1, 0) * cols],
} as const
export const NAMES = Object.keys(PATTERNS) as (keyof typeof PATTERNS)[]

interface Operand {
  p: Ptr
  row: number
  col: number
  at(r: number, c: number): number
}

/** An operand that lies by a pattern, with data by `make`, put into memory by `place`; `size` is the bytes of an element. */
export function operand(
  pattern: keyof typeof PATTERNS,
  rows: number,
  cols: number,
  make: (n: number) => ArrayLike<number>,
  place: (data: ArrayLike<number>) => Ptr,
  size = 4,
): Operand {
  const [row, col, first] = PATTERNS[pattern](rows, cols) as [number, number, number]
  const n = first + 1 + Math.max(0, rows - 1) * Math.max(row, 0) + Math.max(0, cols - 1) * col
  const data = make(n)
  return { p: offset(place(data), first, size), row, col, at: (r, c) => data[first + r * row + c * col]! }
}

/** f of each row, column and index. */
export const each = (rows: number, cols: number, f: (r: number, c: number, i: number) => number) =>
  Array.from({ length: rows * cols }, (_, i) => f(Math.floor(i / cols), i % cols, i))
