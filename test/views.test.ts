/** Which operations show the memory of their input, and which copy it; and writing into a part. */
import { describe, expect, test } from 'vitest'
import { arange, cat, GraphError, noGrad, type Range, stack, type Tensor, tensor, zeros } from '../src/index.ts'

/** 0 to 23 as (2, 3, 4), with an axis of size 1 in front. */
const block = () => arange(24).reshape([1, 2, 3, 4])

const REVERSED = Array<Range>(4).fill([null, null, -1])

/** Whether writing into `y` shows in `x`. */
function shares(x: Tensor, y: Tensor): boolean {
  y.fill_(-1)
  return [...x.toTypedArray()].includes(-1)
}

/** Whether writing into `x` shows in `y`. */
function shows(x: Tensor, y: Tensor): boolean {
  x.fill_(-1)
  return [...y.toTypedArray()].includes(-1)
}

describe('views', () => {
  test.each<[string, (x: Tensor) => Tensor]>([
    ['transpose', (x) => x.transpose(0, 2)],
    ['permute', (x) => x.permute([3, 1, 0, 2])],
    ['squeeze', (x) => x.squeeze()],
    ['unsqueeze', (x) => x.unsqueeze(1)],
    ['slice', (x) => x.slice(0, null, [null, null, -2], 1)],
    ['split', (x) => x.split(2, 2)[1]],
    ['chunk', (x) => x.chunk(2, 3)[1]],
    ['reshape', (x) => x.reshape([6, -1])],
    ['reshape, of a part', (x) => x.slice('...', [1, null]).reshape([6, 3, 1])],
    ['reshape, of a transpose', (x) => x.transpose(2, 3).reshape([2, 2, 2, 3])],
    ['reshape, of a reversed whole', (x) => x.slice(...REVERSED).reshape([12, 2])],
    ['detach', (x) => x.detach()],
    ['contiguous, of what is', (x) => x.contiguous()],
  ])('%s shares memory', (_name, view) => {
    const x = block()
    expect(shares(x, view(x))).toBe(true)
    expect(shows(x, view(x))).toBe(true)
  })

  test('expand shares memory that is changed through its input alone', () => {
    const x = tensor([1, 2])
    const y = x.expand([3, 2])
    expect(() => y.fill_(-1)).toThrow(GraphError)
    expect(shows(x, y)).toBe(true)
  })
})

describe('copies', () => {
  test.each<[string, (x: Tensor) => Tensor]>([
    ['flip', (x) => x.flip([1, 3])],
    ['flip, of an axis of size 1', (x) => x.flip(0)],
    ['flip, along nothing', (x) => x.flip([])],
    ['cat', (x) => cat([x, x])],
    ['cat, of one tensor', (x) => cat([x])],
    ['stack, of one tensor', (x) => stack([x])],
    ['pad', (x) => x.pad([1, 1])],
    ['pad, by nothing', (x) => x.pad([])],
    ['pad, that takes away', (x) => x.pad([-1, -1])],
    ['contiguous, of what is not', (x) => x.transpose(1, 3).contiguous()],
    ['reshape, of what no strides show', (x) => x.transpose(1, 3).reshape([24])],
    ['clone', (x) => x.clone()],
  ])('%s has memory of its own', (_name, copy) => {
    const x = block()
    expect(shares(x, copy(x))).toBe(false)
    expect(shows(x, copy(x))).toBe(false)
  })
})

describe('split and chunk', () => {
  const sizes = (pieces: Tensor[]) => pieces.map(({ shape }) => shape[0])

  test('give pieces that make up the axis', () => {
    const x = zeros([7, 2])
    expect(sizes(x.split(3))).toEqual([3, 3, 1])
    expect(sizes(x.split(7))).toEqual([7])
    expect(sizes(x.split(9))).toEqual([7])
    expect(sizes(x.split([2, 0, 5]))).toEqual([2, 0, 5])
    expect(sizes(x.chunk(3))).toEqual([3, 3, 1])
    expect(sizes(x.chunk(5))).toEqual([2, 2, 2, 1])
    expect(sizes(x.chunk(1))).toEqual([7])
  })

  test('give of an axis without elements one piece, or as many chunks as wanted', () => {
    const x = zeros([0, 2])
    expect(sizes(x.split(3))).toEqual([0])
    expect(sizes(x.split(0))).toEqual([0])
    expect(sizes(x.split([]))).toEqual([])
    expect(sizes(x.chunk(3))).toEqual([0, 0, 0])
  })

  test('pass the gradient of every piece on to its place', () => {
    const x = arange(0, 5, 1, { requiresGrad: true })
    const [a, b, c] = x.split(2)
    a.mul(2).sum().add(c.mul(3).sum()).add(b.mul(b).sum()).backward()
    expect(x.grad!.toArray()).toEqual([2, 2, 4, 6, 3])
  })
})

describe('writing into a part', () => {
  test('changes its elements and no others', () => {
    const x = arange(12).reshape([3, 4])
    x.slice(0).fill_(-1)
    x.slice([1, null], [null, null, -3]).mul_(100)
    x.slice(1, [1, 3]).copy_(tensor([7, 8]))
    expect(x.toArray()).toEqual([
      [-1, -1, -1, -1],
      [400, 7, 8, 700],
      [800, 9, 10, 1100],
    ])
  })

  test('reverses a tensor in its own memory', () => {
    const x = arange(5)
    x.copy_(x.slice([null, null, -1]))
    expect(x.toArray()).toEqual([4, 3, 2, 1, 0])
  })

  test('is refused where a graph may need the whole: of a leaf outside noGrad, and of what was computed', () => {
    const leaf = tensor([1, 2, 3], { requiresGrad: true })
    const doubled = leaf.mul(2)
    for (const part of [leaf.slice(0), leaf.slice([1]), doubled.slice([1])])
      expect(() => part.fill_(0)).toThrow(/fill_: this tensor was computed by slice/)
    expect(leaf.toArray()).toEqual([1, 2, 3])
    noGrad(() => leaf.slice([1]).fill_(0))
    expect(leaf.toArray()).toEqual([1, 0, 0])
    expect(leaf.requiresGrad).toBe(true)
  })

  test('makes backward() throw when the whole, or another part, was saved', () => {
    const w = tensor([1, 2, 3], { requiresGrad: true })
    for (const saved of [(x: Tensor) => x, (x: Tensor) => x.slice([2]), (x: Tensor) => x.split(1)[1]]) {
      const x = tensor([1, 2, 3])
      const loss = w.mul(saved(x)).sum()
      x.slice(0).fill_(9)
      expect(() => loss.backward()).toThrow(/mul saved a tensor of shape \(\d\) that was changed in place/)
      expect(w.grad).toBeNull()
    }
  })
})
