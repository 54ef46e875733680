/**
 * Any program: no tensor dies early or late, none has a wrong element, no byte is written astray or lost.
 *
 * Seeds are fixed. To look for more: `FUZZ_SEED=1000 FUZZ_RUNS=500 npx vitest run test/properties/memory.test.ts`. A failure
 * prints its seed and path: `FUZZ_SEED=<seed> FUZZ_PATH=<path> npx vitest run test/properties/memory.test.ts -t 'part 0'`
 * runs it again.
 */
import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { program } from './program.ts'

const { FUZZ_SEED = '1', FUZZ_RUNS = '150', FUZZ_PATH } = process.env
/** Shrinking a failure stops in time to report it. */
const LIMITS = { numRuns: Number(FUZZ_RUNS), interruptAfterTimeLimit: 50_000, path: FUZZ_PATH }

/** A copy of the library that has not started, so that its memory has yet to grow. */
async function fresh() {
  vi.resetModules()
  const { guard } = await import('../support/guarded-heap.ts')
  const { Run } = await import('./program.ts')
  return { guard, Run, ...(await import('../settle.ts')) }
}

test.each([0, 1, 2, 3])('any sequence of calls, part %i', async (part) => {
  const { guard, Run, settled, endAfterlives, live } = await fresh()
  const guarded = guard()
  endAfterlives()
  let before = live()
  const property = fc.asyncProperty(program, async (body) => {
    endAfterlives()
    // After a run that failed, which is about to be made smaller.
    if (live() !== before) before = await settled()
    const run = new Run(guarded)
    run.run(body)
    run.end()
    expect(await settled(before)).toBe(before)
    guarded.check()
  })
  await fc.assert(property, { ...LIMITS, seed: Number(FUZZ_SEED) + part })
  guarded.end()
})
