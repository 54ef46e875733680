import { check, withReadable } from '../autograd/operands.ts'
import { DtypeError, kindOf, OptionError, ShapeError } from '../errors.ts'
import { formatModule, INSPECT, inspected, SUMMARY } from '../inspect.ts'
import { checkOptions } from '../options.ts'
import { freeWithHandle, own } from '../runtime/lifetimes.ts'
import { noGrad } from '../scope.ts'
import { formatShape, isContiguous, type Shape, sameShape } from '../shape.ts'
import { Tensor } from '../tensor.ts'
import { type Part, summaryOf } from './summary.ts'

/** The last axis of what a module takes and gives; `'same'` leaves it as it is, `number` fits anything. */
export type Features = readonly [takes: number, gives: number] | 'same'

/** Tensors by their names, as `stateDict()` gives them. */
export type StateDict = Record<string, Tensor>

/**
 * A tensor that an optimizer trains. It takes over the memory of `data` (a copy of a strided view or of another parameter), and belongs to its module,
 * never to a graph, turn or scope.
 */
export class Parameter extends Tensor {
  constructor(data: Tensor, { requiresGrad = true }: { requiresGrad?: boolean } = {}) {
    check('nn.Parameter', data)
    if (requiresGrad && data.dtype !== 'float32')
      throw new DtypeError(`nn.Parameter: a tensor of dtype ${data.dtype} has no gradient; use float() or nn.buffer`)
    super(denseCell('nn.Parameter', data), data.shape)
    this.storage.assign('parameters')
    own(this)
    this.requiresGrad = requiresGrad
  }

  override toString(): string {
    return `Parameter containing:\n${super.toString()}`
  }

  /** @internal */
  override [SUMMARY](): string {
    return `Parameter ${formatShape(this.shape)} ${this.dtype}`
  }
}

class BufferTensor extends Tensor {
  /** Its name in state dicts, where that is not the one of its field. */
  readonly savedAs: string | null

  constructor(data: Tensor, savedAs: string | null) {
    super(denseCell('nn.buffer', data), data.shape)
    this.savedAs = savedAs
    this.storage.assign('parameters')
    own(this)
  }
}

/**
 * The memory of `data`, or a copy where its elements do not lie in logical order, as optimizers go through them, or where it
 * has an owner already.
 */
function denseCell(what: string, data: Tensor): Tensor['cell'] {
  check(what, data)
  const isOwned = data instanceof Parameter || data instanceof BufferTensor
  if (!isOwned && data.cell.storage && isContiguous(data.shape, data.strides)) return data.cell
  return withReadable(what, data, { strided: true }, (x) => x.converted(x.dtype)).cell
}

/**
 * State of a module that is saved but not trained, such as running statistics. It takes over the memory of `data`.
 * @param savedAs Its name in `stateDict()`. Default: that of its field.
 */
export function buffer(data: Tensor, savedAs: string | null = null): Tensor {
  return new BufferTensor(data, savedAs)
}

type Entry = readonly [name: string, value: Parameter | BufferTensor]

/**
 * The base of every layer and model. Parameters, buffers and modules are found in fields, and in arrays and plain objects in
 * fields; their names are the paths to them: `fc1.weight`, `layers.0.bias`. Nothing sees into a field named with `#`.
 *
 * ```ts
 * class Net extends nn.Module {
 *   fc1 = new nn.Linear(4, 16)
 *   fc2 = new nn.Linear(16, 3)
 *   forward(x: Tensor) { return this.fc2.forward(this.fc1.forward(x).relu()) }
 * }
 * ```
 */
export abstract class Module<F extends Features = Features> {
  /** Only for the type system, which holds `nn.sequential` to it. */
  declare readonly features: F
  /** Whether layers behave as in training; `train()` and `eval()` set it for the whole model. */
  training = true

  /** What the module computes; a subclass says from what. Those that take a tensor and give one can be chained. */
  abstract forward(...inputs: never[]): unknown

  /** Every parameter once, in the order of fields. */
  parameters(): Parameter[] {
    const found = new Set<Parameter>()
    for (const [, value] of entries(this)) if (value instanceof Parameter) found.add(value)
    return [...found]
  }

  /** Every parameter with its name; one that is shared appears under each of its names. */
  namedParameters(): [name: string, parameter: Parameter][] {
    return entries(this).filter((entry): entry is [string, Parameter] => entry[1] instanceof Parameter)
  }

  /** A snapshot: copies of all parameters and buffers by name. It lives until its handles go. */
  stateDict(): StateDict {
    const state: [string, Tensor][] = []
    try {
      for (const [name, value] of entries(this)) state.push([name, snapshot(value)])
    } catch (error) {
      for (const [, copy] of state) copy.dispose()
      throw error
    }
    return Object.fromEntries(state)
  }

  /**
   * Copies `state` into the parameters and buffers.
   * @param options.strict Whether names that are missing or unexpected are an error. Default: true.
   * @throws OptionError or ShapeError listing every name that is missing, unexpected or of another shape; nothing is copied then.
   */
  loadStateDict(state: StateDict, options: { strict?: boolean } = {}): void {
    checkOptions('loadStateDict', options, ['strict'])
    const { strict = true } = options
    if (typeof state !== 'object' || state === null)
      throw new OptionError(`loadStateDict: the state is ${kindOf(state)}, not an object of tensors`)
    const own = entries(this)
    const names = new Set(own.map(([name]) => name))
    const missing = [...names].filter((name) => !Object.hasOwn(state, name))
    const unexpected = Object.keys(state).filter((name) => !names.has(name))
    if (strict && missing.length + unexpected.length > 0)
      throw new OptionError(
        `loadStateDict: ${listed('missing', missing)}${listed('unexpected', unexpected)}the names must match, or pass { strict: false }`,
      )
    const present = own.filter(([name]) => Object.hasOwn(state, name))
    for (const [name] of present) check(`loadStateDict: ${name}`, state[name])
    const misshapen = present.filter(([name, value]) => !sameShape(state[name].shape, value.shape))
    if (misshapen.length > 0) {
      const list = misshapen.map(
        ([name, value]) => `${name} is ${formatShape(state[name].shape)}, not ${formatShape(value.shape)}`,
      )
      throw new ShapeError(`loadStateDict: ${list.join('; ')}`)
    }
    noGrad(() => {
      const sources = present.map(([name, value]) => state[name].to(value.dtype).contiguous())
      present.forEach(([, value], i) => {
        value.copy_(sources[i])
      })
    })
  }

  /** Sets training mode, here and in every module inside. */
  train(mode = true): this {
    for (const module of modulesIn(this)) module.training = mode
    return this
  }

  /** `train(false)` */
  eval(): this {
    return this.train(false)
  }

  /** Sets every parameter's gradient to null. */
  zeroGrad(): void {
    for (const parameter of this.parameters()) parameter.grad = null
  }

  /** Frees parameters, their gradients, and buffers. */
  dispose(): void {
    for (const [, value] of entries(this)) value.dispose()
  }

  /** `using model = …` frees it at the end of the block. */
  [Symbol.dispose](): void {
    this.dispose()
  }

  /** The arguments of a layer, as `toString` shows them: `inFeatures=784, outFeatures=128`. Default: none. */
  extraRepr(): string {
    return ''
  }

  /** The tree of modules with their arguments, as PyTorch prints it. `console.log(model)` prints the same. */
  toString(): string {
    return treeOf(this, [])
  }

  /**
   * A table of the modules inside, one to a line: its path, its class, the shape of what it gives, and how many parameters are
   * in its own fields; below, how many there are in all, trained and frozen. A parameter that is shared counts once.
   *
   * ```ts
   * console.log(nn.sequential(new nn.Linear(4, 16), new nn.ReLU(), new nn.Linear(16, 3)).summary([32, 4]))
   * ```
   * @param inputShape The shape of an input, the batch included. The model is run once on zeros, float32 or where it takes none
   *   int32, as after `eval()`; modes, buffers and the sequence of random numbers stay as they are. Default: no shapes.
   * @throws ShapeError for what is no shape, and whatever the model throws on zeros of that shape.
   */
  summary(inputShape?: Shape): string {
    return summaryOf(partsOf(this), inputShape)
  }

  /** @internal */
  [SUMMARY](): string {
    return this.constructor.name
  }

  /** @internal */
  [INSPECT](depth: number): string {
    return inspected(this, depth)
  }
}

/** A module that takes a tensor and gives one, whatever its features: what can be chained. */
export type Layer = Module & {
  /** What the layer computes from `x`. */
  forward(x: Tensor): Tensor
}

function snapshot(value: Tensor): Tensor {
  const copy = withReadable('stateDict', value, { strided: true }, (x) => x.converted(x.dtype))
  freeWithHandle(copy)
  return copy
}

const listed = (what: string, names: readonly string[]) => (names.length > 0 ? `${what} ${names.join(', ')}; ` : '')

/** Every parameter and buffer with its path, in the order of fields. */
function entries(module: Module): Entry[] {
  const found: Entry[] = []
  walk(module, '', (name, value) => {
    if (value instanceof BufferTensor && value.savedAs !== null)
      found.push([name.replace(/[^.]*$/, value.savedAs), value])
    else if (value instanceof Parameter || value instanceof BufferTensor) found.push([name, value])
  })
  return found
}

/** The module and every one inside, in the order of fields, each once for each path to it. */
function modulesIn(module: Module): Module[] {
  const found: Module[] = []
  walk(module, '', (_name, value) => {
    if (value instanceof Module) found.push(value)
  })
  return found
}

/** Runs `body` with the model in training mode, or not, and gives every module inside the mode back that it had. */
export function inMode<T>(model: Module, training: boolean, body: () => T): T {
  const modes = modulesIn(model).map((module) => [module, module.training] as const)
  try {
    model.train(training)
    return body()
  } finally {
    for (const [module, mode] of modes) module.training = mode
  }
}

/** A module and those inside, each with its path and the tensors that are its own. */
function partsOf(module: Module, path = '', around: readonly Module[] = []): Part[] {
  const parameters: Parameter[] = []
  const buffers: Tensor[] = []
  const inside: Part[] = []
  const visit = (at: string, value: object): boolean => {
    const isChild = value instanceof Module && value !== module
    if (isChild) inside.push(...partsOf(value, at, [...around, module]))
    else if (value instanceof Parameter) parameters.push(value)
    else if (value instanceof BufferTensor) buffers.push(value)
    return !isChild
  }
  walk(module, path, visit, around)
  return [{ path, module, parameters, buffers }, ...inside]
}

/** A module and those inside, each by the path from the one around it, but none inside itself. */
function treeOf(module: Module, around: readonly Module[]): string {
  const children: [string, string][] = []
  const visit = (path: string, value: object): boolean => {
    const isChild = value instanceof Module && value !== module
    if (isChild) children.push([path, treeOf(value, [...around, module])])
    return !isChild
  }
  walk(module, '', visit, around)
  return formatModule(module.constructor.name, module.extraRepr(), children)
}

/**
 * Visits a value and everything in the fields of modules, arrays and plain objects inside; modules that contain themselves
 * once. What `visit` returns false for is not entered.
 */
function walk(
  value: unknown,
  path: string,
  visit: (path: string, value: object) => unknown,
  inside: readonly unknown[] = [],
): void {
  if (typeof value !== 'object' || value === null || inside.includes(value)) return
  if (visit(path, value) === false) return
  const isPlain = Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype
  if (!isPlain && !(value instanceof Module)) return
  for (const [key, field] of Object.entries(value))
    walk(field, path ? `${path}.${key}` : key, visit, [...inside, value])
}
