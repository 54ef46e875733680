/** Rows of dropout, which draws anew at each call: here always the first draw of a seed. */
import { OptionError } from '../../../src/errors.ts'
import { manualSeed, type Tensor } from '../../../src/index.ts'
import { dropout } from '../../../src/ops/index.ts'
import { philox } from '../../support/philox.ts'
import { type Case, EDGES, given, on, type Refusal } from '../case.ts'
import type { Nd } from '../nd.ts'

const SEED = 7

/** Element i is dropped when word i of the draw, as a fraction of 2^32, is below p. */
function reference(x: Nd, p: number, training = true): Nd {
  if (!training) return x
  const data = x.data.map((v, i) => {
    const word = philox([i >> 2, 0, 0, 0], [SEED, 0])[i % 4]
    return v * (word < p * 2 ** 32 ? 0 : 1 / (1 - p))
  })
  return { shape: x.shape, data }
}

export const cases: readonly Case[] = [
  {
    op: 'dropout',
    run: (x: Tensor, p: number, training?: boolean) => {
      manualSeed(SEED)
      return dropout(x, p, training)
    },
    f: reference,
    on: [
      ...[0, ...EDGES, 100].flatMap((n) => [on([n]).with(0.5), on([n]).with(0.1)]),
      ...[0, 0.9, 1].map((p) => on([2, 9]).with(p)),
      on([2, 9]).with(0.5, false),
      on([]).with(0.5),
      ...[0.5, 1].map((p) => on(given([NaN, Infinity, -Infinity, -0, 0, -1, 1, 3e38, NaN])).with(p)),
    ],
  },
]

export const refused: readonly Refusal[] = [
  {
    op: 'dropout',
    error: OptionError,
    on: [-0.1, 1.1, NaN, '0.5', null].map((p) => on([2]).with(p)).concat([on([2]).with(0.5, 1)]),
  },
]
