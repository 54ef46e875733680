/**
 * Optimizers compared, from the same start: down a long curved valley (H. H. Rosenbrock, 1960), where one can see their ways,
 * and on two moons, where one can see their losses.
 */
import { data, fit, manualSeed, nn, optim, steps, tensor } from 'neyron'
import * as plot from 'neyron/plot'
import { example } from './support/example.ts'
import { chart } from './support/look.ts'
import { render } from './support/render.ts'

type Make = (parameters: Iterable<nn.Parameter>, lr: number) => optim.Optimizer

/** By name: how it is made, and learning rates that suit it in the valley and on the moons. */
const OPTIMIZERS: Record<string, [make: Make, valley: number, moons: number]> = {
  SGD: [(p, lr) => new optim.SGD(p, { lr }), 0.001, 0.1],
  momentum: [(p, lr) => new optim.SGD(p, { lr, momentum: 0.9 }), 0.0005, 0.1],
  Nesterov: [(p, lr) => new optim.SGD(p, { lr, momentum: 0.9, nesterov: true }), 0.0005, 0.1],
  RMSprop: [(p, lr) => new optim.RMSprop(p, { lr }), 0.02, 0.01],
  Adam: [(p, lr) => new optim.Adam(p, { lr }), 0.2, 0.02],
  AdamW: [(p, lr) => new optim.AdamW(p, { lr }), 0.2, 0.02],
}

const rosenbrock = (x: number, y: number) => (1 - x) ** 2 + 100 * (y - x * x) ** 2

/** Where 1000 steps lead from (-1.5, 1). */
function descend(make: Make, lr: number): [number, number][] {
  const [x, y] = [-1.5, 1].map((start) => new nn.Parameter(tensor(start)))
  const optimizer = make([x, y], lr)
  const path: [number, number][] = [[x.item(), y.item()]]
  for (const _ of steps(1000)) {
    optimizer.zeroGrad()
    x.neg().add(1).square().add(y.sub(x.square()).square().mul(100)).backward()
    optimizer.step()
    path.push([x.item(), y.item()])
  }
  return path
}

await example(async () => {
  const moons = data.moons(400, { noise: 0.15, seed: 1 })
  const paths: Record<string, [number, number][]> = {}
  const losses: Record<string, number[]> = {}
  console.log('optimizer  (x, y) after 1000 steps, minimum (1, 1)   loss on moons after 40 epochs')
  for (const [name, [make, valley, lr]] of Object.entries(OPTIMIZERS)) {
    paths[name] = descend(make, valley)
    manualSeed(1)
    const model = nn.sequential(new nn.Linear(2, 16), new nn.ReLU(), new nn.Linear(16, 2))
    const optimizer = make(model.parameters(), lr)
    const loss = new nn.CrossEntropyLoss()
    const { history } = await fit(model, [moons.x, moons.y], { loss, optimizer, epochs: 40, batchSize: 32, seed: 1 })
    losses[name] = history.loss
    const [x, y] = paths[name][1000]
    console.log(`${name.padEnd(10)} (${x.toFixed(3)}, ${y.toFixed(3)})`.padEnd(53) + losses[name][39].toFixed(5))
  }
  const valley = { f: rosenbrock, paths, minimum: [1, 1] } as const
  await render(plot.trajectories(valley, { title: "Rosenbrock's valley" }), 'out/09-optimizers-valley')
  const values = Object.entries(losses).flatMap(([optimizer, list]) =>
    list.map((loss, i) => ({ optimizer, loss, epoch: i + 1 })),
  )
  const curves = chart('Loss on two moons', {
    ...{ width: 420, height: 300, data: { values }, mark: { type: 'line', strokeWidth: 2 } },
    encoding: {
      x: { field: 'epoch', type: 'quantitative', scale: { domain: [1, 40], nice: false }, axis: { grid: false } },
      y: { field: 'loss', type: 'quantitative', scale: { type: 'log' } },
      color: { field: 'optimizer', type: 'nominal', sort: null, title: null },
    },
  })
  await render(curves, 'out/09-optimizers-moons')
  const [x, y] = paths.Adam[1000]
  return { loss: losses.Adam[39], error: Math.hypot(x - 1, y - 1) }
})
