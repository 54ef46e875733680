/** Variances, standard deviations and norms over some or all axes. */
import { OptionError } from '../errors.ts'
import { fillDense } from '../runtime/strided.ts'
import type { Tensor } from '../tensor.ts'
import { countOf, type Dims, type ReduceOptions, reducing, reductionOf, scratch } from './reduction.ts'

/** How `variance` and `std` divide, and leave their axes. */
export interface VarianceOptions extends ReduceOptions {
  /** How much less than the number of elements the sum of squared distances is divided by. Default: 1. */
  correction?: number
}

function deviation(name: 'variance' | 'std') {
  const op = reducing<number>({
    name,
    saves: 'both',
    forward: (k, x, y, sizes, divisor) => k[name](x, y, scratch(sizes, 8), ...sizes, divisor),
    backward: (k, [x, y], dy, dx, sizes, divisor) =>
      k[`${name}Grad`](x, y, dy, dx.ptr, scratch(sizes, 16), ...sizes, dx.beta, divisor),
  })
  return (x: Tensor, dim?: Dims, options: VarianceOptions = {}): Tensor => {
    const reduction = reductionOf(name, x, dim, options, ['keepdim', 'correction'])
    const { correction = 1 } = options
    if (!Number.isFinite(correction) || correction < 0)
      throw new OptionError(`${name}: correction is ${String(correction)}; it must be a finite number from 0 up`)
    return op(x, reduction, Math.max(countOf(x.shape, reduction) - correction, 0))
  }
}

export const variance = deviation('variance')

export const std = deviation('std')

const count = reducing({
  name: 'norm',
  forward: (k, x, y, sizes) => k.norm0(x, y, ...sizes),
  backward: (_k, _saved, _dy, dx) => {
    if (!dx.beta) fillDense(dx, 0)
  },
})

const sumOfMagnitudes = reducing({
  name: 'norm',
  saves: 'inputs',
  forward: (k, x, y, sizes) => k.norm1(x, y, ...sizes),
  backward: (k, [x], dy, dx, sizes) => k.norm1Grad(x, dy, dx.ptr, ...sizes, dx.beta),
})

const euclidean = reducing({
  name: 'norm',
  saves: 'both',
  forward: (k, x, y, sizes) => k.norm2(x, y, ...sizes),
  backward: (k, [x, y], dy, dx, sizes) => k.norm2Grad(x, y, dy, dx.ptr, ...sizes, dx.beta),
})

const extremeMagnitude = (kernel: 'maxAbs' | 'minAbs') =>
  reducing({
    name: 'norm',
    saves: 'both',
    forward: (k, x, y, sizes) => k[kernel](x, y, ...sizes),
    backward: (k, [x, y], dy, dx, sizes) => k.extremeAbsGrad(x, y, dy, dx.ptr, scratch(sizes, 4), ...sizes, dx.beta),
  })

const ofOrder = reducing<number>({
  name: 'norm',
  saves: 'both',
  forward: (k, x, y, sizes, p) => k.normP(x, y, ...sizes, p),
  backward: (k, [x, y], dy, dx, sizes, p) => k.normPGrad(x, y, dy, dx.ptr, scratch(sizes, 16), ...sizes, dx.beta, p),
})

const SPECIAL_ORDERS = new Map([
  [0, count],
  [1, sumOfMagnitudes],
  [2, euclidean],
  [Infinity, extremeMagnitude('maxAbs')],
  [-Infinity, extremeMagnitude('minAbs')],
])

export function norm(x: Tensor, p = 2, dim?: Dims, options: ReduceOptions = {}): Tensor {
  const reduction = reductionOf('norm', x, dim, options)
  if (typeof p !== 'number' || Number.isNaN(p))
    throw new OptionError(`norm: the order p is ${String(p)}; it must be a number, such as 2, 1 or Infinity`)
  // Of nothing, a norm of any order is 0, as the count is.
  const special = countOf(x.shape, reduction) === 0 ? count : SPECIAL_ORDERS.get(p)
  return special ? special(x, reduction) : ofOrder(x, reduction, p)
}
