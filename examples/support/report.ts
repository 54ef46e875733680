/** The table at the end of the capstone. */
import Table from 'cli-table3'

export interface Outcome {
  /** The mean loss over the training images after training. */
  finalLoss: number
  trainAccuracy: number
  testAccuracy: number
  /** The wall time of the updates alone. */
  seconds: number
}

const percent = (share: number): string => `${(share * 100).toFixed(2)} %`

const ROWS: [string, (outcome: Outcome) => string][] = [
  ['final loss', ({ finalLoss }) => finalLoss.toFixed(5)],
  ['train accuracy', ({ trainAccuracy }) => percent(trainAccuracy)],
  ['test accuracy, 10,000 images', ({ testAccuracy }) => percent(testAccuracy)],
  ['training time', ({ seconds }) => `${seconds.toFixed(3)} s`],
]

export function comparison(neyron: Outcome, baseline: Outcome | null): string {
  const columns: [string, Outcome][] = [['neyron', neyron]]
  if (baseline) columns.push(['plain JavaScript', baseline])
  const table = new Table({
    head: ['', ...columns.map(([name]) => name)],
    colAligns: ['left', 'right', 'right'],
    style: { compact: true, head: [], border: [] },
  })
  for (const [label, show] of ROWS) table.push([label, ...columns.map(([, outcome]) => show(outcome))])
  if (baseline) table.push(['ratio of the times', '1', (baseline.seconds / neyron.seconds).toFixed(1)])
  return `\n${table}`
}
