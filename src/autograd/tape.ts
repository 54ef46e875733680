/** The tape: a node for each recorded operation, from its output back to its inputs. */
import type { Dtype, Operand } from '../dtype.ts'
import type { Releasable } from '../runtime/graph.ts'
import type { Storage } from '../runtime/heap.ts'
import type { Kernels, Ptr } from '../runtime/kernels.generated.ts'
import type { Origin } from '../runtime/origins.ts'
import type { Tensor } from '../tensor.ts'

/** Where a gradient kernel writes: `beta` 0 stores, 1 adds. */
export interface Destination extends Operand {
  readonly beta: 0 | 1
}

/** What a node passes its gradient on to: another node, a leaf tensor, nothing, or a graph that is gone. */
export type Edge = Node | Tensor | null | 'dead'

/** Writes the gradients of the inputs that need one, given the gradient `dy` of the output. */
export type Backward = (k: Kernels, node: Node, dy: Operand, dxs: readonly (Destination | null)[]) => void

/** A tensor that a node keeps alive, with the version it had. */
export class Saved implements Operand {
  readonly ptr: Ptr
  readonly shape: readonly number[]
  readonly strides: readonly number[]
  readonly numel: number
  readonly dtype: Dtype
  /** Null when `backward` does not read it. */
  readonly storage: Storage | null
  readonly version: number

  constructor(x: Operand, storage: Storage | null) {
    this.ptr = x.ptr
    this.shape = x.shape
    this.strides = x.strides
    this.numel = x.numel
    this.dtype = x.dtype
    this.storage = storage?.retain() ?? null
    this.version = storage?.version ?? 0
  }
}

let nodes = 0

export class Node implements Releasable {
  readonly name: string
  /** The order in which nodes were recorded: `backward` walks from the latest. */
  readonly order = nodes++
  readonly shape: readonly number[]
  edges: readonly Edge[]
  /** Shapes of the inputs, by which gradients are made. */
  readonly inputShapes: readonly (readonly number[])[]
  saved: readonly Saved[]
  readonly backward: Backward
  /** In debug mode, the call that recorded it. */
  readonly origin: Origin | null
  /** Whether `backward()` has walked it, or its graph has died. */
  released = false

  constructor(
    name: string,
    shape: readonly number[],
    edges: readonly Edge[],
    inputShapes: readonly (readonly number[])[],
    saved: readonly Saved[],
    backward: Backward,
    origin: Origin | null,
  ) {
    this.name = name
    this.shape = shape
    this.edges = edges
    this.inputShapes = inputShapes
    this.saved = saved
    this.backward = backward
    this.origin = origin
  }

  release(): void {
    if (this.released) return
    this.released = true
    for (const saved of this.saved) saved.storage?.release()
    this.saved = []
    this.edges = []
  }
}

let recording = true

/** Whether operations are recorded: not inside `noGrad`. */
export const isRecording = (): boolean => recording

/** Runs `body` with recording off. */
export function withoutRecording<T>(body: () => T): T {
  const before = recording
  recording = false
  try {
    return body()
  } finally {
    recording = before
  }
}
