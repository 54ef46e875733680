/** What operations are given: checked, and made readable for kernels. */
import type { Dtype } from '../dtype.ts'
import { DtypeError, ForeignTensorError, kindOf, MemoryLimitError } from '../errors.ts'
import { Cell } from '../runtime/cell.ts'
import { isContiguous } from '../shape.ts'
import type { Tensor } from '../tensor.ts'

/** Throws unless `x` is a tensor of this copy of the library that can be read. */
export function check(op: string, x: Tensor): void {
  if (!(x?.cell instanceof Cell)) throw notOurs(op, x)
  if (!x.cell.storage && x.numel !== 1) throw x.stale(op)
}

interface Readable {
  readonly dtype?: Dtype | null
  readonly strided?: boolean
}

/** `withAdapted` for what `op` is given: errors name it. */
export function withReadable<T>(op: string, x: Tensor, how: Readable, body: (x: Tensor) => T): T {
  check(op, x)
  try {
    return withAdapted(x, how, body)
  } catch (error) {
    throw MemoryLimitError.from(error, op, [x])
  }
}

/**
 * Calls `body` with `x`, or with a copy that has memory, the dtype (unless null) and, unless `strided`, dense elements;
 * the copy is dropped afterwards.
 */
export function withAdapted<T>(x: Tensor, { dtype = null, strided = false }: Readable, body: (x: Tensor) => T): T {
  const xs = [x]
  try {
    adapt(xs, 0, dtype, strided)
    return body(xs[0])
  } finally {
    if (xs[0] !== x) xs[0].drop()
  }
}

function notOurs(op: string, x: unknown): Error {
  if (typeof x === 'object' && x !== null && 'cell' in x && 'backward' in x)
    return new ForeignTensorError(
      `${op}: this tensor was made by another copy of neyron, whose memory this one cannot read; ` +
        'make sure that one copy is installed (npm ls neyron), or pass its values on by toArray()',
    )
  return new DtypeError(`${op}: expected a tensor, got ${kindOf(x)}; make one by tensor(…)`)
}

/** Replaces `xs[i]` by a tensor that has memory, the dtype (unless null) and, unless `strided`, dense elements. */
export function adapt(xs: Tensor[], i: number, dtype: Dtype | null, strided: boolean): void {
  const x = xs[i]
  const found = x.cell.storage ? x : x.revived()
  xs[i] = found
  const casts = dtype !== null && dtype !== found.dtype
  if (!casts && (strided || isContiguous(found.shape, found.strides))) return
  xs[i] = x
  try {
    xs[i] = found.converted(dtype ?? found.dtype)
  } finally {
    if (found !== x) found.drop()
  }
}
