/** Softmax and its logarithm, by definition. */
import { type Nd, reduce, zip } from '../nd.ts'
import { sum } from './reduce.ts'

export function softmax(x: Nd, dim = -1): Nd {
  const { powers, total } = parts(x, dim)
  return zip((p, s) => p / s, powers, total)
}

export function logSoftmax(x: Nd, dim = -1): Nd {
  const { less, total } = parts(x, dim)
  return zip((d, s) => d - Math.log(s), less, total)
}

function parts(x: Nd, dim: number) {
  const max = reduce(x, dim, true, (elements) => elements.reduce((a, b) => Math.max(a, b), -Infinity))
  const less = zip((a, m) => a - m, x, max)
  const powers = zip(Math.exp, less)
  return { less, powers, total: sum(powers, dim, { keepdim: true }) }
}
