/** Debug mode: which line of the user's program made a tensor, changed it, freed it, and how much memory it holds. */
import { OptionError } from '../errors.ts'

/** Memory in use, by the line that asked for it: what `memory()` reports in debug mode. */
export interface LineUsage {
  /** `src/train.ts:12:9` */
  readonly line: string
  /** What is called there, such as `matmul` or `new Linear`. */
  readonly by: string
  /** Bytes in use now. */
  readonly live: number
  /** In how many blocks. */
  readonly count: number
}

/** A call of the library in the user's program, with the memory that it holds. */
export class Origin {
  readonly by: string
  readonly line: string
  live = 0
  count = 0

  constructor(by: string, line: string) {
    this.by = by
    this.line = line
  }

  toString(): string {
    return `${this.by} at ${this.line}`
  }
}

/** Enough for modules nested in modules; V8 records 10 by itself. */
const MOST_FRAMES = 100

const origins = new Map<string, Origin>()
let isOn = false

/**
 * Turns debug mode on or off. While it is on, every tensor remembers the line of your program that made it: printing the
 * tensor shows it, errors about stale tensors and graphs name it, and `memory()` reports bytes by line. Tensors made before
 * have no line. It costs a stack trace for every tensor made, changed or freed, which is more than most operations on small
 * tensors do; off, it costs nothing.
 *
 * A program that is bundled with this library into one file needs its source map (`node --enable-source-maps`); without it
 * the line is that of the outermost call.
 */
export function setDebug(on: boolean): void {
  if (typeof on !== 'boolean') throw new OptionError(`setDebug: expected true or false, got ${String(on)}`)
  isOn = on
}

/** Whether debug mode is on. */
export const isDebug = (): boolean => isOn

/** In debug mode, the call of the library that the user's program is in; null if it is in none, as in garbage collection. */
export const here = (): Origin | null => (isOn ? locate() : null)

/** ` (matmul at src/train.ts:12:9)`, for messages; nothing without an origin. */
export const told = (origin: Origin | null): string => (origin ? ` (${origin})` : '')

/** Live bytes by line, the largest first. */
export function byLine(): LineUsage[] {
  const held = [...origins.values()].filter(({ count }) => count > 0)
  return held.map(({ line, by, live, count }) => ({ line, by, live, count })).sort((a, b) => b.live - a.live)
}

function locate(): Origin | null {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = MOST_FRAMES
  const { stack } = new Error()
  Error.stackTraceLimit = limit
  const call = callIn(String(stack))
  if (!call) return null
  const key = `${call.by} at ${call.line}`
  const known = origins.get(key)
  if (known) return known
  const origin = new Origin(call.by, call.line)
  origins.set(key, origin)
  return origin
}

interface Call {
  readonly by: string
  readonly line: string
}

/**
 * The innermost call from outside the library, given a stack that begins in this file: the place is in the first frame outside,
 * the name is that of the last frame before it.
 */
export function callIn(stack: string): Call | null {
  let library = ''
  let by = ''
  let outermost: Call | null = null
  for (const text of stack.split('\n')) {
    const frame = frameIn(text)
    if (!frame) continue
    const { name, file, position } = frame
    if (library === '') library = libraryOf(file)
    const call = { by, line: `${shortened(file)}:${position}` }
    if (!file.startsWith(library)) return call
    // In a bundle the program has no file of its own.
    if (library === file) outermost = call
    if (name !== '') by = name
  }
  return outermost
}

/** Where the files of the built library lie together: its package, its own `dist/`, or what Vite makes of packages. */
const BUILT = /^.*\/(?:neyron(?:@[^/]+)?\/dist\/|dist\/(?=shared\.js)|\.vite\/deps\/)/

/** This file's folder, as far as the library reaches: its sources, what was built of them, or else the one file that it is part of. */
function libraryOf(thisFile: string): string {
  return /^(.*\/)runtime\/origins\.[jt]s$/.exec(thisFile)?.[1] ?? BUILT.exec(thisFile)?.[0] ?? thisFile
}

/** `at Tensor.matmul (file:///train.ts:12:9)`, `at new Linear (…)`, `at file:///train.ts:12:9`: V8, and Bun. */
const V8_FRAME = /^\s*at (?:(.+?) \()?(?:async )?(.+?):(\d+:\d+)\)?$/

/** `matmul@http://localhost/train.js:12:9`: Firefox and Safari. */
const OTHER_FRAME = /^([^@]*)@(.+):(\d+:\d+)$/

/** Hosts' own functions, and code that was given to `eval`, whose caller comes next. */
const NO_FILE = /^(?:node:|ext:|native$|eval at )/

/** A line of a stack that has a place in a file; null for any other. */
function frameIn(text: string): { name: string; file: string; position: string } | null {
  const [, name = '', file, position] = V8_FRAME.exec(text) ?? OTHER_FRAME.exec(text) ?? []
  return position === undefined || NO_FILE.test(file) ? null : { name: plain(name), file, position }
}

/** `new Linear` and `matmul` for what engines call `new Linear`, `Tensor.matmul [as mm]`, `async Object.matmul`. */
function plain(name: string): string {
  const word = name
    .replace(/^async[ *]/, '')
    .replace(/(?: \[as .*|\.\[Symbol\..*)\]$/, '')
    .replace(/^.*\//, '')
    .replace(/^(?:Tensor|Object|Module|Function)\./, '')
  return /[<>]/.test(word) ? '' : word
}

/** The file and the folder it is in, without what a server may have added. */
const shortened = (file: string) => /(?:[^/\\]+[/\\])?[^/\\]+$/.exec(file.replace(/[?#].*$/, ''))?.[0] ?? file
