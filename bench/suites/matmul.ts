import { tensor } from 'neyron'
import { matmul } from '../baseline/ops.ts'
import { type Case, computing, random, writing } from '../support/contender.ts'

function product(name: string, m: number, n: number, k: number): Case {
  return {
    name: `${name}: (${m}, ${k}) x (${k}, ${n})`,
    flops: 2 * m * n * k,
    neyron: () => {
      const a = tensor(random(m * k, 1), { shape: [m, k] })
      const b = tensor(random(k * n, 2), { shape: [k, n] })
      return computing(() => a.matmul(b))
    },
    baseline: () => {
      const [a, b, c] = [random(m * k, 1), random(k * n, 2), new Float32Array(m * n)]
      return writing(c, () => matmul(a, b, c, m, n, k))
    },
  }
}

export const cases: readonly Case[] = [
  product('tiny', 16, 16, 4),
  product('one row', 1, 128, 784),
  product('a layer', 64, 128, 784),
  product('square', 64, 64, 64),
  product('square', 256, 256, 256),
  product('square', 512, 512, 512),
]
