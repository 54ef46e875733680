import { check } from '../autograd/operands.ts'
import { tensor } from '../create.ts'
import { DtypeError, kindOf, OptionError } from '../errors.ts'
import { checkSize } from '../options.ts'
import { scope } from '../scope.ts'
import type { Tensor } from '../tensor.ts'

/** What `encodeLabels` gives. */
export interface EncodedLabels {
  /** The number of each string's class, int32 (N). */
  labels: Tensor
  /** The class of each number, sorted. */
  classes: string[]
}

/**
 * Numbers for class names, as scikit-learn's `LabelEncoder`: the sorted names are numbered from 0 up.
 * `encodeLabels(['cat', 'ant', 'cat'])` gives labels [1, 0, 1] and classes ['ant', 'cat'].
 * @throws DtypeError for what is not an array of strings.
 */
export function encodeLabels(names: readonly string[]): EncodedLabels {
  if (!Array.isArray(names)) throw new DtypeError(`encodeLabels: expected an array of strings, got ${kindOf(names)}`)
  const odd = names.findIndex((name) => typeof name !== 'string')
  if (odd >= 0)
    throw new DtypeError(`encodeLabels: label ${odd} is ${kindOf(names[odd])}, not a string; numbers need no encoding`)
  const classes = [...new Set(names)].sort()
  const numbers = new Map(classes.map((name, i) => [name, i]))
  return { labels: tensor(Int32Array.from(names, (name) => numbers.get(name) as number)), classes }
}

/**
 * Rows with 1 in the column of the label and else 0: (N) labels give float32 (N, classes). Labels are numbers, a tensor of int32
 * or uint8 (of any shape), or strings, of which the sorted names are the columns.
 * @param classes The number of columns. Default: as many as the largest label, or the strings, say.
 * @throws OptionError for a label that has no column; DtypeError for labels that are no whole numbers.
 */
export function oneHot(labels: readonly number[] | readonly string[] | Tensor, classes?: number): Tensor {
  if (classes !== undefined) checkSize('oneHot', 'classes', classes)
  if (!isArray(labels)) {
    check('oneHot', labels)
    return labels.oneHot(classes)
  }
  return scope(() => {
    if (!isNames(labels)) return wholeNumbers(labels).oneHot(classes)
    const encoded = encodeLabels(labels)
    const { length } = encoded.classes
    if (classes !== undefined && classes < length)
      throw new OptionError(`oneHot: there are ${length} different labels for ${classes} classes`)
    return encoded.labels.oneHot(classes ?? length)
  })
}

const isArray = (labels: readonly unknown[] | Tensor): labels is readonly unknown[] => Array.isArray(labels)

const isNames = (labels: readonly number[] | readonly string[]): labels is readonly string[] =>
  typeof labels[0] === 'string'

function wholeNumbers(labels: readonly number[]): Tensor {
  const odd = labels.findIndex((label) => !Number.isInteger(label))
  if (odd >= 0)
    throw new DtypeError(`oneHot: label ${odd} is ${String(labels[odd])}; labels are whole numbers from 0 up`)
  return tensor(labels, { dtype: 'int32' })
}
