/** What a suite measures: the same work by neyron and by the baseline. */
import type { Tensor } from 'neyron'

export interface Contender {
  /** The work, once. Called over and over. */
  readonly run: () => void
  /** What the work gives, so that a test can see that both do the same. */
  readonly result: () => ArrayLike<number>
}

export interface Case {
  readonly name: string
  /** Floating-point operations of one run, for GFLOP/s. */
  readonly flops?: number
  /** Bytes that one run has to read and write, for GB/s. */
  readonly bytes?: number
  readonly neyron: () => Contender
  readonly baseline: () => Contender
}

export const CONTENDERS = ['neyron', 'baseline'] as const
export type ContenderName = (typeof CONTENDERS)[number]

export const SUITES = ['matmul', 'elementwise', 'reduce', 'softmax', 'optimizers', 'train-step'] as const
export type SuiteName = (typeof SUITES)[number]

export async function casesOf(suite: SuiteName): Promise<readonly Case[]> {
  const { cases } = (await import(`../suites/${suite}.ts`)) as { cases: readonly Case[] }
  return cases
}

/** An operation whose output is freed at once. */
export const computing = (op: () => Tensor): Contender => ({
  run: () => op().dispose(),
  result: () => op().toTypedArray(),
})

/** A loop that writes `y`. */
export const writing = (y: ArrayLike<number>, loop: () => void): Contender => ({
  run: loop,
  result: () => {
    loop()
    return y
  },
})

/** Repeatable float32 numbers, evenly spread over [-1, 1). */
export function random(n: number, seed = 1): Float32Array {
  let state = (seed * 7919 + n) >>> 0
  return Float32Array.from({ length: n }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 31 - 1
  })
}
