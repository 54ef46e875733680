/** Metrics against definitions in float64, and scikit-learn's answers where it has conventions. */
import { beforeEach, describe, expect, test } from 'vitest'
import {
  type Dtype,
  DtypeError,
  manualSeed,
  metrics,
  OptionError,
  randint,
  randn,
  ShapeError,
  type Tensor,
  tensor,
} from '../src/index.ts'
import { endAfterlives, live } from './settle.ts'

const labels = (...values: number[]) => tensor(values, { dtype: 'int32' })
const column = (...values: number[]) => tensor(values, { shape: [values.length, 1] })
const oneHot = (rows: readonly number[], classes: number) =>
  tensor(rows.map((label) => Array.from({ length: classes }, (_, i) => Number(i === label))))

beforeEach(() => manualSeed(4))

describe('accuracy', () => {
  test.each<[string, Tensor, Tensor, object, number]>([
    [
      'logits and labels',
      tensor([
        [1, 3, 2],
        [9, 0, 1],
        [0, 0, 4],
        [5, 6, 7],
      ]),
      labels(1, 0, 1, 2),
      {},
      0.75,
    ],
    [
      'logits and labels in a column',
      tensor([
        [1, 3],
        [9, 0],
      ]),
      tensor([[1], [1]], { dtype: 'uint8' }),
      {},
      0.5,
    ],
    [
      'logits and one-hot rows',
      tensor([
        [1, 3, 2],
        [9, 0, 1],
      ]),
      oneHot([1, 2], 3),
      {},
      0.5,
    ],
    [
      'ties, of which the first counts',
      tensor([
        [2, 2],
        [2, 2],
        [-1, -1],
      ]),
      labels(0, 1, 0),
      {},
      2 / 3,
    ],
    ['probabilities', tensor([0.2, 0.7, 0.5, 0.9]), tensor([0, 1, 1, 0]), {}, 0.5],
    ['probabilities in columns', column(0.2, 0.7), column(0, 1), {}, 1],
    ['a column and no column', column(0.2, 0.7), labels(0, 0), {}, 0.5],
    ['logits of two classes', tensor([-1, 0.1, 3]), labels(0, 1, 1), { threshold: 0 }, 1],
    ['probabilities that are sure', tensor([0, 1]), labels(0, 1), {}, 1],
    ['scores by the threshold that is given', tensor([-1, 0.1, 3]), labels(0, 0, 1), { threshold: 0.5 }, 1],
    ['bool targets', tensor([0.4, 0.6]), tensor([true, true]), {}, 0.5],
    ['labels and labels', labels(3, 1, 2), labels(3, 2, 2), {}, 2 / 3],
  ])('of %s', (_name, prediction, target, options, expected) => {
    expect(metrics.accuracy(prediction, target, options)).toBeCloseTo(expected, 15)
  })
})

describe('top-k accuracy', () => {
  const scores = tensor([
    [0.5, 0.2, 0.2],
    [0.3, 0.4, 0.2],
    [0.2, 0.4, 0.3],
    [0.7, 0.2, 0.1],
  ])
  const truth = labels(0, 1, 2, 2)

  // The example of scikit-learn's top_k_accuracy_score.
  test.each([
    [1, 0.5],
    [2, 0.75],
    [3, 1],
  ])('of %s is %s', (k, expected) => {
    expect(metrics.topKAccuracy(k)(scores, truth)).toBe(expected)
    expect(metrics.topKAccuracy(k)(scores, oneHot([0, 1, 2, 2], 3))).toBe(expected)
  })

  test('counts the first of equal ones as larger, so that one is the accuracy', () => {
    const ties = tensor([
      [1, 1, 1],
      [1, 1, 1],
      [1, 1, 1],
    ])
    expect(metrics.topKAccuracy(1)(ties, labels(0, 1, 2))).toBeCloseTo(1 / 3, 15)
    expect(metrics.topKAccuracy(2)(ties, labels(0, 1, 2))).toBeCloseTo(2 / 3, 15)
  })
})

/** Precision, recall and F1 of each class, by their definitions. */
function byClass(found: readonly number[], truth: readonly number[], label: number) {
  const count = (is: (f: boolean, t: boolean) => boolean) =>
    found.filter((f, i) => is(f === label, truth[i] === label)).length
  const [both, onlyFound, onlyTruth] = [count((f, t) => f && t), count((f, t) => f && !t), count((f, t) => !f && t)]
  const precision = both / (both + onlyFound) || 0
  const recall = both / (both + onlyTruth) || 0
  return { precision, recall, f1Score: (2 * precision * recall) / (precision + recall) || 0 }
}

describe.each(['precision', 'recall', 'f1Score'] as const)('%s', (name) => {
  const metric = metrics[name]

  test.each([2, 3, 7])('of %s classes is that of its definition, in every average', (classes) => {
    const scores = randn([60, classes])
    const target = randint(0, classes, [60])
    const [found, truth] = [scores.argmax(1), target].map((x) => [...x.toTypedArray()])
    const each = Array.from({ length: classes }, (_, label) => byClass(found, truth, label)[name])
    expect(metric(scores, target)).toBeCloseTo(each.reduce((sum, x) => sum + x, 0) / classes, 12)
    expect(metric(scores, target, { average: 'micro' })).toBeCloseTo(metrics.accuracy(scores, target), 12)
    if (classes === 2) expect(metric(scores, target, { average: 'binary' })).toBeCloseTo(each[1], 12)
  })

  test('of a single column is that of class 1', () => {
    const [p, t] = [randn([40]), randint(0, 2, [40])]
    const [found, truth] = [p.gt(0), t].map((x) => [...x.toTypedArray()])
    expect(metric(p, t, { threshold: 0 })).toBeCloseTo(byClass(found, truth, 1)[name], 12)
    expect(metric(p.unsqueeze(1), t.unsqueeze(1), { threshold: 0 })).toBe(metric(p, t, { threshold: 0 }))
  })

  test('is 0 where nothing was found or is there', () => {
    expect(metric(tensor([0.1, 0.2]), labels(1, 1))).toBe(0)
    expect(metric(tensor([0.9, 0.2]), labels(0, 0))).toBe(0)
    expect(metric(tensor([0.1, 0.2]), labels(0, 0))).toBe(0)
  })

  // scikit-learn: precision_score([0, 1, 1, 3], [0, 0, 1, 1], average='macro', zero_division=0), and so on.
  test('leaves out classes that do not occur, and counts those that only one side has', () => {
    const expected = { precision: 1 / 3, recall: 1 / 2, f1Score: (2 / 3 + 1 / 2) / 3 }[name]
    expect(metric(labels(0, 0, 1, 1), labels(0, 1, 1, 3))).toBeCloseTo(expected, 12)
  })
})

describe('confusionMatrix', () => {
  test('has a row for each class, a column for each prediction', () => {
    // The example of scikit-learn's confusion_matrix.
    const [truth, found] = [
      [2, 0, 2, 2, 0, 1],
      [0, 0, 2, 2, 0, 2],
    ]
    const expected = [
      [2, 0, 0],
      [0, 0, 1],
      [1, 0, 2],
    ]
    expect(metrics.confusionMatrix(labels(...found), labels(...truth))).toEqual(expected)
    expect(metrics.confusionMatrix(oneHot(found, 3), labels(...truth))).toEqual(expected)
    expect(metrics.confusionMatrix(oneHot(found, 3), oneHot(truth, 3))).toEqual(expected)
  })

  test('of a single column is 2 by 2, of labels as large as need be or as it is told', () => {
    expect(metrics.confusionMatrix(tensor([0.9, 0.1]), labels(0, 0))).toEqual([
      [1, 1],
      [0, 0],
    ])
    expect(metrics.confusionMatrix(labels(0, 0), labels(0, 0))).toEqual([
      [2, 0],
      [0, 0],
    ])
    expect(metrics.confusionMatrix(labels(0, 2), labels(2, 2))).toEqual([
      [0, 0, 0],
      [0, 0, 0],
      [1, 0, 1],
    ])
    expect(metrics.confusionMatrix(labels(0), labels(0), { classes: 3 })[0]).toEqual([1, 0, 0])
    expect(() => metrics.confusionMatrix(labels(3), labels(0), { classes: 3 })).toThrow(/label 3, but classes is 3/)
  })
})

describe('of numbers:', () => {
  const [p, t] = [tensor([2.5, 0, 2, 8]), tensor([3, -0.5, 2, 7])]

  // The examples of scikit-learn.
  test('mean errors and R²', () => {
    expect(metrics.meanAbsoluteError(p, t)).toBe(0.5)
    expect(metrics.meanSquaredError(p, t)).toBe(0.375)
    expect(metrics.r2Score(p, t)).toBeCloseTo(0.9486081370449679, 15)
    expect(
      metrics.r2Score(
        tensor([
          [0, 2],
          [-1, 2],
          [8, -5],
        ]),
        tensor([
          [0.5, 1],
          [-1, 1],
          [7, -6],
        ]),
      ),
    ).toBeCloseTo(0.9368005266622779, 15)
  })

  test('a column goes with no column, and nothing is broadcast', () => {
    expect(metrics.meanSquaredError(p.unsqueeze(1), t)).toBe(0.375)
    expect(metrics.r2Score(p, t.unsqueeze(1))).toBe(metrics.r2Score(p, t))
    for (const metric of [metrics.meanAbsoluteError, metrics.meanSquaredError, metrics.r2Score])
      expect(() => metric(p, tensor([1]))).toThrow(ShapeError)
  })

  test('R² of the mean is 0, of worse below 0, of constants 1 or 0', () => {
    expect(metrics.r2Score(tensor([2, 2, 2]), tensor([1, 2, 3]))).toBe(0)
    expect(metrics.r2Score(tensor([3, 2, 1]), tensor([1, 2, 3]))).toBe(-3)
    expect(metrics.r2Score(tensor([5, 5]), tensor([5, 5]))).toBe(1)
    expect(metrics.r2Score(tensor([5, 6]), tensor([5, 5]))).toBe(0)
  })

  test('integers are taken as numbers', () => {
    expect(metrics.meanAbsoluteError(labels(1, 2), tensor([0, 4]))).toBe(1.5)
  })
})

describe('refused:', () => {
  const scores = tensor([[1, 2, 3], [3, 2, 1]]) // biome-ignore format: a matrix
  const wrong = (value: unknown) => value as never
  const as = (dtype: Dtype) => tensor([1, 1], { dtype })

  test.each<[string, () => unknown, new (message: string) => Error, RegExp]>([
    [
      'other numbers of rows',
      () => metrics.accuracy(scores, labels(1)),
      ShapeError,
      /\(2, 3\) and targets \(1\) do not go/,
    ],
    ['other numbers of classes', () => metrics.accuracy(scores, oneHot([0, 1], 2)), ShapeError, /do not go together/],
    ['three axes', () => metrics.accuracy(randn([2, 3, 4]), as('int32')), ShapeError, /do not go together/],
    ['no axes', () => metrics.accuracy(tensor(1), tensor(1)), ShapeError, /do not go together/],
    ['float labels', () => metrics.accuracy(scores, as('float32')), DtypeError, /labels\.int\(\)/],
    [
      'a label without a class',
      () => metrics.accuracy(scores, labels(0, 3)),
      OptionError,
      /row 1 is 3; .* from 0 to 2/,
    ],
    ['a label below 0', () => metrics.accuracy(labels(0, 1), labels(0, -1)), OptionError, /row 1 is -1; .* from 0 up/],
    ['a target between 0 and 1', () => metrics.accuracy(tensor([0.2]), tensor([0.5])), OptionError, /row 0 is 0.5/],
    ['what is not one-hot', () => metrics.accuracy(scores, scores), OptionError, /row 0 of the targets is not one-hot/],
    [
      'NaN',
      () =>
        metrics.accuracy(
          tensor([
            [1, 2],
            [NaN, 1],
          ]),
          labels(0, 1),
        ),
      OptionError,
      /prediction of row 1 is NaN/,
    ],
    ['no rows', () => metrics.f1Score(randn([0, 3]), randint(0, 3, [0])), OptionError, /have no rows/],
    [
      'NaN as a threshold',
      () => metrics.recall(scores, as('int32'), { threshold: NaN }),
      OptionError,
      /threshold is NaN/,
    ],
    [
      'an unknown average',
      () => metrics.recall(scores, as('int32'), { average: wrong('mean') }),
      OptionError,
      /average is mean/,
    ],
    [
      'two classes of three',
      () => metrics.recall(scores, as('int32'), { average: 'binary' }),
      OptionError,
      /there are 3/,
    ],
    ['k of 0', () => metrics.topKAccuracy(0), OptionError, /k is 0/],
    ['k above the classes', () => metrics.topKAccuracy(4)(scores, as('int32')), OptionError, /there are 3 classes/],
    ['k of a column', () => metrics.topKAccuracy(1)(tensor([0.5, 1]), as('int32')), ShapeError, /must be \(N, C\)/],
    ['arrays', () => metrics.accuracy(wrong([1, 2]), labels(1, 2)), DtypeError, /expected a tensor, got an array/],
    ['one row', () => metrics.r2Score(tensor([1]), tensor([1])), OptionError, /takes two and more/],
    ['no elements', () => metrics.meanSquaredError(randn([0]), randn([0])), OptionError, /no elements/],
  ])('%s', (_name, run, kind, message) => {
    expect(run).toThrow(kind)
    expect(run).toThrow(message)
  })
})

test.each(['accuracy', 'precision', 'recall', 'f1Score', 'confusionMatrix'] as const)(
  '%s takes no logits for probabilities',
  (name) => {
    const message = RegExp(`^${name}: the prediction of row 1 is -2, .*{ threshold: 0 } for logits, .* sigmoid\\(\\)`)
    for (const p of [tensor([0.3, -2, 4]), column(0.3, -2, 4)]) {
      expect(() => metrics[name](p, labels(0, 0, 1))).toThrow(OptionError)
      expect(() => metrics[name](p, labels(0, 0, 1))).toThrow(message)
      expect(() => metrics[name](p, labels(0, 0, 1), { threshold: 0 })).not.toThrow()
    }
    expect(() => metrics[name](tensor([1.5]), labels(1))).toThrow(/row 0 is 1.5/)
  },
)

test('metrics leave no memory behind', () => {
  const [scores, target] = [randn([8, 3]), randint(0, 3, [8])]
  endAfterlives()
  const before = live()
  for (const metric of [metrics.accuracy, metrics.precision, metrics.topKAccuracy(2), metrics.confusionMatrix])
    metric(scores, target)
  metrics.r2Score(scores, scores)
  expect(live()).toBe(before)
})
