import { type Tensor, tensor } from 'neyron'
import * as baseline from '../baseline/ops.ts'
import { type Case, computing, random, writing } from '../support/contender.ts'

type Output = Float32Array | Float64Array | Int32Array

function reduction<Y extends Output>(
  name: string,
  [rows, cols]: readonly [number, number],
  op: (x: Tensor) => Tensor,
  loop: (x: Float32Array, y: Y) => void,
  y: () => Y,
): Case {
  const n = rows * cols
  return {
    name: `${name}: (${rows}, ${cols})`,
    bytes: 4 * n,
    neyron: () => {
      const x = tensor(random(n), { shape: [rows, cols] })
      return computing(() => op(x))
    },
    baseline: () => {
      const [x, to] = [random(n), y()]
      return writing(to, () => loop(x, to))
    },
  }
}

export const cases: readonly Case[] = (
  [
    [32, 10],
    [1000, 1000],
  ] as const
).flatMap((shape) => {
  const [rows, cols] = shape
  const perRow = () => new Float32Array(rows)
  return [
    reduction(
      'sum of all',
      shape,
      (x) => x.sum(),
      baseline.sumRows,
      () => new Float32Array(1),
    ),
    reduction('sum of rows', shape, (x) => x.sum(1), baseline.sumRows, perRow),
    reduction(
      'sum of columns',
      shape,
      (x) => x.sum(0),
      baseline.sumColumns,
      () => new Float64Array(cols),
    ),
    reduction('max of rows', shape, (x) => x.max(1), baseline.maxRows, perRow),
    reduction(
      'argmax of rows',
      shape,
      (x) => x.argmax(1),
      baseline.argmaxRows,
      () => new Int32Array(rows),
    ),
    reduction('variance of rows', shape, (x) => x.variance(1), baseline.varianceRows, perRow),
  ]
})
