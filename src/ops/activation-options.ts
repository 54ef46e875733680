/** The parameters of activations, which operations and layers check alike. */
import { OptionError } from '../errors.ts'
import { checkNumber, checkOption, checkOptions } from '../options.ts'

/** Throws `OptionError` unless `negativeSlope` is a finite number. */
export function checkSlope(op: string, negativeSlope: number): void {
  checkOption(op, 'negativeSlope', negativeSlope, true, 'a finite number')
}

/** Throws `OptionError` unless `alpha` is a finite number. */
export function checkAlpha(op: string, alpha: number): void {
  checkOption(op, 'alpha', alpha, true, 'a finite number')
}

/** Throws `OptionError` unless `min` is below `max`. */
export function checkRange(op: string, min: number, max: number): void {
  checkNumber(op, 'min', min)
  checkNumber(op, 'max', max)
  if (min >= max) throw new OptionError(`${op}: min is ${min} and max is ${max}; min must be below max`)
}

/** Which form of GELU. */
export interface GeluOptions {
  /** `'none'`: by the error function; `'tanh'`: by the approximation that uses tanh. Default: `'none'`. */
  approximate?: 'none' | 'tanh'
}

/** The options of GELU, complete and checked. */
export function geluOptions(op: string, options: GeluOptions): Required<GeluOptions> {
  checkOptions(op, options, ['approximate'])
  const { approximate = 'none' } = options
  if (approximate !== 'none' && approximate !== 'tanh')
    throw new OptionError(`${op}: approximate is ${JSON.stringify(approximate)}; use 'none' or 'tanh'`)
  return { approximate }
}

/** How softplus bends, and where it stops to. */
export interface SoftplusOptions {
  /** How sharply it bends; a finite number other than 0. Default: 1. */
  beta?: number
  /** Where `beta * x` is above this, the result is x. Default: 20. */
  threshold?: number
}

/** The options of softplus, complete and checked. */
export function softplusOptions(op: string, options: SoftplusOptions): Required<SoftplusOptions> {
  checkOptions(op, options, ['beta', 'threshold'])
  const { beta = 1, threshold = 20 } = options
  checkOption(op, 'beta', beta, beta !== 0, 'a finite number other than 0')
  checkNumber(op, 'threshold', threshold)
  return { beta, threshold }
}
