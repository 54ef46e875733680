/** Products: values and gradients of random shapes in float64, bits of items and rows, and what is not copied. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { einsum, memory, ShapeError, scope, type Tensor, tensor } from '../../src/index.ts'
import { numelOf, type Shape } from '../../src/shape.ts'
import { clean, expectClose, LAYOUTS, make, part, random } from '../ops/check.ts'
import { broadcast, nd, position } from '../ops/nd.ts'

/** Shapes that fit, but that sometimes one size of one of them is another. */
const shapes = fc
  .record({
    batch: fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 3 }),
    sizes: fc.tuple(...['m', 'n', 'k'].map(() => fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constant(1)))),
    vectors: fc.constantFrom([false, false], [false, false], [false, true], [true, false], [true, true]),
    // How many leading axes an operand lacks, and which of the others it has with size 1.
    missing: fc.tuple(fc.nat(3), fc.nat(3)),
    ones: fc.tuple(fc.nat(7), fc.nat(7)),
    misfit: fc.option(fc.record({ operand: fc.nat(1), axis: fc.nat(4), size: fc.nat(9) }), { freq: 3 }),
  })
  .map(({ batch, sizes: [m, n, k], vectors, missing, ones, misfit }) => {
    const leading = [0, 1].map((operand) =>
      batch.slice(missing[operand]).map((size, axis) => ((ones[operand] >> axis) & 1 ? 1 : size)),
    )
    const both = [vectors[0] ? [k] : [...leading[0], m, k], vectors[1] ? [k] : [...leading[1], k, n]]
    if (misfit && misfit.axis < both[misfit.operand].length)
      both[misfit.operand] = both[misfit.operand].with(misfit.axis, misfit.size)
    return both
  })

/** The products that each element of the result adds up, as flat indices; null when the shapes do not fit. */
function termsOf(a: Shape, b: Shape): { shape: Shape; terms: [y: number, i: number, j: number][] } | null {
  const rows = a.length > 1 ? a : [1, ...a]
  const columns = b.length > 1 ? b : [...b, 1]
  const [[m, k], [inner, n]] = [rows.slice(-2), columns.slice(-2)]
  const leading = [rows.slice(0, -2), columns.slice(0, -2)]
  const batch = broadcast(leading)
  const fits = leading.every((shape) =>
    shape.every((size, axis) => [1, batch[axis + batch.length - shape.length]].includes(size)),
  )
  if (k !== inner || !fits) return null
  const terms: [number, number, number][] = []
  const none = new Float64Array()
  nd([...batch, m, n, k], (index) => {
    const at = index.slice(0, -3)
    const [i, j, p] = index.slice(-3)
    terms.push([
      position({ shape: [...batch, m, n], data: none }, [...at, i, j]),
      position({ shape: rows, data: none }, [...at, i, p]),
      position({ shape: columns, data: none }, [...at, p, j]),
    ])
    return 0
  })
  return { shape: [...batch, ...a.slice(-2, -1), ...(b.length > 1 ? [n] : [])], terms }
}

/** Fails unless each element is the sum of its terms, but for a rounding for each of them and one more. */
function expectSums(actual: ArrayLike<number>, terms: readonly (readonly [at: number, term: number])[]): void {
  const exact = new Float64Array(actual.length)
  const bounds = new Float64Array(actual.length)
  const counts = new Float64Array(actual.length)
  for (const [at, term] of terms) {
    exact[at] += term
    bounds[at] += Math.abs(term)
    counts[at]++
  }
  expectClose(actual, exact, (i) => (counts[i] + 1) * 2 ** -24 * bounds[i])
}

const layout = fc.constantFrom(...LAYOUTS)

test('values and gradients are sums of the products that PyTorch names, or both throw', () => {
  fc.assert(
    fc.property(shapes, layout, layout, fc.nat(999), ([a, b], layoutA, layoutB, seed) => {
      const expected = termsOf(a, b)
      const values = [a, b].map((shape, i) => ({ shape, data: random(numelOf(shape), seed + i) }))
      clean([numelOf(a), numelOf(b)], () => {
        const [x, y] = [make(values[0], layoutA, 'float32', true), make(values[1], layoutB, 'float32', true)]
        if (!expected) {
          expect(() => x.x.matmul(y.x)).toThrow(ShapeError)
          return
        }
        const { shape, terms } = expected
        const z = x.x.matmul(y.x)
        expect(z.shape).toEqual(shape)
        const [u, v] = values.map(({ data }) => data)
        expectSums(
          z.toTypedArray(),
          terms.map(([at, i, j]) => [at, u[i] * v[j]]),
        )
        const dz = random(z.numel, seed + 2)
        z.backward(tensor(dz, { shape }))
        expectSums(
          x.grad() as Float32Array,
          terms.map(([at, i, j]) => [i, dz[at] * v[j]]),
        )
        expectSums(
          y.grad() as Float32Array,
          terms.map(([at, i, j]) => [j, dz[at] * u[i]]),
        )
      })
    }),
    { numRuns: 150, seed: 1 },
  )
})

const size = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.constant(1), fc.integer({ min: 60, max: 130 }))

test('an item of a batch has the bits that it has alone, and so has a row of dense matrices', () => {
  const bits = (x: Tensor) => Array.from(x.toTypedArray())
  fc.assert(
    fc.property(
      fc.record({ items: fc.integer({ min: 1, max: 5 }), m: size, n: size, k: size, shares: fc.boolean() }),
      layout,
      layout,
      ({ items, m, n, k, shares }, layoutA, layoutB) => {
        const shapeB = [...(shares ? [] : [items]), k, n]
        clean([items * m * k, numelOf(shapeB)], () => {
          const { x: a } = make({ shape: [items, m, k], data: random(items * m * k, 1) }, layoutA)
          const { x: b } = make({ shape: shapeB, data: random(numelOf(shapeB), 2) }, layoutB)
          const all = bits(a.matmul(b))
          for (let item = 0; item < items; item++) {
            const left = part(a, [m, k], item * a.strides[0], a.strides.slice(1))
            const right = shares ? b : part(b, [k, n], item * b.strides[0], b.strides.slice(1))
            const own = all.slice(item * m * n, (item + 1) * m * n)
            expect(bits(left.matmul(right))).toEqual(own)
            const row = m >> 1
            const lone = part(left.contiguous(), [1, k], row * k)
            if (layoutA === 'dense') expect(bits(lone.matmul(right))).toEqual(own.slice(row * n, (row + 1) * n))
          }
        })
      },
    ),
    { numRuns: 150, seed: 2 },
  )
})

test('an operand whose items lie in one place has a gradient for each of them', () => {
  const gradients = (lies: (x: Tensor) => Tensor) => {
    const a = lies(tensor(random(8, 1), { shape: [2, 4] }).expand([3, 2, 4]))
    const b = lies(tensor(random(20, 2), { shape: [4, 5] }).expand([3, 4, 5]))
    const dense = tensor(random(24, 3), { shape: [3, 2, 4] })
    for (const x of [a, b]) x.requiresGrad = true
    const dy = tensor(random(30, 4), { shape: [3, 2, 5] })
    dense.matmul(b).backward(dy)
    a.matmul(b.detach()).backward(dy)
    return [a, b].map(({ grad }) => grad!.toArray())
  }
  expect(gradients((x) => x)).toEqual(gradients((x) => x.contiguous()))
})

test.each<[string, (a: Tensor, b: Tensor) => Tensor]>([
  ['transposed matrices', (a, b) => a.transpose(-1, -2).matmul(b)],
  ['heads of attention', (a, b) => a.transpose(1, 2).matmul(b.permute([0, 2, 3, 1]))],
  ['einsum of heads', (a, b) => einsum('bqhd,bkhd->bhqk', a, b)],
  ['einsum over two letters', (a, b) => einsum('bqhd,bkhd->bqk', a, b)],
  ['einsum into another order', (a, b) => einsum('bqhd,bqhe->bhed', a, b)],
])('%s are read where they lie', (_which, product) => {
  scope(() => {
    const [a, b] = [1, 2].map((seed) => tensor(random(480, seed), { shape: [2, 5, 6, 8] }))
    product(a, b)
    const { live } = memory()
    const y = product(a, b)
    expect(memory().live - live).toBe(y.storage.bytes)
  })
})

test('einsum sums a letter that one operand alone has before it multiplies', () => {
  scope(() => {
    const [a, b] = [1, 2].map((seed) => tensor(random(1000, seed)))
    const { live } = memory()
    for (const equation of ['i,j->', 'i,j->i', 'i,j->j']) einsum(equation, a, b)
    expect(memory().live - live).toBeLessThan(20_000)
  })
})
