/** Picking by index. Every index is checked before any is used. */
import { defineOp } from '../autograd/op.ts'
import { check, withReadable } from '../autograd/operands.ts'
import { inSteps } from '../autograd/steps.ts'
import { defineView } from '../autograd/view.ts'
import { BYTES, type Operand } from '../dtype.ts'
import { DtypeError, OptionError, ShapeError } from '../errors.ts'
import { engine } from '../runtime/engine.ts'
import { at } from '../runtime/strided.ts'
import { aroundAxis, checkShape, formatShape, normalizeDim, positionOf, type Shape, sameShape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'

/** What error messages call an index. */
interface Noun {
  readonly one: string
  readonly many: string
}

const INDEX: Noun = { one: 'index', many: 'indices' }
const LABEL: Noun = { one: 'label', many: 'labels' }

/** Throws unless `index` is a tensor of int32 or uint8. */
function checkIndex(op: string, { many }: Noun, index: Tensor): void {
  check(op, index)
  if (index.dtype !== 'int32' && index.dtype !== 'uint8')
    throw new DtypeError(`${op}: the ${many} are ${index.dtype}; they must be int32 or uint8: convert them by int()`)
}

/** Throws unless the int32 of `index` go from 0 up to but without `size`; `reason` says why they must. */
function checkRange(op: string, { one, many }: Noun, index: Operand, size: number, reason: string): void {
  const { k, heap } = engine()
  const bad = k.findOutside(index.ptr, index.numel, size)
  if (bad < 0) return
  const where = index.shape.length > 0 ? ` at ${formatShape(positionOf(bad, index.shape))}` : ''
  const range = size > 0 ? `${many} go from 0 to ${size - 1}` : 'there is none to pick'
  throw new OptionError(`${op}: the ${one}${where} is ${heap.read(at(index, bad), 'int32')}; ${reason}: ${range}`)
}

const axisHas = (axis: number, n: number) => `axis ${axis} has ${n} elements`

const gathered = defineOp<number>({
  name: 'gather',
  saves: 'inputs',
  uses: () => [false, true],
  takes: () => [null, 'int32'],
  gives: ([x]) => x.dtype,
  shape: ([, index]) => index.shape,
  forward: (k, [x, index], y, axis) => {
    const { outer, n, inner } = aroundAxis(x.shape, axis)
    checkRange('gather', INDEX, index, n, axisHas(axis, n))
    const gather = BYTES[x.dtype] === 4 ? k.gather32 : k.gather8
    gather(x.ptr, index.ptr, y.ptr, outer, n, aroundAxis(index.shape, axis).n, inner)
  },
  backward: (k, [, index], dy, [dx], axis) => {
    if (!dx) return
    const { outer, n, inner } = aroundAxis(dx.shape, axis)
    k.gatherGrad(index.ptr, dy.ptr, dx.ptr, outer, n, aroundAxis(index.shape, axis).n, inner, dx.beta)
  },
})

/** The part of a tensor that an index of this shape can reach. */
const reached = defineView<Shape>('gather', (_shape, strides, to) => ({ shape: to, strides, offset: 0 }))

export function gather(x: Tensor, dim: number, index: Tensor): Tensor {
  check('gather', x)
  checkIndex('gather', INDEX, index)
  const axis = normalizeDim('gather', dim, x.ndim)
  const fits = index.ndim === x.ndim && index.shape.every((size, i) => i === axis || size <= x.shape[i])
  if (!fits)
    throw new ShapeError(
      `gather: an index of shape ${formatShape(index.shape)} does not fit ${formatShape(x.shape)} along axis ${axis}: ` +
        'it must have as many axes, and along the others be no larger',
    )
  const to = x.shape.map((size, i) => (i === axis ? size : index.shape[i]))
  if (sameShape(to, x.shape)) return gathered([x, index], axis)
  return inSteps([], (step) => gathered([step(reached(x, to)), index], axis))
}

interface Selection {
  readonly axis: number
  /** What comes in place of that axis. */
  readonly shape: Shape
}

const selecting = (name: 'indexSelect' | 'embedding') =>
  defineOp<Selection>({
    name,
    saves: 'inputs',
    uses: () => [false, true],
    takes: () => [null, 'int32'],
    gives: ([x]) => x.dtype,
    shape: ([x], { axis, shape }) => x.shape.toSpliced(axis, 1, ...shape),
    forward: (k, [x, index], y, { axis }) => {
      const { outer, n, inner } = aroundAxis(x.shape, axis)
      const reason = name === 'embedding' ? `there are ${n} embeddings` : axisHas(axis, n)
      checkRange(name, INDEX, index, n, reason)
      k.indexSelect(x.ptr, index.ptr, y.ptr, outer, n, index.numel, inner * BYTES[x.dtype])
    },
    backward: (k, [, index], dy, [dx], { axis }) => {
      if (!dx) return
      const { outer, n, inner } = aroundAxis(dx.shape, axis)
      k.indexSelectGrad(index.ptr, dy.ptr, dx.ptr, outer, n, index.numel, inner, dx.beta)
    },
  })

const selected = selecting('indexSelect')

export function indexSelect(x: Tensor, dim: number, index: Tensor): Tensor {
  check('indexSelect', x)
  checkIndex('indexSelect', INDEX, index)
  if (x.ndim === 0) throw new ShapeError('indexSelect: a tensor without axes has none to select from')
  const axis = normalizeDim('indexSelect', dim, x.ndim)
  if (index.ndim > 1)
    throw new ShapeError(
      `indexSelect: the index has shape ${formatShape(index.shape)}; it must have one axis, or use gather`,
    )
  return selected([x, index], { axis, shape: [index.numel] })
}

const embedded = selecting('embedding')

/**
 * Rows of `weight` (V, D) by their numbers: `indices` (…), int32 or uint8, give (…, D), of the weight's dtype. The gradient
 * of a row is the sum of the gradients of its copies, added in the order of the indices; other rows get 0.
 * @throws OptionError for an index outside 0..V-1, saying where it is; DtypeError for indices of another dtype.
 */
export function embedding(indices: Tensor, weight: Tensor): Tensor {
  checkIndex('embedding', INDEX, indices)
  check('embedding', weight)
  if (weight.ndim !== 2)
    throw new ShapeError(`embedding: the weight has shape ${formatShape(weight.shape)}; it must be (V, D), a row each`)
  checkShape('embedding', [...indices.shape, weight.shape[1]])
  return embedded([weight, indices], { axis: 0, shape: indices.shape })
}

const oneHotOf = defineOp<number>({
  name: 'oneHot',
  takes: () => ['int32'],
  shape: ([labels], classes) => [...labels.shape, classes],
  forward: (k, [labels], y, classes) => {
    checkRange('oneHot', LABEL, labels, classes, `there are ${classes} classes`)
    k.oneHot(labels.ptr, y.ptr, labels.numel, classes)
  },
})

/** The largest label and one more, or 1 where there are but negative ones, which `oneHotOf` refuses. */
function countClasses(labels: Tensor): number {
  if (labels.numel === 0)
    throw new OptionError(`oneHot: there are no labels to count the classes by; pass their number: oneHot(10)`)
  const largest = withReadable('oneHot', labels, { dtype: 'int32' }, (x) => engine().k.largestI32(x.ptr, x.numel))
  return Math.max(largest + 1, 1)
}

export function oneHot(labels: Tensor, numClasses?: number): Tensor {
  checkIndex('oneHot', LABEL, labels)
  if (numClasses !== undefined && (!Number.isInteger(numClasses) || numClasses < 1))
    throw new OptionError(`oneHot: ${numClasses} is not a number of classes; use an integer from 1 up, or leave it out`)
  const classes = numClasses ?? countClasses(labels)
  checkShape('oneHot', [...labels.shape, classes])
  return oneHotOf([labels], classes)
}
