/**
 * The main job: learn to read handwritten digits, and compare with the same network in plain JavaScript.
 *
 *   npm start                 on the first 1,000 images of MNIST
 *   npm start -- --full       on all 60,000
 *   npm start -- --help       the other options
 */
import { data, manualSeed, nn, optim, steps, variant, weightsSha256 } from 'neyron'
import { trainBaseline } from './support/baseline.ts'
import { evaluate } from './support/evaluate.ts'
import { loadMnist } from './support/mnist.ts'
import { readOptions } from './support/options.ts'
import { startProgress } from './support/progress.ts'
import { comparison, type Outcome } from './support/report.ts'

const { full, json, seed } = readOptions()
const { images, epochs, batchSize } = full
  ? { images: 60_000, epochs: 12, batchSize: 64 }
  : { images: 1_000, epochs: 20, batchSize: 32 }

const train = loadMnist('train', images)
const test = loadMnist('t10k', 10_000)

manualSeed(seed)
const model = nn.sequential(new nn.Linear(784, 128), new nn.ReLU(), new nn.Linear(128, 10))
const optimizer = new optim.Adam(model.parameters(), { lr: 1e-3 })
const lossFn = new nn.CrossEntropyLoss()
const loader = new data.DataLoader(train.dataset, { batchSize, shuffle: true, seed })
const initial = model.stateDict()

// The clock runs during the updates only: what an epoch has learned is measured between them.
let seconds = 0
const progress = startProgress('neyron', epochs)
for (const _ of steps(epochs)) {
  const start = performance.now()
  for (const [x, y] of loader) {
    optimizer.zeroGrad()
    const loss = lossFn.forward(model.forward(x), y)
    loss.backward()
    optimizer.step()
  }
  const elapsed = (performance.now() - start) / 1000
  seconds += elapsed
  progress.epoch(elapsed, evaluate(model, lossFn, train.dataset))
}
progress.stop()

const trained = evaluate(model, lossFn, train.dataset)
const tested = evaluate(model, lossFn, test.dataset)
const neyron: Outcome = {
  finalLoss: trained.loss,
  trainAccuracy: trained.accuracy,
  testAccuracy: tested.accuracy,
  seconds,
}
const baseline = full ? null : trainBaseline({ train, test, initial, epochs, batchSize, seed })
console.log(comparison(neyron, baseline))

if (json)
  console.log(
    JSON.stringify({
      trainAccuracy: neyron.trainAccuracy,
      testAccuracy: neyron.testAccuracy,
      finalLoss: neyron.finalLoss,
      baselineLoss: baseline?.finalLoss ?? null,
      seconds: neyron.seconds,
      baselineSeconds: baseline?.seconds ?? null,
      ratio: baseline ? baseline.seconds / neyron.seconds : null,
      weightsSha256: await weightsSha256(model.stateDict()),
      variant: variant(),
    }),
  )
