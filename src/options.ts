import { kindOf, OptionError } from './errors.ts'

/** Throws `OptionError` unless `options` is an object that names none but the `known` options: a misspelt one would do nothing. */
export function checkOptions<T extends object>(op: string, options: T, known: readonly (keyof T & string)[]): void {
  if (typeof options !== 'object' || options === null)
    throw new OptionError(`${op}: expected an object of options, such as { ${known[0]}: … }, got ${kindOf(options)}`)
  for (const name of Object.keys(options))
    if (!(known as readonly string[]).includes(name))
      throw new OptionError(`${op}: there is no option ${name}; ${suggestion(name, known)}`)
}

/** The one known name that is close, or else all of them. */
function suggestion(name: string, known: readonly string[]): string {
  const close = known.filter((other) => isClose(name, other))
  return close.length === 1 ? `did you mean ${close[0]}?` : `there is ${known.join(', ')}`
}

/**
 * Whether two names differ in capitals and underscores, in what one has behind the other, or in up to two letters at one
 * place, around which at least half of the longer one is the same.
 */
function isClose(name: string, other: string): boolean {
  const [a, b] = [name, other].map((word) => word.replaceAll('_', '').toLowerCase())
  const [length, most] = [Math.min(a.length, b.length), Math.max(a.length, b.length)]
  let [head, tail] = [0, 0]
  while (head < length && a[head] === b[head]) head++
  while (head + tail < length && a.at(-1 - tail) === b.at(-1 - tail)) tail++
  const same = head + tail
  return (head === length && head >= 3) || (most - same <= 2 && 2 * same >= most)
}

/** A value in a message: `"3"` is not 3. */
function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  return value !== null && (typeof value === 'object' || typeof value === 'function') ? typeof value : String(value)
}

/** Throws `OptionError` unless `value` is a number other than NaN. */
export function checkNumber(op: string, name: string, value: number): void {
  if (typeof value === 'number' && !Number.isNaN(value)) return
  throw new OptionError(`${op}: ${name} is ${shown(value)}; it must be a number`)
}

/** Throws `OptionError` unless `value` is a finite number for which `holds`. */
export function checkOption(op: string, name: string, value: number, holds: boolean, rule: string): void {
  if (!Number.isFinite(value) || !holds) throw new OptionError(`${op}: ${name} is ${shown(value)}; it must be ${rule}`)
}

/** Throws `OptionError` unless `value` is an integer from 1 up. */
export function checkSize(op: string, name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1)
    throw new OptionError(`${op}: ${name} is ${shown(value)}; use an integer from 1 up`)
}

/** Throws `OptionError` unless `value` is a boolean. */
export function checkFlag(op: string, name: string, value: boolean): void {
  if (typeof value !== 'boolean') throw new OptionError(`${op}: ${name} is ${shown(value)}; use true or false`)
}

export interface Bounds {
  readonly low: number
  readonly high: number
}

/** From `min` to `max`, of which one may be left out: then there is no bound on that side. */
export function boundsOf(op: string, min: number | null = null, max: number | null = null): Bounds {
  if (min === null && max === null) throw new OptionError(`${op}: neither min nor max is given; give at least one`)
  const bounds = { low: min ?? -Infinity, high: max ?? Infinity }
  checkNumber(op, 'min', bounds.low)
  checkNumber(op, 'max', bounds.high)
  return bounds
}
