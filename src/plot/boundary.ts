import { tensor } from '../create.ts'
import { kindOf, OptionError, ShapeError } from '../errors.ts'
import { inMode, type Layer, Module } from '../nn/module.ts'
import { noGrad } from '../scope.ts'
import { formatShape } from '../shape.ts'
import { Tensor } from '../tensor.ts'
import { extentOf, type Grid, isolines, rowsOf, runs, spaced } from './grid.ts'
import { checkFields, checkPicture, checkResolution, type Numbers, numbersOf, type Points, pointsOf } from './input.ts'
import { colorOf, INK, type Part, picture, shown, type TitleOptions, tint, type VegaLiteSpec } from './spec.ts'

/** How a decision boundary is drawn. */
export interface DecisionBoundaryOptions extends TitleOptions {
  /** At how many points along each axis the model is asked. Default: 150. */
  resolution?: number
  /** What the classes are called, in order. Default: `class 0`, `class 1` and so on. */
  classes?: readonly string[]
  /** What a model with one output gives: the probability of class 1, or its logit. Default: probabilities if all lie from 0 to 1. */
  output?: 'probability' | 'logit'
}

const SIDE = 360
/** How much of the plane is shown beside the outermost points. */
const MARGIN = 0.12
/** Points that the model is asked about at once. */
const CHUNK = 4096
/** That many points may be large. */
const FEW = 20
/** Shades from one class to the other. */
const SHADES = 10

/**
 * What a model of two features answers all over the plane, and the points it is to tell apart. With an output for each class
 * there is a region for the class of the largest; with one output, shades of the probability of class 1, and the line where it
 * is one half. The model is asked in evaluation mode and without gradients; its mode is as before afterwards.
 *
 * ```ts
 * import { nn } from 'neyron'
 * import * as plot from 'neyron/plot'
 *
 * const model = nn.sequential(new nn.Linear(2, 8), new nn.Tanh(), new nn.Linear(8, 1))
 * const spec = plot.decisionBoundary(model, { x: [[0, 0], [0, 1], [1, 0], [1, 1]], y: [0, 1, 1, 0] })
 * ```
 * @param model A module, or a function, from (n, 2) to (n, classes), or (n, 1) or (n) for two classes.
 * @param points.x Points, (n, 2).
 * @param points.y The class of each, a whole number from 0 up, (n) or (n, 1).
 * @throws ShapeError for points or outputs of other shapes; OptionError for classes that are no whole numbers.
 */
export function decisionBoundary(
  model: Layer | ((x: Tensor) => Tensor),
  points: { readonly x: Points; readonly y: Numbers },
  options: DecisionBoundaryOptions = {},
): VegaLiteSpec {
  checkPicture('decisionBoundary', options, ['resolution', 'classes', 'output'])
  const { resolution = 150, output } = options
  checkResolution('decisionBoundary', resolution)
  if (output !== undefined && output !== 'probability' && output !== 'logit')
    throw new OptionError(`decisionBoundary: output is ${String(output)}; it must be 'probability' or 'logit'`)
  if (typeof model !== 'function' && !(model instanceof Module))
    throw new OptionError(`decisionBoundary: expected a model or a function, got ${kindOf(model)}`)
  checkFields('decisionBoundary', 'an object { x, y } of points and classes', points)
  const { at, truth } = labelled(points)
  const [x, y] = [0, 1].map((axis) =>
    around(
      at.map((point) => point[axis]),
      resolution,
    ),
  )
  const { columns, width } = answers(model, x, y)
  const names = namesOf(options.classes, Math.max(width, 2, extentOf(truth).high + 1))
  const grids = columns.map(
    (column): Grid => ({ x, y, z: y.map((_, j) => column.slice(j * x.length, (j + 1) * x.length)) }),
  )
  const ground = width === 1 ? shades(grids[0], `P(${names[1]})`, output) : regions(grids)
  const domain = (values: readonly number[]): Part => ({
    type: 'quantitative',
    scale: { domain: [values[0], values[values.length - 1]], nice: false, zero: false },
    axis: { grid: false, tickCount: 6 },
  })
  return picture(options.title ?? 'Decision boundary', {
    width: SIDE,
    height: SIDE,
    encoding: { x: { field: 'x', title: 'x₁', ...domain(x) }, y: { field: 'y', title: 'x₂', ...domain(y) } },
    layer: [
      ...ground,
      {
        data: { values: at.map(([a, b], i) => ({ x: shown(a), y: shown(b), class: names[truth[i]] })) },
        mark: {
          type: 'point',
          filled: true,
          size: at.length <= FEW ? 100 : 36,
          opacity: 1,
          stroke: '#ffffff',
          strokeWidth: 0.8,
        },
        encoding: {
          color: {
            field: 'class',
            type: 'nominal',
            title: null,
            scale: { domain: names, range: names.map((_, i) => colorOf(i)) },
          },
        },
      },
    ],
    resolve: { scale: { color: 'independent' } },
  })
}

function labelled({ x, y }: { readonly x: Points; readonly y: Numbers }): { at: [number, number][]; truth: number[] } {
  const at = pointsOf('decisionBoundary', 'x', x)
  const truth = numbersOf('decisionBoundary', 'y', y)
  if (at.length === 0) throw new ShapeError('decisionBoundary: there are no points')
  if (truth.length !== at.length)
    throw new ShapeError(`decisionBoundary: there are ${at.length} points, but ${truth.length} classes in y`)
  if (!at.flat().every(Number.isFinite)) throw new OptionError('decisionBoundary: the points must be finite')
  const wrong = truth.find((label) => !Number.isSafeInteger(label) || label < 0 || label >= MOST_CLASSES)
  if (wrong !== undefined)
    throw new OptionError(
      `decisionBoundary: ${wrong} in y is not a class; classes are counted from 0 to ${MOST_CLASSES - 1}`,
    )
  return { at, truth }
}

const MOST_CLASSES = 100

function namesOf(classes: readonly string[] | undefined, count: number): string[] {
  if (classes === undefined) return Array.from({ length: count }, (_, i) => `class ${i}`)
  if (!Array.isArray(classes) || !classes.every((name) => typeof name === 'string'))
    throw new OptionError("decisionBoundary: classes must be an array of text, such as ['cat', 'dog']")
  if (classes.length !== count || new Set(classes).size !== count)
    throw new OptionError(
      `decisionBoundary: ${count} classes need as many different names in classes, not ${classes.length}`,
    )
  return [...classes]
}

function around(values: readonly number[], resolution: number): number[] {
  const { low, high } = extentOf(values)
  const margin = (high - low) * MARGIN || 1
  return spaced(low - margin, high + margin, resolution)
}

/** What the model gives for each point of the grid, row by row: a list for each of its outputs. */
function answers(
  model: Layer | ((x: Tensor) => Tensor),
  x: readonly number[],
  y: readonly number[],
): { columns: number[][]; width: number } {
  const rows = y.flatMap((b) => x.map((a) => [a, b]))
  const columns: number[][] = []
  const ask = (forward: (x: Tensor) => Tensor) => {
    for (let from = 0; from < rows.length; from += CHUNK)
      noGrad(() => {
        const asked = rows.slice(from, from + CHUNK)
        const given = forward(tensor(asked))
        const width = widthOf(given, asked.length)
        const values = given.toTypedArray()
        for (let c = 0; c < width; c++) {
          columns[c] ??= []
          for (let r = 0; r < asked.length; r++) columns[c].push(values[r * width + c])
        }
      })
  }
  if (typeof model === 'function') ask(model)
  else inMode(model, false, () => ask((x) => model.forward(x)))
  return { columns, width: columns.length }
}

function widthOf(given: Tensor, rows: number): number {
  if (!(given instanceof Tensor))
    throw new OptionError(`decisionBoundary: the model gave ${kindOf(given)}, not a tensor`)
  const [first, width = 1, ...more] = given.shape
  if (given.ndim === 0 || first !== rows || width === 0 || more.length > 0)
    throw new ShapeError(
      `decisionBoundary: the model gave shape ${formatShape(given.shape)} for (${rows}, 2); expected (${rows}, classes), (${rows}, 1) or (${rows})`,
    )
  return width
}

const rectangles = (values: readonly Part[], color: Part): Part => ({
  data: { values },
  mark: { type: 'rect', aria: false },
  encoding: { x2: { field: 'x2' }, y2: { field: 'y2' }, color },
})

const borderLine = (lines: readonly Part[]): Part => ({
  data: { values: lines },
  mark: { type: 'line', color: INK, strokeWidth: 1.25 },
  encoding: { detail: { field: 'line', type: 'nominal' }, order: { field: 'order', type: 'quantitative' } },
})

/** A region for the class of the largest output, and lines between regions. */
function regions(grids: readonly Grid[]): Part[] {
  const [{ x, y }] = grids
  const best = y.map((_, j) => x.map((_, i) => largest(grids.map(({ z }) => z[j][i]))))
  const found = runs({ x, y }, 'region', (i, j) => best[j][i])
  const domain = grids.map((_, c) => c)
  const lines = grids.flatMap((_, c) =>
    isolines({ x, y, z: y.map((_, j) => x.map((_, i) => lead(grids, c, i, j))) }, 0),
  )
  const color = {
    field: 'region',
    type: 'nominal',
    legend: null,
    scale: { domain, range: domain.map((c) => tint(colorOf(c), 0.28)) },
  }
  return [rectangles(found, color), borderLine(rowsOf(lines))]
}

function largest(values: readonly number[]): number | null {
  return values.some(Number.isNaN) ? null : values.indexOf(Math.max(...values))
}

/** By how much output `c` is larger than every other. */
function lead(grids: readonly Grid[], c: number, i: number, j: number): number {
  const others = grids.filter((_, other) => other !== c).map(({ z }) => z[j][i])
  return grids[c].z[j][i] - Math.max(...others)
}

/** Shades of the probability of class 1, and the line at one half. */
function shades({ x, y, z }: Grid, title: string, output?: 'probability' | 'logit'): Part[] {
  const isProbability = output ? output === 'probability' : z.flat().every((value) => !(value < 0 || value > 1))
  const probability = z.map((row) => row.map((value) => (isProbability ? value : 1 / (1 + Math.exp(-value)))))
  const shade = (value: number) => Math.max(Math.min(Math.floor(value * SHADES), SHADES - 1), 0)
  const found = runs({ x, y }, 'p', (i, j) => {
    const value = probability[j][i]
    return Number.isNaN(value) ? null : (shade(value) + 0.5) / SHADES
  })
  const color = {
    field: 'p',
    type: 'quantitative',
    title,
    scale: {
      domain: [0, 0.5, 1],
      range: [tint(colorOf(0), 0.5), '#ffffff', tint(colorOf(1), 0.5)],
      interpolate: 'rgb',
    },
    legend: { values: [0, 0.25, 0.5, 0.75, 1], format: '.2f', gradientLength: 120 },
  }
  return [rectangles(found, color), borderLine(rowsOf(isolines({ x, y, z: probability }, 0.5)))]
}
