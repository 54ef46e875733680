/** What `stateDict()` of an optimizer gives, and whether it fits another. */
import { check } from '../autograd/operands.ts'
import { kindOf, OptionError, ShapeError } from '../errors.ts'
import { checkOption } from '../options.ts'
import { formatShape, sameShape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import type { Group } from './groups.ts'

/** The state of one parameter: how often it has been updated, and tensors of its shape; null for one that is not there yet. */
export interface ParameterState {
  /** How often the parameter has been updated. */
  step: number
  [name: string]: Tensor | number | null
}

/** The options of a group. */
export type SavedGroup<Options> = Required<Options> & {
  /** The numbers of its parameters. */
  params: number[]
}

/** What `optimizer.stateDict()` gives: state by the numbers of parameters, and the options of groups. */
export interface OptimizerStateDict<Options> {
  /** By the number of the parameter; those that have never been updated are not there. */
  state: Record<string, ParameterState>
  /** The options of each group, and the numbers of its parameters. */
  paramGroups: SavedGroup<Options>[]
}

/** An optimizer, as far as a state dict must fit it. */
interface Target<Options> {
  readonly groups: readonly Group<Options>[]
  /** The names of its options, and of its tensors of state. */
  readonly names: readonly string[]
  readonly states: readonly string[]
  /** Checks the options of a group. */
  readonly kept: (where: string, options: Required<Options>) => Required<Options>
  /** Whether a parameter of a group with these options has a state of this name. */
  readonly needs: (options: Required<Options>, name: string) => boolean
}

/** What is to be loaded: the options of each group, and the state of each parameter in the order of groups. */
interface Loadable<Options> {
  readonly options: readonly Required<Options>[]
  readonly entries: readonly ({ step: number; tensors: readonly (Tensor | null)[] } | undefined)[]
}

const isObject = (x: unknown): x is Record<string, unknown> => typeof x === 'object' && x !== null && !Array.isArray(x)

/** Checks `saved` against `target`; throws `OptionError` or `ShapeError` that lists all that does not fit. */
export function checkStateDict<Options>(
  op: string,
  saved: OptimizerStateDict<Options>,
  target: Target<Options>,
): Loadable<Options> {
  if (!isObject(saved) || !isObject(saved.state) || !Array.isArray(saved.paramGroups))
    throw new OptionError(`${op}: the state is ${kindOf(saved)}; pass what stateDict() gave: { state, paramGroups }`)
  const { options, numbers } = checkGroups(op, saved.paramGroups, target)
  const parameters = target.groups.flatMap(({ params }, group) =>
    params.map((parameter) => ({ parameter, options: options[group] })),
  )
  const problems = Object.keys(saved.state)
    .filter((key) => !numbers.some((number) => String(number) === key))
    .map((key) => `unexpected state.${key}`)
  const misshapen: string[] = []
  const entries = parameters.map(({ parameter, options }, i) => {
    const where = `state.${numbers[i]}`
    const entry: unknown = saved.state[numbers[i]]
    if (entry === undefined) return undefined
    if (!isObject(entry)) throw new OptionError(`${op}: ${where} is ${kindOf(entry)}; it must be an object`)
    problems.push(...namesThatDiffer(where, entry, ['step', ...target.states], (name) => !target.needs(options, name)))
    const tensors = target.states.map((name) => {
      const state = (entry[name] ?? null) as Tensor | null
      if (state === null) return null
      check(`${op}: ${where}.${name}`, state)
      if (!sameShape(state.shape, parameter.shape))
        misshapen.push(`${where}.${name} is ${formatShape(state.shape)}, not ${formatShape(parameter.shape)}`)
      return state
    })
    return { step: entry.step as number, tensors }
  })
  if (problems.length > 0) throw new OptionError(`${op}: ${problems.join('; ')}`)
  entries.forEach((entry, i) => {
    if (!entry) return
    const { step } = entry
    checkOption(op, `state.${numbers[i]}.step`, step, Number.isInteger(step) && step >= 0, 'an integer from 0 up')
  })
  if (misshapen.length > 0) throw new ShapeError(`${op}: ${misshapen.join('; ')}`)
  return { options, entries }
}

/** The options of the groups, checked, and the numbers of all parameters in order. */
function checkGroups<Options>(
  op: string,
  saved: OptimizerStateDict<Options>['paramGroups'],
  { groups, names, kept }: Target<Options>,
) {
  const sizes = saved.map((group) => (Array.isArray(group?.params) ? group.params.length : 0))
  const own = groups.map(({ params }) => params.length)
  if (sizes.join() !== own.join())
    throw new OptionError(
      `${op}: the groups have ${own.join(', ')} parameters, and in the saved state ${sizes.join(', ') || 'there are none'}`,
    )
  const problems = saved.flatMap((group, i) => namesThatDiffer(`paramGroups.${i}`, group, ['params', ...names]))
  if (problems.length > 0) throw new OptionError(`${op}: ${problems.join('; ')}`)
  const numbers = saved.flatMap(({ params }) => params)
  if (new Set(numbers).size < numbers.length)
    throw new OptionError(`${op}: paramGroups name a parameter twice: ${numbers.join(', ')}`)
  const options = saved.map((group, i) => kept(`${op}: paramGroups.${i}`, group))
  return { options, numbers }
}

/** What `entry` lacks of `names`, but for those that may be left out, and what it has besides. */
function namesThatDiffer(
  where: string,
  entry: object,
  names: readonly string[],
  mayLack: (name: string) => boolean = () => false,
): string[] {
  const lacking = names.filter((name) => !Object.hasOwn(entry, name) && (name === 'step' || !mayLack(name)))
  const beyond = Object.keys(entry).filter((name) => !names.includes(name))
  return [...lacking.map((name) => `missing ${where}.${name}`), ...beyond.map((name) => `unexpected ${where}.${name}`)]
}
