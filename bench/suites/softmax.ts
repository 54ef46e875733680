import { nn, type Tensor, tensor } from 'neyron'
import * as baseline from '../baseline/ops.ts'
import { type Case, computing, random, writing } from '../support/contender.ts'

type Shape = readonly [rows: number, cols: number]

function forward([rows, cols]: Shape): Case {
  const n = rows * cols
  return {
    name: `softmax: (${rows}, ${cols})`,
    bytes: 8 * n,
    neyron: () => {
      const x = tensor(random(n), { shape: [rows, cols] })
      return computing(() => x.softmax())
    },
    baseline: () => {
      const [x, y] = [random(n), new Float32Array(n)]
      return writing(y, () => baseline.softmax(x, y, cols))
    },
  }
}

/** Of a leaf: runs `forward`, goes back, and frees all of it. */
function gradientOf(x: Tensor, forward: () => Tensor, upstream?: Tensor) {
  const run = (): void => {
    x.grad = null
    const y = forward()
    y.backward(upstream)
    y.dispose()
  }
  return {
    run,
    result: () => {
      run()
      return (x.grad as unknown as Tensor).toTypedArray()
    },
  }
}

function bothWays([rows, cols]: Shape): Case {
  const n = rows * cols
  return {
    name: `softmax with its gradient: (${rows}, ${cols})`,
    bytes: 20 * n,
    neyron: () => {
      const x = tensor(random(n, 1), { shape: [rows, cols], requiresGrad: true })
      const dy = tensor(random(n, 2), { shape: [rows, cols] })
      return gradientOf(x, () => x.softmax(), dy)
    },
    baseline: () => {
      const [x, dy, y, dx] = [random(n, 1), random(n, 2), new Float32Array(n), new Float32Array(n)]
      return writing(dx, () => {
        baseline.softmax(x, y, cols)
        baseline.softmaxGrad(y, dy, dx, cols)
      })
    },
  }
}

function crossEntropy([rows, cols]: Shape): Case {
  const n = rows * cols
  const labels = Int32Array.from({ length: rows }, (_, i) => (i * 7) % cols)
  return {
    name: `cross entropy with its gradient: (${rows}, ${cols})`,
    bytes: 12 * n,
    neyron: () => {
      const x = tensor(random(n), { shape: [rows, cols], requiresGrad: true })
      const target = tensor(labels)
      const lossFn = new nn.CrossEntropyLoss()
      return gradientOf(x, () => lossFn.forward(x, target))
    },
    baseline: () => {
      const [x, dx] = [random(n), new Float32Array(n)]
      return writing(dx, () => baseline.crossEntropy(x, labels, dx))
    },
  }
}

export const cases: readonly Case[] = [
  [32, 10],
  [64, 1000],
].flatMap(([rows, cols]) => [forward([rows, cols]), bothWays([rows, cols]), crossEntropy([rows, cols])])
