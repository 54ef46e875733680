/** Strides: which shapes a layout can show without a copy. */
import { describe, expect, test } from 'vitest'
import { contiguousStrides, reshapedStrides, type Shape } from '../src/shape.ts'
import { nd } from './ops/nd.ts'

/** Where the elements lie, in logical order. */
const places = (shape: Shape, strides: Shape): number[] => [
  ...nd(shape, (index) => index.reduce((sum, at, axis) => sum + at * strides[axis], 0)).data,
]

/** Strides by which `to` shows elements that lie at `at`, found by trying the only ones there could be; or null. */
function searched(at: readonly number[], to: Shape): number[] | null {
  const steps = contiguousStrides(to)
  const strides = to.map((size, axis) => (size > 1 ? at[steps[axis]] - at[0] : 0))
  const seen = places(to, strides)
  return seen.every((place, i) => place === at[i] - at[0]) ? strides : null
}

/** Every shape of n elements and up to four axes. */
function shapesOf(n: number, rank = 4): number[][] {
  if (rank === 0) return n === 1 ? [[]] : []
  const sizes = [...Array(n).keys()].map((i) => i + 1).filter((size) => n % size === 0)
  return [
    ...(n === 1 ? [[]] : []),
    ...sizes.flatMap((size) => shapesOf(n / size, rank - 1).map((rest) => [size, ...rest])),
  ]
}

/** Dense, with gaps behind each axis, backwards, by columns, and with axes that stand still. */
const LAYOUTS: readonly ((shape: Shape) => number[])[] = [
  contiguousStrides,
  ...[0, 1, 2].map(
    (apart) => (shape: Shape) => contiguousStrides(shape.map((n, axis) => (axis === apart ? n + 1 : n))),
  ),
  (shape) => contiguousStrides(shape).map((stride) => -stride),
  (shape) => contiguousStrides(shape).map((stride, axis) => (axis === 0 ? -stride : stride)),
  (shape) => contiguousStrides(shape).map((stride) => 2 * stride),
  (shape) => contiguousStrides(shape.toReversed()).reverse(),
  ...[0, 1, 2].map((still) => (shape: Shape) => contiguousStrides(shape.with(still, 1)).with(still, 0)),
  (shape) => shape.map(() => 0),
]

describe('reshapedStrides', () => {
  test('finds strides exactly where there are some', () => {
    let [shown, copied] = [0, 0]
    for (const shape of [
      [4, 6, 1],
      [1, 4, 6],
      [2, 3, 4],
      [6, 1, 4],
      [2, 6, 2],
      [1, 1, 1],
    ])
      for (const layout of LAYOUTS)
        for (const to of shapesOf(shape.reduce((a, b) => a * b))) {
          const strides = layout(shape)
          const at = places(shape, strides)
          const found = reshapedStrides(shape, strides, to)
          expect(found && places(to, found), `${shape} by ${strides} to ${to}`).toEqual(searched(at, to) && at)
          if (found) shown++
          else copied++
        }
    expect([shown > 1000, copied > 1000]).toEqual([true, true])
  })

  test.each<[string, Shape, Shape, Shape, number[] | null]>([
    ['one axis divided', [4, 6], [8, 1], [4, 2, 3], [8, 3, 1]],
    ['the other axis divided', [4, 6], [8, 1], [2, 2, 6], [16, 8, 1]],
    ['axes joined that are not contiguous', [4, 6], [8, 1], [24], null],
    ['axes joined beside a gap', [2, 2, 6], [24, 6, 1], [2, 12], [24, 1]],
    ['columns', [4, 6], [1, 4], [24], null],
    ['what stands still', [2, 3], [0, 0], [6], [0]],
    ['no axes', [], [], [], []],
    ['an axis of size 1, whatever its stride', [1, 3], [99, 2], [3], [2]],
    ['no elements', [0, 3], [3, 1], [2, 0, 5], [0, 5, 1]],
  ])('%s', (_name, shape, strides, to, expected) => {
    expect(reshapedStrides(shape, strides, to)).toEqual(expected)
  })
})
