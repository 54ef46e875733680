/** Gradients of reductions where they jump or have no limit: what PyTorch gives there. Differences cannot tell. */
import { expect, test } from 'vitest'
import { type Tensor, tensor } from '../../src/index.ts'

const gradientOf = (f: (x: Tensor) => Tensor, values: number[]) => {
  const x = tensor(values, { requiresGrad: true })
  const y = f(x)
  y.backward()
  return { y: y.item(), grad: Array.from(x.grad!.toTypedArray()) }
}

const norm = (p: number) => (x: Tensor) => x.norm(p)

test.each<[name: string, f: (x: Tensor) => Tensor, x: number[], y: number, grad: number[]]>([
  ['max of equals', (x) => x.max(), [1, 3, 3], 3, [0, 0.5, 0.5]],
  ['max of zeros of both signs', (x) => x.max().add(1), [0, -0, -1], 1, [0.5, 0.5, 0]],
  ['max with NaN', (x) => x.max(), [NaN, 3, NaN], NaN, [0.5, 0, 0.5]],
  ['min of equals', (x) => x.min(), [3, 1, 1, 1, 1], 1, [0, 0.25, 0.25, 0.25, 0.25]],
  ['prod with one 0', (x) => x.prod(), [0, 2, 3], 0, [6, 0, 0]],
  ['prod with two', (x) => x.prod(), [0, 0, 3], 0, [0, 0, 0]],
  ['prod with Infinity', (x) => x.prod(), [Infinity, 2], Infinity, [NaN, Infinity]],
  ['variance of one', (x) => x.variance(), [1], NaN, [NaN]],
  [
    'variance of nothing to divide by',
    (x) => x.variance(0, { correction: 2 }),
    [1, 2],
    Infinity,
    [-Infinity, Infinity],
  ],
  ['std of equals', (x) => x.std(), [2, 2], 0, [0, 0]],
  ['std of one', (x) => x.std(), [1], NaN, [NaN]],
  ['std of one without correction', (x) => x.std(0, { correction: 0 }), [1], 0, [0]],
  ['norm 2 of zeros', norm(2), [0, 0], 0, [0, 0]],
  ['norm 2 of Infinity', norm(2), [Infinity, 1], Infinity, [NaN, 0]],
  ['norm 1 with 0', norm(1), [0, -2], 2, [0, -1]],
  ['norm 1 with NaN', norm(1), [NaN, 1], NaN, [0, 1]],
  ['norm 1.5 of zeros', norm(1.5), [0, 0], 0, [0, 0]],
  ['norm 3 of Infinity', norm(3), [Infinity, 1], Infinity, [NaN, 0]],
  ['norm 0.5 with 0', norm(0.5), [0, 2], 2, [0, 1]],
  ['norm -1 with 0', norm(-1), [0, 2], 0, [0, 0]],
  ['norm -1 with Infinity', norm(-1), [Infinity, 1], 1, [0, 1]],
  ['norm Infinity of equals', norm(Infinity), [3, -4, 4], 4, [0, -0.5, 0.5]],
  ['norm Infinity with NaN', norm(Infinity), [NaN, 1], NaN, [0, 0]],
  ['norm -Infinity with 0', norm(-Infinity), [0, 2], 0, [0, 0]],
  ['logSumExp of -Infinity', (x) => x.logSumExp(), [-Infinity, -Infinity], -Infinity, [NaN, NaN]],
  ['logSumExp of Infinity', (x) => x.logSumExp(), [Infinity, 1], Infinity, [NaN, 0]],
  ['logSumExp with -Infinity', (x) => x.logSumExp(), [-Infinity, 0], 0, [0, 1]],
])('%s', (_name, f, x, y, grad) => {
  const got = gradientOf(f, x)
  expect(got.y).toBe(y)
  // PyTorch has zeros of both signs.
  expect(got.grad.map((v) => v + 0)).toEqual(grad)
})

test('a norm of numbers whose powers overflow', () => {
  const { y, grad } = gradientOf(norm(2), [3e30, -4e30])
  expect(y).toBe(Math.fround(5e30))
  expect(grad[0]).toBeCloseTo(0.6, 6)
  expect(grad[1]).toBeCloseTo(-0.8, 6)
  expect(gradientOf(norm(20), [1e30, 1e30]).y).toBeCloseTo(2 ** 0.05 * 1e30, -24)
  expect(tensor([1e-30, 1e-30]).norm(-20).item()).toBeCloseTo(2 ** -0.05 * 1e-30, 36)
})

test('max over axes that do not adjoin shares among all of them', () => {
  const x = tensor(
    [
      [
        [1, 2],
        [0, 0],
      ],
      [
        [2, 0],
        [0, 0],
      ],
    ],
    { requiresGrad: true },
  )
  x.max([0, 2]).backward(tensor([1, 1]))
  expect(x.grad!.toArray()).toEqual([
    [
      [0, 0.5],
      [0.25, 0.25],
    ],
    [
      [0.5, 0],
      [0.25, 0.25],
    ],
  ])
})
