/** How tensors, modules, optimizers and scalers print: the text, as PyTorch lays it out, and the consoles that show it. */
import type { Dtype } from './dtype.ts'
import { numelOf, type Shape } from './shape.ts'

/** PyTorch's defaults: digits after the point, characters in a line, and when and how much of each axis is left out. */
const DECIMALS = 4
const LINE_WIDTH = 80
const MOST_ELEMENTS = 1000
const EDGE_ITEMS = 3

/** How many numbers of a list in one line are shown. */
const MOST_NUMBERS = 10

/** Digits that show every half between two numbers of `DECIMALS` digits for what it is. */
const EXACT = 40

/** The elements of a tensor, wherever they are. */
export interface Elements {
  readonly shape: Shape
  readonly strides: Shape
  readonly dtype: Dtype
  /** The element `offset` elements after the first. */
  readonly read: (offset: number) => number
}

/**
 * Nested brackets as `torch.Tensor.__repr__` aligns them, after a prefix of `indent` characters. Reads what it shows and no
 * more: of more than 1000 elements, the first and last three along each axis.
 */
function formatElements({ shape, strides, dtype, read }: Elements, indent: number): string {
  const numel = numelOf(shape)
  if (numel === 0) return '[]'
  const axes = shape.map((size) => shownOf(size, numel > MOST_ELEMENTS))
  const values: number[] = []
  const collect = (axis: number, offset: number): void => {
    if (axis === shape.length) values.push(read(offset))
    else for (const i of axes[axis]) if (i !== GAP) collect(axis + 1, offset + i * strides[axis])
  }
  collect(0, 0)
  const { show, width } = numberFormat(values, dtype)
  const lastAxis = shape.length - 1
  const perLine = Math.max(1, Math.floor((LINE_WIDTH - indent - lastAxis) / (width + 2)))
  let next = 0
  const layOut = (axis: number): string => {
    if (axis > lastAxis) return show(values[next++])
    const margin = ' '.repeat(indent + axis + 1)
    if (axis < lastAxis) {
      const parts = axes[axis].map((i) => (i === GAP ? '...' : layOut(axis + 1)))
      return `[${parts.join(`,${'\n'.repeat(lastAxis - axis)}${margin}`)}]`
    }
    const parts = axes[axis].map((i) => (i === GAP ? ' ...' : layOut(axis + 1)))
    const lines: string[] = []
    for (let i = 0; i < parts.length; i += perLine) lines.push(parts.slice(i, i + perLine).join(', '))
    return `[${lines.join(`,\n${margin}`)}]`
  }
  return layOut(0)
}

/** Stands among the indices of an axis for those that are left out. */
const GAP = -1

function shownOf(size: number, elides: boolean): number[] {
  if (!elides || size <= 2 * EDGE_ITEMS) return Array.from({ length: size }, (_, i) => i)
  const edge = Array.from({ length: EDGE_ITEMS }, (_, i) => i)
  return [...edge, GAP, ...edge.map((i) => size - EDGE_ITEMS + i)]
}

/** How every element is shown, and the width they are aligned to. As in PyTorch, zeros, NaN and infinities have no say. */
function numberFormat(values: readonly number[], dtype: Dtype): { show: (value: number) => string; width: number } {
  const counted = dtype === 'float32' ? values.filter((value) => Number.isFinite(value) && value !== 0) : values
  const text = dtype === 'bool' ? boolText : dtype === 'float32' ? floatText(counted) : String
  const width = counted.reduce((widest, value) => Math.max(widest, text(value).length), 1)
  return { show: (value) => text(value).padStart(width), width }
}

const boolText = (value: number) => (value === 0 ? 'false' : 'true')

function floatText(counted: readonly number[]): (value: number) => string {
  let least = Number.POSITIVE_INFINITY
  let largest = 0
  for (const value of counted) {
    least = Math.min(least, Math.abs(value))
    largest = Math.max(largest, Math.abs(value))
  }
  const isWhole = counted.every(Number.isInteger)
  const isScientific = largest / least > 1000 || largest > 1e8 || (!isWhole && least < 1e-4)
  const digits = isScientific ? scientific : isWhole ? whole : fixed
  return (value) => {
    if (Number.isNaN(value)) return 'nan'
    const sign = value < 0 || Object.is(value, -0) ? '-' : ''
    return sign + (Number.isFinite(value) ? digits(Math.abs(value)) : 'inf')
  }
}

const whole = (value: number) => `${value.toFixed(0)}.`

const fixed = (value: number) => halfToEven(value.toFixed(DECIMALS), value.toFixed(EXACT))

const scientific = (value: number) =>
  halfToEven(value.toExponential(DECIMALS), value.toExponential(EXACT)).replace(/(?<=e.)\d$/, '0$&')

/** A number half-way between two goes to the even one, as in Python, where `toFixed` and `toExponential` round up. */
function halfToEven(rounded: string, exact: string): string {
  const end = exact.indexOf('.') + 1 + DECIMALS
  const isDown = /^50*(?!\d)/.test(exact.slice(end)) && Number(exact[end - 1]) % 2 === 0
  return isDown ? exact.slice(0, end) + rounded.slice(end) : rounded
}

/** `tensor(…, shape=(2, 3), dtype=float32)`: what is said about a tensor follows its elements, on new lines where it must. */
export function formatTensor(elements: Elements | string, about: readonly string[]): string {
  const prefix = 'tensor('
  let text = prefix + (typeof elements === 'string' ? elements : formatElements(elements, prefix.length))
  for (const [i, item] of about.entries()) {
    const used = text.length - text.lastIndexOf('\n') - 1
    const closes = i === about.length - 1 ? 1 : 0
    text += used + 2 + item.length + closes > LINE_WIDTH ? `,\n${' '.repeat(prefix.length)}${item}` : `, ${item}`
  }
  return `${text})`
}

/** `[1, 0.333333]`: numbers of a list, six digits of each; of more than ten, the first and last three. */
export const formatNumbers = (values: readonly number[]): string =>
  `[${shownOf(values.length, values.length > MOST_NUMBERS)
    .map((i) => (i === GAP ? '...' : String(Number(values[i].toPrecision(6)))))
    .join(', ')}]`

/** `Name(a=1)`, or over several lines with what is inside, as `torch.nn.Module.__repr__` writes it. */
export function formatModule(name: string, extra: string, children: readonly (readonly [string, string])[]): string {
  const inside = children.map(([key, text]) => `(${key}): ${text}`)
  if (inside.length === 0 && !extra.includes('\n')) return `${name}(${extra})`
  const lines = [...(extra ? [extra] : []), ...inside].join('\n').replaceAll('\n', '\n  ')
  return `${name}(\n  ${lines}\n)`
}

const optionText = (value: unknown) => (Array.isArray(value) ? `[${value.join(', ')}]` : String(value))

/** Every group with its options in the order of the alphabet, as `torch.optim.Optimizer.__repr__` writes them. */
export function formatOptimizer(name: string, groups: readonly object[]): string {
  const parts = groups.map((options, i) => {
    const lines = Object.entries(options).map(([option, value]) => `    ${option}: ${optionText(value)}\n`)
    return `\nParameter Group ${i}\n${lines.sort().join('')}`
  })
  return `${name} (${parts.join('')})`
}

/** The name of the method that consoles of Node, Bun and Deno call. */
export const INSPECT: unique symbol = Symbol.for('nodejs.util.inspect.custom')

/** The name of the method that says in a few words what a value is. */
export const SUMMARY: unique symbol = Symbol('summary')

/** What shows itself in consoles. */
export interface Shown {
  toString(): string
  [SUMMARY](): string
}

/** What a method named `INSPECT` gives, given how much deeper the console goes: the text, or a few words. */
export const inspected = (value: Shown, depth: number): string =>
  depth < 0 ? `[${value[SUMMARY]()}]` : value.toString()

/** A custom formatter, as the consoles of Chromium and Firefox know it; elements are in JsonML. */
interface Formatter {
  header(value: unknown, config?: { isPlain?: boolean }): unknown[] | null
  hasBody(value: Shown): boolean
  body(value: Shown): unknown[]
}

/** Few words, or the text where it is one line; opened, all lines, and the object as it is. */
const formatter: Formatter = {
  header(value, config) {
    if (config?.isPlain || !isShown(value)) return null
    const [line, ...more] = value.toString().split('\n')
    return ['span', {}, more.length === 0 ? line : value[SUMMARY]()]
  },
  hasBody: () => true,
  body: (value) => [
    'div',
    { style: 'white-space: pre; font-family: monospace; margin-left: 1em' },
    ...value
      .toString()
      .split('\n')
      .map((line) => ['div', {}, line]),
    ['div', {}, ['object', { object: value, config: { isPlain: true } }]],
  ],
}

/** A prototype has the methods, but nothing to show. */
const isShown = (value: unknown): value is Shown =>
  typeof value === 'object' && value !== null && SUMMARY in value && value.constructor?.prototype !== value

/** Makes browsers' consoles show tensors, modules and optimizers, where custom formatters are turned on in the settings. */
export function registerFormatter(): void {
  const { devtoolsFormatters: others = [] } = globalThis as { devtoolsFormatters?: unknown }
  if (Array.isArray(others)) Reflect.set(globalThis, 'devtoolsFormatters', [...others, formatter])
}
