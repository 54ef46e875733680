/** What every optimizer shares: the table of segments that its kernel works on, groups, state, step counts, zeroGrad. */
import { isDetecting, watchChange } from '../autograd/anomaly.ts'
import { check, withReadable } from '../autograd/operands.ts'
import { MemoryLimitError, OptionError } from '../errors.ts'
import { formatOptimizer, INSPECT, inspected, SUMMARY } from '../inspect.ts'
import { Cell } from '../runtime/cell.ts'
import { engine } from '../runtime/engine.ts'
import type { Storage } from '../runtime/heap.ts'
import type { Kernels, Ptr } from '../runtime/kernels.generated.ts'
import { freeWithHandle } from '../runtime/lifetimes.ts'
import { Tensor } from '../tensor.ts'
import {
  checkParameters,
  type Group,
  groupOf,
  groupsOf,
  kept,
  liveGroup,
  merged,
  namesOf,
  type ParamGroup,
  type ParamGroupOptions,
  type Trainable,
} from './groups.ts'
import type { Rules } from './options.ts'
import { checkStateDict, type OptimizerStateDict, type ParameterState } from './state-dict.ts'

export type { Trainable } from './groups.ts'

/**
 * A row of the table is 64 bytes: two pointers and three of state, a length, and up to ten hyper-parameters. See
 * `assembly/optim.ts`.
 */
const WORDS = 16
const FIRST_STATE = 2
const LENGTH = 5
const FIRST_HYPER = 6

type Update = (table: Ptr, rows: number) => void

/** The kernels that update parameters over a table of segments. */
export type UpdateKernel = { [K in keyof Kernels]: Kernels[K] extends Update ? K : never }[keyof Kernels]

/** What all optimizers have. */
export interface OptimizerOptions {
  /** Learning rate. */
  lr?: number
}

/** One parameter with its state. */
interface Slot<Options> {
  readonly parameter: Tensor
  readonly group: Group<Options>
  /** How often it has been updated: a step without a gradient does not count. */
  updates: number
  /** In the order of `states`; a tensor of state is made when the kernel first needs it. */
  state: (Storage | undefined)[]
  /** Whether state was made for the step that is being taken. */
  isFresh: boolean
}

/** Frees the state of optimizers that were dropped without `dispose()`. */
const dropped = new FinalizationRegistry<Storage[]>(releaseAll)

function releaseAll(held: Storage[]): void {
  for (const storage of held) storage.release()
  held.length = 0
}

/**
 * A subclass names its kernel and the tensors of state that it keeps for each parameter, and computes the hyper-parameters of
 * one row; everything else is here. Parameters never move: each step writes a table of pointers and makes one kernel call.
 */
export abstract class Optimizer<Options extends OptimizerOptions = OptimizerOptions> {
  protected abstract readonly kernel: UpdateKernel
  /** Names of the tensors of a parameter's size that the kernel keeps for it, at most three, in the kernel's order. */
  protected abstract readonly states: readonly string[]
  readonly #rules: Rules<Options>
  readonly #defaults: Required<Options>
  readonly #groups: Group<Options>[] = []
  readonly #slots: Slot<Options>[] = []
  readonly #held: Storage[] = []
  #words = new Int32Array(0)
  #floats = new Float32Array(0)
  #table: Storage | null = null
  #isDisposed = false

  /**
   * @param parameters The parameters to train, `model.parameters()`; or groups of them with options of their own:
   *   `[{ params: model.fc1.parameters(), lr: 1e-4 }, { params: model.fc2.parameters() }]`.
   * @param options The options, and of groups those that a group does not set.
   * @throws OptionError without parameters, for a parameter named twice, one that is computed or a strided view, an option
   *   that does not exist, or a value that it may not have.
   */
  constructor(parameters: Trainable<Options>, options: Options, rules: Rules<Options>) {
    this.#rules = rules
    const standard = Object.fromEntries(namesOf(rules).map((name) => [name, rules[name].default]))
    this.#defaults = this.#merged(this.#name, standard as Required<Options>, options)
    for (const { where, params, own } of groupsOf(this.#name, parameters)) this.#add(where, params, own)
    dropped.register(this, this.#held, this)
  }

  /** The groups of parameters; their options can be set, and count from the next step on: `paramGroups[0].lr = 0.01`. */
  get paramGroups(): readonly ParamGroup<Options>[] {
    return this.#groups.map(({ face }) => face)
  }

  /** The learning rate of the next steps: that of the first group. Setting it sets that of every group. */
  get lr(): number {
    return this.#groups[0].options.lr as number
  }

  set lr(value: number) {
    for (const group of this.#groups) this.#change(group, 'lr', value)
  }

  /** The hyper-parameters of a row, in the kernel's order. `update` counts the updates of the parameter, from 1. */
  protected abstract hyperParameters(options: Required<Options>, update: number, isFresh: boolean): readonly number[]

  /** What the state `name` is filled with at first, or null where these options do without it. */
  protected initialState(_options: Required<Options>, _name: string): number | null {
    return 0
  }

  /** Throws `OptionError` where options do not fit together. */
  protected checkTogether(_where: string, _options: Required<Options>): void {}

  /**
   * Adds parameters to train, such as those of layers that were frozen at first. Schedulers that exist already
   * schedule them from their next step on, but for `OneCycleLR`, which leaves them alone.
   * @throws OptionError as the constructor does, and then nothing is added.
   */
  addParamGroup(group: ParamGroupOptions<Options>): void {
    this.#checkAlive('addParamGroup')
    const { where, params, own } = groupOf(this.#name, `${this.#name}.addParamGroup`, group)
    this.#add(where, params, own)
  }

  /**
   * Updates every parameter that has a gradient; the others are skipped, with their state and step count.
   * When memory for the state runs out, nothing has been updated.
   */
  step(): void {
    this.#checkAlive('step')
    const { k, heap } = engine()
    const active = this.#slots.filter(({ parameter }) => parameter.requiresGrad && parameter.grad)
    for (const { parameter } of active) check(`${this.#name}.step`, parameter.grad as Tensor)
    const table = this.#prepare(active)
    active.forEach((slot, row) => {
      this.#write(row, slot)
    })
    heap.upload(table.ptr, this.#words, 'int32')
    const inspect = isDetecting() ? this.#watch(active) : null
    k[this.kernel](table.ptr, active.length)
    for (const slot of active) {
      slot.updates++
      slot.isFresh = false
      slot.parameter.storage.changed()
    }
    inspect?.()
  }

  /** Sets every parameter's gradient to null. */
  zeroGrad(): void {
    for (const { parameter } of this.#slots) parameter.grad = null
  }

  /**
   * A snapshot in the layout of PyTorch: for each parameter that has been updated, by its number, the count of updates and
   * copies of its state; and the options of each group with the numbers of its parameters. The copies live until their
   * handles go.
   */
  stateDict(): OptimizerStateDict<Options> {
    this.#checkAlive('stateDict')
    const made: Tensor[] = []
    const snapshot = ({ parameter, state, updates, group }: Slot<Options>): ParameterState => {
      const entry: ParameterState = { step: updates }
      this.states.forEach((name, i) => {
        const storage = state[i]
        if (storage) {
          const copy = copyOf(storage, parameter)
          made.push(copy)
          entry[name] = copy
        } else if (this.initialState(group.options, name) !== null) entry[name] = null
      })
      return entry
    }
    try {
      const updated = [...this.#slots.entries()].filter(([, { updates }]) => updates > 0)
      const state = Object.fromEntries(updated.map(([i, slot]) => [i, snapshot(slot)]))
      for (const copy of made) freeWithHandle(copy)
      const numbers = new Map(this.#slots.map(({ parameter }, i) => [parameter, i]))
      const paramGroups = this.#groups.map(({ options, params }) => ({
        ...options,
        params: params.map((parameter) => numbers.get(parameter) as number),
      }))
      return { state, paramGroups }
    } catch (error) {
      for (const copy of made) copy.drop()
      throw MemoryLimitError.from(error, `${this.#name}.stateDict`, this.#parameters)
    }
  }

  /**
   * Goes on from what `stateDict()` gave: copies of state, counts and all options, in place of what there is. Parameters are
   * told by their order. Steps taken then give the same bits as if there had been no stop.
   * @throws OptionError or ShapeError listing everything that is missing, unexpected or of another shape; nothing has
   *   changed then.
   */
  loadStateDict(saved: OptimizerStateDict<Options>): void {
    this.#checkAlive('loadStateDict')
    const op = `${this.#name}.loadStateDict`
    const { options, entries } = checkStateDict(op, saved, {
      groups: this.#groups,
      names: namesOf(this.#rules),
      states: this.states,
      kept: (where, group) => this.#kept(where, group),
      needs: (group, name) => this.initialState(group, name) !== null,
    })
    const { k, heap } = engine()
    const made: Storage[] = []
    const copied = (source: Tensor | null) => {
      if (!source) return undefined
      const storage = heap.alloc(source.numel * 4, 'optimizers')
      made.push(storage)
      withReadable(op, source, { dtype: 'float32' }, (x) => k.copy32(x.ptr, storage.ptr, 1, x.numel, 0, 1, 0, 1))
      return storage
    }
    try {
      const states = entries.map((entry) => entry?.tensors.map(copied) ?? [])
      this.#slots.forEach((slot, i) => {
        slot.state = states[i]
        slot.updates = entries[i]?.step ?? 0
      })
    } catch (error) {
      releaseAll(made)
      throw MemoryLimitError.from(error, op, this.#parameters)
    }
    this.#groups.forEach((group, i) => {
      group.options = options[i]
    })
    const old = this.#held.splice(0).filter((storage) => storage !== this.#table)
    if (this.#table) this.#held.push(this.#table)
    this.#held.push(...made)
    releaseAll(old)
  }

  /** Frees the state. The parameters belong to the model. */
  dispose(): void {
    this.#isDisposed = true
    dropped.unregister(this)
    releaseAll(this.#held)
  }

  /** `using optimizer = …` frees it at the end of the block. */
  [Symbol.dispose](): void {
    this.dispose()
  }

  /** The groups with their options, as PyTorch prints them. `console.log(optimizer)` prints the same. */
  toString(): string {
    return formatOptimizer(
      this.#name,
      this.#groups.map(({ options }) => options),
    )
  }

  /** @internal */
  [SUMMARY](): string {
    return this.#name
  }

  /** @internal */
  [INSPECT](depth: number): string {
    return inspected(this, depth)
  }

  #add(where: string, params: readonly Tensor[], own: Partial<Options>): void {
    const options = this.#merged(where, this.#defaults, own)
    checkParameters(where, params, this.#parameters)
    const group = liveGroup(params, options, (changed, name, value) => this.#change(changed, name, value))
    this.#groups.push(group)
    for (const parameter of params) this.#slots.push({ parameter, group, updates: 0, state: [], isFresh: false })
    this.#words = new Int32Array(this.#slots.length * WORDS)
    this.#floats = new Float32Array(this.#words.buffer)
    // The table has to grow.
    if (this.#table) {
      this.#held.splice(this.#held.indexOf(this.#table), 1)
      this.#table.release()
      this.#table = null
    }
  }

  #change(group: Group<Options>, name: keyof Options & string, value: unknown): void {
    group.options = this.#kept(this.#name, { ...group.options, [name]: value })
  }

  #merged(where: string, base: Required<Options>, given: Partial<Options>): Required<Options> {
    const options = merged(where, this.#rules, base, given)
    this.checkTogether(where, options)
    return options
  }

  #kept(where: string, given: Required<Options>): Required<Options> {
    const options = kept(where, this.#rules, given)
    this.checkTogether(where, options)
    return options
  }

  #checkAlive(method: string): void {
    if (this.#isDisposed) throw new OptionError(`${this.#name}: ${method} after dispose()`)
  }

  /** Makes the table, and the state that is needed for the first time; either all of it or nothing. */
  #prepare(active: readonly Slot<Options>[]): Storage {
    const { k, heap } = engine()
    const made: Storage[] = []
    const make = (bytes: number) => {
      const storage = heap.alloc(bytes, 'optimizers')
      made.push(storage)
      return storage
    }
    const fresh: [slot: Slot<Options>, i: number, storage: Storage][] = []
    try {
      for (const { parameter } of active) parameter.restore()
      const table = this.#table ?? make(this.#words.byteLength)
      for (const slot of active)
        for (let i = 0; i < this.states.length; i++) {
          const start = slot.state[i] ? null : this.initialState(slot.group.options, this.states[i])
          if (start === null) continue
          const { numel } = slot.parameter
          const storage = make(numel * 4)
          k.fillF32(storage.ptr, numel, start)
          fresh.push([slot, i, storage])
        }
      for (const [slot, i, storage] of fresh) {
        slot.state[i] = storage
        slot.isFresh = true
      }
      this.#table = table
      this.#held.push(...made.splice(0))
      return table
    } catch (error) {
      const parameters = active.map(({ parameter }) => parameter)
      throw MemoryLimitError.from(error, `${this.#name}.step`, parameters)
    } finally {
      releaseAll(made)
    }
  }

  #watch(active: readonly Slot<Options>[]): () => void {
    const parameters = active.map(({ parameter }) => parameter)
    const gradients = parameters.map(({ grad }) => grad as Tensor)
    return watchChange(`${this.#name}.step`, parameters, gradients, (i) => `, parameter ${i} of those with a gradient`)
  }

  #write(row: number, { parameter, group, state, updates, isFresh }: Slot<Options>): void {
    const at = row * WORDS
    const { options } = group
    this.#words[at] = parameter.ptr
    this.#words[at + 1] = (parameter.grad as Tensor).ptr
    for (let i = 0; i < this.states.length; i++) {
      const isNeeded = this.initialState(options, this.states[i]) !== null
      this.#words[at + FIRST_STATE + i] = isNeeded ? (state[i] as Storage).ptr : 0
    }
    this.#words[at + LENGTH] = parameter.numel
    this.#floats.set(this.hyperParameters(options, updates + 1, isFresh), at + FIRST_HYPER)
  }

  get #parameters(): readonly Tensor[] {
    return this.#slots.map(({ parameter }) => parameter)
  }

  get #name(): string {
    return this.constructor.name
  }
}

/** A tensor of the shape of `parameter`, not yet placed. */
function copyOf(state: Storage, { numel, shape }: Tensor): Tensor {
  const { k, heap } = engine()
  const storage = heap.alloc(numel * 4)
  k.copy32(state.ptr, storage.ptr, 1, numel, 0, 1, 0, 1)
  return new Tensor(new Cell(storage, 0, numel, 'float32'), shape)
}
