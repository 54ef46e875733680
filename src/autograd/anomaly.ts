/** Anomaly mode: which operation is the first to make NaN or an infinity of numbers. */
import type { Operand } from '../dtype.ts'
import { AnomalyError } from '../errors.ts'
import { checkFlag } from '../options.ts'
import { engine } from '../runtime/engine.ts'
import type { Ptr } from '../runtime/kernels.generated.ts'
import { type Origin, told } from '../runtime/origins.ts'
import { copyStrided } from '../runtime/strided.ts'
import { contiguousStrides, formatPlace, formatShape, isContiguous, type Shape } from '../shape.ts'
import type { Destination, Node } from './tape.ts'

let isOn = false

/**
 * Turns anomaly mode on or off. While it is on, the first operation that gives NaN or an infinity, forward or backward, throws
 * an `AnomalyError` that names it, its shapes, the place of the value, and in debug mode (`setDebug`) the line. It is the
 * first: a NaN is reported where no input held NaN, an infinity where no input held either. So infinities that you put in
 * yourself, as for a mask, are no anomaly, but what makes NaN of them is; log(0) is one. Changes in place and steps of
 * optimizers are looked at too. It costs a pass over every result; off, it costs nothing.
 *
 * ```ts
 * setDetectAnomaly(true)
 * try {
 *   tensor([1, 0]).log()
 * } catch (error) {
 *   console.log((error as Error).message.split(',')[0]) // prints log: gave -Infinity at [1] of shape (2)
 * }
 * ```
 * @throws OptionError for anything but true and false.
 */
export function setDetectAnomaly(on: boolean): void {
  checkFlag('setDetectAnomaly', 'the argument', on)
  isOn = on
}

/**
 * Runs `body` in anomaly mode, as `setDetectAnomaly(true)` before and what it was after. When `body` gives a promise, the mode
 * ends with that: `await detectAnomaly(() => fit(model, data, options))`. It names the first operation to give NaN, but not NaN
 * that was in data or weights before: `fit` names that; in a loop of your own look by `x.isFinite().all()`.
 * @returns What `body` gives.
 * @throws AnomalyError by the first operation that makes NaN or an infinity.
 */
export function detectAnomaly<T>(body: () => T): T {
  const before = isOn
  const restore = () => {
    isOn = before
  }
  isOn = true
  let isPending = false
  try {
    const result = body()
    if (!(result instanceof Promise)) return result
    isPending = true
    return result.finally(restore) as T
  } finally {
    if (!isPending) restore()
  }
}

/** Whether anomaly mode is on. */
export const isDetecting = (): boolean => isOn

/** The worst element of a tensor: the first NaN, or else the first infinity. */
export interface Flaw {
  readonly index: number
  readonly value: number
}

const LARGEST = 3.4028234663852886e38

/** The worst element of `x`, or null when all are finite numbers. */
export function flawIn(x: Operand): Flaw | null {
  if (x.dtype !== 'float32' || x.numel === 0) return null
  const { k, heap } = engine()
  const ptr = isContiguous(x.shape, x.strides) ? x.ptr : denseCopy(x)
  const first = k.firstBeyond(ptr, x.numel, LARGEST)
  if (first < 0) return null
  const nan = k.firstBeyond(ptr, x.numel, Infinity)
  const index = nan < 0 ? first : nan
  return { index, value: heap.read((ptr + 4 * index) as Ptr, 'float32') }
}

function denseCopy(x: Operand): Ptr {
  const ptr = engine().heap.workspace(x.numel * 4)
  copyStrided(x, { ...x, ptr, strides: contiguousStrides(x.shape) })
  return ptr
}

/** Whether `cause` is a reason for `flaw`: nothing but NaN is one for NaN. */
const explains = (cause: Flaw | null, flaw: Flaw) =>
  cause !== null && (Number.isNaN(cause.value) || !Number.isNaN(flaw.value))

/** Infinite numbers among the parameters of an operation, such as the `value` of `pad`. */
function hasInfinity(params: unknown): boolean {
  const values: unknown[] = typeof params === 'object' && params !== null ? Object.values(params) : [params]
  return values.some((value) => value === Infinity || value === -Infinity)
}

/** Throws when `y`, the result of an operation, is worse than its inputs. */
export function checkResult(
  name: string,
  y: Operand & { readonly cell: { readonly origin: Origin | null } },
  xs: readonly Operand[],
  params: unknown,
): void {
  const flaw = flawIn(y)
  if (!flaw || xs.some((x) => explains(flawIn(x), flaw))) return
  if (!Number.isNaN(flaw.value) && hasInfinity(params)) return
  throw anomaly(`${name}: gave ${shown(flaw, y.shape)}${told(y.cell.origin)}, from ${listed(xs)} without`, flaw)
}

/** What is to be called when the gradients of a node have been written: throws when they are worse than what they came from. */
export function watchBackward(node: Node, dy: Operand, dxs: readonly (Destination | null)[]): () => void {
  const before = dxs.map((dx) => dx && (dx.beta ? flawIn(dx) : null))
  return () => {
    dxs.forEach((dx, i) => {
      const flaw = dx && flawIn(dx)
      if (!flaw || explains(before[i], flaw)) return
      const read = node.saved.filter(({ storage }) => storage)
      if ([dy, ...read].some((x) => explains(flawIn(x), flaw))) return
      throw anomaly(
        `${node.name}: its backward gave ${shown(flaw, dx.shape)}, the gradient of input ${i}${told(node.origin)}, ` +
          `from the gradient ${formatShape(dy.shape)} of its result and saved tensors without`,
        flaw,
      )
    })
  }
}

/** What is to be called after tensors have been changed in place: throws when one is worse than it was, and than `sources`. */
export function watchChange(
  name: string,
  changed: readonly Operand[],
  sources: readonly Operand[],
  of: (i: number) => string,
): () => void {
  const before = changed.map(flawIn)
  const causes = sources.map(flawIn)
  return () => {
    changed.forEach((x, i) => {
      const flaw = flawIn(x)
      if (!flaw || explains(before[i], flaw) || causes.some((cause) => explains(cause, flaw))) return
      throw anomaly(`${name}: left ${shown(flaw, x.shape)}${of(i)}, from values and operands without`, flaw)
    })
  }
}

const shown = ({ index, value }: Flaw, shape: Shape) =>
  `${value} at ${formatPlace(index, shape)} of shape ${formatShape(shape)}`

const listed = (xs: readonly Operand[]) => xs.map(({ shape }) => formatShape(shape)).join(' and ')

function anomaly(start: string, { value }: Flaw): AnomalyError {
  return new AnomalyError(
    Number.isNaN(value)
      ? `${start} NaN. Keep 0 / 0, Infinity - Infinity and roots or logarithms of negative numbers out of it: clamp() what goes in, or where(…) it away`
      : `${start} NaN or infinities. Keep what goes in away from where it has no value (clamp(), add a small number), or make it smaller: a lower learning rate, clipped gradients, scaled data`,
  )
}
