/** What modules hold besides modules: parameters, which are trained, and buffers, which are only saved. */
import { check, withReadable } from '../autograd/operands.ts'
import { DtypeError } from '../errors.ts'
import { SUMMARY } from '../inspect.ts'
import { own } from '../runtime/lifetimes.ts'
import { formatShape, isContiguous } from '../shape.ts'
import { Tensor } from '../tensor.ts'

/**
 * A tensor that an optimizer trains. It takes over the memory of `data` (a copy of a strided view or of another parameter), and belongs to its module,
 * never to a graph, turn or scope.
 */
export class Parameter extends Tensor {
  constructor(data: Tensor, { requiresGrad = true }: { requiresGrad?: boolean } = {}) {
    check('nn.Parameter', data)
    if (requiresGrad && data.dtype !== 'float32')
      throw new DtypeError(`nn.Parameter: a tensor of dtype ${data.dtype} has no gradient; use float() or nn.buffer`)
    super(denseCell('nn.Parameter', data), data.shape)
    this.storage.assign('parameters')
    own(this)
    this.requiresGrad = requiresGrad
  }

  override toString(): string {
    return `Parameter containing:\n${super.toString()}`
  }

  /** @internal */
  override [SUMMARY](): string {
    return `Parameter ${formatShape(this.shape)} ${this.dtype}`
  }
}

/** What `buffer` makes. */
export class BufferTensor extends Tensor {
  /** Its name in state dicts, where that is not the one of its field. */
  readonly savedAs: string | null

  constructor(data: Tensor, savedAs: string | null) {
    super(denseCell('nn.buffer', data), data.shape)
    this.savedAs = savedAs
    this.storage.assign('parameters')
    own(this)
  }
}

/**
 * The memory of `data`, or a copy where its elements do not lie in logical order, as optimizers go through them, or where it
 * has an owner already.
 */
function denseCell(what: string, data: Tensor): Tensor['cell'] {
  check(what, data)
  const isOwned = data instanceof Parameter || data instanceof BufferTensor
  if (!isOwned && data.cell.storage && isContiguous(data.shape, data.strides)) return data.cell
  return withReadable(what, data, { strided: true }, (x) => x.converted(x.dtype)).cell
}

/**
 * State of a module that is saved but not trained, such as running statistics. It takes over the memory of `data`.
 * @param savedAs Its name in `stateDict()`. Default: that of its field.
 */
export function buffer(data: Tensor, savedAs: string | null = null): Tensor {
  return new BufferTensor(data, savedAs)
}
