/**
 * Three hidden layers with batch normalisation (S. Ioffe, C. Szegedy, 2015) and dropout (N. Srivastava et al., 2014) on 1,000
 * images of MNIST, and the same without both: what they do for images that the network has not seen.
 */
import { earlyStopping, evaluate, fit, manualSeed, metrics, nn, optim, progress } from 'neyron'
import * as plot from 'neyron/plot'
import { example } from './support/example.ts'
import { loadMnist } from './support/mnist.ts'
import { render } from './support/render.ts'

const WIDTHS = [784, 256, 128, 64] as const

/** `extras` are what stands between a linear layer and the next. */
function network(extras: (width: number) => nn.Layer[]): nn.Sequential {
  const hidden = WIDTHS.slice(1).flatMap((width, i) => [new nn.Linear(WIDTHS[i], width), ...extras(width)])
  return nn.sequential(...hidden, new nn.Linear(WIDTHS[3], 10))
}

await example(async () => {
  const train = loadMnist('train', 1000)
  const test = loadMnist('t10k', 10_000)
  const { accuracy } = metrics
  const learn = async (name: string, model: nn.Sequential) => {
    console.log(name)
    const loss = new nn.CrossEntropyLoss()
    const optimizer = new optim.Adam(model.parameters())
    const scheduler = new optim.lrScheduler.CosineAnnealingLR(optimizer, 20)
    const callbacks = [progress({ every: 5 }), earlyStopping({ monitor: 'loss', patience: 5 })]
    const options = { loss, optimizer, scheduler, epochs: 20, batchSize: 32, metrics: { accuracy }, callbacks, seed: 1 }
    const { history } = await fit(model, train.dataset, { ...options, validation: test.dataset })
    const result = await evaluate(model, test.dataset, { loss, metrics: { accuracy }, batchSize: 1000 })
    console.log(`  test accuracy ${(100 * result.accuracy).toFixed(2)} %`)
    return { history, ...result }
  }

  manualSeed(1)
  const plain = network(() => [new nn.ReLU()])
  const without = await learn('without', plain)
  manualSeed(1)
  const regularised = network((width) => [new nn.BatchNorm1d(width), new nn.ReLU(), new nn.Dropout(0.3)])
  console.log(regularised.summary([1, 784]))
  const withBoth = await learn('with batch normalisation and dropout', regularised)
  await render(plot.trainingHistory(without.history, { title: 'Without' }), 'out/10-without')
  await render(plot.trainingHistory(withBoth.history, { title: 'Batch norm and dropout' }), 'out/10-with')
  return { accuracy: withBoth.accuracy, error: 1 - withBoth.accuracy, without: without.accuracy }
})
