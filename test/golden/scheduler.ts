/** Runs the cases of schedulers: 200 steps over two groups. */
import { nn, zeros } from '../../src/index.ts'
import * as optim from '../../src/optim/index.ts'
import type { Measure } from './compare.ts'
import { fill } from './formula.ts'
import { optimizerOf } from './optimizer.ts'
import type { Case, Input } from './read.ts'

const STEPS = 200

/**
 * Both sides compute in float64, PyTorch step by step from the last value and ours as it likes: within this part of the largest
 * value of the sequence, since a cosine that ends at 0 has rounding errors of where it comes from.
 */
const TOLERANCE = 1e-12

interface Scheduler {
  readonly scheduler: string
  readonly args?: readonly unknown[]
  readonly schedulers?: readonly Scheduler[]
  readonly milestones?: readonly number[]
}

export interface Schedule extends Scheduler {
  readonly optimizer: string
  readonly options: Readonly<Record<string, unknown>>
  /** What a scheduler that watches a metric is given. */
  readonly metrics?: Input
}

type Stepped = { step(metric?: number): void }

const classes: Record<string, unknown> = { ...(optim as { lrScheduler?: object }).lrScheduler }

function schedulerOf({ scheduler, args = [], schedulers, milestones }: Scheduler, optimizer: unknown): Stepped {
  const Class = classes[scheduler] as (new (optimizer: unknown, ...args: readonly unknown[]) => Stepped) | undefined
  if (!Class) throw new Error(`there is no optim.lrScheduler.${scheduler}`)
  if (!schedulers) return new Class(optimizer, ...args)
  const parts = schedulers.map((part) => schedulerOf(part, optimizer))
  return new Class(optimizer, parts, { milestones })
}

interface Group {
  readonly lr: number
  readonly momentum?: number
  readonly betas?: readonly number[]
}

/** Runs a case and holds learning rates, and momenta where they change, to PyTorch's after each step. */
export function measureScheduler(one: Case<Schedule>): Measure[] {
  const parameters = [0.1, 0.03].map((lr) => ({ lr, params: [new nn.Parameter(zeros([1]))] }))
  using optimizer = optimizerOf(one.optimizer, parameters, one.options)
  const groups = () => (optimizer as unknown as { paramGroups: readonly Group[] }).paramGroups
  const scheduler = schedulerOf(one, optimizer)
  const metrics = one.metrics && fill(one.metrics, STEPS)
  const taken: Record<string, number[]> = { lr: [], momentum: [] }
  const record = () => {
    for (const { lr, momentum, betas } of groups()) {
      taken.lr.push(lr)
      taken.momentum.push(momentum ?? betas?.[0] ?? Number.NaN)
    }
  }
  record()
  for (let step = 0; step < STEPS; step++) {
    optimizer.step()
    if (metrics) scheduler.step(metrics[step])
    else scheduler.step()
    record()
  }
  for (const { params } of parameters) params[0].dispose()
  return one.results.map(({ name, want }) => {
    const allowed = TOLERANCE * Math.max(...want.map(Math.abs))
    const wrong = taken[name].flatMap((value, i) =>
      Math.abs(value - want[i]) <= allowed
        ? []
        : [`${name} of group ${i % 2} after ${Math.floor(i / 2)} steps is ${value}, not ${want[i]}`],
    )
    const errors = taken[name].map((value, i) => Math.abs(value - want[i]))
    return { name, ours: Math.max(...errors) / (allowed / TOLERANCE), pytorch: 0, wrong }
  })
}
