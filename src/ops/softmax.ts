import { defineOp } from '../autograd/op.ts'
import { check } from '../autograd/operands.ts'
import { inSteps } from '../autograd/steps.ts'
import { normalizeDim, numelOf, type Shape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import { transpose } from './shape.ts'

/** A shape as rows along its last axis. */
const rowsOf = (shape: Shape) => numelOf(shape.slice(0, -1))
const colsOf = (shape: Shape) => (shape.length > 0 ? shape[shape.length - 1] : 1)

/** An operation by kernels that go along the last axis, on any axis. */
function alongAxis(name: 'softmax' | 'logSoftmax'): (x: Tensor, dim?: number) => Tensor {
  const lastAxis = defineOp({
    name,
    saves: 'output',
    shape: ([x]) => x.shape,
    forward: (k, [x], y) => k[name](x.ptr, y.ptr, rowsOf(x.shape), colsOf(x.shape)),
    backward: (k, [y], dy, [dx]) =>
      dx && k[`${name}Grad`](y.ptr, dy.ptr, dx.ptr, rowsOf(y.shape), colsOf(y.shape), dx.beta),
  })
  return (x, dim = -1) => {
    check(name, x)
    const axis = normalizeDim(name, dim, x.ndim)
    if (axis >= x.ndim - 1) return lastAxis([x])
    return inSteps([], (step) => transpose(step(lastAxis([step(transpose(x, axis, -1))])), axis, -1))
  }
}

export const softmax = alongAxis('softmax')

export const logSoftmax = alongAxis('logSoftmax')
