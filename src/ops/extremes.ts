/** The largest and the smallest over some or all axes, and where they are. */
import type { Tensor } from '../tensor.ts'
import { checkNotEmpty, type Dims, type ReduceOptions, reducing, reductionOf, scratch } from './reduction.ts'

function extreme(name: 'max' | 'min') {
  const op = reducing({
    name,
    saves: 'both',
    forward: (k, x, y, sizes) => k[name](x, y, ...sizes),
    backward: (k, [x, y], dy, dx, sizes) => k.extremeGrad(x, y, dy, dx.ptr, scratch(sizes, 4), ...sizes, dx.beta),
  })
  return (x: Tensor, dim?: Dims, options: ReduceOptions = {}): Tensor => {
    const reduction = reductionOf(name, x, dim, options)
    checkNotEmpty(name, x, reduction)
    return op(x, reduction)
  }
}

export const max = extreme('max')

export const min = extreme('min')

function index(name: 'argmax' | 'argmin') {
  const op = reducing({ name, gives: 'int32', forward: (k, x, y, sizes) => k[name](x, y, ...sizes) })
  return (x: Tensor, dim?: number, options: ReduceOptions = {}): Tensor => {
    const reduction = reductionOf(name, x, dim === undefined || dim === null ? undefined : [dim], options)
    checkNotEmpty(name, x, reduction)
    return op(x, reduction)
  }
}

export const argmax = index('argmax')

export const argmin = index('argmin')
