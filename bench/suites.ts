/**
 * neyron against plain JavaScript, operation by operation: `npm run bench:suites`, or with names of suites for some of them.
 *
 * A process runs one contender's part of one suite; contenders alternate, and who is first changes from round to round.
 * Prints medians of all samples, and the median of the ratios within each round; writes every sample to
 * `bench/results/suites-<node major>.json`.
 */
import { execFileSync } from 'node:child_process'
import { type Case, CONTENDERS, type ContenderName, casesOf, SUITES, type SuiteName } from './support/contender.ts'
import { MACHINE, median, ROOT, save, tableOf } from './support/report.ts'

const ROUNDS = 5

/** Seconds per run, by case. */
type Samples = Record<string, number[]>

function measure(suite: SuiteName, contender: ContenderName): Samples {
  const parameters = ['--import', 'tsx', 'bench/contender.ts', suite, contender]
  const output = execFileSync(process.execPath, parameters, { cwd: ROOT, encoding: 'utf8' })
  return JSON.parse(output.trimEnd().split('\n').at(-1)!) as Samples
}

/** A round of a suite, in the order that it was run in. */
function round(suite: SuiteName, number: number): Record<ContenderName, Samples> {
  const order = number % 2 === 0 ? CONTENDERS : CONTENDERS.toReversed()
  return Object.fromEntries(order.map((contender) => [contender, measure(suite, contender)])) as Record<
    ContenderName,
    Samples
  >
}

function summarise({ name, flops, bytes }: Case, rounds: readonly Record<ContenderName, Samples>[]) {
  const all = (contender: ContenderName) => rounds.flatMap((samples) => samples[contender][name])
  const neyron = median(all('neyron'))
  return {
    name,
    neyron,
    baseline: median(all('baseline')),
    ratio: median(rounds.map((samples) => median(samples.baseline[name]) / median(samples.neyron[name]))),
    gflops: flops === undefined ? null : flops / neyron / 1e9,
    gigabytes: bytes === undefined ? null : bytes / neyron / 1e9,
  }
}

type Summary = ReturnType<typeof summarise>

const inMicroseconds = (seconds: number) => `${(seconds * 1e6).toPrecision(4)} us`

function show(suite: SuiteName, summaries: readonly Summary[]): void {
  const rows = summaries.map(({ name, neyron, baseline, ratio, gflops, gigabytes }) => [
    name,
    inMicroseconds(neyron),
    inMicroseconds(baseline),
    ratio.toFixed(1),
    gflops ? `${gflops.toFixed(1)} GFLOP/s` : gigabytes ? `${gigabytes.toFixed(1)} GB/s` : '',
  ])
  console.log(tableOf([suite, 'neyron', 'plain JavaScript', 'times as fast', 'rate of neyron'], rows))
}

/** Four digits are more than the machine repeats. */
const rounded = (samples: Samples) =>
  Object.fromEntries(Object.entries(samples).map(([name, list]) => [name, list.map((s) => Number(s.toPrecision(4)))]))

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !(SUITES as readonly string[]).includes(name))
if (unknown.length > 0) {
  console.error(`There is no suite ${unknown}; there is ${SUITES.join(', ')}.`)
  process.exit(1)
}
const chosen = SUITES.filter((name) => wanted.length === 0 || wanted.includes(name))

const runs = new Map<SuiteName, Record<ContenderName, Samples>[]>(chosen.map((suite) => [suite, []]))
for (let number = 0; number < ROUNDS; number++)
  for (const [suite, rounds] of runs) {
    console.log(`round ${number + 1} of ${ROUNDS}: ${suite}`)
    rounds.push(round(suite, number))
  }

console.log(`\n${MACHINE}, ${ROUNDS} processes for each contender of a suite`)
const suites: Record<string, { summary: Summary[]; rounds: Record<ContenderName, Samples>[] }> = {}
for (const [suite, rounds] of runs) {
  const summary = (await casesOf(suite)).map((row) => summarise(row, rounds))
  show(suite, summary)
  const kept = rounds.map(({ neyron, baseline }) => ({ neyron: rounded(neyron), baseline: rounded(baseline) }))
  suites[suite] = { summary, rounds: kept }
}
if (chosen.length === SUITES.length) console.log(`Samples: ${save('suites', {}, { unit: 'seconds', suites })}`)
