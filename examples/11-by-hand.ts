/**
 * The network of `10-three-hidden-layers.ts`, smaller, on plain arrays: forward, and back through what each layer left
 * behind (`support/by-hand.ts`). Then the same by neyron, and the largest difference of the gradients.
 */
import { manualSeed, nn, ones, randint, randn } from 'neyron'
import { type Matrix, map, softmax } from './support/arrays.ts'
import { batchNorm, gated, linear, type Step } from './support/by-hand.ts'
import { example } from './support/example.ts'
import { chart } from './support/look.ts'
import { render } from './support/render.ts'

/** Of four parameters in a row. */
const KINDS = ['weight of linear', 'bias of linear', 'γ of batch norm', 'β of batch norm']
const [ROWS, INPUTS, WIDTH, CLASSES, P] = [16, 6, 8, 3, 0.3]

/** The gradients of all parameters, in their order: forward to the loss, and back through what each step gave. */
function gradientsByHand(x: Matrix, labels: number[], parameters: Matrix[], masks: Matrix[]): Matrix[] {
  const grads: Matrix[] = []
  const backs: Step[1][] = []
  const through = ([y, back]: Step): Matrix => {
    backs.unshift(back)
    return y
  }
  let y = x
  masks.forEach((mask, i) => {
    const [w, b, gamma, beta] = parameters.slice(4 * i)
    y = through(linear(y, w, b, grads))
    y = through(batchNorm(y, gamma, beta, grads))
    y = through(
      gated(
        y,
        map(y, (value) => Number(value > 0)),
      ),
    )
    y = through(gated(y, mask))
  })
  const [w, b] = parameters.slice(-2)
  const p = through(linear(y, w, b, grads)).map(softmax)
  // Softmax and the mean of the cross-entropy together: (p - onehot(label)) / rows.
  const dz = map(p, (value, i, j) => (value - Number(j === labels[i])) / ROWS)
  backs.reduce((dy, back) => back(dy), dz)
  return grads
}

await example(async () => {
  manualSeed(1)
  const block = (inputs: number) => [
    new nn.Linear(inputs, WIDTH),
    new nn.BatchNorm1d(WIDTH),
    new nn.ReLU(),
    new nn.Dropout(P),
  ]
  const model = nn.sequential(...block(INPUTS), ...block(WIDTH), ...block(WIDTH), new nn.Linear(WIDTH, CLASSES))
  const [x, labels] = [randn([ROWS, INPUTS]), randint(0, CLASSES, [ROWS])]
  manualSeed(2)
  new nn.CrossEntropyLoss().forward(model.forward(x), labels).backward()
  manualSeed(2) // The same draws again: what dropout leaves of ones is its mask.
  const masks = [0, 1, 2].map(() => nn.functional.dropout(ones([ROWS, WIDTH]), P, true).toArray() as Matrix)
  const plain = (array: unknown) => (Array.isArray((array as Matrix)[0]) ? array : [array]) as Matrix
  const parameters = model.parameters().map((parameter) => plain(parameter.toArray()))
  const byHand = gradientsByHand(x.toArray() as Matrix, labels.toArray() as number[], parameters, masks)
  const values = model.parameters().flatMap(({ grad }, i) => {
    const autograd = plain(grad?.toArray()).flat()
    return byHand[i].flat().map((value, j) => ({ kind: KINDS[i % 4], byHand: value, autograd: autograd[j] }))
  })
  const error = Math.max(...values.map(({ byHand: one, autograd: other }) => Math.abs(one - other)))
  console.log(`${values.length} gradients by hand and by autograd differ by at most ${error.toExponential(1)}`)
  const points = chart('Each gradient, by hand and by autograd', {
    ...{ width: 400, height: 400, data: { values }, mark: 'point' },
    encoding: {
      x: { field: 'byHand', type: 'quantitative', title: 'by hand' },
      y: { field: 'autograd', type: 'quantitative', title: 'by autograd' },
      color: { field: 'kind', type: 'nominal', sort: null, title: null },
    },
  })
  await render(points, 'out/11-by-hand')
  return { error }
})
