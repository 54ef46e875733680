/** Pictures: each compiles without warnings and shows marks and text; the numbers in them are right; nothing is disturbed. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { LOOK } from '../examples/support/look.ts'
import { pixelsOf, render, renderSurface, svgOf } from '../examples/support/render.ts'
import {
  DtypeError,
  GraphError,
  manualSeed,
  memory,
  NeyronError,
  nn,
  noGrad,
  OptionError,
  ShapeError,
  type Tensor,
  tensor,
} from '../src/index.ts'
import { isolines } from '../src/plot/grid.ts'
import * as plot from '../src/plot/index.ts'

const OUT = mkdtempSync(join(tmpdir(), 'neyron-plot-'))
afterAll(() => rmSync(OUT, { recursive: true }))

const net = (outputs = 1) => {
  manualSeed(7)
  return nn.sequential(new nn.Linear(2, 8), new nn.Tanh(), new nn.Linear(8, outputs))
}
const corners = {
  x: [
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ],
  y: [0, 1, 1, 0],
}
const bowl = {
  alpha: [-1, 0, 1],
  beta: [-1, 0, 1],
  loss: [
    [40, 1, 40],
    [1, 0.5, 1],
    [40, 1, 40],
  ],
}
const spread = (x: number, y: number) => x * x + 10 * y * y

const pictures: Record<string, () => plot.VegaLiteSpec> = {
  activations: () => plot.activations(['relu', 'sigmoid', 'tanh'], { title: 'Curves' }),
  'activations by function': () => plot.activations({ step: (x) => x.gt(0).float(), 'x²': (x) => x.square() }),
  'activations alone': () => plot.activations(['exp'], { derivative: false, range: [1, 2] }),
  trainingHistory: () =>
    plot.trainingHistory({ loss: [3, 2, 1], valLoss: [3, 2.5, 2], accuracy: [0.2, Number.NaN, 0.9], lr: [1, 1, 1] }),
  'trainingHistory of an epoch': () => plot.trainingHistory({ loss: [3] }),
  'decisionBoundary of one output': () => plot.decisionBoundary(net(), corners, { resolution: 40, output: 'logit' }),
  'decisionBoundary of three': () =>
    plot.decisionBoundary(net(3), corners, { resolution: 40, classes: ['a', 'b', 'c'] }),
  'decisionBoundary of gaps': () =>
    plot.decisionBoundary((x) => x.log().sum(1, { keepdim: true }), corners, { resolution: 20 }),
  confusionMatrix: () =>
    plot.confusionMatrix(
      [
        [10, 0],
        [2, 8],
      ],
      { labels: ['cat', 'dog'] },
    ),
  'confusionMatrix of many': () => plot.confusionMatrix(Array.from({ length: 30 }, () => new Array(30).fill(0))),
  weightHistograms: () => plot.weightHistograms(net()),
  approximation: () =>
    plot.approximation({
      x: [0, 1, 2],
      target: [0, 1, 4],
      predictions: { 2: [0, 2, 4], 16: [0, 1, 4], 64: [0, 1, 4.1] },
    }),
  trajectories: () =>
    plot.trajectories({
      f: spread,
      paths: {
        SGD: [
          [4, 1],
          [3, -0.5],
        ],
        Adam: [
          [4, 1],
          [2, 0.5],
        ],
      },
      minimum: [0, 0],
    }),
  'trajectories over a plain': () => plot.trajectories({ f: () => 1, paths: { SGD: [[1, 1]] } }, { resolution: 2 }),
  lossLandscape: () => plot.lossLandscape(bowl),
  'lossLandscape with gaps': () =>
    plot.lossLandscape({
      ...bowl,
      loss: [
        [Infinity, 1, 2],
        [1, 0, 1],
        [2, 1, Number.NaN],
      ],
    }),
}

describe.each(Object.entries(pictures))('%s', (name, draw) => {
  test('is JSON that Vega-Lite takes without a warning, with marks and text', async () => {
    const spec = draw()
    expect(JSON.parse(JSON.stringify(spec))).toEqual(spec)
    expect(spec.$schema).toBe('https://vega.github.io/schema/vega-lite/v6.json')
    const svg = await svgOf(spec)
    expect(svg.match(/<path [^>]*d="M[^"]*[LChv]/g)?.length).toBeGreaterThan(3)
    expect(svg.match(/<text/g)?.length).toBeGreaterThan(3)
    expect(svg).toContain(spec.title)
    expect(svg).not.toMatch(/NaN|undefined|Infinity/)
    const image = pixelsOf(svg)
    const colors = new Set(new Uint32Array(new Uint8Array(image.pixels).buffer))
    expect(colors.size, name).toBeGreaterThan(20)
    expect(image.width).toBeGreaterThan(400)
  })
})

test('what an example writes are an SVG and a PNG', async () => {
  const name = join(OUT, 'folder/picture')
  await render(pictures.confusionMatrix(), name)
  expect(readFileSync(`${name}.svg`, 'utf8')).toMatch(/^<svg/)
  expect(readFileSync(`${name}.png`).subarray(1, 4).toString()).toBe('PNG')
})

test('text is drawn in the font of the package: without it there would be nothing', async () => {
  const blank = { $schema: pictures.confusionMatrix().$schema, title: 'W', data: { values: [] }, mark: 'point' }
  const dark = (pixels: Buffer) => pixels.filter((value, i) => i % 4 === 0 && value < 128).length
  const one = dark(pixelsOf(await svgOf(blank)).pixels)
  const three = dark(pixelsOf(await svgOf({ ...blank, title: 'WWW' })).pixels)
  expect(three - one).toBeGreaterThan(100)
})

test('a warning of Vega-Lite is an error', async () => {
  const spec = {
    ...pictures.confusionMatrix(),
    mark: 'bar',
    layer: null,
    encoding: { shape: { field: 'a', type: 'nominal' } },
  }
  await expect(svgOf(JSON.parse(JSON.stringify(spec)))).rejects.toThrow()
})

describe('activations', () => {
  const curve = (spec: plot.VegaLiteSpec, panel = 0) =>
    (spec.concat as { data: { values: { x: number; y: number; series: string }[] } }[])[panel].data.values
  const reference: Record<string, [f: (x: number) => number, df: (x: number) => number]> = {
    sigmoid: [(x) => 1 / (1 + Math.exp(-x)), (x) => 1 / (2 + Math.exp(x) + Math.exp(-x))],
    tanh: [Math.tanh, (x) => 1 / Math.cosh(x) ** 2],
    relu: [(x) => Math.max(x, 0), (x) => Number(x > 0)],
  }

  test.each(Object.keys(reference))('%s and its derivative are those of float64', (name) => {
    const values = curve(plot.activations([name as plot.ActivationName], { range: [-3, 5] }))
    const [f, df] = reference[name]
    expect(values).toHaveLength(402)
    expect([values[0].x, values[200].x]).toEqual([-3, 5])
    for (const { x, y, series } of values) expect(y).toBeCloseTo(series === 'f(x)' ? f(x) : df(x), 6)
  })

  test('a function without a gradient has the derivative 0', () => {
    const values = curve(plot.activations({ step: (x) => x.gt(0).float() }))
    expect(values.filter(({ series, y }) => series !== 'f(x)' && y !== 0)).toEqual([])
  })

  test('say what is wrong', () => {
    const draw = plot.activations as (functions: unknown, options?: unknown) => unknown
    expect(() => draw(['nope'])).toThrow(/^activations: tensors have no method nope/)
    expect(() => draw([])).toThrow(OptionError)
    expect(() => draw('relu')).toThrow(OptionError)
    expect(() => draw({ a: 1 })).toThrow(OptionError)
    expect(() => draw({ a: (x: Tensor) => x.sum() })).toThrow(ShapeError)
    expect(() => draw({ a: () => 1 })).toThrow(ShapeError)
    expect(() => draw(['relu'], { range: [1, 1] })).toThrow(/^activations: range must be two finite numbers/)
    expect(() => draw(['relu'], { range: 3 })).toThrow(OptionError)
    expect(() => draw(['relu'], { derivative: 1 })).toThrow(OptionError)
    expect(() => draw(['relu'], { colour: 1 })).toThrow(/there is no option colour/)
    expect(() => draw(['relu'], { title: 1 })).toThrow(OptionError)
    expect(() => noGrad(() => draw(['relu']))).toThrow(GraphError)
    expect(() => noGrad(() => draw(['relu'], { derivative: false }))).not.toThrow()
  })
})

describe('trainingHistory', () => {
  type Panel = { title: { text: string }; data: { values: { epoch: number; value: number | null; series: string }[] } }

  test('has a panel for each metric, its validation in the same one, and counts epochs from 1', () => {
    const [loss, accuracy, value, ...more] = plot.trainingHistory({
      loss: [3, 2],
      valLoss: [4, Number.NaN],
      accuracy: new Float32Array([0.5, 1]),
      value: [1, 1],
      lr: [1, 1],
      seconds: [1, 1],
    }).concat as unknown as Panel[]
    expect(loss.title.text).toBe('loss')
    expect(loss.data.values).toEqual([
      { epoch: 1, value: 3, series: 'training' },
      { epoch: 2, value: 2, series: 'training' },
      { epoch: 1, value: 4, series: 'validation' },
      { epoch: 2, value: null, series: 'validation' },
    ])
    expect(accuracy.data.values.map(({ value }) => value)).toEqual([0.5, 1])
    expect([value.title.text, more.length]).toEqual(['value', 0])
  })

  test('says what is wrong', () => {
    const draw = plot.trainingHistory as (history: unknown) => unknown
    for (const wrong of [null, 3, [1, 2], {}, { loss: [] }, { loss: 3 }, { loss: ['a'] }, { lr: [1] }])
      expect(() => draw(wrong)).toThrow(OptionError)
    expect(() => draw({ history: { loss: [1] }, stopped: null })).toThrow(/the whole log .*; pass log\.history/)
    expect(() => draw({ history: [1] })).not.toThrow()
  })
})

describe('decisionBoundary', () => {
  type Cell = { x: number; x2: number; y: number; y2: number; p: number; region: number }
  const layers = (spec: plot.VegaLiteSpec) =>
    (spec.layer as { data: { values: unknown[] } }[]).map(({ data }) => data.values)
  const area = (cells: readonly Cell[]) => {
    const at = (x: number, y: number) => cells.filter((c) => c.x <= x && x <= c.x2 && c.y <= y && y <= c.y2).at(-1)
    return at
  }

  test('regions are where the model says so, and the line is between them', () => {
    const [ground, line, points] = layers(
      plot.decisionBoundary(
        (x) =>
          x.matmul(
            tensor([
              [1, -1],
              [0, 0],
            ]),
          ),
        {
          x: [
            [-1, 0],
            [1, 2],
          ],
          y: [1, 0],
        },
        { resolution: 51 },
      ),
    )
    const at = area(ground as Cell[])
    expect([at(-0.9, 0.3)?.region, at(0.9, 1.7)?.region]).toEqual([1, 0])
    expect((line as { x: number }[]).every(({ x }) => Math.abs(x) < 1e-6)).toBe(true)
    expect(points).toEqual([
      { x: -1, y: 0, class: 'class 1' },
      { x: 1, y: 2, class: 'class 0' },
    ])
  })

  test('one output is a probability, or a logit where it leaves 0 to 1 or is said to be one', () => {
    const points = { x: tensor(corners.x), y: tensor(corners.y, { dtype: 'int32' }) }
    const shadeAt = (f: (x: Tensor) => Tensor, options = {}) => {
      const at = area(layers(plot.decisionBoundary(f, points, { resolution: 41, ...options }))[0] as Cell[])
      return at(0.1, 0.5)?.p
    }
    expect(shadeAt((x) => x.sum(1, { keepdim: true }).mul(0).add(0.2))).toBe(0.25)
    expect(shadeAt((x) => x.sum(1, { keepdim: true }).mul(0).add(0.2), { output: 'logit' })).toBe(0.55)
    expect(shadeAt((x) => x.sum(1, { keepdim: true }).mul(0).sub(9).squeeze(1))).toBe(0.05)
  })

  test('the model is asked in evaluation mode, and its modes come back', () => {
    const model = net()
    model[1].training = false
    const modes: boolean[] = []
    const asked = Object.assign(model, {
      forward: (x: Tensor) => {
        modes.push(model[0].training)
        return model[2].forward(model[1].forward(model[0].forward(x)))
      },
    })
    plot.decisionBoundary(asked, corners, { resolution: 10 })
    expect(modes).toEqual([false])
    expect([model.training, model[0].training, model[1].training]).toEqual([true, true, false])
    expect(() => plot.decisionBoundary(new nn.Linear(3, 1), corners)).toThrow(ShapeError)
  })

  test('says what is wrong', () => {
    const draw = plot.decisionBoundary as (model: unknown, points: unknown, options?: unknown) => unknown
    const wrong: [new () => NeyronError, ...Parameters<typeof draw>][] = [
      [OptionError, 3, corners],
      [OptionError, () => 1, corners],
      [ShapeError, (x: Tensor) => x.sum(), corners],
      [ShapeError, (x: Tensor) => x.reshape([-1, 1, 2]), corners],
      [OptionError, net(), null],
      [OptionError, net(), { x: 3, y: [0] }],
      [ShapeError, net(), { x: [], y: [] }],
      [ShapeError, net(), { x: [[1, 2, 3]], y: [0] }],
      [ShapeError, net(), { x: tensor([1, 2]), y: [0] }],
      [ShapeError, net(), { x: [[1, 2]], y: [0, 1] }],
      [OptionError, net(), { x: [[1, 2]], y: [0.5] }],
      [OptionError, net(), { x: [[1, 2]], y: [-1] }],
      [OptionError, net(), { x: [[1, Number.NaN]], y: [0] }],
      [OptionError, net(), corners, { resolution: 1 }],
      [OptionError, net(), corners, { resolution: 2.5 }],
      [OptionError, net(), corners, { output: 'class' }],
      [OptionError, net(), corners, { classes: ['a'] }],
      [OptionError, net(), corners, { classes: 'ab' }],
    ] as never
    for (const [error, ...parameters] of wrong) expect(() => draw(...parameters)).toThrow(error)
  })
})

describe('confusionMatrix', () => {
  test('has the counts, truth by row, and shares of rows', () => {
    const { data } = plot.confusionMatrix(
      [
        [3, 1],
        [0, 0],
      ],
      { labels: ['cat', 'dog'] },
    ) as unknown as { data: { values: unknown } }
    expect(data.values).toEqual([
      { truth: 'cat', predicted: 'cat', count: 3, share: 0.75 },
      { truth: 'cat', predicted: 'dog', count: 1, share: 0.25 },
      { truth: 'dog', predicted: 'cat', count: 0, share: 0 },
      { truth: 'dog', predicted: 'dog', count: 0, share: 0 },
    ])
  })

  test('says what is wrong', () => {
    const draw = plot.confusionMatrix as (matrix: unknown, options?: unknown) => unknown
    for (const matrix of [null, [], 3, [1, 2], [[-1]], [[Number.NaN]], [['a']]])
      expect(() => draw(matrix)).toThrow(OptionError)
    expect(() => draw([[1, 2]])).toThrow(ShapeError)
    expect(() => draw([[1]], { labels: ['a', 'b'] })).toThrow(ShapeError)
    expect(() =>
      draw(
        [
          [1, 0],
          [0, 1],
        ],
        { labels: ['a', 'a'] },
      ),
    ).toThrow(ShapeError)
    expect(() => draw([[1]], { labels: [1] })).toThrow(OptionError)
  })
})

describe('weightHistograms', () => {
  type Panel = { title: { text: string }; data: { values: { low: number; high: number; count: number }[] } }

  test('count every value once, the largest too', () => {
    const layer = new nn.Linear(2, 2)
    noGrad(() => {
      layer.weight.copy_(
        tensor([
          [0, 1],
          [2, 4],
        ]),
      )
      layer.bias?.copy_(tensor([3, Number.NaN]))
    })
    const [weight, bias] = plot.weightHistograms(layer, { bins: 4 }).concat as unknown as Panel[]
    expect(weight.title.text).toBe('weight (2, 2)')
    expect(weight.data.values).toEqual([
      { low: 0, high: 1, count: 1 },
      { low: 1, high: 2, count: 1 },
      { low: 2, high: 3, count: 1 },
      { low: 3, high: 4, count: 1 },
    ])
    expect(bias.title.text).toBe('bias (2), 1 not finite')
    expect(bias.data.values.reduce((sum, { count }) => sum + count, 0)).toBe(1)
  })

  test('say what is wrong', () => {
    const draw = plot.weightHistograms as (model: unknown, options?: unknown) => unknown
    expect(() => draw(3)).toThrow(OptionError)
    expect(() => draw(new nn.ReLU())).toThrow(/no parameters/)
    expect(() => draw(net(), { bins: 0 })).toThrow(OptionError)
  })
})

describe('approximation', () => {
  const data = { x: [0, 1], target: [0, 1], predictions: { 8: [0, 1], 2: [3, 5] } }
  const errorsIn = (spec: plot.VegaLiteSpec) => (spec.concat as { data: { values: unknown } }[])[1].data.values

  test('computes errors, or takes them; an error of 0 has no place', () => {
    expect(errorsIn(plot.approximation(data))).toEqual([
      { width: 2, error: 3.535534 },
      { width: 8, error: null },
    ])
    expect(errorsIn(plot.approximation({ ...data, errors: { 2: 0.5, 8: 0.1 } }))).toEqual([
      { width: 2, error: 0.5 },
      { width: 8, error: 0.1 },
    ])
  })

  test('says what is wrong', () => {
    const draw = plot.approximation as (data: unknown) => unknown
    for (const wrong of [
      null,
      { ...data, predictions: {} },
      { ...data, predictions: { a: [1, 2] } },
      { ...data, predictions: 1 },
    ])
      expect(() => draw(wrong)).toThrow(OptionError)
    expect(() => draw({ ...data, errors: { 2: 1 } })).toThrow(/no number for width 8/)
    expect(() => draw({ ...data, target: [1] })).toThrow(ShapeError)
    expect(() => draw({ ...data, predictions: { 2: [1] } })).toThrow(ShapeError)
  })
})

test('the axes of trajectories are called x and y, or as one likes', () => {
  const titlesOf = (options?: plot.TrajectoriesOptions) => {
    const { encoding } = plot.trajectories({ f: spread, paths: { SGD: [[1, 1]] } }, options)
    const { x, y } = encoding as { x: { title: string }; y: { title: string } }
    return [x.title, y.title]
  }
  expect(titlesOf()).toEqual(['x', 'y'])
  expect(titlesOf({ xTitle: 'w', yTitle: 'b' })).toEqual(['w', 'b'])
})

test('pictures of the examples have the look of these', () => {
  expect(LOOK).toEqual(plot.trainingHistory({ loss: [1] }).config)
})

test('trajectories say what is wrong', () => {
  const draw = plot.trajectories as (data: unknown, options?: unknown) => unknown
  const paths = {
    SGD: [
      [1, 1],
      [0, 0],
    ],
  }
  for (const wrong of [
    null,
    { paths },
    { f: spread },
    { f: spread, paths: {} },
    { f: spread, paths: { a: [[NaN, 1]] } },
  ])
    expect(() => draw(wrong)).toThrow(OptionError)
  expect(() => draw({ f: spread, paths: { a: [[1]] } })).toThrow(ShapeError)
  expect(() => draw({ f: spread, paths }, { x: [2, 1] })).toThrow(OptionError)
  expect(() => draw({ f: spread, paths }, { resolution: 1 })).toThrow(OptionError)
  expect(() => draw({ f: spread, paths }, { yTitle: 3 })).toThrow(/yTitle is a number; it must be text/)
})

describe('lines of equal height', () => {
  const axis = Array.from({ length: 41 }, (_, i) => (i - 20) / 10)
  const on = (f: (x: number, y: number) => number) => ({
    x: axis,
    y: axis,
    z: axis.map((y) => axis.map((x) => f(x, y))),
  })

  test('of a bowl are one closed circle', () => {
    const [circle, ...more] = isolines(
      on((x, y) => x * x + y * y),
      1,
    )
    expect(more).toEqual([])
    expect(circle.at(-1)).toEqual(circle[0])
    expect(circle.length).toBeGreaterThan(60)
    for (const [x, y] of circle) expect(Math.hypot(x, y)).toBeCloseTo(1, 2)
  })

  test('of a slope are one straight line from side to side', () => {
    const [line, ...more] = isolines(
      on((x) => x),
      0.55,
    )
    expect(more).toEqual([])
    expect(line).toHaveLength(41)
    for (const [x] of line) expect(x).toBeCloseTo(0.55, 12)
    expect(Math.abs(line[0][1] - line[40][1])).toBe(4)
  })

  test('of a saddle are two that do not meet, cut as the mean of the corners says', () => {
    const square = (z: number[][]) =>
      isolines({ x: [0, 1], y: [0, 1], z }, 0)
        .map((line) => line.sort(([a], [b]) => a - b))
        .sort(([[a]], [[b]]) => a - b)
    const third = 1 / 3
    expect(
      square([
        [1, -2],
        [-2, 1],
      ]),
    ).toEqual([
      [
        [0, third],
        [third, 0],
      ],
      [
        [2 * third, 1],
        [1, 2 * third],
      ],
    ])
    expect(
      square([
        [2, -1],
        [-1, 2],
      ]),
    ).toEqual([
      [
        [0, 2 * third],
        [third, 1],
      ],
      [
        [2 * third, 0],
        [1, third],
      ],
    ])
  })

  test('stop at gaps', () => {
    const lines = isolines(
      on((x, y) => (Math.abs(y) < 0.25 ? Number.NaN : x)),
      0.55,
    )
    expect(lines).toHaveLength(2)
  })
})

describe('landscape', () => {
  const x = tensor(corners.x)
  const target = tensor(corners.y.map((y) => [y]))
  const lossFn = new nn.MSELoss()
  const lossOf = (model: ReturnType<typeof net>) => () => lossFn.forward(model.forward(x), target)
  const bits = (model: nn.Module) => model.parameters().map((p) => [...new Uint32Array(p.toTypedArray().buffer)])

  test('has the loss of the model in the middle, exactly, and the model as it was, to the bit', () => {
    const model = net()
    noGrad(() => model.parameters()[3].copy_(tensor([-0])))
    const [before, live] = [bits(model), memory().live]
    const { alpha, beta, loss } = plot.landscape(model, lossOf(model), { resolution: 7, range: 0.7, seed: 3 })
    expect(memory().live).toBe(live)
    expect(bits(model)).toEqual(before)
    expect([alpha.length, beta.length, loss.length, loss[0].length]).toEqual([7, 7, 7, 7])
    expect([alpha[0], alpha[3], alpha[6]]).toEqual([-0.7, 0, 0.7])
    expect(loss[3][3]).toBe(noGrad(lossOf(model)).item())
    expect(loss.flat().filter((value) => value === loss[3][3])).toHaveLength(1)
  })

  test('moves along rows as long as those of the weights, and moves no biases', () => {
    const model = net()
    const start = model.parameters().map((p) => p.toTypedArray() as Float32Array)
    const seen: (readonly Float32Array[])[] = []
    const read = () => seen.push(model.parameters().map((p) => p.toTypedArray() as Float32Array))
    plot.landscape(model, read, { resolution: 3, seed: 1 })
    // Of nine points, in rows by beta: number 5 is one step along the first direction alone, number 7 along the second.
    const [first, second] = [seen[5], seen[7]].map((at) =>
      at.map((values, p) => values.map((value, i) => value - start[p][i])),
    )
    for (const direction of [first, second]) {
      for (const [p, width] of [
        [0, 2],
        [2, 8],
      ])
        for (let row = 0; row < start[p].length; row += width) {
          const norm = (values: Float32Array) => Math.hypot(...values.subarray(row, row + width))
          expect(norm(direction[p]) / norm(start[p])).toBeCloseTo(1, 5)
        }
      expect([...direction[1], ...direction[3]].every((value) => value === 0)).toBe(true)
    }
    expect(first[0]).not.toEqual(second[0])
    const corner = seen[8][0].map((value, i) => value - start[0][i] - first[0][i] - second[0][i])
    expect(Math.max(...corner.map(Math.abs))).toBeLessThan(1e-6)
  })

  test('is the same for the same seed, and without one goes on in the global sequence', () => {
    const model = net()
    const draw = (seed?: number) =>
      plot.landscape(model, lossOf(model), { resolution: 2, ...(seed === undefined ? {} : { seed }) }).loss
    expect(draw(5)).toEqual(draw(5))
    expect(draw(5)).not.toEqual(draw(6))
    manualSeed(1)
    const [first, second] = [draw(), draw()]
    expect(first).not.toEqual(second)
    manualSeed(1)
    draw(5)
    expect(draw()).toEqual(first)
  })

  test('restores weights and buffers when the loss throws, and frees what it made', () => {
    class Counting extends nn.Module {
      layer = net()
      count = nn.buffer(tensor([0]))
      forward(input: Tensor) {
        this.count.add_(1)
        return this.layer.forward(input)
      }
    }
    const model = new Counting()
    const [before, live] = [bits(model), memory().live]
    const run = (most: number) => {
      plot.landscape(
        model,
        () => {
          model.forward(x)
          if (model.count.item() > most) throw new Error('enough')
          return 1
        },
        { resolution: 3 },
      )
    }
    expect(() => run(4)).toThrow('enough')
    expect(model.count.item()).toBe(0)
    expect(bits(model)).toEqual(before)
    expect(memory().live).toBe(live)
    run(100)
    expect(model.count.item()).toBe(0)
  })

  test('needs no more memory for more points', () => {
    const model = net()
    const peak = (resolution: number) => {
      let most = 0
      plot.landscape(
        model,
        () => {
          most = Math.max(most, memory().live)
          return lossOf(model)()
        },
        { resolution },
      )
      return most
    }
    expect(peak(9)).toBe(peak(3))
  })

  test('says what is wrong', () => {
    const compute = plot.landscape as (model: unknown, lossOf: unknown, options?: unknown) => unknown
    const wrong: Parameters<typeof compute>[] = [
      [3, () => 1],
      [new nn.ReLU(), () => 1],
      [net(), 1],
      [net(), () => 'low'],
      [net(), () => 1, { resolution: 1 }],
      [net(), () => 1, { range: 0 }],
      [net(), () => 1, { seed: -1 }],
      [net(), () => 1, { steps: 3 }],
    ]
    for (const parameters of wrong) expect(() => compute(...parameters)).toThrow(OptionError)
    expect(() => compute(net(), () => tensor([1, 2]))).toThrow(ShapeError)
    expect(() => compute(net(), async () => 1)).toThrow(NeyronError)
    expect(() => plot.lossLandscape(3 as never)).toThrow(OptionError)
    expect(() => plot.lossLandscape({ ...bowl, alpha: [0, 0, 1] })).toThrow(OptionError)
    expect(() => plot.lossLandscape({ ...bowl, loss: 1 as never })).toThrow(OptionError)
    expect(() => plot.lossSurface({ ...bowl, loss: [[1]] })).toThrow(ShapeError)
  })
})

describe('lossSurface', () => {
  test('has logarithms of losses that span magnitudes, and gaps where there is none', () => {
    const [surface] = plot.lossSurface(bowl).data
    expect((surface.z as number[][])[0]).toEqual([1.60206, 0, 1.60206])
    const figure = plot.lossSurface({
      ...bowl,
      loss: [
        [Infinity, 1, 2],
        [1, 0, 1],
        [2, 1, Number.NaN],
      ],
    })
    expect(figure.data[0].z).toEqual([
      [null, 1, 2],
      [1, 0, 1],
      [2, 1, null],
    ])
    expect(JSON.parse(JSON.stringify(figure))).toEqual(figure)
  })

  test('becomes one page with everything inside', async () => {
    const file = join(OUT, 'surface.html')
    await renderSurface(plot.lossSurface(bowl, { title: 'a </script><b> & c' }), file)
    expect(existsSync(file)).toBe(true)
    const page = readFileSync(file, 'utf8')
    expect(page.match(/<\/script/g)).toHaveLength(2)
    expect(page).toContain('<title>a &lt;/script>&lt;b> &amp; c</title>')
    expect(page).not.toMatch(/<(?:script|link)[^>]+(?:src|href)=/)
  })
})

test('nothing stays in memory', () => {
  const model = net()
  const points = { x: tensor(corners.x), y: tensor(corners.y, { dtype: 'int32' }) }
  const live = memory().live
  plot.activations(['relu', 'tanh', 'exp'])
  plot.activations({ step: (x) => x.gt(0).float(), same: (x) => x })
  plot.decisionBoundary(model, points, { resolution: 80 })
  plot.weightHistograms(model)
  expect(memory().live).toBe(live)
})

test('tensors of the wrong kind are refused by name', () => {
  expect(() => plot.trainingHistory({ loss: { ...tensor([1]) } as never })).toThrow(OptionError)
  expect(() => plot.decisionBoundary((x) => x.gt(0).matmul(3 as never), corners)).toThrow(DtypeError)
})

test('sets of any size can be drawn', () => {
  const ramp = Array.from({ length: 200_000 }, (_, i) => i / 200_000)
  const points = { x: ramp.map((x) => [x, 1 - x]), y: ramp.map((x) => Number(x > 0.5)) }
  expect(() => plot.decisionBoundary((x) => x.sum(1), points, { resolution: 2 })).not.toThrow()
  expect(() => plot.trainingHistory({ loss: ramp })).not.toThrow()
})
