/**
 * One contender's part of one suite, in a process of its own: `tsx bench/contender.ts <suite> <contender>`. The last line is
 * JSON: seconds for each sample of each case.
 *
 * benny calls a case two or three times while it sets it up, and takes samples from then on, also of code that is still being
 * compiled: a training step of a small net takes eight times as long at first. So each case runs for a while beforehand.
 */
import { add, configure, suite } from 'benny'
import { type ContenderName, casesOf, type SuiteName } from './support/contender.ts'

const WARM_UP_MS = 250

function warm(run: () => void): () => void {
  for (const end = performance.now() + WARM_UP_MS; performance.now() < end; ) run()
  return run
}

const [name, contender] = process.argv.slice(2) as [SuiteName, ContenderName]
const cases = await casesOf(name)
const summary = await suite(
  name,
  configure({ cases: { minSamples: 10, minTime: 0.01, maxTime: 0.1 } }),
  ...cases.map((row) => {
    let run: (() => void) | undefined
    return add(row.name, () => {
      run ??= warm(row[contender]().run)
      return run
    })
  }),
)
const samples = summary.results.map(({ name, details }) => [name, details.sampleResults])
console.log(JSON.stringify(Object.fromEntries(samples)))
