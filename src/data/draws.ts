import { zeros } from '../create.ts'
import { engine } from '../runtime/engine.ts'
import { checkSeed, type Draw, drawOf, nextDraw } from '../runtime/random.ts'
import type { Shape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'

/** Draws from here on are a loader's own: no program reaches this number in the global sequence of the same seed. */
export const LOADER_DRAWS = 2 ** 52

/** Draws from here on are those of splits, folds and synthetic sets: no loader of the same seed gets this far. */
const DATA_DRAWS = LOADER_DRAWS + 2 ** 51

/** The sequence that `seed` starts at number `first`, or without a seed the global one. */
export function drawsOf(op: string, seed: number | undefined, first: number): () => Draw {
  if (seed === undefined) return nextDraw
  checkSeed(op, seed)
  let number = first
  return () => drawOf(seed, number++)
}

/** Random tensors for splits and synthetic sets. */
export class Draws {
  readonly #next: () => Draw

  constructor(op: string, seed: number | undefined) {
    this.#next = drawsOf(op, seed, DATA_DRAWS)
  }

  /** The int32 0..n-1 in random order. */
  permutation(n: number): Tensor {
    const order = zeros([n], { dtype: 'int32' })
    engine().k.permutation(order.ptr, n, ...this.#next())
    return order
  }

  /** Float32 of the normal distribution around 0. */
  normal(shape: Shape, std: number): Tensor {
    const x = zeros(shape)
    engine().k.normal(x.ptr, x.numel, ...this.#next(), 0, std)
    return x
  }

  /** Float32 from low up to but without high. */
  uniform(shape: Shape, low: number, high: number): Tensor {
    const x = zeros(shape)
    engine().k.uniform(x.ptr, x.numel, ...this.#next(), low, high)
    return x
  }
}
