/**
 * One hidden layer, if it is wide enough, comes as close as one likes to any continuous function (G. Cybenko, 1989; K. Hornik,
 * 1991). The same function, fitted by wider and wider layers: how the error falls with the width.
 */
import { fit, linspace, manualSeed, metrics, nn, optim, predict, tensor } from 'neyron'
import * as plot from 'neyron/plot'
import { example } from './support/example.ts'
import { render } from './support/render.ts'

const WIDTHS = [1, 2, 4, 8, 16, 32, 64]
const target = (x: number) => Math.sin(3 * x) + 0.4 * Math.cos(9 * x)

await example(async () => {
  const x = linspace(-1.5, 1.5, 200).unsqueeze(1)
  const xs = [...x.toTypedArray()]
  const ys = xs.map(target)
  const y = tensor(ys).unsqueeze(1)
  const predictions: Record<number, number[]> = {}
  let error = 0
  for (const width of WIDTHS) {
    manualSeed(1)
    const model = nn.sequential(new nn.Linear(1, width), new nn.Tanh(), new nn.Linear(width, 1))
    // A neuron bends the curve where its weighted sum is 0: weights and biases of one size spread the bends over all x.
    for (const parameter of model[0].parameters()) nn.init.uniform_(parameter, -7, 7)
    const optimizer = new optim.Adam(model.parameters(), { lr: 0.02 })
    const scheduler = new optim.lrScheduler.CosineAnnealingLR(optimizer, 2000)
    await fit(model, [x, y], {
      loss: new nn.MSELoss(),
      optimizer,
      scheduler,
      epochs: 2000,
      batchSize: 200,
      shuffle: false,
    })
    const predicted = await predict(model, x)
    error = Math.sqrt(metrics.meanSquaredError(predicted, y))
    predictions[width] = [...predicted.toTypedArray()]
    console.log(`${String(width).padStart(2)} neurons: root mean square error ${error.toFixed(4)}`)
  }
  await render(plot.approximation({ x: xs, target: ys, predictions }), 'out/05-universal-approximation')
  return { error }
})
