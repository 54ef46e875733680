/** Operations that are made of other operations. */
import type { Tensor } from '../tensor.ts'

/** Passes on a tensor that is made on the way to a result. */
export type Step = (x: Tensor) => Tensor

/**
 * Runs `body` and frees what it has passed to `step` on the way to its result, but for the inputs. Nobody else has a
 * handle on that, and in synchronous code outside of turns and scopes no garbage is collected. What `backward()` needs of it
 * is held by the tape.
 */
export function inSteps<T>(inputs: readonly Tensor[], body: (step: Step) => T): T {
  const made = new Set<Tensor>()
  try {
    return body((x) => {
      if (!inputs.includes(x)) made.add(x)
      return x
    })
  } finally {
    for (const x of made) x.dispose()
  }
}
