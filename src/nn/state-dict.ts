/** Parameters and buffers by name: a snapshot of them, and what is loaded into them. */
import { check, withReadable } from '../autograd/operands.ts'
import { kindOf, OptionError, ShapeError } from '../errors.ts'
import { checkOptions } from '../options.ts'
import { freeWithHandle } from '../runtime/lifetimes.ts'
import { noGrad } from '../scope.ts'
import { formatShape, sameShape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import type { BufferTensor, Parameter } from './parameter.ts'

/** Tensors by their names, as `stateDict()` gives them. */
export type StateDict = Record<string, Tensor>

/** A parameter or buffer of a module, with its path. */
export type Entry = readonly [name: string, value: Parameter | BufferTensor]

/** Copies of all values by name, or nothing when memory runs out. */
export function snapshotOf(entries: readonly Entry[]): StateDict {
  const state: [string, Tensor][] = []
  try {
    for (const [name, value] of entries) state.push([name, snapshot(value)])
  } catch (error) {
    for (const [, copy] of state) copy.dispose()
    throw error
  }
  return Object.fromEntries(state)
}

function snapshot(value: Tensor): Tensor {
  const copy = withReadable('stateDict', value, { strided: true }, (x) => x.converted(x.dtype))
  freeWithHandle(copy)
  return copy
}

/** Copies `state` into the entries, or throws one error of all that does not fit. */
export function loadState(entries: readonly Entry[], state: StateDict, options: { strict?: boolean }): void {
  checkOptions('loadStateDict', options, ['strict'])
  const { strict = true } = options
  if (typeof state !== 'object' || state === null)
    throw new OptionError(`loadStateDict: the state is ${kindOf(state)}, not an object of tensors`)
  const present = entries.filter(([name]) => Object.hasOwn(state, name))
  for (const [name] of present) check(`loadStateDict: ${name}`, state[name])
  const names = new Set(entries.map(([name]) => name))
  const missing = [...names].filter((name) => !Object.hasOwn(state, name))
  const unexpected = Object.keys(state).filter((name) => !names.has(name))
  const misnamed = strict ? [...listed('missing', missing), ...listed('unexpected', unexpected)] : []
  const misshapen = present
    .filter(([name, value]) => !sameShape(state[name].shape, value.shape))
    .map(([name, value]) => `${name} is ${formatShape(state[name].shape)}, not ${formatShape(value.shape)}`)
  const misfits = [...misnamed, ...misshapen].join('; ')
  if (misnamed.length > 0)
    throw new OptionError(`loadStateDict: ${misfits}; the names must match, or pass { strict: false }`)
  if (misshapen.length > 0) throw new ShapeError(`loadStateDict: ${misfits}`)
  noGrad(() => {
    const sources = present.map(([name, value]) => state[name].to(value.dtype).contiguous())
    present.forEach(([, value], i) => {
      value.copy_(sources[i])
    })
  })
}

const listed = (what: string, names: readonly string[]) => (names.length > 0 ? [`${what} ${names.join(', ')}`] : [])
