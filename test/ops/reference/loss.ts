/** Losses, by definition. */
import { get, type Nd, nd, reduce, zip } from '../nd.ts'
import { mean, sum } from './reduce.ts'

export function crossEntropy(logits: Nd, target: Nd): Nd {
  const max = reduce(logits, 1, true, (row) => Math.max(...row))
  const sums = sum(
    zip((x, m) => Math.exp(x - m), logits, max),
    1,
  )
  return mean(
    nd(target.shape, ([row]) => Math.log(sums.data[row]) + max.data[row] - get(logits, [row, get(target, [row])])),
  )
}

export const mseLoss = (input: Nd, target: Nd): Nd => mean(zip((a, b) => (a - b) ** 2, input, target))
