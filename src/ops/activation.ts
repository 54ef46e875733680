/** Element-wise maps that layers end with; softmax, which goes along an axis, is in a file of its own. */
import { defineOp } from '../autograd/op.ts'
import type { Bounds } from '../options.ts'
import type { Tensor } from '../tensor.ts'
import {
  checkAlpha,
  checkRange,
  checkSlope,
  type GeluOptions,
  geluOptions,
  type SoftplusOptions,
  softplusOptions,
} from './activation-options.ts'
import { unary } from './map.ts'

export const relu = unary('relu', 'output')

export const sigmoid = unary('sigmoid', 'output')

export const tanh = unary('tanh', 'output')

export const silu = unary('silu', 'inputs')

export const logsigmoid = unary('logsigmoid', 'inputs')

export const hardsigmoid = unary('hardsigmoid', 'inputs')

export const hardswish = unary('hardswish', 'inputs')

const GELU = { none: unary('gelu', 'inputs'), tanh: unary('geluTanh', 'inputs', 'gelu') }

export function gelu(x: Tensor, options: GeluOptions = {}): Tensor {
  return GELU[geluOptions('gelu', options).approximate](x)
}

/** A map that is x above 0 and has a parameter below. */
function bentAt0(name: 'leakyRelu' | 'elu'): (x: Tensor, parameter: number) => Tensor {
  const op = defineOp<number>({
    name,
    saves: 'inputs',
    shape: ([x]) => x.shape,
    forward: (k, [x], y, parameter) => k[name](x.ptr, y.ptr, y.numel, parameter),
    backward: (k, [x], dy, [dx], parameter) =>
      dx && k[`${name}Grad`](x.ptr, dy.ptr, dx.ptr, dx.numel, dx.beta, parameter),
  })
  return (x, parameter) => op([x], parameter)
}

const leaky = bentAt0('leakyRelu')

export function leakyRelu(x: Tensor, negativeSlope = 0.01): Tensor {
  checkSlope('leakyRelu', negativeSlope)
  return leaky(x, negativeSlope)
}

const exponential = bentAt0('elu')

export function elu(x: Tensor, alpha = 1): Tensor {
  checkAlpha('elu', alpha)
  return exponential(x, alpha)
}

const softened = defineOp<Required<SoftplusOptions>>({
  name: 'softplus',
  saves: 'inputs',
  shape: ([x]) => x.shape,
  forward: (k, [x], y, { beta, threshold }) => k.softplus(x.ptr, y.ptr, y.numel, beta, threshold),
  backward: (k, [x], dy, [dx], { beta, threshold }) =>
    dx && k.softplusGrad(x.ptr, dy.ptr, dx.ptr, dx.numel, dx.beta, beta, threshold),
})

export function softplus(x: Tensor, options: SoftplusOptions = {}): Tensor {
  return softened([x], softplusOptions('softplus', options))
}

/** Unlike clamp, it passes no gradient at its bounds. */
function hard(name: string): (x: Tensor, bounds: Bounds) => Tensor {
  const op = defineOp<Bounds>({
    name,
    saves: 'inputs',
    shape: ([x]) => x.shape,
    forward: (k, [x], y, { low, high }) => k.clamp(x.ptr, y.ptr, y.numel, low, high),
    backward: (k, [x], dy, [dx], { low, high }) =>
      dx && k.hardtanhGrad(x.ptr, dy.ptr, dx.ptr, dx.numel, dx.beta, low, high),
  })
  return (x, bounds) => op([x], bounds)
}

const bounded = hard('hardtanh')

export function hardtanh(x: Tensor, min = -1, max = 1): Tensor {
  checkRange('hardtanh', min, max)
  return bounded(x, { low: min, high: max })
}

const boundedBy6 = hard('relu6')

export function relu6(x: Tensor): Tensor {
  return boundedBy6(x, { low: 0, high: 6 })
}
