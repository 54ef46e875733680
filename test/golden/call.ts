/** Runs the cases that call one operation, or a module without parameters. */
import * as neyron from '../../src/index.ts'
import { compareTensor, type Measure } from './compare.ts'
import { type Case, type Input, made } from './read.ts'

const { nn, scope, Tensor } = neyron
type Tensor = neyron.Tensor

export interface Call {
  /** The name of a method, a function, a function of `nn.functional` or a class of `nn`. */
  readonly op: string
  /** '$0' is the first input; '#NaN' a number that JSON lacks. */
  readonly args: readonly unknown[]
  /** Of a class: what its `forward` takes, while `args` are those of the constructor. */
  readonly forward?: readonly unknown[]
  readonly inputs: readonly Input[]
  /** The gradients of outputs that have one. */
  readonly upstream?: readonly Input[]
}

type Callable = (...args: unknown[]) => unknown

type Forward = { forward: Callable }

const modules: Record<string, unknown> = { ...nn }

const functions: Record<string, unknown> = { ...nn.functional, ...neyron }

/** What `op` computes: a method of the first argument if that is a tensor that has one. */
function apply(op: string, args: readonly unknown[]): unknown {
  const [first, ...rest] = args
  if (first instanceof Tensor && op in first) {
    const method = (first as unknown as Record<string, Callable>)[op]
    return method.apply(first, rest)
  }
  const f = functions[op]
  if (typeof f !== 'function') throw new Error(`there is no ${op}`)
  return f(...args)
}

/** A module by its name, and the arguments of its constructor. */
export function build<M = Forward>(name: string, args: readonly unknown[]): M {
  const Class = modules[name] as (new (...args: readonly unknown[]) => M) | undefined
  if (!Class) throw new Error(`there is no nn.${name}`)
  return new Class(...args)
}

/** Arguments with inputs in their places. */
function resolved(value: unknown, inputs: readonly Tensor[]): unknown {
  if (typeof value === 'string' && value.startsWith('$')) return inputs[Number(value.slice(1))]
  if (typeof value === 'string' && value.startsWith('#')) return Number(value.slice(1))
  if (Array.isArray(value)) return value.map((item) => resolved(item, inputs))
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolved(item, inputs)]))
  return value
}

/** The tensors in what an operation gives: one, a list, or an object such as `{ values, indices }`. */
function outputsOf(result: unknown): Tensor[] {
  if (result instanceof Tensor) return [result]
  return Object.values(result as Record<string, Tensor>)
}

/** Runs a case and holds its outputs and gradients to PyTorch's. */
export function measure({ op, args, forward, inputs, upstream, results }: Case<Call>): Measure[] {
  return scope(() => {
    const xs = inputs.map((input) => {
      const x = made(input)
      if (input.grad) x.requiresGrad = true
      return x
    })
    const given = resolved(args, xs) as unknown[]
    const ys = outputsOf(forward ? build(op, given).forward(...(resolved(forward, xs) as unknown[])) : apply(op, given))
    if (upstream) walk(ys, upstream)
    return results.map((golden) => {
      const i = Number(golden.name.replace(/\D+/, ''))
      return compareTensor(golden, golden.name.startsWith('dx') ? xs[i].grad : ys[i])
    })
  })
}

/** From several outputs there is one walk: back from the sum of their products with what comes from above. */
function walk(ys: readonly Tensor[], upstream: readonly Input[]): void {
  const walked = ys.filter(({ requiresGrad }) => requiresGrad)
  if (walked.length === 1) walked[0].backward(made(upstream[0]))
  else
    walked
      .map((y, i) => y.mul(made(upstream[i])).sum())
      .reduce((a, b) => a.add(b))
      .backward()
}
