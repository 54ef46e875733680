import { OptionError, ShapeError } from '../errors.ts'
import { contours, spansMagnitudes } from './contours.ts'
import type { Grid } from './grid.ts'
import { checkFields, checkPicture, numbersOf } from './input.ts'
import type { Landscape } from './landscape.ts'
import { INK, type Part, type PlotlyFigure, picture, shown, type TitleOptions, type VegaLiteSpec } from './spec.ts'

const SIDE = 400

/**
 * A loss landscape seen from above: bands of colour, lines of equal loss, and the model as it is in the middle. Where the largest
 * loss is 20 times the least or more, colours go by its logarithm. Losses that are not finite are gaps. See `landscape` for an example.
 * @param landscape What `landscape` computed.
 * @throws OptionError for what is not a landscape; ShapeError for a loss that does not have a row for each `beta`.
 */
export function lossLandscape(landscape: Landscape, options: TitleOptions = {}): VegaLiteSpec {
  checkPicture('lossLandscape', options, [])
  const grid = gridIn('lossLandscape', landscape)
  const axis = (field: string, title: string, values: readonly number[]): Part => ({
    field,
    type: 'quantitative',
    title,
    scale: { domain: [values[0], values[values.length - 1]], nice: false, zero: false },
    axis: { grid: false, tickCount: 5 },
  })
  return picture(options.title ?? 'Loss landscape', {
    width: SIDE,
    height: SIDE,
    encoding: { x: axis('x', 'direction 1', grid.x), y: axis('y', 'direction 2', grid.y) },
    layer: [
      ...contours(grid, { title: 'loss', scheme: { name: 'viridis' }, line: { color: '#ffffff', opacity: 0.7 } }),
      {
        data: { values: [{ x: 0, y: 0 }] },
        mark: { type: 'point', filled: true, size: 70, opacity: 1, color: '#ffffff', stroke: INK, strokeWidth: 1.5 },
      },
    ],
  })
}

/**
 * A loss landscape as a surface in space that can be turned, for Plotly with its 3-D part (`plotly.js-gl3d-dist-min`). Heights are
 * logarithms where the largest loss is 20 times the least or more. Losses that are not finite are holes.
 * @param landscape What `landscape` computed.
 * @throws OptionError for what is not a landscape; ShapeError for a loss that does not have a row for each `beta`.
 */
export function lossSurface(landscape: Landscape, options: TitleOptions = {}): PlotlyFigure {
  checkPicture('lossSurface', options, [])
  const { x, y, z } = gridIn('lossSurface', landscape)
  const isLog = spansMagnitudes({ x, y, z })
  const title = isLog ? 'log₁₀ loss' : 'loss'
  const heights = z.map((row) => row.map((loss) => shown(isLog ? Math.log10(loss) : loss)))
  const axis = (text: string): Part => ({ title: { text }, backgroundcolor: '#ffffff', gridcolor: '#dddddd' })
  return {
    data: [
      {
        type: 'surface',
        x,
        y,
        z: heights,
        colorscale: 'Viridis',
        colorbar: { title: { text: title }, thickness: 14, len: 0.6 },
        contours: { z: { show: true, usecolormap: true, highlightcolor: '#ffffff', project: { z: true } } },
      },
    ],
    layout: {
      title: { text: options.title ?? 'Loss landscape', x: 0.05 },
      font: { family: 'DejaVu Sans, Verdana, sans-serif', color: INK },
      margin: { l: 0, r: 0, t: 48, b: 0 },
      scene: {
        xaxis: axis('direction 1'),
        yaxis: axis('direction 2'),
        zaxis: axis(title),
        camera: { eye: { x: 1.2, y: -1.2, z: 0.75 }, center: { x: 0, y: 0, z: -0.15 } },
        aspectratio: { x: 1, y: 1, z: 0.7 },
      },
    },
  }
}

function gridIn(op: string, landscape: Landscape): Grid {
  checkFields(op, 'a landscape { alpha, beta, loss }', landscape)
  const x = numbersOf(op, 'alpha', landscape.alpha)
  const y = numbersOf(op, 'beta', landscape.beta)
  for (const [name, values] of [
    ['alpha', x],
    ['beta', y],
  ] as const)
    if (values.length < 2 || !values.every((value, i) => Number.isFinite(value) && (i === 0 || value > values[i - 1])))
      throw new OptionError(`${op}: ${name} must be two or more finite numbers in increasing order`)
  if (!Array.isArray(landscape.loss)) throw new OptionError(`${op}: loss must be rows of numbers`)
  const z = landscape.loss.map((row, j) => numbersOf(op, `loss[${j}]`, row))
  if (z.length !== y.length || z.some((row) => row.length !== x.length))
    throw new ShapeError(`${op}: loss must have ${y.length} rows of ${x.length} numbers, as beta and alpha say`)
  return { x, y, z }
}
