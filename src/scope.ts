/** Loops and blocks that free what is made in them. */
import { withoutRecording } from './autograd/tape.ts'
import { OptionError } from './errors.ts'
import { runScope, turns } from './runtime/lifetimes.ts'

/**
 * Runs `body` at once and frees every tensor made in it, except for what it returns (a tensor, or arrays and plain objects
 * of them) and what it `keep()`s.
 * @throws GraphError when `body` returns a promise.
 */
export function scope<T>(body: () => T): T {
  return runScope('scope', body)
}

/** A `scope` in which nothing is recorded for `backward()`. */
export function noGrad<T>(body: () => T): T {
  return withoutRecording(() => runScope('noGrad', body))
}

/**
 * `for (const i of steps(n))`: counts from 0 to n - 1. What is made in one turn is freed when the next one ends, except
 * for what is kept.
 */
export function steps(n: number): Generator<number, void, undefined> {
  if (!Number.isSafeInteger(n) || n < 0)
    throw new OptionError(`steps: ${n} is not a number of turns; use an integer from 0 up`)
  return turns('steps', n, (i) => i)
}
