/**
 * The header of a safetensors file: JSON of one form, read from bytes. `JSON.parse` would not do: of two tensors by one name it
 * keeps the last, it takes 1.0 and 1e3 for sizes, and it does not say where anything is.
 */
import { FormatError } from '../errors.ts'

/** What the header says of a tensor. */
export interface Entry {
  readonly name: string
  readonly dtype: string
  readonly shape: readonly number[]
  /** Where its elements begin and end, in bytes from the end of the header. */
  readonly begin: number
  readonly end: number
}

/** What the header says. */
export interface Header {
  readonly entries: readonly Entry[]
  readonly metadata: ReadonlyMap<string, string>
}

const SPACES = ' \t\n\r'
const DIGITS = '0123456789'
const QUOTE = '"'.charCodeAt(0)
const BACKSLASH = '\\'.charCodeAt(0)

/** Half of a character, which UTF-8 cannot hold. */
export const LONE_SURROGATE = /\p{Surrogate}/u

/** A name in a message; a file may hold names of any length. */
export const quoted = (name: string): string => JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name)

/** Reads the header that lies in `file` from `start` up to but without `end`. `op` is named in errors. */
export function parseHeader(op: string, file: Uint8Array, start: number, end: number): Header {
  const reader = new Reader(op, file, start, end)
  const entries: Entry[] = []
  let metadata: ReadonlyMap<string, string> = new Map()
  reader.object((name) => {
    if (name === '__metadata__') metadata = reader.strings()
    else entries.push(reader.entry(name))
  })
  reader.padding()
  return { entries, metadata }
}

class Reader {
  readonly #op: string
  readonly #file: Uint8Array
  readonly #end: number
  readonly #decoder = new TextDecoder('utf-8', { fatal: true })
  #at: number

  constructor(op: string, file: Uint8Array, start: number, end: number) {
    this.#op = op
    this.#file = file
    this.#at = start
    this.#end = end
  }

  /** An object: `member` reads the value of each key. */
  object(member: (key: string) => void): void {
    const seen = new Set<string>()
    this.#list('{', '}', () => {
      const start = this.#at
      const key = this.#string()
      if (seen.has(key)) throw this.#wrong(`the key ${quoted(key)} is there twice`, start)
      seen.add(key)
      this.#skipSpaces()
      this.#expect(':')
      this.#skipSpaces()
      member(key)
    })
  }

  /** An object of strings. */
  strings(): Map<string, string> {
    const found = new Map<string, string>()
    this.object((key) => found.set(key, this.#string()))
    return found
  }

  entry(name: string): Entry {
    const start = this.#at
    let dtype: string | undefined
    let shape: number[] | undefined
    let offsets: number[] | undefined
    this.object((key) => {
      if (key === 'dtype') dtype = this.#string()
      else if (key === 'shape') shape = this.#integers()
      else if (key === 'data_offsets') offsets = this.#integers()
      else throw this.#wrong(`tensor ${quoted(name)} has an unknown key ${quoted(key)}`, start)
    })
    if (dtype === undefined || !shape || offsets?.length !== 2)
      throw this.#wrong(`tensor ${quoted(name)} needs a dtype, a shape and two data_offsets`, start)
    return { name, dtype, shape, begin: offsets[0], end: offsets[1] }
  }

  /** Nothing but the spaces that fill up the header. */
  padding(): void {
    while (this.#at < this.#end && this.#file[this.#at] === 0x20) this.#at++
    if (this.#at < this.#end) throw this.#wrong('only spaces may follow its last brace')
  }

  #integers(): number[] {
    const found: number[] = []
    this.#list('[', ']', () => found.push(this.#integer()))
    return found
  }

  #integer(): number {
    const start = this.#at
    while (this.#isAt(DIGITS)) this.#at++
    const digits = this.#text(start)
    const isPlain = digits !== '' && (digits === '0' || !digits.startsWith('0')) && !this.#isAt('.eE')
    if (!isPlain) throw this.#wrong('expected a whole number from 0 up, in plain digits', start)
    const value = Number(digits)
    if (!Number.isSafeInteger(value)) throw this.#wrong('a number is larger than 2^53 - 1', start)
    return value
  }

  #string(): string {
    const start = this.#at
    if (!this.#isAt('"')) throw this.#wrong('expected a string in double quotes')
    for (this.#at++; this.#at < this.#end && this.#file[this.#at] !== QUOTE; this.#at++)
      if (this.#file[this.#at] === BACKSLASH) this.#at++
    if (this.#at >= this.#end) throw this.#wrong('a string has no end', start)
    this.#at++
    const text = this.#text(start)
    let value: string
    try {
      value = JSON.parse(text)
    } catch {
      throw this.#wrong('a string has control characters, or an escape that JSON does not know', start)
    }
    if (LONE_SURROGATE.test(value)) throw this.#wrong('a string has half of a surrogate pair', start)
    return value
  }

  /** The text from `start` to here. */
  #text(start: number): string {
    try {
      // A copy, since a decoder refuses shared memory.
      return this.#decoder.decode(new Uint8Array(this.#file.subarray(start, this.#at)))
    } catch {
      throw this.#wrong('a string is not UTF-8', start)
    }
  }

  /** Items between two brackets, with commas between them. */
  #list(open: string, close: string, item: () => void): void {
    this.#expect(open)
    this.#skipSpaces()
    if (this.#isAt(close)) {
      this.#at++
      return
    }
    for (;;) {
      this.#skipSpaces()
      item()
      this.#skipSpaces()
      if (this.#isAt(close)) break
      this.#expect(',')
    }
    this.#at++
  }

  #expect(character: string): void {
    if (!this.#isAt(character)) throw this.#wrong(`expected ${character}`)
    this.#at++
  }

  #skipSpaces(): void {
    while (this.#isAt(SPACES)) this.#at++
  }

  #isAt(characters: string): boolean {
    return this.#at < this.#end && characters.includes(String.fromCharCode(this.#file[this.#at]))
  }

  #wrong(what: string, at = this.#at): FormatError {
    const where = at < this.#end ? `at offset ${at}` : `at its end, offset ${at}`
    return new FormatError(
      `${this.#op}: the header is not that of a safetensors file: ${what} (${where}); is the file complete, and of that format?`,
    )
  }
}
