/** Any sequence of views, and flips, against arrays in float64: the same elements and gradients, or an error where there is none. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { memory, NeyronError, type Range, scope, type Tensor, tensor } from '../../src/index.ts'
import { numelOf, type Shape } from '../../src/shape.ts'
import { operation } from '../ops/check.ts'
import { type Nd, nd } from '../ops/nd.ts'
import * as exact from '../ops/reference/shape.ts'

const MAX_RANK = 8

/** A step of a sequence: its arguments, mostly good ones, and by definition whether they are, and what they give. */
interface Step {
  readonly args: (shape: Shape) => fc.Arbitrary<readonly unknown[]>
  readonly isValid: (shape: Shape, ...args: never[]) => boolean
  readonly f: (x: Nd, ...args: never[]) => Nd
}

// --- arguments -------------------------------------------------------------------------------------------------------

const mostly = <A, B>(good: fc.Arbitrary<A>, bad: fc.Arbitrary<B>) =>
  fc.oneof({ weight: 12, arbitrary: good }, { weight: 1, arbitrary: bad })

/** A whole number, or now and then none. */
const whole = (min: number, max: number) => mostly(fc.integer({ min, max }), fc.constantFrom(0.5, NaN))

/** Mostly an axis of a tensor of this rank, counted from either end. */
const dim = (rank: number) => {
  const axes = Math.max(rank, 1)
  return mostly(fc.integer({ min: -axes, max: axes - 1 }), whole(-axes - 2, axes + 1))
}

const dims = (rank: number) => fc.oneof(dim(rank), fc.array(dim(rank), { maxLength: 3 }))

const anyShape = fc.array(whole(-2, 4), { maxLength: 4 })

const isDim = (rank: number) => (at: number) =>
  Number.isInteger(at) && at >= -Math.max(rank, 1) && at < Math.max(rank, 1)

function areDims(rank: number, given: number | Shape): boolean {
  const list = [given].flat()
  return (
    list.every(isDim(rank)) && new Set(list.map((at) => (at < 0 ? at + Math.max(rank, 1) : at))).size === list.length
  )
}

const isSize = (size: number) => Number.isInteger(size) && size >= 0

/** The axes in any order, each counted from either end. */
const order = ({ length }: Shape) =>
  fc
    .tuple(
      fc.shuffledSubarray([...Array(length).keys()], { minLength: length }),
      fc.array(fc.boolean(), { minLength: length, maxLength: length }),
    )
    .map(([axes, fromEnd]) => axes.map((axis, i) => (fromEnd[i] ? axis - length : axis)))

/** Shapes of n elements: each pick takes a divisor of what is left. */
const shapeOf = (n: number) =>
  fc.tuple(fc.array(fc.nat(), { maxLength: 4 }), fc.option(fc.nat())).map(([picks, unknown]) => {
    if (n === 0) return [...picks.map((pick) => pick % 4), 0]
    let rest = n
    const sizes = picks.map((pick) => {
      const divisors = [...Array(rest).keys()].map((i) => i + 1).filter((size) => rest % size === 0)
      const size = divisors[pick % divisors.length]
      rest /= size
      return size
    })
    const shape = [...sizes, rest]
    return unknown === null ? shape : shape.with(unknown % shape.length, -1)
  })

/** Sizes of 1 in any size, others as they are or -1, and new axes. */
const broader = (shape: Shape) =>
  fc
    .tuple(
      fc.array(fc.nat(2), { maxLength: 2 }),
      ...shape.map((size) => fc.constantFrom(size, -1, ...(size === 1 ? [0, 2, 3] : []))),
    )
    .map(([lead, ...sizes]) => [...lead, ...sizes])

const bound = (reach: number) => fc.option(mostly(fc.integer({ min: -reach, max: reach }), fc.constant(0.5)))

const range = (size: number): fc.Arbitrary<Range> =>
  fc.oneof(
    fc.constant(null),
    mostly(fc.integer({ min: Math.min(-size, 0), max: Math.max(size - 1, 0) }), whole(-size - 2, size + 2)),
    fc.tuple(bound(size + 2), bound(size + 2), fc.option(mostly(fc.constantFrom(-3, -2, -1, 1, 2, 3), fc.constant(0)))),
  )

/** Ranges for the first axes and the last ones, with '...' between them or not. */
const ranges = (shape: Shape) =>
  fc
    .tuple(mostly(fc.nat(shape.length), fc.nat(9)), fc.nat(9), mostly(fc.nat(1), fc.constant(2)))
    .chain(([n, at, gaps]) => {
      const first = gaps === 0 ? n : Math.min(at, n)
      const sizes = [...Array(n).keys()].map((i) => shape.at(i < first ? i : i - n) ?? 3)
      return fc.tuple(...sizes.map(range)).map((list) => list.toSpliced(first, 0, ...Array<'...'>(gaps).fill('...')))
    })

function areRanges(shape: Shape, ...list: readonly Range[]): boolean {
  const gaps = list.filter((given) => given === '...').length
  if (gaps > 1 || list.length - gaps > shape.length) return false
  return list.every((given, i) => {
    if (given === null || given === '...') return true
    const size = shape.at(gaps === 0 || i < list.indexOf('...') ? i : i - list.length) as number
    if (typeof given === 'number') return Number.isInteger(given) && given >= -size && given < size
    return given.every((at) => at === null || Number.isInteger(at)) && given[2] !== 0
  })
}

function isReshape(shape: Shape, to: Shape): boolean {
  const unknown = to.indexOf(-1)
  if (to.length > MAX_RANK || !to.every((size, i) => isSize(size) || i === unknown)) return false
  const known = numelOf(to.filter((_, i) => i !== unknown))
  return unknown < 0 ? known === numelOf(shape) : known > 0 && numelOf(shape) % known === 0
}

function isExpansion(shape: Shape, to: Shape): boolean {
  const lead = to.length - shape.length
  return (
    lead >= 0 &&
    to.length <= MAX_RANK &&
    to.every((size, i) => {
      const from = shape[i - lead]
      return i < lead || from === 1 ? isSize(size) || (i >= lead && size === -1) : size === from || size === -1
    })
  )
}

const STEPS: { readonly [op: string]: Step } = {
  transpose: {
    args: ({ length }) => fc.tuple(dim(length), dim(length)),
    isValid: ({ length }, i: number, j: number) => length > 0 && [i, j].every(isDim(length)),
    f: exact.transpose,
  },
  permute: {
    args: (shape) => fc.tuple(mostly(order(shape), fc.array(dim(shape.length), { maxLength: 4 }))),
    isValid: ({ length }, axes: Shape) => axes.length === length && areDims(length, axes),
    f: exact.permute,
  },
  squeeze: {
    args: ({ length }) => fc.oneof(fc.constant([]), fc.tuple(dims(length))),
    isValid: ({ length }, axes: number | Shape = []) => areDims(length, axes),
    f: exact.squeeze,
  },
  unsqueeze: {
    args: ({ length }) => fc.tuple(dim(length + 1)),
    isValid: ({ length }, at: number) => isDim(length + 1)(at) && length < MAX_RANK,
    f: exact.unsqueeze,
  },
  expand: {
    args: (shape) => fc.tuple(mostly(broader(shape), anyShape)),
    isValid: isExpansion,
    f: exact.expand,
  },
  reshape: {
    args: (shape) => fc.tuple(mostly(shapeOf(numelOf(shape)), anyShape)),
    isValid: isReshape,
    f: exact.reshape,
  },
  slice: { args: ranges, isValid: areRanges, f: exact.slice },
  flip: {
    args: ({ length }) => fc.tuple(dims(length)),
    isValid: ({ length }, axes: number | Shape) => areDims(length, axes),
    f: exact.flip,
  },
}

// --- sequences -------------------------------------------------------------------------------------------------------

const base = fc.array(mostly(fc.integer({ min: 1, max: 4 }), fc.constant(0)), { maxLength: 4 })
const sequence = fc.array(fc.constantFrom(...Object.keys(STEPS)), { maxLength: 7 })
const argsOf = (op: string, shape: Shape) => STEPS[op].args(shape)

/** The result of a step, or the error it throws. */
function outcome(x: Tensor, op: string, args: readonly unknown[]): Tensor | NeyronError {
  try {
    return operation(op)(x, ...args)
  } catch (error) {
    if (error instanceof NeyronError) return error
    throw error
  }
}

test('any sequence of views shows the elements of its reference, passes gradients on, and loses no memory', () => {
  const dtypes = fc.constantFrom('float32' as const, 'float32' as const, 'int32' as const, 'uint8' as const)
  let [good, bad] = [0, 0]
  fc.assert(
    fc.property(base, dtypes, sequence, fc.gen(), (shape, dtype, ops, draw) => {
      const { live } = memory()
      scope(() => {
        const requiresGrad = dtype === 'float32'
        // Each element is its own number, so that the reference tells where it went.
        let numbers = nd(shape, () => 0)
        numbers.data.forEach((_, i) => {
          numbers.data[i] = i
        })
        const x = tensor(numbers.data, { shape, dtype, requiresGrad })
        let y = x
        const done: string[] = []
        for (const op of ops) {
          const args = draw(argsOf, op, numbers.shape)
          const { isValid, f } = STEPS[op]
          const holds = isValid(numbers.shape, ...(args as never[]))
          const next = holds ? f(numbers, ...(args as never[])) : numbers
          if (next.data.length > 500) continue
          const result = outcome(y, op, args)
          done.push(`${op}(${JSON.stringify(args)})`)
          expect(result instanceof NeyronError, done.join(', ')).toBe(!holds)
          if (result instanceof NeyronError) {
            bad++
            continue
          }
          good++
          y = result
          numbers = next
          expect([y.shape, [...y.toTypedArray()]], done.join(', ')).toEqual([numbers.shape, [...numbers.data]])
        }
        if (!requiresGrad) return
        const upstream = numbers.data.map((_, i) => ((i * 7) % 17) - 8)
        const expected = new Float32Array(x.numel)
        numbers.data.forEach((from, i) => {
          expected[from] += upstream[i]
        })
        y.backward(tensor(upstream, { shape: y.shape }))
        expect(x.grad!.toTypedArray(), done.join(', ')).toEqual(expected)
      })
      expect(memory().live).toBe(live)
    }),
    { numRuns: 300 },
  )
  expect([good > 200, bad > 20], `${good} good, ${bad} bad`).toEqual([true, true])
})
