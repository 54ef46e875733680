/**
 * How close gemm comes to the peak of the machine, by shape.
 *   npx tsx bench/lab/01-gemm-shapes.ts [rounds]
 *
 * All shapes are measured in turn, round after round, so that a slow spell of the machine hits them alike. Read the
 * best round and its share of the best round of the peak loop; medians tell how busy the machine was.
 */
import { readFileSync } from 'node:fs'
import type { Kernels, Ptr } from '../../src/runtime/kernels.generated.ts'
import { peakLoop } from './peak.ts'

type Shape = [name: string, form: 'NN' | 'NT' | 'TN', m: number, n: number, k: number]

const SHAPES: Shape[] = [
  ...[1, 8, 32, 64, 128, 1000, 10_000].map((rows): Shape => [`forward, ${rows} rows`, 'NT', rows, 128, 784]),
  ...[1, 32, 1000].map((rows): Shape => [`forward of the head, ${rows} rows`, 'NT', rows, 10, 128]),
  ...[8, 32, 64, 128].map((rows): Shape => [`weight gradient, ${rows} rows`, 'TN', 128, 784, rows]),
  ['weight gradient of the head, 32 rows', 'TN', 10, 128, 32],
  ...[32, 128].map((rows): Shape => [`input gradient of the head, ${rows} rows`, 'NN', rows, 128, 10]),
  ...[256, 512, 1024].flatMap((size) =>
    (['NN', 'NT', 'TN'] as const).map((form): Shape => [`square ${form}`, form, size, size, size]),
  ),
  ['stride of 4 KB', 'NN', 64, 1024, 784],
  ['stride of 4 KB', 'TN', 1024, 784, 64],
  ['one row', 'NN', 1, 784, 128],
  ['one row, 4 MB of weights', 'NT', 1, 1024, 1024],
  ['tiny', 'NT', 16, 16, 4],
  ['tiny', 'NT', 16, 3, 16],
  ['tiny', 'TN', 16, 4, 16],
]

const memory = new WebAssembly.Memory({ initial: 2048 })
const wasm = readFileSync(new URL('../../dist/kernels.wasm', import.meta.url))
const kernels = new WebAssembly.Instance(new WebAssembly.Module(wasm), { env: { memory } })
  .exports as unknown as Kernels

let top = 1 << 16
function buffer(floats: number): Ptr {
  const at = top
  top += floats * 4 + 64
  new Float32Array(memory.buffer, at, floats).forEach((_, i, data) => {
    data[i] = Math.fround(((i * 7919) % 1009) / 1009 - 0.5)
  })
  return at as Ptr
}

interface Contender {
  name: string
  flops: number
  run: () => void
  gflops: number[]
}

function contender([name, form, m, n, k]: Shape): Contender {
  const transA = +(form[0] === 'T')
  const transB = +(form[1] === 'T')
  const [a, b, c, bias] = [m * k, k * n, m * n, n].map(buffer) as [Ptr, Ptr, Ptr, Ptr]
  const scratch = buffer(kernels.gemmScratch(m, n, k, transA, transB) / 4)
  const start = form === 'NT' ? bias : (0 as Ptr)
  const [lda, ldb] = [transA ? m : k, transB ? k : n]
  const run = () => kernels.gemm(a, b, start, c, scratch, m, n, k, lda, ldb, n, transA, transB, 0)
  return { name: `${form} ${m} x ${n} x ${k}`.padEnd(24) + name, flops: 2 * m * n * k, run, gflops: [] }
}

const rounds = Number(process.argv[2] ?? 30)
const peak: Contender = { name: 'peak', ...peakLoop(), gflops: [] }
const contenders = [peak, ...SHAPES.map(contender)]

/** Calls for at least `ms`, in batches of about a million operations; GFLOP/s. */
function measure({ flops, run }: Contender, ms: number): number {
  const batch = Math.ceil(1e6 / flops)
  const begin = performance.now()
  let calls = 0
  let elapsed = 0
  while (elapsed < ms) {
    for (let i = 0; i < batch; i++) run()
    calls += batch
    elapsed = performance.now() - begin
  }
  return (calls * flops) / elapsed / 1e6
}

// Long enough for V8 to have optimised every strip.
for (const one of contenders) measure(one, 150)
for (let round = 0; round < rounds; round++) for (const one of contenders) one.gflops.push(measure(one, 3))

const ceiling = Math.max(...peak.gflops)
console.log(`${'GFLOP/s'.padEnd(62)}  best median  of peak`)
for (const { name, gflops } of contenders) {
  const sorted = gflops.toSorted((x, y) => x - y)
  const best = sorted[sorted.length - 1]
  const median = sorted[sorted.length >> 1]
  const share = `${Math.round((100 * best) / ceiling)} %`
  console.log(name.padEnd(62), best.toFixed(1).padStart(5), median.toFixed(1).padStart(6), share.padStart(8))
}
