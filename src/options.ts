import { OptionError } from './errors.ts'

/** Throws `OptionError` unless `options` is an object that names none but the `known` options: a misspelt one would do nothing. */
export function checkOptions<T extends object>(op: string, options: T, known: readonly (keyof T & string)[]): void {
  if (typeof options !== 'object' || options === null)
    throw new OptionError(
      `${op}: expected an object of options, such as { ${known[0]}: … }, got ${options === null ? 'null' : typeof options}`,
    )
  for (const name of Object.keys(options))
    if (!(known as readonly string[]).includes(name))
      throw new OptionError(`${op}: there is no option ${name}; there is ${known.join(', ')}`)
}
