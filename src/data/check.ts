/** What the functions of this folder are given. */
import { check } from '../autograd/operands.ts'
import { DtypeError, GraphError, OptionError, ShapeError } from '../errors.ts'
import { formatShape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'

/** Throws unless `x` is a tensor of samples, outside graphs: what is computed from it here passes no gradient. */
export function checkRows(op: string, x: Tensor): void {
  check(op, x)
  if (x.requiresGrad)
    throw new GraphError(`${op}: no gradient flows through it to a tensor that requires one; detach() the tensor`)
  if (x.ndim === 0) throw new ShapeError(`${op}: a tensor without axes has no rows; the first axis counts the samples`)
}

/** The elements of `x` (N, F), all of them finite. */
export function finiteElements(op: string, x: Tensor): ArrayLike<number> {
  checkRows(op, x)
  if (x.ndim !== 2)
    throw new ShapeError(
      `${op}: expected samples of shape (N, F), got ${formatShape(x.shape)}; ${x.ndim === 1 ? 'unsqueeze(0) makes one row of it, unsqueeze(1) one column' : 'reshape it'}`,
    )
  const values = x.toTypedArray()
  const bad = values.findIndex((value) => !Number.isFinite(value))
  if (bad < 0) return values
  const columns = x.shape[1]
  throw new OptionError(
    `${op}: the value at row ${Math.floor(bad / columns)}, column ${bad % columns} is ${values[bad]}; leave that row out, or fill the gap`,
  )
}

/** Class labels: their numbers. */
export function classLabels(op: string, labels: Tensor): ArrayLike<number> {
  checkRows(op, labels)
  if (labels.dtype === 'float32')
    throw new DtypeError(`${op}: class labels are int32, uint8 or bool, not float32; convert them by int()`)
  if (labels.ndim !== 1)
    throw new ShapeError(
      `${op}: class labels have one axis, got ${formatShape(labels.shape)}; use argmax(1) for one-hot rows, squeeze(1) for a column`,
    )
  return labels.toTypedArray()
}
