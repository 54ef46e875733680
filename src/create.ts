/** Making tensors: from data, filled, or random. */
import { BYTES, checkDtype, type Dtype, elementOf, fillerOf, LIMITS } from './dtype.ts'
import { DtypeError, kindOf, MemoryLimitError, OptionError, ShapeError } from './errors.ts'
import { checkOptions } from './options.ts'
import { Cell } from './runtime/cell.ts'
import { engine } from './runtime/engine.ts'
import { place } from './runtime/lifetimes.ts'
import { nextDraw } from './runtime/random.ts'
import { copyStrided, fillDense, through } from './runtime/strided.ts'
import { checkShape, formatShape, numelOf, type Shape } from './shape.ts'
import { Tensor } from './tensor.ts'

/** What creation functions take after shape and values. */
export interface TensorOptions {
  /** Default: float32, or what the data says. */
  dtype?: Dtype
  /** Whether `backward()` is to compute its gradient; float32 only. Default: false. */
  requiresGrad?: boolean
}

/** Numbers or booleans, nested as deep as the tensor has axes. */
export type NestedData = number | boolean | readonly NestedData[]

/** Arrays of numbers of one kind that `tensor` takes. */
export type TypedArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint8ClampedArray
  | Uint16Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array

/** What `tensor` takes. */
export type TensorData = NestedData | TypedArray

/** A placed tensor with undefined contents. */
function allocate(op: string, shape: Shape, dtype: Dtype): Tensor {
  checkShape(op, shape)
  checkDtype(op, dtype)
  const numel = numelOf(shape)
  try {
    const storage = engine().heap.alloc(numel * BYTES[dtype])
    return new Tensor(new Cell(storage, 0, numel, dtype), [...shape])
  } catch (error) {
    throw MemoryLimitError.from(error, op, [{ shape }])
  }
}

/** Places a tensor whose contents are complete. */
function finish(x: Tensor, { requiresGrad = false }: TensorOptions): Tensor {
  if (requiresGrad) x.requiresGrad = true
  place(x, null)
  return x
}

/**
 * A tensor with a copy of `data`. Numbers and nested arrays of them, Float32Array and Float64Array give float32; booleans
 * bool; Uint8Array uint8; other integer arrays int32; `dtype` overrides.
 * @param options.shape The shape of flat data; without it typed arrays have one axis, nested arrays as many as their depth.
 * @throws ShapeError for ragged arrays or a shape that does not fit; DtypeError for a value that the dtype cannot hold.
 */
export function tensor(data: TensorData, options: TensorOptions & { shape?: Shape } = {}): Tensor {
  checkOptions('tensor', options, ['shape', 'dtype', 'requiresGrad'])
  const isTyped = isTypedArray(data)
  const shape = options.shape ?? (isTyped ? [data.length] : shapeOf(data))
  checkShape('tensor', shape)
  const flat = isTyped ? data : flatten(data)
  if (flat.length !== numelOf(shape))
    throw new ShapeError(
      `tensor: ${flat.length} values do not fill shape ${formatShape(shape)} of ${numelOf(shape)} elements`,
    )
  const dtype = options.dtype ?? (isTyped ? dtypeOf(data) : typeof flat[0] === 'boolean' ? 'bool' : 'float32')
  checkDtype('tensor', dtype)
  checkGradient('tensor', dtype, options)
  const values = numbers(flat, dtype)
  const x = allocate('tensor', shape, dtype)
  engine().heap.upload(x.ptr, values, dtype)
  return finish(x, options)
}

const isTypedArray = (data: TensorData): data is TypedArray => ArrayBuffer.isView(data) && 'length' in data

function dtypeOf(data: TypedArray): Dtype {
  if (data instanceof Float32Array || data instanceof Float64Array) return 'float32'
  return data instanceof Uint8Array || data instanceof Uint8ClampedArray ? 'uint8' : 'int32'
}

/** The sizes along the first element of each level, which `flatten` holds all others to. */
function shapeOf(data: NestedData): number[] {
  const shape: number[] = []
  for (let level: NestedData = data; Array.isArray(level); level = level[0] as NestedData) {
    shape.push(level.length)
    if (level.length === 0) break
  }
  return shape
}

function flatten(data: NestedData): (number | boolean)[] {
  const flat: (number | boolean)[] = []
  const shape = shapeOf(data)
  const visit = (value: NestedData, axis: number, path: string): void => {
    if (!Array.isArray(value)) {
      if (axis < shape.length)
        throw new ShapeError(
          `tensor: ragged data: a ${typeof value} at data${path} where others have an array of ${shape[axis]}`,
        )
      if (typeof value !== 'number' && typeof value !== 'boolean')
        throw new DtypeError(
          (value as unknown) instanceof Tensor
            ? `tensor: data${path} is a tensor already; use stack([…]) for several, clone() for a copy`
            : `tensor: data${path} is ${kindOf(value)}, not a number or boolean`,
        )
      if (flat.length > 0 && typeof value !== typeof flat[0])
        throw new DtypeError(`tensor: data${path} is a ${typeof value} among ${typeof flat[0]}s; use one kind`)
      flat.push(value)
      return
    }
    if (axis === shape.length || value.length !== shape[axis])
      throw new ShapeError(
        `tensor: ragged data: data${path} has ${value.length} elements where others have ${axis === shape.length ? 'a single value' : shape[axis]}`,
      )
    for (let i = 0; i < value.length; i++) visit(value[i], axis + 1, `${path}[${i}]`)
  }
  visit(data, 0, '')
  return flat
}

/** Whether `data` can be uploaded as it is. */
function fits(data: ArrayLike<number | boolean | bigint>, dtype: Dtype): data is ArrayLike<number> {
  if (dtype === 'int32') return data instanceof Int32Array
  if (dtype === 'uint8') return data instanceof Uint8Array
  const isBig = data instanceof BigInt64Array || data instanceof BigUint64Array
  return dtype === 'float32' && ArrayBuffer.isView(data) && !isBig
}

/** The values as `upload` takes them; throws for one that the dtype cannot hold. */
function numbers(flat: ArrayLike<number | boolean | bigint>, dtype: Dtype): ArrayLike<number> {
  if (fits(flat, dtype)) return flat
  return Array.from({ length: flat.length }, (_, i) => elementOf('tensor', dtype, Number(flat[i]), i))
}

/** Every element 0. Default dtype: float32. */
export function zeros(shape: Shape, options: TensorOptions = {}): Tensor {
  return filled('zeros', shape, 0, options)
}

/** Every element 1. Default dtype: float32. */
export function ones(shape: Shape, options: TensorOptions = {}): Tensor {
  return filled('ones', shape, 1, options)
}

/** Every element `value`. Default dtype: float32. */
export function full(shape: Shape, value: number, options: TensorOptions = {}): Tensor {
  return filled('full', shape, value, options)
}

function filled(op: string, shape: Shape, value: number, options: TensorOptions): Tensor {
  checkShape(op, shape)
  checkOptions(op, options, ['dtype', 'requiresGrad'])
  const { dtype = 'float32' } = options
  checkDtype(op, dtype)
  const filler = fillerOf(op, dtype, value)
  checkGradient(op, dtype, options)
  const x = allocate(op, shape, dtype)
  fillDense(x, filler)
  return finish(x, options)
}

/**
 * `start`, `start + step`, … up to but without `end`; `arange(n)` counts from 0. Default dtype: float32; also int32. Options
 * follow the last number that is given: `arange(5, { dtype: 'int32' })`.
 * @throws OptionError for a step of 0 or what is not finite; DtypeError for other dtypes, and numbers that int32 cannot hold.
 */
export function arange(
  start: number,
  end?: number | TensorOptions,
  step: number | TensorOptions = 1,
  options: TensorOptions = {},
): Tensor {
  if (typeof end === 'object') return arange(start, undefined, 1, end)
  if (typeof step === 'object') return arange(start, end, 1, step)
  checkOptions('arange', options, ['dtype', 'requiresGrad'])
  const [from, to] = end === undefined ? [0, start] : [start, end]
  const { dtype = 'float32' } = options
  if (![from, to, step].every(Number.isFinite) || step === 0)
    throw new OptionError(`arange: start ${from}, end ${to} and step ${step} must be finite, and the step not 0`)
  if (dtype !== 'float32' && dtype !== 'int32') throw new DtypeError(`arange: dtype is float32 or int32, not ${dtype}`)
  checkGradient('arange', dtype, options)
  const n = Math.max(Math.ceil((to - from) / step), 0)
  for (const value of [from, step, from + Math.max(n - 1, 0) * step]) elementOf('arange', dtype, value)
  const x = allocate('arange', [n], dtype)
  const { k } = engine()
  if (dtype === 'int32') k.arangeI32(x.ptr, n, from, step)
  else k.arange(x.ptr, n, from, step)
  return finish(x, options)
}

/**
 * `steps` numbers evenly spaced from `start` to `end`, both of them included, float32; a single one is `start`. Computed in
 * float64 and rounded once.
 */
export function linspace(
  start: number,
  end: number,
  steps: number,
  options: Omit<TensorOptions, 'dtype'> = {},
): Tensor {
  checkOptions('linspace', options, ['requiresGrad'])
  if (![start, end, end - start].every(Number.isFinite))
    throw new OptionError(`linspace: start ${start}, end ${end} and what lies between them must be finite`)
  if (!Number.isInteger(steps) || steps < 0)
    throw new OptionError(`linspace: steps is ${String(steps)}; it must be an integer from 0 up`)
  const x = allocate('linspace', [steps], 'float32')
  engine().k.linspace(x.ptr, steps, start, end)
  return finish(x, options)
}

/**
 * The identity matrix: n rows and m columns, by default as many, with 1 on the diagonal, 0 elsewhere. Default dtype: float32.
 * Options follow the last number that is given: `eye(3, { dtype: 'bool' })`.
 */
export function eye(n: number, m: number | TensorOptions = n, options: TensorOptions = {}): Tensor {
  const isOptions = typeof m === 'object' && m !== null
  for (const size of isOptions ? [n] : [n, m])
    if (typeof size !== 'number')
      throw new ShapeError(`eye: a size is ${kindOf(size)}, not a number; use eye(3), or eye(2, 3)`)
  return isOptions ? identity(n, n, m) : identity(n, m as number, options)
}

function identity(n: number, m: number, options: TensorOptions): Tensor {
  checkOptions('eye', options, ['dtype', 'requiresGrad'])
  const { dtype = 'float32' } = options
  checkDtype('eye', dtype)
  checkGradient('eye', dtype, options)
  const x = allocate('eye', [n, m], dtype)
  fillDense(x, 0)
  const shape = [Math.min(n, m)]
  const diagonal = through(x, { shape, strides: [m + 1], offset: 0 })
  if (diagonal.numel > 0) fillDense({ ...diagonal, numel: 1 }, 1)
  copyStrided(through(x, { shape, strides: [0], offset: 0 }), diagonal)
  return finish(x, options)
}

/** Uniform random numbers from [0, 1), float32. See `manualSeed`. */
export function rand(shape: Shape, options: Omit<TensorOptions, 'dtype'> = {}): Tensor {
  checkShape('rand', shape)
  checkOptions('rand', options, ['requiresGrad'])
  return uniform(shape, 0, 1, options)
}

/** Uniform random numbers from [low, high), float32. */
export function uniform(shape: Shape, low: number, high: number, options: TensorOptions = {}): Tensor {
  const x = allocate('rand', shape, 'float32')
  engine().k.uniform(x.ptr, x.numel, ...nextDraw(), low, high)
  return finish(x, options)
}

/** Normal random numbers with mean 0 and variance 1, float32. See `manualSeed`. */
export function randn(shape: Shape, options: Omit<TensorOptions, 'dtype'> = {}): Tensor {
  checkShape('randn', shape)
  checkOptions('randn', options, ['requiresGrad'])
  const x = allocate('randn', shape, 'float32')
  engine().k.normal(x.ptr, x.numel, ...nextDraw(), 0, 1)
  return finish(x, options)
}

/**
 * Uniform random integers from `low` up to but without `high`, int32; `randint(high, shape)` begins at 0. See `manualSeed`.
 * @throws OptionError for bounds that are no integers of 32 bits, or of which low is not the smaller.
 */
export function randint(low: number, high: number | Shape, shape?: Shape): Tensor {
  if (typeof high === 'object') return randint(0, low, high)
  if (shape === undefined)
    throw new ShapeError('randint: no shape is given; a shape is an array of sizes, such as [2, 3]')
  const [min, max] = LIMITS.int32
  if (!Number.isInteger(low) || !Number.isInteger(high) || low < min || high > max || low >= high)
    throw new OptionError(`randint: low ${low} and high ${high} must be integers of 32 bits, and low the smaller`)
  const x = allocate('randint', shape, 'int32')
  engine().k.randint(x.ptr, x.numel, ...nextDraw(), low, high)
  return finish(x, {})
}

function checkGradient(op: string, dtype: Dtype, { requiresGrad }: TensorOptions): void {
  if (requiresGrad && dtype !== 'float32')
    throw new DtypeError(`${op}: a tensor of dtype ${dtype} has no gradient; use float32, or leave requiresGrad out`)
}
