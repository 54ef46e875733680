/**
 * How much of the rival's speed is zeros: the capstone's 640 updates on images without any, neyron and plain JavaScript in
 * turns. On MNIST four of five inputs are zero and both skip them.
 *   npx tsx bench/lab/02-dense-inputs.ts [rounds]
 */
import { data, manualSeed, nn, optim, rand, randint, steps } from 'neyron'
import { BaselineMlp } from '../baseline/mlp.ts'

const ROUNDS = Number(process.argv[2] ?? 3)
const [IMAGES, BATCH, EPOCHS] = [1000, 32, 20]

manualSeed(1)
const x = rand([IMAGES, 784])
const labels = randint(0, 10, [IMAGES])

function seconds(run: () => void): number {
  const start = performance.now()
  run()
  return (performance.now() - start) / 1000
}

function round(): { neyron: number; baseline: number } {
  const model = nn.sequential(new nn.Linear(784, 128), new nn.ReLU(), new nn.Linear(128, 10))
  const optimizer = new optim.Adam(model.parameters())
  const lossFn = new nn.CrossEntropyLoss()
  const loader = new data.DataLoader(new data.TensorDataset(x, labels), { batchSize: BATCH, shuffle: true })
  const state = model.stateDict()
  const [w0, b0, w1, b1] = Object.values(state).map((p) => Float32Array.from(p.toTypedArray()))
  const rival = new BaselineMlp([
    { weight: w0, bias: b0 },
    { weight: w1, bias: b1 },
  ])
  const images = Float32Array.from(x.toTypedArray())
  const digits = Int32Array.from(labels.toTypedArray())
  return {
    neyron: seconds(() => {
      for (const _ of steps(EPOCHS))
        for (const [batch, target] of loader) {
          optimizer.zeroGrad()
          lossFn.forward(model.forward(batch), target).backward()
          optimizer.step()
        }
    }),
    baseline: seconds(() => {
      for (let epoch = 0; epoch < EPOCHS; epoch++)
        for (let first = 0; first < IMAGES; first += BATCH) {
          const count = Math.min(BATCH, IMAGES - first)
          const rows = images.subarray(first * 784, (first + count) * 784)
          rival.step(rows, digits.subarray(first, first + count), count)
        }
    }),
  }
}

for (let i = 0; i < ROUNDS; i++) {
  const { neyron, baseline } = round()
  console.log(
    `neyron ${neyron.toFixed(3)} s   plain JavaScript ${baseline.toFixed(3)} s   ratio ${(baseline / neyron).toFixed(1)}`,
  )
}
