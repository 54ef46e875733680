/** Elements of one of two tensors, chosen by a third. */
import { defineOp } from '../autograd/op.ts'
import { check } from '../autograd/operands.ts'
import type { Destination } from '../autograd/tape.ts'
import { BYTES, type Dtype, holds, type Operand } from '../dtype.ts'
import { DtypeError } from '../errors.ts'
import type { Ptr } from '../runtime/kernels.generated.ts'
import { at } from '../runtime/strided.ts'
import { broadcastShapes, broadcastStrides, eachPlane } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import { summedTo } from './binary.ts'

const chosen = defineOp({
  name: 'where',
  saves: 'inputs',
  uses: () => [true, false, false],
  takes: ([, a, b]) => (a.dtype === b.dtype ? [null, null, null] : [null, 'float32', 'float32']),
  gives: ([, a]) => a.dtype,
  shape: ([condition, a, b]) => broadcastShapes('where', broadcastShapes('where', condition.shape, a.shape), b.shape),
  forward: (k, xs, y) => {
    const [condition, a, b] = xs
    const where = BYTES[y.dtype] === 4 ? k.where32 : k.where8
    const layouts = [...xs.map((x) => broadcastStrides(x.shape, x.strides, y.shape)), y.strides]
    eachPlane(y.shape, layouts, ([h, i, j, l], rows, cols, row, col) => {
      const strides = [row[0], col[0], row[1], col[1], row[2], col[2]] as const
      where(at(condition, h), at(a, i), at(b, j), at(y, l), rows, cols, ...strides)
    })
  },
  backward: (k, [condition], dy, [, da, db]) => {
    if (da) gradient(k.whereGradA, condition, dy, da)
    if (db) gradient(k.whereGradB, condition, dy, db)
  },
})

type Pick = (
  condition: Ptr,
  dy: Ptr,
  dx: Ptr,
  rows: number,
  cols: number,
  conditionRow: number,
  conditionCol: number,
  beta: number,
) => void

function gradient(kernel: Pick, condition: Operand, dy: Operand, dx: Destination): void {
  const layouts = [broadcastStrides(condition.shape, condition.strides, dy.shape), dy.strides]
  summedTo(dx, dy, (whole) => {
    eachPlane(dy.shape, layouts, ([i, l], rows, cols, row, col) => {
      kernel(at(condition, i), at(dy, l), at(whole, l), rows, cols, row[0], col[0], whole.beta)
    })
  })
}

/** What a number is made beside a tensor: the same, if that holds it. */
const dtypeBeside = (value: number, other: Tensor | number): Dtype =>
  typeof other !== 'number' && holds(other.dtype, value) ? other.dtype : 'float32'

/**
 * The elements of `a` where `condition`, of dtype bool, is true, and those of `b` elsewhere; the three broadcast to one shape.
 *
 * Two tensors of one dtype keep it, and a number takes that of the tensor beside it if that can hold the number exactly;
 * everything else becomes float32. The gradient goes to what was chosen alone: NaN and infinities in the rest, and in
 * their gradients, leave no trace.
 * @throws DtypeError for a condition of another dtype; ShapeError when the shapes do not broadcast.
 */
export function where(condition: Tensor, a: Tensor | number, b: Tensor | number): Tensor {
  check('where', condition)
  if (condition.dtype !== 'bool')
    throw new DtypeError(
      `where: the condition is ${condition.dtype}, not bool; make one by a comparison such as ne(0), or by bool()`,
    )
  for (const x of [a, b]) if (typeof x !== 'number') check('where', x)
  const made: Tensor[] = []
  const operand = (x: Tensor | number, other: Tensor | number): Tensor => {
    if (typeof x !== 'number') return x
    const constant = condition.constant('where', x, dtypeBeside(x, other))
    made.push(constant)
    return constant
  }
  try {
    return chosen([condition, operand(a, b), operand(b, a)])
  } finally {
    for (const constant of made) constant.drop()
  }
}
