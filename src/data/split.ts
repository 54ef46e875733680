import { tensor } from '../create.ts'
import { OptionError, ShapeError } from '../errors.ts'
import { checkFlag, checkOption, checkOptions, checkSize } from '../options.ts'
import { scope } from '../scope.ts'
import { formatShape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import { checkRows, classLabels } from './check.ts'
import { Draws } from './draws.ts'

/** How rows are split in two. */
export interface SplitOptions {
  /** A fraction of the rows, rounded up, or from 1 up their number. Default: 0.25. */
  testSize?: number
  /** Whether rows are drawn; else the last ones are for testing. Default: true. */
  shuffle?: boolean
  /** Whether both parts have as much of each class as the whole; y are class labels then. Default: false. */
  stratify?: boolean
  /** A draw of its own. Default: drawn from the global sequence (`manualSeed`). */
  seed?: number
}

/** What `trainTestSplit` gives: copies, of the dtypes of x and y. */
export interface Split {
  /** Rows of x to learn from. */
  xTrain: Tensor
  /** Rows of x that were held out. */
  xTest: Tensor
  /** The rows of y that belong to `xTrain`. */
  yTrain: Tensor
  /** The rows of y that belong to `xTest`. */
  yTest: Tensor
}

/** Row numbers, and the class of each of them. */
interface Classes {
  readonly of: readonly number[]
  /** How many rows each class has. */
  readonly counts: readonly number[]
}

/** Classes numbered in the order in which their labels appear. */
function classesOf(labels: ArrayLike<number>): Classes {
  const numbers = new Map<number, number>()
  const counts: number[] = []
  const of = Array.from(labels, (label) => {
    const number = numbers.get(label) ?? numbers.size
    numbers.set(label, number)
    counts[number] = (counts[number] ?? 0) + 1
    return number
  })
  return { of, counts }
}

const oneClass = (n: number): Classes => ({ of: new Array<number>(n).fill(0), counts: [n] })

/** How many of `picks` rows each class gives: in proportion, by the method of the largest remainder, ties to the first. */
function shares(counts: readonly number[], picks: number): number[] {
  const n = counts.reduce((a, b) => a + b, 0)
  const taken = counts.map((count) => Math.floor((count * picks) / n))
  const missing = picks - taken.reduce((a, b) => a + b, 0)
  const byRemainder = counts.map((count, i) => ({ i, remainder: (count * picks) % n }))
  byRemainder.sort((a, b) => b.remainder - a.remainder)
  for (const { i } of byRemainder.slice(0, missing)) taken[i]++
  return taken
}

/** Row numbers as an index for `indexSelect`. */
const index = (rows: readonly number[]) => tensor(Int32Array.from(rows))

/**
 * Splits the rows of x (N, …) and y (N, …), of any dtypes, into some to learn from and some to test by:
 * `const { xTrain, xTest, yTrain, yTest } = trainTestSplit(x, y, { stratify: true, seed: 1 })`. Sizes, and the shares of classes, are
 * those of scikit-learn's `train_test_split`; where two classes have equal claims to a row, the one that appears first gets it.
 * @throws ShapeError when x and y differ in rows; OptionError when a part would be empty, a class has a single row, or a part has
 * fewer rows than there are classes; GraphError for a tensor that requires a gradient.
 */
export function trainTestSplit(x: Tensor, y: Tensor, options: SplitOptions = {}): Split {
  const op = 'trainTestSplit'
  for (const rows of [x, y]) checkRows(op, rows)
  checkOptions(op, options, ['testSize', 'shuffle', 'stratify', 'seed'])
  const { testSize = 0.25, shuffle = true, stratify = false, seed } = options
  checkFlag(op, 'shuffle', shuffle)
  checkFlag(op, 'stratify', stratify)
  const [n] = x.shape
  if (y.shape[0] !== n)
    throw new ShapeError(
      `${op}: x ${formatShape(x.shape)} and y ${formatShape(y.shape)} must have equal first sizes, one row for each sample`,
    )
  const isCount = Number.isSafeInteger(testSize) && testSize >= 1
  const rule = 'a fraction between 0 and 1, or a number of rows'
  checkOption(op, 'testSize', testSize, isCount || (testSize > 0 && testSize < 1), rule)
  const testing = isCount ? testSize : Math.ceil(testSize * n)
  const training = n - testing
  if (training < 1 || testing < 1)
    throw new OptionError(`${op}: testSize ${testSize} of ${n} rows leaves ${Math.max(training, 0)} to learn from`)
  const draws = new Draws(op, seed)
  const classes = stratify ? classesOf(classLabels(op, y)) : oneClass(n)
  if (stratify) checkStrata(op, classes.counts, shuffle, training, testing)
  return scope(() => {
    const order = shuffle ? draws.permutation(n).toTypedArray() : classes.of.keys()
    const wanted = shares(classes.counts, training)
    const train: number[] = []
    const test: number[] = []
    for (const row of order) {
      const part = wanted[classes.of[row]]-- > 0 ? train : test
      part.push(row)
    }
    const [trainIndex, testIndex] = [index(train), index(test)]
    return {
      xTrain: x.indexSelect(0, trainIndex),
      xTest: x.indexSelect(0, testIndex),
      yTrain: y.indexSelect(0, trainIndex),
      yTest: y.indexSelect(0, testIndex),
    }
  })
}

function checkStrata(op: string, counts: readonly number[], shuffle: boolean, training: number, testing: number): void {
  if (!shuffle)
    throw new OptionError(`${op}: rows in their order cannot be stratified; leave out shuffle: false, or stratify`)
  if (counts.includes(1))
    throw new OptionError(`${op}: a class has one row, which cannot be in both parts; leave it out, or stratify`)
  if (Math.min(training, testing) < counts.length)
    throw new OptionError(
      `${op}: ${training} and ${testing} rows cannot both have all ${counts.length} classes; use another testSize`,
    )
}

/** How rows become folds. */
export interface FoldOptions {
  /** The number of folds. Default: 5. */
  k?: number
  /** Whether rows are dealt out at random, not in blocks. Default: false. */
  shuffle?: boolean
  /** Whether each fold has as much of each class as the whole; class labels are given then. Default: false. */
  stratify?: boolean
  /** A draw of its own. Default: drawn from the global sequence (`manualSeed`). */
  seed?: number
}

/** Row numbers, ascending, as int32 tensors: `x.indexSelect(0, fold.train)`. */
export interface Fold {
  /** Rows to learn from. */
  train: Tensor
  /** Rows that are held out: each row is in one fold. */
  test: Tensor
}

/**
 * Cross-validation: k folds of n rows, or of as many as `labels` has, each the test set once:
 * `for (const { train, test } of kFold(labels, { k: 5, stratify: true }))`. Which rows go into which fold is as in scikit-learn's
 * `KFold` and `StratifiedKFold`, shuffles apart. A class with fewer than k rows is missing from some folds.
 * @throws OptionError for fewer rows than folds, or when every class has fewer; ShapeError or DtypeError for labels that are not (N)
 * of int32, uint8 or bool, when stratified.
 */
export function kFold(rows: number | Tensor, options: FoldOptions = {}): Fold[] {
  const op = 'kFold'
  checkOptions(op, options, ['k', 'shuffle', 'stratify', 'seed'])
  const { k = 5, shuffle = false, stratify = false, seed } = options
  checkOption(op, 'k', k, Number.isSafeInteger(k) && k >= 2, 'an integer from 2 up')
  checkFlag(op, 'shuffle', shuffle)
  checkFlag(op, 'stratify', stratify)
  const draws = new Draws(op, seed)
  const n = rowsIn(op, rows)
  if (n < k) throw new OptionError(`${op}: ${n} rows do not make ${k} folds; use a smaller k`)
  if (stratify && typeof rows === 'number')
    throw new OptionError(`${op}: to stratify, pass the class labels, not how many they are`)
  const classes = stratify ? classesOf(classLabels(op, rows as Tensor)) : oneClass(n)
  if (classes.counts.every((count) => count < k))
    throw new OptionError(`${op}: no class has ${k} rows, one for each fold; use a smaller k`)
  return scope(() => {
    const folds = foldsOf(classes, k, shuffle ? draws : null)
    const all = [...folds.keys()]
    return Array.from({ length: k }, (_, fold) => ({
      train: index(all.filter((row) => folds[row] !== fold)),
      test: index(all.filter((row) => folds[row] === fold)),
    }))
  })
}

function rowsIn(op: string, rows: number | Tensor): number {
  if (typeof rows === 'number') {
    checkSize(op, 'the number of rows', rows)
    return rows
  }
  checkRows(op, rows)
  return rows.shape[0]
}

/**
 * The fold of each row. With the rows sorted by class, fold f gets as many of a class as it has among the rows f, f + k, f + 2k …:
 * folds of one size, and shares of one size. A class deals its rows out fold by fold, or in random order.
 */
function foldsOf({ of, counts }: Classes, k: number, draws: Draws | null): number[] {
  let before = 0
  const dealt = counts.map((count) => {
    const sizes = Array.from({ length: k }, (_, fold) => stepsIn(before, before + count, fold, k))
    before += count
    const inBlocks = sizes.flatMap((size, fold) => new Array<number>(size).fill(fold))
    return draws ? Array.from(draws.permutation(count).toTypedArray(), (i) => inBlocks[i]) : inBlocks
  })
  const next = counts.map(() => 0)
  return of.map((number) => dealt[number][next[number]++])
}

/** How many of `first`, `first + step`, … lie from `from` up to but without `to`. */
function stepsIn(from: number, to: number, first: number, step: number): number {
  const below = (end: number) => Math.max(Math.ceil((end - first) / step), 0)
  return below(to) - below(from)
}
