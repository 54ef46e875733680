/** Programs of calls: how they are drawn, and how one runs on the library and on the model side by side. */
import fc from 'fast-check'
import { expect } from 'vitest'
import type { Dtype } from '../../src/dtype.ts'
import { GraphError, memory, noGrad, StaleTensorError, scope, steps, type Tensor, tensor } from '../../src/index.ts'
import type { Range } from '../../src/ops/index.ts'
import { numelOf, type Shape } from '../../src/shape.ts'
import { get, type Nd, nd, zip } from '../ops/nd.ts'
import { matmul } from '../ops/reference/matmul.ts'
import { argmax, sum } from '../ops/reference/reduce.ts'
import { expand, permute, reshape, slice, squeeze, transpose, unsqueeze } from '../ops/reference/shape.ts'
import type { Guard } from '../support/guarded-heap.ts'
import { Ghost, Model, type Op, sumTo } from './model.ts'

// --- what may be called ----------------------------------------------------------------------------------------------

interface Arrangement {
  /** What it does to any array: to elements, or to their places. */
  readonly arrange: (x: Nd) => Nd
  readonly call: (x: Tensor) => Tensor
  /** Whether elements that no strides can show like this are copied first. */
  readonly mayCopy?: boolean
}

/** A view of a tensor of this shape; null where it does not apply. */
type View = (shape: Shape, seed: number) => Arrangement | null

/** What has axes, and not so many elements that the model takes long. */
const smaller = (shape: Shape) => (shape.length > 0 && shape.length < 6 && numelOf(shape) <= LARGE) || null

const reshaping =
  (to: (shape: Shape) => Shape): View =>
  (shape) => ({ arrange: (x) => reshape(x, to(shape)), call: (x) => x.reshape(to(shape)), mayCopy: true })

/** Every view. */
const VIEWS = {
  transpose: (shape, seed) => {
    const [i, j] = [seed, seed >> 4].map((n) => n % Math.max(shape.length, 1))
    if (shape.length === 0 || numelOf(shape) > LARGE) return null
    return { arrange: (x) => transpose(x, i, j), call: (x) => x.transpose(i, j) }
  },
  permute: (shape) => {
    const dims = [...shape.keys()].reverse()
    return smaller(shape) && { arrange: (x) => permute(x, dims), call: (x) => x.permute(dims) }
  },
  unsqueeze: (shape, seed) => {
    const dim = seed % (shape.length + 1)
    return shape.length < 6 ? { arrange: (x) => unsqueeze(x, dim), call: (x) => x.unsqueeze(dim) } : null
  },
  squeeze: () => ({ arrange: (x) => squeeze(x), call: (x) => x.squeeze() }),
  expand: (shape) => {
    const to = [2, ...shape]
    return smaller(shape) && { arrange: (x) => expand(x, to), call: (x) => x.expand(to) }
  },
  part: (shape, seed) => {
    const range: Range = [seed % 2, null, 1 + ((seed >> 1) % 2)]
    return smaller(shape) && { arrange: (x) => slice(x, range), call: (x) => x.slice(range) }
  },
  backwards: (shape) => {
    const range: Range = [null, null, -1]
    return smaller(shape) && { arrange: (x) => slice(x, '...', range), call: (x) => x.slice('...', range) }
  },
  element: (shape, seed) => {
    const at = seed % Math.max(shape[0] ?? 0, 1)
    return smaller(shape) && shape[0] > 0 ? { arrange: (x) => slice(x, at), call: (x) => x.slice(at) } : null
  },
  flatten: reshaping((shape) => [numelOf(shape)]),
  column: reshaping((shape) => [numelOf(shape), 1]),
} satisfies Record<string, View>

type Calls = { readonly op: Op; readonly call: (a: Tensor, b: Tensor | number) => Tensor }

const COMPUTED = {
  add: {
    op: { forward: pairs((a, b) => a + b), gradient: (dy, [a, b]) => [sumTo(dy, a.shape), sumTo(dy, b.shape)] },
    call: (a, b) => a.add(b),
  },
  sub: {
    op: {
      forward: pairs((a, b) => a - b),
      gradient: (dy, [a, b]) => [sumTo(dy, a.shape), sumTo(each((d) => -d)(dy), b.shape)],
    },
    call: (a, b) => a.sub(b),
  },
  mul: {
    op: {
      forward: pairs((a, b) => a * b),
      gradient: (dy, [a, b]) => [sumTo(times(dy, b), a.shape), sumTo(times(dy, a), b.shape)],
    },
    call: (a, b) => a.mul(b),
  },
  eq: { op: { forward: pairs((a, b) => Number(a === b)), gives: 'bool' }, call: (a, b) => a.eq(b) },
  relu: {
    op: { forward: each((x) => Math.max(x, 0)), gradient: (dy, _xs, y) => [pairs((d, v) => (v > 0 ? d : 0))(dy, y)] },
    call: (x) => x.relu(),
  },
  sum: {
    op: {
      forward: (x) => (x.data.length > LARGE ? { shape: [], data: Float64Array.of(x.data.reduce(plus, 0)) } : sum(x)),
      gradient: ({ data: [d] }, [{ shape, data }]) => [{ shape, data: data.map(() => d) }],
    },
    call: (x) => x.sum(),
  },
  argmax: { op: { forward: (x) => argmax(x), gives: 'int32' }, call: (x) => x.argmax() },
  matmul: {
    op: { forward: matmul, gradient: (dy, [a, b]) => [matmul(dy, turned(b)), matmul(turned(a), dy)] },
    call: (a, b) => a.matmul(b as Tensor),
  },
} satisfies Record<string, Calls>

const UNARY: readonly (keyof typeof COMPUTED)[] = ['relu', 'sum', 'argmax']

const CHANGES = {
  add_: { f: (x, other) => x + other, call: (x, other) => x.add_(other) },
  sub_: { f: (x, other) => x - other, call: (x, other) => x.sub_(other) },
  mul_: { f: (x, other) => x * other, call: (x, other) => x.mul_(other) },
  copy_: { f: (_x, other) => other, call: (x, other) => x.copy_(other as Tensor) },
  fill_: { f: (_x, other) => other, call: (x, other) => x.fill_(other as number) },
} satisfies Record<string, { f: (x: number, other: number) => number; call: (x: Tensor, y: Tensor | number) => Tensor }>

const plus = (a: number, b: number) => a + b
const turned = (x: Nd) => transpose(x, 0, 1)
const times = (a: Nd, b: Nd) => pairs((x, y) => x * y)(a, b)

function each(f: (x: number) => number) {
  return ({ shape, data }: Nd): Nd => ({ shape, data: data.map((x) => f(x)) })
}

/** Element by element, broadcast; without the detour over indices where shapes are equal or b is a single element. */
function pairs(f: (a: number, b: number) => number) {
  return (a: Nd, b: Nd): Nd => {
    if (String(a.shape) === String(b.shape)) return { shape: a.shape, data: a.data.map((x, i) => f(x, b.data[i])) }
    if (b.shape.length === 0) return { shape: a.shape, data: a.data.map((x) => f(x, b.data[0])) }
    return zip(f, a, b)
  }
}

// --- programs --------------------------------------------------------------------------------------------------------

const SHAPES: readonly Shape[] = [[], [1], [2], [3], [4], [5], [0], [2, 3], [3, 2], [1, 1], [2, 2], [2, 0], [2, 3, 2]]
/** Elements of 4 bytes on both sides of the borders between block sizes, with and without the canaries around them. */
const BORDERS = [16, 64, 256, 1024].flatMap((n) => [n - 9, n - 8, n - 7, n - 1, n, n + 1])
const PAGED = 2 ** 18
/** On both sides of 1 MiB, from which on blocks are pages. */
const PAGES = [PAGED - 9, PAGED - 8, PAGED - 7, PAGED - 1, PAGED, PAGED + 1]
/** Beyond it only what the model does without indices. */
const LARGE = 5000
/** The largest element of any tensor, so that products stay exact. */
const HIGHEST = 4096
const DTYPES: readonly Dtype[] = ['float32', 'int32', 'uint8', 'bool']

type Leaving = 'at the end' | 'by break' | 'by return' | 'by throw'

type Other = 'detach' | 'clone' | 'keep' | 'dispose' | 'use' | 'clearGrad' | 'takeGrad'

export type Step =
  | { do: 'make'; shape: Shape; dtype: Dtype; requiresGrad: boolean; seed: number }
  | { do: 'view'; view: keyof typeof VIEWS; of: number; seed: number }
  | { do: 'compute'; op: keyof typeof COMPUTED; a: number; b: number; number: number | null }
  | { do: 'convert'; of: number; to: 'float32' | 'int32' | 'bool' }
  | { do: 'change'; op: keyof typeof CHANGES; of: number; by: number; number: number | null }
  | { do: 'backward'; of: number }
  | { do: Other; of: number }
  | { do: 'fill'; rest: number }
  | { do: 'turns'; n: number; body: Step[]; leaving: Leaving; levels: number }
  | { do: 'scope' | 'noGrad'; body: Step[]; returns: number[]; leaving: 'at the end' | 'by throw'; levels: number }

const index = fc.oneof({ weight: 3, arbitrary: fc.nat(4) }, { weight: 1, arbitrary: fc.nat(500) })
const seed = fc.nat(255)
const keysOf = <K extends string>(of: Record<K, unknown>) => fc.constantFrom(...(Object.keys(of) as K[]))
const number = fc.oneof(
  { weight: 3, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: fc.integer({ min: -2, max: 2 }) },
)
const levels = fc.constantFrom(1, 1, 2, 9)

const make: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('make'),
  shape: fc.oneof(
    { weight: 50, arbitrary: fc.constantFrom<Shape>([3], [2, 3], [3, 2]) },
    { weight: 30, arbitrary: fc.constantFrom(...SHAPES) },
    { weight: 8, arbitrary: fc.constantFrom(...BORDERS).map((n) => [n]) },
    { weight: 1, arbitrary: fc.constantFrom(...PAGES).map((n) => [n]) },
  ),
  dtype: fc.constantFrom(...DTYPES, 'float32', 'float32', 'float32', 'float32'),
  requiresGrad: fc.boolean(),
  seed,
})
const view: fc.Arbitrary<Step> = fc.record({ do: fc.constant('view'), view: keysOf(VIEWS), of: index, seed })
const compute: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('compute'),
  op: keysOf(COMPUTED),
  a: index,
  b: index,
  number,
})
const product: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('compute'),
  op: fc.constantFrom('mul', 'matmul'),
  a: index,
  b: index,
  number: fc.constant(null),
})
const convert: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('convert'),
  of: index,
  to: fc.constantFrom('float32', 'int32', 'bool'),
})
const change: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('change'),
  op: keysOf(CHANGES),
  of: index,
  by: index,
  number,
})
const backward: fc.Arbitrary<Step> = fc.record({ do: fc.constant('backward'), of: index })
const keep: fc.Arbitrary<Step> = fc.record({ do: fc.constant('keep'), of: index })
const other: fc.Arbitrary<Step> = fc.record({
  do: fc.constantFrom('detach', 'clone', 'dispose', 'use', 'clearGrad', 'takeGrad'),
  of: index,
})
const fill: fc.Arbitrary<Step> = fc.record({ do: fc.constant('fill'), rest: fc.constantFrom(0, 100, 1000, 10_000) })

const within = (body: fc.Arbitrary<Step[]>, returns: fc.Arbitrary<number[]>): fc.Arbitrary<Step> =>
  fc.record({
    do: fc.constantFrom('scope', 'noGrad'),
    body,
    returns,
    leaving: fc.constantFrom('at the end', 'at the end', 'at the end', 'by throw'),
    levels,
  })
const turnsOf = (body: fc.Arbitrary<Step[]>): fc.Arbitrary<Step> =>
  fc.record({
    do: fc.constant('turns'),
    n: fc.integer({ min: 1, max: 4 }),
    body,
    leaving: fc.constantFrom('at the end', 'at the end', 'by break', 'by return', 'by throw'),
    levels,
  })
const returned = fc.array(index, { maxLength: 3 })
const aside = within(fc.tuple(compute), fc.constant([0]))

/** What seldom comes about by chance: a saved tensor is changed, a value leaves its graph or its scope, before `backward`. */
const phrase: fc.Arbitrary<Step[]> = fc.oneof(
  fc.tuple(product, change, backward),
  fc.tuple(product, aside, backward, compute, compute, backward),
  fc.tuple(compute, keep, compute, backward, compute),
  fc.tuple(compute, compute, product, backward),
)

const single = (weight: number, step: fc.Arbitrary<Step>) => ({ weight, arbitrary: step.map((only) => [only]) })

/** Steps, with loops and scopes of steps inside, so deep. */
function bodyOf(depth: number): fc.Arbitrary<Step[]> {
  const plain = [
    single(4, make),
    single(3, view),
    single(12, compute),
    single(1, convert),
    single(4, change),
    single(5, backward),
    single(2, keep),
    single(4, other),
    single(1, fill),
    { weight: 4, arbitrary: phrase },
  ]
  const nested =
    depth > 0 ? [single(4, turnsOf(bodyOf(depth - 1))), single(4, within(bodyOf(depth - 1), returned))] : []
  const steps = fc.oneof({ withCrossShrink: true }, ...plain, ...nested)
  return fc.array(steps, { maxLength: 12, size: 'max' }).map((bodies) => bodies.flat())
}

const whole = bodyOf(3)

/** As it is, in a turn, or in a scope. */
export const program = fc.noBias(
  fc.oneof(
    whole,
    turnsOf(whole).map((only) => [only]),
    within(whole, returned).map((only) => [only]),
  ),
)

/** Thrown by programs, through as many loops and scopes. */
class Thrown extends Error {
  levels: number

  constructor(levels: number) {
    super('thrown by the program')
    this.levels = levels
  }
}

// --- running ---------------------------------------------------------------------------------------------------------

/** A program may do this many things, however its loops are nested. */
const PATIENCE = 120
/** What every program finds: what is trained, and data. */
const FIRST: readonly (readonly [shape: Shape, requiresGrad: boolean])[] = [
  [[2, 3], false],
  [[3], false],
  [[3], true],
  [[2, 3], true],
]
const MIB = 2 ** 20

/** Runs a program, and compares the library with the model after every step. */
export class Run {
  readonly #model = new Model()
  readonly #tensors = new Map<Ghost, Tensor>()
  readonly #guard: Guard
  readonly #fillers: (() => void)[] = []
  #left = PATIENCE

  constructor(guard: Guard) {
    this.#guard = guard
  }

  run(body: readonly Step[]): void {
    for (const [shape, requiresGrad] of FIRST)
      this.#make({ do: 'make', shape, dtype: 'float32', requiresGrad, seed: 1 })
    try {
      this.#all(body)
    } catch (error) {
      if (!(error instanceof Thrown)) throw error
    } finally {
      for (const release of this.#fillers) release()
    }
  }

  /** Disposes of every tensor. */
  end(): void {
    for (const [x, tensor] of this.#tensors) {
      this.#model.dispose(x)
      tensor.dispose()
    }
    this.#compare()
    this.#tensors.clear()
  }

  #all(body: readonly Step[]): void {
    for (const step of body) {
      if (this.#left-- <= 0) return
      this.#do(step)
      this.#compare(this.#left % 8 === 0)
    }
  }

  #do(step: Step): void {
    switch (step.do) {
      case 'make':
        this.#make(step)
        break
      case 'view':
        this.#view(this.#pick(step.of), step.view, step.seed)
        break
      case 'compute':
        this.#compute(step)
        break
      case 'convert':
        this.#convert(step)
        break
      case 'change':
        this.#change(step)
        break
      case 'backward':
        this.#backward(step)
        break
      case 'fill':
        if (memory().reserved < 48 * MIB) this.#fillers.push(this.#guard.fill(step.rest))
        break
      case 'turns':
        this.#catch(() => this.#turns(step))
        break
      case 'scope':
      case 'noGrad':
        this.#catch(() => this.#scope(step))
        break
      default:
        this.#other(step.do, this.#pick(step.of))
    }
  }

  // --- tensors -------------------------------------------------------------------------------------------------------

  /** Mostly one that is alive, and that holds; 0 is the latest. */
  #pick(n: number, holds: (x: Ghost) => boolean = () => true): Ghost | null {
    const known = [...this.#tensors.keys()].filter((x) => n % 9 === 8 || (x.isReadable && holds(x)))
    return known[known.length - 1 - (n % Math.max(known.length, 1))] ?? null
  }

  #tensor(x: Ghost): Tensor {
    return this.#tensors.get(x)!
  }

  /** What the library made, and what the model says that it is: one that is known, or new. */
  #add(tensor: Tensor, x: Ghost): void {
    const known = this.#tensors.get(x)
    if (known && known !== tensor) expect.fail('this is another tensor')
    this.#tensors.set(x, tensor)
  }

  #make({ shape, dtype, requiresGrad, seed }: Step & { do: 'make' }): void {
    const tooMany = [...this.#tensors.keys()].some((x) => x.numel > LARGE)
    const to = numelOf(shape) > LARGE && tooMany ? [3] : shape
    const low = dtype === 'float32' || dtype === 'int32' ? -2 : 0
    const high = dtype === 'bool' ? 1 : 2
    const data = Float64Array.from({ length: numelOf(to) }, (_, i) => low + ((seed + 3 * i) % (high - low + 1)))
    const x = this.#model.make({ shape: to, data }, dtype)
    x.requiresGrad = requiresGrad && dtype === 'float32'
    this.#add(tensor(data, { shape: to, dtype, requiresGrad: x.requiresGrad }), x)
  }

  #view(x: Ghost | null, view: keyof typeof VIEWS, seed: number): void {
    const found: Arrangement | null = x && VIEWS[view](x.shape, seed)
    if (!x || !found) return
    const { arrange, call, mayCopy = false } = found
    this.#expect(this.#staleness(x), () => {
      const y = call(this.#tensor(x))
      const copies = mayCopy && !x.isContiguous && !areStrided(arrange({ shape: x.shape, data: x.at }))
      this.#add(y, this.#model.view(copies ? this.#model.compute({ ...COPY, gives: x.dtype }, [x]) : x, arrange))
    })
  }

  #compute({ op: name, a: first, b: second, number }: Step & { do: 'compute' }): void {
    const a = this.#pick(first, (x) => x.requiresGrad || first % 2 === 0)
    const { op, call }: Calls = COMPUTED[name]
    if (!a || (name === 'argmax' && (a.numel === 0 || a.numel > LARGE))) return
    if (UNARY.includes(name)) {
      this.#call(op, call, a, null)
      return
    }
    if (name === 'matmul' && (a.shape.length !== 2 || a.numel > LARGE)) return
    const fits = (x: Ghost) =>
      name === 'matmul' ? x.shape.length === 2 && a.shape[1] === x.shape[0] : broadcasts(a, x)
    const b = this.#pick(second, fits)
    if (b && fits(b) && (name === 'matmul' || number === null)) this.#call(op, call, a, b)
    else if (name !== 'matmul') this.#call(op, call, a, number ?? 2)
    else {
      this.#view(a, 'transpose', 16)
      if (a.isReadable) this.#call(op, call, a, this.#pick(0))
    }
  }

  #call(op: Op, call: Calls['call'], a: Ghost, b: Ghost | number | null): void {
    const other = b instanceof Ghost ? [b] : []
    const constants = typeof b === 'number' ? [constant(b)] : []
    const inputs = [a, ...other, ...constants]
    const { data } = op.forward(...inputs.map((x) => x.value))
    if (data.some((x) => Math.abs(x) > HIGHEST)) return
    this.#expect(this.#staleness(a, ...other), () => {
      const y = call(this.#tensor(a), b instanceof Ghost ? this.#tensor(b) : (b ?? 0))
      this.#add(y, this.#model.compute(op, inputs))
    })
  }

  #convert({ of, to }: Step & { do: 'convert' }): void {
    const x = this.#pick(of)
    if (!x) return
    const isCut = x.requiresGrad && this.#model.isRecording && x.dtype !== to
    const forward = each(to === 'bool' ? (v) => Number(v !== 0) : (v) => v)
    const convert = () => {
      const y = this.#tensor(x).to(to)
      this.#add(y, x.dtype === to ? x : this.#model.compute({ forward, gives: to }, [x]))
    }
    this.#expect(this.#staleness(x) ?? (isCut ? GraphError : null), convert)
  }

  #change({ op, of, by, number }: Step & { do: 'change' }): void {
    const x = this.#pick(of, (x) => this.#model.mayChange(x, null) && (of % 3 === 0 || this.#model.isUsed(x)))
    const source = x && this.#pick(by, (source) => broadcasts(x, source) && source.numel <= x.numel)
    const { f, call } = CHANGES[op]
    if (!x || (x.dtype !== 'float32' && op !== 'fill_')) return
    const takesTensor = source && broadcasts(x, source) && source.numel <= x.numel
    const other = takesTensor && op !== 'fill_' && (number === null || op === 'copy_') ? source : (number ?? 1)
    if (typeof other === 'number' && op === 'copy_') return
    const element = typeof other === 'number' && x.dtype !== 'float32' ? Number(other > 0) : other
    const operand = element instanceof Ghost ? element : constant(element)
    if (String(zipShape(x, operand)) !== String(x.shape)) return
    const { data } = pairs(f)(x.value, operand.value)
    if (data.some((v) => Math.abs(v) > HIGHEST)) return
    const stale = this.#staleness(x, ...(element instanceof Ghost ? [element] : []))
    const isAllowed = this.#model.mayChange(x, element instanceof Ghost ? element : null)
    this.#expect(stale ?? (isAllowed ? null : GraphError), () => {
      call(this.#tensor(x), element instanceof Ghost ? this.#tensor(element) : element)
      this.#model.change(x, data)
    })
  }

  #backward({ of }: Step & { do: 'backward' }): void {
    const x = this.#pick(of, ({ node }) => node !== null && !node.isReleased)
    if (!x) return
    const upstream = { shape: x.shape, data: Float64Array.from({ length: x.numel }, (_, i) => (i % 3) - 1) }
    if (x.numel === 1) upstream.data[0] = 1
    const expected = this.#model.backward(x, upstream)
    if (expected === 'inexact') return
    const call = () => {
      if (x.numel === 1) this.#tensor(x).backward()
      else scope(() => this.#tensor(x).backward(tensor(upstream.data, { shape: x.shape })))
    }
    const stale = this.#staleness(x)
    if (stale || expected === 'refused') {
      this.#expect(stale ?? GraphError, call)
      return
    }
    try {
      call()
    } catch (error) {
      if (!expected.mayHaveChanged || !/changed in place/.test(String(error))) throw error
      return
    }
    this.#model.walk(x, expected.path, expected.gradients)
  }

  #other(how: Other, x: Ghost | null): void {
    if (!x) return
    const tensor = this.#tensor(x)
    switch (how) {
      case 'detach':
        this.#expect(this.#staleness(x), () => this.#add(tensor.detach(), this.#model.detach(x)))
        break
      case 'clone':
        this.#expect(this.#staleness(x), () => this.#add(tensor.clone(), this.#model.make(x.value, x.dtype)))
        break
      case 'keep':
        this.#expect(this.#staleness(x), () => {
          this.#add(tensor.keep(), x)
          this.#model.keep(x)
        })
        break
      case 'dispose':
        tensor.dispose()
        this.#model.dispose(x)
        break
      case 'use':
        tensor[Symbol.dispose]()
        this.#model.dispose(x)
        break
      case 'clearGrad':
        tensor.grad = null
        this.#model.clearGrad(x)
        break
      default:
        if (x.grad) this.#add(tensor.grad!, x.grad)
    }
  }

  // --- turns and scopes ----------------------------------------------------------------------------------------------

  #turns({ n, body, leaving, levels }: Step & { do: 'turns' }): void {
    const model = this.#model
    for (const turn of steps(n)) {
      model.enter('turn')
      try {
        this.#all(body)
        if (leaving === 'at the end' || turn < n - 2) continue
        if (leaving === 'by throw') throw new Thrown(levels)
        if (leaving === 'by return') return
        break
      } finally {
        model.endTurn()
      }
    }
  }

  #scope({ do: kind, body, returns, leaving, levels }: Step & { do: 'scope' | 'noGrad' }): void {
    const model = this.#model
    const { isRecording } = model
    const inside = () => {
      let returned: Ghost[] = []
      model.enter('scope')
      if (kind === 'noGrad') model.isRecording = false
      try {
        this.#all(body)
        if (leaving === 'by throw') throw new Thrown(levels)
        returned = returns.flatMap((n) => this.#pick(n) ?? [])
        const [first, ...rest] = returned.map((x) => this.#tensor(x))
        return rest.length > 0 ? { first, rest } : first
      } finally {
        model.endScope(returned)
        model.isRecording = isRecording
      }
    }
    if (kind === 'noGrad') noGrad(inside)
    else scope(inside)
  }

  #catch(block: () => void): void {
    try {
      block()
    } catch (error) {
      if (!(error instanceof Thrown)) throw error
      if (--error.levels > 0) throw error
    }
  }

  // --- comparing -----------------------------------------------------------------------------------------------------

  #staleness(...xs: Ghost[]): typeof StaleTensorError | null {
    return xs.every((x) => x.isReadable) ? null : StaleTensorError
  }

  #expect(error: typeof StaleTensorError | typeof GraphError | null, call: () => unknown): void {
    if (error) expectThrow(error, call)
    else call()
  }

  /** Large tensors take their time, and not every step. */
  #compare(large = true): void {
    for (const [x, tensor] of this.#tensors) {
      if (x.numel > LARGE && x.isAlive && !large) continue
      expectSame(x, tensor)
      if (!x.grad !== !tensor.grad) expect.fail(`the gradient is ${tensor.grad}`)
      if (x.grad) expectSame(x.grad, tensor.grad!)
    }
    const { live, byOwner } = memory()
    const bytes = Object.values(byOwner).reduce((sum, owner) => sum + owner.live, 0)
    if (live !== bytes) expect.fail(`${live} bytes are live, ${bytes} by owner`)
  }
}

const COPY: Op = { forward: (x) => x, gradient: (dy) => [dy] }

const constant = (value: number) => new Model().make({ shape: [], data: Float64Array.of(value) }, 'float32')

/** Unlike that of `expect`, holds on to nothing: what a test framework remembers of a failure keeps tensors from being collected. */
function expectThrow(Kind: typeof StaleTensorError | typeof GraphError, call: () => unknown): void {
  try {
    call()
  } catch (error) {
    if (error instanceof Kind) return
    throw error
  }
  expect.fail(`no ${Kind.name} was thrown`)
}

function expectSame(x: Ghost, tensor: Tensor): void {
  if (!x.isReadable) {
    expectThrow(StaleTensorError, () => tensor.toTypedArray())
    return
  }
  const actual = tensor.toTypedArray()
  const { data } = x
  if (tensor.dtype !== x.dtype || String(tensor.shape) !== String(x.shape) || tensor.requiresGrad !== x.requiresGrad)
    expect.fail(
      `${tensor.dtype} (${tensor.shape}) ${tensor.requiresGrad}, not ${x.dtype} (${x.shape}) ${x.requiresGrad}`,
    )
  if (actual.length !== data.length) expect.fail(`${actual.length} elements, not ${data.length}`)
  for (let i = 0; i < data.length; i++)
    if (actual[i] !== data[i]) expect.fail(`element ${i} of (${x.shape}) is ${actual[i]}, not ${data[i]}`)
}

function zipShape(a: Ghost, b: Ghost): Shape {
  const rank = Math.max(a.shape.length, b.shape.length)
  return Array.from({ length: rank }, (_, i) => {
    const [m, n] = [a, b].map(({ shape }) => shape[i - rank + shape.length] ?? 1)
    return m === 1 ? n : m
  })
}

/** Whether along each axis places are a fixed number apart. */
function areStrided(places: Nd): boolean {
  const { shape, data } = places
  const origin = shape.map(() => 0)
  const strides = shape.map((size, axis) => (size > 1 ? get(places, origin.with(axis, 1)) - data[0] : 0))
  const { data: expected } = nd(shape, (index) => index.reduce((at, i, axis) => at + i * strides[axis], data[0]))
  return expected.every((at, i) => at === data[i])
}

/** Whether the shapes broadcast; large ones only as they are, or with a single element. */
function broadcasts(a: Ghost, b: Ghost): boolean {
  if (String(a.shape) === String(b.shape) || b.shape.length === 0) return true
  if (Math.max(a.numel, b.numel, numelOf(zipShape(a, b))) > LARGE) return false
  return [a, b].every(({ shape }) => {
    const whole = zipShape(a, b)
    return shape.every((size, i) => size === 1 || size === whole[i + whole.length - shape.length])
  })
}
