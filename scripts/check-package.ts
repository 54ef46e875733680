/**
 * Checks what `npm publish` would send: that the tarball holds the built library and nothing else, that every path which
 * package.json promises is in it, and that users type-check against it without `skipLibCheck`, under either resolution, in
 * browsers and without the types of the DOM.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const OUT = 'out/package'
const BELONGS = /^(dist\/.+\.(js|d\.ts|wasm)|package\.json|README\.md|LICENSE)$/

/** What a user might write. */
const USE = `
import { data, nn, optim, type Tensor, tensor } from 'neyron'
import { type VegaLiteSpec, weightHistograms } from 'neyron/plot'

class Net extends nn.Module {
  fc = new nn.Linear(4, 3)
  forward(x: Tensor): Tensor {
    return this.fc.forward(x).relu()
  }
}
const net = new Net()
const optimizer = new optim.Adam(net.parameters(), { lr: 1e-3 })
const loss = new nn.CrossEntropyLoss()
for (const [x, y] of new data.DataLoader(new data.TensorDataset(tensor([[1, 2, 3, 4]]), tensor([2])))) {
  loss.forward(net.forward(x), y).backward()
  optimizer.step()
}
export const spec: VegaLiteSpec = weightHistograms(net)
// @ts-expect-error: 2 features do not fit a layer that takes 3.
nn.sequential(new nn.Linear(1, 2), new nn.Linear(3, 1))
`

/** The files of the tarball. What they hold is what the last build made. */
function packed(): string[] {
  const report = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { encoding: 'utf8' })
  const [{ files }] = JSON.parse(report) as [{ files: { path: string }[] }]
  return files.map(({ path }) => path)
}

function checkContents(files: readonly string[]): string[] {
  const { imports, exports } = JSON.parse(readFileSync('package.json', 'utf8'))
  const promised = ['README.md', 'LICENSE', ...pathsIn(imports), ...pathsIn(exports)]
  return [
    ...files.filter((file) => !BELONGS.test(file)).map((file) => `${file} does not belong in the package`),
    ...promised.filter((path) => !files.includes(path)).map((path) => `${path} is missing from the package`),
  ]
}

function pathsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value.replace('./', '')]
  return Object.values(value as object).flatMap(pathsIn)
}

/** Type-checks a project that uses the package, with the oldest `lib` that has what the library's own types need. */
function checkTypes(): string[] {
  const home = join(OUT, 'node_modules/neyron')
  rmSync(OUT, { recursive: true, force: true })
  mkdirSync(home, { recursive: true })
  cpSync('dist', join(home, 'dist'), { recursive: true })
  cpSync('package.json', join(home, 'package.json'))
  writeFileSync(join(OUT, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(OUT, 'use.ts'), USE)
  const projects = [
    { moduleResolution: 'nodenext', lib: ['es2022', 'dom'] },
    { moduleResolution: 'bundler', lib: ['es2022', 'dom'] },
    { moduleResolution: 'nodenext', lib: ['es2022'] },
  ]
  return projects.flatMap(({ moduleResolution, lib }) => {
    const module = moduleResolution === 'bundler' ? 'esnext' : moduleResolution
    const compilerOptions = {
      module,
      moduleResolution,
      target: 'es2022',
      lib,
      types: [],
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      noEmit: true,
    }
    writeFileSync(join(OUT, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['use.ts'] }))
    try {
      execFileSync('node_modules/.bin/tsc', ['-p', OUT], { encoding: 'utf8' })
      return []
    } catch (error) {
      return [`types under ${moduleResolution} resolution with ${lib}:\n${(error as { stdout: string }).stdout}`]
    }
  })
}

const problems = [...checkContents(packed()), ...checkTypes()]
for (const problem of problems) console.error(problem)
if (problems.length > 0) process.exitCode = 1
