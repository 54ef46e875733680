import { backward } from './autograd/backward.ts'
import { check, withReadable } from './autograd/operands.ts'
import type { Node } from './autograd/tape.ts'
import { BYTES, type Dtype, type TypedArrays } from './dtype.ts'
import { DtypeError, GraphError, MemoryLimitError, ShapeError, StaleTensorError } from './errors.ts'
import { formatTensor, INSPECT, inspected, SUMMARY } from './inspect.ts'
import * as ops from './ops/index.ts'
import { Cell } from './runtime/cell.ts'
import { engine } from './runtime/engine.ts'
import type { Graph } from './runtime/graph.ts'
import type { Owner, Storage } from './runtime/heap.ts'
import type { Ptr } from './runtime/kernels.generated.ts'
import * as lifetimes from './runtime/lifetimes.ts'
import { here, told } from './runtime/origins.ts'
import { at, copyStrided } from './runtime/strided.ts'
import { contiguousStrides, formatShape, numelOf, type Shape, sameShape } from './shape.ts'

/** A tensor's elements as nested arrays, booleans for dtype bool. */
export type NestedArray = number | boolean | NestedArray[]

/**
 * An n-dimensional array in linear memory, with its place on the autograd tape.
 * Make one by `tensor`, `zeros`, `randn` and so on, or by an operation.
 *
 * Operations that only move or pick elements keep the dtype. Arithmetic converts int32, uint8 and bool to float32, which holds
 * whole numbers up to 2^24 exactly, and gives float32: there is no arithmetic of integers.
 *
 * Its memory is freed by the rules in the README; touching it afterwards throws `StaleTensorError`, except that a
 * tensor of one element keeps its value for ever.
 */
export class Tensor {
  /** The sizes of the axes, the outermost first. */
  readonly shape: Shape
  /** What an element is. */
  readonly dtype: Dtype
  /** The number of elements. */
  readonly numel: number
  /** @internal Elements from one index to the next, for each axis. */
  readonly strides: Shape
  /** @internal */
  readonly cell: Cell
  /** @internal */
  node: Node | null = null
  /** @internal */
  graph: Graph | null = null
  #requiresGrad = false
  #grad: Tensor | null = null

  /** @internal Users call `tensor(…)`. Takes over one reference to the cell's storage. */
  constructor(cell: Cell, shape: Shape, strides: Shape = contiguousStrides(shape)) {
    this.cell = cell
    this.shape = shape
    this.strides = strides
    this.numel = cell.numel
    this.dtype = cell.dtype
  }

  /** The number of axes. */
  get ndim(): number {
    return this.shape.length
  }

  /** Whether this is a leaf: not computed by a recorded operation. */
  get isLeaf(): boolean {
    return this.node === null
  }

  /** Whether `backward()` computes a gradient for it, or through it. Settable on leaves of dtype float32. */
  get requiresGrad(): boolean {
    return this.#requiresGrad
  }

  set requiresGrad(value: boolean) {
    if (value && this.dtype !== 'float32')
      throw new DtypeError(`requiresGrad: a tensor of dtype ${this.dtype} has no gradient; convert it by float()`)
    if (!value && this.node)
      throw new GraphError(
        `requiresGrad: this tensor was computed by ${this.node.name}, only leaves can be frozen; use detach()`,
      )
    this.#requiresGrad = value
  }

  /** The gradient that `backward()` has added up, or null. It belongs to this tensor; `clone()` it to keep it longer. */
  get grad(): Tensor | null {
    return this.#grad
  }

  /** Null frees the gradient, as `optimizer.zeroGrad()` does; a tensor of the same shape is copied. */
  set grad(value: Tensor | null) {
    if (value) check('grad', value)
    if (value && !sameShape(value.shape, this.shape))
      throw new ShapeError(
        `grad: shape ${formatShape(value.shape)} does not fit a tensor of shape ${formatShape(this.shape)}`,
      )
    const copy = value && withReadable('grad', value, { strided: true }, (x) => x.converted('float32'))
    this.#grad?.cell.die('its gradient was cleared')
    this.#grad = null
    if (copy) this.addGrad(copy.storage)
  }

  // --- reading ---------------------------------------------------------------------------------------------------

  /** The value of a tensor of one element; a bool gives 1 or 0. Throws `ShapeError` for any other size. */
  item(): number {
    if (this.numel !== 1)
      throw new ShapeError(`item: shape ${formatShape(this.shape)} has ${this.numel} elements, not one; use toArray()`)
    return this.cell.storage ? engine().heap.read(this.ptr, this.dtype) : this.cell.value
  }

  /** A copy of the elements in logical (row-major) order. */
  toTypedArray(): TypedArrays[Dtype] {
    return withReadable('toTypedArray', this, {}, (x) => engine().heap.download(x.ptr, x.numel, x.dtype))
  }

  /** A copy of the elements as nested arrays; a single number or boolean for a tensor without axes. */
  toArray(): NestedArray {
    const data = this.toTypedArray()
    let at = 0
    const nest = (axis: number): NestedArray => {
      if (axis < this.ndim) return Array.from({ length: this.shape[axis] }, () => nest(axis + 1))
      const value = data[at++]
      return this.dtype === 'bool' ? value !== 0 : value
    }
    return nest(0)
  }

  /** What `JSON.stringify` writes, of a state dict too: the nested arrays of `toArray`, which `tensor` reads back. */
  toJSON(): NestedArray {
    return this.toArray()
  }

  /**
   * The elements as PyTorch prints them, then shape and dtype, whether it is a leaf that requires a gradient or by which
   * operation it was computed, and in debug mode the line that made it. Of more than 1000 elements it reads and shows three at
   * each end of each axis. A tensor whose memory is gone says how it went. `console.log(x)` prints the same.
   */
  toString(): string {
    const { node, cell } = this
    const about = [`shape=${formatShape(this.shape)}, dtype=${this.dtype}`]
    if (node) about.push(`gradFn=${node.name}`)
    else if (this.requiresGrad) about.push('requiresGrad=true')
    if (cell.origin) about.push(`madeBy=${cell.origin}`)
    if (!cell.storage && this.numel !== 1) return formatTensor(`<gone: ${cell.fate}>`, about)
    const read = (offset: number) => (cell.storage ? engine().heap.read(at(this, offset), this.dtype) : cell.value)
    return formatTensor({ shape: this.shape, strides: this.strides, dtype: this.dtype, read }, about)
  }

  /** @internal */
  [SUMMARY](): string {
    return `Tensor ${formatShape(this.shape)} ${this.dtype}`
  }

  /** @internal */
  [INSPECT](depth: number): string {
    return inspected(this, depth)
  }

  // --- autograd and lifetime -------------------------------------------------------------------------------------

  /**
   * Adds the gradient of this tensor with respect to every leaf that requires one to the leaf's `grad`, and frees what
   * the graph has saved: a graph is walked once.
   * @param upstream The gradient of whatever this tensor feeds; may be left out for a tensor of one element (then 1).
   * @throws GraphError without anything to differentiate, on a second walk, or when a saved tensor has been changed.
   */
  backward(upstream?: Tensor): void {
    check('backward', this)
    backward(this, upstream)
  }

  /** The same memory outside the graph: no gradient flows through it. */
  detach(): Tensor {
    const y = withReadable('detach', this, { strided: true }, (x) => x.asStrided(x.shape, x.strides, 0))
    lifetimes.place(y, null)
    return y
  }

  /** A copy outside the graph, contiguous. Unlike in PyTorch, no gradient flows through it. */
  clone(): Tensor {
    const y = withReadable('clone', this, { strided: true }, (x) => x.converted(x.dtype))
    lifetimes.place(y, null)
    return y
  }

  /** Moves the tensor out of the turn or scope it was made in to the one around it, and out of its graph's lifetime. */
  keep(): this {
    check('keep', this)
    if (this.cell.storage) lifetimes.keep(this)
    return this
  }

  /** Frees the memory now. */
  dispose(): void {
    this.grad = null
    lifetimes.dispose(this, 'it was disposed')
  }

  /** `using x = …` frees it at the end of the block. */
  [Symbol.dispose](): void {
    this.dispose()
  }

  // --- operations: element by element ----------------------------------------------------------------------------

  /** max(x, 0), element by element; the gradient at 0 is 0. NaN stays NaN. */
  relu(): Tensor {
    return ops.relu(this)
  }

  /** 1 / (1 + exp(-x)), element by element. */
  sigmoid(): Tensor {
    return ops.sigmoid(this)
  }

  /** The hyperbolic tangent, element by element. */
  tanh(): Tensor {
    return ops.tanh(this)
  }

  /**
   * x where it is above 0, `negativeSlope` times x elsewhere; element by element. The gradient at 0 and NaN is that below 0,
   * as in PyTorch. (A. Maas et al., "Rectifier Nonlinearities Improve Neural Network Acoustic Models", 2013.)
   * @param negativeSlope Default: 0.01.
   * @throws OptionError when it is no finite number.
   */
  leakyRelu(negativeSlope?: number): Tensor {
    return ops.leakyRelu(this, negativeSlope)
  }

  /**
   * x where it is above 0, alpha (exp(x) - 1) elsewhere; element by element. The gradient at 0 is alpha, as in PyTorch.
   * (D.-A. Clevert et al., arXiv:1511.07289.)
   * @param alpha Default: 1.
   * @throws OptionError when it is no finite number.
   */
  elu(alpha?: number): Tensor {
    return ops.elu(this, alpha)
  }

  /**
   * x times the standard normal distribution up to x, element by element: x (1 + erf(x / √2)) / 2, or with
   * `{ approximate: 'tanh' }` x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2. NaN for -Infinity, as in PyTorch.
   * (D. Hendrycks, K. Gimpel, arXiv:1606.08415.)
   * @param options.approximate `'none'` or `'tanh'`. Default: `'none'`.
   * @throws OptionError for any other.
   */
  gelu(options?: ops.GeluOptions): Tensor {
    return ops.gelu(this, options)
  }

  /** x / (1 + exp(-x)), element by element. NaN for -Infinity, as in PyTorch. (S. Elfwing et al., arXiv:1702.03118.) */
  silu(): Tensor {
    return ops.silu(this)
  }

  /**
   * log(1 + exp(beta x)) / beta, element by element, computed so that nothing overflows; x where beta x is above the
   * threshold. (C. Dugas et al., "Incorporating Second-Order Functional Knowledge for Better Option Pricing", 2000.)
   * @param options.beta How sharply it bends. Default: 1.
   * @param options.threshold Default: 20.
   * @throws OptionError when beta is 0 or not finite, or the threshold is NaN.
   */
  softplus(options?: ops.SoftplusOptions): Tensor {
    return ops.softplus(this, options)
  }

  /** log(1 / (1 + exp(-x))), element by element, computed so that nothing overflows or cancels. */
  logsigmoid(): Tensor {
    return ops.logsigmoid(this)
  }

  /**
   * x, but at least `min` and at most `max`, element by element. NaN stays NaN. Unlike that of `clamp`, the gradient is 0 at
   * `min` and `max`, and at NaN, as in PyTorch.
   * @param min Default: -1.
   * @param max Default: 1.
   * @throws OptionError unless `min` is below `max`.
   */
  hardtanh(min?: number, max?: number): Tensor {
    return ops.hardtanh(this, min, max)
  }

  /** min(max(x + 3, 0), 6) / 6, element by element: a sigmoid of straight lines. The gradient at -3, 3 and NaN is 0. */
  hardsigmoid(): Tensor {
    return ops.hardsigmoid(this)
  }

  /**
   * x min(max(x + 3, 0), 6) / 6, element by element. The gradient is -1/2 at -3 and 1 at 3; NaN for -Infinity, all as in
   * PyTorch. (A. Howard et al., arXiv:1905.02244.)
   */
  hardswish(): Tensor {
    return ops.hardswish(this)
  }

  /** min(max(x, 0), 6), element by element; the gradient at 0, 6 and NaN is 0. (A. Krizhevsky, "cuda-convnet", 2010.) */
  relu6(): Tensor {
    return ops.relu6(this)
  }

  /** e to the power of x, element by element. */
  exp(): Tensor {
    return ops.exp(this)
  }

  /** The natural logarithm, element by element: -Infinity at 0, NaN below. */
  log(): Tensor {
    return ops.log(this)
  }

  /** log(1 + x), element by element, exact also where x is small: -Infinity at -1, NaN below. */
  log1p(): Tensor {
    return ops.log1p(this)
  }

  /** exp(x) - 1, element by element, exact also where x is small. */
  expm1(): Tensor {
    return ops.expm1(this)
  }

  /**
   * x to the power of `exponent`, element by element, with the gradient exponent * x to the power of (exponent - 1), which
   * is 0 everywhere for exponent 0. Special values are those of C's `pow` (IEEE 754): anything to the power of 0 is 1, NaN
   * too; 1 to any power is 1; a negative x has whole powers only, else NaN. An exponent of 0.5 or -0.5 is no exception: it makes
   * Infinity or 0 of -Infinity, and -0.5 makes Infinity of -0, where `sqrt`, `rsqrt` and PyTorch's `pow` go by the sign.
   * @throws OptionError when the exponent is NaN or no number.
   */
  pow(exponent: number): Tensor {
    return ops.pow(this, exponent)
  }

  /** The square root, element by element: NaN below 0. The gradient at 0 is infinite. */
  sqrt(): Tensor {
    return ops.sqrt(this)
  }

  /** 1 / sqrt(x), element by element: Infinity at 0, -Infinity at -0, NaN below. */
  rsqrt(): Tensor {
    return ops.rsqrt(this)
  }

  /** x * x, element by element. */
  square(): Tensor {
    return ops.square(this)
  }

  /** 1 / x, element by element: an infinity at 0. */
  reciprocal(): Tensor {
    return ops.reciprocal(this)
  }

  /** The sine, element by element, of any size of x: NaN for infinities. */
  sin(): Tensor {
    return ops.sin(this)
  }

  /** The cosine, element by element, of any size of x: NaN for infinities. */
  cos(): Tensor {
    return ops.cos(this)
  }

  /** The error function, 2 / sqrt(pi) times the integral of exp(-t * t) from 0 to x, element by element. */
  erf(): Tensor {
    return ops.erf(this)
  }

  /** -x, element by element. */
  neg(): Tensor {
    return ops.neg(this)
  }

  /** The absolute value, element by element; the gradient at 0 and NaN is 0. */
  abs(): Tensor {
    return ops.abs(this)
  }

  /** 1 for positive numbers, -1 for negative ones, element by element; as in PyTorch, 0 for NaN. The gradient is 0. */
  sign(): Tensor {
    return ops.sign(this)
  }

  /** The largest whole number that is not above x, element by element. The gradient is 0. */
  floor(): Tensor {
    return ops.floor(this)
  }

  /** The smallest whole number that is not below x, element by element. The gradient is 0. */
  ceil(): Tensor {
    return ops.ceil(this)
  }

  /** The nearest whole number, of two equally near the even one, element by element. The gradient is 0. */
  round(): Tensor {
    return ops.round(this)
  }

  /** x without its fraction, element by element. The gradient is 0. */
  trunc(): Tensor {
    return ops.trunc(this)
  }

  /**
   * x, but at least `min` and at most `max`, element by element; without one of them (null or left out) there is no bound
   * on that side. Everything is `max` when `min` is larger. NaN stays NaN. The gradient passes from `min` to `max`, both
   * included, and is 0 beyond, as in PyTorch.
   * @throws OptionError when neither is given, or one is NaN or no number.
   */
  clamp(min?: number | null, max?: number | null): Tensor {
    return ops.clamp(this, min, max)
  }

  // --- operations: two tensors, element by element ---------------------------------------------------------------

  /** The sum with `other`; shapes broadcast. */
  add(other: Tensor | number): Tensor {
    return ops.add(this, other)
  }

  /** The difference from `other`; shapes broadcast. */
  sub(other: Tensor | number): Tensor {
    return ops.sub(this, other)
  }

  /** The product with `other`, element by element; shapes broadcast. */
  mul(other: Tensor | number): Tensor {
    return ops.mul(this, other)
  }

  /** The quotient by `other`, element by element; shapes broadcast. Division by 0 gives an infinity or NaN. */
  div(other: Tensor | number): Tensor {
    return ops.div(this, other)
  }

  // --- operations: comparison and choice -------------------------------------------------------------------------

  /**
   * The larger of it and `other`, element by element; shapes broadcast. NaN if either is NaN. Equal elements share the
   * gradient half and half, as in PyTorch; where either is NaN, both get all of it.
   */
  maximum(other: Tensor | number): Tensor {
    return ops.maximum(this, other)
  }

  /** The smaller of it and `other`; broadcasting, NaN and gradient as in `maximum`. */
  minimum(other: Tensor | number): Tensor {
    return ops.minimum(this, other)
  }

  /**
   * Whether it equals `other`, element by element, as dtype bool; shapes broadcast. NaN equals nothing. No gradient.
   * Integer dtypes compare exactly with one another and with any number; with float32 as float32.
   */
  eq(other: Tensor | number): Tensor {
    return ops.eq(this, other)
  }

  /** Whether it differs from `other`: the opposite of `eq`, true for NaN. */
  ne(other: Tensor | number): Tensor {
    return ops.ne(this, other)
  }

  /** Whether it is less than `other`, as `eq` compares; false for NaN. */
  lt(other: Tensor | number): Tensor {
    return ops.lt(this, other)
  }

  /** Whether it is less than `other` or equal, as `eq` compares; false for NaN. */
  le(other: Tensor | number): Tensor {
    return ops.le(this, other)
  }

  /** Whether it is greater than `other`, as `eq` compares; false for NaN. */
  gt(other: Tensor | number): Tensor {
    return ops.gt(this, other)
  }

  /** Whether it is greater than `other` or equal, as `eq` compares; false for NaN. */
  ge(other: Tensor | number): Tensor {
    return ops.ge(this, other)
  }

  /** Whether both it and `other` are true, element by element, as dtype bool; shapes broadcast. All but 0 is true, NaN too. */
  logicalAnd(other: Tensor | number): Tensor {
    return ops.logicalAnd(this, other)
  }

  /** Whether it or `other` or both are true, as `logicalAnd` takes them. */
  logicalOr(other: Tensor | number): Tensor {
    return ops.logicalOr(this, other)
  }

  /** Whether one of it and `other` is true and the other not, as `logicalAnd` takes them. */
  logicalXor(other: Tensor | number): Tensor {
    return ops.logicalXor(this, other)
  }

  /** Whether it is 0, element by element, as dtype bool. */
  logicalNot(): Tensor {
    return ops.logicalNot(this)
  }

  /** Whether it is NaN, element by element, as dtype bool; false for integer dtypes. */
  isNan(): Tensor {
    return ops.isNan(this)
  }

  /** Whether it is an infinity of either sign, element by element, as dtype bool; false for integer dtypes. */
  isInf(): Tensor {
    return ops.isInf(this)
  }

  /** Whether it is neither NaN nor an infinity, element by element, as dtype bool; true for integer dtypes. */
  isFinite(): Tensor {
    return ops.isFinite(this)
  }

  // --- operations: products --------------------------------------------------------------------------------------

  /**
   * The product of matrices, (…, m, k) x (…, k, n) to (…, m, n), where leading axes broadcast. A vector on the left is a
   * row, on the right a column, and the result lacks that axis: two vectors give a tensor without axes. A sum of no
   * products is 0. Transposed views are read where they lie. Sums are accumulated in float32, in an order that the sizes
   * of the two matrices and their strides fix: an item of a batch has the bits that it has alone. The sum of two vectors
   * is accumulated in float64 and rounded once.
   * @throws ShapeError when the inner sizes differ, leading axes do not broadcast, or a tensor has no axes.
   */
  matmul(other: Tensor): Tensor {
    return ops.matmul(this, other)
  }

  /**
   * The sum of the products of two vectors of equal length, a tensor without axes: their `matmul`.
   * @throws ShapeError for any other shapes.
   */
  dot(other: Tensor): Tensor {
    return ops.dot(this, other)
  }

  /**
   * The products of each element of this vector with each of another, (m) and (n) to (m, n).
   * @throws ShapeError unless both are vectors.
   */
  outer(other: Tensor): Tensor {
    return ops.outer(this, other)
  }

  // --- operations: along axes ------------------------------------------------------------------------------------

  /** The sum over one axis, several, or (without `dim`) all; accumulated in float64. The sum of nothing is 0. */
  sum(dim?: number | readonly number[], options?: ops.ReduceOptions): Tensor {
    return ops.sum(this, dim, options)
  }

  /** The mean over one axis, several, or (without `dim`) all; accumulated in float64. The mean of nothing is NaN. */
  mean(dim?: number | readonly number[], options?: ops.ReduceOptions): Tensor {
    return ops.mean(this, dim, options)
  }

  /** The product over one axis, several, or (without `dim`) all; accumulated in float64. The product of nothing is 1. */
  prod(dim?: number | readonly number[], options?: ops.ReduceOptions): Tensor {
    return ops.prod(this, dim, options)
  }

  /**
   * The largest element over one axis, several, or (without `dim`) all, as PyTorch's `amax`: values only, `argmax` says where.
   * NaN counts as the largest. Elements that are equally large share the gradient.
   * @throws ShapeError when there is nothing to choose from.
   */
  max(dim?: number | readonly number[], options?: ops.ReduceOptions): Tensor {
    return ops.max(this, dim, options)
  }

  /**
   * The smallest element over one axis, several, or (without `dim`) all, as PyTorch's `amin`: values only, `argmin` says where.
   * NaN counts as the smallest. Elements that are equally small share the gradient.
   * @throws ShapeError when there is nothing to choose from.
   */
  min(dim?: number | readonly number[], options?: ops.ReduceOptions): Tensor {
    return ops.min(this, dim, options)
  }

  /**
   * The index of the largest element along `dim`, or without it in the flattened tensor; dtype int32. The first of equal
   * ones; NaN counts as the largest. No gradient.
   * @throws ShapeError when there is nothing to choose from.
   */
  argmax(dim?: number, options?: ops.ReduceOptions): Tensor {
    return ops.argmax(this, dim, options)
  }

  /**
   * The index of the smallest element along `dim`, or without it in the flattened tensor; dtype int32. The first of equal
   * ones; NaN counts as the smallest. No gradient.
   * @throws ShapeError when there is nothing to choose from.
   */
  argmin(dim?: number, options?: ops.ReduceOptions): Tensor {
    return ops.argmin(this, dim, options)
  }

  /**
   * The variance over one axis, several, or (without `dim`) all: the sum of squared distances from the mean / (n -
   * `correction`), in float64. With n - `correction` at 0 or below it is divided by 0: Infinity, or NaN where all are equal.
   * @throws OptionError for a correction below 0.
   */
  variance(dim?: number | readonly number[], options?: ops.VarianceOptions): Tensor {
    return ops.variance(this, dim, options)
  }

  /**
   * The standard deviation, the square root of `variance`. Where it is 0 the gradient is 0.
   * @throws OptionError for a correction below 0.
   */
  std(dim?: number | readonly number[], options?: ops.VarianceOptions): Tensor {
    return ops.std(this, dim, options)
  }

  /**
   * The norm sum(|x|^p)^(1 / p) of vectors, over one axis, several, or (without `dim`) all; in float64, so that nothing
   * overflows on the way. Order 0 counts what is not 0, Infinity is the largest of |x| and -Infinity the smallest. Orders
   * other than these, 1 and 2 take longer. Of nothing it is 0. The gradient at an element 0 is 0, and all of that of order 0 is.
   * @throws OptionError when `p` is not a number.
   */
  norm(p?: number, dim?: number | readonly number[], options?: ops.ReduceOptions): Tensor {
    return ops.norm(this, p, dim, options)
  }

  /**
   * log(sum(exp(x))) over one axis, several, or (without `dim`) all, computed from x - max(x) so that nothing overflows. Of
   * nothing, and of nothing but -Infinity, it is -Infinity; the gradient there is NaN, as in PyTorch.
   */
  logSumExp(dim?: number | readonly number[], options?: ops.ReduceOptions): Tensor {
    return ops.logSumExp(this, dim, options)
  }

  /** Whether any element is true (not 0; NaN is), over one axis, several, or (without `dim`) all, as bool; of nothing false. */
  any(dim?: number | readonly number[], options?: ops.ReduceOptions): Tensor {
    return ops.any(this, dim, options)
  }

  /** Whether all elements are true (not 0; NaN is), over one axis, several, or (without `dim`) all, as bool; of nothing true. */
  all(dim?: number | readonly number[], options?: ops.ReduceOptions): Tensor {
    return ops.all(this, dim, options)
  }

  /** exp(x) / sum(exp(x)) along `dim` (default: the last axis), computed from x - max(x) so that nothing overflows. */
  softmax(dim?: number): Tensor {
    return ops.softmax(this, dim)
  }

  /**
   * log(softmax(x)) along `dim` (default: the last axis), computed as x - max(x) - log(sum(exp(x - max(x)))) so that nothing
   * overflows, and small losses keep their digits.
   */
  logSoftmax(dim?: number): Tensor {
    return ops.logSoftmax(this, dim)
  }

  /**
   * Running sums along `dim`: the sum of each element and all before it, accumulated in float64 and rounded once each.
   * The gradient runs the other way.
   */
  cumsum(dim: number): Tensor {
    return ops.cumsum(this, dim)
  }

  // --- operations: order -----------------------------------------------------------------------------------------

  /**
   * The elements in ascending order along `dim` (default: the last axis), with the indices where they were (int32). Equal
   * elements keep their order; NaN counts as the largest. int32, uint8 and bool stay what they are.
   *
   * ```ts
   * const { values, indices } = tensor([2, 3, 1]).sort(0, { descending: true })
   * console.log(values.toArray(), indices.toArray()) // prints [ 3, 2, 1 ] [ 1, 0, 2 ]
   * ```
   */
  sort(dim?: number, options?: ops.SortOptions): ops.Sorted {
    return ops.sort(this, dim, options)
  }

  /** The indices (int32) that `sort` gives, without the values. No gradient. */
  argsort(dim?: number, options?: ops.SortOptions): Tensor {
    return ops.argsort(this, dim, options)
  }

  /**
   * The `k` largest elements along `dim` (default: the last axis), the largest first, with their indices (int32); with
   * `{ largest: false }` the smallest, the smallest first. Equal elements keep their order; NaN counts as the largest.
   * @throws OptionError when the axis has fewer than `k` elements.
   */
  topk(k: number, dim?: number, options?: ops.TopkOptions): ops.Sorted {
    return ops.topk(this, k, dim, options)
  }

  // --- operations: picking by index ------------------------------------------------------------------------------

  /**
   * The elements that `index` names along `dim`, as in `y[i][j] = x[index[i][j]][j]` for dim 0: the shape is that of
   * `index`, int32 or uint8, which has as many axes, and along all but `dim` is no larger. An element that is picked more
   * than once gets the sum of the gradients, added in the order of the picks.
   * @throws OptionError for an index outside the axis, saying where it is; negative ones do not count from the end.
   */
  gather(dim: number, index: Tensor): Tensor {
    return ops.gather(this, dim, index)
  }

  /**
   * The slices along `dim` that `index` names, an int32 or uint8 tensor of one axis, in its order. A slice that is picked
   * more than once gets the sum of the gradients, added in the order of the picks.
   * @throws OptionError for an index outside the axis, saying where it is; negative ones do not count from the end.
   */
  indexSelect(dim: number, index: Tensor): Tensor {
    return ops.indexSelect(this, dim, index)
  }

  /**
   * For class labels (…), int32 or uint8: (…, numClasses), 1 in the column of the label and else 0. It is float32, as losses
   * take it; PyTorch's is an integer. Without `numClasses` there are as many as the largest label says. No gradient.
   * @throws OptionError for a label outside 0..numClasses-1, saying where it is.
   */
  oneHot(numClasses?: number): Tensor {
    return ops.oneHot(this, numClasses)
  }

  // --- operations: arrangement -----------------------------------------------------------------------------------

  /**
   * The same elements in logical order, in another shape: a view where strides can show that, as they always can of a
   * contiguous tensor, else a copy. One size may be -1 and is worked out from the others.
   * @throws ShapeError when the numbers of elements differ.
   */
  reshape(shape: Shape): Tensor {
    return ops.reshape(this, shape)
  }

  /**
   * The axes from `startDim` (default: the first) to `endDim` (default: the last) as one, by `reshape`: a view where strides can
   * show that. A tensor without axes gets one.
   * @throws ShapeError when there is no such axis, or `startDim` comes after `endDim`.
   */
  flatten(startDim?: number, endDim?: number): Tensor {
    return ops.flatten(this, startDim, endDim)
  }

  /** A view with two axes exchanged. Throws `ShapeError` for a tensor without axes. */
  transpose(dim0: number, dim1: number): Tensor {
    return ops.transpose(this, dim0, dim1)
  }

  /** A view with all axes in another order: `x.permute([2, 0, 1])` has x's last axis first. */
  permute(dims: Shape): Tensor {
    return ops.permute(this, dims)
  }

  /** A view without the axes of size 1: all of them, or those in `dim`. An axis of another size stays. */
  squeeze(dim?: number | readonly number[]): Tensor {
    return ops.squeeze(this, dim)
  }

  /** A view with a new axis of size 1 before axis `dim`; -1 puts it last. */
  unsqueeze(dim: number): Tensor {
    return ops.unsqueeze(this, dim)
  }

  /**
   * A view that shows axes of size 1 in any other size, and new ones in front, without a copy; -1 keeps a size. It cannot be
   * changed in place, since its elements lie over one another.
   * @throws ShapeError when an axis of another size would change.
   */
  expand(shape: Shape): Tensor {
    return ops.expand(this, shape)
  }

  /**
   * A view of a part, by NumPy's basic indexing: an argument for each axis, from the first on. A number picks that index, and
   * the axis goes; `[start, end, step]` takes from `start` up to but without `end`, where null or nothing leaves an end open
   * and a negative step goes backwards; null takes the whole axis; `'...'`, once, all axes that are left. Negative numbers
   * count from the end. `x[1:3, ..., ::-1, -1]` is `x.slice([1, 3], '...', [null, null, -1], -1)`. Unlike with
   * `Array.slice`, two numbers are two axes: rows 0 and 1 are `x.slice([0, 2])`.
   * @throws ShapeError for an index that is out of range, or more arguments than axes; OptionError for a step of 0 and
   *   whatever is no range. Bounds of `[start, end]` beyond either end move to it.
   */
  slice(...ranges: readonly ops.Range[]): Tensor {
    return ops.slice(this, ranges)
  }

  /**
   * Views of pieces along `dim`: of the size given, the last one smaller where need be, or of each of several sizes.
   * @throws ShapeError when several sizes do not add up to that of the axis.
   */
  split(sizeOrSizes: number | readonly number[], dim?: number): Tensor[] {
    return ops.split(this, sizeOrSizes, dim)
  }

  /**
   * Views of `chunks` pieces along `dim`, all of one size but for the last. There are fewer where pieces of that size use the
   * axis up earlier: 5 elements in 4 chunks are 2, 2 and 1.
   */
  chunk(chunks: number, dim?: number): Tensor[] {
    return ops.chunk(this, chunks, dim)
  }

  /** A copy with the elements along one axis, or several, in reverse order. */
  flip(dim: number | readonly number[]): Tensor {
    return ops.flip(this, dim)
  }

  /**
   * A copy with `value` (default: 0) around it. `padding` is [before, after] for the last axis, then for the one before it, and
   * so on, as in PyTorch's `F.pad`; a negative number takes elements away instead.
   * @throws ShapeError when more elements would go than there are; DtypeError for a value that the dtype cannot hold.
   */
  pad(padding: readonly number[], options?: ops.PadOptions): Tensor {
    return ops.pad(this, padding, options)
  }

  /** This tensor if its elements lie in memory in logical order, else a copy where they do. */
  contiguous(): Tensor {
    return ops.contiguous(this)
  }

  /**
   * The lower triangle of the matrices along the last two axes, 0 elsewhere: the elements up to `diagonal` places right of
   * the main diagonal (default 0; negative: left of it). Any dtype.
   * @throws ShapeError for fewer than two axes.
   */
  tril(diagonal?: number): Tensor {
    return ops.tril(this, diagonal)
  }

  /**
   * The upper triangle of the matrices along the last two axes, 0 elsewhere: the elements from `diagonal` places right of
   * the main diagonal on (default 0; negative: left of it). Any dtype.
   * @throws ShapeError for fewer than two axes.
   */
  triu(diagonal?: number): Tensor {
    return ops.triu(this, diagonal)
  }

  // --- operations: dtype -----------------------------------------------------------------------------------------

  /**
   * The tensor in another dtype; itself if it has that dtype already. To bool, anything but 0 is true, NaN too. From float32
   * to integers, fractions are cut off towards zero, NaN becomes 0, and what is beyond int32 its nearest end. uint8 takes the
   * lowest 8 bits of that int32: -1 becomes 255, and 256 becomes 0. No gradient flows through a conversion.
   * @throws GraphError for a tensor that a gradient flows through, which would be cut silently: detach() it first.
   */
  to(dtype: Dtype): Tensor {
    return ops.to(this, dtype)
  }

  /** `to('float32')` */
  float(): Tensor {
    return ops.to(this, 'float32')
  }

  /** `to('int32')` */
  int(): Tensor {
    return ops.to(this, 'int32')
  }

  /** `to('bool')` */
  bool(): Tensor {
    return ops.to(this, 'bool')
  }

  // --- in place: on tensors that are not on a tape, or on leaves under noGrad --------------------------------------

  /** Writes the elements of `source`, which broadcasts and is converted as by `to`, into this tensor; it may overlap it. */
  copy_(source: Tensor): this {
    return ops.copy_(this, source)
  }

  /** Sets every element to `value`. Throws `DtypeError` when the dtype cannot hold it. */
  fill_(value: number): this {
    return ops.fill_(this, value)
  }

  /** `fill_(0)` */
  zero_(): this {
    return ops.zero_(this)
  }

  /** Adds `other`, which broadcasts to this shape. */
  add_(other: Tensor | number): this {
    return ops.add_(this, other)
  }

  /** Subtracts `other`, which broadcasts to this shape. */
  sub_(other: Tensor | number): this {
    return ops.sub_(this, other)
  }

  /** Multiplies by `other`, which broadcasts to this shape. */
  mul_(other: Tensor | number): this {
    return ops.mul_(this, other)
  }

  /** Divides by `other`, which broadcasts to this shape. */
  div_(other: Tensor | number): this {
    return ops.div_(this, other)
  }

  /** `clamp` in place: what is below `min` becomes `min`, what is above `max` becomes `max`. */
  clamp_(min?: number | null, max?: number | null): this {
    return ops.clamp_(this, min, max)
  }

  /** Moves by `weight` of the way to `end`, of the same shape: with weight 1 - decay, a moving average. */
  lerp_(end: Tensor, weight: number): this {
    return ops.lerp_(this, end, weight)
  }

  // --- for operations and owners -----------------------------------------------------------------------------------

  /** @internal */
  get storage(): Storage {
    const { storage } = this.cell
    if (!storage) throw this.stale('read')
    return storage
  }

  /** @internal The address of the first element. */
  get ptr(): Ptr {
    return (this.storage.ptr + this.cell.offset * BYTES[this.dtype]) as Ptr
  }

  /** @internal A new tensor with undefined contents, not yet placed in a graph, turn or scope. */
  make(shape: Shape, dtype: Dtype, owner: Owner = 'tensors'): Tensor {
    const numel = numelOf(shape)
    const storage = engine().heap.alloc(numel * BYTES[dtype], owner)
    return new Tensor(new Cell(storage, 0, numel, dtype), shape)
  }

  /** @internal Other elements of the same memory, not yet placed. `offset` is in elements. */
  asStrided(shape: Shape, strides: Shape, offset: number): Tensor {
    const cell = new Cell(this.storage.retain(), this.cell.offset + offset, numelOf(shape), this.dtype, here())
    return new Tensor(cell, shape, strides)
  }

  /** @internal A contiguous copy in another dtype or the same, not yet placed. */
  converted(dtype: Dtype): Tensor {
    if (dtype !== this.dtype) return ops.cast(this, dtype)
    const y = this.make(this.shape, dtype)
    copyStrided(this, y)
    return y
  }

  /** @internal A new tensor of one element, not yet placed. */
  scalar(value: number, dtype: Dtype = 'float32'): Tensor {
    const y = this.make([], dtype)
    engine().heap.upload(y.ptr, [value], dtype)
    return y
  }

  /** @internal A new tensor of one element that `op` on this tensor takes, not yet placed. */
  constant(op: string, value: number, dtype: Dtype = 'float32'): Tensor {
    try {
      return this.scalar(value, dtype)
    } catch (error) {
      throw MemoryLimitError.from(error, op, [this])
    }
  }

  /** @internal A new tensor with the value that was saved when the memory of this one element went, not yet placed. */
  revived(): Tensor {
    const y = this.scalar(this.cell.value, this.dtype)
    return this.ndim === 0 ? y : new Tensor(y.cell, this.shape)
  }

  /** @internal Gives a single element whose memory has gone new memory, in which it can be changed. */
  restore(): void {
    if (!this.cell.storage) lifetimes.revive(this, this.revived().storage)
  }

  /** @internal Gives up the memory of a tensor that was never placed. */
  drop(): void {
    this.cell.storage?.release()
    this.cell.storage = null
  }

  /** @internal Adds a dense float32 gradient, whose storage this tensor takes over. Cannot fail. */
  addGrad(storage: Storage): void {
    const { k, heap } = engine()
    const old = this.#grad
    if (old?.cell.storage) {
      k.accumulate(storage.ptr, old.ptr, 1, this.numel, 0, 1, 0, 1)
      old.storage.changed()
      storage.release()
      return
    }
    // The value of a gradient of one element outlives its memory, unless someone disposed of it.
    if (old?.numel === 1 && old.cell.death !== 'it was disposed')
      heap.upload(storage.ptr, [heap.read(storage.ptr, 'float32') + old.cell.value], 'float32')
    storage.assign('gradients')
    this.#grad = new Tensor(new Cell(storage, 0, this.numel, 'float32'), this.shape)
    if (this.cell.storage) this.cell.gradient = this.#grad.cell
    else lifetimes.freeWithHandle(this.#grad)
  }

  /** @internal */
  stale(op: string): StaleTensorError {
    const computed = this.node ? `, computed by ${this.node.name}` : ''
    const origin = told(this.cell.origin)
    const begun =
      this.cell.death === 'its graph was freed when the next one began'
        ? 'Any operation on what requires a gradient begins one: run what comes after backward() in noGrad(() => …). Or read '
        : 'Read '
    return new StaleTensorError(
      `${op}: the memory of this tensor of shape ${formatShape(this.shape)}${computed}${origin}${computed && ','} ` +
        `is gone: ${this.cell.fate}. ${begun}it earlier (item(), toArray()), keep() it, return it from the scope, or clone() it.`,
    )
  }
}
