/** Changes in place: of tensors that are not on a tape, or of leaves under `noGrad`. */
import { isDetecting, watchChange } from '../autograd/anomaly.ts'
import { check } from '../autograd/operands.ts'
import { isRecording } from '../autograd/tape.ts'
import { fillerOf, type Operand } from '../dtype.ts'
import { DtypeError, GraphError, MemoryLimitError, OptionError, ShapeError } from '../errors.ts'
import { boundsOf } from '../options.ts'
import { engine } from '../runtime/engine.ts'
import { copyStrided, fillDense } from '../runtime/strided.ts'
import { broadcastShapes, broadcastStrides, formatShape, isContiguous, sameShape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import { zipPlanes } from './binary.ts'

/** Throws unless `x` may be changed in place now. */
function checkMutable(op: string, x: Tensor): void {
  check(op, x)
  if (x.node && !x.node.released) {
    const twin = op.slice(0, -1)
    throw new GraphError(
      `${op}: this tensor was computed by ${x.node.name} and backward() may need it; ` +
        `${twin in x ? `use ${twin}, or` : 'make a new one, such as by where(…), or'} change a clone()`,
    )
  }
  if (x.requiresGrad && !x.node && isRecording())
    throw new GraphError(`${op}: this leaf requires a gradient; change it inside noGrad(() => …)`)
  if (x.numel > 0 && x.strides.some((stride, i) => stride === 0 && x.shape[i] > 1))
    throw new GraphError(`${op}: this tensor shows the same elements more than once; change a clone()`)
}

/**
 * Changes `x` by writing the result of `write` over it; `write` gets `x`, or a dense copy when `x` is strided. When it throws,
 * `x` is as it was.
 */
export function change<T>(
  op: string,
  x: Tensor,
  sources: readonly Tensor[],
  write: (y: Operand, sources: readonly Tensor[]) => T,
): T {
  checkMutable(op, x)
  for (const source of sources) {
    check(op, source)
    if (source.requiresGrad && isRecording())
      throw new GraphError(
        `${op}: the operand requires a gradient, which an in-place change would lose; use it inside noGrad(() => …), or detach() it`,
      )
  }
  const isDense = isContiguous(x.shape, x.strides)
  const made: Tensor[] = []
  const temporary = (copy: Tensor) => {
    made.push(copy)
    return copy
  }
  try {
    x.restore()
    const target = isDense ? x : temporary(x.converted(x.dtype))
    const operands = sources.map((source) => {
      const s = source.cell.storage ? source : temporary(source.revived())
      const overlaps = s.cell.storage === x.cell.storage && !(isDense && sameLayout(s, x))
      const fits = s.dtype === x.dtype && isContiguous(s.shape, s.strides) && !overlaps
      return fits ? s : temporary(s.converted(x.dtype))
    })
    // Without sources a constant is stored, which may be what it likes.
    const inspect = isDetecting() && sources.length > 0 ? watchChange(op, [target], operands, () => '') : null
    const result = write(target, operands)
    if (!isDense) copyStrided(target, x)
    x.storage.changed()
    inspect?.()
    return result
  } catch (error) {
    throw MemoryLimitError.from(error, op, [x, ...sources])
  } finally {
    for (const copy of made) copy.drop()
  }
}

const sameLayout = (a: Tensor, b: Tensor) => a.cell.offset === b.cell.offset && sameShape(a.shape, b.shape)

function checkFits(op: string, x: Tensor, other: Tensor): void {
  check(op, x)
  check(op, other)
  const shape = broadcastShapes(op, x.shape, other.shape)
  if (!sameShape(shape, x.shape))
    throw new ShapeError(
      `${op}: ${formatShape(other.shape)} does not broadcast to the shape ${formatShape(x.shape)} of the tensor that is changed`,
    )
}

export function copy_<T extends Tensor>(x: T, source: Tensor): T {
  checkFits('copy_', x, source)
  change('copy_', x, [source], (y, [s]) => {
    copyStrided({ ...y, ptr: s.ptr, strides: broadcastStrides(s.shape, s.strides, y.shape) }, y)
  })
  return x
}

export function fill_<T extends Tensor>(x: T, value: number): T {
  return filled('fill_', x, value)
}

export function zero_<T extends Tensor>(x: T): T {
  return filled('zero_', x, 0)
}

function filled<T extends Tensor>(op: string, x: T, value: number): T {
  const element = fillerOf(op, x.dtype, value)
  change(op, x, [], (y) => fillDense(y, element))
  return x
}

function checkArithmetic(op: string, x: Tensor): void {
  if (x.dtype !== 'float32')
    throw new DtypeError(`${op}: arithmetic is float32, this tensor is ${x.dtype}; convert it by float()`)
}

function arithmetic(name: 'add' | 'sub' | 'mul' | 'div') {
  const op = `${name}_`
  return <T extends Tensor>(x: T, other: Tensor | number): T => {
    checkArithmetic(op, x)
    const b = typeof other === 'number' ? x.constant(op, other) : other
    try {
      checkFits(op, x, b)
      change(op, x, [b], (y, [s]) => zipPlanes(engine().k[name], y, s, y))
    } finally {
      if (b !== other) b.drop()
    }
    return x
  }
}

export const add_ = arithmetic('add')

export const sub_ = arithmetic('sub')

export const mul_ = arithmetic('mul')

export const div_ = arithmetic('div')

export function clamp_<T extends Tensor>(x: T, min?: number | null, max?: number | null): T {
  checkArithmetic('clamp_', x)
  const { low, high } = boundsOf('clamp_', min, max)
  change('clamp_', x, [], (y) => engine().k.clamp(y.ptr, y.ptr, y.numel, low, high))
  return x
}

export function lerp_<T extends Tensor>(x: T, end: Tensor, weight: number): T {
  checkArithmetic('lerp_', x)
  check('lerp_', end)
  if (!Number.isFinite(weight)) throw new OptionError(`lerp_: weight is ${weight}; it must be a finite number`)
  if (!sameShape(x.shape, end.shape))
    throw new ShapeError(`lerp_: shapes ${formatShape(x.shape)} and ${formatShape(end.shape)} must be equal`)
  change('lerp_', x, [end], (y, [s]) => engine().k.lerp(y.ptr, s.ptr, y.ptr, y.numel, weight))
  return x
}
