/** Turns of loops, and scopes: they nest, and free what was made in them. */
import type { Cell, Death } from './cell.ts'

/** A graph, as far as what it began in is concerned. */
interface Mortal {
  die(death: Death): void
}

export const TURN_ENDED: Death = 'its turn ended one turn ago'

/** A turn of a loop or a scope: frees what was made in it. */
export class Frame {
  readonly parent: Frame | null
  readonly depth: number
  readonly #death: Death
  /** The last turn that ended here: it dies when the next one ends. */
  #lastTurn: Frame | null = null
  readonly #cells: Cell[] = []
  /** Whether it is a turn of a loop that nobody can go on with. */
  isAbandoned = false
  /** The graphs that began here. */
  readonly graphs = new Set<Mortal>()

  constructor(parent: Frame | null, death: Death) {
    this.parent = parent
    this.depth = parent ? parent.depth + 1 : 0
    this.#death = death
  }

  get isTurn(): boolean {
    return this.#death === TURN_ENDED
  }

  add(cell: Cell): void {
    cell.frame = this
    this.#cells.push(cell)
  }

  turnEnded(turn: Frame): void {
    this.#lastTurn?.die()
    this.#lastTurn = turn
  }

  die(): void {
    for (const cell of this.#cells) if (cell.frame === this) cell.die(this.#death)
    for (const graph of this.graphs) graph.die(this.#death)
    this.#lastTurn?.die()
    this.#lastTurn = null
    this.#cells.length = 0
  }
}

/** Outside every turn and scope: frees nothing itself. */
export const root = new Frame(null, 'it was disposed')
let innermost: Frame = root

/** The innermost turn or scope that is open. */
export const current = (): Frame => innermost

/** Whether `frame` has begun and not ended. */
export function isOpen(frame: Frame): boolean {
  for (let open: Frame | null = innermost; open; open = open.parent) if (open === frame) return true
  return false
}

/**
 * What is open now in the place of a turn that has ended: the turn after it, or what is around it. Never a scope, which frees
 * only what was made in it.
 */
export function successor(turn: Frame): Frame {
  let around = turn.parent ?? root
  while (!isOpen(around)) around = around.parent ?? root
  let next = innermost
  while (next !== around && next.parent !== around) next = next.parent ?? root
  return next.isTurn ? next : around
}

/** Opens a turn or scope inside the current one. */
export function enter(death: Death): Frame {
  innermost = new Frame(innermost, death)
  return innermost
}

/** Leaves `frame`; whether it was the innermost. */
export function exit(frame: Frame): boolean {
  const orderly = innermost === frame
  if (isOpen(frame)) innermost = frame.parent ?? root
  closeAbandoned()
  return orderly
}

/** Ends a turn whose loop has been dropped in its midst, as soon as what was opened inside it has ended. */
export function abandon(frame: Frame): void {
  frame.isAbandoned = true
  if (isOpen(frame)) closeAbandoned()
  else frame.die()
}

function closeAbandoned(): void {
  while (innermost.isAbandoned) {
    const turn = innermost
    innermost = turn.parent ?? root
    innermost.turnEnded(turn)
  }
}
