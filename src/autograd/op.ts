/** Defining an operation: its shape rule, its forward kernel call and its gradient, side by side. */
import type { Dtype, Operand } from '../dtype.ts'
import { MemoryLimitError } from '../errors.ts'
import { engine } from '../runtime/engine.ts'
import { Graph } from '../runtime/graph.ts'
import type { Kernels } from '../runtime/kernels.generated.ts'
import { place, placeIn } from '../runtime/lifetimes.ts'
import type { Shape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import { checkResult, isDetecting } from './anomaly.ts'
import { adapt, check } from './operands.ts'
import { type Destination, type Edge, isRecording, Node, Saved } from './tape.ts'

/** Extra outputs of `forward` that `backward` needs, by name. */
type Extras<N extends string> = Readonly<Record<N, Operand>>

/** What `backward` gets: the saved tensors (the inputs, the output, or both in this order), and the extra ones by name. */
type Kept<N extends string> = readonly Operand[] & { readonly extras: Extras<N> }

export interface OpSpec<P, N extends string> {
  readonly name: string
  /**
   * What the tape keeps for `backward`: the inputs, the output, both, nothing, or the inputs together with extra outputs
   * of `forward`, given as float32 shapes by name. Default: nothing.
   */
  readonly saves?:
    | 'inputs'
    | 'output'
    | 'both'
    | { readonly [name in N]: (xs: readonly Operand[], params: NoInfer<P>) => Shape }
  /** Which of the saved inputs `backward` reads, given which of them need a gradient. Default: all. */
  readonly uses?: (needed: readonly boolean[], params: P) => readonly boolean[]
  /** Whether inputs may have any strides, or which ones; those that may not are made contiguous first. Default: none. */
  readonly strided?: boolean | ((x: Operand, i: number) => boolean)
  /** The dtype each input is converted to; null leaves it as it is. Default: float32 for all. */
  readonly takes?: (xs: readonly Operand[]) => readonly (Dtype | null)[]
  /** The dtype of the output. Default: float32. */
  readonly gives?: (xs: readonly Operand[], params: P) => Dtype
  readonly shape: (xs: readonly Operand[], params: P) => Shape
  readonly forward: (k: Kernels, xs: readonly Operand[], y: Operand, params: P, extras: Extras<N>) => void
  /** Writes the gradients; a destination is null when that input needs none. Left out: the op has no gradient. */
  readonly backward?: (k: Kernels, saved: Kept<N>, dy: Operand, dxs: readonly (Destination | null)[], params: P) => void
}

/** Runs an operation on its inputs and records it when a gradient may be needed. */
export type Op<P> = (inputs: readonly Tensor[], params: P) => Tensor

export function defineOp<P = void, N extends string = never>(spec: OpSpec<P, N>): Op<P> {
  const extraShapes = typeof spec.saves === 'object' ? spec.saves : null
  const names = Object.keys(extraShapes ?? {}) as N[]
  const keepsInputs = spec.saves === 'inputs' || spec.saves === 'both' || extraShapes !== null
  const keepsOutput = spec.saves === 'output' || spec.saves === 'both'

  return (inputs, params) => {
    const made: Tensor[] = []
    const xs = inputs.slice()
    try {
      prepare(spec, xs)
      const shape = spec.shape(xs, params)
      const y = inputs[0].make(shape, spec.gives?.(xs, params) ?? 'float32')
      made.push(y)
      const extras = {} as Record<N, Tensor>
      for (const name of names) {
        extras[name] = inputs[0].make(extraShapes![name](xs, params), 'float32')
        made.push(extras[name])
      }
      spec.forward(engine().k, xs, y, params, extras)
      if (isDetecting()) checkResult(spec.name, y, xs, params)
      const { backward } = spec
      const edges = backward && isRecording() ? edgesOf(inputs) : null
      if (backward && edges) {
        const used = keepsInputs
          ? spec.uses?.(
              edges.map((edge) => edge !== null),
              params,
            )
          : undefined
        const kept = [...(keepsInputs ? xs : []), ...(keepsOutput ? [y] : [])]
        const saved = [...kept, ...names.map((name) => extras[name])].map(
          (x, i) => new Saved(x, used?.[i] === false ? null : x.storage),
        )
        record(y, inputs, spec.name, edges, saved, gradientBy(backward, names, params))
      } else placeBeside(y, inputs)
      made.shift()
      return y
    } catch (error) {
      throw MemoryLimitError.from(error, spec.name, inputs)
    } finally {
      for (const tensor of made) tensor.drop()
      for (let i = 0; i < xs.length; i++) if (xs[i] !== inputs[i]) xs[i].drop()
    }
  }
}

/**
 * What a node does when it is walked. A function of its own, since a closure keeps whatever any closure beside it mentions: the
 * handles of the inputs would be reachable from the graph, and the graph from them, for ever.
 */
function gradientBy<P, N extends string>(
  backward: NonNullable<OpSpec<P, N>['backward']>,
  names: readonly N[],
  params: P,
): Node['backward'] {
  return (k, node, dy, dxs) => backward(k, keptBy(node.saved, names), dy, dxs, params)
}

function keptBy<N extends string>(saved: readonly Saved[], names: readonly N[]): Kept<N> {
  const first = saved.length - names.length
  const extras = {} as Record<N, Operand>
  names.forEach((name, i) => {
    extras[name] = saved[first + i]
  })
  return Object.assign(saved.slice(0, first), { extras })
}

/** Gives `y`, just made and not yet placed, its node on the tape and its graph. */
export function record(
  y: Tensor,
  inputs: readonly Tensor[],
  name: string,
  edges: readonly Edge[],
  saved: readonly Saved[],
  backward: Node['backward'],
): void {
  const node = new Node(
    name,
    y.shape,
    edges,
    inputs.map((x) => x.shape),
    saved,
    backward,
    y.cell.origin,
  )
  y.node = node
  y.requiresGrad = true
  if (edges.every(isSpent)) {
    node.release()
    placeBeside(y, inputs)
    return
  }
  const graph = edges.every(isLeaf) ? beginWith(inputs) : connect(inputs)
  graph.addNode(node)
  place(y, graph)
}

const isLeaf = (edge: Edge) => edge !== 'dead' && !(edge instanceof Node)

/** Whether no gradient can flow: `backward()` is to say that it has been there, not that there was nothing. */
const isSpent = (edge: Edge) => edge === 'dead' || edge === null

/** The one graph of all inputs that have one, or a new one: recording an operation connects them. */
function connect(inputs: readonly Tensor[]): Graph {
  let graph: Graph | null = null
  for (const { graph: other } of inputs) {
    const living = other?.find()
    living?.goOn()
    if (living) graph = graph ? graph.merge(living) : living
  }
  return graph ?? new Graph()
}

/**
 * The graph of an operation on leaves and values alone. Values of graphs that `backward()` has walked, such as a state that
 * noGrad carries from one step to the next, move to it, or to the turn or scope that they were made in, so that those graphs
 * die like any others.
 */
function beginWith(inputs: readonly Tensor[]): Graph {
  if (inputs.some(({ graph }) => graph?.find()?.isWalked === false)) return connect(inputs)
  const carried = inputs.filter(({ graph }) => graph?.find())
  const inGraph = carried.filter(({ cell }) => cell.inGraph)
  const frames = inGraph.map(({ graph }) => (graph!.find() as Graph).frame)
  for (const x of carried) x.graph = null
  for (const { cell } of inGraph) cell.inGraph = false
  const graph = new Graph()
  inGraph.forEach((x, i) => {
    if (frames[i] === graph.frame) place(x, graph)
    else if (!x.cell.frame) placeIn(x, frames[i])
  })
  return graph
}

/** Places `y`, which is computed from the inputs but not recorded: it dies with the graph of one of them. */
export function placeBeside(y: Tensor, inputs: readonly Tensor[]): void {
  let graph: Graph | null = null
  for (const { graph: other } of inputs) {
    const living = other?.find()
    if (living && (!graph || graph.isWalked)) graph = living
  }
  place(y, graph)
}

/** The tape edges of the inputs, or null when none of them requires a gradient. */
export function edgesOf(inputs: readonly Tensor[]): Edge[] | null {
  if (!inputs.some((x) => x.requiresGrad)) return null
  return inputs.map((x): Edge => {
    if (!x.requiresGrad) return null
    return x.node?.released ? 'dead' : (x.node ?? x)
  })
}

/** Replaces the inputs by what the kernels take. What is converted or copied is new, and the caller drops it. */
function prepare<P, N extends string>(spec: OpSpec<P, N>, xs: Tensor[]): void {
  for (const x of xs) check(spec.name, x)
  const dtypes = spec.takes?.(xs)
  const { strided = false } = spec
  for (let i = 0; i < xs.length; i++)
    adapt(xs, i, dtypes ? dtypes[i] : 'float32', typeof strided === 'function' ? strided(xs[i], i) : strided)
}
