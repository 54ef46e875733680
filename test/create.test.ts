/** Making tensors: dtypes, shapes, and what is refused. */
import { beforeEach, describe, expect, test } from 'vitest'
import {
  arange,
  DtypeError,
  eye,
  full,
  linspace,
  manualSeed,
  memory,
  type NestedData,
  OptionError,
  ones,
  rand,
  randint,
  randn,
  ShapeError,
  type Tensor,
  type TensorData,
  tensor,
  zeros,
} from '../src/index.ts'

describe('tensor', () => {
  test.each<[string, TensorData, string, unknown]>([
    ['a number', 1.5, 'float32', 1.5],
    ['a boolean', true, 'bool', true],
    ['numbers', [1, 2.5], 'float32', [1, 2.5]],
    ['booleans', [true, false], 'bool', [true, false]],
    ['nothing', [], 'float32', []],
    ['a Float32Array', Float32Array.of(1.5, -2), 'float32', [1.5, -2]],
    ['a Float64Array', Float64Array.of(1.5, -2), 'float32', [1.5, -2]],
    ['a Uint8Array', Uint8Array.of(0, 255), 'uint8', [0, 255]],
    ['a Uint8ClampedArray', Uint8ClampedArray.of(0, 255), 'uint8', [0, 255]],
    ['an Int8Array', Int8Array.of(-128, 127), 'int32', [-128, 127]],
    ['an Int16Array', Int16Array.of(-32768, 32767), 'int32', [-32768, 32767]],
    ['a Uint16Array', Uint16Array.of(0, 65535), 'int32', [0, 65535]],
    ['an Int32Array', Int32Array.of(-(2 ** 31), 2 ** 31 - 1), 'int32', [-(2 ** 31), 2 ** 31 - 1]],
    ['a Uint32Array', Uint32Array.of(0, 2 ** 31 - 1), 'int32', [0, 2 ** 31 - 1]],
    ['a BigInt64Array', BigInt64Array.of(-5n, 7n), 'int32', [-5, 7]],
    ['a BigUint64Array', BigUint64Array.of(0n, 7n), 'int32', [0, 7]],
  ])('makes of %s what the data says', (_kind, data, dtype, elements) => {
    const x = tensor(data)
    expect(x.dtype).toBe(dtype)
    expect(x.toArray()).toEqual(elements)
  })

  test.each<[NestedData, number[]]>([
    [7, []],
    [[7], [1]],
    [[], [0]],
    [[[]], [1, 0]],
    [
      [[], []],
      [2, 0],
    ],
    [
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
      [2, 3],
    ],
    [
      [
        [[1], [2]],
        [[3], [4]],
      ],
      [2, 2, 1],
    ],
    [[[[[[[[[1, 2]]]]]]]], [1, 1, 1, 1, 1, 1, 1, 2]],
  ])('takes its shape from the nesting of %j', (data, shape) => {
    const x = tensor(data)
    expect(x.shape).toEqual(shape)
    expect(x.toArray()).toEqual(data)
  })

  test('gives flat and nested data another shape', () => {
    expect(tensor(Float32Array.of(1, 2, 3, 4), { shape: [2, 2] }).toArray()).toEqual([
      [1, 2],
      [3, 4],
    ])
    expect(
      tensor(
        [
          [1, 2],
          [3, 4],
        ],
        { shape: [4] },
      ).toArray(),
    ).toEqual([1, 2, 3, 4])
    expect(tensor([5], { shape: [] }).toArray()).toBe(5)
    expect(tensor(5, { shape: [1, 1] }).toArray()).toEqual([[5]])
    expect(tensor([], { shape: [3, 0, 2] }).shape).toEqual([3, 0, 2])
  })

  test('copies the data, and the shape', () => {
    const data = Float32Array.of(1, 2)
    const shape = [2, 1]
    const x = tensor(data, { shape })
    data[0] = 9
    shape[0] = 7
    expect(x.toArray()).toEqual([[1], [2]])
    expect(x.shape).toEqual([2, 1])
  })

  test.each<[TensorData, 'float32' | 'int32' | 'uint8' | 'bool', unknown]>([
    [[1, 2], 'int32', [1, 2]],
    [[0, 255], 'uint8', [0, 255]],
    [[0, -3, 0.5, NaN], 'bool', [false, true, true, true]],
    [[true, false], 'float32', [1, 0]],
    [[true, false], 'int32', [1, 0]],
    [Int32Array.of(3, -4), 'float32', [3, -4]],
    [Uint8Array.of(0, 200), 'int32', [0, 200]],
    [Uint8Array.of(0, 200), 'bool', [false, true]],
    [BigInt64Array.of(3n), 'float32', [3]],
  ])('converts %o to %s on demand', (data, dtype, elements) => {
    const x = tensor(data, { dtype })
    expect(x.dtype).toBe(dtype)
    expect(x.toArray()).toEqual(elements)
  })

  test('rounds float64 to the nearest float32, and keeps NaN, infinities and the sign of zero', () => {
    expect(tensor([0.1]).item()).toBe(Math.fround(0.1))
    expect(tensor([1e39, -1e39, NaN, -0]).toArray()).toEqual([Infinity, -Infinity, NaN, -0])
  })

  test.each<[string, TensorData, string]>([
    ['at the top', [[1, 2], [3]], 'data[1] has 1 elements where others have 2'],
    [
      'deeper',
      [
        [
          [1, 2],
          [3, 4],
        ],
        [[5, 6], [7]],
      ],
      'data[1][1] has 1 elements where others have 2',
    ],
    ['a number for an array', [[1], 2] as NestedData, 'a number at data[1] where others have an array of 1'],
    ['an array for a number', [1, [2]] as NestedData, 'data[1] has 1 elements where others have a single value'],
    ['longer than the first', [[], [1]], 'data[1] has 1 elements where others have 0'],
  ])('refuses ragged data, %s, and says where', (_where, data, message) => {
    expect(() => tensor(data)).toThrow(ShapeError)
    expect(() => tensor(data)).toThrow(message)
  })

  test.each<[string, unknown, string]>([
    ['a string', [[1, 'x']], 'data[0][1] is a string'],
    ['null', [null], 'data[0] is null'],
    ['undefined', undefined, 'is undefined'],
    ['a hole', [1, undefined], 'data[1] is undefined'],
    ['numbers among booleans', [true, 1], 'data[1] is a number among booleans'],
    ['booleans among numbers', [[0], [false]], 'data[1][0] is a boolean among numbers'],
  ])('refuses %s, and says where', (_what, data, message) => {
    expect(() => tensor(data as TensorData)).toThrow(DtypeError)
    expect(() => tensor(data as TensorData)).toThrow(message)
  })

  test.each<[TensorData, 'int32' | 'uint8', string]>([
    [[1, 2.5], 'int32', 'value 2.5 at index 1'],
    [[NaN], 'int32', 'value NaN at index 0'],
    [[2 ** 31], 'int32', 'value 2147483648 at index 0'],
    [[0, 256], 'uint8', 'value 256 at index 1'],
    [[-1], 'uint8', 'value -1 at index 0'],
    [Int32Array.of(7, 300), 'uint8', 'value 300 at index 1'],
    [Int32Array.of(-7), 'uint8', 'value -7 at index 0'],
  ])('refuses %j as %s', (data, dtype, message) => {
    expect(() => tensor(data, { dtype })).toThrow(DtypeError)
    expect(() => tensor(data, { dtype })).toThrow(message)
  })

  test.each<[TensorData, string]>([
    [Uint32Array.of(0, 2 ** 31), 'value 2147483648 at index 1'],
    [BigInt64Array.of(-(2n ** 40n)), 'value -1099511627776 at index 0'],
    [BigUint64Array.of(2n ** 32n), 'value 4294967296 at index 0'],
  ])('refuses integers beyond 32 bits: %s', (data, message) => {
    expect(() => tensor(data)).toThrow(DtypeError)
    expect(() => tensor(data)).toThrow(message)
  })

  test.each<[TensorData, number[], string]>([
    [[1, 2, 3], [2, 2], '3 values do not fill shape (2, 2) of 4 elements'],
    [Float32Array.of(1), [], ''],
    [[1, 2], [], '2 values do not fill shape () of 1 elements'],
    [[1], [0], '1 values do not fill shape (0) of 0 elements'],
  ])('holds %j to shape %j', (data, shape, message) => {
    if (message === '') expect(tensor(data, { shape }).shape).toEqual(shape)
    else expect(() => tensor(data, { shape })).toThrow(message)
  })

  test.each([[[-1]], [[1.5]], [[NaN]], [[1, 1, 1, 1, 1, 1, 1, 1, 1]], [[2 ** 16, 2 ** 16]]])(
    'and every other function refuses the shape %j, and loses no memory',
    (shape) => {
      const { live } = memory()
      const makers: (() => Tensor)[] = [
        () => tensor([1], { shape }),
        () => zeros(shape),
        () => ones(shape),
        () => full(shape, 2),
        () => rand(shape),
        () => randn(shape),
        () => randint(0, 2, shape),
      ]
      for (const make of makers) expect(make).toThrow(ShapeError)
      expect(memory().live).toBe(live)
    },
  )

  test('requires a gradient on demand, of float32 alone', () => {
    expect(tensor([1]).requiresGrad).toBe(false)
    expect(tensor([1], { requiresGrad: true }).requiresGrad).toBe(true)
    const { live } = memory()
    for (const dtype of ['int32', 'uint8', 'bool'] as const) {
      expect(() => tensor([1], { dtype, requiresGrad: true })).toThrow(DtypeError)
      expect(() => zeros([1], { dtype, requiresGrad: true })).toThrow(DtypeError)
    }
    expect(() => tensor([true], { requiresGrad: true })).toThrow(DtypeError)
    expect(() => arange(0, 3, 1, { dtype: 'int32', requiresGrad: true })).toThrow(DtypeError)
    expect(memory().live).toBe(live)
  })
})

describe('zeros, ones and full', () => {
  test.each([[[]], [[0]], [[1]], [[3]], [[17]], [[2, 3]]])('fill the shape %j, of any dtype', (shape) => {
    for (const dtype of ['float32', 'int32', 'uint8', 'bool'] as const) {
      const made = [zeros(shape, { dtype }), ones(shape, { dtype }), full(shape, 1, { dtype })]
      for (const x of made) expect([x.shape, x.dtype]).toEqual([shape, dtype])
      expect(made.map((x) => new Set(x.toTypedArray()))).toEqual(
        [0, 1, 1].map((value) => new Set(shape.includes(0) ? [] : [value])),
      )
    }
  })

  test('give float32 unless told otherwise, of any value', () => {
    expect(full([2], NaN).toArray()).toEqual([NaN, NaN])
    expect(full([2], -0).toArray()).toEqual([-0, -0])
    expect([zeros([1]), ones([1]), full([1], 3)].map(({ dtype }) => dtype)).toEqual(['float32', 'float32', 'float32'])
    expect(full([2], 7, { dtype: 'bool' }).toArray()).toEqual([true, true])
    expect(ones([2], { requiresGrad: true }).requiresGrad).toBe(true)
  })

  test('refuse what the dtype cannot hold', () => {
    expect(() => full([2], 1.5, { dtype: 'int32' })).toThrow(DtypeError)
    expect(() => full([2], 256, { dtype: 'uint8' })).toThrow(DtypeError)
    expect(() => full([2], NaN, { dtype: 'int32' })).toThrow(DtypeError)
  })
})

describe('arange', () => {
  test.each<[number[], number[]]>([
    [[4], [0, 1, 2, 3]],
    [[0], []],
    [[-2], []],
    [[2.5], [0, 1, 2]],
    [
      [1, 4],
      [1, 2, 3],
    ],
    [[4, 1], []],
    [
      [4, 1, -1],
      [4, 3, 2],
    ],
    [
      [0, 1, 0.25],
      [0, 0.25, 0.5, 0.75],
    ],
    [
      [-1, 1, 0.75],
      [-1, -0.25, 0.5],
    ],
  ])('%j counts %j', (args, elements) => {
    const [start, end, step] = args
    const x = arange(start, end, step)
    expect(x.dtype).toBe('float32')
    expect(x.toArray()).toEqual(elements)
  })

  test('gives int32 on demand, exact to the last', () => {
    const x = arange(2 ** 31 - 4, 2 ** 31 - 1, 1, { dtype: 'int32' })
    expect(x.dtype).toBe('int32')
    expect(x.toArray()).toEqual([2 ** 31 - 4, 2 ** 31 - 3, 2 ** 31 - 2])
    expect(arange(3, undefined, 1, { dtype: 'int32' }).toArray()).toEqual([0, 1, 2])
  })

  test('refuses a step of 0, what is not finite, other dtypes, and fractions for int32', () => {
    expect(() => arange(0, 1, 0)).toThrow(OptionError)
    expect(() => arange(0, Infinity)).toThrow(OptionError)
    expect(() => arange(NaN)).toThrow(OptionError)
    expect(() => arange(0, 3, 1, { dtype: 'uint8' })).toThrow(DtypeError)
    expect(() => arange(0, 3, 0.5, { dtype: 'int32' })).toThrow(DtypeError)
  })
})

describe('linspace', () => {
  test.each<[number, number, number, number[]]>([
    [0, 1, 5, [0, 0.25, 0.5, 0.75, 1]],
    [1, -1, 5, [1, 0.5, 0, -0.5, -1]],
    [2, 8, 4, [2, 4, 6, 8]],
    [3, 9, 2, [3, 9]],
    [3, 9, 1, [3]],
    [3, 9, 0, []],
    [3, 3, 3, [3, 3, 3]],
  ])('from %d to %d in %d steps', (start, end, steps, elements) => {
    const x = linspace(start, end, steps)
    expect([x.dtype, x.shape, x.toArray()]).toEqual(['float32', [steps], elements])
  })

  test('ends at its ends, and is symmetric about its middle', () => {
    const x = linspace(-0.7, 0.7, 1001).toTypedArray()
    expect([x[0], x[500], x[1000]]).toEqual([Math.fround(-0.7), 0, Math.fround(0.7)])
    expect(x.map((value) => 0 - value).reverse()).toEqual(x)
  })

  test('requires a gradient on demand', () => {
    expect(linspace(0, 1, 3).requiresGrad).toBe(false)
    expect(linspace(0, 1, 3, { requiresGrad: true }).requiresGrad).toBe(true)
  })

  test('refuses ends that are not finite, steps that are no count, and a dtype', () => {
    expect(() => linspace(0, Infinity, 3)).toThrow(OptionError)
    expect(() => linspace(NaN, 1, 3)).toThrow(OptionError)
    expect(() => linspace(-1e308, 1e308, 3)).toThrow(OptionError)
    for (const steps of [-1, 1.5, NaN, undefined as never]) expect(() => linspace(0, 1, steps)).toThrow(OptionError)
    expect(() => linspace(0, 1, 2 ** 31)).toThrow(ShapeError)
    expect(() => linspace(0, 1, 3, { dtype: 'int32' } as never)).toThrow(OptionError)
  })
})

test('options may follow the last number that is given', () => {
  expect(arange(3, { dtype: 'int32' }).toTypedArray()).toEqual(Int32Array.of(0, 1, 2))
  expect(arange(1, 3, { dtype: 'int32' }).toTypedArray()).toEqual(Int32Array.of(1, 2))
  expect(arange(2, { requiresGrad: true }).requiresGrad).toBe(true)
  expect(eye(2, { dtype: 'bool' }).toArray()).toEqual([
    [true, false],
    [false, true],
  ])
  expect(() => eye([3] as never)).toThrow(ShapeError)
  expect(() => arange(3, { step: 2 } as never)).toThrow(OptionError)
})

test('randint of one bound begins at 0, with the same draws', () => {
  manualSeed(1)
  const one = randint(10, [20]).toArray()
  manualSeed(1)
  expect(one).toEqual(randint(0, 10, [20]).toArray())
  expect(() => randint(1, 10, undefined as never)).toThrow(ShapeError)
})

describe('eye', () => {
  test.each<[number, number | undefined]>([
    [3, undefined],
    [1, undefined],
    [2, 4],
    [4, 2],
    [1, 5],
    [5, 1],
    [17, 18],
    [0, undefined],
    [0, 3],
    [3, 0],
  ])('has n = %s rows, m = %s columns, and 1 where they meet, of any dtype', (n, m) => {
    const rows = Array.from({ length: n }, (_, i) => Array.from({ length: m ?? n }, (_, j) => Number(i === j)))
    for (const dtype of ['float32', 'int32', 'uint8', 'bool'] as const) {
      const x = eye(n, m, { dtype })
      expect([x.dtype, x.shape]).toEqual([dtype, [n, m ?? n]])
      expect([...x.toTypedArray()]).toEqual(rows.flat())
    }
    expect(eye(n, m).dtype).toBe('float32')
  })

  test('requires a gradient on demand, of float32 alone', () => {
    expect(eye(2, 2, { requiresGrad: true }).requiresGrad).toBe(true)
    expect(() => eye(2, 2, { dtype: 'int32', requiresGrad: true })).toThrow(DtypeError)
  })

  test('refuses sizes and options that are none', () => {
    for (const size of [-1, 1.5, NaN, '2' as never, null as never]) {
      expect(() => eye(size, 2)).toThrow(ShapeError)
      expect(() => eye(2, size)).toThrow(ShapeError)
    }
    expect(() => eye(2, { type: 'int32' } as never)).toThrow(OptionError)
    expect(() => eye(2, 2, { dtype: 'int64' as never })).toThrow(DtypeError)
    expect(() => eye(2, 2, { type: 'int32' } as never)).toThrow(OptionError)
  })
})

describe('random numbers', () => {
  const N = 20_000

  beforeEach(() => {
    manualSeed(7)
  })

  const draws: readonly [string, (n: number) => Tensor][] = [
    ['rand', (n) => rand([n])],
    ['randn', (n) => randn([n])],
    ['randint', (n) => randint(-3, 1000, [n])],
  ]

  test.each(draws)('%s draws the same again after the same seed, and other numbers otherwise', (_name, draw) => {
    const [first, second] = [draw(17), draw(17)].map((x) => x.toArray())
    expect(second).not.toEqual(first)
    manualSeed(7)
    expect([draw(17), draw(17)].map((x) => x.toArray())).toEqual([first, second])
    manualSeed(8)
    expect(draw(17).toArray()).not.toEqual(first)
  })

  test.each(draws)('%s gives an element the same number in any shape', (_name, draw) => {
    const long = draw(1000).toTypedArray()
    for (const n of [1, 3, 4, 5, 17]) {
      manualSeed(7)
      expect(draw(n).toTypedArray()).toEqual(long.slice(0, n))
    }
  })

  const moments = (x: Tensor) => {
    const values = Array.from(x.toTypedArray())
    const mean = values.reduce((a, b) => a + b, 0) / values.length
    return { values, mean, variance: values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length }
  }

  test('rand is uniform on [0, 1)', () => {
    const { values, mean, variance } = moments(rand([N]))
    expect(values.every((value) => value >= 0 && value < 1)).toBe(true)
    expect(Math.abs(mean - 0.5)).toBeLessThan(5 * Math.sqrt(1 / 12 / N))
    expect(Math.abs(variance - 1 / 12)).toBeLessThan(0.005)
  })

  test('randn has mean 0 and variance 1', () => {
    const { mean, variance } = moments(randn([N]))
    expect(Math.abs(mean)).toBeLessThan(5 / Math.sqrt(N))
    expect(Math.abs(variance - 1)).toBeLessThan(0.05)
  })

  test('randint draws every integer from low up to but without high, as int32', () => {
    const x = randint(-2, 3, [N])
    expect(x.dtype).toBe('int32')
    const counts = new Map<number, number>()
    for (const value of x.toTypedArray()) counts.set(value, (counts.get(value) ?? 0) + 1)
    expect([...counts.keys()].sort((a, b) => a - b)).toEqual([-2, -1, 0, 1, 2])
    for (const count of counts.values()) expect(Math.abs(count - N / 5)).toBeLessThan(5 * Math.sqrt(N / 5))
    expect(randint(5, 6, [3]).toArray()).toEqual([5, 5, 5])
  })

  test('take requiresGrad, except for integers, and shapes of no elements', () => {
    expect(rand([2], { requiresGrad: true }).requiresGrad).toBe(true)
    expect(randn([2], { requiresGrad: true }).requiresGrad).toBe(true)
    for (const x of [rand([0, 2]), randn([0, 2]), randint(0, 9, [0, 2])]) expect(x.toArray()).toEqual([])
    expect(randn([]).ndim).toBe(0)
  })

  test.each([[-1], [1.5], [2 ** 53], [NaN]])('refuse the seed %s', (seed) => {
    expect(() => manualSeed(seed)).toThrow(OptionError)
  })

  test.each([
    [3, 3],
    [3, 2],
    [0.5, 2],
    [0, 2 ** 31],
    [NaN, 1],
  ])('randint refuses %s to %s', (low, high) => {
    expect(() => randint(low, high, [1])).toThrow(OptionError)
  })
})
