/** The same training in plain JavaScript: same initial weights, same images in the same order. */
import { arange, data, type Tensor } from 'neyron'
import { BaselineMlp, type LinearWeights } from '../../bench/baseline/mlp.ts'
import type { Mnist } from './mnist.ts'
import { type Evaluation, startProgress } from './progress.ts'
import type { Outcome } from './report.ts'

interface Training {
  train: Mnist
  test: Mnist
  initial: Record<string, Tensor>
  epochs: number
  batchSize: number
  seed: number
}

export function trainBaseline({ train, test, initial, epochs, batchSize, seed }: Training): Outcome {
  const model = new BaselineMlp([linear(initial, '0'), linear(initial, '2')])
  const x = new Float32Array(batchSize * 784)
  const labels = new Int32Array(batchSize)

  // A loader with the same seed over the numbers of the images tells in which order they come.
  const numbers = new data.TensorDataset(arange(train.labels.length))
  const loader = new data.DataLoader(numbers, { batchSize, shuffle: true, seed })

  let seconds = 0
  const progress = startProgress('plain JavaScript', epochs)
  for (let epoch = 0; epoch < epochs; epoch++) {
    const batches = Array.from(loader, ([batch]) => Int32Array.from(batch.toTypedArray()))
    const start = performance.now()
    for (const batch of batches) {
      gather(train, batch, x, labels)
      model.step(x, labels, batch.length)
    }
    const elapsed = (performance.now() - start) / 1000
    seconds += elapsed
    progress.epoch(elapsed, evaluate(model, train))
  }
  progress.stop()

  const trained = evaluate(model, train)
  const tested = evaluate(model, test)
  return { finalLoss: trained.loss, trainAccuracy: trained.accuracy, testAccuracy: tested.accuracy, seconds }
}

function linear(state: Record<string, Tensor>, name: string): LinearWeights {
  const copy = (key: string) => Float32Array.from(state[`${name}.${key}`].toTypedArray())
  return { weight: copy('weight'), bias: copy('bias') }
}

/** Copies the images with the given numbers into `x`, scaled to 0 to 1, and their labels into `labels`. */
function gather(from: Mnist, numbers: Int32Array, x: Float32Array, labels: Int32Array): void {
  const { pixels } = from
  let at = 0
  for (let b = 0; b < numbers.length; b++) {
    labels[b] = from.labels[numbers[b]]
    const start = numbers[b] * 784
    for (let i = start; i < start + 784; i++) x[at++] = pixels[i] * (1 / 255)
  }
}

/** The mean loss and the accuracy over all images, 1,000 at a time. */
function evaluate(model: BaselineMlp, images: Mnist): Evaluation {
  const total = images.labels.length
  const x = new Float32Array(1000 * 784)
  const labels = new Int32Array(1000)
  let [loss, right] = [0, 0]
  for (let first = 0; first < total; first += 1000) {
    const count = Math.min(1000, total - first)
    const numbers = Int32Array.from({ length: count }, (_, i) => first + i)
    gather(images, numbers, x, labels)
    loss += model.loss(x, labels, count) * count
    right += model.predict(x, count).filter((digit, i) => digit === labels[i]).length
  }
  return { loss: loss / total, accuracy: right / total }
}
