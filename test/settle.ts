/** Measuring memory in tests: what the last turn, graph and collected handles still held is freed first. */
import { memory, scope, steps, tensor } from '../src/index.ts'

/** Live bytes without scratch space, which is kept for the next kernel. */
export function live(): number {
  const { live, byOwner } = memory()
  return live - (byOwner.workspace?.live ?? 0)
}

/** Ends the last turn's afterlife and that of the last graph. */
export function endAfterlives(): void {
  for (const _ of steps(1)) scope(() => tensor([1, 2], { requiresGrad: true }).mul(2))
}

/** Live bytes after all that is unreachable has been collected; waits for them to come down to `expected`, if given. */
export async function settled(expected?: number): Promise<number> {
  endAfterlives()
  const attempts = expected === undefined ? 3 : 20
  for (let i = 0; i < attempts && live() !== expected; i++) {
    globalThis.gc?.()
    // Finalizers run in a task of their own.
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  return live()
}
