import { kindOf, OptionError } from '../errors.ts'
import { contours } from './contours.ts'
import { gridOf, spaced } from './grid.ts'
import { checkFields, checkPicture, checkRange, checkResolution, checkText, type Points, pointsOf } from './input.ts'
import { colorOf, INK, type Part, picture, type TitleOptions, type VegaLiteSpec } from './spec.ts'

/** A function of two numbers, and ways down it. */
export interface Trajectories {
  /** The height at a point. */
  readonly f: (x: number, y: number) => number
  /** Where each optimizer went, from its start on, by its name. */
  readonly paths: Readonly<Record<string, Points>>
  /** Where the function is least, to be marked by a star. */
  readonly minimum?: readonly [x: number, y: number]
}

/** How paths are drawn. */
export interface TrajectoriesOptions extends TitleOptions {
  /** What is shown from left to right. Default: what holds all paths. */
  x?: readonly [low: number, high: number]
  /** What is shown from bottom to top. Default: what holds all paths. */
  y?: readonly [low: number, high: number]
  /** What the axis from left to right is called. Default: x. */
  xTitle?: string
  /** What the axis from bottom to top is called. Default: y. */
  yTitle?: string
  /** At how many points along each axis the function is computed. Default: 201. */
  resolution?: number
}

const SIDE = 420
const MARGIN = 0.15
/** Dots on longer paths would hide them. */
const MOST_DOTS = 60

/**
 * Ways of optimizers over a function of two numbers, with its lines of equal height. Colours tell the height above the least by
 * its logarithm. Each way begins at a white dot and ends at a coloured one; what leaves the picture is cut off.
 *
 * ```ts
 * import * as plot from 'neyron/plot'
 *
 * const f = (x: number, y: number) => x * x + 10 * y * y
 * const spec = plot.trajectories({ f, paths: { SGD: [[4, 1], [3, -0.5], [2, 0.2]], Adam: [[4, 1], [2, 0.5]] }, minimum: [0, 0] })
 * ```
 * @throws OptionError when there are no paths or none has a finite point; ShapeError for points that are not pairs.
 */
export function trajectories(data: Trajectories, options: TrajectoriesOptions = {}): VegaLiteSpec {
  checkPicture('trajectories', options, ['x', 'y', 'xTitle', 'yTitle', 'resolution'])
  const { xTitle = 'x', yTitle = 'y', resolution = 201 } = options
  checkText('trajectories', 'xTitle', xTitle)
  checkText('trajectories', 'yTitle', yTitle)
  checkResolution('trajectories', resolution)
  checkFields('trajectories', 'an object { f, paths }', data)
  const { f, minimum } = data
  if (typeof f !== 'function') throw new OptionError(`trajectories: f is ${kindOf(f)}, not a function of two numbers`)
  checkFields('trajectories', 'paths by name', data.paths)
  const paths = Object.entries(data.paths).map(([name, points]) => ({
    name,
    points: pointsOf('trajectories', `paths.${name}`, points).filter((point) => point.every(Number.isFinite)),
  }))
  const least = minimum === undefined ? [] : pointsOf('trajectories', 'minimum', [minimum])
  const known = [...paths.flatMap(({ points }) => points), ...least]
  if (known.length === least.length) throw new OptionError('trajectories: there is no path with a finite point')
  const xRange = options.x ?? around(known.map(([x]) => x))
  const yRange = options.y ?? around(known.map(([, y]) => y))
  checkRange('trajectories', 'x', xRange)
  checkRange('trajectories', 'y', yRange)
  const grid = gridOf(spaced(...xRange, resolution), spaced(...yRange, resolution), f)
  const ground = contours(grid, {
    title: 'f above its least',
    scheme: { name: 'greys', extent: [0, 0.35] },
    line: { color: '#ffffff' },
    aboveLeast: true,
  })
  const axis = (field: string, title: string, range: readonly [number, number]): Part => ({
    field,
    type: 'quantitative',
    title,
    scale: { domain: range, nice: false, zero: false },
    axis: { grid: false, tickCount: 6 },
  })
  return picture(options.title ?? 'Paths of optimizers', {
    width: SIDE,
    height: SIDE,
    encoding: { x: axis('x', xTitle, xRange), y: axis('y', yTitle, yRange) },
    layer: [...ground, ...ways(paths), ...least.map(star)],
    resolve: { scale: { color: 'independent' } },
  })
}

function around(values: readonly number[]): [number, number] {
  let [low, high] = [Infinity, -Infinity]
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)]
  const margin = (high - low) * MARGIN || 1
  return [low - margin, high + margin]
}

function ways(paths: readonly { name: string; points: readonly (readonly [number, number])[] }[]): Part[] {
  const names = paths.map(({ name }) => name)
  const color = {
    field: 'path',
    type: 'nominal',
    title: null,
    scale: { domain: names, range: names.map((_, i) => colorOf(i)) },
  }
  const rows = paths.flatMap(({ name, points }) => points.map(([x, y], step) => ({ path: name, step, x, y })))
  const dots = paths.filter(({ points }) => points.length <= MOST_DOTS).map(({ name }) => name)
  const ends = paths.flatMap(({ name, points }) => points.slice(-1).map(([x, y]) => ({ path: name, x, y })))
  const marks = (values: readonly Part[], mark: Part, encoding: Part): Part => ({
    data: { values },
    mark: { type: 'point', filled: true, opacity: 1, clip: true, ...mark },
    encoding,
  })
  const quiet = { color: { ...color, legend: null } }
  return [
    {
      data: { values: rows },
      mark: { type: 'line', strokeWidth: 2, clip: true },
      encoding: { color, order: { field: 'step', type: 'quantitative' } },
    },
    marks(
      rows.filter(({ path }) => dots.includes(path)),
      { size: 16 },
      quiet,
    ),
    marks(ends, { size: 70, stroke: '#ffffff', strokeWidth: 1 }, quiet),
    marks(
      rows.filter(({ step }) => step === 0),
      { size: 70, color: '#ffffff', stroke: INK, strokeWidth: 1.5 },
      {},
    ),
  ]
}

const star = ([x, y]: readonly [number, number]): Part => ({
  data: { values: [{ x, y }] },
  mark: {
    type: 'point',
    filled: true,
    shape: STAR,
    size: 150,
    opacity: 1,
    color: INK,
    stroke: '#ffffff',
    strokeWidth: 1,
  },
})

/** Five points, as an SVG path in a square from -1 to 1. */
const STAR =
  'M0,-1L0.2351,-0.3236L0.9511,-0.309L0.3804,0.1236L0.5878,0.809L0,0.4L-0.5878,0.809L-0.3804,0.1236L-0.9511,-0.309L-0.2351,-0.3236Z'
