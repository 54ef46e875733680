/**
 * `npm ci` runs this. Plain JavaScript on Node's own modules alone: it must be able to say that the tools it would build with
 * are not there.
 */
import { execSync } from 'node:child_process'
import { existsSync } from 'node:fs'

const root = new URL('..', import.meta.url)
const has = (path) => existsSync(new URL(path, root))

if (has('node_modules/assemblyscript')) execSync('npm run build', { cwd: root, stdio: 'inherit' })
else if (!has('dist/index.js')) {
  console.error(
    'neyron is not built: its build tools are dev dependencies, which NODE_ENV=production leaves out; run `npm ci --include=dev`.',
  )
  process.exitCode = 1
}
