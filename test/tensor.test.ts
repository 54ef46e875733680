/** The tensor itself: reading, converting, leaves and their gradients, detach and clone. */
import { describe, expect, test } from 'vitest'
import {
  arange,
  DtypeError,
  GraphError,
  memory,
  noGrad,
  randn,
  ShapeError,
  StaleTensorError,
  scope,
  steps,
  type Tensor,
  tensor,
  zeros,
} from '../src/index.ts'

/** 0 to 5 in two rows. */
const matrix = () => arange(6).reshape([2, 3])

const disposed = (x: Tensor) => {
  x.dispose()
  return x
}

describe('item', () => {
  test('gives the value of a single element, whatever its shape and dtype', () => {
    expect(tensor(2.5).item()).toBe(2.5)
    expect(tensor([[[-7]]], { dtype: 'int32' }).item()).toBe(-7)
    expect(tensor([200], { dtype: 'uint8' }).item()).toBe(200)
    expect([true, false].map((value) => tensor(value).item())).toEqual([1, 0])
  })

  test('throws for any other number of elements', () => {
    expect(() => tensor([1, 2]).item()).toThrow(ShapeError)
    expect(() => tensor([]).item()).toThrow('shape (0) has 0 elements')
  })

  test('works after the memory has gone, by any of its ways', () => {
    expect(disposed(tensor([3])).item()).toBe(3)
    let inside = tensor(0)
    scope(() => {
      inside = tensor([[4]])
    })
    expect(inside.item()).toBe(4)
    const losses: Tensor[] = []
    for (const i of steps(4)) losses.push(tensor(i))
    expect(losses.map((loss) => loss.item())).toEqual([0, 1, 2, 3])
  })
})

test('JSON.stringify writes what tensor reads back', () => {
  for (const x of [matrix().transpose(0, 1), tensor([[true, false]]), tensor(2.5), zeros([0])]) {
    expect(x.toJSON()).toEqual(x.toArray())
    const back = tensor(JSON.parse(JSON.stringify({ x })).x)
    expect([back.dtype, back.toArray()]).toEqual([x.dtype, x.toArray()])
  }
})

describe('toArray and toTypedArray', () => {
  test('give booleans for bool and numbers otherwise, nested as the shape says', () => {
    expect(tensor([[true, false]]).toArray()).toEqual([[true, false]])
    expect(tensor(true).toArray()).toBe(true)
    expect(tensor(5).toArray()).toBe(5)
    expect(matrix().toArray()).toEqual([
      [0, 1, 2],
      [3, 4, 5],
    ])
    expect(zeros([2, 0, 3]).toArray()).toEqual([[], []])
    expect(zeros([0, 2]).toArray()).toEqual([])
  })

  test('give the typed array of each dtype', () => {
    expect(tensor([1.5]).toTypedArray()).toEqual(Float32Array.of(1.5))
    expect(tensor([1], { dtype: 'int32' }).toTypedArray()).toEqual(Int32Array.of(1))
    expect(tensor([1], { dtype: 'uint8' }).toTypedArray()).toEqual(Uint8Array.of(1))
    expect(tensor([true]).toTypedArray()).toEqual(Uint8Array.of(1))
  })

  test('read views in logical order', () => {
    for (const dtype of ['float32', 'int32', 'uint8'] as const) {
      const x = matrix().to(dtype)
      expect([...x.transpose(0, 1).toTypedArray()]).toEqual([0, 3, 1, 4, 2, 5])
      expect(x.transpose(0, 1).reshape([2, 3]).toArray()).toEqual([
        [0, 3, 1],
        [4, 2, 5],
      ])
    }
    const x = arange(24).reshape([2, 3, 4]).transpose(0, 2)
    expect(x.toArray()).toEqual([0, 1, 2, 3].map((k) => [0, 1, 2].map((j) => [0, 1].map((i) => i * 12 + j * 4 + k))))
  })

  test('copy: what comes out and what is inside change apart', () => {
    const x = tensor([1, 2])
    const copy = x.toTypedArray()
    copy[0] = 9
    expect(x.toArray()).toEqual([1, 2])
    x.fill_(7)
    expect([...copy]).toEqual([9, 2])
  })

  test('lose no memory', () => {
    const x = matrix().transpose(0, 1)
    const gone = disposed(tensor([5]))
    const { live } = memory()
    x.toArray()
    x.toTypedArray()
    expect(gone.toArray()).toEqual([5])
    expect(memory().live).toBe(live)
  })

  test('throw for a tensor whose memory is gone, saying how, and what to do', () => {
    const x = disposed(zeros([2, 3]))
    expect(() => x.toArray()).toThrow(StaleTensorError)
    expect(() => x.toArray()).toThrow(/toTypedArray: .*shape \(2, 3\).*it was disposed.*clone\(\)/)
  })
})

describe('to', () => {
  test('converts between all dtypes', () => {
    const x = tensor([0, 1.9, -1.9, 255])
    expect(x.int().toArray()).toEqual([0, 1, -1, 255])
    expect(x.bool().toArray()).toEqual([false, true, true, true])
    expect(x.int().float().toArray()).toEqual([0, 1, -1, 255])
    expect(tensor([0, 7, 255], { dtype: 'int32' }).to('uint8').toArray()).toEqual([0, 7, 255])
    expect(tensor([0, 7], { dtype: 'uint8' }).bool().float().toArray()).toEqual([0, 1])
    expect(tensor([NaN, 1e-45]).bool().toArray()).toEqual([true, true])
  })

  test('gives the tensor itself when it has that dtype', () => {
    for (const dtype of ['float32', 'int32', 'uint8', 'bool'] as const) {
      const x = tensor([1, 0], { dtype })
      expect(x.to(dtype)).toBe(x)
    }
    const leaf = tensor([1], { requiresGrad: true })
    expect(leaf.float()).toBe(leaf)
  })

  test('refuses to cut a gradient silently', () => {
    const x = tensor([1.5], { requiresGrad: true })
    expect(() => x.int()).toThrow(GraphError)
    expect(() => x.mul(2).bool()).toThrow(GraphError)
    expect(x.detach().int().toArray()).toEqual([1])
    expect(noGrad(() => x.int().item())).toBe(1)
  })
})

test('eq compares integers exactly, also beyond what float32 holds', () => {
  const x = tensor([2 ** 24, 2 ** 24 + 1], { dtype: 'int32' })
  expect(x.eq(tensor([2 ** 24 + 1, 2 ** 24 + 1], { dtype: 'int32' })).toArray()).toEqual([false, true])
  expect(x.eq(2 ** 24 + 1).toArray()).toEqual([false, true])
  expect(x.eq(0.5).toArray()).toEqual([false, false])
  expect(
    tensor([3], { dtype: 'uint8' })
      .eq(tensor([3], { dtype: 'int32' }))
      .toArray(),
  ).toEqual([true])
  expect(
    tensor([true, false])
      .eq(tensor([1, 1]))
      .toArray(),
  ).toEqual([true, false])
})

describe('detach and clone', () => {
  test('detach shares memory, clone does not', () => {
    const x = tensor([1, 2])
    const [detached, cloned] = [x.detach(), x.clone()]
    x.fill_(7)
    expect(detached.toArray()).toEqual([7, 7])
    expect(cloned.toArray()).toEqual([1, 2])
    detached.fill_(8)
    expect(x.toArray()).toEqual([8, 8])
  })

  test('both leave the graph, as leaves that require no gradient', () => {
    const x = tensor([1, 2], { requiresGrad: true })
    const y = x.mul(x)
    for (const copy of [y.detach(), y.clone(), x.detach(), x.clone()])
      expect([copy.requiresGrad, copy.isLeaf, copy.grad]).toEqual([false, true, null])
    x.mul(y.detach()).sum().backward()
    expect(x.grad!.toArray()).toEqual([1, 4])
  })

  test('keep the values when the original is disposed', () => {
    const x = tensor([1, 2])
    const [detached, cloned] = [x.detach(), x.clone()]
    x.dispose()
    expect([detached.toArray(), cloned.toArray()]).toEqual([
      [1, 2],
      [1, 2],
    ])
  })

  test('take views, and single elements whose memory is gone', () => {
    const x = matrix().transpose(0, 1)
    expect(x.detach().toArray()).toEqual(x.toArray())
    expect(x.clone().toArray()).toEqual(x.toArray())
    expect(
      disposed(tensor([5]))
        .detach()
        .toArray(),
    ).toEqual([5])
    expect(
      disposed(tensor([5]))
        .clone()
        .toArray(),
    ).toEqual([5])
  })

  test('lose no memory', () => {
    const { live } = memory()
    scope(() => {
      const gone = disposed(tensor(5))
      gone.detach()
      gone.clone()
      matrix().transpose(0, 1).clone()
    })
    expect(memory().live).toBe(live)
  })
})

describe('requiresGrad', () => {
  test('spreads from inputs to results, not under noGrad', () => {
    const x = tensor([1], { requiresGrad: true })
    const c = tensor([1])
    expect([x.add(c), c.add(x), c.add(c), x.reshape([1, 1]), x.eq(c), x.argmax()].map((y) => y.requiresGrad)).toEqual([
      true,
      true,
      false,
      true,
      false,
      false,
    ])
    expect(noGrad(() => x.add(x).keep()).requiresGrad).toBe(false)
    expect([x.isLeaf, x.add(c).isLeaf, c.add(c).isLeaf]).toEqual([true, false, true])
  })

  test('is for float32 alone', () => {
    for (const dtype of ['int32', 'uint8', 'bool'] as const)
      expect(() => {
        tensor([1], { dtype }).requiresGrad = true
      }).toThrow(DtypeError)
  })

  test('freezes leaves, not what was computed', () => {
    const x = tensor([1], { requiresGrad: true })
    const y = x.mul(2)
    expect(() => {
      y.requiresGrad = false
    }).toThrow(GraphError)
    x.requiresGrad = false
    expect(x.mul(2).requiresGrad).toBe(false)
  })
})

describe('grad', () => {
  test('is null until backward, then a tensor that adds up', () => {
    const x = tensor([1, 2], { requiresGrad: true })
    expect(x.grad).toBeNull()
    x.mul(3).sum().backward()
    x.mul(x).sum().backward()
    expect(x.grad!.toArray()).toEqual([5, 7])
    expect([x.grad!.requiresGrad, x.grad!.isLeaf]).toEqual([false, true])
  })

  test('set to null is freed', () => {
    const x = tensor([1, 2], { requiresGrad: true })
    x.grad = tensor([3, 4])
    const { grad } = x
    const { live } = memory()
    x.grad = null
    expect(x.grad).toBeNull()
    expect(memory().live).toBe(live - 16)
    expect(() => grad!.toArray()).toThrow(/its gradient was cleared/)
  })

  test('set to a tensor is a copy of it, dense and float32, that backward adds to', () => {
    const x = zeros([3, 2], { requiresGrad: true })
    const values = matrix()
    x.grad = values.transpose(0, 1)
    values.fill_(9)
    expect(x.grad!.toArray()).toEqual([
      [0, 3],
      [1, 4],
      [2, 5],
    ])
    x.grad = x.grad!.int()
    expect(x.grad!.dtype).toBe('float32')
    x.sum().backward()
    expect(x.grad!.toArray()).toEqual([
      [1, 4],
      [2, 5],
      [3, 6],
    ])
  })

  test('refuses another shape, and stays as it was', () => {
    const x = zeros([2, 3], { requiresGrad: true })
    x.grad = matrix()
    expect(() => {
      x.grad = zeros([3, 2])
    }).toThrow(ShapeError)
    expect(x.grad!.toArray()).toEqual(matrix().toArray())
  })

  test('is freed with its tensor, and loses no memory when it is set again', () => {
    const { live } = memory()
    const x = zeros([2, 3], { requiresGrad: true })
    scope(() => {
      for (let i = 0; i < 3; i++) x.grad = matrix()
    })
    x.dispose()
    expect(memory().live).toBe(live)
  })
})

describe('backward', () => {
  test('takes an upstream gradient of any layout and dtype, and loses no memory', () => {
    const walk = () =>
      scope(() => {
        const upstream = matrix().transpose(0, 1)
        for (const dy of [upstream, upstream.int(), upstream.clone()]) {
          const x = randn([3, 2], { requiresGrad: true })
          x.mul(2).backward(dy)
          expect(x.grad!.toArray()).toEqual([
            [0, 6],
            [2, 8],
            [4, 10],
          ])
        }
      })
    walk()
    const { live } = memory()
    walk()
    expect(memory().live).toBe(live)
  })

  test('takes a single upstream element whose memory is gone', () => {
    const x = tensor([2], { requiresGrad: true })
    x.mul(3).backward(disposed(tensor([5])))
    expect(x.grad!.item()).toBe(15)
  })

  test('leaves no copy of the upstream gradient behind', () => {
    const x = zeros([3, 2], { requiresGrad: true })
    const upstream = matrix().transpose(0, 1)
    x.mul(2).backward(upstream)
    const { live } = memory()
    for (let i = 0; i < 3; i++) x.mul(2).backward(upstream)
    expect(memory().live).toBe(live)
  })

  test('adds every path to a leaf that is used several times', () => {
    const x = tensor([2, -3], { requiresGrad: true })
    const y = x.mul(x).add(x).mul(x.sub(1))
    y.sum().backward()
    expect(x.grad!.toArray()).toEqual([11, 26])
  })

  test('reaches a leaf directly', () => {
    const x = tensor([1, 2], { requiresGrad: true })
    x.backward(tensor([3, 4]))
    expect(x.grad!.toArray()).toEqual([3, 4])
  })

  test('needs an upstream gradient of the same shape, unless there is a single element', () => {
    const x = tensor([1, 2], { requiresGrad: true })
    expect(() => x.mul(2).backward()).toThrow(GraphError)
    expect(() => x.mul(2).backward(tensor([1]))).toThrow(ShapeError)
    x.mul(2).sum().reshape([1, 1]).backward()
    expect(x.grad!.toArray()).toEqual([2, 2])
  })

  test('refuses what depends on nothing, and a second walk', () => {
    expect(() => tensor([1]).backward()).toThrow(GraphError)
    expect(() => tensor([1]).eq(1).backward()).toThrow(GraphError)
    const y = tensor([2], { requiresGrad: true }).mul(2)
    y.backward()
    expect(() => y.backward()).toThrow(/walked by an earlier backward/)
  })
})
