/** `nn.Linear(10, 1)` on random input: y = x wᵀ + b, beside the same sum written out. */
import { manualSeed, nn, randn } from 'neyron'
import { example } from './support/example.ts'
import { chart, panelTitle } from './support/look.ts'
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
  const weights = [...w, bias[0]].map((value, i) => ({ name: i < 10 ? `w${i}` : 'b', value }))
  const results = [...y.toTypedArray()].flatMap((value, row) => [
    { row, value, by: 'nn.Linear' },
    { row, value: byHand[row], by: 'written out' },
  ])
  const names = { type: 'nominal', sort: null, axis: { labelAngle: 0 } }
  const value = { field: 'value', type: 'quantitative', title: null }
  const parts = chart('nn.Linear(10, 1)', {
    concat: [
      {
        ...{ title: panelTitle('weights and bias'), width: 300, data: { values: weights }, mark: 'bar' },
        encoding: { x: { ...names, field: 'name', title: null }, y: value },
      },
      {
        ...{ title: panelTitle('x wᵀ + b'), width: 300, data: { values: results }, mark: 'bar' },
        encoding: {
          x: { ...names, field: 'row', title: 'row of x' },
          xOffset: { field: 'by', sort: null },
          y: value,
          color: { field: 'by', type: 'nominal', sort: null, title: null },
        },
      },
    ],
  })
  await render(parts, 'out/04-linear')
  return { error: Math.max(...y.toTypedArray().map((value, i) => Math.abs(value - byHand[i]))) }
})
