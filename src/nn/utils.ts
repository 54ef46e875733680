/** What is done to the gradients of a model between `backward()` and `step()`. */
import { check } from '../autograd/operands.ts'
import { kindOf, MemoryLimitError, OptionError } from '../errors.ts'
import { checkFlag, checkOption, checkOptions } from '../options.ts'
import { engine } from '../runtime/engine.ts'
import type { Ptr } from '../runtime/kernels.generated.ts'
import { Tensor } from '../tensor.ts'

/** The options of `clipGradNorm_`. */
export interface ClipGradNormOptions {
  /** The order of the norm, above 0; `Infinity` is the largest absolute value. Default: 2. */
  normType?: number
  /** Whether a norm that is NaN or infinite is an error, and nothing is changed. Default: false. */
  errorIfNonfinite?: boolean
}

/**
 * Scales the gradients of `parameters` in place so that the norm of all of them, as one vector, is at most `maxNorm`, as
 * `torch.nn.utils.clip_grad_norm_`: by min(1, maxNorm / (norm + 1e-6)). Where the norm is NaN so is every gradient then, and
 * where it is infinite they become 0 and NaN. The norm is summed in float64.
 * @param parameters `model.parameters()`, or one tensor; those without a gradient do not count, one that is named twice counts
 *   once.
 * @param maxNorm From 0 up; `Infinity` measures and changes nothing.
 * @returns The norm as it was; 0 without gradients.
 * @throws OptionError when `maxNorm` is below 0, `normType` is not above 0, or, if asked for, when the norm is not finite.
 */
export function clipGradNorm_(
  parameters: Iterable<Tensor> | Tensor,
  maxNorm: number,
  options: ClipGradNormOptions = {},
): number {
  const op = 'clipGradNorm_'
  checkOptions(op, options, ['normType', 'errorIfNonfinite'])
  const { normType = 2, errorIfNonfinite = false } = options
  if (maxNorm !== Infinity) checkOption(op, 'maxNorm', maxNorm, maxNorm >= 0, 'a number from 0 up')
  if (normType !== Infinity) checkOption(op, 'normType', normType, normType > 0, 'a number above 0')
  checkFlag(op, 'errorIfNonfinite', errorIfNonfinite)
  return withGradients(op, parameters, (table, rows, changed) => {
    const { k } = engine()
    const norm = k.segmentsNorm(table, rows, normType)
    if (errorIfNonfinite && !Number.isFinite(norm))
      throw new OptionError(
        `${op}: the norm of order ${normType} of the gradients is ${norm}; look for the operation it comes from, or leave out errorIfNonfinite`,
      )
    const factor = Math.min(maxNorm / (norm + 1e-6), 1)
    if (factor === 1) return norm
    k.scaleSegments(table, rows, factor)
    changed()
    return norm
  })
}

/**
 * Clamps every element of the gradients of `parameters` in place between -clipValue and clipValue, as
 * `torch.nn.utils.clip_grad_value_`. NaN stays NaN.
 * @param parameters `model.parameters()`, or one tensor; those without a gradient do not count.
 * @throws OptionError when `clipValue` is not a finite number from 0 up.
 */
export function clipGradValue_(parameters: Iterable<Tensor> | Tensor, clipValue: number): void {
  const op = 'clipGradValue_'
  checkOption(op, 'clipValue', clipValue, clipValue >= 0, 'a finite number from 0 up')
  withGradients(op, parameters, (table, rows, changed) => {
    engine().k.clampSegments(table, rows, clipValue)
    changed()
  })
}

/** Calls `body` with a table of the gradients, and what says that they have been changed. */
function withGradients<T>(
  op: string,
  parameters: Iterable<Tensor> | Tensor,
  body: (table: Ptr, rows: number, changed: () => void) => T,
): T {
  if (!(parameters instanceof Tensor) && typeof parameters?.[Symbol.iterator] !== 'function')
    throw new OptionError(`${op}: expected a list of parameters, got ${kindOf(parameters)}; pass model.parameters()`)
  const list = parameters instanceof Tensor ? [parameters] : [...new Set(parameters)]
  for (const parameter of list) check(op, parameter)
  const gradients = list.flatMap(({ grad }) => grad ?? [])
  const { heap } = engine()
  try {
    for (const gradient of gradients) {
      check(op, gradient)
      gradient.restore()
    }
    const table = heap.workspace(gradients.length * 8)
    const rows = gradients.flatMap(({ ptr, numel }) => [ptr, numel])
    heap.upload(table, rows, 'int32')
    return body(table, gradients.length, () => {
      for (const { storage } of gradients) storage.changed()
    })
  } catch (error) {
    throw MemoryLimitError.from(error, op, gradients)
  }
}
