/** Rows of losses. */
import { inSteps } from '../../../src/autograd/steps.ts'
import { DtypeError, GraphError, OptionError, ShapeError } from '../../../src/errors.ts'
import type { Tensor } from '../../../src/index.ts'
import * as ops from '../../../src/ops/index.ts'
import { type Case, EDGES, given, on, type Refusal, rows, type Use } from '../case.ts'
import { type Nd, zip } from '../nd.ts'
import * as reference from '../reference/loss.ts'

const reductions = ['mean', 'sum', 'none'] as const
const ints = (...values: number[]) => given(values, 'int32')

/** Two operands of one shape, for every reduction. The loops are the same for all losses: one has every length. */
const pairs = (options: object = {}, lengths = [0, 1, 7, 17]): Use[] => [
  ...lengths.map((n) => on([n], [n]).with(options)),
  ...[0, 5, 16].map((n) => on([n], [n]).with({ ...options, reduction: 'none' })),
  on([], []).with({ ...options, reduction: 'none' }),
  on([2, 3, 4], [2, 3, 4]).with({ ...options, reduction: 'sum' }),
]

/** The options of a few more rows. */
const few = (options: object): Use[] =>
  reductions.map((reduction) => on([3, 5], [3, 5]).with({ ...options, reduction }))

/** Probabilities of what may be any number. */
const probability = (x: Nd) => zip((v) => 1 / (1 + Math.exp(-v)), x)

const bceOf = (x: Tensor, t: Tensor, options?: object) =>
  inSteps([], (step) => ops.binaryCrossEntropy(step(x.sigmoid()), step(t.sigmoid()), options))
const klDivOf = (x: Tensor, t: Tensor, options?: object) =>
  inSteps([], (step) => ops.klDiv(x, step(t.sigmoid()), options))

/** Losses whose last inputs are weights. */
const weightedBce = (x: Tensor, t: Tensor, weight: Tensor, options: object) =>
  inSteps([], (step) => ops.binaryCrossEntropy(step(x.sigmoid()), step(t.sigmoid()), { ...options, weight }))
const weightedLogits = (x: Tensor, t: Tensor, weight: Tensor, posWeight: Tensor, options: object) =>
  ops.binaryCrossEntropyWithLogits(x, t, { ...options, weight, posWeight })
const positiveLogits = (x: Tensor, t: Tensor, posWeight: Tensor, options: object) =>
  ops.binaryCrossEntropyWithLogits(x, t, { ...options, posWeight })
const weightedLabels = (x: Tensor, t: Tensor, weight: Tensor, options: object) =>
  ops.crossEntropy(x, t, { ...options, weight })
const weightedNll = (x: Tensor, t: Tensor, weight: Tensor, options: object) => ops.nllLoss(x, t, { ...options, weight })

const five = given([0.5, 2, 0, 1.25, 3])
const labels = ints(4, 0, 4, 2)
const padded = ints(4, -100, 1, -100)

/** Labels, some of them ignored, with these options in every reduction. */
const ofLabels = (options: readonly object[]): Use[] =>
  options.flatMap((more) => [
    ...reductions.map((reduction) => on([4, 5], padded).with({ ...more, reduction })),
    on([4, 5], labels).with({ ...more, ignoreIndex: 4 }),
  ])
const withWeight = (uses: readonly Use[]): Use[] =>
  uses.map(({ inputs, params }) => ({ inputs: [...inputs, five], params }))
const smoothings = [{ labelSmoothing: 0.1 }, { labelSmoothing: 1 }]

export const cases: readonly Case[] = [
  {
    op: 'crossEntropy',
    f: reference.crossEntropy,
    on: [
      ...[...EDGES, 33].map((classes) => on([3, classes], ints(classes - 1, 0, classes >> 1))),
      on([5, 4], given([0, 3, 1, 2, 1], 'uint8')),
      on([0, 3], given([], 'int32')),
      on(rows([1e4, -1e4, 0], [-1e4, 88, 90]), ints(1, 1)),
      on(rows([1, 2], [NaN, 1]), ints(1, 1)),
      on(rows([0, -Infinity]), ints(0)),
      on(rows([0, -Infinity]), ints(1)),
      ...ofLabels([{}, ...smoothings]),
      on(rows([1, 2], [NaN, 1]), ints(1, 7)).with({ ignoreIndex: 7 }),
      on(rows([1, 2], [3, 4]), ints(-1, -1)).with({ ignoreIndex: -1 }),
      on([2, 5], ints(-1, -1)).with({ ignoreIndex: -1, reduction: 'sum', labelSmoothing: 0.5 }),
      on(rows([1e4, -1e4, 0], [-1e4, 88, 90]), ints(1, 1)).with({ labelSmoothing: 0.25 }),
      // Probabilities.
      ...[1, 4, 7, 17].map((classes) => on([3, classes], [3, classes])),
      ...few({}),
      ...few(smoothings[0]),
      on([0, 3], [0, 3]),
      on(rows([0, -Infinity, 1], [1e4, 0, -1e4]), rows([0.5, 0, 0.5], [0.25, 0.25, 0.5])),
    ],
  },
  {
    op: 'crossEntropy',
    run: weightedLabels,
    f: (x: Nd, t: Nd, w: Nd, options: object) => reference.crossEntropy(x, t, options, w),
    on: [...withWeight(ofLabels([{}, smoothings[0]])), on([2, 5], [2, 5], five).with({})],
  },
  {
    op: 'nllLoss',
    f: reference.nllLoss,
    on: [
      ...[1, 4, 7].map((classes) => on([3, classes], ints(classes - 1, 0, classes >> 1))),
      ...ofLabels([{}]),
      on([0, 3], given([], 'int32')),
      on([5], given(3, 'int32')),
      on([5], given(3, 'uint8')).with({ reduction: 'none' }),
      on(rows([1, 2], [3, 4]), ints(-1, -1)).with({ ignoreIndex: -1 }),
      on(rows([1, 2], [NaN, -Infinity]), ints(1, 1)).with({ reduction: 'none' }),
    ],
  },
  {
    op: 'nllLoss',
    run: weightedNll,
    f: (x: Nd, t: Nd, w: Nd, options: object) => reference.nllLoss(x, t, options, w),
    on: withWeight(ofLabels([{}])),
  },
  {
    op: 'mseLoss',
    f: reference.mseLoss,
    on: [...pairs({}, [0, ...EDGES, 100]), on(rows(1, NaN), rows(1, 2)), on(rows(1, 3e38), rows(1, -3e38))],
  },
  {
    op: 'l1Loss',
    f: reference.l1Loss,
    on: [...pairs(), on(rows(1, NaN, -Infinity), rows(1, 2, 3)).with({ reduction: 'none' })],
  },
  {
    op: 'huberLoss',
    f: reference.huberLoss,
    on: [
      ...pairs(),
      ...few({ delta: 0.5 }),
      ...few({ delta: 2.5 }),
      on(rows(1, NaN, -Infinity, 1e30), rows(1, 2, 3, 0)).with({ reduction: 'none' }),
    ],
  },
  {
    op: 'smoothL1Loss',
    f: reference.smoothL1Loss,
    on: [
      ...pairs(),
      ...few({ beta: 0.5 }),
      ...few({ beta: 0 }),
      ...few({ beta: 1e-60 }),
      on(rows(1, NaN, -Infinity, 3e38), rows(1, 2, 3, 0)).with({ reduction: 'none' }),
    ],
  },
  {
    op: 'binaryCrossEntropy',
    run: bceOf,
    f: (x: Nd, t: Nd, options?: object) => reference.binaryCrossEntropy(probability(x), probability(t), options),
    on: pairs(),
  },
  {
    op: 'binaryCrossEntropy',
    f: reference.binaryCrossEntropy,
    on: [
      on(rows(0, 0, 1, 1, 0, 1, 1e-45), rows(0, 1, 0, 1, 0.5, 0.5, 1)).with({ reduction: 'none' }),
      on(rows(0.5), rows(NaN)),
    ],
  },
  {
    op: 'binaryCrossEntropy',
    run: weightedBce,
    f: (x: Nd, t: Nd, w: Nd, options: object) =>
      reference.binaryCrossEntropy(probability(x), probability(t), options, w),
    on: reductions.flatMap((reduction) => [
      on([3, 5], [3, 5], five).with({ reduction }),
      on([3, 2], [3, 2], given([[1], [0], [3]])).with({ reduction }),
      on([4], [4], given(2)).with({ reduction }),
    ]),
  },
  {
    op: 'binaryCrossEntropyWithLogits',
    f: reference.binaryCrossEntropyWithLogits,
    on: [
      ...pairs(),
      on(rows(1e4, 1e4, -1e4, -1e4, 3e38, 100, -100), rows(0, 1, 0, 1, 1, 1, 0)).with({ reduction: 'none' }),
      on(rows(Infinity, -Infinity, NaN), rows(0, 1, 0)).with({ reduction: 'none' }),
    ],
  },
  {
    op: 'binaryCrossEntropyWithLogits',
    run: positiveLogits,
    f: (x: Nd, t: Nd, p: Nd, options: object) => reference.binaryCrossEntropyWithLogits(x, t, options, undefined, p),
    on: reductions.flatMap((reduction) => [
      on([3, 5], [3, 5], five).with({ reduction }),
      on([17], [17], given(0.25)).with({ reduction }),
      on(rows(1e4, -1e4, 1e4, -1e4), rows(1, 1, 0, 0), given(3)).with({ reduction }),
    ]),
  },
  {
    op: 'binaryCrossEntropyWithLogits',
    run: weightedLogits,
    f: (x: Nd, t: Nd, w: Nd, p: Nd, options: object) => reference.binaryCrossEntropyWithLogits(x, t, options, w, p),
    on: reductions.map((reduction) => on([3, 5], [3, 5], given([[1], [0], [3]]), five).with({ reduction })),
  },
  {
    op: 'klDiv',
    run: klDivOf,
    f: (x: Nd, t: Nd, options?: object) => reference.klDiv(x, probability(t), options),
    on: [...pairs(), on([3, 5], [3, 5]).with({ reduction: 'batchmean' }), on([], []).with({ reduction: 'batchmean' })],
  },
  {
    op: 'klDiv',
    f: reference.klDiv,
    on: [
      ...pairs({ logTarget: true }),
      on([0, 3], [0, 3]).with({ reduction: 'batchmean', logTarget: true }),
      on(rows(-Infinity, 0, -1, -Infinity, 1), rows(0, 0, 1, 0.5, NaN)).with({ reduction: 'none' }),
      on(rows(1), rows(-1)),
    ],
  },
]

const pairLosses = [
  'mseLoss',
  'l1Loss',
  'huberLoss',
  'smoothL1Loss',
  'binaryCrossEntropy',
  'binaryCrossEntropyWithLogits',
  'klDiv',
]
const half = given([0.5, 0.5])
const logits = rows([1, 2, 3], [4, 5, 6])
const both = ints(0, 1)

export const refused: readonly Refusal[] = [
  ...pairLosses.flatMap((op): Refusal[] => [
    { op, error: ShapeError, on: [on([2, 3], [3]), on([2], [1]), on([], [1])] },
    {
      op,
      error: OptionError,
      on: [{ reduction: 'avg' }, { reduction: null }, { mean: true }, null, 'sum'].map((o) => on(half, half).with(o)),
    },
  ]),
  {
    op: 'huberLoss',
    error: OptionError,
    on: [0, -1, NaN, Infinity, '1'].map((delta) => on(half, half).with({ delta })),
  },
  {
    op: 'smoothL1Loss',
    error: OptionError,
    on: [-1, NaN, Infinity, null].map((beta) => on(half, half).with({ beta })),
  },
  { op: 'klDiv', error: OptionError, on: [on(half, half).with({ logTarget: 1 })] },
  {
    op: 'binaryCrossEntropy',
    error: OptionError,
    on: [1.5, -0.5, NaN, Infinity].flatMap((bad) => [
      on(rows(0.5, 0.5, 0.5, 0.5, bad), rows(0, 1, 0, 1, 0)),
      on(rows([0.5, bad]), rows([0, 1])).with({ reduction: 'none' }),
      on(given(bad), given(1)),
    ]),
  },
  {
    op: 'binaryCrossEntropy',
    run: weightedBce,
    error: ShapeError,
    on: [on([2], [2], given([1, 1, 1])), on([2], [2], given([[1, 1]])), on([1], [1], given([1, 1]))].map((use) =>
      use.with({}),
    ),
  },
  {
    op: 'binaryCrossEntropyWithLogits',
    run: positiveLogits,
    error: ShapeError,
    on: [on([2], [2], given([1, 1, 1])), on([2], [2], given([[1, 1]])), on([1], [1], given([1, 1]))].map((use) =>
      use.with({}),
    ),
  },
  { op: 'binaryCrossEntropy', run: weightedBce, error: GraphError, on: [on([2], [2], [2]).with({})] },
  { op: 'binaryCrossEntropyWithLogits', run: positiveLogits, error: GraphError, on: [on([2], [2], [2]).with({})] },
  { op: 'crossEntropy', run: weightedLabels, error: GraphError, on: [on([2, 3], both, [3]).with({})] },
  { op: 'nllLoss', run: weightedNll, error: GraphError, on: [on([2, 3], both, [3]).with({})] },
  ...['binaryCrossEntropy', 'binaryCrossEntropyWithLogits'].map((op) => ({
    op,
    error: DtypeError,
    on: [on(half, half).with({ weight: [1, 1] })],
  })),
  ...['crossEntropy', 'nllLoss'].flatMap((op): Refusal[] => [
    {
      op,
      error: ShapeError,
      on: [
        on([2, 3], ints(0)),
        on([3], ints(0)),
        on([3], ints(0, 1, 2)),
        on([1, 3], given([[0]], 'int32')),
        on([2, 3, 4], [2, 3, 4]),
        on([], given(0, 'int32')),
        on([2, 3], given(0, 'int32')),
      ],
    },
    { op, error: DtypeError, on: [on([2, 3], [2]), on([2, 3], given([0, 1], 'bool')), on([3], [])] },
    { op, error: DtypeError, on: [on(logits, both).with({ weight: [1, 1, 1] }), on(logits, both).with({ weight: 1 })] },
    {
      op,
      error: OptionError,
      on: [
        on([2, 3], ints(0, 3)),
        on([2, 3], ints(-1, 0)),
        on([1, 0], given([0], 'uint8')),
        ...[0.5, NaN, 2 ** 31, null, '1'].map((ignoreIndex) => on(logits, both).with({ ignoreIndex })),
        ...['batchmean', 1].map((reduction) => on(logits, both).with({ reduction })),
        on(logits, both).with({ smoothing: 0.1 }),
      ],
    },
  ]),
  {
    op: 'crossEntropy',
    error: OptionError,
    on: [
      ...[-0.1, 1.1, NaN, '0'].map((labelSmoothing) => on(logits, both).with({ labelSmoothing })),
      on([2, 3], ints(0, 3)).with({ labelSmoothing: 0.1 }),
      on([2, 3], [2, 3]).with({ ignoreIndex: 1 }),
    ],
  },
  { op: 'nllLoss', error: ShapeError, on: [on([2, 3], [2, 3])] },
  ...[weightedLabels, weightedNll].map((run, i) => ({
    op: ['crossEntropy', 'nllLoss'][i],
    run,
    error: ShapeError,
    on: [on([2, 3], both, given([1, 1])).with({}), on([2, 3], both, given(1)).with({})],
  })),
]
