/** What the numbered examples have in common. */
import { setImmediate } from 'node:timers/promises'
import { memory, scope, steps, tensor } from 'neyron'

/**
 * Runs an example and prints what it found, as its last line. Under `node --expose-gc`, as `npm run examples` has it, it
 * also makes sure that the example leaves not one byte behind in linear memory.
 */
export async function example(run: () => Promise<Record<string, number> | string>): Promise<void> {
  const before = inUse()
  const found = await run()
  // The last turn of a loop goes when another ends, the last graph when another begins.
  for (const _ of steps(1));
  scope(() => tensor(1, { requiresGrad: true }).neg())
  // What belongs to handles goes when the garbage collector has seen them, in a later task.
  for (let i = 0; globalThis.gc && inUse() > before; i++) {
    if (i === 20) throw new Error(`${inUse() - before} bytes are left in linear memory`)
    globalThis.gc()
    await setImmediate()
  }
  const entries = typeof found === 'string' ? [] : Object.entries(found)
  console.log(typeof found === 'string' ? found : entries.map(([name, x]) => `${name}=${+x.toPrecision(4)}`).join(' '))
}

/** Bytes of tensors; the scratch memory of kernels belongs to the engine and stays. */
function inUse(): number {
  const { live, byOwner } = memory()
  return live - (byOwner.workspace?.live ?? 0)
}
