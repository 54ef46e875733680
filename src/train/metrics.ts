/** Numbers that tell how good predictions are. Each gets predictions and targets, row by row, and gives a number. */
import { check } from '../autograd/operands.ts'
import { DtypeError, OptionError, ShapeError } from '../errors.ts'
import { checkNumber, checkOptions, checkSize } from '../options.ts'
import { noGrad } from '../scope.ts'
import { formatShape, sameShape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import type { Metric } from './learner.ts'

/** From where on a single number means the class 1. */
export interface ThresholdOptions {
  /**
   * A prediction above it means the class 1: 0.5 for probabilities, 0 for logits. Default: 0.5, and then predictions outside
   * [0, 1], which are no probabilities, are refused.
   */
  threshold?: number
}

/** How numbers of classes become one. */
export interface AverageOptions extends ThresholdOptions {
  /**
   * 'binary': of class 1 alone; 'macro': the mean over all classes that occur in predictions or targets; 'micro': over all
   * rows, which makes precision, recall and F1 the accuracy. Default: 'binary' where a prediction is a single number that the
   * threshold decides on, and else 'macro'.
   */
  average?: 'binary' | 'macro' | 'micro'
}

/** What `confusionMatrix` may be told. */
export interface ConfusionOptions extends ThresholdOptions {
  /** The number of classes. Default: the columns of the predictions, 2 for a single one, or as many as labels need. */
  classes?: number
}

// --- classes ---------------------------------------------------------------------------------------------------------

/**
 * The share of rows that are classified right, from 0 to 1.
 *
 * - predictions (N, C) of float32, logits or probabilities: the largest of a row is the class (the first of equal ones);
 *   targets are labels, (N) or (N, 1) of int32 or uint8, or one-hot rows (N, C);
 * - predictions (N) or (N, 1) of float32: above `threshold` they mean class 1, else class 0; targets are 0 or 1, (N) or
 *   (N, 1) of any dtype. Logits, such as `nn.BCEWithLogitsLoss` takes, need `{ threshold: 0 }`, in `fit` and `evaluate` as
 *   `(p, t) => metrics.accuracy(p, t, { threshold: 0 })`; or sigmoid() first;
 * - predictions (N) or (N, 1) of int32, uint8 or bool: they are labels already, as are the targets.
 * @throws ShapeError for other shapes; DtypeError for labels of float32; OptionError for a label that there is no class for,
 *   NaN among the predictions, a single number outside [0, 1] where no threshold is given, or no rows.
 */
export function accuracy(prediction: Tensor, target: Tensor, options: ThresholdOptions = {}): number {
  checkOptions('accuracy', options, ['threshold'])
  const { found, truth } = classify('accuracy', prediction, target, options)
  return found.reduce((right, label, i) => right + Number(label === truth[i]), 0) / found.length
}

/**
 * A metric: the share of rows whose class is among the `k` largest of their predictions, from 0 to 1. Of equal ones the first
 * count as larger. Predictions are (N, C), targets labels or one-hot rows, as of `accuracy`.
 * @throws OptionError unless k is an integer from 1 up, and from the metric when there are fewer classes.
 */
export function topKAccuracy(k: number): Metric {
  checkSize('topKAccuracy', 'k', k)
  return (prediction, target) => {
    const { truth, classes } = classify('topKAccuracy', prediction, target, {})
    if (isColumn(prediction))
      throw new ShapeError(`topKAccuracy: predictions are ${formatShape(prediction.shape)}; they must be (N, C)`)
    if (k > classes) throw new OptionError(`topKAccuracy: k is ${k}, but there are ${classes} classes`)
    const best = noGrad(() => prediction.topk(k, 1).indices.toTypedArray())
    const isRight = (label: number, row: number) => best.subarray(row * k, (row + 1) * k).includes(label)
    return truth.reduce((right, label, row) => right + Number(isRight(label, row)), 0) / truth.length
  }
}

/**
 * Of the rows that were taken for a class, the share that are of it; 0 where none were. Predictions and targets are those of
 * `accuracy`, averages those of scikit-learn's `precision_score` with `zero_division=0`.
 * @throws OptionError for an unknown average, or 'binary' of more than two classes; and what `accuracy` throws.
 */
export function precision(prediction: Tensor, target: Tensor, options: AverageOptions = {}): number {
  return averaged('precision', prediction, target, options, ({ right, found }) => ratio(right, found))
}

/**
 * Of the rows of a class, the share that were taken for it; 0 where there are none. Predictions and targets are those of
 * `accuracy`, averages those of scikit-learn's `recall_score` with `zero_division=0`.
 * @throws OptionError for an unknown average, or 'binary' of more than two classes; and what `accuracy` throws.
 */
export function recall(prediction: Tensor, target: Tensor, options: AverageOptions = {}): number {
  return averaged('recall', prediction, target, options, ({ right, truth }) => ratio(right, truth))
}

/**
 * The harmonic mean of precision and recall; 0 where there is neither. Predictions and targets are those of `accuracy`,
 * averages those of scikit-learn's `f1_score` with `zero_division=0`.
 * @throws OptionError for an unknown average, or 'binary' of more than two classes; and what `accuracy` throws.
 */
export function f1Score(prediction: Tensor, target: Tensor, options: AverageOptions = {}): number {
  return averaged('f1Score', prediction, target, options, ({ right, found, truth }) => ratio(2 * right, found + truth))
}

/**
 * How many rows of each class were taken for which: `matrix[target][prediction]`, as scikit-learn's. Predictions and targets
 * are those of `accuracy`.
 * @throws OptionError for a label from `classes` up; and what `accuracy` throws.
 */
export function confusionMatrix(prediction: Tensor, target: Tensor, options: ConfusionOptions = {}): number[][] {
  checkOptions('confusionMatrix', options, ['threshold', 'classes'])
  const { threshold, classes } = options
  if (classes !== undefined) checkSize('confusionMatrix', 'classes', classes)
  const labels = classify('confusionMatrix', prediction, target, { threshold })
  const needed = Math.max(largest(labels.found), largest(labels.truth)) + 1
  if (classes !== undefined && needed > classes)
    throw new OptionError(`confusionMatrix: there is the label ${needed - 1}, but classes is ${classes}`)
  return count(labels, classes ?? labels.classes)
}

// --- numbers ---------------------------------------------------------------------------------------------------------

/**
 * The mean of |prediction - target| over all elements, in float64. Shapes are equal; (N) goes with (N, 1).
 * @throws ShapeError for other shapes; OptionError for no elements.
 */
export function meanAbsoluteError(prediction: Tensor, target: Tensor): number {
  const [a, b] = numbersOf('meanAbsoluteError', prediction, target)
  return a.reduce((sum, value, i) => sum + Math.abs(value - b[i]), 0) / a.length
}

/**
 * The mean of (prediction - target)² over all elements, in float64. Shapes are equal; (N) goes with (N, 1).
 * @throws ShapeError for other shapes; OptionError for no elements.
 */
export function meanSquaredError(prediction: Tensor, target: Tensor): number {
  const [a, b] = numbersOf('meanSquaredError', prediction, target)
  return a.reduce((sum, value, i) => sum + (value - b[i]) * (value - b[i]), 0) / a.length
}

/**
 * R², the share of the variance of the targets that the predictions explain: 1 - Σ(prediction - target)² / Σ(target - mean)²,
 * in float64; 1 is perfect, 0 no better than the mean, below 0 worse. Of several columns it is the mean over them. Where the
 * targets are all equal it is 1 for perfect predictions and else 0, as scikit-learn's `r2_score`.
 * @throws ShapeError for shapes that are not equal, but (N) goes with (N, 1); OptionError for fewer than two rows.
 */
export function r2Score(prediction: Tensor, target: Tensor): number {
  const [a, b] = numbersOf('r2Score', prediction, target)
  const rows = target.shape[0] ?? 1
  if (rows < 2) throw new OptionError(`r2Score: there is ${rows} row; a variance takes two and more`)
  const columns = a.length / rows
  let total = 0
  for (let column = 0; column < columns; column++) {
    let [mean, residual, variance] = [0, 0, 0]
    for (let i = column; i < a.length; i += columns) mean += b[i] / rows
    for (let i = column; i < a.length; i += columns) {
      residual += (a[i] - b[i]) * (a[i] - b[i])
      variance += (b[i] - mean) * (b[i] - mean)
    }
    total += variance > 0 ? 1 - residual / variance : Number(residual === 0)
  }
  return total / columns
}

// --- how -------------------------------------------------------------------------------------------------------------

interface Labels {
  /** The class that each row was taken for, and the one that it is of. */
  readonly found: readonly number[]
  readonly truth: readonly number[]
  readonly classes: number
  /** Whether a prediction is a single number that stands for one of two classes. */
  readonly isBinary: boolean
}

/** One class among the rows. */
interface Counts {
  /** Rows of the class that were taken for it. */
  readonly right: number
  /** Rows that were taken for it. */
  readonly found: number
  /** Rows of it. */
  readonly truth: number
}

const ratio = (part: number, whole: number) => (whole === 0 ? 0 : part / whole)

const isColumn = ({ shape }: Tensor) => shape.length === 1 || (shape.length === 2 && shape[1] === 1)

const listOf = (x: Tensor): number[] => Array.from(x.toTypedArray())

const largest = (labels: readonly number[]): number => labels.reduce((most, label) => Math.max(most, label), 0)

function classify(op: string, prediction: Tensor, target: Tensor, { threshold }: ThresholdOptions): Labels {
  check(op, prediction)
  check(op, target)
  if (threshold !== undefined) checkNumber(op, 'threshold', threshold)
  const [rows] = prediction.shape
  const shapes = `predictions ${formatShape(prediction.shape)} and targets ${formatShape(target.shape)}`
  const isSingle = isColumn(prediction)
  const isOneHot = !isSingle && sameShape(prediction.shape, target.shape)
  const fits = rows === target.shape[0] && (isSingle || prediction.ndim === 2) && (isOneHot || isColumn(target))
  if (!fits)
    throw new ShapeError(
      `${op}: ${shapes} do not go together; it takes (N, C) with labels (N) or one-hot rows (N, C), or (N) or (N, 1) with 0 and 1`,
    )
  if (rows === 0) throw new OptionError(`${op}: ${shapes} have no rows`)
  checkNaN(op, prediction)
  if (isSingle && prediction.dtype !== 'float32') return fromLabels(op, prediction, target)
  if (isSingle) {
    const values = listOf(prediction)
    if (threshold === undefined) checkProbabilities(op, values)
    const found = values.map((value) => Number(value > (threshold ?? 0.5)))
    return { found, truth: truthOf(op, target, 2), classes: 2, isBinary: true }
  }
  const [, classes] = prediction.shape
  const found = noGrad(() => listOf(prediction.argmax(1)))
  const truth = isOneHot ? fromOneHot(op, target) : truthOf(op, target, classes)
  return { found, truth, classes, isBinary: false }
}

function checkNaN(op: string, prediction: Tensor): void {
  if (prediction.dtype !== 'float32') return
  const at = noGrad(() => (prediction.isNan().any().item() ? listOf(prediction.isNan()).indexOf(1) : -1))
  if (at < 0) return
  const row = Math.floor((at * prediction.shape[0]) / prediction.numel)
  throw new OptionError(`${op}: the prediction of row ${row} is NaN; setDetectAnomaly(true) names what made it`)
}

/** Logits are often within [0, 1] too, but seldom all of them. */
function checkProbabilities(op: string, values: readonly number[]): void {
  const row = values.findIndex((value) => value < 0 || value > 1)
  if (row < 0) return
  throw new OptionError(
    `${op}: the prediction of row ${row} is ${values[row]}, which is no probability; pass { threshold: 0 } for logits, or take their sigmoid() first`,
  )
}

function fromLabels(op: string, prediction: Tensor, target: Tensor): Labels {
  const [found, truth] = [listOf(prediction), truthOf(op, target, Infinity)]
  found.forEach((label, row) => {
    checkLabel(op, 'prediction', label, row, Infinity)
  })
  const classes = Math.max(largest(found), largest(truth), 1) + 1
  return { found, truth, classes, isBinary: false }
}

function fromOneHot(op: string, target: Tensor): number[] {
  const [rows, classes] = target.shape
  const values = listOf(target)
  for (let row = 0; row < rows; row++) {
    const ones = values.slice(row * classes, (row + 1) * classes).filter((value) => value !== 0)
    if (ones.length !== 1 || ones[0] !== 1)
      throw new OptionError(`${op}: row ${row} of the targets is not one-hot: it must hold one 1 and else 0`)
  }
  return noGrad(() => listOf(target.argmax(1)))
}

/** The labels of targets (N) or (N, 1). */
function truthOf(op: string, target: Tensor, classes: number): number[] {
  if (target.dtype === 'float32' && classes !== 2)
    throw new DtypeError(`${op}: labels are float32; class indices are int32 or uint8: convert them by labels.int()`)
  const labels = listOf(target)
  labels.forEach((label, row) => {
    checkLabel(op, 'label', label, row, classes)
  })
  return labels
}

function checkLabel(op: string, what: string, label: number, row: number, classes: number): void {
  if (Number.isInteger(label) && label >= 0 && label < classes) return
  const rule = classes === Infinity ? 'from 0 up' : `from 0 to ${classes - 1}`
  throw new OptionError(
    `${op}: the ${what} of row ${row} is ${label}; with these predictions labels are integers ${rule}`,
  )
}

function count({ found, truth }: Labels, classes: number): number[][] {
  const matrix = Array.from({ length: classes }, () => new Array<number>(classes).fill(0))
  found.forEach((label, row) => {
    matrix[truth[row]][label]++
  })
  return matrix
}

function averaged(
  op: string,
  prediction: Tensor,
  target: Tensor,
  options: AverageOptions,
  of: (counts: Counts) => number,
): number {
  checkOptions(op, options, ['average', 'threshold'])
  const labels = classify(op, prediction, target, options)
  const { average = labels.isBinary ? 'binary' : 'macro' } = options
  const { length: rows } = labels.found
  if (average === 'micro') {
    const right = labels.found.filter((label, row) => label === labels.truth[row]).length
    return of({ right, found: rows, truth: rows })
  }
  if (average !== 'binary' && average !== 'macro')
    throw new OptionError(`${op}: average is ${String(average)}; it is 'binary', 'macro' or 'micro'`)
  if (average === 'binary' && labels.classes > 2)
    throw new OptionError(
      `${op}: average 'binary' is for two classes, but there are ${labels.classes}; use 'macro' or 'micro'`,
    )
  const counts = countsOf(labels)
  if (average === 'binary') return of(counts[1])
  const occurring = counts.filter(({ found, truth }) => found + truth > 0)
  return occurring.reduce((sum, counts) => sum + of(counts), 0) / occurring.length
}

function countsOf({ found, truth, classes }: Labels): Counts[] {
  const counts = Array.from({ length: classes }, () => ({ right: 0, found: 0, truth: 0 }))
  found.forEach((label, row) => {
    counts[label].found++
    counts[truth[row]].truth++
    if (label === truth[row]) counts[label].right++
  })
  return counts
}

/** Both as numbers, element by element. */
function numbersOf(op: string, prediction: Tensor, target: Tensor): [number[], number[]] {
  check(op, prediction)
  check(op, target)
  const areColumns = isColumn(prediction) && isColumn(target) && prediction.numel === target.numel
  if (!areColumns && !sameShape(prediction.shape, target.shape))
    throw new ShapeError(
      `${op}: predictions ${formatShape(prediction.shape)} and targets ${formatShape(target.shape)} must have equal shapes; reshape one of them`,
    )
  if (prediction.numel === 0) throw new OptionError(`${op}: there are no elements`)
  return [listOf(prediction), listOf(target)]
}
