/** Writes out/golden.md: how far from PyTorch's float64 each family is, beside PyTorch's own float32. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { type Call, measure } from './call.ts'
import type { Measure } from './compare.ts'
import { type Layer, measureLayer } from './layer.ts'
import { measureOptimizer, type Trajectory } from './optimizer.ts'
import { type Case, read } from './read.ts'
import { measureScheduler, type Schedule } from './scheduler.ts'
import { measureTraining, type Training } from './training.ts'

interface Row {
  readonly family: string
  readonly cases: number
  readonly measures: readonly (Measure & { readonly case: string })[]
}

function rowOf<Spec>(family: string, cases: readonly Case<Spec>[], run: (one: Case<Spec>) => Measure[]): Row {
  const measures = cases.flatMap((one) => run(one).map((each) => ({ ...each, case: one.case })))
  return { family, cases: cases.length, measures }
}

/** Where PyTorch is right by luck there is nothing to be a multiple of: below one half ULP it counts as that. */
const multiple = ({ ours, pytorch }: Measure) => ours / Math.max(pytorch, 0.5)

const whole = () => true
const rows = [
  rowOf('operations', read<Call>('ops'), measure),
  rowOf('activations', read<Call>('activations'), measure),
  rowOf('losses', read<Call>('losses'), measure),
  rowOf('layers', read<Layer | Call>('layers'), (one) =>
    'op' in one ? measure(one as Case<Call>) : measureLayer(one as Case<Layer>),
  ),
  rowOf('optimizers', read<Trajectory>('optimizers', whole), measureOptimizer),
  rowOf(
    'trainings',
    read<Training>('trainings', (name) => name === 'loss'),
    measureTraining,
  ),
]

const number = (x: number) => x.toPrecision(3)
const largest = (measures: Row['measures'], by: (each: Measure) => number) =>
  measures.toSorted((a, b) => by(b) - by(a))[0]

/** Cases of what is infinite, denormal or on the edge of it, which float32 may leave few bits of. */
const isExtreme = ({ case: name }: { case: string }) => name.includes('extremes')

const shown = (one: Row['measures'][number] | undefined) =>
  one ? `${number(one.ours)} (PyTorch ${number(one.pytorch)}): ${one.case}, ${one.name}` : 'none'

const lines = rows.map((row) => {
  const ours = ({ ours }: Measure) => ours
  const most = largest(row.measures, multiple)
  const failures = row.measures.filter(({ wrong }) => wrong.length > 0).length
  const cells = [
    row.family,
    row.cases,
    row.measures.length,
    failures,
    shown(
      largest(
        row.measures.filter((one) => !isExtreme(one)),
        ours,
      ),
    ),
    shown(largest(row.measures.filter(isExtreme), ours)),
    `${number(multiple(most))}: ${most.case}, ${most.name}`,
  ]
  return `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`
})

const schedules = rowOf('schedulers', read<Schedule>('schedulers', whole), measureScheduler)
const drift = largest(schedules.measures, ({ ours }) => ours)

const text = `# Distance from PyTorch

Largest errors against PyTorch's float64, in ULP of the largest term of a sum, and as a multiple of PyTorch's own float32
error over the tensor (taken as at least half an ULP).

| family | cases | results | outside the rule | largest error in ULP | and at the extremes | largest multiple |
| --- | --- | --- | --- | --- | --- | --- |
${lines.join('\n')}

Schedulers, ${schedules.cases} cases over 200 steps: within ${number(drift.ours)} of the largest learning rate (${drift.case}).
`
mkdirSync('out', { recursive: true })
writeFileSync('out/golden.md', text)
console.log(text)
