/** Backward where tensors are shared, changed after their use, or used after a walk. */
import { expect, test } from 'vitest'
import { GraphError, nn, noGrad, ones, optim, type Tensor, tensor, where } from '../src/index.ts'

const leaf = (...values: number[]) => tensor(values, { requiresGrad: true })
const gradient = (x: Tensor) => [...(x.grad as Tensor).toTypedArray()]

test('an operation that takes one leaf twice adds both gradients', () => {
  for (let i = 0; i < 3; i++) {
    const x = leaf(1, 2, 3)
    x.mul(x).sum().backward()
    expect(gradient(x)).toEqual([2, 4, 6])
    x.sub(x).sum().backward()
    expect(gradient(x)).toEqual([2, 4, 6])
  }
})

test('an operation that takes one result twice adds both gradients', () => {
  const x = leaf(1, 2, 3)
  const y = x.mul(2)
  y.mul(y).add(y).sum().backward()
  expect(gradient(x)).toEqual([10, 18, 26])
})

test('a matrix times itself', () => {
  const x = tensor(
    [
      [1, 2],
      [3, 4],
    ],
    { requiresGrad: true },
  )
  x.matmul(x).sum().backward()
  expect((x.grad as Tensor).toArray()).toEqual([
    [7, 11],
    [9, 13],
  ])
})

test.each(['maximum', 'minimum'] as const)(
  '%s gives each of equal elements half the gradient, summed over broadcast axes',
  (op) => {
    const [a, b] = [leaf(1, 2, 2), leaf(2)]
    a[op](b).sum().backward()
    const isFirstTaken = op === 'minimum' ? 1 : 0
    expect(gradient(a)).toEqual([isFirstTaken, 0.5, 0.5])
    expect(gradient(b)).toEqual([2 - isFirstTaken])
    const x = leaf(3)
    x[op](3).backward()
    expect(gradient(x)).toEqual([0.5])
  },
)

test('where lets no NaN and no infinity of what it did not take into values or gradients', () => {
  const [a, b] = [leaf(NaN, 2, -Infinity), leaf(3, NaN, 4)]
  const y = where(tensor([false, true, false]), a, b)
  expect(y.toArray()).toEqual([3, 2, 4])
  y.backward(tensor([NaN, 1, Infinity]))
  expect(gradient(a)).toEqual([0, 1, 0])
  expect(gradient(b)).toEqual([NaN, 0, Infinity])
})

test('where keeps its condition for backward, not what it chose from', () => {
  const [a, b] = [leaf(1, 2), leaf(3, 4)]
  const condition = tensor([true, false])
  const [first, second] = [where(condition, a, b).sum(), where(condition, a, b).sum()]
  noGrad(() => [a.zero_(), b.zero_()])
  first.backward()
  expect([gradient(a), gradient(b)]).toEqual([
    [1, 0],
    [0, 1],
  ])
  condition.fill_(0)
  expect(() => second.backward()).toThrow(GraphError)
})

test('what a gradient does not depend on may change before backward()', () => {
  const w = leaf(1, 2)
  const doubled = w.mul(2).sum()
  noGrad(() => w.sub_(1))
  doubled.backward()
  expect(gradient(w)).toEqual([2, 2])

  const layer = new nn.Linear(2, 1)
  const optimizer = new optim.SGD([layer.bias as nn.Parameter], { lr: 1 })
  const [first, second] = [layer.forward(ones([1, 2])).sum(), layer.forward(ones([1, 2])).sum()]
  first.backward()
  optimizer.step()
  second.backward()
  expect(gradient(layer.weight)).toEqual([2, 2])
})

test('what only the other operand needs is not saved', () => {
  const w = leaf(1, 2, 3)
  const frozen = tensor([4, 5, 6])
  const product = w.div(frozen).sum()
  noGrad(() => w.zero_())
  product.backward()
  expect(gradient(w)).toEqual([0.25, Math.fround(0.2), Math.fround(1 / 6)])
})

test('a second walk through a value of a walked graph says that it has been walked', () => {
  const h = leaf(1, 2).mul(2)
  h.sum().backward()
  expect(() => h.sum().backward()).toThrow(/walked by an earlier backward/)
})
