/**
 * Every error that this library throws on purpose. A message says what was wrong, where (the operation and
 * the shapes or values), and what to do about it.
 */

/** What messages call a value that is of the wrong kind. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

/** The base of them all: `catch (e) { if (e instanceof NeyronError) … }`. */
export class NeyronError extends Error {
  /** The name of the class. */
  override readonly name: string = 'NeyronError'
}

/** Words an error anew, in its stack as well, where engines repeat the message and consoles read it. */
export function reword(error: Error, message: string): void {
  const { message: before, stack } = error
  error.message = message
  if (stack) error.stack = stack.replace(before, () => message)
}

/** Shapes, axes or sizes that do not fit together. */
export class ShapeError extends NeyronError {
  override readonly name = 'ShapeError'
}

/** A tensor of the wrong dtype, or a value that its dtype cannot hold. */
export class DtypeError extends NeyronError {
  override readonly name = 'DtypeError'
}

/** An argument or option outside what is allowed. */
export class OptionError extends NeyronError {
  override readonly name = 'OptionError'
}

/** Something that the autograd graph, a turn or a scope does not allow. */
export class GraphError extends NeyronError {
  override readonly name = 'GraphError'
}

/** A tensor whose memory is gone. */
export class StaleTensorError extends NeyronError {
  override readonly name = 'StaleTensorError'
}

/** A tensor that belongs to another copy of this library. */
export class ForeignTensorError extends NeyronError {
  override readonly name = 'ForeignTensorError'
}

/** Linear memory is full, by `init({ maxMemory })` or because the host gives no more. */
export class MemoryLimitError extends NeyronError {
  override readonly name = 'MemoryLimitError'

  /** `error` with the operation and its shapes in front, if it is a `MemoryLimitError` without them; else as it is. */
  static from(error: unknown, op: string, operands: readonly { readonly shape: readonly number[] }[]): unknown {
    if (!(error instanceof MemoryLimitError) || !error.message.startsWith('linear memory')) return error
    const shapes = operands.map(({ shape }) => `(${shape.join(', ')})`)
    return new MemoryLimitError(`${op}: ${shapes.join(' and ')}: ${error.message}`)
  }
}

/** NaN or an infinity where there was none: in a loss of `fit`, or with `setDetectAnomaly(true)` in the result of an operation. */
export class AnomalyError extends NeyronError {
  override readonly name = 'AnomalyError'
}

/** A gradient that differs from what differences of values say: see `gradcheck`. */
export class GradcheckError extends NeyronError {
  override readonly name = 'GradcheckError'
}

/** A file or buffer that is not what its format demands. */
export class FormatError extends NeyronError {
  override readonly name = 'FormatError'
}

/** `init` called too late or twice, or WebAssembly that cannot start here. */
export class InitError extends NeyronError {
  override readonly name = 'InitError'
}
