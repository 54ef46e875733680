/**
 * Tensors by name in one file, as PyTorch's users save them: 8 bytes with the length of a header, the header in JSON, then the
 * elements, little-endian. https://github.com/huggingface/safetensors#format
 */
import { check } from '../autograd/operands.ts'
import { tensor } from '../create.ts'
import { BYTES, type Dtype, LIMITS } from '../dtype.ts'
import { DtypeError, FormatError, kindOf, OptionError } from '../errors.ts'
import { Module } from '../nn/module.ts'
import type { StateDict } from '../nn/state-dict.ts'
import { checkOptions } from '../options.ts'
import { own } from '../runtime/lifetimes.ts'
import { MAX_RANK } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import { type Entry, type Header, LONE_SURROGATE, parseHeader, quoted } from './header.ts'

/** The bytes before the header: its length. */
const PREFIX = 8
const MAX_HEADER = 100_000_000

/** What `save` takes besides tensors. */
export interface SaveOptions {
  /** Texts to keep with the tensors, such as the names of classes or where the data came from. Default: none. */
  metadata?: Readonly<Record<string, string>>
}

/** Our dtypes by the format's names, in the order in which the reference implementation lays tensors out. */
const NAMES: readonly (readonly [Dtype, string])[] = [
  ['float32', 'F32'],
  ['int32', 'I32'],
  ['uint8', 'U8'],
  ['bool', 'BOOL'],
]

/**
 * The bytes of a safetensors file with the parameters and buffers of a model, or with the tensors of a record such as a state
 * dict: `writeFileSync('model.safetensors', io.save(model))`. The same tensors give the same bytes, whatever their order: tensors
 * are laid out as the reference implementation does. float32 is saved as F32, int32 as I32, uint8 as U8, bool as BOOL, bit by bit.
 * The state of an optimizer is a nested record: its tensors are saved under names of their own.
 * @throws OptionError for what is no model or record, and for names or metadata that the format cannot hold; DtypeError for a
 * value that is no tensor.
 */
export function save(source: Module | Readonly<Record<string, Tensor>>, options: SaveOptions = {}): Uint8Array {
  checkOptions('io.save', options, ['metadata'])
  if (!(source instanceof Module)) {
    if (!isRecord(source))
      throw new OptionError(`io.save: expected a model or an object of tensors, got ${nameOf(source)}; ${ADVICE}`)
    return written(source, options)
  }
  const state = source.stateDict()
  try {
    return written(state, options)
  } finally {
    for (const x of Object.values(state)) x.dispose()
  }
}

const ADVICE =
  'what is saved is a model, or a flat record of tensors by name; the state of an optimizer is nested: give each of its ' +
  "tensors a name of its own, such as 'state.0.expAvg'"

/** An object of no class, of whatever realm. */
function isRecord(value: unknown): value is Readonly<Record<string, Tensor>> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: object | null = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** `an instance of Adam`: kinds alone would not tell. */
function nameOf(value: unknown): string {
  const isInstance = typeof value === 'object' && value !== null && !Array.isArray(value) && !isRecord(value)
  return isInstance ? `an instance of ${value.constructor.name}` : kindOf(value)
}

interface Section {
  readonly name: string
  readonly x: Tensor
  readonly rank: number
}

function written(state: Readonly<Record<string, Tensor>>, { metadata }: SaveOptions): Uint8Array {
  const sections = Object.entries(state).map(([name, x]): Section => {
    if (isRecord(x)) throw new DtypeError(`io.save: ${name}: expected a tensor, got ${kindOf(x)}; ${ADVICE}`)
    check(`io.save: ${name}`, x)
    if (name === '__metadata__') throw new OptionError('io.save: no tensor can be named __metadata__; rename it')
    checkText('the name', name)
    return { name, x, rank: NAMES.findIndex(([dtype]) => dtype === x.dtype) }
  })
  sections.sort((a, b) => a.rank - b.rank || byCodePoint(a.name, b.name))
  const members = metadata === undefined ? [] : [`"__metadata__":${jsonOf(metadata)}`]
  let end = 0
  for (const { name, x, rank } of sections) {
    const begin = end
    end += x.numel * BYTES[x.dtype]
    const entry = { dtype: NAMES[rank][1], shape: x.shape, data_offsets: [begin, end] }
    members.push(`${JSON.stringify(name)}:${JSON.stringify(entry)}`)
  }
  const json = new TextEncoder().encode(`{${members.join(',')}}`)
  const length = Math.ceil(json.length / 8) * 8
  if (length > MAX_HEADER)
    throw new OptionError(`io.save: names and metadata take ${length} bytes; a header has at most ${MAX_HEADER}`)
  const file = new Uint8Array(PREFIX + length + end)
  new DataView(file.buffer).setUint32(0, length, true)
  file.set(json, PREFIX)
  file.fill(0x20, PREFIX + json.length, PREFIX + length)
  let at = PREFIX + length
  for (const { x } of sections) {
    const { buffer } = x.toTypedArray()
    file.set(new Uint8Array(buffer), at)
    at += buffer.byteLength
  }
  return file
}

/** An object of strings in JSON, its keys sorted. */
function jsonOf(metadata: Readonly<Record<string, string>>): string {
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata))
    throw new OptionError(`io.save: metadata is ${kindOf(metadata)}; it must be an object of strings`)
  const entries = Object.entries(metadata).sort(([a], [b]) => byCodePoint(a, b))
  for (const [key, value] of entries) {
    if (typeof value !== 'string')
      throw new OptionError(`io.save: metadata ${quoted(key)} is ${kindOf(value)}, not a string; use JSON.stringify`)
    checkText('the metadata', key)
    checkText('the metadata', value)
  }
  return `{${entries.map((pair) => pair.map((text) => JSON.stringify(text)).join(':')).join(',')}}`
}

function checkText(what: string, text: string): void {
  if (LONE_SURROGATE.test(text))
    throw new OptionError(`io.save: ${what} ${quoted(text)} has half of a surrogate pair, which UTF-8 cannot hold`)
}

/** The order of UTF-8, which that of JavaScript's strings is not beyond U+FFFF. */
function byCodePoint(a: string, b: string): number {
  const [left, right] = [[...a], [...b]]
  const differs = left.findIndex((character, i) => character !== right[i])
  if (differs < 0) return left.length - right.length
  return (left[differs].codePointAt(0) as number) - (right[differs]?.codePointAt(0) ?? -1)
}

/** How elements of a file become elements of a tensor. */
interface Stored {
  readonly bytes: number
  readonly dtype: Dtype
  /** The elements in a buffer of their own. */
  readonly read: (buffer: ArrayBuffer, fail: Fail) => Float32Array | Int32Array | Uint8Array
}

/** Throws for an element. */
type Fail = (index: number, problem: string) => never

const STORED: ReadonlyMap<string, Stored> = new Map<string, Stored>([
  ['F32', { bytes: 4, dtype: 'float32', read: (buffer) => new Float32Array(buffer) }],
  ['I32', { bytes: 4, dtype: 'int32', read: (buffer) => new Int32Array(buffer) }],
  ['U8', { bytes: 1, dtype: 'uint8', read: (buffer) => new Uint8Array(buffer) }],
  ['BOOL', { bytes: 1, dtype: 'bool', read: booleans }],
  ['F64', { bytes: 8, dtype: 'float32', read: (buffer, fail) => rounded(new Float64Array(buffer), fail) }],
  ['F16', { bytes: 2, dtype: 'float32', read: (buffer) => widened(buffer, fromHalf) }],
  ['BF16', { bytes: 2, dtype: 'float32', read: (buffer) => widened(buffer, (bits) => bits << 16) }],
  ['I64', { bytes: 8, dtype: 'int32', read: (buffer, fail) => integers(new BigInt64Array(buffer), fail) }],
  ['U64', { bytes: 8, dtype: 'int32', read: (buffer, fail) => integers(new BigUint64Array(buffer), fail) }],
  ['U32', { bytes: 4, dtype: 'int32', read: (buffer, fail) => integers(new Uint32Array(buffer), fail) }],
  ['I16', { bytes: 2, dtype: 'int32', read: (buffer, fail) => integers(new Int16Array(buffer), fail) }],
  ['U16', { bytes: 2, dtype: 'int32', read: (buffer, fail) => integers(new Uint16Array(buffer), fail) }],
  ['I8', { bytes: 1, dtype: 'int32', read: (buffer, fail) => integers(new Int8Array(buffer), fail) }],
])

function booleans(buffer: ArrayBuffer, fail: Fail): Uint8Array {
  const values = new Uint8Array(buffer)
  const odd = values.findIndex((value) => value > 1)
  return odd < 0 ? values : fail(odd, `is ${values[odd]}; a bool is 0 or 1`)
}

function rounded(values: Float64Array, fail: Fail): Float32Array {
  const result = Float32Array.from(values)
  const odd = result.findIndex((value, i) => Math.abs(value) === Infinity && value !== values[i])
  return odd < 0 ? result : fail(odd, `is ${values[odd]}, which float32 cannot hold`)
}

function integers(values: ArrayLike<number | bigint>, fail: Fail): Int32Array {
  const [min, max] = LIMITS.int32
  return Int32Array.from(values, (element, i) => {
    const value = Number(element)
    return value >= min && value <= max ? value : fail(i, `is ${element}, which int32 cannot hold`)
  })
}

/** Floating-point numbers of 16 bits as such of 32, by their bits. */
const widened = (buffer: ArrayBuffer, widen: (bits: number) => number) =>
  new Float32Array(Int32Array.from(new Uint16Array(buffer), widen).buffer)

/** The bits of a half as those of the float32 of the same value. */
function fromHalf(bits: number): number {
  const sign = (bits & 0x8000) << 16
  const exponent = (bits >> 10) & 31
  const mantissa = bits & 1023
  if (exponent === 31) return sign | 0x7f800000 | (mantissa << 13)
  if (exponent > 0) return sign | ((exponent + 112) << 23) | (mantissa << 13)
  if (mantissa === 0) return sign
  // Subnormal: the leading one of the mantissa becomes the hidden one.
  const shift = Math.clz32(mantissa) - 21
  return sign | ((113 - shift) << 23) | (((mantissa << shift) & 1023) << 13)
}

/**
 * The tensors of a safetensors file by name, such as `model.loadStateDict(io.load(readFileSync('model.safetensors')))` takes them.
 * F32, I32, U8 and BOOL are read bit by bit. Others are converted: F16 and BF16 to float32, which holds all their values; F64 to
 * float32, rounded; I8, I16, I64, U16, U32 and U64 to int32, if every value fits. The state dict lives until its handles go.
 *
 * Reading is strict, since a file may come from anywhere: errors are a header that is not exactly of its form, a name that is there
 * twice, tensors that overlap, leave a hole or have another size than their shape says, and bytes after the last one. All that is
 * checked before any memory is taken.
 * @throws FormatError naming the offset or the tensor of what is wrong; MemoryLimitError.
 */
export function load(file: Uint8Array): StateDict {
  const { entries, start } = opened('io.load', file)
  const state: [string, Tensor][] = []
  try {
    for (const entry of entries) state.push([entry.name, read(file, entry, start)])
  } catch (error) {
    for (const [, x] of state) x.dispose()
    throw error
  }
  for (const [, x] of state) own(x)
  return Object.fromEntries(state)
}

/** The texts that were saved with the tensors of a safetensors file. Reads no tensor, but is as strict as `load`. */
export function metadata(file: Uint8Array): Record<string, string> {
  return Object.fromEntries(opened('io.metadata', file).metadata)
}

function read(file: Uint8Array, { name, dtype, shape, begin, end }: Entry, start: number): Tensor {
  const stored = STORED.get(dtype) as Stored
  // A copy: elements in a file may lie at any address, and typed arrays begin at multiples of their size.
  const bytes = new Uint8Array(end - begin)
  bytes.set(file.subarray(start + begin, start + end))
  const fail = (index: number, problem: string): never => {
    const at = start + begin + index * stored.bytes
    throw new FormatError(`io.load: element ${index} of tensor ${quoted(name)}, at offset ${at}, ${problem}`)
  }
  return tensor(stored.read(bytes.buffer, fail), { shape, dtype: stored.dtype })
}

/** The header of a file whose layout has been checked, and where its elements start. */
function opened(op: string, file: Uint8Array): Header & { readonly start: number } {
  if (!(file instanceof Uint8Array))
    throw new FormatError(
      `${op}: expected the bytes of a file as a Uint8Array; pass readFileSync(path), or new Uint8Array(buffer)`,
    )
  if (file.length < PREFIX)
    throw new FormatError(
      `${op}: the file ends at offset ${file.length}, inside the length of its header; is it complete?`,
    )
  const view = new DataView(file.buffer, file.byteOffset)
  const length = view.getUint32(4, true) * 2 ** 32 + view.getUint32(0, true)
  if (length > MAX_HEADER)
    throw new FormatError(
      `${op}: the header at offset 0 claims ${length} bytes, more than ${MAX_HEADER}; is this a safetensors file?`,
    )
  const start = PREFIX + length
  if (start > file.length)
    throw new FormatError(`${op}: the file ends at offset ${file.length}, its header at ${start}; is it complete?`)
  const header = parseHeader(op, file, PREFIX, start)
  checkLayout(op, header.entries, start, file.length)
  return { ...header, start }
}

/** Throws unless tensors fill the file from `start` to its end, each with as many bytes as its shape says. */
function checkLayout(op: string, entries: readonly Entry[], start: number, size: number): void {
  for (const entry of entries) checkSize(op, entry)
  const inOrder = entries.toSorted((a, b) => a.begin - b.begin || a.end - b.end)
  let last = 0
  for (const { name, begin, end } of inOrder) {
    if (begin !== last)
      throw new FormatError(
        `${op}: tensor ${quoted(name)} begins at ${begin} of the data, where ${last} is due: ` +
          (begin < last ? 'it overlaps another tensor' : 'there is a hole before it'),
      )
    last = end
  }
  if (start + last === size) return
  throw new FormatError(
    start + last > size
      ? `${op}: the file ends at offset ${size}, its tensors at ${start + last}; is it complete?`
      : `${op}: ${size - start - last} bytes follow the last tensor at offset ${start + last}`,
  )
}

function checkSize(op: string, { name, dtype, shape, begin, end }: Entry): void {
  const wrong = (what: string) => new FormatError(`${op}: tensor ${quoted(name)} ${what}`)
  const stored = STORED.get(dtype)
  if (!stored)
    throw wrong(`has the dtype ${quoted(dtype)}; there is ${[...STORED.keys()].join(', ')}: convert it before saving`)
  if (shape.length > MAX_RANK) throw wrong(`has ${shape.length} axes; tensors have at most ${MAX_RANK}`)
  // A product beyond 2^53 is not exact, and need not be: no file is so long.
  const bytes = shape.reduce((product, axis) => product * axis, stored.bytes)
  if (end - begin !== bytes)
    throw wrong(
      `of shape (${shape.join(', ')}) and dtype ${dtype} takes ${bytes} bytes, but lies from ${begin} to ${end}`,
    )
}
