/** Running sums along an axis. */
import { defineOp } from '../autograd/op.ts'
import { check } from '../autograd/operands.ts'
import { aroundAxis, normalizeDim } from '../shape.ts'
import type { Tensor } from '../tensor.ts'

const cumsumOf = defineOp<number>({
  name: 'cumsum',
  shape: ([x]) => x.shape,
  forward: (k, [x], y, axis) => {
    const { outer, n, inner } = aroundAxis(x.shape, axis)
    k.cumsum(x.ptr, y.ptr, outer, n, inner)
  },
  backward: (k, _saved, dy, [dx], axis) => {
    const { outer, n, inner } = aroundAxis(dy.shape, axis)
    if (dx) k.cumsumGrad(dy.ptr, dx.ptr, outer, n, inner, dx.beta)
  },
})

export function cumsum(x: Tensor, dim: number): Tensor {
  check('cumsum', x)
  return cumsumOf([x], normalizeDim('cumsum', dim, x.ndim))
}
