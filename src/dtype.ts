import { DtypeError, kindOf } from './errors.ts'
import type { Ptr } from './runtime/kernels.generated.ts'

/** What one element of a tensor is. */
export type Dtype = 'float32' | 'int32' | 'uint8' | 'bool'

/** What `toTypedArray` gives for each dtype. */
export interface TypedArrays {
  /** Numbers, rounded to 24 bits. */
  float32: Float32Array
  /** Whole numbers from -2^31 to 2^31 - 1. */
  int32: Int32Array
  /** Whole numbers from 0 to 255. */
  uint8: Uint8Array
  /** 0 or 1. */
  bool: Uint8Array
}

export const BYTES: { readonly [D in Dtype]: number } = { float32: 4, int32: 4, uint8: 1, bool: 1 }

/** Throws unless `dtype` is one. */
export function checkDtype(op: string, dtype: Dtype): void {
  if (!Object.hasOwn(BYTES, dtype))
    throw new DtypeError(`${op}: there is no dtype ${dtype}; use ${Object.keys(BYTES).join(', ')}`)
}

/** The least and the largest value of the integer dtypes. */
export const LIMITS = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint8: [0, 255],
} as const

/** Whether an element of `dtype` can be `value` exactly; float32, which rounds, takes any. */
export function holds(dtype: Dtype, value: number): boolean {
  if (dtype === 'float32') return true
  const [low, high] = dtype === 'bool' ? [0, 1] : LIMITS[dtype]
  return Number.isInteger(value) && value >= low && value <= high
}

/** `value` as an element of `dtype`; for bool 1 or 0. Throws when an integer dtype cannot hold it. */
export function elementOf(op: string, dtype: Dtype, value: number, index?: number): number {
  if (dtype === 'bool') return Number(value !== 0)
  if (dtype === 'float32') return value
  if (!holds(dtype, value)) {
    const [low, high] = LIMITS[dtype]
    throw new DtypeError(
      `${op}: value ${value}${index === undefined ? '' : ` at index ${index}`} does not fit ${dtype}: ` +
        `whole numbers from ${low} to ${high}`,
    )
  }
  return value
}

/** What a tensor of `dtype` is filled with, given `value`. Throws when that is no number, or the dtype cannot hold it. */
export function fillerOf(op: string, dtype: Dtype, value: number): number {
  if (typeof value !== 'number' && typeof value !== 'boolean')
    throw new DtypeError(`${op}: the value is ${kindOf(value)}, not a number`)
  return elementOf(op, dtype, Number(value))
}

/** What a kernel call needs to know of a tensor. Strides are in elements. */
export interface Operand {
  readonly ptr: Ptr
  readonly shape: readonly number[]
  readonly strides: readonly number[]
  readonly numel: number
  readonly dtype: Dtype
}
