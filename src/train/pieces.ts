/** Long work in short pieces, between which a page paints, timers fire, and garbage is collected. */
import { OptionError } from '../errors.ts'
import { inMode, type Module } from '../nn/module.ts'
import { runScope } from '../runtime/lifetimes.ts'

/** Half a frame at 60 Hz: the other half is the page's. */
const PIECE_MS = 8

/** When to let others run. */
export class Clock {
  #since = performance.now()

  get isDue(): boolean {
    return performance.now() - this.#since >= PIECE_MS
  }

  /** Lets the host run its tasks. A microtask would not: neither painting nor garbage collection comes between those. */
  async breathe(): Promise<void> {
    await macrotask()
    this.#since = performance.now()
  }
}

/**
 * The next task. Browsers make timers that are set by timers wait 4 ms; a message does not wait. Node has `setImmediate`.
 * A port that stays open would keep the process alive.
 */
function macrotask(): Promise<void> {
  if (typeof setImmediate === 'function') return new Promise((resolve) => setImmediate(resolve))
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(null)
  })
}

/** What is used of an `AbortSignal`: its own type is not there without the declarations of the DOM or of Node. */
export interface AbortSignalLike {
  /** Whether to stop. */
  readonly aborted: boolean
  /** Why: it is what is thrown. */
  readonly reason: unknown
}

/** What a piece of work needs. */
export interface Work {
  readonly op: string
  readonly model: Module
  /** The mode that the model is in during a piece, if it is not already. Between pieces all modes are as before. */
  readonly training: boolean
  readonly clock: Clock
  readonly signal: AbortSignalLike | undefined
}

/**
 * Runs `turn(0)` to `turn(n - 1)`, each in a scope, as many at a time as fit into a piece. After each comes `after`, if given,
 * outside of scopes and of the mode.
 */
export async function inPieces(
  { op, model, training, clock, signal }: Work,
  n: number,
  turn: (i: number) => void,
  after?: (i: number) => unknown,
): Promise<void> {
  let next = 0
  const piece = () => {
    do {
      const i = next++
      runScope(op, () => turn(i))
    } while (next < n && !after && !clock.isDue)
  }
  throwIfAborted(signal)
  while (next < n) {
    inMode(model, training, piece)
    if (after) await settled(after(next - 1))
    if (clock.isDue) await clock.breathe()
    throwIfAborted(signal)
  }
}

/** What a callback gives back: only a promise is waited for. */
export const settled = (result: unknown): unknown => (isPromise(result) ? result : undefined)

export const isPromise = (value: unknown): value is Promise<unknown> =>
  typeof (value as { then?: unknown } | null | undefined)?.then === 'function'

export function checkSignal(op: string, signal: AbortSignalLike | undefined): void {
  if (signal !== undefined && typeof signal?.aborted !== 'boolean')
    throw new OptionError(`${op}: signal is no AbortSignal; pass controller.signal of a new AbortController()`)
}

/** As `fetch` does: the reason of the signal, an AbortError unless there is another. */
function throwIfAborted(signal: AbortSignalLike | undefined): void {
  if (signal?.aborted) throw signal.reason
}
