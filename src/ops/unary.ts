/** Element-wise maps of one tensor. */
import { defineOp } from '../autograd/op.ts'
import type { Destination } from '../autograd/tape.ts'
import { type Bounds, boundsOf, checkNumber } from '../options.ts'
import { fillDense } from '../runtime/strided.ts'
import type { Tensor } from '../tensor.ts'
import { sumTo } from './axes.ts'
import { unary } from './map.ts'

/** A map that is flat but for its jumps. */
function stepwise(name: 'sign' | 'floor' | 'ceil' | 'round' | 'trunc'): (x: Tensor) => Tensor {
  const op = defineOp({
    name,
    shape: ([x]) => x.shape,
    forward: (k, [x], y) => k[name](x.ptr, y.ptr, y.numel),
    backward: (_k, _saved, _dy, [dx]) => dx && addNothing(dx),
  })
  return (x) => op([x])
}

function addNothing(dx: Destination): void {
  if (!dx.beta) fillDense(dx, 0)
}

export const exp = unary('exp', 'output')

export const log = unary('log', 'inputs')

export const log1p = unary('log1p', 'inputs')

export const expm1 = unary('expm1', 'output')

export const sqrt = unary('sqrt', 'output')

export const rsqrt = unary('rsqrt', 'output')

export const reciprocal = unary('reciprocal', 'output')

export const square = unary('square', 'inputs')

export const abs = unary('abs', 'inputs')

export const sin = unary('sin', 'inputs')

export const cos = unary('cos', 'inputs')

export const erf = unary('erf', 'inputs')

export const sign = stepwise('sign')

export const floor = stepwise('floor')

export const ceil = stepwise('ceil')

export const round = stepwise('round')

export const trunc = stepwise('trunc')

const negative = defineOp({
  name: 'neg',
  shape: ([x]) => x.shape,
  forward: (k, [x], y) => k.neg(x.ptr, y.ptr, y.numel),
  backward: (_k, _saved, dy, [dx]) => dx && sumTo(dy, dx, -1),
})

export function neg(x: Tensor): Tensor {
  return negative([x])
}

const powered = defineOp<number>({
  name: 'pow',
  saves: 'inputs',
  shape: ([x]) => x.shape,
  forward: (k, [x], y, exponent) => k.power(x.ptr, y.ptr, y.numel, exponent),
  backward: (k, [x], dy, [dx], exponent) => {
    if (dx && exponent === 0) addNothing(dx)
    else if (dx) k.powerGrad(x.ptr, dy.ptr, dx.ptr, dx.numel, dx.beta, exponent)
  },
})

export function pow(x: Tensor, exponent: number): Tensor {
  checkNumber('pow', 'exponent', exponent)
  return powered([x], exponent)
}

const clamped = defineOp<Bounds>({
  name: 'clamp',
  saves: 'inputs',
  shape: ([x]) => x.shape,
  forward: (k, [x], y, { low, high }) => k.clamp(x.ptr, y.ptr, y.numel, low, high),
  backward: (k, [x], dy, [dx], { low, high }) => dx && k.clampGrad(x.ptr, dy.ptr, dx.ptr, dx.numel, dx.beta, low, high),
})

export function clamp(x: Tensor, min?: number | null, max?: number | null): Tensor {
  return clamped([x], boundsOf('clamp', min, max))
}
