/**
 * Three hidden layers with batch normalisation (S. Ioffe, C. Szegedy, 2015) and dropout (N. Srivastava et al., 2014) on 1,000
 * images of MNIST, and the same without both: what they do for images that the network has not seen. A fifth of the 1,000 is
 * kept for validation after each epoch; the images of the test are looked at once, at the end.
 */
import { earlyStopping, evaluate, fit, manualSeed, metrics, nn, optim, progress } from 'neyron'
import { example } from './support/example.ts'
import { chart, panelTitle } from './support/look.ts'
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
  const curves: { name: string; epoch: number; loss: number; accuracy: number }[] = []
  const learn = async (name: string, model: nn.Sequential) => {
    console.log(name)
    const loss = new nn.CrossEntropyLoss()
    const optimizer = new optim.Adam(model.parameters())
    const scheduler = new optim.lrScheduler.CosineAnnealingLR(optimizer, 20)
    const callbacks = [progress({ every: 5 }), earlyStopping({ monitor: 'loss', patience: 5 })]
    const options = { loss, optimizer, scheduler, epochs: 20, batchSize: 32, metrics: { accuracy }, callbacks, seed: 1 }
    const { history } = await fit(model, train.dataset, { ...options, validationSplit: 0.2 })
    const result = await evaluate(model, test.dataset, { loss, metrics: { accuracy }, batchSize: 1000 })
    console.log(`  test accuracy ${(100 * result.accuracy).toFixed(2)} %`)
    const { valLoss, valAccuracy } = history
    curves.push(...valLoss.map((loss, i) => ({ name, epoch: i + 1, loss, accuracy: valAccuracy[i] })))
    return result
  }

  manualSeed(1)
  const plain = network(() => [new nn.ReLU()])
  const without = await learn('without', plain)
  manualSeed(1)
  const regularised = network((width) => [new nn.BatchNorm1d(width), new nn.ReLU(), new nn.Dropout(0.3)])
  console.log(regularised.summary([1, 784]))
  const withBoth = await learn('with both', regularised)
  const panels = ['loss', 'accuracy'].map((field) => ({
    ...{
      title: panelTitle(field),
      width: 300,
      height: 200,
      mark: { type: 'line', strokeWidth: 2, point: { size: 20 } },
    },
    encoding: {
      x: { field: 'epoch', type: 'quantitative', scale: { domain: [1, 20], nice: false }, axis: { grid: false } },
      y: { field, type: 'quantitative', title: null, scale: { zero: field === 'loss' } },
      color: { field: 'name', type: 'nominal', sort: null, title: null },
    },
  }))
  const title = 'Batch norm and dropout, on 200 images kept for validation'
  await render(chart(title, { data: { values: curves }, concat: panels }), 'out/10-three-hidden-layers')
  return { accuracy: withBoth.accuracy, error: 1 - withBoth.accuracy, without: without.accuracy }
})
