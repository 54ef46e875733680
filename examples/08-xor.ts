/** XOR, which no single neuron can do (M. Minsky, S. Papert, 1969), by two layers. */
import { data, manualSeed, nn, noGrad, optim, steps } from 'neyron'
import * as plot from 'neyron/plot'
import { example } from './support/example.ts'
import { render } from './support/render.ts'

await example(async () => {
  manualSeed(1)
  const { x, y: labels } = data.xor()
  const y = labels.float().unsqueeze(1)
  const model = nn.sequential(new nn.Linear(2, 4), new nn.Tanh(), new nn.Linear(4, 1))
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.1 })
  const lossFn = new nn.BCEWithLogitsLoss()
  for (const step of steps(300)) {
    optimizer.zeroGrad()
    const loss = lossFn.forward(model.forward(x), y)
    loss.backward()
    optimizer.step()
    if (step % 60 === 59) console.log(`step ${step + 1}: loss ${loss.item().toFixed(5)}`)
  }
  const probabilities = noGrad(() => model.forward(x).sigmoid())
  const [points, answers] = [x.toArray() as number[][], probabilities.toTypedArray()]
  points.forEach(([a, b], i) => {
    console.log(`${a} xor ${b}: ${answers[i].toFixed(4)}`)
  })
  const accuracy = noGrad(() => probabilities.gt(0.5).eq(y).mean().item())
  await render(plot.decisionBoundary(model, { x, y: labels }, { title: 'XOR by two layers' }), 'out/08-xor')
  return { accuracy, error: 1 - accuracy }
})
