/**
 * What the loss looks like round a trained network, along two random directions in the space of its weights, scaled to the weights
 * filter by filter (H. Li et al., arXiv:1712.09913): a map, and a surface to turn with the mouse.
 */
import { data, fit, manualSeed, nn, optim, scope } from 'neyron'
import * as plot from 'neyron/plot'
import { example } from './support/example.ts'
import { render, renderSurface } from './support/render.ts'

await example(async () => {
  manualSeed(3)
  const { x, y } = data.spirals(300, { arms: 3, noise: 0.02, seed: 1 })
  const model = nn.sequential(
    new nn.Linear(2, 32),
    new nn.ReLU(),
    new nn.Linear(32, 32),
    new nn.ReLU(),
    new nn.Linear(32, 3),
  )
  const loss = new nn.CrossEntropyLoss()
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.01 })
  await fit(model, [x, y], { loss, optimizer, epochs: 300, batchSize: 32, seed: 1 })

  const lossOf = () => loss.forward(model.forward(x), y)
  const before = scope(() => lossOf().item())
  const landscape = plot.landscape(model, lossOf, { resolution: 41, range: 1, seed: 1 })
  const after = scope(() => lossOf().item())
  console.log(`the loss where training ended: ${before.toFixed(5)}; a look around has changed it by ${after - before}`)
  await render(plot.decisionBoundary(model, { x, y }, { title: 'Three spirals' }), 'out/13-spirals')
  await render(plot.lossLandscape(landscape), 'out/13-loss-landscape')
  await renderSurface(plot.lossSurface(landscape), 'out/13-loss-surface.html')
  return { loss: before, error: Math.abs(after - before) }
})
