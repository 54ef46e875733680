/** Preparing data: scaling, encoding, splitting, folding, and synthetic sets. Loaders are in loops.test.ts and determinism.test.ts. */
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  arange,
  type Dtype,
  DtypeError,
  data,
  GraphError,
  manualSeed,
  OptionError,
  ones,
  rand,
  randn,
  ShapeError,
  scope,
  Tensor,
  tensor,
  weightsSha256,
  zeros,
} from '../src/index.ts'
import { endAfterlives, live, settled } from './settle.ts'
import { failing } from './support/failing.ts'

let before = 0

beforeEach(() => {
  manualSeed(3)
  endAfterlives()
  before = live()
})

afterEach(async () => {
  expect(await settled(before)).toBe(before)
})

const wrong = (value: unknown) => value as never
const values = (x: Tensor) => [...x.toTypedArray()]
const int = (values: readonly number[]) => tensor(Int32Array.from(values))
const count = (all: readonly number[]) =>
  all.reduce((counts, label) => counts.set(label, (counts.get(label) ?? 0) + 1), new Map<number, number>())

type Kind = new (message: string) => Error
type Refusal = [name: string, run: () => unknown, kind: Kind, message: RegExp]

function expectRefused(run: () => unknown, kind: Kind, message: RegExp): void {
  expect(run).toThrow(kind)
  expect(run).toThrow(message)
}

/** At any allocation that fails, nothing is lost; and at the end no more is live than what is given. */
function expectNothingLost(run: () => object): void {
  for (let n = 1; ; n++) {
    const held = live()
    let made: object = []
    const error = failing(n, () => {
      made = run()
    })
    for (const x of tensorsIn(made)) x.dispose()
    expect(live(), `allocation ${n}`).toBe(held)
    if (!error) break
    expect(String(error)).toMatch(/^MemoryLimitError/)
  }
}

const tensorsIn = (made: object): Tensor[] =>
  made instanceof Tensor ? [made] : Object.values(made).flatMap((value) => tensorsIn(value))

describe('StandardScaler', () => {
  test('learns mean and population deviation, and goes there and back', () => {
    const x = tensor([
      [1, -10],
      [2, 0],
      [3, 10],
      [6, 20],
    ])
    const scaler = new data.StandardScaler().fit(x)
    expect(scaler.mean).toEqual([3, 5])
    expect(scaler.scale).toEqual([Math.sqrt(3.5), Math.sqrt(125)])
    const y = scaler.transform(x)
    const expected = [
      [-2, -15],
      [-1, -5],
      [0, 5],
      [3, 15],
    ].flatMap(([a, b]) => [Math.fround(a / Math.sqrt(3.5)), Math.fround(b / Math.sqrt(125))])
    expect(values(y)).toEqual(expected)
    expect(y.dtype).toBe('float32')
    scaler
      .inverseTransform(y)
      .toTypedArray()
      .forEach((value, i) => {
        expect(value).toBeCloseTo(values(x)[i], 5)
      })
    expect(values(new data.StandardScaler().fitTransform(x))).toEqual(values(y))
  })

  test('only centres constant columns, also where their mean is no exact number', () => {
    const x = tensor(Array.from({ length: 1000 }, (_, i) => [0.1, 1e30, i]))
    const scaler = new data.StandardScaler().fit(x)
    expect(scaler.scale.slice(0, 2)).toEqual([1, 1])
    expect(scaler.scale[2]).toBeCloseTo(Math.sqrt((1000 ** 2 - 1) / 12), 9)
    expect(Math.max(...values(scaler.transform(x).slice(null, 0)).map(Math.abs))).toBeLessThan(1e-12)
  })

  test('sums in float64: a large offset and many rows cost no digits', () => {
    const rows = 100_000
    const scaler = new data.StandardScaler().fit(tensor(Array.from({ length: rows }, (_, i) => [2 ** 24 - (i % 2)])))
    expect(scaler.mean[0]).toBe(2 ** 24 - 0.5)
    expect(scaler.scale[0]).toBe(0.5)
    expect(values(scaler.transform(tensor([[2 ** 24], [2 ** 24 - 1]])))).toEqual([1, -1])
  })

  test('takes integers, bools, views and single rows; fits anew', () => {
    const scaler = new data.StandardScaler().fit(tensor(new Uint8Array([0, 255, 10, 20]), { shape: [2, 2] }))
    expect([scaler.mean, scaler.scale]).toEqual([
      [5, 137.5],
      [5, 117.5],
    ])
    expect(scaler.fit(tensor([[true], [false]])).mean).toEqual([0.5])
    expect(scaler.fit(tensor([[1, 2, 3]]).transpose(0, 1)).mean).toEqual([2])
    expect(scaler.fit(tensor([[7, 8]])).scale).toEqual([1, 1])
    expect(values(scaler.transform(int([7, 9]).unsqueeze(0)))).toEqual([0, 1])
    expect(scaler.transform(zeros([0, 2])).shape).toEqual([0, 2])
  })

  test('transforms in float64, and rounds once', () => {
    const x = randn([50, 3]).mul(1e-3).add(100)
    const scaler = new data.StandardScaler().fit(x)
    const y = scaler.transform(x)
    const back = values(y).map((v, i) => Math.fround(v * scaler.scale[i % 3] + scaler.mean[i % 3]))
    expect(values(scaler.inverseTransform(y))).toEqual(back)
    expect(back).toEqual(values(x))
  })
})

describe('MinMaxScaler', () => {
  test('takes the smallest to the low end, the largest to the high, exactly', () => {
    const x = tensor([
      [0.1, 5, -3],
      [0.7, 5, 0],
      [0.3, 5, 3],
    ])
    const scaler = new data.MinMaxScaler().fit(x)
    expect(scaler.dataMin).toEqual([Math.fround(0.1), 5, -3])
    expect(scaler.scale).toEqual([Math.fround(0.7) - Math.fround(0.1), 1, 6])
    const y = scaler.transform(x).toArray() as number[][]
    expect([y[0], y[1]]).toEqual([
      [0, 0, 0],
      [1, 0, 0.5],
    ])
    expect(y[2][0]).toBeCloseTo(1 / 3, 6)
    expect(values(scaler.inverseTransform(scaler.transform(x)))).toEqual(values(x))
    expect(values(scaler.transform(tensor([[0.1, 6, 9]])))).toEqual([0, 1, 2])
    const wide = new data.MinMaxScaler({ featureRange: [-1, 1] })
    expect(values(wide.fitTransform(x).slice(null, 2))).toEqual([-1, 0, 1])
    expect(values(wide.inverseTransform(wide.transform(x)).slice(null, 2))).toEqual([-3, 0, 3])
  })

  test.each<Refusal>([
    ['one end', () => new data.MinMaxScaler({ featureRange: wrong([0]) }), OptionError, /featureRange is 0; it must/],
    ['no width', () => new data.MinMaxScaler({ featureRange: [1, 1] }), OptionError, /low < high/],
    ['NaN', () => new data.MinMaxScaler({ featureRange: [0, Number.NaN] }), OptionError, /featureRange is 0,NaN/],
    ['a text', () => new data.MinMaxScaler({ featureRange: wrong('01') }), OptionError, /featureRange is 01/],
    ['another option', () => new data.MinMaxScaler(wrong({ range: [0, 1] })), OptionError, /there is no option range/],
  ])('refuses a range of %s', (_name, run, kind, message) => expectRefused(run, kind, message))
})

describe.each([
  ['StandardScaler', () => new data.StandardScaler(), 'mean'],
  ['MinMaxScaler', () => new data.MinMaxScaler(), 'dataMin'],
] as const)('%s', (name, make, learns) => {
  test('refuses what is no finite matrix, naming the place, and keeps what it has learnt', () => {
    const scaler = make().fit(tensor([[1], [3]]))
    const scale = scaler.scale
    for (const [x, kind, message] of [
      [tensor([[1, 2, Number.NaN]]), OptionError, /the value at row 0, column 2 is NaN; leave that row out, or fill/],
      [
        tensor([
          [1, 2],
          [3, -Infinity],
        ]),
        OptionError,
        /the value at row 1, column 1 is -Infinity/,
      ],
      [zeros([0, 3]), ShapeError, /\(0, 3\) has no rows to learn from/],
      [
        zeros([3]),
        ShapeError,
        /expected samples of shape \(N, F\), got \(3\); unsqueeze\(0\) makes one row of it, unsqueeze\(1\) one column/,
      ],
      [zeros([2, 2, 2]), ShapeError, /got \(2, 2, 2\); reshape it/],
      [tensor(1), ShapeError, /a tensor without axes has no rows/],
      [ones([2, 2], { requiresGrad: true }), GraphError, /no gradient flows through it.*detach\(\)/],
      [wrong([[1]]), DtypeError, /expected a tensor, got an array/],
    ] as const)
      expectRefused(() => scaler.fit(x), kind, new RegExp(`^${name}\\.fit: .*${message.source}`))
    expect(scaler.scale).toBe(scale)
    for (const f of ['transform', 'inverseTransform'] as const) {
      expectRefused(
        () => scaler[f](zeros([2, 2])),
        ShapeError,
        /\(2, 2\) has 2 columns, but fit\(\) saw 1; pass the same/,
      )
      expectRefused(
        () => scaler[f](tensor([[0], [Number.NaN]])),
        OptionError,
        new RegExp(`^${name}\\.${f}: .*row 1, column 0`),
      )
    }
  })

  test('is made again from its JSON, fitted or not', () => {
    const again = (scaler: object) => JSON.parse(JSON.stringify(scaler))
    const x = randn([20, 3])
    const scaler = make().fit(x)
    const copy = new data[name](again(scaler))
    expect(again(copy)).toEqual(again(scaler))
    expect(values(copy.transform(x))).toEqual(values(scaler.transform(x)))
    expect(values(copy.inverseTransform(x))).toEqual(values(scaler.inverseTransform(x)))
    expect(() => new data[name](again(make())).scale).toThrow(/nothing is learnt yet/)
  })

  test.each<[string, object, RegExp]>([
    ['one list of two', { scale: [1] }, /no numbers of (mean|dataMin) and 1 of scale; give one of both/],
    ['different lengths', { [learns]: [1, 2], scale: [1] }, /2 numbers of (mean|dataMin) and 1 of scale/],
    ['a scale of 0', { [learns]: [1, 2], scale: [1, 0] }, /scale\[1\] is 0; it must be a finite number above 0/],
    ['NaN', { [learns]: [Number.NaN], scale: [1] }, /(mean|dataMin)\[0\] is NaN; it must be a finite number/],
    ['a text', { [learns]: ['1'], scale: [1] }, /(mean|dataMin)\[0\] is 1; it must be/],
    ['no list', { [learns]: '1', scale: '1' }, /(mean|dataMin) is a string; it must be an array/],
    ['two numbers', { [learns]: 0, scale: 1 }, /(mean|dataMin) is a number; it must be an array/],
    ['null', { [learns]: [1], scale: null }, /1 numbers of (mean|dataMin) and no of scale/],
  ])('is not made from %s', (_name, learnt, message) =>
    expectRefused(() => new data[name](learnt), OptionError, new RegExp(`^${name}: ${message.source}`)),
  )

  test('what it is made from may change later', () => {
    const learnt = { [learns]: [1], scale: [2] }
    const scaler = new data[name](learnt)
    learnt.scale[0] = 3
    expect(scaler.scale).toEqual([2])
  })

  test('says that it has not learnt yet', () => {
    const scaler = make()
    const x = zeros([1, 1])
    for (const [f, run] of [
      ['transform', () => scaler.transform(x)],
      ['inverseTransform', () => scaler.inverseTransform(x)],
      ['scale', () => scaler.scale],
    ] as const)
      expectRefused(run, OptionError, new RegExp(`^${name}\\.${f}: nothing is learnt yet; call fit\\(x\\) first`))
  })

  test('holds no memory, and its results obey scopes', () => {
    const x = randn([10, 2])
    const scaler = make().fit(x)
    expectNothingLost(() => scaler.transform(x))
    expectNothingLost(() => scaler.inverseTransform(x))
  })
})

test('scalers print what they have learnt', () => {
  const x = tensor([
    [1, 10],
    [2, 20],
    [3, 60],
  ])
  expect(inspect(new data.StandardScaler())).toBe('StandardScaler()')
  expect(inspect(new data.StandardScaler().fit(x))).toBe('StandardScaler(mean=[2, 30], scale=[0.816497, 21.6025])')
  expect(inspect({ in: { it: new data.StandardScaler() } }, { depth: 1 })).toBe('{ in: { it: [StandardScaler] } }')
  expect(String(new data.MinMaxScaler({ featureRange: [-1, 1] }))).toBe('MinMaxScaler(featureRange=[-1, 1])')
  expect(String(new data.MinMaxScaler().fit(x))).toBe(
    'MinMaxScaler(featureRange=[0, 1], dataMin=[1, 10], scale=[2, 50])',
  )
  const many = new data.StandardScaler().fit(arange(20).unsqueeze(0))
  expect(String(many)).toBe('StandardScaler(mean=[0, 1, 2, ..., 17, 18, 19], scale=[1, 1, 1, ..., 1, 1, 1])')
})

describe('labels', () => {
  test('strings are numbered in sorted order', () => {
    const { labels, classes } = data.encodeLabels(['cat', 'ant', 'cat', 'bee', 'B'])
    expect([labels.dtype, values(labels), classes]).toEqual(['int32', [3, 1, 3, 2, 0], ['B', 'ant', 'bee', 'cat']])
    expect(data.encodeLabels([])).toMatchObject({ classes: [], labels: { shape: [0], dtype: 'int32' } })
  })

  test('oneHot of numbers, strings and tensors', () => {
    for (const [labels, classes, expected] of [
      [
        [1, 0, 2],
        undefined,
        [
          [0, 1, 0],
          [1, 0, 0],
          [0, 0, 1],
        ],
      ],
      [[1], 3, [[0, 1, 0]]],
      [
        ['b', 'a', 'b'],
        undefined,
        [
          [0, 1],
          [1, 0],
          [0, 1],
        ],
      ],
      [['a'], 2, [[1, 0]]],
      [[], 2, []],
      [
        int([1, 0]),
        undefined,
        [
          [0, 1],
          [1, 0],
        ],
      ],
      [tensor(new Uint8Array([1])), 2, [[0, 1]]],
    ] as const) {
      const y = data.oneHot(labels, classes)
      expect([y.dtype, y.toArray()]).toEqual(['float32', expected])
    }
    expectNothingLost(() => data.oneHot(['x', 'y', 'x']))
  })

  test.each<Refusal>([
    [
      'a label without a column',
      () => data.oneHot([0, 3], 3),
      OptionError,
      /^oneHot: the label at \(1\) is 3; there are 3/,
    ],
    ['a negative label', () => data.oneHot([-1], 3), OptionError, /^oneHot: the label at \(0\) is -1/],
    ['a fraction', () => data.oneHot([0, 0.5]), DtypeError, /^oneHot: label 1 is 0\.5; labels are whole numbers/],
    ['strings among numbers', () => data.oneHot(wrong([0, 'a'])), DtypeError, /^oneHot: label 1 is a; /],
    [
      'numbers among strings',
      () => data.oneHot(wrong(['a', 0])),
      DtypeError,
      /^encodeLabels: label 1 is a number, not/,
    ],
    [
      'too few classes',
      () => data.oneHot(['a', 'b', 'c'], 2),
      OptionError,
      /there are 3 different labels for 2 classes/,
    ],
    [
      'no number of classes',
      () => data.oneHot([0], wrong('3')),
      OptionError,
      /^oneHot: classes is "3"; use an integer/,
    ],
    ['nothing', () => data.oneHot(wrong(undefined)), DtypeError, /^oneHot: expected a tensor, got undefined/],
    ['float32', () => data.oneHot(tensor([1, 0])), DtypeError, /^oneHot: .*float32/],
    ['no array', () => data.encodeLabels(wrong('abc')), DtypeError, /expected an array of strings, got a string/],
  ])('refuses %s', (_name, run, kind, message) => expectRefused(run, kind, message))
})

describe('trainTestSplit', () => {
  test('deals out every row once, x with its y, of any dtypes', () => {
    const x = arange(40).reshape([20, 2])
    const y = tensor(Uint8Array.from({ length: 20 }, (_, i) => i))
    const { xTrain, xTest, yTrain, yTest } = data.trainTestSplit(x, y)
    expect([xTrain.shape, xTest.shape, yTrain.dtype]).toEqual([[15, 2], [5, 2], 'uint8'])
    expect([...values(yTrain), ...values(yTest)].sort((a, b) => a - b)).toEqual(values(y))
    for (const [rows, labels] of [
      [xTrain, yTrain],
      [xTest, yTest],
    ] as const)
      expect(rows.toArray()).toEqual(values(labels).map((i) => [2 * i, 2 * i + 1]))
    expect(values(yTest)).not.toEqual([15, 16, 17, 18, 19])
    const images = data.trainTestSplit(zeros([6, 2, 3]), zeros([6, 4], { dtype: 'bool' }), { testSize: 0.5 })
    expect([images.xTest.shape, images.yTest.shape, images.yTest.dtype]).toEqual([[3, 2, 3], [3, 4], 'bool'])
  })

  test.each([
    [10, undefined, 3],
    [10, 0.3, 3],
    [11, 0.3, 4],
    [10, 0.01, 1],
    [10, 9, 9],
    [10, 1, 1],
    [150, 0.2, 30],
    [2, 0.5, 1],
  ])('of %i rows with testSize %s, %i are for testing, as in scikit-learn', (n, testSize, expected) => {
    const x = zeros([n, 1])
    const { xTrain, xTest } = data.trainTestSplit(x, x, testSize === undefined ? {} : { testSize })
    expect([xTest.shape[0], xTrain.shape[0]]).toEqual([expected, n - expected])
  })

  test('without a shuffle the last rows are for testing', () => {
    const x = arange(5)
    const { xTrain, xTest } = data.trainTestSplit(x, x, { shuffle: false, testSize: 2 })
    expect([values(xTrain), values(xTest)]).toEqual([
      [0, 1, 2],
      [3, 4],
    ])
  })

  test('stratified, both parts have their share of each class, to a row', () => {
    const labels = Array.from({ length: 100 }, (_, i) => (i < 70 ? 5 : i < 90 ? -1 : 2))
    const y = int(labels)
    for (const [testSize, expected] of [
      [0.3, [21, 6, 3]],
      [0.5, [35, 10, 5]],
      // Of 67 to learn from 46.9, 13.4 and 6.7 are due.
      [33, [23, 7, 3]],
    ] as const)
      for (const seed of [1, 2, 3]) {
        const { xTest, yTest } = data.trainTestSplit(arange(100), y, { testSize, stratify: true, seed })
        const found = count(values(yTest))
        expect([found.get(5), found.get(-1), found.get(2)]).toEqual(expected)
        expect(values(yTest)).toEqual(values(xTest).map((row) => labels[row]))
      }
  })

  test('stratified, each row of a class is as likely as another to be for testing', () => {
    const y = int(Array.from({ length: 20 }, (_, i) => Number(i % 4 === 0)))
    const tested = new Array<number>(20).fill(0)
    const runs = 500
    for (let seed = 0; seed < runs; seed++)
      scope(() => {
        const { xTest } = data.trainTestSplit(arange(20), y, { testSize: 0.2, stratify: true, seed })
        for (const row of values(xTest)) tested[row]++
      })
    // Binomial(500, 0.2): 100 with a deviation of 8.9.
    for (const times of tested) expect(Math.abs(times - runs / 5)).toBeLessThan(5 * 8.9)
  })

  test('a seed draws the same split whatever was drawn before; without one the global sequence does', () => {
    const [x, y] = [arange(50), zeros([50])]
    const draw = (seed?: number) => values(data.trainTestSplit(x, y, seed === undefined ? {} : { seed }).xTest)
    const [first, next] = [draw(), draw()]
    expect(next).not.toEqual(first)
    expect(draw(7)).toEqual(draw(7))
    expect(draw(7)).not.toEqual(draw(8))
    manualSeed(3)
    expect(draw()).toEqual(first)
  })

  test('frees what it makes on the way, also when memory runs out', () => {
    const [x, y] = [randn([12, 3]), int([0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2])]
    expectNothingLost(() => data.trainTestSplit(x, y, { stratify: true }))
  })

  const x = () => zeros([4, 2])
  const split = (y: Tensor, options?: data.SplitOptions) => () => data.trainTestSplit(x(), y, options)
  const y = () => int([0, 1, 0, 1])
  test.each<Refusal>([
    ['no tensors', () => data.trainTestSplit(wrong([[1]]), y()), DtypeError, /^trainTestSplit: expected a tensor/],
    ['x without y', () => data.trainTestSplit(x(), wrong(undefined)), DtypeError, /expected a tensor, got undefined/],
    ['a scalar', () => data.trainTestSplit(tensor(1), y()), ShapeError, /a tensor without axes has no rows/],
    ['other rows', () => split(zeros([3]))(), ShapeError, /x \(4, 2\) and y \(3\) must have equal first sizes/],
    ['a gradient', () => split(zeros([4], { requiresGrad: true }))(), GraphError, /detach\(\)/],
    [
      'all for testing',
      () => split(y(), { testSize: 4 })(),
      OptionError,
      /testSize 4 of 4 rows leaves 0 to learn from/,
    ],
    ['too many', () => split(y(), { testSize: 9 })(), OptionError, /testSize 9 of 4 rows leaves 0/],
    ['one row', () => data.trainTestSplit(zeros([1]), zeros([1])), OptionError, /testSize 0\.25 of 1 rows leaves 0/],
    ['no row', () => data.trainTestSplit(zeros([0]), zeros([0])), OptionError, /of 0 rows/],
    ...[0, 1.5, -0.2, Number.NaN, Infinity, '0.5'].map(
      (testSize): Refusal => [
        `testSize ${testSize}`,
        () => split(y(), { testSize: wrong(testSize) })(),
        OptionError,
        /^trainTestSplit: testSize is .*; it must be a fraction between 0 and 1, or a number of rows/,
      ],
    ),
    ['a seed', () => split(y(), { seed: 0.5 })(), OptionError, /^trainTestSplit: 0\.5 is not a seed/],
    ['shuffle', () => split(y(), { shuffle: wrong(1) })(), OptionError, /shuffle is 1; use true or false/],
    ['stratify', () => split(y(), { stratify: wrong(y()) })(), OptionError, /stratify is object; use true or false/],
    ['an option', () => split(y(), wrong({ test_size: 0.5 }))(), OptionError, /there is no option test_size/],
    [
      'order',
      () => split(y(), { stratify: true, shuffle: false })(),
      OptionError,
      /leave out shuffle: false, or strat/,
    ],
    ['floats', () => split(zeros([4]), { stratify: true })(), DtypeError, /class labels are int32.*by int\(\)/],
    [
      'one-hot',
      () => split(zeros([4, 2], { dtype: 'int32' }), { stratify: true })(),
      ShapeError,
      /argmax\(1\) for one-h/,
    ],
    ['a class of one row', () => split(int([0, 0, 0, 1]), { stratify: true })(), OptionError, /a class has one row/],
    [
      'few rows',
      () => split(y(), { stratify: true, testSize: 1 })(),
      OptionError,
      /3 and 1 rows cannot both have all 2/,
    ],
  ])('refuses %s', (_name, run, kind, message) => expectRefused(run, kind, message))
})

describe('kFold', () => {
  const folds = (rows: number | Tensor, options?: data.FoldOptions) =>
    data.kFold(rows, options).map(({ train, test }) => ({ train: values(train), test: values(test) }))

  test('without a shuffle folds are blocks, the first ones larger, as in scikit-learn', () => {
    expect(folds(7, { k: 3 }).map(({ test }) => test)).toEqual([
      [0, 1, 2],
      [3, 4],
      [5, 6],
    ])
    expect(folds(7, { k: 3 })[1].train).toEqual([0, 1, 2, 5, 6])
    expect(data.kFold(10)).toHaveLength(5)
    expect(folds(zeros([4, 2]), { k: 2 }).map(({ test }) => test)).toEqual([
      [0, 1],
      [2, 3],
    ])
    expect(data.kFold(5)[0].test.dtype).toBe('int32')
  })

  /** Allocation of `StratifiedKFold._make_test_folds`, with classes in the order in which they appear. */
  const stratified = (labels: readonly number[], k: number) => {
    const classes = [...new Set(labels)]
    const sorted = classes.flatMap((c) => labels.filter((label) => label === c))
    return Array.from({ length: k }, (_, fold) => count(sorted.filter((_label, i) => i % k === fold)))
  }

  test.each([
    [[0, 0, 0, 1, 1, 1, 1], 3],
    [[3, 1, 3, 1, 1, 3, 1, 3, 2, 2], 2],
    [Array.from({ length: 150 }, (_, i) => Math.floor(i / 50)), 5],
    [Array.from({ length: 43 }, (_, i) => [0, 1, 1, 2, 0, 0][i % 6]), 4],
    [[0, 0, 0, 0, 1], 3],
  ])('stratified folds of %j have the shares of scikit-learn, shuffled or not', (labels, k) => {
    for (const shuffle of [false, true]) {
      const found = folds(int(labels), { k, shuffle, stratify: true })
      expect(found.map(({ test }) => count(test.map((row) => labels[row])))).toEqual(stratified(labels, k))
      expect(found.flatMap(({ test }) => test).sort((a, b) => a - b)).toEqual([...labels.keys()])
    }
  })

  test('stratified without a shuffle, a class goes to the folds in order', () => {
    const labels = int([0, 1, 0, 1, 0, 1, 0, 1])
    expect(folds(labels, { k: 2, stratify: true }).map(({ test }) => test)).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
    ])
  })

  test('each row is held out once, rows ascend, and train is the rest', () => {
    for (const options of [{ shuffle: true }, { k: 7, shuffle: true, seed: 4 }, { k: 23 }]) {
      const found = folds(23, options)
      expect(found.flatMap(({ test }) => test).sort((a, b) => a - b)).toEqual([...Array(23).keys()])
      for (const { train, test } of found) {
        expect([...train, ...test].sort((a, b) => a - b)).toEqual([...Array(23).keys()])
        for (const rows of [train, test]) expect(rows).toEqual([...rows].sort((a, b) => a - b))
      }
    }
  })

  test('a seed draws the same folds, another one others', () => {
    const draw = (seed: number, stratify: boolean) =>
      folds(zeros([30], { dtype: 'int32' }), { shuffle: true, stratify, seed })
    for (const stratify of [false, true]) {
      expect(draw(1, stratify)).toEqual(draw(1, stratify))
      expect(draw(1, stratify)).not.toEqual(draw(2, stratify))
    }
    expect(folds(30, { shuffle: true })).not.toEqual(folds(30, { shuffle: true }))
  })

  test('frees what it makes on the way, also when memory runs out', () => {
    const labels = int([0, 1, 0, 1, 0, 1])
    expectNothingLost(() => data.kFold(labels, { k: 2, shuffle: true, stratify: true }))
  })

  test.each<Refusal>([
    ['more folds than rows', () => data.kFold(3), OptionError, /^kFold: 3 rows do not make 5 folds; use a smaller k/],
    ['one fold', () => data.kFold(3, { k: 1 }), OptionError, /^kFold: k is 1; it must be an integer from 2 up/],
    ['half a fold', () => data.kFold(9, { k: 2.5 }), OptionError, /k is 2\.5/],
    ['no rows', () => data.kFold(0), OptionError, /^kFold: the number of rows is 0; use an integer from 1 up/],
    ['half a row', () => data.kFold(9.5), OptionError, /the number of rows is 9\.5/],
    ['an array', () => data.kFold(wrong([0, 1])), DtypeError, /^kFold: expected a tensor, got an array/],
    ['numbers by class', () => data.kFold(9, { stratify: true }), OptionError, /pass the class labels, not how many/],
    ['floats', () => data.kFold(zeros([9]), { stratify: true }), DtypeError, /class labels are int32/],
    [
      'small classes',
      () => data.kFold(int([0, 0, 1, 1, 2, 2]), { stratify: true }),
      OptionError,
      /no class has 5 rows/,
    ],
    ['shuffle', () => data.kFold(9, { shuffle: wrong('yes') }), OptionError, /shuffle is "yes"; use true or false/],
    ['an option', () => data.kFold(9, wrong({ folds: 3 })), OptionError, /there is no option folds/],
    ['a seed', () => data.kFold(9, { seed: -1 }), OptionError, /^kFold: -1 is not a seed/],
  ])('refuses %s', (_name, run, kind, message) => expectRefused(run, kind, message))
})

describe('synthetic sets', () => {
  const near = (found: readonly number[], expected: readonly number[]) =>
    found.every((value, i) => Math.abs(value - expected[i]) < 2e-6)

  test('xor is the truth table, and more of it', () => {
    const { x, y } = data.xor()
    expect([x.toArray(), values(y), y.dtype]).toEqual([
      [
        [0, 0],
        [0, 1],
        [1, 0],
        [1, 1],
      ],
      [0, 1, 1, 0],
      'int32',
    ])
    const noisy = data.xor(4001, { noise: 0.1, seed: 1 })
    expect([noisy.x.shape, noisy.y.shape]).toEqual([[4001, 2], [4001]])
    const off = noisy.x.sub(data.xor(4001).x)
    expect(Math.abs(off.mean().item())).toBeLessThan(0.006)
    expect(Math.abs(off.std().item() - 0.1)).toBeLessThan(0.005)
    expect(values(noisy.y)).toEqual(values(data.xor(4001).y))
  })

  test('moons lie on two half circles', () => {
    const { x, y } = data.moons(101, { seed: 1 })
    const rows = x.toArray() as number[][]
    const labels = values(y)
    expect(count(labels)).toEqual(
      new Map([
        [0, 50],
        [1, 51],
      ]),
    )
    rows.forEach(([a, b], i) => {
      const [u, v] = labels[i] === 0 ? [a, b] : [1 - a, 0.5 - b]
      expect(Math.abs(Math.hypot(u, v) - 1)).toBeLessThan(1e-6)
      expect(v).toBeGreaterThan(-1e-6)
    })
    // Angles are those of linspace(0, pi, 51), ends included.
    const angles = rows
      .flatMap(([a, b], i) => (labels[i] === 1 ? [Math.atan2(Math.abs(0.5 - b), 1 - a)] : []))
      .sort((a, b) => a - b)
    expect(
      near(
        angles,
        angles.map((_, i) => (Math.PI * i) / 50),
      ),
    ).toBe(true)
  })

  test('circles have radius 1 and factor', () => {
    for (const factor of [0.8, 0.3]) {
      const { x, y } = data.circles(64, { seed: 1, factor })
      const rows = x.toArray() as number[][]
      const labels = values(y)
      expect(count(labels).get(0)).toBe(32)
      rows.forEach(([a, b], i) => {
        expect(Math.hypot(a, b)).toBeCloseTo(labels[i] === 0 ? 1 : factor, 5)
      })
      const turns = rows.flatMap(([a, b], i) => (labels[i] === 0 ? [(Math.atan2(b, a) / 2 / Math.PI + 1.001) % 1] : []))
      expect(
        near(
          turns.sort((a, b) => a - b),
          turns.map((_, i) => i / 32 + 0.001),
        ),
      ).toBe(true)
    }
  })

  test('spirals wind 1.75 times, arm beside arm', () => {
    for (const arms of [1, 2, 3]) {
      const { x, y } = data.spirals(100, { seed: 1, arms })
      const labels = values(y)
      expect([...count(labels).values()].sort()).toEqual({ 1: [100], 2: [50, 50], 3: [33, 33, 34] }[arms])
      ;(x.toArray() as number[][]).forEach(([a, b], i) => {
        const radius = Math.hypot(a, b)
        const angle = 2 * Math.PI * (1.75 * radius + labels[i] / arms)
        expect(Math.abs(a - radius * Math.cos(angle)) + Math.abs(b - radius * Math.sin(angle))).toBeLessThan(1e-5)
        expect(radius).toBeLessThan(1 + 1e-6)
      })
    }
  })

  test('blobs lie round their centers', () => {
    const centers = [
      [0, 0, 0],
      [10, 0, -10],
    ]
    const { x, y } = data.blobs(10_001, { centers, std: 2, seed: 1 })
    expect([x.shape, count(values(y)).get(0)]).toEqual([[10_001, 3], 5001])
    const off = x.sub(tensor(centers).indexSelect(0, y))
    expect(Math.abs(off.std().item() - 2)).toBeLessThan(0.03)
    off
      .mean(0)
      .toTypedArray()
      .forEach((mean) => {
        expect(Math.abs(mean)).toBeLessThan(0.08)
      })
    const drawn = data.blobs(60, { centers: 4, features: 5, std: 0, seed: 1 })
    expect(new Set((drawn.x.toArray() as number[][]).map(String)).size).toBe(4)
    expect(Math.max(...values(drawn.x.abs()))).toBeLessThanOrEqual(10)
    expect(data.blobs(9).x.shape).toEqual([9, 2])
  })

  test('linear lies on its line, or round it', () => {
    const { x, y } = data.linear(1000, { seed: 1 })
    expect([x.shape, y.shape, y.dtype]).toEqual([[1000, 1], [1000, 1], 'float32'])
    expect(values(y)).toEqual(values(x).map((value) => Math.fround(Math.fround(2 * value) + 1)))
    expect([Math.min(...values(x)) < -0.99, Math.max(...values(x)) > 0.99]).toEqual([true, true])
    const noisy = data.linear(1000, { slope: -3, intercept: 0.5, noise: 0.25, seed: 1 })
    expect(values(noisy.x)).toEqual(values(x))
    expect(Math.abs(noisy.y.sub(noisy.x.mul(-3).add(0.5)).std().item() - 0.25)).toBeLessThan(0.02)
  })

  const sets: [string, (n: number, seed?: number) => data.Samples][] = [
    ['xor', (n, seed) => data.xor(n, { noise: 0.1, ...(seed && { seed }) })],
    ['moons', (n, seed) => data.moons(n, { noise: 0.1, ...(seed && { seed }) })],
    ['circles', (n, seed) => data.circles(n, { noise: 0.1, ...(seed && { seed }) })],
    ['spirals', (n, seed) => data.spirals(n, { noise: 0.1, ...(seed && { seed }) })],
    ['blobs', (n, seed) => data.blobs(n, seed ? { seed } : {})],
    ['linear', (n, seed) => data.linear(n, { noise: 0.1, ...(seed && { seed }) })],
  ]

  test.each(sets)('%s: any size, by its seed or the global one, without leaks', (_name, make) => {
    for (const n of [1, 2, 3, 5]) {
      const { x, y } = make(n)
      expect([x.shape[0], y.shape[0]]).toEqual([n, n])
    }
    const draw = (seed?: number) => values(make(20, seed).x)
    expect(draw(1)).toEqual(draw(1))
    expect(draw(1)).not.toEqual(draw(2))
    expect(draw()).not.toEqual(draw())
    expectNothingLost(() => make(20))
  })

  test('seeded noise is not what the same seed draws globally', () => {
    const { x } = data.linear(8, { seed: 5 })
    manualSeed(5)
    expect(values(rand([8]).mul(2).sub(1))).not.toEqual(values(x))
  })

  test('are, bit by bit, what they were where this was written', async () => {
    const state = Object.fromEntries(
      sets.flatMap(([name, make]) => {
        const { x, y } = make(99, 42)
        return [
          [`${name}.x`, x],
          [`${name}.y`, y],
        ]
      }),
    )
    const { xTest } = data.trainTestSplit(arange(99), zeros([99]), { seed: 42 })
    expect(await weightsSha256({ ...state, xTest })).toBe(
      '3bf9b35822e1e7bbdb1d9f903a924f62d0c8aba2eef51a7d716ad09c6806fd84',
    )
  })

  test.each<Refusal>([
    ...sets.flatMap(([name, make]) =>
      [0, -1, 2.5, Number.NaN, '5'].map(
        (n): Refusal => [
          `${name}(${n})`,
          () => make(wrong(n)),
          OptionError,
          new RegExp(`^${name}: n is .*; use an integer from 1`),
        ],
      ),
    ),
    ['no n', () => data.moons(wrong(undefined)), OptionError, /^moons: n is undefined/],
    [
      'noise',
      () => data.moons(5, { noise: -1 }),
      OptionError,
      /^moons: noise is -1; it must be a finite number from 0/,
    ],
    ['noise of xor', () => data.xor(5, { noise: Number.NaN }), OptionError, /^xor: noise is NaN/],
    ['a seed', () => data.circles(5, { seed: 1.5 }), OptionError, /^circles: 1\.5 is not a seed/],
    ['a factor of 1', () => data.circles(5, { factor: 1 }), OptionError, /^circles: factor is 1; it must be a number/],
    ['no arms', () => data.spirals(5, { arms: 0 }), OptionError, /^spirals: arms is 0; use an integer from 1 up/],
    ['std', () => data.blobs(5, { std: Infinity }), OptionError, /^blobs: std is Infinity/],
    [
      'no centers',
      () => data.blobs(5, { centers: [] }),
      OptionError,
      /^blobs: centers must be a number of them, or an/,
    ],
    ['empty centers', () => data.blobs(5, { centers: [[]] }), OptionError, /^blobs: centers must be/],
    ['flat centers', () => data.blobs(5, { centers: wrong([1, 2]) }), OptionError, /^blobs: centers must be/],
    [
      'ragged centers',
      () => data.blobs(5, { centers: [[1, 2], [3]] }),
      OptionError,
      /every center must have 2 numbers/,
    ],
    ['other features', () => data.blobs(5, { centers: [[1, 2]], features: 3 }), OptionError, /must have 3 numbers/],
    [
      'NaN',
      () => data.blobs(5, { centers: [[1, Number.NaN]] }),
      OptionError,
      /every number of a center must be finite/,
    ],
    ['a slope', () => data.linear(5, { slope: wrong('2') }), OptionError, /^linear: slope is "2"; it must be a finite/],
    ['an option', () => data.moons(5, wrong({ std: 1 })), OptionError, /^moons: there is no option std/],
  ])('refuse %s', (_name, run, kind, message) => expectRefused(run, kind, message))
})

test('every dtype goes through a split as it is', () => {
  for (const dtype of ['float32', 'int32', 'uint8', 'bool'] satisfies Dtype[]) {
    const { xTrain, xTest } = data.trainTestSplit(zeros([4, 2], { dtype }), zeros([4]))
    expect([xTrain.dtype, xTest.dtype]).toEqual([dtype, dtype])
  }
})
