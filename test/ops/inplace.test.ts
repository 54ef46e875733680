/** Every check over every in-place row of the op table. */
import { describe, expect, test } from 'vitest'
import type { Dtype } from '../../src/dtype.ts'
import { DtypeError, GraphError, noGrad, ShapeError, StaleTensorError, type Tensor, tensor } from '../../src/index.ts'
import { numelOf, type Shape } from '../../src/shape.ts'
import { elementwise } from './case.ts'
import { inPlace } from './cases.ts'
import { clean, expectClose, LAYOUTS, make, operation, part, random, showInputs, starve } from './check.ts'
import { type Nd, zip } from './nd.ts'
import { transpose } from './reference/shape.ts'

const pair = (a: Shape, b: Shape) => [a, b] as const

const EQUAL = [...[0, 1, 3, 4, 5, 7, 8, 15, 16, 17, 1000].map((n) => [n]), [], [3, 4], [2, 3, 4], [2, 0, 3]]

const BROADCASTS = [
  pair([3, 4], [4]),
  pair([3, 4], [3, 1]),
  pair([3, 4], []),
  pair([5], [1]),
  pair([2, 3, 4], [3, 1]),
  pair([2, 3, 4], [2, 1, 4]),
  pair([2, 3, 2, 3], [3, 1, 3]),
  pair([0, 3], [3]),
]

const numbers = (shape: Shape, seed: number): Nd => ({ shape, data: random(numelOf(shape), seed) })
const whole = ({ shape, data }: Nd): Nd => ({ shape, data: data.map((x) => Math.round(Math.abs(x))) })

const named = inPlace.map((row) => ({ ...row, name: [row.op, ...(row.params ?? [])].join(' ') }))

describe.each(named)('$name', ({ op, f, takes, params = [], anyDtype = false }) => {
  const takesTensor = takes.includes('tensor')
  const operands = (x: Nd): (Nd | number | null)[] => [
    ...(takesTensor ? [numbers(x.shape, 2)] : []),
    ...(takes.includes('number') ? [1.5] : []),
    ...(takes === 'nothing' ? [null] : []),
  ]
  const uses = [
    ...EQUAL.flatMap((shape) => operands(numbers(shape, 1)).map((other) => ({ x: numbers(shape, 1), other }))),
    ...(takes.startsWith('a tensor') && !takes.endsWith('shape') ? BROADCASTS : []).map(([shape, narrower]) => ({
      x: numbers(shape, 1),
      other: numbers(narrower, 2),
    })),
  ].map((use) => ({
    ...use,
    name:
      typeof use.other === 'object'
        ? showInputs([use.x, use.other].filter((x) => x !== null))
        : `${showInputs([use.x])} and a number`,
  }))
  const expected = (x: Nd, other: Nd | number | null) =>
    typeof other === 'object' && other ? zip(f, x, other) : zip((element) => f(element, other ?? 0), x)
  const change = (x: Tensor, other: Tensor | number | null) =>
    operation(op)(x, ...(other === null ? [] : [other]), ...params)
  const given = (other: Nd | number | null, layout: (typeof LAYOUTS)[number], dtype?: Dtype) =>
    typeof other === 'object' && other ? make(other, layout, dtype).x : other
  const expectElements = (x: Tensor, { data }: Nd) => {
    expectClose(x.toTypedArray(), data, (i) => elementwise(data[i], 0, []))
  }
  /** A valid operand for a tensor of this shape, other than anything a test looks at. */
  const any = (shape: Shape) => given(operands(numbers(shape, 1))[0], 'dense')

  describe.each(uses)('of $name', ({ x: before, other }) => {
    const sizes = [numelOf(before.shape), typeof other === 'object' && other ? numelOf(other.shape) : 1]
    const after = expected(before, other)

    test.each(LAYOUTS)('changes every element and nothing beside, %s', (layout) => {
      for (const operandLayout of takesTensor ? LAYOUTS : (['dense'] as const))
        clean(sizes, () => {
          const { x, around } = make(before, layout)
          const others = around()
          expect(change(x, given(other, operandLayout))).toBe(x)
          expectElements(x, after)
          expect(around()).toEqual(others)
        })
    })

    test('changes nothing and loses no memory when there is not enough of it', () => {
      if (before.data.length > 100) return
      for (const layout of LAYOUTS)
        clean(sizes, () => {
          const { x } = make(before, layout)
          const operand = given(other, layout)
          starve(
            () => change(x, operand),
            () => expectElements(x, before),
          )
          expectElements(x, after)
        })
    })
  })

  if (takesTensor)
    test('takes an operand of another dtype', () => {
      const [x, other] = [numbers([3, 5], 1), whole(numbers([3, 5], 2))]
      for (const dtype of ['int32', 'uint8'] as const)
        clean([15], () => {
          const changed = make(x, 'dense').x
          change(changed, given(other, 'last axes exchanged', dtype))
          expectElements(changed, expected(x, other))
        })
    })

  if (anyDtype)
    test('changes tensors of every dtype', () => {
      for (const dtype of ['int32', 'uint8', 'bool'] as const)
        for (const layout of LAYOUTS)
          for (const n of [1, 3, 4, 5, 17])
            clean([n, n * 2], () => {
              const limit = ({ shape, data }: Nd): Nd =>
                dtype === 'bool' ? { shape, data: data.map((x) => Number(x !== 0)) } : { shape, data }
              const [x, other] = [
                whole(numbers([2, n], 1)),
                takesTensor ? whole(numbers([2, n], 2)) : operands(numbers([], 1))[0] && 2,
              ]
              const { x: changed } = make(limit(x), layout, dtype)
              change(changed, given(other, 'dense'))
              expect(changed.dtype).toBe(dtype)
              expectElements(changed, limit(expected(x, other)))
            })
    })

  if (!anyDtype)
    test('refuses tensors that are not float32', () => {
      for (const dtype of ['int32', 'uint8', 'bool'] as const)
        clean([6], () => {
          expect(() => change(make(whole(numbers([2, 3], 1)), 'dense', dtype).x, any([2, 3]))).toThrow(DtypeError)
        })
    })

  if (takesTensor)
    test('refuses an operand that does not broadcast to the target', () => {
      for (const [shape, other] of [pair([3], [2]), pair([3], [2, 3]), pair([1, 3], [2, 1]), pair([], [1])])
        clean([numelOf(shape)], () => {
          const x = make(numbers(shape, 1), 'dense').x
          expect(() => change(x, given(numbers(other, 2), 'dense'))).toThrow(ShapeError)
          expectElements(x, numbers(shape, 1))
        })
    })

  if (takesTensor)
    describe('with an operand in the memory of the target', () => {
      const square = numbers([5, 5], 1)

      test('takes the target itself', () => {
        clean([25], () => {
          for (const layout of LAYOUTS) {
            const { x } = make(square, layout)
            change(x, x)
            expectElements(x, expected(square, square))
          }
        })
      })

      test('takes its transpose as it was before', () => {
        clean([25], () => {
          for (const layout of LAYOUTS) {
            const { x } = make(square, layout)
            change(x, x.transpose(0, 1))
            expectElements(x, expected(square, transpose(square, 0, 1)))
          }
        })
      })

      test('takes the elements before and behind as they were', () => {
        clean([20], () => {
          for (const to of [0, 3]) {
            const from = 3 - to
            const all = numbers([20], 1)
            const base = make(all, 'dense').x
            const slice = (start: number): Nd => ({ shape: [17], data: all.data.slice(start, start + 17) })
            change(part(base, [17], to), part(base, [17], from))
            expectElements(part(base, [17], to), expected(slice(to), slice(from)))
          }
        })
      })

      if (!takes.endsWith('shape'))
        test('takes its first row as it was', () => {
          clean([25], () => {
            const { x } = make(square, 'dense')
            change(x, part(x, [5], 0))
            expectElements(x, expected(square, { shape: [5], data: square.data.slice(0, 5) }))
          })
        })
    })

  describe('and the tape', () => {
    test('refuses a leaf that requires a gradient, but for under noGrad', () => {
      clean([3], () => {
        const x = tensor([1, 2, 3], { requiresGrad: true })
        expect(() => change(x, any([3]))).toThrow(GraphError)
        expectElements(x, { shape: [3], data: Float64Array.of(1, 2, 3) })
        noGrad(() => change(x, any([3])))
        expect(x.requiresGrad).toBe(true)
      })
    })

    test('refuses what an operation recorded, until backward() has been', () => {
      clean([3], () => {
        const x = tensor([1, 2, 3], { requiresGrad: true })
        const y = x.mul(2)
        expect(() => change(y, any([3]))).toThrow(GraphError)
        expect(() => noGrad(() => change(y, any([3])))).toThrow(GraphError)
        y.backward(tensor([1, 1, 1]))
        noGrad(() => change(y, any([3])))
      })
    })

    if (takesTensor)
      test('refuses an operand whose gradient it would lose', () => {
        clean([3], () => {
          const operand = tensor([1, 2, 3], { requiresGrad: true })
          const x = tensor([1, 2, 3])
          expect(() => change(x, operand)).toThrow(GraphError)
          expectElements(x, { shape: [3], data: Float64Array.of(1, 2, 3) })
          noGrad(() => change(x, operand))
        })
      })

    test.each(['the saved tensor', 'a view of it', 'its detached self'])(
      'makes backward() throw once %s has changed',
      (which) => {
        clean([4], () => {
          const w = tensor(
            [
              [1, 2],
              [3, 4],
            ],
            { requiresGrad: true },
          )
          const x = tensor([
            [1, 2],
            [3, 4],
          ])
          const loss = w.div(x).sum()
          const changed = { 'the saved tensor': x, 'a view of it': x.transpose(0, 1), 'its detached self': x.detach() }[
            which
          ]
          change(changed!, any([2, 2]))
          expect(() => loss.backward()).toThrow(/div saved a tensor of shape \(2, 2\) that was changed in place/)
          expect(w.grad).toBeNull()
        })
      },
    )

    test('leaves backward() alone when a tensor changes before or that was not saved', () => {
      clean([3], () => {
        const w = tensor([1, 2, 3], { requiresGrad: true })
        const x = tensor([1, 2, 3])
        const bystander = tensor([1, 2, 3])
        change(x, any([3]))
        const saved = x.clone()
        const loss = w.mul(x).add(bystander).sum()
        change(bystander, any([3]))
        loss.backward()
        expect(w.grad!.toArray()).toEqual(saved.toArray())
      })
    })
  })

  test('refuses a tensor whose memory is gone, on either side', () => {
    clean([3], () => {
      const gone = tensor([1, 2, 3])
      gone.dispose()
      expect(() => change(gone, any([3]))).toThrow(StaleTensorError)
      if (takesTensor) expect(() => change(tensor([1, 2, 3]), gone)).toThrow(StaleTensorError)
    })
  })

  test('changes a single element whose memory is gone, and takes one', () => {
    clean([1], () => {
      for (const dtype of anyDtype ? (['float32', 'int32'] as const) : (['float32'] as const)) {
        const [x, other] = [numbers([1], 1), numbers([1], 2)].map(whole)
        const gone = make(x, 'dense', dtype).x
        gone.dispose()
        const operand = make(other, 'dense').x
        operand.dispose()
        const number = takes === 'nothing' ? null : 2
        change(gone, takesTensor ? operand : number)
        expectElements(gone, expected(x, takesTensor ? other : number))
        gone.dispose()
      }
    })
  })
})
