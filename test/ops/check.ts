/** How the op table is checked: tensors in every layout, memory full of garbage, and gradients by differences. */
import { expect } from 'vitest'
import type { NestedData } from '../../src/create.ts'
import type { Dtype } from '../../src/dtype.ts'
import { full, memory, scope, type Tensor, tensor } from '../../src/index.ts'
import * as ops from '../../src/ops/index.ts'
import { engine } from '../../src/runtime/engine.ts'
import { place } from '../../src/runtime/lifetimes.ts'
import { contiguousStrides, numelOf, type Shape } from '../../src/shape.ts'
import { failing, refusedOperation } from '../support/failing.ts'
import type { ErrorBound, Input } from './case.ts'
import { get, type Nd, nd, position } from './nd.ts'
import { transpose } from './reference/shape.ts'

/** An operation on given inputs, with what it shall give. */
export interface Check {
  readonly name: string
  readonly run: (...xs: Tensor[]) => Tensor
  readonly f: (...xs: Nd[]) => Nd
  readonly inputs: readonly Operand[]
  /** Whether y[i] depends on the elements at i alone. */
  readonly isElementwise: boolean
  readonly gives: Dtype
  readonly error: ErrorBound
}

type Run = (...args: unknown[]) => Tensor

/** How an operation is called: by `run` where there is one, or else the method of that name, or else the function. */
export function operation(op: string, run?: (...args: never[]) => Tensor): Run {
  if (run) return run as Run
  const functions = ops as unknown as Record<string, Run>
  return (x, ...rest) => {
    const methods = x as Record<string, Run>
    return op in methods ? methods[op](...rest) : functions[op](x, ...rest)
  }
}

interface Operand extends Nd {
  readonly dtype: Dtype
  /** Whether it gets a gradient. */
  readonly isVariable: boolean
}

// --- inputs --------------------------------------------------------------------------------------------------------

/** Repeatable float32 numbers, evenly spread over [low, high). */
export function random(n: number, seed: number, low = -2, high = 2): Float64Array {
  let state = (seed * 7919 + n) >>> 0
  return Float64Array.from({ length: n }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.fround(low + (high - low) * (state / 2 ** 32))
  })
}

const isShape = (input: Input): input is Shape => Array.isArray(input)

function shapeOf(values: NestedData): number[] {
  return Array.isArray(values) ? [values.length, ...(values.length > 0 ? shapeOf(values[0]) : [])] : []
}

const flatten = (values: NestedData): number[] =>
  typeof values === 'object' ? values.flatMap(flatten) : [Number(values)]

/** The inputs of a row: random numbers for a shape, by `fill` where there is one. */
export function operands(inputs: readonly Input[], fill = (n: number, i: number) => random(n, i + 1)): Operand[] {
  return inputs.map((input, i) => {
    if (isShape(input)) return { shape: input, data: fill(numelOf(input), i), dtype: 'float32', isVariable: true }
    const { values, dtype = 'float32' } = input
    const data = Float64Array.from(flatten(values), dtype === 'float32' ? Math.fround : undefined)
    return { shape: shapeOf(values), data, dtype, isVariable: false }
  })
}

export const showInputs = (inputs: readonly { readonly shape: Shape }[]) =>
  inputs.map(({ shape }) => `(${shape.join(', ')})`).join(' x ')

/** How the elements of a tensor may lie in memory, and the rank from which on that makes a difference. */
const RANKS = {
  dense: 0,
  'behind others': 0,
  'in steps': 1,
  'last axes exchanged': 2,
  'rows apart': 2,
  'all axes reversed': 2,
  'outer axes exchanged': 3,
}
export type Layout = keyof typeof RANKS
export const LAYOUTS = Object.keys(RANKS) as Layout[]

/** The strides of the layouts that leave gaps or go backwards. */
const STRIDES: { readonly [L in Layout]?: (shape: Shape) => number[] } = {
  'behind others': contiguousStrides,
  'in steps': (shape) => contiguousStrides(shape).map((stride) => 2 * stride),
  'rows apart': (shape) => contiguousStrides(shape.map((size, i) => (i === shape.length - 1 ? size + 2 : size))),
  'all axes reversed': (shape) => contiguousStrides(shape).map((stride) => -stride),
}

export function layoutsOf({ inputs }: Check): readonly Layout[] {
  const rank = Math.max(...inputs.map(({ shape }) => shape.length))
  return LAYOUTS.filter((layout) => rank >= RANKS[layout])
}

/** A tensor, what reads its gradient in logical order, and what reads the elements around it. */
export interface Variable {
  readonly x: Tensor
  readonly grad: () => Float32Array | null
  readonly around: () => number[]
}

export function make(value: Nd, layout: Layout, dtype: Dtype = 'float32', requiresGrad = false): Variable {
  const apart = STRIDES[layout]
  if (apart) return amongOthers(value, apart(value.shape), dtype, requiresGrad)
  const [i, j] = layout === 'outer axes exchanged' ? [0, -1] : [-2, -1]
  const exchanges = layout !== 'dense' && value.shape.length >= 2
  const { shape, data } = exchanges ? transpose(value, i, j) : value
  const base = tensor(data, { shape, dtype, requiresGrad })
  const seen = (x: Tensor) => (exchanges ? x.transpose(i, j) : x)
  return {
    x: seen(base),
    grad: () => base.grad && (seen(base.grad).toTypedArray() as Float32Array),
    around: () => [],
  }
}

/** A tensor whose elements lie `strides` apart among others, three and more of them before the first. */
function amongOthers({ shape, data }: Nd, strides: Shape, dtype: Dtype, requiresGrad: boolean): Variable {
  const places = nd(shape, (index) => index.reduce((sum, at, axis) => sum + at * strides[axis], 0)).data
  const offset = 3 - Math.min(0, ...places)
  const all = Array.from({ length: offset + Math.max(0, ...places) + 3 }, (_, i) => (i * 3) % 7)
  places.forEach((place, i) => {
    all[offset + place] = data[i]
  })
  const own = new Set([...places].map((place) => offset + place))
  const base = tensor(all, { dtype })
  const x = part(base, shape, offset, strides)
  x.requiresGrad = requiresGrad
  return {
    x,
    grad: () => x.grad && (x.grad.toTypedArray() as Float32Array),
    around: () => Array.from(base.toTypedArray()).filter((_, i) => !own.has(i)),
  }
}

/** A view of the elements from `offset` on. */
export function part(base: Tensor, shape: Shape, offset: number, strides: Shape = contiguousStrides(shape)): Tensor {
  const x = base.asStrided(shape, strides, offset)
  place(x, null)
  return x
}

// --- memory --------------------------------------------------------------------------------------------------------

const WORKSPACE = 1 << 16

/** Runs `body` in a scope over memory full of NaN, and expects that not a byte is left of it. */
export function clean(elements: readonly number[], body: () => void): void {
  poison(elements)
  const { live } = memory()
  scope(body)
  expect(memory().live, 'live bytes').toBe(live)
}

/** Fills the blocks that tensors of these sizes will get, whole vectors, and the workspace. */
function poison(elements: readonly number[]): void {
  const sizes = new Set(elements.flatMap((n) => [n, n / 4]).map((n) => Math.max(Math.ceil(n / 4), 1) * 4))
  const blocks = [...sizes].flatMap((n) => Array.from({ length: 8 }, () => full([n], NaN)))
  for (const block of blocks) block.dispose()
  const { k, heap } = engine()
  k.fillF32(heap.workspace(WORKSPACE), WORKSPACE / 4, NaN)
}

/** The numbers of elements of what a check reads and writes. */
export const sizesOf = ({ inputs, f }: Check): number[] => [...inputs, f(...inputs)].map(({ shape }) => numelOf(shape))

/** Runs `body` without memory for allocation number 1, 2, 3, … until it has enough, and `after` each failure. */
export function starve(body: () => void, after: () => void): void {
  for (let n = 1; ; n++) {
    const error = failing(n, body)
    if (!error) return
    refusedOperation(error)
    after()
  }
}

// --- values --------------------------------------------------------------------------------------------------------

/** Fails unless each value is within its bound; NaN equals NaN alone, and an infinity itself. */
export function expectClose(actual: ArrayLike<number>, exact: ArrayLike<number>, bound: (i: number) => number): void {
  expect(actual).toHaveLength(exact.length)
  for (let i = 0; i < exact.length; i++) {
    const expected = Math.fround(exact[i])
    const areFinite = Number.isFinite(expected) && Number.isFinite(actual[i])
    if (!(areFinite ? Math.abs(actual[i] - exact[i]) <= bound(i) : Object.is(actual[i], expected)))
      expect.fail(`element ${i} is ${actual[i]}, not ${exact[i]}, give or take ${bound(i)}`)
  }
}

/** Fails unless `y` is what the reference gives: shape, dtype, values, and the signs of zeros. */
export function expectValue({ f, inputs, gives, error }: Check, y: Tensor): void {
  const exact = f(...inputs)
  expect(y.shape).toEqual(exact.shape)
  expect(y.dtype).toBe(gives)
  const actual = y.toTypedArray()
  const magnitude = f(...inputs.map(({ shape, data }) => ({ shape, data: data.map(Math.abs) })))
  expectClose(actual, exact.data, (i) => (gives === 'float32' ? error(exact.data[i], magnitude.data[i], inputs) : 0))
  if (gives !== 'float32') return
  exact.data.forEach((value, i) => {
    if (Math.fround(value) === 0 && actual[i] === 0) expect(actual[i], `element ${i}`).toBe(Math.fround(value))
  })
}

// --- gradients -----------------------------------------------------------------------------------------------------

const STEP = 1e-6
/** A gradient may lack this much of its terms, and of the largest upstream gradient, whatever their sum. */
const RELATIVE = 1e-5
const ABSOLUTE = 1e-6

/** What a loss passes back: numbers of both signs and all sizes up to 2. */
export const upstreamOf = ({ f, inputs }: Check): Nd => {
  const { shape, data } = f(...inputs)
  return { shape, data: random(data.length, 99) }
}

/** The gradient of sum(upstream * y) for input `of`, by central differences, and the sum of the magnitudes of its terms. */
export interface Gradient {
  readonly values: Float64Array
  readonly magnitudes: Float64Array
}

export function gradientOf(check: Check, of: number, upstream: Nd): Gradient {
  const x = check.inputs[of]
  const gradient = { values: new Float64Array(x.data.length), magnitudes: new Float64Array(x.data.length) }
  const collect = (up: Float64Array, down: Float64Array, to: (index: readonly number[]) => number) => {
    const [high, low] = [up, down].map((data) => check.f(...check.inputs.with(of, { ...x, data })))
    nd(upstream.shape, (index) => {
      const i = to(index)
      const term = (get(upstream, index) * (get(high, index) - get(low, index))) / (up[i] - down[i])
      gradient.values[i] += term
      gradient.magnitudes[i] += Math.abs(term)
      return term
    })
  }
  // Far out, rounding asks for longer steps; sin asks for no longer ones.
  const step = (v: number) => STEP * Math.max(1, Math.sqrt(Math.abs(v)))
  if (check.isElementwise)
    collect(
      x.data.map((v) => v + step(v)),
      x.data.map((v) => v - step(v)),
      (index) => position(x, index),
    )
  else
    x.data.forEach((v, i) => {
      collect(x.data.with(i, v + step(v)), x.data.with(i, v - step(v)), () => i)
    })
  return gradient
}

/** Whether the reference has no kink or edge near the inputs, and is no steeper than `gradcheck` can follow by default. */
export function isSmooth({ f, inputs }: Check): boolean {
  return inputs.every((x, of) => {
    if (!x.isVariable) return true
    return x.data.every((v, i) => {
      const moved = (by: number) => f(...inputs.with(of, { ...x, data: x.data.with(i, v + by) })).data
      const slope = (step: number) => {
        const [up, down] = [moved(step), moved(-step)]
        return up.map((high, j) => (high - down[j]) / (2 * step))
      }
      const [near, far, exact] = [0.01, 0.02, 1e-5].map((step) => slope(step * Math.max(1, Math.abs(v))))
      return exact.every((d, j) => Math.abs((4 * near[j] - far[j]) / 3 - d) <= 1e-4 * Math.abs(d) + 1e-5)
    })
  })
}

/** Fails unless `grad` is `times` the gradient; null if there shall be none. */
export function expectGradient(grad: Float32Array | null, expected: Gradient | null, dy: Nd, times = 1): void {
  if (!expected) {
    expect(grad).toBeNull()
    return
  }
  if (!grad) expect.fail('there is no gradient')
  const { values, magnitudes } = expected
  const absolute = ABSOLUTE * Math.max(...dy.data.map(Math.abs), 0)
  expectClose(
    grad,
    values.map((value) => value * times),
    (i) => times * (RELATIVE * magnitudes[i] + absolute),
  )
}
