/** Graphs: what is computed from one another lives and dies together. */
import type { Cell, Death } from './cell.ts'
import { current, type Frame, isOpen, root, successor } from './frame.ts'

/** What a graph frees besides cells: a tape node with its saved tensors. */
export interface Releasable {
  release(): void
}

const collected = new FinalizationRegistry<Body>((body) => body.die('it was disposed'))

/** What a graph holds. It never points back to the graph, whose collection frees it. */
class Body {
  cells: Cell[] = []
  nodes: Releasable[] = []

  die(death: Death): void {
    for (const cell of this.cells) if (cell.inGraph) cell.die(death)
    for (const node of this.nodes) node.release()
    this.cells = []
    this.nodes = []
  }
}

/** Graphs that `backward()` has entered: they die when the next graph begins. */
const walked = new Set<Graph>()

/**
 * A connected set of tensors computed from one another while gradients are on, with everything computed from them.
 * Graphs merge by union-find when an operation connects them.
 */
export class Graph {
  #into: Graph | null = null
  #body = new Body()
  #frame: Frame
  #dead = false

  /** Begins a graph: those that `backward()` has entered die now. */
  constructor() {
    for (const graph of walked) graph.die('its graph was freed when the next one began')
    this.#frame = current()
    if (current() === root) collected.register(this, this.#body, this)
    else current().graphs.add(this)
  }

  /** The graph that this one has become part of, or null when it is dead. */
  find(): Graph | null {
    let graph: Graph = this
    while (graph.#into) graph = graph.#into
    if (graph !== this) this.#into = graph
    return graph.#dead ? null : graph
  }

  get frame(): Frame {
    return this.#frame
  }

  /** Makes this graph and a living other one the same; the outermost turn or scope frees it. */
  merge(other: Graph): Graph {
    if (this === other) return this
    const [outer, inner] = this.#outlives(other) ? [this, other] : [other, this]
    if (inner.#frame !== outer.#frame && inner.#frame !== root)
      for (const cell of inner.#body.cells) if (cell.inGraph && !cell.frame) inner.#frame.add(cell)
    for (const cell of inner.#body.cells) outer.#body.cells.push(cell)
    for (const node of inner.#body.nodes) outer.#body.nodes.push(node)
    if (!inner.#leave()) outer.#enter(false)
    inner.#into = outer
    return outer
  }

  /** A graph that is recorded on in a later turn belongs to that turn; its tensors so far die with their own. */
  goOn(): void {
    if (!isOpen(this.#frame)) this.moveOut(this.#frame, successor(this.#frame))
  }

  add(cell: Cell): void {
    cell.inGraph = true
    this.#body.cells.push(cell)
    if (current() !== root && current() !== this.#frame) current().add(cell)
  }

  addNode(node: Releasable): void {
    this.#body.nodes.push(node)
  }

  /** `backward()` enters: what was saved is about to go, the rest lives until the next graph begins. */
  walk(): void {
    this.#enter(true)
  }

  die(death: Death): void {
    this.#dead = true
    this.#leave()
    this.#body.die(death)
  }

  /** Moves the graph out of `frame`, whose other members of this graph die with `frame`. */
  moveOut(frame: Frame, to: Frame): void {
    if (this.#frame !== frame || frame === to) return
    for (const cell of this.#body.cells) if (cell.inGraph && !cell.frame) frame.add(cell)
    this.#body.cells = this.#body.cells.filter((cell) => cell.inGraph)
    frame.graphs.delete(this)
    this.#frame = to
    if (to === root) collected.register(this, this.#body, this)
    else to.graphs.add(this)
  }

  /** Ties go to the larger, so that merging costs little in all. */
  #outlives(other: Graph): boolean {
    if (this.#frame !== other.#frame) return this.#frame.depth <= other.#frame.depth
    return this.#body.cells.length >= other.#body.cells.length
  }

  get isWalked(): boolean {
    return walked.has(this)
  }

  #enter(isWalked: boolean): void {
    if (isWalked) walked.add(this)
    else walked.delete(this)
  }

  /** Forgets the graph everywhere; whether it had been walked. */
  #leave(): boolean {
    this.#frame.graphs.delete(this)
    collected.unregister(this)
    return walked.delete(this)
  }
}
