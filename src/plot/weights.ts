import { kindOf, OptionError } from '../errors.ts'
import { Module } from '../nn/module.ts'
import { checkSize } from '../options.ts'
import { formatShape } from '../shape.ts'
import { checkPicture } from './input.ts'
import {
  colorOf,
  inSteps,
  type Part,
  panels,
  panelTitle,
  picture,
  shown,
  type TitleOptions,
  type VegaLiteSpec,
} from './spec.ts'

/** How weights are drawn. */
export interface WeightHistogramsOptions extends TitleOptions {
  /** Into how many intervals of equal width the values of a parameter are sorted. Default: 30. */
  bins?: number
}

/**
 * How the values of each parameter are spread, a panel for each. Values that are not finite are counted in the panel's title
 * only; parameters without elements are left out.
 *
 * ```ts
 * import { nn } from 'neyron'
 * import * as plot from 'neyron/plot'
 *
 * const spec = plot.weightHistograms(nn.sequential(new nn.Linear(4, 16), new nn.Tanh(), new nn.Linear(16, 3)))
 * ```
 * @throws OptionError for a model without parameters, or bins that are not an integer from 1 up.
 */
export function weightHistograms(model: Module, options: WeightHistogramsOptions = {}): VegaLiteSpec {
  checkPicture('weightHistograms', options, ['bins'])
  const { bins = 30, title = 'Weights' } = options
  checkSize('weightHistograms', 'bins', bins)
  if (!(model instanceof Module)) throw new OptionError(`weightHistograms: expected a model, got ${kindOf(model)}`)
  const parameters = model.namedParameters().filter(([, { numel }]) => numel > 0)
  if (parameters.length === 0) throw new OptionError('weightHistograms: the model has no parameters')
  const concat = parameters.map(([name, parameter]) => {
    const values = Array.from(parameter.toTypedArray())
    const finite = values.filter(Number.isFinite)
    const lost = values.length - finite.length
    return panel(`${name} ${formatShape(parameter.shape)}`, lost, histogram(finite, bins))
  })
  return picture(title, panels(Math.min(concat.length, 2), concat))
}

/** Counts between borders; the last interval includes its end. Where all values are equal, there are empty ones around them. */
function histogram(values: readonly number[], bins: number): Part[] {
  if (values.length === 0) return []
  let [low, high] = [Infinity, -Infinity]
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)]
  const reach = low === high ? Math.max(Math.abs(low), 1) / 2 : 0
  const from = low - reach
  const width = (high - low + 2 * reach) / bins
  const counts = new Array<number>(bins).fill(0)
  for (const value of values) counts[Math.min(Math.floor((value - from) / width), counts.length - 1)]++
  return counts.map((count, i) => ({ low: shown(from + i * width), high: shown(from + (i + 1) * width), count }))
}

function panel(name: string, lost: number, values: readonly Part[]): Part {
  return {
    title: panelTitle(lost === 0 ? name : `${name}, ${lost} not finite`),
    width: 260,
    height: 130,
    data: { values },
    mark: { type: 'bar', color: colorOf(0) },
    encoding: {
      x: {
        field: 'low',
        type: 'quantitative',
        title: 'value',
        bin: 'binned',
        scale: { zero: false, nice: false },
        axis: { grid: false, tickCount: 5 },
      },
      x2: { field: 'high' },
      y: { field: 'count', type: 'quantitative', title: 'count', ...inSteps(4, {}, { tickMinStep: 1 }) },
    },
  }
}
