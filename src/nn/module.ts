import { DtypeError, kindOf, OptionError } from '../errors.ts'
import { formatModule, INSPECT, inspected, SUMMARY } from '../inspect.ts'
import { checkFlag } from '../options.ts'
import type { Shape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import { BufferTensor, Parameter } from './parameter.ts'
import { type Entry, loadState, type StateDict, snapshotOf } from './state-dict.ts'
import { type Part, summaryOf } from './summary.ts'

/** The last axis of what a module takes and gives; `'same'` leaves it as it is, `number` fits anything. */
export type Features = readonly [takes: number, gives: number] | 'same'

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

  /** Every buffer once, in the order of fields. */
  buffers(): Tensor[] {
    return [...new Set(this.namedBuffers().map(([, buffer]) => buffer))]
  }

  /** Every buffer with its name in `stateDict()`; one that is shared appears under each of its names. */
  namedBuffers(): [name: string, buffer: Tensor][] {
    return entries(this).filter((entry): entry is [string, BufferTensor] => entry[1] instanceof BufferTensor)
  }

  /** This module, then every one inside, in the order of fields; one that is shared appears once. */
  modules(): Module[] {
    return this.namedModules().map(([, module]) => module)
  }

  /** The modules of `modules()`, each with the first path to it: `''` is this one, `layers.0` one in an array of a field. */
  namedModules(): [name: string, module: Module][] {
    return named(this, () => true)
  }

  /** The modules in the fields of this one, and in arrays and plain objects there, but not those inside them; each once. */
  children(): Module[] {
    return this.namedChildren().map(([, module]) => module)
  }

  /** The modules of `children()`, each with the first path to it. */
  namedChildren(): [name: string, module: Module][] {
    return named(this, (module) => module === this).slice(1)
  }

  /**
   * Calls `fn` on every module inside and then on this one, each once and after those inside it; to initialise, say:
   *
   * ```ts
   * const model = nn.sequential(new nn.Linear(4, 16), new nn.ReLU(), new nn.Linear(16, 3))
   * model.apply((module) => {
   *   if (module instanceof nn.Linear) nn.init.xavierUniform_(module.weight)
   * })
   * ```
   * @throws OptionError when `fn` is no function.
   */
  apply(fn: (module: Module) => void): this {
    if (typeof fn !== 'function')
      throw new OptionError(`apply: expected a function of a module, got ${kindOf(fn)}; pass (module) => { … }`)
    applyOnce(this, fn, new Set())
    return this
  }

  /**
   * Sets `requiresGrad` of every parameter: `requiresGrad_(false)` freezes a model, or a part of it. Optimizers skip
   * parameters that are frozen.
   * @throws DtypeError for true when a parameter is not float32, and OptionError for what is no boolean; nothing is changed then.
   */
  requiresGrad_(requiresGrad = true): this {
    checkFlag('requiresGrad_', 'requiresGrad', requiresGrad)
    const fixed = this.namedParameters().find(([, { dtype }]) => dtype !== 'float32')
    if (requiresGrad && fixed)
      throw new DtypeError(`requiresGrad_: ${fixed[0]} of dtype ${fixed[1].dtype} has no gradient; make it nn.buffer`)
    for (const parameter of this.parameters()) parameter.requiresGrad = requiresGrad
    return this
  }

  /** A snapshot: copies of all parameters and buffers by name. It lives until its handles go. */
  stateDict(): StateDict {
    return snapshotOf(entries(this))
  }

  /**
   * Copies `state` into the parameters and buffers.
   * @param options.strict Whether names that are missing or unexpected are an error. Default: true.
   * @throws OptionError, or ShapeError where only shapes are wrong, listing every name that is missing, unexpected or of
   *   another shape; nothing is copied then.
   */
  loadStateDict(state: StateDict, options: { strict?: boolean } = {}): void {
    loadState(entries(this), state, options)
  }

  /** Sets training mode, here and in every module inside. */
  train(mode = true): this {
    for (const module of this.modules()) module.training = mode
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

/** A module and those inside, each once with the first path to it. What `enters` says no to is not entered. */
function named(module: Module, enters: (module: Module) => boolean): [string, Module][] {
  const found = new Map<Module, string>()
  walk(module, '', (path, value) => {
    if (!(value instanceof Module)) return true
    if (!found.has(value)) found.set(value, path)
    return enters(value)
  })
  return [...found].map(([inside, path]) => [path, inside])
}

/** Calls `fn` on what is inside a module, then on it, but on none that is `done`. */
function applyOnce(module: Module, fn: (module: Module) => void, done: Set<Module>): void {
  if (done.has(module)) return
  done.add(module)
  for (const child of module.children()) applyOnce(child, fn, done)
  fn(module)
}

/**
 * Runs `body` with the model in training mode, or not, and gives every module inside the mode back that it had. What is in
 * evaluation mode inside of a model in training was put there, as frozen layers are, and stays.
 */
export function inMode<T>(model: Module, training: boolean, body: () => T): T {
  const modes = model.modules().map((module) => [module, module.training] as const)
  try {
    if (!training || !model.training) model.train(training)
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
