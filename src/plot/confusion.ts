import { kindOf, OptionError, ShapeError } from '../errors.ts'
import { checkPicture, numbersOf } from './input.ts'
import { colorOf, INK, type Part, picture, type TitleOptions, tint, type VegaLiteSpec } from './spec.ts'

/** How a confusion matrix is drawn. */
export interface ConfusionMatrixOptions extends TitleOptions {
  /** What the classes are called, in order. Default: their numbers. */
  labels?: readonly string[]
}

/** The longest side of the square, in pixels, and of a cell. */
const SIDE = 420
const CELL = 64
/** The most that a label takes, and about what a letter does. */
const LABEL = 140
const LETTER = 7

/**
 * How often each class was taken for each: a row for each true class, a column for each predicted one. The colour is the share
 * of the row, so that the diagonal shows the recall of each class, the number is the count.
 *
 * ```ts
 * import * as plot from 'neyron/plot'
 *
 * const spec = plot.confusionMatrix([[10, 0], [2, 8]], { labels: ['cat', 'dog'] })
 * ```
 * @param matrix Counts, as `metrics.confusionMatrix` gives them.
 * @throws ShapeError unless it is square, with a label for each class if there are labels; OptionError for negative counts.
 */
export function confusionMatrix(
  matrix: readonly ArrayLike<number>[],
  options: ConfusionMatrixOptions = {},
): VegaLiteSpec {
  checkPicture('confusionMatrix', options, ['labels'])
  if (!Array.isArray(matrix) || matrix.length === 0)
    throw new OptionError(
      `confusionMatrix: expected rows of counts, got ${Array.isArray(matrix) ? 'no rows' : kindOf(matrix)}`,
    )
  const rows = matrix.map((row, i) => numbersOf('confusionMatrix', `row ${i}`, row))
  const ragged = rows.findIndex((row) => row.length !== rows.length)
  if (ragged >= 0)
    throw new ShapeError(
      `confusionMatrix: row ${ragged} has ${rows[ragged].length} counts, but there are ${rows.length} rows; the matrix must be square`,
    )
  const isCount = (value: number) => Number.isFinite(value) && value >= 0
  if (!rows.flat().every(isCount)) throw new OptionError('confusionMatrix: counts must be finite and not below 0')
  const labels = labelsOf(options.labels, rows.length)
  const values = rows.flatMap((row, i) => {
    const total = row.reduce((sum, count) => sum + count, 0)
    return row.map((count, j) => ({
      truth: labels[i],
      predicted: labels[j],
      count,
      share: total === 0 ? 0 : Number((count / total).toFixed(4)),
    }))
  })
  return picture(options.title ?? 'Confusion matrix', body(values, labels))
}

function labelsOf(labels: readonly string[] | undefined, classes: number): string[] {
  if (labels === undefined) return Array.from({ length: classes }, (_, i) => String(i))
  if (!Array.isArray(labels) || !labels.every((label) => typeof label === 'string'))
    throw new OptionError("confusionMatrix: labels must be an array of text, such as ['cat', 'dog']")
  if (labels.length !== classes || new Set(labels).size !== classes)
    throw new ShapeError(
      `confusionMatrix: ${classes} classes need as many different labels, but there are ${new Set(labels).size}`,
    )
  return [...labels]
}

function body(values: readonly Part[], labels: readonly string[]): Part {
  const longest = LETTER * Math.max(...labels.map(({ length }) => length)) + LETTER
  const step = Math.min(Math.max(CELL, longest), SIDE / labels.length)
  const axis = { type: 'nominal', sort: labels }
  const common = { domain: false, ticks: false }
  return {
    width: step * labels.length,
    height: step * labels.length,
    data: { values },
    encoding: {
      x: {
        ...axis,
        field: 'predicted',
        title: 'predicted',
        axis: { ...common, labelAngle: longest > step ? -45 : 0, labelLimit: LABEL },
      },
      y: { ...axis, field: 'truth', title: 'truth', axis: { ...common, labelLimit: LABEL } },
    },
    layer: [
      {
        mark: { type: 'rect', stroke: '#ffffff', strokeWidth: 1 },
        encoding: {
          color: {
            field: 'share',
            type: 'quantitative',
            title: 'share of row',
            scale: { domain: [0, 1], range: [tint(colorOf(0), 0.05), colorOf(0)], interpolate: 'rgb' },
            legend: { format: '%', values: [0, 0.25, 0.5, 0.75, 1] },
          },
        },
      },
      {
        mark: { type: 'text', fontSize: Math.max(Math.min(14, step * 0.3), 6) },
        encoding: {
          text: { field: 'count', type: 'quantitative' },
          color: { condition: { test: 'datum.share > 0.5', value: '#ffffff' }, value: INK },
        },
      },
    ],
  }
}
