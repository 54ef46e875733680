/** What the options of optimizers may be. */
import { OptionError } from '../errors.ts'
import { checkFlag, checkOption } from '../options.ts'

/** An option: its default, and a check that throws `OptionError`. */
export interface Rule<T> {
  /** What it is where nobody sets it. */
  readonly default: T
  /** Throws `OptionError` for a value that it may not have. */
  readonly check: (optimizer: string, name: string, value: T) => void
}

/** A rule for each option. */
export type Rules<Options> = { readonly [Name in keyof Options]-?: Rule<Required<Options>[Name]> }

/** A finite number from 0 up. */
export const atLeast0 = (standard: number): Rule<number> => ({
  default: standard,
  check: (optimizer, name, value) => checkOption(optimizer, name, value, value >= 0, 'a finite number from 0 up'),
})

/** Any finite number. */
export const finite = (standard: number): Rule<number> => ({
  default: standard,
  check: (optimizer, name, value) => checkOption(optimizer, name, value, true, 'a finite number'),
})

/** A number from 0 to 1. */
export const share = (standard: number): Rule<number> => ({
  default: standard,
  check: (optimizer, name, value) =>
    checkOption(optimizer, name, value, value >= 0 && value <= 1, 'a number from 0 to 1'),
})

/** True or false. */
export const flag = (standard: boolean): Rule<boolean> => ({ default: standard, check: checkFlag })

/** Two decay rates, from 0 up to but without 1. */
export const rates = (first: number, second: number): Rule<readonly [number, number]> => ({
  default: [first, second],
  check: (optimizer, name, value: unknown) => {
    if (!Array.isArray(value) || value.length !== 2)
      throw new OptionError(`${optimizer}: ${name} is ${value}; it must be two numbers, such as [${first}, ${second}]`)
    for (const rate of value)
      checkOption(
        optimizer,
        `a ${name.slice(0, -1)}`,
        rate,
        rate >= 0 && rate < 1,
        'a number from 0 up to but without 1',
      )
  },
})

/** What turns the sign of a gradient in kernels. */
export const flipOf = (maximize: boolean): number => (maximize ? -0 : 0)
