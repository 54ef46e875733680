import { describe, expect, it } from 'vitest'
import { BaselineMlp, type LinearWeights } from '../bench/baseline/mlp.ts'

/** Uniform in [-1, 1): a linear congruential generator with the constants of Numerical Recipes. */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 31 - 1
  }
}

function makeWeights(sizes: number[], random: () => number): LinearWeights[] {
  return sizes.slice(1).map((outputs, i) => ({
    weight: Float32Array.from({ length: outputs * sizes[i] }, () => random() / Math.sqrt(sizes[i])),
    bias: Float32Array.from({ length: outputs }, random),
  }))
}

/** Rows of which about `zeros` of the entries are zero. */
function makeBatch(rows: number, inputs: number, classes: number, zeros: number, random: () => number) {
  const x = Float32Array.from({ length: rows * inputs }, () => (Math.abs(random()) < zeros ? 0 : random()))
  const labels = Int32Array.from({ length: rows }, (_, i) => (i * 7 + 1) % classes)
  return { x, labels, rows }
}

type Batch = ReturnType<typeof makeBatch>

/** Weights and biases in one list: layer by layer, as PyTorch's `parameters()`. */
const flat = (layers: LinearWeights[]): number[] => layers.flatMap(({ weight, bias }) => [...weight, ...bias])

/** The mean loss in float64, skipping nothing. */
function referenceLoss(sizes: number[], parameters: number[], { x, labels, rows }: Batch): number {
  let loss = 0
  for (let b = 0; b < rows; b++) {
    let row = [...x.subarray(b * sizes[0], (b + 1) * sizes[0])]
    let at = 0
    for (let layer = 1; layer < sizes.length; layer++) {
      const [inputs, outputs] = [sizes[layer - 1], sizes[layer]]
      if (layer > 1) row = row.map((v) => Math.max(v, 0))
      const bias = at + inputs * outputs
      row = Array.from({ length: outputs }, (_, o) =>
        row.reduce((sum, v, i) => sum + v * parameters[at + o * inputs + i], parameters[bias + o]),
      )
      at = bias + outputs
    }
    loss += Math.log(row.reduce((sum, v) => sum + Math.exp(v), 0)) - row[labels[b]]
  }
  return loss / rows
}

function expectClose(actual: number[], expected: number[], rtol: number, atol: number): void {
  expect(actual.length).toBe(expected.length)
  const worst = actual.reduce(
    (w, a, i) => Math.max(w, Math.abs(a - expected[i]) / (atol + rtol * Math.abs(expected[i]))),
    0,
  )
  expect(worst).toBeLessThanOrEqual(1)
}

const NETS = [
  [5, 3],
  [6, 7, 4],
  [9, 5, 6, 3],
].map((sizes) => ({ sizes, name: sizes.join('-') }))

describe.each(NETS)('BaselineMlp $name', ({ sizes }) => {
  const classes = sizes.at(-1)!

  it.each([0, 0.5, 0.8, 1])('has the gradients of central differences, %d of the inputs zero', (zeros) => {
    const random = generator(3)
    const weights = makeWeights(sizes, random)
    const batch = makeBatch(9, sizes[0], classes, zeros, random)
    const parameters = flat(weights)
    const h = 1e-6
    const expected = parameters.map((p, i) => {
      const above = referenceLoss(sizes, parameters.with(i, p + h), batch)
      return (above - referenceLoss(sizes, parameters.with(i, p - h), batch)) / (2 * h)
    })
    const model = new BaselineMlp(weights)
    const loss = model.step(batch.x, batch.labels, batch.rows)
    expectClose([loss], [referenceLoss(sizes, parameters, batch)], 1e-6, 1e-7)
    expectClose(flat(model.gradients()), expected, 1e-5, 1e-7)
  })

  it('steps as Adam in float64 does, also where gradients are zero', () => {
    const random = generator(4)
    const weights = makeWeights(sizes, random)
    const model = new BaselineMlp(weights)
    const expected = flat(weights)
    const m = expected.map(() => 0)
    const v = expected.map(() => 0)
    for (let t = 1; t <= 20; t++) {
      const { x, labels, rows } = makeBatch(t % 4 ? 8 : 3, sizes[0], classes, 0.8, random)
      model.step(x, labels, rows)
      for (const [i, g] of flat(model.gradients()).entries()) {
        m[i] = 0.9 * m[i] + 0.1 * g
        v[i] = 0.999 * v[i] + 0.001 * g * g
        const denominator = Math.sqrt(v[i]) / Math.sqrt(1 - 0.999 ** t) + 1e-8
        expected[i] -= ((1e-3 / (1 - 0.9 ** t)) * m[i]) / denominator
      }
      expectClose(flat(model.weights()), expected, 1e-6, 1e-6)
    }
  })

  it('gets by skipping zeros what it gets without', () => {
    const random = generator(5)
    const weights = makeWeights(sizes, random)
    const skipping = new BaselineMlp(weights)
    const dense = new BaselineMlp(weights)
    for (let t = 0; t < 10; t++) {
      const { x, labels, rows } = makeBatch(8, sizes[0], classes, 0.8, random)
      const nothingIsZero = x.map((v) => v || 1e-30)
      expectClose([skipping.step(x, labels, rows)], [dense.step(nothingIsZero, labels, rows)], 1e-6, 1e-7)
    }
    expectClose(flat(skipping.weights()), flat(dense.weights()), 1e-6, 1e-7)
  })
})

it('learns which corner of a square a point is near', () => {
  const random = generator(6)
  const rows = 64
  const labels = Int32Array.from({ length: rows }, (_, i) => i % 4)
  const corner = (label: number) => [label & 1 ? 1 : -1, label & 2 ? 1 : -1]
  const x = Float32Array.from([...labels].flatMap(corner), (v) => v + 0.4 * random())
  const model = new BaselineMlp(makeWeights([2, 16, 4], random))
  const before = model.loss(x, labels, rows)
  for (let t = 0; t < 1000; t++) model.step(x, labels, rows)
  expect(before).toBeGreaterThan(1)
  expect(model.loss(x, labels, rows)).toBeLessThan(0.05)
  expect(model.predict(x, rows)).toEqual(labels)
})

it('hands weights out as it took them, and keeps its own', () => {
  const weights = makeWeights([6, 5, 3], generator(7))
  const model = new BaselineMlp(weights)
  expect(model.weights()).toEqual(weights)
  model.weights()[0].weight.fill(0)
  weights[0].bias.fill(0)
  expect(model.weights()).toEqual(makeWeights([6, 5, 3], generator(7)))
})

it('refuses layers that do not follow one another', () => {
  const [first] = makeWeights([6, 5], generator(8))
  const [second] = makeWeights([4, 3], generator(8))
  expect(() => new BaselineMlp([first, second])).toThrow('layer 1: 3 x 4 weights do not follow 5 outputs')
})
