import { defineOp } from '../autograd/op.ts'
import { check } from '../autograd/operands.ts'
import { inSteps } from '../autograd/steps.ts'
import { normalizeDim, numelOf } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import { transpose } from './shape.ts'

const lastAxis = defineOp({
  name: 'softmax',
  saves: 'output',
  shape: ([x]) => x.shape,
  forward: (k, [x], y) => {
    const cols = x.shape.length > 0 ? x.shape[x.shape.length - 1] : 1
    k.softmax(x.ptr, y.ptr, numelOf(x.shape.slice(0, -1)), cols)
  },
  backward: (k, [y], dy, [dx]) => {
    const cols = y.shape.length > 0 ? y.shape[y.shape.length - 1] : 1
    if (dx) k.softmaxGrad(y.ptr, dy.ptr, dx.ptr, numelOf(y.shape.slice(0, -1)), cols, dx.beta)
  },
})

export function softmax(x: Tensor, dim = -1): Tensor {
  check('softmax', x)
  const axis = normalizeDim('softmax', dim, x.ndim)
  if (axis >= x.ndim - 1) return lastAxis([x])
  return inSteps([], (step) => transpose(step(lastAxis([step(transpose(x, axis, -1))])), axis, -1))
}
