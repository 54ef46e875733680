/**
 * Runs the numbered examples one after another, or those whose names contain an argument:
 *
 *   npm run examples
 *   npm run examples -- iris xor
 *
 * With `--expose-gc` each of them makes sure that it leaves nothing in linear memory. Exits with 1 when one fails.
 */
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'

const wanted = process.argv.slice(2)
const files = readdirSync('examples').filter((file) => /^\d\d-/.test(file))
const chosen = files.filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
if (chosen.length === 0) {
  console.error(`no example is named like ${wanted.join(' or ')}; there are ${files.join(', ')}`)
  process.exit(2)
}

const results: { example: string; seconds: string; result: string }[] = []
for (const file of chosen) {
  console.log(`\n=== examples/${file}`)
  const start = performance.now()
  const { status, stdout } = spawnSync(process.execPath, ['--expose-gc', '--import', 'tsx', `examples/${file}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  })
  process.stdout.write(stdout)
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  const result = status === 0 ? String(stdout.trimEnd().split('\n').at(-1)) : `failed: exit status ${status}`
  results.push({ example: file, seconds, result })
  if (status !== 0) process.exitCode = 1
}
console.table(results)
