/** Order along an axis: indices by one kernel, and the values by `gather`, through which their gradient flows. */
import { defineOp } from '../autograd/op.ts'
import { check } from '../autograd/operands.ts'
import { inSteps } from '../autograd/steps.ts'
import { OptionError } from '../errors.ts'
import { checkFlag, checkOptions } from '../options.ts'
import { engine } from '../runtime/engine.ts'
import { aroundAxis, formatShape, normalizeDim } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import { gather } from './gather.ts'
import { contiguous } from './shape.ts'

/** Which way `sort` and `argsort` go. */
export interface SortOptions {
  /** Whether the largest comes first. Default: false. */
  descending?: boolean
}

/** Which end `topk` takes. */
export interface TopkOptions {
  /** Whether the largest are wanted, or else the smallest. Default: true. */
  largest?: boolean
}

/** Elements in order, and where along the axis each of them was. */
export interface Sorted {
  /** The elements, of the dtype they had. */
  readonly values: Tensor
  /** Their indices along the axis, int32. */
  readonly indices: Tensor
}

interface Order {
  readonly axis: number
  /** How many of the first are wanted. */
  readonly k: number
  readonly descending: boolean
}

const ordering = (name: 'sort' | 'argsort' | 'topk') =>
  defineOp<Order>({
    name,
    takes: ([x]) => [x.dtype === 'float32' ? 'float32' : 'int32'],
    gives: () => 'int32',
    shape: ([x], { axis, k }) => (x.shape.length > 0 ? x.shape.with(axis, k) : x.shape),
    forward: (kernels, [x], y, { axis, k, descending }) => {
      if (y.numel === 0) return
      const { outer, n, inner } = aroundAxis(x.shape, axis)
      const scratch = engine().heap.workspace(kernels.argsortScratch(n))
      const argsort = x.dtype === 'float32' ? kernels.argsortF32 : kernels.argsortI32
      argsort(x.ptr, y.ptr, scratch, outer, n, inner, k, descending ? 1 : 0)
    },
  })

const orders = { sort: ordering('sort'), argsort: ordering('argsort'), topk: ordering('topk') }

function wholeOrder(op: 'sort' | 'argsort', x: Tensor, dim: number, options: SortOptions): Order {
  check(op, x)
  checkOptions(op, options, ['descending'])
  const { descending = false } = options
  checkFlag(op, 'descending', descending)
  const axis = normalizeDim(op, dim, x.ndim)
  return { axis, k: x.shape[axis] ?? 1, descending }
}

/** x is made dense once, ahead of both operations. */
function sorted(op: 'sort' | 'topk', x: Tensor, order: Order): Sorted {
  return inSteps([x], (step) => {
    const dense = step(contiguous(x))
    const indices = orders[op]([dense], order)
    try {
      return { values: gather(dense, order.axis, indices), indices }
    } catch (error) {
      indices.dispose()
      throw error
    }
  })
}

export function sort(x: Tensor, dim = -1, options: SortOptions = {}): Sorted {
  return sorted('sort', x, wholeOrder('sort', x, dim, options))
}

export function argsort(x: Tensor, dim = -1, options: SortOptions = {}): Tensor {
  return orders.argsort([x], wholeOrder('argsort', x, dim, options))
}

export function topk(x: Tensor, k: number, dim = -1, options: TopkOptions = {}): Sorted {
  check('topk', x)
  checkOptions('topk', options, ['largest'])
  const { largest = true } = options
  checkFlag('topk', 'largest', largest)
  const axis = normalizeDim('topk', dim, x.ndim)
  const n = x.shape[axis] ?? 1
  if (!Number.isInteger(k) || k < 0 || k > n)
    throw new OptionError(
      `topk: k is ${k}, but axis ${dim} of ${formatShape(x.shape)} has ${n} elements; use an integer from 0 to ${n}`,
    )
  // Without axes there is one element, whatever k is, as in PyTorch.
  return sorted('topk', x, { axis, k: x.ndim > 0 ? k : 1, descending: largest })
}
