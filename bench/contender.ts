/**
 * One contender's part of one suite, in a process of its own: `tsx bench/contender.ts <suite> <contender>`. The last line is
 * JSON: seconds for each sample of each case.
 *
 * benny calls a case two or three times while it sets it up, before it takes samples.
 */
import { add, configure, suite } from 'benny'
import { type ContenderName, casesOf, type SuiteName } from './support/contender.ts'

const [name, contender] = process.argv.slice(2) as [SuiteName, ContenderName]
const cases = await casesOf(name)
const summary = await suite(
  name,
  configure({ cases: { minSamples: 10, maxTime: 0.4 } }),
  ...cases.map((row) => add(row.name, () => row[contender]().run)),
)
const samples = summary.results.map(({ name, details }) => [name, details.sampleResults])
console.log(JSON.stringify(Object.fromEntries(samples)))
