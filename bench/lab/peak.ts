/**
 * What the machine can do at this moment: multiply and add on registers alone, in twelve independent chains.
 * Every lab figure is read against this one from the same run.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const CHAINS = Array.from({ length: 12 }, (_, i) => `c${i}`)

// x and y come in as parameters: V8 would build a constant anew at each use.
const SOURCE = `export function peak(steps: i32, from: f32, to: f32): f32 {
  const x = f32x4.splat(from), y = f32x4.splat(to)
  let ${CHAINS.map((c) => `${c} = y`).join(', ')}
  for (; steps > 0; steps--) {
    ${CHAINS.map((c) => `${c} = f32x4.add(f32x4.mul(${c}, x), y)`).join('\n    ')}
  }
  return f32x4.extract_lane(${CHAINS.reduce((sum, c) => `f32x4.add(${sum}, ${c})`)}, 0)
}`

const ASC = fileURLToPath(new URL('../../node_modules/assemblyscript/bin/asc.js', import.meta.url))

/** The loop, compiled: each run is `flops` floating-point operations. */
export function peakLoop(): { run: () => void; flops: number } {
  const folder = mkdtempSync(join(tmpdir(), 'neyron-'))
  const [source, wasm] = [join(folder, 'peak.ts'), join(folder, 'peak.wasm')]
  writeFileSync(source, SOURCE)
  const flags = ['--baseDir', folder, '--runtime', 'stub', '--enable', 'simd', '-O2', '--outFile', wasm]
  execFileSync(process.execPath, [ASC, source, ...flags], { stdio: 'inherit' })
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(wasm)))
  rmSync(folder, { recursive: true })
  const { peak } = exports as { peak(steps: number, from: number, to: number): number }
  const steps = 20_000
  return { run: () => peak(steps, 0.5, 0.25), flops: steps * CHAINS.length * 8 }
}
