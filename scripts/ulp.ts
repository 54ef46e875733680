/**
 * Measures kernels over all 2^32 float32 against PyTorch's float64 functions, and writes what it finds into docs/accuracy.md.
 * Names of kernels measure those only, and leave the other rows as they are; each takes a few minutes.
 *
 * Needs a Python that has PyTorch: `python3`, or what PYTHON names.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { text } from 'node:stream/consumers'
import type { Kernels, Ptr } from '../src/runtime/kernels.generated.ts'

const PAGE = 'docs/accuracy.md'
const CHUNK = 1 << 20

/** What holds from `low` to `high`, by default everywhere. */
interface Claim {
  readonly low?: number
  readonly high?: number
  readonly bound: number
  /** Absolute errors are over max(1, |x|). Default: ULP. */
  readonly unit?: 'ULP' | 'absolute'
}

interface Measured {
  readonly kernel: keyof Kernels
  readonly claims: readonly Claim[]
  /** What the kernel is given after the sizes. */
  readonly parameters?: readonly number[]
}

const MEASURED: readonly Measured[] = [
  { kernel: 'exp', claims: [{ bound: 1.02 }] },
  { kernel: 'log', claims: [{ bound: 0.84 }] },
  { kernel: 'tanh', claims: [{ bound: 2.56 }] },
  { kernel: 'sigmoid', claims: [{ bound: 2.41 }] },
  { kernel: 'erf', claims: [{ bound: 1.27 }] },
  { kernel: 'gelu', claims: [{ low: -0.5, bound: 1.9 }, { bound: 6 }] },
  {
    kernel: 'geluTanh',
    claims: [
      { low: -0.5, bound: 2.5 },
      { high: -0.5, unit: 'absolute', bound: 1.2e-7 },
    ],
  },
  { kernel: 'silu', claims: [{ bound: 3.2 }] },
  { kernel: 'softplus', claims: [{ bound: 1.7 }], parameters: [1, 20] },
  { kernel: 'logsigmoid', claims: [{ bound: 1.7 }] },
  { kernel: 'elu', claims: [{ bound: 1.34 }], parameters: [1] },
  { kernel: 'log1p', claims: [{ bound: 1.4 }] },
  { kernel: 'expm1', claims: [{ bound: 1.34 }] },
  { kernel: 'sin', claims: [{ bound: 0.502 }] },
  { kernel: 'cos', claims: [{ bound: 0.502 }] },
  { kernel: 'rsqrt', claims: [{ bound: 1.5 }] },
]

const memory = new WebAssembly.Memory({ initial: 256 })
const module = new WebAssembly.Module(readFileSync('dist/kernels.wasm'))
const kernels = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Kernels
const X = (1 << 20) as Ptr
const Y = (X + CHUNK * 4) as Ptr

interface Found {
  readonly error: number
  readonly at: number
}

/** Of each claim the largest error, and whether NaN, infinities and zeros are PyTorch's. */
async function measure({ kernel, claims, parameters = [] }: Measured): Promise<{ found: Found[]; isExact: boolean }> {
  const run = kernels[kernel] as (x: Ptr, y: Ptr, n: number, ...parameters: number[]) => void
  const ranges = claims.map(({ low = '-inf', high = 'inf', unit = 'ULP' }) => `${low}:${high}:${unit}`)
  const python = spawn(process.env.PYTHON ?? 'python3', ['scripts/ulp.py', kernel, ...ranges], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const answer = text(python.stdout)
  const bits = new Int32Array(memory.buffer, X, CHUNK)
  for (let start = -(2 ** 31); start < 2 ** 31; start += CHUNK) {
    for (let i = 0; i < CHUNK; i++) bits[i] = start + i
    run(X, Y, CHUNK, ...parameters)
    if (!python.stdin.write(new Uint8Array(memory.buffer, Y, CHUNK * 4).slice())) await once(python.stdin, 'drain')
  }
  python.stdin.end()
  const lines = (await answer).trim().split('\n')
  const found = claims.map((_, i) => {
    const [error, at] = lines[i].split(' ').map(Number)
    return { error, at }
  })
  return { found, isExact: lines[claims.length] === 'True' }
}

const INTRODUCTION = `# How accurate the kernels are

Measured over all 2³² float32 inputs by \`npm run ulp\`, against PyTorch's functions in float64. A unit in the last place
(ULP) is the distance between the float32 numbers around the exact result, where that is denormal the smallest denormal; a
correctly rounded result is off by at most 0.5. NaN, infinities and zeros are PyTorch's too, in every row. The kernels give
the same bits on every machine; the one that is named ran the reference.

`
const HEADER = '| kernel | x | largest error | at x = | bound | measured |\n| --- | --- | --- | --- | --- | --- |\n'

/** The first two columns of a row. */
function keyOf(kernel: string, { low, high }: Claim): string {
  const range = low !== undefined ? `from ${low} up` : high !== undefined ? `up to ${high}` : 'all'
  return `| \`${kernel}\` | ${range} |`
}

const TODAY = `${new Date().toISOString().slice(0, 10)}, ${cpus()[0].model}`

function rowOf(kernel: string, claim: Claim, { error, at }: Found): string {
  const unit = claim.unit === 'absolute' ? ' max(1, \\|x\\|)' : ' ULP'
  return `${keyOf(kernel, claim)} ${Number(error.toPrecision(3))}${unit} | ${at} | ${claim.bound}${unit} | ${TODAY} |`
}

/** The page with the rows of one kernel new. */
function put(kernel: string, rows: readonly string[]): void {
  const old = existsSync(PAGE) ? readFileSync(PAGE, 'utf8').split('\n') : []
  const lines = MEASURED.flatMap((other) =>
    other.kernel === kernel ? rows : old.filter((line) => line.startsWith(`| \`${other.kernel}\` |`)),
  )
  writeFileSync(PAGE, `${INTRODUCTION}${HEADER}${lines.join('\n')}\n`)
}

const wanted = process.argv.slice(2)
const known = MEASURED.map(({ kernel }) => kernel as string)
const unknown = wanted.filter((name) => !known.includes(name))
if (unknown.length > 0) throw new Error(`no measure of ${unknown.join(', ')}; there is ${known.join(', ')}`)

for (const measured of MEASURED.filter(({ kernel }) => wanted.length === 0 || wanted.includes(kernel))) {
  const { kernel, claims } = measured
  const { found, isExact } = await measure(measured)
  const rows = claims.map((claim, i) => rowOf(kernel, claim, found[i]))
  put(kernel, rows)
  console.log(rows.join('\n'))
  if (!isExact) console.error(`${kernel}: NaN or zeros are not PyTorch's`)
  if (!isExact || claims.some(({ bound }, i) => !(found[i].error <= bound))) process.exitCode = 1
}
