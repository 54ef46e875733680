/** Every check over every row of the op table. */
import { describe, expect, test } from 'vitest'
import { gradcheck, memory, StaleTensorError, Tensor, tensor } from '../../src/index.ts'
import * as ops from '../../src/ops/index.ts'
import type { Shape } from '../../src/shape.ts'
import { type Case, elementwise } from './case.ts'
import { inPlace, maps, others, refused, zips } from './cases.ts'
import {
  type Check,
  clean,
  expectGradient,
  expectValue,
  gradientOf,
  isSmooth,
  type Layout,
  layoutsOf,
  make,
  operands,
  operation,
  random,
  showInputs,
  sizesOf,
  starve,
  upstreamOf,
} from './check.ts'
import { type Nd, zip } from './nd.ts'

/** Lengths at which a vector loop can go wrong. */
const EDGE_LENGTHS = [0, 1, 3, 4, 5, 7, 8, 15, 16, 17, 1000]

const SPECIALS = [NaN, Infinity, -Infinity, 0, -0, 3.4e38, -3.4e38, 1.2e-38, -1.2e-38, 1e-45, -1e-45, 1e-20, -1e-20]
const ORDINARY = [1, -1, 0.5, -0.5, 2, 3, 20, -20, 80, -80, 100, -100, 1e4, -1e4]

// --- what each row stands for ----------------------------------------------------------------------------------------

function mapChecks(row: (typeof maps)[number]): Check[] {
  const { op, params = [], f, kinks = [], domain: [low, high] = [-Infinity, Infinity] } = row
  const smooth = (x: number) => (kinks.some((kink) => Math.abs(x - kink) < 0.01) ? x + 0.02 : x)
  const fill = (n: number) =>
    random(n, 1, Math.max(low + 0.1, -4), Math.min(high - 0.1, 4)).map((x) => Math.fround(smooth(x)))
  const shapes: Shape[] = [...EDGE_LENGTHS.map((n) => [n]), [], [3, 4], [2, 3, 4], [2, 0, 3]]
  const f64 = (x: Nd) => zip(f, x)
  const run = (x: Tensor) => operation(op)(x, ...params)
  const common = { run, f: f64, isElementwise: true, gives: 'float32', error: elementwise } as const
  const steep = ORDINARY.filter((x) => x > low && x < high && !kinks.includes(x) && Number.isFinite(f(x)))
  return [
    ...shapes.map((shape) => ({ ...common, name: showInputs([{ shape }]), inputs: operands([shape], fill) })),
    { ...common, name: 'special values', inputs: operands([{ values: [...SPECIALS, ...ORDINARY] }]) },
    {
      ...common,
      name: 'far from zero',
      inputs: operands([[steep.length]], () => Float64Array.from(steep, Math.fround)),
    },
  ]
}

const pair = (a: Shape, b: Shape) => [a, b] as const

/** Shapes that broadcast: equal, row, column, scalar, both ways at once, several planes, ranks apart, nothing. */
const BROADCASTS = [
  ...EDGE_LENGTHS.map((n) => pair([n], [n])),
  ...[1, 3, 4, 5, 17].flatMap((n) => [pair([3, n], [n]), pair([n, 3], [n, 1]), pair([1, n], [3, 1])]),
  pair([4, 5], []),
  pair([1], [2, 3]),
  pair([], []),
  pair([1, 1], [1]),
  pair([2, 1, 3], [4, 1]),
  pair([2, 3, 4], [2, 3, 4]),
  pair([2, 3, 4], [3, 1]),
  pair([2, 3, 4], [2, 1, 4]),
  pair([2, 1, 4, 1], [3, 1, 5]),
  pair([2, 3, 2, 3, 2], [3, 1, 3, 1]),
  pair([0], [1]),
  pair([2, 0], [2, 1]),
  pair([3, 1], [0]),
]

function zipChecks({ op, f, poles = [], gives = 'float32' }: (typeof zips)[number]): Check[] {
  const run = operation(op)
  const common = { run, f: (a: Nd, b: Nd) => zip(f, a, b), isElementwise: true, gives, error: elementwise }
  const fill = (n: number, i: number) =>
    random(n, i + 1).map((x) => {
      const value = gives === 'float32' ? x : Math.round(x)
      return i > 0 && poles.some((pole) => Math.abs(value - pole) < 0.1) ? value + 0.25 : value
    })
  const variable = (inputs: readonly Shape[]) =>
    operands(inputs, fill).map((input) => ({ ...input, isVariable: gives === 'float32' }))
  const pairs = SPECIALS.concat(ORDINARY).flatMap((a) => SPECIALS.concat(ORDINARY).map((b) => [a, b]))
  const [a, b] = [0, 1].map((i) => ({ values: pairs.map((pair) => pair[i]) }))
  return [
    ...[...BROADCASTS, ...BROADCASTS.map(([a, b]) => pair(b, a))].map((shapes) => {
      const inputs = variable(shapes)
      return { ...common, name: showInputs(inputs), inputs }
    }),
    ...[1.5, -2, 0.1].map((number) => ({
      ...common,
      name: `(2, 3) and the number ${number}`,
      run: (x: Tensor) => run(x, number),
      f: (x: Nd) => zip((element) => f(element, Math.fround(number)), x),
      inputs: variable([[2, 3]]),
    })),
    {
      ...common,
      name: 'a tensor and itself',
      run: (x: Tensor) => run(x, x),
      f: (x: Nd) => zip((element) => f(element, element), x),
      inputs: variable([[], [17]]).slice(1),
    },
    { ...common, name: 'special values', inputs: operands([a, b]) },
  ]
}

function otherChecks({ op, run, f, on, gives = 'float32', error = elementwise }: Case): Check[] {
  const call = f as (...args: unknown[]) => Nd
  return on.map(({ inputs, params }) => ({
    name: [showInputs(operands(inputs)), ...params.map((param) => JSON.stringify(param))].join(' '),
    run: (...xs) => operation(op, run)(...xs, ...params),
    f: (...xs) => call(...xs, ...params),
    inputs: operands(inputs).map((input) => ({ ...input, isVariable: input.isVariable && gives === 'float32' })),
    isElementwise: false,
    gives,
    error,
  }))
}

const named = (op: string, params: readonly unknown[] = []) => [op, ...params.map(String)].join(' ')

const rows: readonly (readonly [op: string, checks: readonly Check[]])[] = [
  ...maps.map((row) => [named(row.op, row.params), mapChecks(row)] as const),
  ...zips.map((row) => [row.op, zipChecks(row)] as const),
  ...others.map((row) => [row.op, otherChecks(row)] as const),
]

// --- the checks ------------------------------------------------------------------------------------------------------

const variables = ({ inputs }: Check, layout: Layout = 'dense', wanted = inputs.map(() => true)) =>
  inputs.map((input, i) => make(input, layout, input.dtype, input.isVariable && wanted[i]))

const upstream = ({ shape, data }: Nd) => tensor(data, { shape })

describe.each(rows)('%s', (_op, checks) => {
  const differentiable = checks.filter(({ inputs }) => inputs.some(({ isVariable }) => isVariable))
  const small = checks.filter((check) => sizesOf(check).every((n) => n < 100))

  describe.each(checks)('of $name', (check) => {
    test.each(layoutsOf(check))('has the value of its reference, %s', (layout) => {
      clean(sizesOf(check), () => {
        expectValue(check, check.run(...variables(check, layout).map(({ x }) => x)))
      })
    })
  })

  describe.each(differentiable)('of $name', (check) => {
    const dy = upstreamOf(check)
    const gradients = check.inputs.map(({ isVariable }, i) => (isVariable ? gradientOf(check, i, dy) : null))

    test.each(layoutsOf(check))('has the gradient of its reference, %s', (layout) => {
      clean(sizesOf(check), () => {
        const inputs = variables(check, layout)
        check.run(...inputs.map(({ x }) => x)).backward(upstream(dy))
        inputs.forEach(({ grad }, i) => {
          expectGradient(grad(), gradients[i], dy)
        })
      })
    })

    test('adds to gradients, of this graph and of an earlier one', () => {
      clean(sizesOf(check), () => {
        const inputs = variables(check)
        const xs = inputs.map(({ x }) => x)
        check.run(...xs).backward(upstream(dy))
        check
          .run(...xs)
          .add(check.run(...xs))
          .backward(upstream(dy))
        inputs.forEach(({ grad }, i) => {
          expectGradient(grad(), gradients[i], dy, 3)
        })
      })
    })

    test('computes no gradient that nobody asked for', () => {
      clean(sizesOf(check), () => {
        check.inputs.forEach(({ isVariable }, only) => {
          if (!isVariable) return
          const isOnly = check.inputs.map((_, i) => i === only)
          const inputs = variables(check, 'dense', isOnly)
          check.run(...inputs.map(({ x }) => x)).backward(upstream(dy))
          inputs.forEach(({ grad }, i) => {
            expectGradient(grad(), isOnly[i] ? gradients[i] : null, dy)
          })
        })
      })
    })
  })

  if (differentiable.length > 0)
    test('passes gradcheck', () => {
      let passed = 0
      for (const check of differentiable.toReversed()) {
        if (passed === 3) break
        if (sizesOf(check).some((n) => n > 120) || !isSmooth(check)) continue
        clean(sizesOf(check), () => {
          expect(
            gradcheck(
              check.run,
              variables(check).map(({ x }) => x),
            ),
            check.name,
          ).toBe(true)
        })
        passed++
      }
      expect(passed, 'checks where it is smooth').toBeGreaterThan(0)
    })

  test('gives the same from int32, uint8 and bool as from float32', () => {
    for (const check of small.filter(({ inputs }) => inputs.every(({ dtype }) => dtype === 'float32')))
      clean(sizesOf(check), () => {
        const results = (['float32', 'int32', 'uint8', 'bool'] as const).map((dtype) => {
          const inputs = check.inputs.map(({ shape, data }) => ({ shape, data: data.map((_, i) => (i + 1) % 2) }))
          return Array.from(check.run(...inputs.map((input) => make(input, 'dense', dtype).x)).toTypedArray())
        })
        for (const result of results) expect(result).toEqual(results[0])
      })
  })

  test('changes nothing and loses no memory when there is not enough of it', () => {
    for (const check of small)
      for (const layout of layoutsOf(check))
        clean(sizesOf(check), () => {
          const inputs = variables(
            check,
            layout,
            check.inputs.map(() => layout === 'dense'),
          )
          const dy = upstream(upstreamOf(check))
          const values = inputs.map(({ x }) => x.toTypedArray())
          const run = () => {
            const y = check.run(...inputs.map(({ x }) => x))
            if (y.requiresGrad) y.backward(dy)
          }
          starve(run, () => {
            expect(inputs.map(({ grad }) => grad())).toEqual(inputs.map(() => null))
            expect(inputs.map(({ x }) => x.toTypedArray())).toEqual(values)
          })
        })
  })

  test('holds no memory but that of its result, and none of its inputs', () => {
    for (const check of small)
      for (const layout of layoutsOf(check))
        clean(sizesOf(check), () => {
          const before = memory().live
          const xs = check.inputs.map((input) => make(input, layout, input.dtype).x)
          const given = memory().live
          const y = check.run(...xs)
          if (!xs.includes(y)) y.dispose()
          expect(memory().live, layout).toBe(given)
          for (const x of xs) x.dispose()
          if (layout === 'dense') expect(memory().live).toBe(before)
        })
  })

  test('refuses a tensor whose memory is gone', () => {
    for (const check of small.filter(({ inputs }) => inputs.every(({ data }) => data.length > 1)))
      check.inputs.forEach((_, gone) => {
        clean(sizesOf(check), () => {
          const xs = variables(check).map(({ x }) => x)
          xs[gone].dispose()
          expect(() => check.run(...xs)).toThrow(StaleTensorError)
        })
      })
  })

  test('takes single elements by their values when their memory is gone', () => {
    for (const check of small.filter(({ inputs }) => inputs.every(({ data }) => data.length === 1)))
      clean(sizesOf(check), () => {
        const xs = variables(check).map(({ x }) => x)
        for (const x of xs) x.dispose()
        expectValue(check, check.run(...xs))
      })
  })
})

describe.each(maps.filter(({ kinks }) => kinks))('$op', ({ op, params = [], f, kinks = [] }) => {
  test.each(kinks)('has a gradient between those of both sides at %s', (kink) => {
    clean([1], () => {
      const x = tensor([kink], { requiresGrad: true })
      operation(op)(x, ...params).backward()
      const slopes = [-1e-6, 1e-6].map((h) => (f(kink + 2 * h) - f(kink + h)) / h)
      const grad = x.grad!.item()
      expect(grad).toBeGreaterThanOrEqual(Math.min(...slopes) - 1e-5)
      expect(grad).toBeLessThanOrEqual(Math.max(...slopes) + 1e-5)
    })
  })
})

describe.each(refused)('$op throws $error.name', ({ op, run, error, on }) => {
  test.each(on.map(({ inputs, params }) => [showInputs(operands(inputs)), JSON.stringify(params), inputs, params]))(
    'for %s %s, and loses no memory',
    (_shapes, _params, inputs, params) => {
      const given = operands(inputs as (typeof on)[number]['inputs'])
      clean(
        given.map(({ data }) => data.length),
        () => {
          const xs = given.map((input) => make(input, 'dense', input.dtype, input.isVariable).x)
          expect(() => operation(op, run)(...xs, ...(params as unknown[]))).toThrow(error)
        },
      )
    },
  )
})

test('every operation has a row, and every row an operation', () => {
  const { cast: _ofEveryDtype, ...exported } = ops
  const named = new Set([...maps, ...zips, ...inPlace, ...others].map(({ op }) => op))
  expect(Object.keys(exported).filter((op) => !named.has(op))).toEqual([])
  expect([...named].filter((op) => !(op in exported || op in Tensor.prototype))).toEqual([])
})
