/** Copies between any two layouts of one shape, plane by plane; and filling a dense one. */
import { BYTES, type Operand } from '../dtype.ts'
import { eachPlane, numelOf, type Shape } from '../shape.ts'
import { engine } from './engine.ts'
import type { Ptr } from './kernels.generated.ts'

/** y = x, of the same shape and element size. */
export function copyStrided(x: Operand, y: Operand): void {
  const { k } = engine()
  const bytes = BYTES[x.dtype]
  const copy = bytes === 4 ? k.copy32 : k.copy8
  eachPlane(x.shape, [x.strides, y.strides], ([from, to], rows, cols, row, col) => {
    copy(at(x, from), at(y, to), rows, cols, row[0], col[0], row[1], col[1])
  })
}

/** y += x, float32. */
export function addStrided(x: Operand, y: Operand): void {
  const { k } = engine()
  eachPlane(x.shape, [x.strides, y.strides], ([from, to], rows, cols, row, col) => {
    k.accumulate(at(x, from), at(y, to), rows, cols, row[0], col[0], row[1], col[1])
  })
}

/** y = x, or y += x with beta 1, which is for float32. */
export function moveStrided(x: Operand, y: Operand, beta: 0 | 1): void {
  if (beta) addStrided(x, y)
  else copyStrided(x, y)
}

/** Every element of `y`, which is dense, = `value`, which its dtype can hold. */
export function fillDense(y: Operand, value: number): void {
  const { k } = engine()
  if (y.dtype === 'float32') k.fillF32(y.ptr, y.numel, value)
  else if (y.dtype === 'int32') k.fillI32(y.ptr, y.numel, value)
  else k.fillU8(y.ptr, y.numel, value)
}

/** Where elements lie, in elements from the first. */
export interface Layout {
  readonly shape: Shape
  readonly strides: Shape
  readonly offset: number
}

/** The elements of `x` that `layout` shows. */
export const through = (x: Operand, { shape, strides, offset }: Layout): Operand => ({
  ptr: at(x, offset),
  shape,
  strides,
  numel: numelOf(shape),
  dtype: x.dtype,
})

/** The address of the element `offset` elements after the first. */
export const at = (x: Operand, offset: number): Ptr => (x.ptr + offset * BYTES[x.dtype]) as Ptr
