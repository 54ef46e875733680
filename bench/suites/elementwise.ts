import { type Tensor, tensor } from 'neyron'
import { add, addRow, exp, mul, relu, reluGrad, sigmoid, tanh } from '../baseline/ops.ts'
import { type Case, computing, random, writing } from '../support/contender.ts'

const SIZES = [1_000, 1_000_000]
const COLS = 100

const maps = { exp, relu, sigmoid, tanh }
const zips = { add, mul }

function map(op: keyof typeof maps, n: number): Case {
  return {
    name: `${op}, ${n}`,
    bytes: 8 * n,
    neyron: () => {
      const x = tensor(random(n))
      return computing(() => x[op]())
    },
    baseline: () => {
      const [x, y] = [random(n), new Float32Array(n)]
      return writing(y, () => maps[op](x, y))
    },
  }
}

function zip(op: keyof typeof zips, n: number): Case {
  return {
    name: `${op}, ${n}`,
    bytes: 12 * n,
    neyron: () => {
      const [a, b] = [tensor(random(n, 1)), tensor(random(n, 2))]
      return computing(() => a[op](b))
    },
    baseline: () => {
      const [a, b, y] = [random(n, 1), random(n, 2), new Float32Array(n)]
      return writing(y, () => zips[op](a, b, y))
    },
  }
}

function plusRow(n: number): Case {
  return {
    name: `add a row of ${COLS}, ${n}`,
    bytes: 8 * n,
    neyron: () => {
      const [a, b] = [tensor(random(n, 1), { shape: [n / COLS, COLS] }), tensor(random(COLS, 2))]
      return computing(() => a.add(b))
    },
    baseline: () => {
      const [a, b, y] = [random(n, 1), random(COLS, 2), new Float32Array(n)]
      return writing(y, () => addRow(a, b, y))
    },
  }
}

/** Forward and backward, with the gradient of a sum of products. */
function reluBothWays(n: number): Case {
  return {
    name: `relu with its gradient, ${n}`,
    bytes: 20 * n,
    neyron: () => {
      const [x, dy] = [tensor(random(n, 1), { requiresGrad: true }), tensor(random(n, 2))]
      const run = (): Tensor => {
        x.grad = null
        const y = x.relu()
        y.backward(dy)
        return y
      }
      return {
        run: () => run().dispose(),
        result: () => {
          run()
          return (x.grad as unknown as Tensor).toTypedArray()
        },
      }
    },
    baseline: () => {
      const [x, dy, y, dx] = [random(n, 1), random(n, 2), new Float32Array(n), new Float32Array(n)]
      return writing(dx, () => {
        relu(x, y)
        reluGrad(y, dy, dx)
      })
    },
  }
}

export const cases: readonly Case[] = SIZES.flatMap((n) => [
  zip('add', n),
  plusRow(n),
  zip('mul', n),
  map('relu', n),
  reluBothWays(n),
  map('sigmoid', n),
  map('tanh', n),
  map('exp', n),
])
