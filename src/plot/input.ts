/** Reads what users pass: arrays, typed arrays or tensors of numbers. */
import { check } from '../autograd/operands.ts'
import { kindOf, OptionError, ShapeError } from '../errors.ts'
import { checkOptions } from '../options.ts'
import { formatShape } from '../shape.ts'
import { Tensor } from '../tensor.ts'

/** Numbers in a row: an array, a typed array, or a tensor, of whose shape only the order of its elements counts. */
export type Numbers = ArrayLike<number> | Tensor

/** Points of the plane: pairs, or a tensor of shape (n, 2). */
export type Points = readonly (readonly [x: number, y: number] | readonly number[])[] | Tensor

export function numbersOf(op: string, name: string, values: Numbers): number[] {
  if (values instanceof Tensor) {
    check(op, values)
    return Array.from(values.toTypedArray())
  }
  const isList = Array.isArray(values) || (ArrayBuffer.isView(values) && 'length' in values)
  if (!isList) throw new OptionError(`${op}: ${name} is ${kindOf(values)}; pass an array of numbers, or a tensor`)
  const list = Array.from(values as ArrayLike<unknown>)
  const wrong = list.findIndex((value) => typeof value !== 'number')
  if (wrong >= 0) throw new OptionError(`${op}: ${name}[${wrong}] is ${kindOf(list[wrong])}, not a number`)
  return list as number[]
}

export function pointsOf(op: string, name: string, points: Points): [number, number][] {
  if (points instanceof Tensor) {
    check(op, points)
    if (points.ndim !== 2 || points.shape[1] !== 2)
      throw new ShapeError(`${op}: ${name} has shape ${formatShape(points.shape)}; points of the plane are (n, 2)`)
    return points.toArray() as [number, number][]
  }
  if (!Array.isArray(points))
    throw new OptionError(`${op}: ${name} is ${kindOf(points)}; pass pairs [x, y], or a tensor`)
  return points.map((point: Numbers, i) => {
    const pair = numbersOf(op, `${name}[${i}]`, point)
    if (pair.length !== 2)
      throw new ShapeError(`${op}: ${name}[${i}] has ${pair.length} numbers; points of the plane have 2`)
    return pair as [number, number]
  })
}

/** A range, of which the first number is the smaller. */
export function checkRange(op: string, name: string, range: readonly [number, number]): void {
  const [low = Number.NaN, high = Number.NaN] = Array.isArray(range) ? range : []
  if (!Number.isFinite(low) || !Number.isFinite(high) || low >= high)
    throw new OptionError(`${op}: ${name} must be two finite numbers, the smaller first, such as [-5, 5]`)
}

/** How many rows and columns a grid has. */
export function checkResolution(op: string, resolution: number): void {
  if (!Number.isSafeInteger(resolution) || resolution < 2 || resolution > MOST_POINTS)
    throw new OptionError(
      `${op}: resolution is ${String(resolution)}; a grid has from 2 to ${MOST_POINTS} points along each axis`,
    )
}

const MOST_POINTS = 1000

/** Options of a picture, with a title that is text. */
export function checkPicture<T extends { title?: string }>(
  op: string,
  options: T,
  known: readonly (keyof T & string)[],
): void {
  checkOptions(op, options, [...known, 'title'])
  if (options.title !== undefined) checkText(op, 'title', options.title)
}

/** Words for a picture. */
export function checkText(op: string, name: string, text: string): void {
  if (typeof text !== 'string') throw new OptionError(`${op}: ${name} is ${kindOf(text)}; it must be text`)
}

/** An object whose fields are read one by one. */
export function checkFields(op: string, what: string, value: unknown): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Tensor)
    throw new OptionError(`${op}: expected ${what}, got ${kindOf(value)}`)
}
