/**
 * When a tensor's memory goes, in four sentences:
 *   1. A graph dies when the next one begins, once `backward()` has entered it.
 *   2. A turn of `for (… of loader)` or `for (… of steps(n))` dies one turn later.
 *   3. A scope dies at its end, except for what it returns or keeps.
 *   4. Everything else dies with its handle: `using`, `.dispose()`, garbage collection.
 *
 * This file decides to whom a handle's cell belongs; `cell.ts`, `frame.ts` and `graph.ts` hold cells and free them.
 */
import { GraphError, OptionError } from '../errors.ts'
import { Cell, type Death } from './cell.ts'
import { abandon, current, enter, exit, type Frame, isOpen, root, TURN_ENDED } from './frame.ts'
import type { Graph } from './graph.ts'
import type { Storage } from './heap.ts'

/** The public face of a cell, as far as lifetimes are concerned. */
export interface Handle {
  readonly cell: Cell
  /** The graph it is connected to, if any. */
  graph: Graph | null
  /** Its place on the tape: with one, the graph must outlive it. */
  readonly node: object | null
}

const handles = new FinalizationRegistry<Cell>((cell) => cell.die('it was disposed'))

/** Frees the cell when its handle is collected. */
export function freeWithHandle(handle: Handle): void {
  handles.register(handle, handle.cell, handle.cell)
}

/** Gives a new handle its place: its graph, or else the turn or scope it is made in, or else garbage collection. */
export function place(handle: Handle, graph: Graph | null): void {
  if (graph && isOpen(graph.frame)) {
    handle.graph = graph
    graph.add(handle.cell)
  } else placeIn(handle, current())
}

/** Gives a handle without a graph to a turn or scope, or outside of all to garbage collection. */
export function placeIn(handle: Handle, frame: Frame): void {
  if (frame !== root) frame.add(handle.cell)
  else freeWithHandle(handle)
}

/** Takes a cell out of every graph, turn and scope: from now on `handle` alone frees it. */
export function own(handle: Handle): void {
  leave(handle)
  freeWithHandle(handle)
}

/** `tensor.keep()`: out of its graph, and out of the turn or scope it was made in to the one around it. */
export function keep(handle: Handle): void {
  const made = madeIn(handle)
  moveOut(handle, made, made.parent ?? root, true)
}

export function dispose({ cell }: Handle, death: Death): void {
  handles.unregister(cell)
  cell.die(death)
}

/** Gives a single element whose memory has gone new memory, to be changed in place; freed with its handle. */
export function revive(handle: Handle, storage: Storage): void {
  handle.cell.storage = storage
  handle.cell.offset = 0
  handle.cell.death = null
  freeWithHandle(handle)
}

/** Moves a handle from `frame` to `to`, around it. A graph that `backward` may still need goes with it. */
function moveOut(handle: Handle, frame: Frame, to: Frame, keeps: boolean): void {
  const { cell } = handle
  const graph = handle.graph?.find() ?? null
  if (graph && isNeeded(handle, graph)) graph.moveOut(frame, to)
  else handle.graph = null
  const staysInGraph = cell.inGraph && !keeps && graph !== null && graph.frame !== frame
  leave(handle)
  if (staysInGraph) {
    handle.graph = graph
    cell.inGraph = true
    if (to !== root && to !== graph.frame) to.add(cell)
  } else placeIn(handle, to)
}

/** Whether `backward` may still walk the graph from here. */
const isNeeded = (handle: Handle, graph: Graph) => handle.node !== null && !graph.isWalked

function leave({ cell }: Handle): void {
  handles.unregister(cell)
  cell.frame = null
  cell.inGraph = false
}

/** The handles in a result: a tensor, or arrays and plain objects of them. */
function* handlesIn(result: unknown, seen = new Set<unknown>()): Generator<Handle> {
  if (typeof result !== 'object' || result === null || seen.has(result)) return
  seen.add(result)
  const prototype = Object.getPrototypeOf(result)
  if ((result as Handle).cell instanceof Cell) yield result as Handle
  else if (Array.isArray(result) || prototype === Object.prototype || prototype === null)
    for (const value of Object.values(result)) yield* handlesIn(value, seen)
}

/**
 * Runs `body` and frees what it made, except for what it returns or keeps. A single element that no graph needs is
 * returned by value.
 */
export function runScope<T>(name: string, body: () => T): T {
  if (typeof body !== 'function') throw new OptionError(`${name}: expected a function, got ${typeof body}`)
  const scope = enter('its scope ended')
  try {
    const result = body()
    if (typeof (result as { then?: unknown } | null | undefined)?.then === 'function')
      throw new GraphError(
        `${name}: the function returned a promise, but a scope ends before anything is awaited; ` +
          'await outside it, and keep() what must live on',
      )
    if (current() !== scope) throw interleaved(name)
    for (const handle of handlesIn(result)) {
      const made = madeIn(handle)
      const around = handle.graph?.find()?.frame ?? made
      if (returnsMemory(handle) && isWithin(made, scope))
        moveOut(handle, isWithin(around, scope) ? around : made, scope.parent ?? root, false)
    }
    return result
  } finally {
    exit(scope)
    scope.die()
  }
}

/** The turn that a loop is in. */
interface Position {
  turn: Frame | null
}

/** Loops that are dropped in a turn, as `iterator.next()` by hand may leave them, end when they are collected. */
const dropped = new FinalizationRegistry<Position>(({ turn }) => {
  if (turn) abandon(turn)
})

/** A loop of `n` turns; what `make` makes belongs to the turn. However the loop ends, its last turn ends with it. */
export function turns<T>(name: string, n: number, make: (i: number) => T): Generator<T, void, undefined> {
  const position: Position = { turn: null }
  const loop = takeTurns(name, n, make, position)
  dropped.register(loop, position)
  return loop
}

function* takeTurns<T>(
  name: string,
  n: number,
  make: (i: number) => T,
  position: Position,
): Generator<T, void, undefined> {
  for (let i = 0; i < n; i++) {
    const turn = enter(TURN_ENDED)
    position.turn = turn
    try {
      yield make(i)
    } finally {
      position.turn = null
      endTurn(name, turn)
    }
  }
}

function endTurn(name: string, turn: Frame): void {
  if (exit(turn)) {
    current().turnEnded(turn)
    return
  }
  turn.die()
  throw interleaved(name)
}

/** The turn or scope that frees it. */
const madeIn = (handle: Handle): Frame =>
  handle.cell.frame ?? (handle.cell.inGraph ? handle.graph?.find()?.frame : undefined) ?? root

/** Whether `frame` is `scope`, or lies in it: the last turn of a loop lives on for a while. */
function isWithin(frame: Frame | null, scope: Frame): boolean {
  for (let f = frame; f; f = f.parent) if (f === scope) return true
  return false
}

function returnsMemory(handle: Handle): boolean {
  const graph = handle.graph?.find() ?? null
  return handle.cell.storage !== null && (handle.cell.numel !== 1 || (graph !== null && isNeeded(handle, graph)))
}

function interleaved(name: string): GraphError {
  return new GraphError(
    `${name}: another loop or scope was opened inside this one and is still open. Loops cannot take turns, neither in ` +
      'asynchronous tasks nor by next() on two iterators, since each would free the tensors of the other: finish one first, ' +
      'give each task a worker, or put the tensors of both into one TensorDataset.',
  )
}
