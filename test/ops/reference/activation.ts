/** Activations in float64. NaN where PyTorch has it: for -Infinity times 0, too. */
import { clamp, erf } from './unary.ts'

export const leakyRelu = (slope: number) => (x: number) => (x > 0 ? x : slope * x)

export const elu = (alpha: number) => (x: number) => (x > 0 ? x : alpha * Math.expm1(x))

/**
 * The standard normal distribution up to x: near 0 by erf, and below -2 by the continued fraction of its tail
 * (DLMF 7.9.3), in which nothing cancels.
 */
function normal(x: number): number {
  if (x > 0) return 1 - normal(-x)
  if (x > -2) return (1 + erf(x / Math.SQRT2)) / 2
  if (x < -40) return 0
  let fraction = 0
  for (let n = 60; n >= 1; n--) fraction = n / (-x + fraction)
  return Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI) / (-x + fraction)
}

export const gelu = (x: number): number => x * (Number.isNaN(x) ? x : normal(x))

export const geluTanh = (x: number): number =>
  x / (1 + Math.exp(-2 * Math.sqrt(2 / Math.PI) * x * (1 + 0.044715 * x * x)))

export const softplus = (beta: number, threshold: number) => (x: number) => {
  const z = beta * x
  return z > threshold ? x : (Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)))) / beta
}

export const logsigmoid = (x: number): number => Math.min(x, 0) - Math.log1p(Math.exp(-Math.abs(x)))

export const hardswish = (x: number): number => x * (clamp(0, 6)(x + 3) / 6)
