/** What a row of the op table says, and what rows are written with. */
import type { NestedData } from '../../src/create.ts'
import type { Dtype } from '../../src/dtype.ts'
import type { NeyronError } from '../../src/errors.ts'
import type { Tensor } from '../../src/index.ts'
import type { Shape } from '../../src/shape.ts'
import type { Nd } from './nd.ts'

/** y[i] = f(x[i]) */
export interface MapCase {
  readonly op: string
  readonly f: (x: number) => number
  /** What follows x. */
  readonly params?: readonly unknown[]
  /** Where the derivative jumps. There the gradient may have any value from the one side's to the other's. */
  readonly kinks?: readonly number[]
  /** Where it has a value other than NaN. Default: everywhere. */
  readonly domain?: readonly [low: number, high: number]
}

/** y[i] = f(a[i], b[i]), broadcast; b may be a number. */
export interface ZipCase {
  readonly op: string
  readonly f: (a: number, b: number) => number
  /** What b is kept away from where gradients are checked. */
  readonly poles?: readonly number[]
  /** The dtype of the result; other than float32 it has no gradient. */
  readonly gives?: Dtype
}

/** x[i] = f(x[i], operand[i]), in place. */
export interface InPlaceCase {
  readonly op: string
  readonly f: (x: number, operand: number) => number
  readonly takes: 'nothing' | 'a number' | 'a tensor' | 'a tensor or number' | 'a tensor of its shape'
  /** What follows the operand. */
  readonly params?: readonly (number | null)[]
  /** Whether it works on every dtype. Default: float32 only. */
  readonly anyDtype?: boolean
}

/** An input: the shape of random numbers, which get a gradient, or given values, which get none. */
export type Input = Shape | { readonly values: NestedData; readonly dtype?: Dtype }

/** y = f(...inputs, ...params), the same arguments as those of the operation. */
export interface Case {
  readonly op: string
  /** How the operation is called, where that is not `x.op(...rest)` or `op(x, ...rest)`, or which of its results is looked at. */
  readonly run?: (...args: never[]) => Tensor
  readonly f: (...args: never[]) => Nd
  readonly on: readonly Use[]
  readonly gives?: Dtype
  /** How far a value may lie from that in float64. Default: `elementwise`. */
  readonly error?: ErrorBound
}

export interface Use {
  readonly inputs: readonly Input[]
  readonly params: readonly unknown[]
}

/** From the exact value, that value with every term of its sum made positive, and the inputs. */
export type ErrorBound = (exact: number, magnitude: number, inputs: readonly Nd[]) => number

/** A few roundings of the value itself. */
export const elementwise: ErrorBound = (exact) => 1e-5 * Math.abs(exact) + 1e-6

/** Accumulated in float64 (2^-53 for each term, in any order), then rounded to float32: half an ULP, which is 2^-24. */
export const wideSum: ErrorBound = (exact, magnitude, [x]) =>
  2 ** -24 * Math.abs(exact) + x.data.length * 2 ** -53 * magnitude

/** Rounded to float32 after each of at most three runs of adjacent axes. */
export const sumOfSums: ErrorBound = (_exact, magnitude) => 3 * 2 ** -24 * magnitude

/**
 * Accumulated in float32: a sum of n products, here with a bias, in any order is off by at most n + 1 roundings of 2^-24
 * of the sum of their magnitudes (N. J. Higham, "Accuracy and Stability of Numerical Algorithms", 3.5).
 */
export const float32Sum: ErrorBound = (_exact, magnitude, [x]) =>
  (x.shape[x.shape.length - 1] + 1) * 2 ** -24 * magnitude

export const on = (...inputs: readonly Input[]) => ({
  inputs,
  params: [] as readonly unknown[],
  with: (...params: readonly unknown[]): Use => ({ inputs, params }),
})

export const given = (values: NestedData, dtype: Dtype = 'float32') => ({ values, dtype })
export const rows = (...values: readonly NestedData[]) => ({ values })

/** One of the results of an operation that has several; the others are freed. */
export function pick(results: readonly Tensor[], which: number): Tensor {
  results.forEach((result, i) => {
    if (i !== which) result.dispose()
  })
  return results[which]
}

/** Arguments that an operation refuses. */
export interface Refusal {
  readonly op: string
  readonly run?: (...args: never[]) => Tensor
  readonly error: typeof NeyronError
  readonly on: readonly Use[]
}

/** Lengths at which a vector loop can go wrong. */
export const EDGES = [1, 3, 4, 5, 7, 8, 15, 16, 17]

export const extremes = rows([NaN, 1, 2], [Infinity, 1, -Infinity], [Infinity, 1, 2], [3e38, 3e38, 3e38], [-0, -0, -0])
