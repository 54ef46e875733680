/** Runs the cases of optimizers: 100 steps by gradients that both sides make. */
import { nn, optim, scope } from '../../src/index.ts'
import { compare, type Measure } from './compare.ts'
import { type Case, type Input, made } from './read.ts'

const STEPS = 100
const EVERY = 10
/** How many elements of each parameter are kept. */
const KEPT = 20

type Options = Readonly<Record<string, unknown>>

export interface Trajectory {
  readonly optimizer: string
  readonly options: Options
  /** Groups with options of their own; `params` are indices. */
  readonly groups?: readonly (Options & { readonly params: readonly number[] })[]
  readonly clip?: { readonly norm?: number; readonly normType?: number | string; readonly value?: number }
  /** Whether the second parameter has no gradient at odd steps. */
  readonly rare?: boolean
  readonly parameters: readonly Input[]
  readonly gradients: readonly Input[]
}

type AnyOptimizer = optim.Optimizer & Disposable

const classes: Record<string, unknown> = { ...optim }

/** An optimizer by its name. */
export function optimizerOf(name: string, trained: unknown, options: Options): AnyOptimizer {
  const Class = classes[name] as (new (trained: unknown, options: Options) => AnyOptimizer) | undefined
  if (!Class) throw new Error(`there is no optim.${name}`)
  return new Class(trained, options)
}

/** Runs a case and holds every tenth position of the parameters, and norms, to PyTorch's. */
export function measureOptimizer(one: Case<Trajectory>): Measure[] {
  const { clip, rare, results } = one
  const parameters = one.parameters.map((input) => new nn.Parameter(made(input)))
  const groups = one.groups?.map((group) => ({ ...group, params: group.params.map((i) => parameters[i]) }))
  using optimizer = optimizerOf(one.optimizer, groups ?? parameters, one.options)
  const taken = new Map<string, number[]>(results.map(({ name }) => [name, []]))
  for (let step = 0; step < STEPS; step++)
    scope(() => {
      parameters.forEach((parameter, i) => {
        const gradient = one.gradients[i]
        parameter.grad = rare && i === 1 && step % 2 ? null : made(gradient, gradient.seed! + step)
      })
      if (clip?.value !== undefined) nn.utils.clipGradValue_(parameters, clip.value)
      else if (clip) {
        const options = clip.normType === undefined ? {} : { normType: Number(clip.normType) }
        taken.get('norms')!.push(nn.utils.clipGradNorm_(parameters, clip.norm!, options))
      }
      optimizer.step()
      if ((step + 1) % EVERY === 0)
        for (const parameter of parameters) taken.get('positions')!.push(...parameter.toTypedArray().slice(0, KEPT))
    })
  for (const parameter of parameters) parameter.dispose()
  return results.map((golden) => compare(golden, taken.get(golden.name)!))
}
