/**
 * One engine per copy of this library: the kernels, and the heap they work on. It starts by itself, synchronously,
 * when the first tensor needs it.
 */
import { source } from '#wasm'
import { InitError, OptionError } from '../errors.ts'
import { registerFormatter } from '../inspect.ts'
import { checkOptions } from '../options.ts'
import { Heap, MAX_MEMORY, type Owner, type Usage } from './heap.ts'
import type { Kernels } from './kernels.generated.ts'
import { byLine, isDebug, type LineUsage } from './origins.ts'

export interface Engine {
  readonly k: Kernels
  readonly heap: Heap
}

/** How the engine is started. */
export interface InitOptions {
  /** The most bytes of linear memory to take, at most 2 GiB. Default: 2 GiB. */
  maxMemory?: number
  /**
   * The kernels, where the package's inlined copy is left out: `await init({ source: fetch(url) })`. A Response or the
   * promise of one, bytes (an ArrayBuffer or a view of one), or a WebAssembly.Module: no names of types, since a program
   * without the DOM's types has none for them.
   */
  source?: object
}

/** What `memory()` reports, in bytes. */
export interface MemoryReport extends Usage {
  /** Linear memory taken from the host so far; it never shrinks. */
  reserved: number
  /** Live and peak bytes by owner. */
  byOwner: Partial<Record<Owner, Usage>>
  /** In debug mode, live bytes by the line of your program that asked for them, the largest first. See `setDebug`. */
  byLine?: LineUsage[]
}

const INITIAL_PAGES = 16
const MIN_MEMORY = INITIAL_PAGES * 65536

let running: Engine | undefined
let startedBy = ''

/** The engine, started if it was not. */
export function engine(): Engine {
  return running ?? start('the first tensor', source(), MAX_MEMORY)
}

/**
 * Starts the engine with options. Not needed without any: the first tensor starts it with the defaults.
 * Throws `InitError` when it has already started, or when WebAssembly SIMD cannot run here.
 */
export async function init(options: InitOptions = {}): Promise<void> {
  checkOptions('init', options, ['maxMemory', 'source'])
  const { maxMemory = MAX_MEMORY } = options
  if (!Number.isInteger(maxMemory) || maxMemory < MIN_MEMORY || maxMemory > MAX_MEMORY)
    throw new OptionError(
      `init: maxMemory is ${maxMemory}; it is a whole number of bytes from ${MIN_MEMORY} (1 MiB) to ${MAX_MEMORY} (2 GiB)`,
    )
  const given = await options.source
  const code = given instanceof Response ? await given.arrayBuffer() : (given as BufferSource | WebAssembly.Module)
  if (running) throw new InitError(`init: already started by ${startedBy}; call init before the first tensor, and once`)
  start('init', code ?? source(), maxMemory)
}

/** Live and peak bytes of linear memory, in all, by owner, and in debug mode by line. Asking does not start the engine. */
export function memory(): MemoryReport {
  const lines = isDebug() ? { byLine: byLine() } : {}
  if (!running) return { live: 0, peak: 0, reserved: 0, byOwner: {}, ...lines }
  const { heap } = running
  return { ...heap.total, reserved: heap.reserved, byOwner: heap.byOwner, ...lines }
}

/** The build of the kernels that is running. */
export function variant(): 'strict' {
  return 'strict'
}

function start(by: string, code: BufferSource | WebAssembly.Module | undefined, maxMemory: number): Engine {
  if (!code)
    throw new InitError(
      'this build of neyron carries no kernels; call await init({ source: fetch(url) }) before the first tensor',
    )
  const memory = new WebAssembly.Memory({ initial: INITIAL_PAGES })
  let k: Kernels
  try {
    const module = code instanceof WebAssembly.Module ? code : new WebAssembly.Module(code)
    k = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Kernels
  } catch (cause) {
    throw new InitError(`WebAssembly with SIMD could not start: ${(cause as Error).message}`, { cause })
  }
  running = { k, heap: new Heap(memory, k.heapBase(), maxMemory) }
  startedBy = by
  registerFormatter()
  return running
}
