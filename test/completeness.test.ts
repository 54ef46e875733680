/** Nothing that users can reach slips through: it has a row in a table, or a test file that is named here. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import * as neyron from '../src/index.ts'
import * as ops from '../src/ops/index.ts'
import * as plot from '../src/plot/index.ts'
import { inPlace, maps, others, zips } from './ops/cases.ts'

/** What is no operation, layer, loss or optimizer, by the test file that holds it. Methods of tensors begin with a dot. */
const ELSEWHERE: Record<string, readonly string[]> = {
  'test/create.test.ts': [
    '.ndim',
    'arange',
    'eye',
    'full',
    'linspace',
    'manualSeed',
    'ones',
    'rand',
    'randint',
    'randn',
    'tensor',
    'zeros',
  ],
  'test/tensor.test.ts': ['.item', '.toTypedArray', '.toArray', '.toJSON', '.isLeaf', '.requiresGrad'],
  'test/lifetimes.test.ts': ['.detach', '.clone', '.keep', '.dispose', '.grad', 'memory', 'noGrad', 'scope', 'steps'],
  'test/backward.test.ts': ['.backward'],
  'test/inspect.test.ts': ['.toString'],
  'test/debug.test.ts': ['setDebug'],
  'test/anomaly.test.ts': ['AnomalyError', 'detectAnomaly', 'setDetectAnomaly'],
  'test/gradcheck.test.ts': ['GradcheckError', 'gradcheck'],
  'test/train.test.ts': ['checkpoint', 'earlyStopping', 'evaluate', 'fit', 'history', 'predict', 'progress'],
  'test/metrics.test.ts': [
    ...['metrics.accuracy', 'metrics.confusionMatrix', 'metrics.f1Score', 'metrics.meanAbsoluteError'],
    ...['metrics.meanSquaredError', 'metrics.precision', 'metrics.r2Score', 'metrics.recall', 'metrics.topKAccuracy'],
  ],
  'test/determinism.test.ts': ['DataLoader', 'TensorDataset', 'weightsSha256'],
  'test/data.test.ts': [
    ...['MinMaxScaler', 'StandardScaler', 'blobs', 'circles', 'encodeLabels', 'kFold', 'moons', 'spirals'],
    ...['trainTestSplit', 'xor'],
  ],
  'test/safetensors.test.ts': ['io.load', 'io.metadata', 'io.save'],
  'test/plot.test.ts': [
    ...['plot.activations', 'plot.approximation', 'plot.confusionMatrix', 'plot.decisionBoundary', 'plot.landscape'],
    ...['plot.lossLandscape', 'plot.lossSurface', 'plot.trainingHistory', 'plot.trajectories'],
    'plot.weightHistograms',
  ],
  'test/errors.test.ts': [
    ...[
      'DtypeError',
      'ForeignTensorError',
      'FormatError',
      'GraphError',
      'InitError',
      'MemoryLimitError',
      'NeyronError',
    ],
    ...['OptionError', 'ShapeError', 'StaleTensorError', 'init', 'parseIdx', 'variant'],
  ],
}

/** Other names for an operation that has a row. */
const SHORT = ['float', 'int', 'bool']

const { nn, optim: _table, Tensor, data, io, metrics, ...functions } = neyron
const rows = new Set([...maps, ...zips, ...inPlace, ...others].map(({ op }) => op))
const { cast: _ofEveryDtype, ...operations } = ops

/** Names of the members of `Tensor` but for those whose comment says that they are internal. */
const members = (() => {
  const source = readFileSync('src/tensor.ts', 'utf8')
  const internal = new Set([...source.matchAll(/\/\*\* @internal[^\n]*\n {2}(?:get )?(\w+)/g)].map(([, name]) => name))
  return Object.getOwnPropertyNames(Tensor.prototype).filter((name) => name !== 'constructor' && !internal.has(name))
})()

const reachable = [
  ...[functions, data].flatMap(Object.keys),
  ...Object.keys(io).map((name) => `io.${name}`),
  ...Object.keys(metrics).map((name) => `metrics.${name}`),
  ...Object.keys(plot).map((name) => `plot.${name}`),
  ...members.map((name) => `.${name}`),
]
const listed = Object.values(ELSEWHERE).flat()
const hasRow = (name: string) => rows.has(name.replace('.', ''))

test('every public function and method has a row in a table, or a test file', () => {
  const missing = reachable.filter(
    (name) => !hasRow(name) && !listed.includes(name) && !SHORT.includes(name.replace('.', '')),
  )
  expect(missing).toEqual([])
})

test('nothing is listed that is gone, or has a row', () => {
  expect(listed.filter((name) => !reachable.includes(name) || hasRow(name))).toEqual([])
  expect(SHORT.filter((name) => !(name in Tensor.prototype))).toEqual([])
})

test('every operation can be reached, as a method or a function', () => {
  const hidden = Object.keys(operations).filter(
    (op) => !(op in Tensor.prototype || op in functions || op in nn.functional),
  )
  expect(hidden).toEqual([])
})

describe.each(Object.entries(ELSEWHERE))('%s', (file, names) => {
  test('names what it is said to test', () => {
    const text = readFileSync(file, 'utf8')
    const unnamed = names.filter(
      (name) => !new RegExp(`${name.replace('.', '\\.')}\\b`).test(text.replace(/^import .*?from/gms, '')),
    )
    expect(unnamed).toEqual([])
  })
})
