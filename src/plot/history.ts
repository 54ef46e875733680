import { OptionError } from '../errors.ts'
import { Tensor } from '../tensor.ts'
import { extentOf } from './grid.ts'
import { checkFields, checkPicture, type Numbers, numbersOf } from './input.ts'
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

/** What is recorded besides the loss and metrics, and is neither. */
const NOT_DRAWN = ['lr', 'seconds']
const TRAINING = 'training'
const VALIDATION = 'validation'

/**
 * Loss and metrics by epoch, counted from 1, a panel for each: training, and beside it validation, which is the list of the same
 * name after `val`, such as `valLoss`. Learning rate and seconds are left out; values that are not finite are gaps.
 *
 * ```ts
 * import * as plot from 'neyron/plot'
 *
 * const spec = plot.trainingHistory({ loss: [0.9, 0.4, 0.2], valLoss: [0.8, 0.5, 0.4], accuracy: [0.6, 0.8, 0.9] })
 * ```
 * @param history Lists of numbers by name, one number for each epoch, as `fit` returns them in `log.history`.
 * @throws OptionError for what is not a history.
 */
export function trainingHistory(history: Readonly<Record<string, Numbers>>, options: TitleOptions = {}): VegaLiteSpec {
  checkPicture('trainingHistory', options, [])
  checkFields('trainingHistory', 'lists of numbers by name, such as log.history', history)
  const { history: inside } = history as { history?: unknown }
  if (typeof inside === 'object' && inside !== null && !('length' in inside) && !(inside instanceof Tensor))
    throw new OptionError('trainingHistory: this is the whole log that fit returned; pass log.history')
  const lists = Object.entries(history)
    .filter(([name]) => !NOT_DRAWN.includes(name))
    .map(([name, values]) => ({ name, values: numbersOf('trainingHistory', name, values), ...seriesOf(name, history) }))
    .filter(({ values }) => values.length > 0)
  if (lists.length === 0)
    throw new OptionError('trainingHistory: the history has no epochs; pass log.history after fit, or { loss: […] }')
  const isValidated = lists.some(({ series }) => series === VALIDATION)
  const concat = [...new Set(lists.map(({ metric }) => metric))].map((metric) => {
    const values = lists
      .filter((list) => list.metric === metric)
      .flatMap(({ values, series }) => values.map((value, i) => ({ epoch: i + 1, value: shown(value), series })))
    return panel(metric, values, isValidated)
  })
  return picture(options.title ?? 'Training history', panels(2, concat))
}

/** `valLoss` is the validation of `loss` if that is there too. */
function seriesOf(name: string, history: object): { metric: string; series: string } {
  const metric = /^val[A-Z]/.test(name) ? `${name[3].toLowerCase()}${name.slice(4)}` : ''
  return Object.hasOwn(history, metric) ? { metric, series: VALIDATION } : { metric: name, series: TRAINING }
}

function panel(metric: string, values: readonly Part[], isValidated: boolean): Part {
  const domain = isValidated ? [TRAINING, VALIDATION] : [TRAINING]
  const epochs = extentOf(values.map(({ epoch }) => epoch as number)).high
  return {
    title: panelTitle(metric),
    width: 300,
    height: 200,
    data: { values },
    mark: { type: 'line', strokeWidth: 2, point: epochs <= 30 ? { size: 20 } : false },
    encoding: {
      x: {
        field: 'epoch',
        type: 'quantitative',
        title: 'epoch',
        scale: { domain: [1, Math.max(epochs, 2)], nice: false },
        axis: { tickMinStep: 1, format: 'd', grid: false },
      },
      y: { field: 'value', type: 'quantitative', title: null, ...inSteps(5, { zero: metric === 'loss' }) },
      color: {
        field: 'series',
        type: 'nominal',
        title: null,
        scale: { domain, range: domain.map((_, i) => colorOf(i)) },
        legend: isValidated ? {} : null,
      },
    },
  }
}
