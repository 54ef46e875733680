/** Softmax, by definition. */
import { type Nd, reduce, zip } from '../nd.ts'
import { sum } from './reduce.ts'

export function softmax(x: Nd, dim = -1): Nd {
  const max = reduce(x, dim, true, (elements) => elements.reduce((a, b) => Math.max(a, b), -Infinity))
  const powers = zip((a, m) => Math.exp(a - m), x, max)
  return zip((p, s) => p / s, powers, sum(powers, dim, { keepdim: true }))
}
