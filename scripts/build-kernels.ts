/**
 * Builds the kernels in two passes:
 *   1. asc on `assembly/kernels.ts` writes raw declarations, from which this script writes the typed
 *      kernel table `src/runtime/kernels.generated.ts`;
 *   2. asc on the whole writes `dist/kernels.wasm`, and this script the module that holds its bytes inline.
 *
 * `--out DIR` puts the module elsewhere than `dist`.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { kernelTable } from './kernel-table.ts'

const { values } = parseArgs({ options: { out: { type: 'string', default: 'dist' } } })

const ASC = fileURLToPath(new URL('../node_modules/assemblyscript/bin/asc.js', import.meta.url))

/**
 * `asconfig.json` has the options. The stub runtime and `--use abort=` leave `env.memory` as the only import. -O2, not -O3: at
 * -O3 Binaryen interleaves the k-steps of the GEMM loops, and V8 spills.
 */
const asc = (target: string, outFile: string) =>
  execFileSync(process.execPath, [ASC, '--target', target, '--outFile', outFile], { stdio: 'inherit' })

mkdirSync(values.out, { recursive: true })
const wasm = join(values.out, 'kernels.wasm')
const raw = join(mkdtempSync(join(tmpdir(), 'neyron-')), 'kernels.wasm')

asc('declarations', raw)
writeFileSync('src/runtime/kernels.generated.ts', kernelTable(readFileSync(raw.replace('.wasm', '.d.ts'), 'utf8')))
rmSync(dirname(raw), { recursive: true })

asc('strict', wasm)

/** The modules that `#wasm` may resolve to, by the conditions in package.json: where the kernels come from. */
const base64 = readFileSync(wasm).toString('base64')
const sources = {
  'wasm.inline.js': `export const source = () => Uint8Array.from(atob('${base64}'), (c) => c.charCodeAt(0))`,
  // Cloudflare Workers forbid compiling at run time: there the module is an import.
  'wasm.workerd.js': "import module from './kernels.wasm'\nexport const source = () => module",
  // For those who serve the kernels themselves: init({ source }) brings them.
  'wasm.external.js': 'export const source = () => undefined',
  'wasm.d.ts': 'export declare const source: () => BufferSource | WebAssembly.Module | undefined',
}
for (const [file, code] of Object.entries(sources)) writeFileSync(join(values.out, file), `${code}\n`)
