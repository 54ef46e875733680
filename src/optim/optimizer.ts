/** What every optimizer shares: the table of segments that its kernel works on, state, step counts, zeroGrad. */
import { check } from '../autograd/operands.ts'
import { MemoryLimitError, OptionError } from '../errors.ts'
import { checkOption } from '../options.ts'
import { engine } from '../runtime/engine.ts'
import type { Storage } from '../runtime/heap.ts'
import type { Kernels, Ptr } from '../runtime/kernels.generated.ts'
import { isContiguous } from '../shape.ts'
import type { Tensor } from '../tensor.ts'

/** A row of the table is 64 bytes: four pointers, a length, and up to eleven hyper-parameters. See `assembly/optim.ts`. */
const WORDS = 16
const FIRST_HYPER = 5

type Update = (table: Ptr, rows: number) => void

/** The kernels that update parameters over a table of segments. */
export type UpdateKernel = { [K in keyof Kernels]: Kernels[K] extends Update ? K : never }[keyof Kernels]

/** One parameter with its state. */
interface Slot {
  readonly parameter: Tensor
  /** How often it has been updated: a step without a gradient does not count. */
  updates: number
  state: readonly Storage[]
}

/** Frees the state of optimizers that were dropped without `dispose()`. */
const dropped = new FinalizationRegistry<Storage[]>(releaseAll)

function releaseAll(held: Storage[]): void {
  for (const storage of held) storage.release()
  held.length = 0
}

/**
 * A subclass names its kernel and how many state tensors it keeps for each parameter, and computes the hyper-parameters of
 * one row; everything else is here. Parameters never move: each step writes a table of pointers and makes one kernel call.
 */
export abstract class Optimizer {
  protected abstract readonly kernel: UpdateKernel
  /** How many tensors of a parameter's size the kernel keeps for it. */
  protected abstract readonly stateCount: number
  readonly #slots: readonly Slot[]
  readonly #words: Int32Array
  readonly #floats: Float32Array
  readonly #held: Storage[] = []
  #table: Storage | null = null
  #lr = 0
  #isDisposed = false

  /** @throws OptionError without parameters, for a parameter named twice, or a learning rate below 0 or not finite. */
  constructor(parameters: Iterable<Tensor>, lr: number) {
    if (typeof parameters?.[Symbol.iterator] !== 'function')
      throw new OptionError(`${this.#name}: expected a list of parameters; pass model.parameters()`)
    const list = [...parameters]
    if (list.length === 0)
      throw new OptionError(`${this.#name}: there are no parameters to train; pass model.parameters()`)
    if (new Set(list).size < list.length) throw new OptionError(`${this.#name}: a parameter is named twice`)
    for (const parameter of list) this.#checkParameter(parameter)
    this.#slots = list.map((parameter) => ({ parameter, updates: 0, state: [] }))
    this.#words = new Int32Array(list.length * WORDS)
    this.#floats = new Float32Array(this.#words.buffer)
    this.lr = lr
    dropped.register(this, this.#held, this)
  }

  /** The learning rate of the next steps. */
  get lr(): number {
    return this.#lr
  }

  set lr(value: number) {
    checkOption(this.#name, 'lr', value, value >= 0, 'a finite number from 0 up')
    this.#lr = value
  }

  /** The hyper-parameters of a row, in the kernel's order, for the update number `update` of a parameter, from 1. */
  protected abstract hyperParameters(update: number): readonly number[]

  /**
   * Updates every parameter that has a gradient; the others are skipped, with their state and step count.
   * When memory for the state runs out, nothing has been updated.
   */
  step(): void {
    if (this.#isDisposed) throw new OptionError(`${this.#name}: step after dispose()`)
    const { k, heap } = engine()
    const active = this.#slots.filter(({ parameter }) => parameter.requiresGrad && parameter.grad)
    for (const { parameter } of active) check(`${this.#name}.step`, parameter.grad as Tensor)
    const table = this.#prepare(active)
    active.forEach((slot, row) => {
      this.#write(row, slot)
    })
    heap.upload(table.ptr, this.#words, 'int32')
    k[this.kernel](table.ptr, active.length)
    for (const slot of active) {
      slot.updates++
      slot.parameter.storage.changed()
    }
  }

  /** Sets every parameter's gradient to null. */
  zeroGrad(): void {
    for (const { parameter } of this.#slots) parameter.grad = null
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

  /** Makes the table, and the state of parameters before their first update, all zero; either all of it or nothing. */
  #prepare(active: readonly Slot[]): Storage {
    const parameters = active.map(({ parameter }) => parameter)
    const { k, heap } = engine()
    const made: Storage[] = []
    const make = (bytes: number) => {
      const storage = heap.alloc(bytes, 'optimizers')
      made.push(storage)
      return storage
    }
    try {
      for (const parameter of parameters) parameter.restore()
      const table = this.#table ?? make(this.#words.byteLength)
      const fresh = active.filter(({ state }) => state.length < this.stateCount)
      const states = fresh.map(({ parameter }) =>
        Array.from({ length: this.stateCount }, () => {
          const storage = make(parameter.numel * 4)
          k.fillF32(storage.ptr, parameter.numel, 0)
          return storage
        }),
      )
      fresh.forEach((slot, i) => {
        slot.state = states[i]
      })
      this.#table = table
      this.#held.push(...made.splice(0))
      return table
    } catch (error) {
      throw MemoryLimitError.from(error, `${this.#name}.step`, parameters)
    } finally {
      releaseAll(made)
    }
  }

  #checkParameter(parameter: Tensor): void {
    check(this.#name, parameter)
    if (parameter.node)
      throw new OptionError(
        `${this.#name}: a parameter was computed by ${parameter.node.name}; only leaves can be trained: detach() it, or wrap it in nn.Parameter`,
      )
    if (!isContiguous(parameter.shape, parameter.strides))
      throw new OptionError(
        `${this.#name}: a parameter is a strided view; pass a clone() of it, or wrap it in nn.Parameter`,
      )
  }

  #write(row: number, { parameter, state, updates }: Slot): void {
    const at = row * WORDS
    this.#words[at] = parameter.ptr
    this.#words[at + 1] = (parameter.grad as Tensor).ptr
    this.#words[at + 2] = state[0]?.ptr ?? 0
    this.#words[at + 3] = state[1]?.ptr ?? 0
    this.#words[at + 4] = parameter.numel
    this.#floats.set(this.hyperParameters(updates + 1), at + FIRST_HYPER)
  }

  get #name(): string {
    return this.constructor.name
  }
}
