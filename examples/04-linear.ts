/** `nn.Linear(10, 1)` on random input: y = x wᵀ + b, beside the same sum written out. */
import { manualSeed, nn, randn } from 'neyron'
import * as plot from 'neyron/plot'
import { example } from './support/example.ts'
import { render } from './support/render.ts'

await example(async () => {
  manualSeed(42)
  const layer = new nn.Linear(10, 1)
  const x = randn([5, 10])
  const y = layer.forward(x)
  console.log(layer)
  console.log(y)

  const [w, bias] = layer.parameters().map((parameter) => parameter.toTypedArray())
  const rows = x.toArray() as number[][]
  const byHand = rows.map((row) => row.reduce((sum, value, i) => sum + value * w[i], bias[0]))
  console.log(`written out: ${byHand.map((value) => value.toFixed(4)).join(', ')}`)
  await render(plot.weightHistograms(layer), 'out/04-linear')
  return { error: Math.max(...y.toTypedArray().map((value, i) => Math.abs(value - byHand[i]))) }
})
