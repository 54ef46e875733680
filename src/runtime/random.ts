/**
 * The seed and the number of the next draw. A draw is a pure function of (seed, its number, element index), by
 * Philox4x32-10, so that threads and replays change nothing.
 */
import { OptionError } from '../errors.ts'

/** What a random kernel takes: seed and number of the draw, each as two 32-bit halves. */
export type Draw = readonly [seedLow: number, seedHigh: number, drawLow: number, drawHigh: number]

let seed = 0
let draws = 0

const low = (x: number) => x | 0
const high = (x: number) => Math.floor(x / 2 ** 32) | 0

/** Draw number `number` of the sequence of `of`. */
export const drawOf = (of: number, number: number): Draw => [low(of), high(of), low(number), high(number)]

/** The next draw of the global sequence. */
export const nextDraw = (): Draw => drawOf(seed, draws++)

/** Runs `body` with the next draw of the global sequence, which is not used up if it fails. */
export function withDraw<T>(body: (draw: Draw) => T): T {
  const result = body(drawOf(seed, draws))
  draws++
  return result
}

/** Runs `body` and goes on as if it had drawn nothing. */
export function withoutDraws<T>(body: () => T): T {
  const before = [seed, draws]
  try {
    return body()
  } finally {
    ;[seed, draws] = before
  }
}

export function checkSeed(op: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new OptionError(`${op}: ${value} is not a seed; a seed is an integer from 0 to 2^53 - 1`)
}

/**
 * Starts the global sequence of random numbers anew: what is drawn afterwards (initial weights, shuffles, noise) is the
 * same for the same seed, on every host. Without a call the seed is 0.
 */
export function manualSeed(value: number): void {
  checkSeed('manualSeed', value)
  seed = value
  draws = 0
}
