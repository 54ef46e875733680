/**
 * Iris with plain arrays and nothing else: a 4-10-3 network, forward and backward by hand. With h = tanh(W₁ x + b₁) and
 * p = softmax(W₂ h + b₂), the cross-entropy -log p[class] has the gradients dz = p - onehot(class) at the output,
 * dh = W₂ᵀ dz, and da = dh (1 - h²) before the tanh; that of a weight is the product of what it connects.
 */
import * as plot from 'neyron/plot'
import { dot, type Matrix, randomFrom, shuffled, softmax, sum, transposed, type Vector } from './support/arrays.ts'
import { example } from './support/example.ts'
import { loadFlowers } from './support/iris.ts'
import { render } from './support/render.ts'

const [HIDDEN, EPOCHS, LR] = [10, 60, 0.05]
const random = randomFrom(2026)

class Layer {
  readonly w: Matrix
  readonly b: Vector

  constructor(inputs: number, outputs: number) {
    const small = () => (2 * random() - 1) / Math.sqrt(inputs)
    this.w = Array.from({ length: outputs }, () => Array.from({ length: inputs }, small))
    this.b = Array(outputs).fill(0)
  }

  forward(x: Vector): Vector {
    return this.w.map((row, i) => dot(row, x) + this.b[i])
  }

  /** The gradient of the input; and a step downhill. */
  backward(x: Vector, dy: Vector): Vector {
    const dx = transposed(this.w).map((column) => dot(column, dy))
    dy.forEach((d, i) => {
      x.forEach((value, j) => {
        this.w[i][j] -= LR * d * value
      })
      this.b[i] -= LR * d
    })
    return dx
  }
}

await example(async () => {
  const { measures, species } = loadFlowers()
  const names = [...new Set(species)]
  const all = measures.map((x, i) => ({ x, label: names.indexOf(species[i]) }))
  const flowers = shuffled(all, random)
  const [train, test] = [flowers.slice(0, 105), flowers.slice(105)]
  // Each measure gets mean 0 and standard deviation 1 over the training flowers; the test flowers are scaled alike.
  for (const i of measures[0].keys()) {
    const column = train.map(({ x }) => x[i])
    const mean = sum(column) / column.length
    const std = Math.sqrt(sum(column.map((value) => (value - mean) ** 2)) / column.length)
    for (const { x } of flowers) x[i] = (x[i] - mean) / std
  }

  const [first, second] = [new Layer(4, HIDDEN), new Layer(HIDDEN, 3)]
  const losses: number[] = []
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    let loss = 0
    for (const { x, label } of shuffled(train, random)) {
      const h = first.forward(x).map(Math.tanh)
      const p = softmax(second.forward(h))
      loss -= Math.log(p[label]) / train.length
      const dz = p.map((probability, c) => probability - Number(c === label))
      const da = second.backward(h, dz).map((d, j) => d * (1 - h[j] ** 2))
      first.backward(x, da)
    }
    losses.push(loss)
  }
  const answer = (x: Vector) => second.forward(first.forward(x).map(Math.tanh))
  const right = test.filter(({ x, label }) => answer(x).indexOf(Math.max(...answer(x))) === label).length
  console.log(`loss ${losses[0].toFixed(4)} in the first epoch, ${losses[EPOCHS - 1].toFixed(4)} in the last`)
  console.log(`${right} of ${test.length} flowers that it has not seen are right`)
  await render(plot.trainingHistory({ loss: losses }, { title: 'Iris in plain arrays' }), 'out/06-iris-arrays')
  return { accuracy: right / test.length, error: 1 - right / test.length }
})
