/**
 * Speed: a network of a million parameters (784-1024-192-10) on MNIST, by neyron and by plain JavaScript that is written to be
 * fast (`bench/baseline/mlp.ts`), from the same weights, on the same batches.
 */
import { data, manualSeed, nn, optim } from 'neyron'
import { BaselineMlp, type LinearWeights } from '../bench/baseline/mlp.ts'
import { example } from './support/example.ts'
import { chart } from './support/look.ts'
import { loadMnist } from './support/mnist.ts'
import { render } from './support/render.ts'

const copy = (parameter: nn.Parameter | null) => Float32Array.from(parameter?.toTypedArray() ?? [])
const weightsOf = ({ weight, bias }: nn.Linear): LinearWeights => ({ weight: copy(weight), bias: copy(bias) })
const median = (list: number[]) => list.toSorted((a, b) => a - b)[list.length >> 1]

await example(async () => {
  manualSeed(1)
  const layers = [new nn.Linear(784, 1024), new nn.Linear(1024, 192), new nn.Linear(192, 10)] as const
  const model = nn.sequential(layers[0], new nn.ReLU(), layers[1], new nn.ReLU(), layers[2])
  const optimizer = new optim.Adam(model.parameters())
  const lossFn = new nn.CrossEntropyLoss()
  const rival = new BaselineMlp(layers.map(weightsOf))
  console.log(`${model.parameters().reduce((sum, { numel }) => sum + numel, 0)} parameters`)

  const { dataset } = loadMnist('train', 2048)
  const times: Record<'neyron' | 'plain', number[]> = { neyron: [], plain: [] }
  let error = 0
  for (const [x, y] of new data.DataLoader(dataset, { batchSize: 64, shuffle: true })) {
    const [pixels, labels] = [x.toTypedArray() as Float32Array, Int32Array.from(y.toTypedArray())]
    const start = performance.now()
    optimizer.zeroGrad()
    const loss = lossFn.forward(model.forward(x), y)
    loss.backward()
    optimizer.step()
    const between = performance.now()
    const theirs = rival.step(pixels, labels, 64)
    times.neyron.push(between - start)
    times.plain.push(performance.now() - between)
    error = Math.max(error, Math.abs(loss.item() - theirs))
  }
  const [ours, theirs] = [median(times.neyron), median(times.plain)]
  console.log(
    `median of ${times.plain.length} updates: neyron ${ours.toFixed(1)} ms, plain JavaScript ${theirs.toFixed(1)} ms`,
  )
  const values = [
    { library: 'neyron', ms: ours },
    { library: 'plain JavaScript', ms: theirs },
  ]
  const bars = chart('One update of a million parameters, batch of 64', {
    ...{ width: 400, data: { values }, mark: 'bar' },
    encoding: {
      y: { field: 'library', type: 'nominal', title: null },
      x: { field: 'ms', type: 'quantitative', title: 'milliseconds (median)' },
    },
  })
  await render(bars, 'out/12-million-parameters')
  return { speedup: theirs / ours, error }
})
