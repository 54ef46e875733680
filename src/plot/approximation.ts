import { OptionError, ShapeError } from '../errors.ts'
import { extentOf } from './grid.ts'
import { checkFields, checkPicture, type Numbers, numbersOf } from './input.ts'
import {
  colorOf,
  inSteps,
  magnitudes,
  type Part,
  panels,
  panelTitle,
  picture,
  shown,
  type TitleOptions,
  type VegaLiteSpec,
} from './spec.ts'

/** A function of one number, and what networks of several widths made of it. */
export interface Approximation {
  /** Where the function was looked at. */
  readonly x: Numbers
  /** What it is there. */
  readonly target: Numbers
  /** What each network gives there, by the number of its hidden units. */
  readonly predictions: Readonly<Record<number, Numbers>>
  /** The error of each network. Default: the root of the mean square of prediction - target. */
  readonly errors?: Readonly<Record<number, number>>
}

/**
 * Universal approximation in a picture: a function with its approximations by networks of growing width, and beside it the
 * error against the width, both on logarithmic axes.
 *
 * ```ts
 * import * as plot from 'neyron/plot'
 *
 * const spec = plot.approximation({
 *   x: [0, 1, 2, 3],
 *   target: [0, 1, 4, 9],
 *   predictions: { 2: [0, 2, 4, 6], 16: [0.1, 1, 4, 8.9] },
 * })
 * ```
 * @throws ShapeError for lists of unequal lengths; OptionError for widths that are not numbers from 1 up, or no predictions.
 */
export function approximation(data: Approximation, options: TitleOptions = {}): VegaLiteSpec {
  checkPicture('approximation', options, [])
  checkFields('approximation', 'an object { x, target, predictions }', data)
  const x = numbersOf('approximation', 'x', data.x)
  const target = list('target', data.target, x.length)
  checkFields('approximation', 'predictions by width', data.predictions)
  const fits = Object.entries(data.predictions).map(([name, values]) => ({
    width: widthOf(name),
    values: list(`predictions[${name}]`, values, x.length),
  }))
  if (fits.length === 0 || x.length === 0)
    throw new OptionError('approximation: there are no predictions, or no points')
  if (data.errors !== undefined) checkFields('approximation', 'errors by width', data.errors)
  const errors = fits.map(({ width, values }) => ({ width, error: errorOf(data.errors, width, values, target) }))
  const color = colorsOf(fits.map(({ width }) => width))
  return picture(
    options.title ?? 'Universal approximation',
    panels(2, [fitsPanel(x, target, fits, color), errorPanel(errors, color)]),
  )
}

function list(name: string, values: Numbers, length: number): number[] {
  const numbers = numbersOf('approximation', name, values)
  if (numbers.length !== length)
    throw new ShapeError(`approximation: ${name} has ${numbers.length} numbers, but x has ${length}`)
  return numbers
}

function widthOf(name: string): number {
  const width = Number(name)
  if (!Number.isSafeInteger(width) || width < 1)
    throw new OptionError(`approximation: ${name} is not a width; predictions are by number of hidden units`)
  return width
}

function errorOf(
  errors: Readonly<Record<number, number>> | undefined,
  width: number,
  values: readonly number[],
  target: readonly number[],
): number | null {
  if (errors) {
    if (typeof errors[width] !== 'number')
      throw new OptionError(`approximation: errors has no number for width ${width}`)
    return positive(errors[width])
  }
  const squares = values.map((value, i) => (value - target[i]) * (value - target[i]))
  return positive(Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / squares.length))
}

/** A logarithmic axis has no place for 0. */
const positive = (error: number): number | null => (error > 0 ? shown(error) : null)

/** Widths are in order, so their colours are: from light to dark. */
const colorsOf = (widths: readonly number[]): Part => ({
  field: 'width',
  type: 'ordinal',
  title: 'hidden units',
  scale: { domain: widths, scheme: { name: 'plasma', extent: [0.85, 0.1] } },
  legend: { symbolType: 'stroke', symbolStrokeWidth: 2 },
})

function fitsPanel(
  x: readonly number[],
  target: readonly number[],
  fits: readonly { width: number; values: readonly number[] }[],
  color: Part,
): Part {
  const values = fits.flatMap(({ width, values }) =>
    values.map((value, i) => ({ x: shown(x[i]), y: shown(value), width })),
  )
  return {
    title: panelTitle('target (wide, grey) and fits'),
    width: 380,
    height: 260,
    encoding: {
      x: { field: 'x', type: 'quantitative', title: 'x', scale: { nice: false, zero: false }, axis: { grid: false } },
      y: { field: 'y', type: 'quantitative', title: 'f(x)', ...inSteps(5, { zero: false }) },
    },
    layer: [
      {
        data: { values: x.map((at, i) => ({ x: shown(at), y: shown(target[i]) })) },
        mark: { type: 'line', color: '#c8c8c8', strokeWidth: 7, strokeCap: 'round' },
      },
      { data: { values }, mark: { type: 'line', strokeWidth: 1.75 }, encoding: { color } },
    ],
  }
}

function errorPanel(values: readonly { width: number; error: number | null }[], color: Part): Part {
  const errors = values.flatMap(({ error }) => error ?? [])
  const { scale, axis } = logarithmic(errors.length > 0 ? errors : [1])
  return {
    title: panelTitle('error by width'),
    width: 220,
    height: 260,
    data: { values },
    encoding: {
      x: {
        field: 'width',
        type: 'quantitative',
        title: 'hidden units',
        scale: { type: 'log', nice: false, padding: 12 },
        axis: { values: values.map(({ width }) => width), format: 'd', grid: false },
      },
      y: {
        field: 'error',
        type: 'quantitative',
        title: 'error',
        scale,
        axis,
      },
    },
    layer: [
      { mark: { type: 'line', color: colorOf(6), strokeWidth: 1, opacity: 0.5 } },
      { mark: { type: 'point', filled: true, size: 70, opacity: 1 }, encoding: { color } },
    ],
  }
}

/** An axis from one power of ten, or twice or five times one, to another. */
function logarithmic(values: readonly number[]): { scale: Part; axis: Part } {
  const { low, high } = extentOf(values)
  const ticks = magnitudes(low / 10, high * 10)
  const first = Math.max(...ticks.filter((tick) => tick <= low))
  const last = Math.min(...ticks.filter((tick) => tick > low && tick >= high))
  const within = ticks.filter((tick) => tick >= first && tick <= last)
  return { scale: { type: 'log', domain: [first, last], nice: false }, axis: { values: within, format: '~g' } }
}
