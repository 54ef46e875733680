/**
 * A single neuron, as F. Rosenblatt had it in 1958: a weighted sum, a step, and after each mistake a correction. It finds a
 * line between any two groups that a line can part; of XOR it gets no more than three points right.
 */
import { data, manualSeed, nn, noGrad, type Tensor } from 'neyron'
import * as plot from 'neyron/plot'
import { example } from './support/example.ts'
import { render } from './support/render.ts'

const fires = (neuron: nn.Linear, x: Tensor) => neuron.forward(x).gt(0).squeeze(1).int()

/** Goes through the points until all are right; gives the number of passes, at most `limit`. */
function learn(neuron: nn.Linear, x: Tensor, y: Tensor, limit: number): number {
  for (let pass = 1; pass <= limit; pass++) {
    let mistakes = 0
    for (let i = 0; i < y.numel; i++)
      noGrad(() => {
        const point = x.slice([i, i + 1])
        const error = y.slice([i, i + 1]).sub(fires(neuron, point)) // -1, 0 or 1
        mistakes += Math.abs(error.item())
        neuron.weight.add_(error.unsqueeze(1).mul(point))
        neuron.bias?.add_(error)
      })
    if (mistakes === 0) return pass
  }
  return limit
}

await example(async () => {
  manualSeed(1)
  const { x, y } = data.blobs(100, { centers: 2, std: 1, seed: 3 })
  const neuron = new nn.Linear(2, 1)
  const passes = learn(neuron, x, y, 100)
  const accuracy = noGrad(() => fires(neuron, x).eq(y).mean().item())
  console.log(`two groups of points: all right after ${passes} passes`)
  console.log(`the line: ${neuron.weight.toArray()} x + ${neuron.bias?.item()} = 0`)
  await render(plot.decisionBoundary(neuron, { x, y }, { title: 'A perceptron' }), 'out/01-perceptron')

  const xor = data.xor()
  const other = new nn.Linear(2, 1)
  learn(other, xor.x, xor.y, 100)
  const right = noGrad(() => fires(other, xor.x).eq(xor.y).sum().item())
  console.log(`XOR: ${right} of 4 right after 100 passes; no line parts it`)
  return { accuracy, error: 1 - accuracy }
})
