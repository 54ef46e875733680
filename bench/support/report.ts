/** What every measurement says of itself, and how it is shown and kept. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Table from 'cli-table3'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

const CPU = { model: cpus()[0].model.trim(), cores: cpus().length }

/** `Node 20.20.2, AMD EPYC` */
export const MACHINE = `Node ${process.versions.node}, ${CPU.model}`

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** A table whose first column is text and whose others are numbers. */
export function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const table = new Table({
    head: [...head],
    colAligns: head.map((_, i) => (i === 0 ? 'left' : 'right')),
    style: { compact: true, head: [], border: [] },
  })
  table.push(...rows.map((row) => [...row]))
  return table.toString()
}

/** Writes `bench/results/<name>-<node major>.json`: what was measured, with date, versions and CPU. Returns its path. */
export function save(name: string, versions: Record<string, string | null>, measured: object): string {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }
  const file = `bench/results/${name}-${process.versions.node.split('.')[0]}.json`
  const record = {
    date: new Date().toISOString(),
    versions: { neyron: version, node: process.versions.node, v8: process.versions.v8, ...versions },
    cpu: CPU,
    ...measured,
  }
  mkdirSync(dirname(join(ROOT, file)), { recursive: true })
  writeFileSync(join(ROOT, file), `${JSON.stringify(record, null, 2)}\n`)
  return file
}
