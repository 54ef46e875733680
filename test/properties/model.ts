/**
 * A second, slow statement of the library for sequences of calls: which tensors are alive, by the README's four sentences, and
 * what their elements are, in plain arrays. It knows nothing of blocks, cells and registries. All numbers are integers small
 * enough that every order of every sum is exact.
 */
import type { Dtype } from '../../src/dtype.ts'
import { numelOf, type Shape } from '../../src/shape.ts'
import { type Nd, nd, position } from '../ops/nd.ts'

/** Elements that tensors share with their views. */
class Memory {
  version = 0
  readonly values: Float64Array

  constructor(values: Float64Array) {
    this.values = values
  }
}

/** A turn or a scope. */
export class Frame {
  isOpen = true
  lastTurn: Frame | null = null
  readonly kind: 'root' | 'turn' | 'scope'
  readonly parent: Frame | null
  readonly depth: number

  constructor(kind: Frame['kind'], parent: Frame | null = null) {
    this.kind = kind
    this.parent = parent
    this.depth = parent ? parent.depth + 1 : 0
  }

  isWithin(frame: Frame): boolean {
    return this === frame || this.parent?.isWithin(frame) === true
  }
}

class Graph {
  into: Graph | null = null
  isWalked = false
  isDead = false
  frame: Frame

  constructor(frame: Frame) {
    this.frame = frame
  }
}

/** The living graph that this one has become part of. */
function find(graph: Graph | null): Graph | null {
  let found = graph
  while (found?.into) found = found.into
  return found?.isDead ? null : found
}

interface Node {
  readonly graph: { of: Graph | null }
  readonly edges: readonly Edge[]
  readonly inputs: readonly Shape[]
  /** What must not have changed: `backward` may need it. */
  readonly used: readonly { memory: Memory; version: number }[]
  readonly gradient: (dy: Nd) => readonly (Nd | null)[]
  /** What the gradient would be if nothing cancelled. */
  readonly magnitude: (dy: Nd) => readonly (Nd | null)[]
  isReleased: boolean
}

type Edge = Node | Ghost | 'dead' | null

const isNode = (edge: Edge): edge is Node => edge !== null && edge !== 'dead' && !(edge instanceof Ghost)

/** What is known of a tensor. */
export class Ghost {
  memory: Memory
  /** Where each element lies in memory, in logical order. */
  at: Float64Array
  readonly shape: Shape
  readonly dtype: Dtype
  requiresGrad = false
  node: Node | null = null
  isAlive = true
  frame: Frame
  graph: Graph | null = null
  /** Whether it dies with its graph. */
  inGraph = false
  grad: Ghost | null = null
  /** The gradient that dies with it. */
  tied: Ghost | null = null
  isDisposed = false
  #overlaps: boolean | null = null

  constructor(memory: Memory, at: Float64Array, shape: Shape, dtype: Dtype, frame: Frame) {
    this.memory = memory
    this.at = at
    this.shape = shape
    this.dtype = dtype
    this.frame = frame
  }

  get numel(): number {
    return this.at.length
  }

  /** Single elements outlive their memory. */
  get isReadable(): boolean {
    return this.isAlive || this.numel === 1
  }

  get data(): Float64Array {
    return this.at.map((at) => this.memory.values[at])
  }

  get value(): Nd {
    return { shape: this.shape, data: this.data }
  }

  get isContiguous(): boolean {
    return this.at.every((at, i) => at === this.at[0] + i)
  }

  /** Whether it shows an element more than once. */
  get overlaps(): boolean {
    this.#overlaps ??= !this.isContiguous && new Set(this.at).size < this.numel
    return this.#overlaps
  }
}

export interface Op {
  readonly forward: (...xs: Nd[]) => Nd
  /** Left out: it has none. */
  readonly gradient?: (dy: Nd, xs: readonly Nd[], y: Nd) => readonly Nd[]
  readonly gives?: Dtype
}

const count = (n: number) => Float64Array.from({ length: n }, (_, i) => i)
const absolute = ({ shape, data }: Nd): Nd => ({ shape, data: data.map(Math.abs) })

/** The sum over the axes along which `shape` was broadcast. */
export function sumTo(dy: Nd, shape: Shape): Nd {
  if (numelOf(shape) === dy.data.length) return { shape, data: dy.data }
  const sum: Nd = { shape, data: new Float64Array(numelOf(shape)) }
  let i = 0
  nd(dy.shape, (index) => {
    sum.data[position(sum, index)] += dy.data[i++]
    return 0
  })
  return sum
}

/** The most that a gradient may add up to: beyond it float32 sums would round. */
const EXACT = 2 ** 23

export class Model {
  readonly ghosts: Ghost[] = []
  readonly #graphs = new Set<Graph>()
  readonly #nodes: Node[] = []
  readonly #root = new Frame('root')
  frame = this.#root
  isRecording = true

  // --- making ------------------------------------------------------------------------------------------------------

  make({ shape, data }: Nd, dtype: Dtype): Ghost {
    const ghost = new Ghost(new Memory(data), count(data.length), shape, dtype, this.frame)
    this.ghosts.push(ghost)
    return ghost
  }

  compute({ forward, gradient, gives = 'float32' }: Op, inputs: readonly Ghost[]): Ghost {
    const xs = inputs.map((x) => x.value)
    const y = forward(...xs)
    const ghost = this.make(y, gives)
    const edges = gradient && this.#edges(inputs)
    const wanted = (dx: readonly Nd[]) => inputs.map((x, i) => (x.requiresGrad ? dx[i] : null))
    if (gradient && edges)
      this.#record(ghost, inputs, edges, {
        used: [...inputs, ghost],
        gradient: (dy) => wanted(gradient(dy, xs, y)),
        magnitude: (dy) => wanted(gradient(dy, xs.map(absolute), absolute(y)).map(absolute)),
      })
    else this.#placeBeside(ghost, inputs)
    return ghost
  }

  /** The same memory, with the elements where `arrange` puts them. */
  view(x: Ghost, arrange: (x: Nd) => Nd): Ghost {
    const { shape, data: at } = arrange({ shape: x.shape, data: x.at })
    const memory = x.isAlive ? x.memory : new Memory(x.memory.values.slice())
    const ghost = new Ghost(memory, at, shape, x.dtype, this.frame)
    this.ghosts.push(ghost)
    const edges = this.#edges([x])
    if (edges) {
      const from = arrange({ shape: x.shape, data: count(x.numel) }).data
      const back = (dy: Nd) => {
        const dx = { shape: x.shape, data: new Float64Array(x.numel) }
        from.forEach((source, i) => {
          dx.data[source] += dy.data[i]
        })
        return [dx]
      }
      this.#record(ghost, [x], edges, { used: [], gradient: back, magnitude: back })
    } else this.#placeBeside(ghost, [x])
    return ghost
  }

  detach(x: Ghost): Ghost {
    const memory = x.isAlive ? x.memory : new Memory(x.memory.values.slice())
    const ghost = new Ghost(memory, x.at, x.shape, x.dtype, this.frame)
    this.ghosts.push(ghost)
    return ghost
  }

  // --- changing in place -------------------------------------------------------------------------------------------

  mayChange(x: Ghost, source: Ghost | null): boolean {
    if (x.node && !x.node.isReleased) return false
    if (x.requiresGrad && !x.node && this.isRecording) return false
    if (source?.requiresGrad && this.isRecording) return false
    return !x.overlaps
  }

  /** Whether `backward` may need what is in its memory. */
  isUsed(x: Ghost): boolean {
    return this.#nodes.some((node) => !node.isReleased && node.used.some(({ memory }) => memory === x.memory))
  }

  change(x: Ghost, values: Float64Array): void {
    if (!x.isAlive) {
      x.isAlive = true
      x.frame = this.#root
    }
    x.at.forEach((at, i) => {
      x.memory.values[at] = values[i]
    })
    x.memory.version++
  }

  // --- gradients ---------------------------------------------------------------------------------------------------

  /** What `backward` gives each leaf, and the nodes it goes through; or why not. */
  backward(root: Ghost, upstream: Nd) {
    const path = new Set<Node>()
    let mayHaveChanged = false
    const visit = (edge: Edge): boolean => {
      if (edge === 'dead' || (isNode(edge) && edge.isReleased)) return false
      if (!isNode(edge) || path.has(edge)) return true
      if (edge.used.some(({ memory, version }) => memory.version !== version)) mayHaveChanged = true
      path.add(edge)
      return edge.edges.map(visit).every(Boolean)
    }
    if (!root.requiresGrad || !visit(root.node ?? root)) return 'refused'
    const gradients = this.#gradients(root, upstream, path, 'gradient')
    const magnitudes = this.#gradients(root, absolute(upstream), path, 'magnitude')
    for (const [{ grad }, { data }] of magnitudes) {
      const old = grad?.isReadable ? grad.data : null
      if (data.some((d, i) => d + Math.abs(old?.[i] ?? 0) > EXACT)) return 'inexact'
    }
    return { path, gradients, mayHaveChanged }
  }

  walk(root: Ghost, path: ReadonlySet<Node>, gradients: ReadonlyMap<Ghost, Nd>): void {
    const graph = find(root.graph)
    if (root.node && graph) graph.isWalked = true
    for (const node of path) node.isReleased = true
    for (const [leaf, { shape, data }] of gradients) {
      if (leaf.grad?.isAlive) {
        this.change(
          leaf.grad,
          leaf.grad.data.map((g, i) => g + data[i]),
        )
        continue
      }
      const lost = leaf.grad && leaf.grad.numel === 1 && !leaf.grad.isDisposed ? leaf.grad.data[0] : 0
      leaf.grad = new Ghost(new Memory(data.map((g) => g + lost)), count(data.length), shape, 'float32', this.#root)
      if (leaf.isAlive) leaf.tied = leaf.grad
    }
  }

  #gradients(root: Ghost, upstream: Nd, path: ReadonlySet<Node>, kind: 'gradient' | 'magnitude'): Map<Ghost, Nd> {
    const leaves = new Map<Ghost, Nd>()
    const pending = new Map<Node, Nd>()
    const add = <K>(to: Map<K, Nd>, key: K, { shape, data }: Nd) => {
      const old = to.get(key)?.data
      to.set(key, { shape, data: old ? data.map((d, i) => d + old[i]) : data })
    }
    const pass = (edge: Edge, dy: Nd | null) => {
      if (edge === null || edge === 'dead' || !dy) return
      if (isNode(edge)) add(pending, edge, dy)
      else add(leaves, edge, dy)
    }
    pass(root.node ?? root, upstream)
    for (const node of this.#nodes.toReversed()) {
      const dy = path.has(node) ? pending.get(node) : undefined
      if (!dy) continue
      const dxs = node[kind](dy)
      node.edges.forEach((edge, i) => {
        const dx = dxs[i]
        pass(edge, dx && { shape: node.inputs[i], data: dx.data })
      })
    }
    return leaves
  }

  // --- dying -------------------------------------------------------------------------------------------------------

  dispose(x: Ghost): void {
    this.clearGrad(x)
    if (x.isAlive) x.isDisposed = true
    this.#kill(x)
  }

  clearGrad(x: Ghost): void {
    if (x.grad) this.#kill(x.grad)
    x.grad = null
  }

  keep(x: Ghost): void {
    if (x.isAlive) this.#moveOut(x, x.frame, x.frame.parent ?? this.#root, true)
  }

  enter(kind: 'turn' | 'scope'): void {
    this.frame = new Frame(kind, this.frame)
  }

  /** Ends the innermost turn: it dies one turn later. */
  endTurn(): void {
    const turn = this.#leave()
    if (this.frame.lastTurn) this.#end(this.frame.lastTurn)
    this.frame.lastTurn = turn
  }

  /** Ends the innermost scope, except for what it returns. */
  endScope(returned: readonly Ghost[]): void {
    const scope = this.frame
    for (const x of returned) {
      const graph = find(x.graph)
      const around = graph?.frame ?? x.frame
      const isByValue = x.numel === 1 && !this.#needs(x, graph)
      if (x.isAlive && !isByValue && x.frame.isWithin(scope))
        this.#moveOut(x, around.isWithin(scope) ? around : x.frame, scope.parent ?? this.#root, false)
    }
    this.#end(this.#leave())
  }

  /** Whether `backward` may still walk the graph from here. */
  #needs(x: Ghost, graph: Graph | null): graph is Graph {
    return graph !== null && !graph.isWalked && x.node !== null
  }

  #moveOut(x: Ghost, frame: Frame, to: Frame, keeps: boolean): void {
    const graph = find(x.graph)
    if (!this.#needs(x, graph)) x.graph = null
    else if (graph.frame === frame) graph.frame = to
    const stays = x.inGraph && !keeps && graph !== null && graph.frame !== frame
    if (stays) x.graph = graph
    x.inGraph = stays
    x.frame = to
  }

  #leave(): Frame {
    const { frame } = this
    frame.isOpen = false
    this.frame = frame.parent ?? this.#root
    return frame
  }

  #end(frame: Frame): void {
    for (const x of this.ghosts) if (x.frame === frame) this.#kill(x)
    for (const graph of this.#graphs) if (graph.frame === frame) this.#endGraph(graph)
    if (frame.lastTurn) this.#end(frame.lastTurn)
    frame.lastTurn = null
  }

  #endGraph(graph: Graph): void {
    for (const x of this.ghosts) if (x.inGraph && find(x.graph) === graph) this.#kill(x)
    for (const node of this.#nodes) if (find(node.graph.of) === graph) node.isReleased = true
    graph.isDead = true
    this.#graphs.delete(graph)
  }

  #kill(x: Ghost): void {
    if (!x.isAlive) return
    x.isAlive = false
    x.inGraph = false
    x.frame = this.#root
    if (x.numel === 1) {
      x.memory = new Memory(x.data)
      x.at = count(1)
    }
    if (x.tied) this.#kill(x.tied)
    x.tied = null
  }

  // --- graphs ------------------------------------------------------------------------------------------------------

  #edges(inputs: readonly Ghost[]): Edge[] | null {
    if (!this.isRecording || !inputs.some((x) => x.requiresGrad)) return null
    return inputs.map((x) => (x.requiresGrad ? (x.node?.isReleased ? 'dead' : (x.node ?? x)) : null))
  }

  #record(
    y: Ghost,
    inputs: readonly Ghost[],
    edges: readonly Edge[],
    { used, gradient, magnitude }: { used: readonly Ghost[] } & Pick<Node, 'gradient' | 'magnitude'>,
  ): void {
    const node: Node = {
      graph: { of: null },
      edges,
      inputs: inputs.map((x) => x.shape),
      used: used.map(({ memory }) => ({ memory, version: memory.version })),
      gradient,
      magnitude,
      isReleased: false,
    }
    this.#nodes.push(node)
    y.node = node
    y.requiresGrad = true
    if (edges.every((edge) => edge === 'dead' || edge === null)) {
      node.isReleased = true
      this.#placeBeside(y, inputs)
      return
    }
    const begins = edges.every((edge) => edge !== 'dead' && !isNode(edge))
    const graph = begins ? this.#begin(inputs) : this.#connect(inputs)
    node.graph.of = graph
    this.#place(y, graph)
  }

  /** An operation on leaves and values begins a graph, unless a value is of one that has not been walked. */
  #begin(inputs: readonly Ghost[]): Graph {
    if (inputs.some((x) => find(x.graph)?.isWalked === false)) return this.#connect(inputs)
    const carried = inputs.filter((x) => find(x.graph) && x.inGraph).map((x) => ({ x, frame: find(x.graph)?.frame }))
    for (const x of inputs) x.graph = null
    for (const { x } of carried) x.inGraph = false
    const graph = this.#next()
    for (const { x, frame } of carried) if (frame === graph.frame) this.#place(x, graph, x.frame)
    return graph
  }

  #next(): Graph {
    for (const graph of this.#graphs) if (graph.isWalked) this.#endGraph(graph)
    const graph = new Graph(this.frame)
    this.#graphs.add(graph)
    return graph
  }

  #connect(inputs: readonly Ghost[]): Graph {
    let graph: Graph | null = null
    for (const x of inputs) {
      const living = find(x.graph)
      if (!living) continue
      if (!living.frame.isOpen) living.frame = this.#successor(living.frame)
      graph = graph ? this.#merge(graph, living) : living
    }
    return graph ?? this.#next()
  }

  /** The turn after one that has ended, or what is around it. */
  #successor(turn: Frame): Frame {
    let around = turn.parent ?? this.#root
    while (!around.isOpen) around = around.parent ?? this.#root
    let next = this.frame
    while (next !== around && next.parent !== around) next = next.parent ?? this.#root
    return next.kind === 'turn' ? next : around
  }

  #merge(a: Graph, b: Graph): Graph {
    if (a === b) return a
    const [outer, inner] = a.frame.depth <= b.frame.depth ? [a, b] : [b, a]
    inner.into = outer
    outer.isWalked = outer.isWalked && inner.isWalked
    this.#graphs.delete(inner)
    return outer
  }

  #placeBeside(y: Ghost, inputs: readonly Ghost[]): void {
    let graph: Graph | null = null
    for (const x of inputs) {
      const living = find(x.graph)
      if (living && (!graph || graph.isWalked)) graph = living
    }
    this.#place(y, graph)
  }

  #place(y: Ghost, graph: Graph | null, frame = this.frame): void {
    y.frame = frame
    if (!graph?.frame.isOpen) return
    y.graph = graph
    y.inGraph = true
  }
}
