/**
 * Gradient descent on y = 2x + 1: first with numbers alone and the derivatives by hand, then the same steps by neyron's
 * autograd. The loss is L(w, b) = mean((w x + b - y)²), so dL/dw = 2 mean((w x + b - y) x) and dL/db = 2 mean(w x + b - y).
 */
import { data, nn, optim, steps } from 'neyron'
import * as plot from 'neyron/plot'
import { example } from './support/example.ts'
import { render } from './support/render.ts'

const STEPS = 200
const LR = 0.1

/** The points on the way from w = b = 0, by hand. */
function byHand(xs: number[], ys: number[]): [w: number, b: number][] {
  let [w, b] = [0, 0]
  const path: [number, number][] = [[w, b]]
  for (let step = 0; step < STEPS; step++) {
    let [dw, db] = [0, 0]
    xs.forEach((x, i) => {
      const off = w * x + b - ys[i]
      dw += (2 * off * x) / xs.length
      db += (2 * off) / xs.length
    })
    w -= LR * dw
    b -= LR * db
    path.push([w, b])
  }
  return path
}

await example(async () => {
  const { x, y } = data.linear(50, { slope: 2, intercept: 1, noise: 0, seed: 1 })
  const [xs, ys] = [x, y].map((values) => [...values.toTypedArray()])
  const path = byHand(xs, ys)

  const model = new nn.Linear(1, 1)
  nn.init.zeros_(model.weight)
  if (model.bias) nn.init.zeros_(model.bias)
  const optimizer = new optim.SGD(model.parameters(), { lr: LR })
  const lossFn = new nn.MSELoss()
  let difference = 0
  for (const step of steps(STEPS)) {
    optimizer.zeroGrad()
    const loss = lossFn.forward(model.forward(x), y)
    loss.backward()
    optimizer.step()
    const [w, b] = model.parameters().map((parameter) => parameter.item())
    difference = Math.max(difference, Math.abs(w - path[step + 1][0]), Math.abs(b - path[step + 1][1]))
    if (step % 40 === 39) console.log(`step ${step + 1}: y = ${w.toFixed(4)} x + ${b.toFixed(4)}, loss ${loss.item()}`)
  }
  console.log(`by hand and by autograd differ by at most ${difference.toExponential(1)}`)

  const loss = (w: number, b: number) => xs.reduce((sum, at, i) => sum + (w * at + b - ys[i]) ** 2 / xs.length, 0)
  const descent = { f: loss, paths: { 'gradient descent': path }, minimum: [2, 1] } as const
  const look = { title: 'The loss of y = w x + b, and the way down', xTitle: 'w', yTitle: 'b' }
  await render(plot.trajectories(descent, look), 'out/03-gradient-descent')
  const [w, b] = model.parameters().map((parameter) => parameter.item())
  return { w, b, error: Math.max(Math.abs(w - 2), Math.abs(b - 1)) }
})
