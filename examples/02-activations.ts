/** The activations, their derivatives by autograd, and how far those are from differences of float64 formulas. */
import { linspace, tensor } from 'neyron'
import * as plot from 'neyron/plot'
import { example } from './support/example.ts'
import { render } from './support/render.ts'

const FORMULAS = {
  sigmoid: (x: number) => 1 / (1 + Math.exp(-x)),
  tanh: Math.tanh,
  relu: (x: number) => Math.max(x, 0),
  leakyRelu: (x: number) => (x > 0 ? x : 0.01 * x),
  silu: (x: number) => x / (1 + Math.exp(-x)),
  softplus: (x: number) => Math.log1p(Math.exp(x)),
  elu: (x: number) => (x > 0 ? x : Math.expm1(x)),
}

await example(async () => {
  let error = 0
  console.log('activation   f(-1)     f(1)      slope(-1) slope(1)')
  for (const [name, formula] of Object.entries(FORMULAS)) {
    const x = linspace(-3.99, 3.99, 100)
    x.requiresGrad = true
    const y = x[name as keyof typeof FORMULAS]()
    y.sum().backward()
    const [xs, ys, slopes] = [x, y, x.grad ?? y].map((values) => [...values.toTypedArray()])
    xs.forEach((at, i) => {
      const difference = (formula(at + 1e-6) - formula(at - 1e-6)) / 2e-6
      error = Math.max(error, Math.abs(ys[i] - formula(at)), Math.abs(slopes[i] - difference))
    })
    const nearest = (to: number) =>
      xs.reduce((best, at, i) => (Math.abs(at - to) < Math.abs(xs[best] - to) ? i : best), 0)
    const shown = [ys, slopes].flatMap((list) => [-1, 1].map((at) => list[nearest(at)].toFixed(4).padEnd(10)))
    console.log(name.padEnd(13) + shown.join(''))
  }
  const logits = tensor([1, 2, 3])
  console.log(`softmax(1, 2, 3) = ${logits.softmax(0)}`)
  console.log(`softmax(1001, 1002, 1003), which must not overflow = ${logits.add(1000).softmax(0)}`)
  const names = [...Object.keys(FORMULAS), 'gelu'] as (keyof typeof FORMULAS | 'gelu')[]
  await render(plot.activations(names, { range: [-4, 4] }), 'out/02-activations')
  return { error }
})
