/** Defining a view: another shape and strides over the same memory, with no kernel. */

import type { Operand } from '../dtype.ts'
import { fillDense, type Layout, moveStrided, through } from '../runtime/strided.ts'
import { contiguousStrides, type Shape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import { edgesOf, placeBeside, record } from './op.ts'
import { withReadable } from './operands.ts'
import { type Destination, isRecording } from './tape.ts'

export type View<P> = (x: Tensor, params: P) => Tensor

/**
 * `layout` maps the shape and strides of any tensor to those of its view. The gradient uses the same mapping: seen
 * through it, `dx` has the elements of `dy` in place, and zeros beside them. A view that shows an element more than once
 * needs a `backward` of its own.
 */
export function defineView<P = void>(
  name: string,
  layout: (shape: Shape, strides: Shape, params: P) => Layout,
  backward?: (dy: Operand, dx: Destination, params: P) => void,
): View<P> {
  const passOn = (dy: Operand, dx: Destination, params: P): void => {
    const seen = through(dx, layout(dx.shape, contiguousStrides(dx.shape), params))
    if (!dx.beta && seen.numel < dx.numel) fillDense(dx, 0)
    moveStrided(dy, seen, dx.beta)
  }
  const gradient = backward ?? passOn
  return (x, params) => {
    const y = withReadable(name, x, { strided: true }, (source) => {
      const { shape, strides, offset } = layout(source.shape, source.strides, params)
      return source.asStrided(shape, strides, offset)
    })
    const edges = isRecording() ? edgesOf([x]) : null
    if (edges) record(y, [x], name, edges, [], (_k, _node, dy, [dx]) => dx && gradient(dy, dx, params))
    else placeBeside(y, [x])
    return y
  }
}
