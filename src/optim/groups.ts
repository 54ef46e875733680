/** Parameter groups: which parameters share which options. */
import { check } from '../autograd/operands.ts'
import { kindOf, OptionError } from '../errors.ts'
import { checkOptions } from '../options.ts'
import { isContiguous } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import type { Rules } from './options.ts'

/** Parameters with options of their own; what is left out is as the optimizer's options say. */
export type ParamGroupOptions<Options> = Options & {
  /** The parameters, such as `model.fc1.parameters()`. */
  readonly params: Iterable<Tensor>
}

/** What an optimizer trains: a list of parameters, or of groups of them. */
export type Trainable<Options> = Iterable<Tensor> | Iterable<ParamGroupOptions<Options>>

/** A group as `optimizer.paramGroups` shows it: its options can be set, and are checked. */
export type ParamGroup<Options> = { -readonly [Name in keyof Options]-?: Required<Options>[Name] } & {
  /** The parameters, in order. */
  readonly params: readonly Tensor[]
}

/** A group as the optimizer holds it: `face` is what users see of it. */
export interface Group<Options> {
  readonly params: readonly Tensor[]
  options: Required<Options>
  readonly face: ParamGroup<Options>
}

/** The groups that `trainable` means, each with what it says itself, and how messages call it. */
export function groupsOf<Options>(
  optimizer: string,
  trainable: Trainable<Options>,
): { where: string; params: Tensor[]; own: Partial<Options> }[] {
  const list = listOf<Tensor | ParamGroupOptions<Options>>(optimizer, trainable)
  if (list.length === 0)
    throw new OptionError(
      `${optimizer}: there are no parameters to train; pass model.parameters(). A model finds those in its fields, in arrays and plain objects there, but not in #private fields, Maps or Sets; a tensor must be wrapped: new nn.Parameter(tensor)`,
    )
  if (!list.some(isGroup)) return [{ where: optimizer, params: list as Tensor[], own: {} }]
  return list.map((group, i) => groupOf(optimizer, `${optimizer}: group ${i}`, group as ParamGroupOptions<Options>))
}

/** One group, which messages call `where`. */
export function groupOf<Options>(optimizer: string, where: string, group: ParamGroupOptions<Options>) {
  if (!isGroup(group))
    throw new OptionError(
      `${optimizer}: expected a group, such as { params: model.parameters(), lr: 0.01 }, got ${kindOf(group)}`,
    )
  const { params, ...own } = group
  const list = listOf<Tensor>(where, params)
  if (list.length === 0) throw new OptionError(`${where}: there are no parameters; leave the group out`)
  return { where, params: list, own: own as Partial<Options> }
}

const isGroup = (x: unknown): x is { params: unknown } => typeof x === 'object' && x !== null && 'params' in x

function listOf<T>(where: string, list: Iterable<unknown>): T[] {
  if (typeof list?.[Symbol.iterator] !== 'function')
    throw new OptionError(`${where}: expected a list of parameters; pass model.parameters()`)
  return [...list] as T[]
}

/** Throws unless `params` can be trained: leaves, dense, none twice, and none of `others`. */
export function checkParameters(where: string, params: readonly Tensor[], others: readonly Tensor[]): void {
  const seen = new Set(others)
  for (const parameter of params) {
    check(where, parameter)
    if (seen.has(parameter))
      throw new OptionError(
        `${where}: a parameter is named twice${others.includes(parameter) ? ': another group has it' : ''}`,
      )
    seen.add(parameter)
    if (parameter.node)
      throw new OptionError(
        `${where}: a parameter was computed by ${parameter.node.name}; only leaves can be trained: detach() it, or wrap it in nn.Parameter`,
      )
    if (!isContiguous(parameter.shape, parameter.strides))
      throw new OptionError(`${where}: a parameter is a strided view; pass a clone() of it, or wrap it in nn.Parameter`)
  }
}

/** The names of the options. */
export const namesOf = <Options>(rules: Rules<Options>) => Object.keys(rules) as (keyof Options & string)[]

/** `base` with what `given` says instead, which names nothing but options. */
export function merged<Options extends object>(
  where: string,
  rules: Rules<Options>,
  base: Required<Options>,
  given: Partial<Options>,
): Required<Options> {
  checkOptions<Partial<Options>>(where, given, namesOf(rules))
  const said = Object.entries(given).filter(([, value]) => value !== undefined)
  return kept(where, rules, { ...base, ...Object.fromEntries(said) })
}

/** `options`, checked; lists are copied, since a change of one would go by the checks. */
export function kept<Options extends object>(
  where: string,
  rules: Rules<Options>,
  options: Required<Options>,
): Required<Options> {
  const copy: Partial<Options> = {}
  for (const name of namesOf(rules)) {
    const value = options[name]
    rules[name].check(where, name, value)
    copy[name] = Array.isArray(value) ? (Object.freeze([...value]) as typeof value) : value
  }
  return copy as Required<Options>
}

/** A group whose options, read and set through its face, are those that `change` has let pass. */
export function liveGroup<Options extends object>(
  params: readonly Tensor[],
  options: Required<Options>,
  change: (group: Group<Options>, name: keyof Options & string, value: unknown) => void,
): Group<Options> {
  const face = { params: Object.freeze([...params]) } as ParamGroup<Options>
  const group = { params, options, face }
  for (const name of Object.keys(options) as (keyof Options & string)[])
    Object.defineProperty(face, name, {
      enumerable: true,
      get: () => group.options[name],
      set: (value: unknown) => change(group, name, value),
    })
  Object.freeze(face)
  return group
}
