/** Rows of batch and layer normalisation. */
import { DtypeError, OptionError, ShapeError } from '../../../src/errors.ts'
import type { Tensor } from '../../../src/index.ts'
import { batchNorm, layerNorm } from '../../../src/ops/index.ts'
import { normalizedBatch } from '../../../src/ops/normalize.ts'
import { type Case, EDGES, extremes, given, on, type Refusal, rows } from '../case.ts'
import type { Nd } from '../nd.ts'
import * as reference from '../reference/normalize.ts'

/** Far from 0, in float32 numbers: the third column is constant. */
const far = rows([1e4, 100, 5], [9999.99, 100.5, 5], [1e4, 101, 5], [1e4 + 0.01, 99.75, 5])

const layers: readonly Case[] = [
  {
    op: 'layerNorm',
    run: (x: Tensor, weight: Tensor, bias: Tensor) => layerNorm(x, weight.shape, { weight, bias }),
    f: (x: Nd, weight: Nd, bias: Nd) => reference.layerNorm(x, weight, bias, weight.shape.length),
    on: [
      ...EDGES.flatMap((n) => [on([n], [n], [n]), on([3, n], [n], [n])]),
      on([2, 3, 4], [4], [4]),
      on([2, 3, 4], [3, 4], [3, 4]),
      on([2, 3, 4], [2, 3, 4], [2, 3, 4]),
      on([0, 3], [3], [3]),
      on([3, 0], [0], [0]),
      on([1, 1], [1], [1]),
      on(extremes, given([1, 2, 3]), given([0, 1, 2])),
      on(far, given([1, -2, 3]), given([0, 1, -2])),
    ],
  },
  {
    op: 'layerNorm',
    run: (x: Tensor, weight: Tensor) => layerNorm(x, x.shape.slice(-1), { weight, eps: 0.5 }),
    f: (x: Nd, weight: Nd) => reference.layerNorm(x, weight, null, 1, 0.5),
    on: [on([3, 5], [5]), on([4], [4])],
  },
  {
    op: 'layerNorm',
    run: (x: Tensor, bias: Tensor) => layerNorm(x, x.shape.slice(-1), { bias }),
    f: (x: Nd, bias: Nd) => reference.layerNorm(x, null, bias, 1),
    on: [on([3, 5], [5])],
  },
  {
    op: 'layerNorm',
    run: (x: Tensor) => layerNorm(x, x.shape[x.ndim - 1]),
    f: (x: Nd) => reference.layerNorm(x, null, null, 1),
    on: [on([3, 5]), on([100]), on(given([[1, 1, 1, 1, 1]]))],
  },
]

const training = { training: true }

const batches: readonly Case[] = [
  {
    op: 'batchNorm',
    run: (x: Tensor, weight: Tensor, bias: Tensor) => batchNorm(x, null, null, { ...training, weight, bias }),
    f: reference.batchNorm,
    on: [
      ...EDGES.map((c) => on([3, c], [c], [c])),
      ...EDGES.filter((n) => n > 1).flatMap((n) => [on([n, 1], [1], [1]), on([n, 2], [2], [2])]),
      on([0, 3], [3], [3]),
      on([3, 0], [0], [0]),
      on(far, given([1, -2, 3]), given([0, 1, -2])),
      on(rows([NaN, 1, 3e38], [1, Infinity, -3e38], [2, 2, 3e38]), given([1, 1, 1]), given([0, 0, 1])),
    ],
  },
  {
    op: 'batchNorm',
    run: (x: Tensor, weight: Tensor) => batchNorm(x, null, null, { ...training, weight, eps: 0.5 }),
    f: (x: Nd, weight: Nd) => reference.batchNorm(x, weight, null, 0.5),
    on: [on([3, 5], [5])],
  },
  {
    op: 'batchNorm',
    run: (x: Tensor, bias: Tensor) => batchNorm(x, null, null, { ...training, bias }),
    f: (x: Nd, bias: Nd) => reference.batchNorm(x, null, bias),
    on: [on([3, 5], [5])],
  },
  {
    op: 'batchNorm',
    run: (x: Tensor) => batchNorm(x, null, null, training),
    f: (x: Nd) => reference.batchNorm(x),
    on: [on([3, 5]), on([17, 2])],
  },
  {
    // The batch moves the statistics and its count: all or none of them.
    op: 'batchNorm',
    run: (x: Tensor, runningMean: Tensor, runningVar: Tensor, count: Tensor) =>
      normalizedBatch('batchNorm', x, { runningMean, runningVar, count, momentum: null, training: true }),
    f: (x: Nd) => reference.batchNorm(x),
    on: [on(rows([1, 2, 3], [4, 6, 1], [0, 0, 0]), given([1, 2, 3]), given([1, 2, 0.5]), given(2, 'int32'))],
  },
  {
    op: 'batchNorm',
    run: (x: Tensor, weight: Tensor, bias: Tensor, mean: Tensor, variance: Tensor, _count: Tensor) =>
      batchNorm(x, mean, variance, { weight, bias }),
    f: (x: Nd, weight: Nd, bias: Nd, mean: Nd, variance: Nd) =>
      reference.batchNorm(
        x,
        weight,
        bias,
        1e-5,
        [...mean.data].map((m, i) => ({ mean: m, variance: variance.data[i] })),
      ),
    on: [
      ...[0, 1, 4, 5].map((n) => on([n, 3], [3], [3], given([1, -2, 3]), given([1, 2, 0.5]), given(0, 'int32'))),
      on([2, 1], [1], [1], given([1]), given([0]), given(0, 'int32')),
      on(rows([Infinity, NaN]), given([1, 1]), given([0, 0]), given([1, 1]), given([1, 1]), given(0, 'int32')),
    ],
  },
]

export const cases: readonly Case[] = [...layers, ...batches]

const x = on([4, 3])

export const refused: readonly Refusal[] = [
  {
    op: 'layerNorm',
    error: ShapeError,
    on: [...[2, [4], [4, 3, 1], [], '3', null, [-1], [1.5]].map((shape) => x.with(shape)), on([]).with(1)],
  },
  {
    op: 'layerNorm',
    run: (x: Tensor, weight: Tensor) => layerNorm(x, 3, { weight }),
    error: ShapeError,
    on: [on([4, 3], [4]), on([4, 3], [1, 3])],
  },
  {
    op: 'layerNorm',
    error: OptionError,
    on: [{ eps: -1 }, { eps: NaN }, { eps: '1' }, { epsilon: 1 }].map((options) => x.with(3, options)),
  },
  {
    op: 'batchNorm',
    error: ShapeError,
    on: [on([3]), on([2, 3, 4]), on([1, 3])].map((input) => input.with(null, null, training)),
  },
  {
    op: 'batchNorm',
    error: OptionError,
    on: [
      x.with(null, null),
      ...[{ eps: -1 }, { momentum: 2 }, { momentum: null }, { training: 1 }, { moment: 1 }].map((options) =>
        x.with(null, null, { ...training, ...options }),
      ),
    ],
  },
  {
    op: 'batchNorm',
    run: (x: Tensor, mean: Tensor, variance: Tensor) => batchNorm(x, mean, variance),
    error: ShapeError,
    on: [on([4, 3], [4], [3]), on([4, 3], [3], [1]), on([4, 3], [1, 3], [3])],
  },
  {
    op: 'batchNorm',
    run: (x: Tensor, mean: Tensor) => batchNorm(x, mean, null),
    error: OptionError,
    on: [on([4, 3], [3])],
  },
  {
    op: 'batchNorm',
    run: (x: Tensor, mean: Tensor, variance: Tensor) => batchNorm(x, mean, variance, training),
    error: DtypeError,
    on: [on([4, 3], given([1, 2, 3], 'int32'), [3])],
  },
]
