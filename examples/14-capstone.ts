/**
 * The main job: learn to read handwritten digits, and compare with the same network in plain JavaScript.
 *
 *   npm start                 on the first 1,000 images of MNIST
 *   npm start -- --full       on all 60,000
 *   npm start -- --help       the other options
 */
import { data, evaluate, manualSeed, metrics, nn, optim, variant, weightsSha256 } from 'neyron'
import * as plot from 'neyron/plot'
import { trainBaseline } from './support/baseline.ts'
import { example } from './support/example.ts'
import { loadMnist } from './support/mnist.ts'
import { readOptions } from './support/options.ts'
import { startProgress } from './support/progress.ts'
import { render } from './support/render.ts'
import { comparison, type Outcome } from './support/report.ts'

const { full, json, seed } = readOptions()
const { images, epochs, batchSize } = full
  ? { images: 60_000, epochs: 12, batchSize: 64 }
  : { images: 1_000, epochs: 20, batchSize: 32 }

await example(async () => {
  const train = loadMnist('train', images)
  const test = loadMnist('t10k', 10_000)

  manualSeed(seed)
  const model = nn.sequential(new nn.Linear(784, 128), new nn.ReLU(), new nn.Linear(128, 10))
  const optimizer = new optim.Adam(model.parameters(), { lr: 1e-3 })
  const lossFn = new nn.CrossEntropyLoss()
  const loader = new data.DataLoader(train.dataset, { batchSize, shuffle: true, seed })
  const initial = model.stateDict()
  const measure = (dataset: data.TensorDataset) =>
    evaluate(model, dataset, { loss: lossFn, metrics: { accuracy: metrics.accuracy }, batchSize: 1000 })

  // The clock runs during the updates only: what an epoch has learned is measured between them.
  let seconds = 0
  const history: Record<'loss' | 'accuracy', number[]> = { loss: [], accuracy: [] }
  const progress = startProgress('neyron', epochs)
  for (let epoch = 0; epoch < epochs; epoch++) {
    const start = performance.now()
    for (const [x, y] of loader) {
      optimizer.zeroGrad()
      const loss = lossFn.forward(model.forward(x), y)
      loss.backward()
      optimizer.step()
    }
    const elapsed = (performance.now() - start) / 1000
    seconds += elapsed
    const { loss, accuracy } = await measure(train.dataset)
    history.loss.push(loss)
    history.accuracy.push(accuracy)
    progress.epoch(elapsed, { loss, accuracy })
  }
  progress.stop()

  const { accuracy: testAccuracy } = await measure(test.dataset)
  const [finalLoss, trainAccuracy] = [history.loss[epochs - 1], history.accuracy[epochs - 1]]
  const neyron: Outcome = { finalLoss, trainAccuracy, testAccuracy, seconds }
  const baseline = full ? null : trainBaseline({ train, test, initial, epochs, batchSize, seed })
  console.log(comparison(neyron, baseline))
  await render(plot.trainingHistory(history, { title: `${images} images of MNIST` }), 'out/14-capstone')
  if (!json) return { accuracy: testAccuracy, error: 1 - testAccuracy }
  return JSON.stringify({
    ...{ trainAccuracy, testAccuracy, finalLoss, seconds },
    baselineLoss: baseline?.finalLoss ?? null,
    baselineSeconds: baseline?.seconds ?? null,
    ratio: baseline ? baseline.seconds / seconds : null,
    weightsSha256: await weightsSha256(model.stateDict()),
    variant: variant(),
  })
})
