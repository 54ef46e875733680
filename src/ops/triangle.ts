/** Triangles of matrices. */
import { defineOp } from '../autograd/op.ts'
import { check } from '../autograd/operands.ts'
import { BYTES } from '../dtype.ts'
import { OptionError, ShapeError } from '../errors.ts'
import { formatShape, numelOf, type Shape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'

/** Matrices along the last two axes, and the diagonal as a number that fits them, whatever was asked for. */
function matricesOf(shape: Shape, diagonal: number): [outer: number, rows: number, cols: number, diagonal: number] {
  const [rows, cols] = shape.slice(-2)
  return [numelOf(shape.slice(0, -2)), rows, cols, Math.max(-rows, Math.min(diagonal, cols))]
}

function triangle(name: 'tril' | 'triu') {
  const upper = name === 'triu' ? 1 : 0
  const op = defineOp<number>({
    name,
    takes: () => [null],
    gives: ([x]) => x.dtype,
    shape: ([x]) => x.shape,
    forward: (k, [x], y, wanted) => {
      const [outer, rows, cols, diagonal] = matricesOf(x.shape, wanted)
      k.triangle(x.ptr, y.ptr, outer, rows, cols, BYTES[x.dtype], diagonal, upper)
    },
    backward: (k, _saved, dy, [dx], wanted) => {
      const [outer, rows, cols, diagonal] = matricesOf(dy.shape, wanted)
      if (dx) k.triangleGrad(dy.ptr, dx.ptr, outer, rows, cols, dx.beta, diagonal, upper)
    },
  })
  return (x: Tensor, diagonal = 0): Tensor => {
    check(name, x)
    if (x.ndim < 2)
      throw new ShapeError(`${name}: shape ${formatShape(x.shape)} is no matrix; it takes two axes or more`)
    if (!Number.isInteger(diagonal))
      throw new OptionError(`${name}: the diagonal is ${diagonal}; use an integer, 0 for the main diagonal`)
    return op([x], diagonal)
  }
}

export const tril = triangle('tril')

export const triu = triangle('triu')
