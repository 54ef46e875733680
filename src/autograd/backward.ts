/** Reverse-mode differentiation: walks the tape from a root, latest node first. */

import { GraphError, MemoryLimitError, ShapeError } from '../errors.ts'
import { engine } from '../runtime/engine.ts'
import type { Storage } from '../runtime/heap.ts'
import type { Ptr } from '../runtime/kernels.generated.ts'
import { told } from '../runtime/origins.ts'
import { contiguousStrides, formatShape, numelOf, type Shape, sameShape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import { isDetecting, watchBackward } from './anomaly.ts'
import { check, withReadable } from './operands.ts'
import { type Destination, type Edge, Node } from './tape.ts'

/**
 * Adds the gradient of `root` with respect to every leaf that requires one to the leaf's `grad`.
 * Gradients are staged and attached at the end: when memory runs out half-way, every `grad` is as it was.
 */
export function backward(root: Tensor, upstream: Tensor | undefined): void {
  const { node } = root
  if (!root.requiresGrad)
    throw new GraphError(
      'backward: nothing to differentiate: the tensor does not depend on anything that requires a gradient, or it was ' +
        'computed under noGrad; set requiresGrad on the inputs, or use parameters',
    )
  if (upstream === undefined && root.numel !== 1)
    throw new GraphError(
      `backward: a tensor of shape ${formatShape(root.shape)} is not a scalar; reduce it by sum() or mean(), or pass its upstream gradient`,
    )
  if (upstream !== undefined) {
    check('backward', upstream)
    if (!sameShape(upstream.shape, root.shape))
      throw new ShapeError(
        `backward: the upstream gradient has shape ${formatShape(upstream.shape)}, the tensor ${formatShape(root.shape)}; they must be equal`,
      )
  }
  const staged = new Staging()
  try {
    seed(staged, node ?? root, upstream)
    if (node) {
      const path = reachable(node)
      root.graph?.find()?.walk()
      for (const next of path) walk(next, staged)
    }
    staged.attach()
  } catch (error) {
    throw MemoryLimitError.from(error, 'backward', [root])
  } finally {
    staged.release()
  }
}

/** Nodes that the gradient of `root` flows through, latest first, which is an order that it can be computed in. */
function reachable(root: Node): Node[] {
  const seen = new Set<Node>()
  const stack: Edge[] = [root]
  for (let edge = stack.pop(); edge !== undefined; edge = stack.pop()) {
    if (edge === 'dead' || (edge instanceof Node && edge.released)) throw usedUp(root)
    if (!(edge instanceof Node) || seen.has(edge)) continue
    for (const saved of edge.saved)
      if (saved.storage && saved.storage.version !== saved.version) throw changed(edge, saved.shape, saved.storage)
    seen.add(edge)
    stack.push(...edge.edges)
  }
  return [...seen].sort((a, b) => b.order - a.order)
}

function walk(node: Node, staged: Staging): void {
  const dy = staged.take(node)
  try {
    const dxs = staged.destinations(node)
    const inspect = isDetecting() ? watchBackward(node, dy, dxs) : null
    node.backward(engine().k, node, dy, dxs)
    inspect?.()
  } finally {
    dy.storage.release()
    node.release()
  }
}

function seed(staged: Staging, root: Node | Tensor, upstream: Tensor | undefined): void {
  const { k } = engine()
  const dy = staged.begin(root, root.shape)
  if (upstream)
    withReadable('backward', upstream, { dtype: 'float32' }, (given) => {
      k.copy32(given.ptr, dy.ptr, 1, dy.numel, 0, 1, 0, 1)
    })
  else k.fillF32(dy.ptr, 1, 1)
}

/** A gradient on its way: the first writer stores, later ones add. */
class Gradient implements Destination {
  readonly ptr: Ptr
  readonly shape: Shape
  readonly strides: Shape
  readonly numel: number
  readonly dtype = 'float32'
  readonly storage: Storage
  beta: 0 | 1 = 0

  constructor(shape: Shape) {
    this.shape = shape
    this.strides = contiguousStrides(shape)
    this.numel = numelOf(shape)
    this.storage = engine().heap.alloc(this.numel * 4, 'gradients')
    this.ptr = this.storage.ptr
  }
}

/** The gradients of nodes still to be walked, and of leaves. */
class Staging {
  readonly #pending = new Map<Node | Tensor, Gradient>()

  /** Where `node` writes the gradients of its inputs; null where none is needed. */
  destinations({ edges, inputShapes }: Node): (Gradient | null)[] {
    return edges.map((edge, i) => {
      if (edge === null || edge === 'dead') return null
      const gradient = this.#pending.get(edge)
      if (!gradient) return this.begin(edge, inputShapes[i])
      // Begun just above: `x.mul(x)` is about to write to it twice, in whatever order.
      if (gradient.beta === 0 && edges.indexOf(edge) < i) engine().k.fillF32(gradient.ptr, gradient.numel, 0)
      gradient.beta = 1
      return gradient
    })
  }

  begin(edge: Node | Tensor, shape: Shape): Gradient {
    const gradient = new Gradient(shape)
    this.#pending.set(edge, gradient)
    return gradient
  }

  /** The gradient of a node, which is the caller's from now on. */
  take(node: Node): Gradient {
    const gradient = this.#pending.get(node) as Gradient
    this.#pending.delete(node)
    return gradient
  }

  /** Only leaves are left: their gradients become, or join, `grad`. Nothing here can fail. */
  attach(): void {
    for (const [leaf, { storage }] of this.#pending) (leaf as Tensor).addGrad(storage.retain())
  }

  release(): void {
    for (const { storage } of this.#pending.values()) storage.release()
    this.#pending.clear()
  }
}

function usedUp(root: Node): GraphError {
  return new GraphError(
    `backward: the graph of this ${root.name}${told(root.origin)} has been walked by an earlier backward(), or was freed with its turn, scope or ` +
      'predecessor. Compute the loss again, add losses that share a graph before one backward(), or detach() what comes from an earlier one.',
  )
}

function changed(node: Node, shape: Shape, { changedBy }: Storage): GraphError {
  return new GraphError(
    `backward: ${node.name}${told(node.origin)} saved a tensor of shape ${formatShape(shape)} ` +
      `that was changed in place afterwards${told(changedBy)}; ` +
      'change it before the operation, after backward(), or change a clone()',
  )
}
