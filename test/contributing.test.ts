/**
 * CONTRIBUTING.md works: its code, put where it says into a copy of the repository, builds, is clean, and computes what it
 * should.
 */
import {
  appendFileSync,
  cpSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Block, blocksOf } from './support/blocks.ts'
import { node } from './support/node.ts'

const COPIED = [
  'assembly',
  'biome-plugins',
  'asconfig.json',
  'biome.json',
  'package.json',
  'scripts',
  'src',
  'test/ops',
  'test/support',
  'tsconfig.json',
  'vitest.config.ts',
]
const copy = mkdtempSync(join(tmpdir(), 'neyron-'))
afterAll(() => rmSync(copy, { recursive: true }))

/** Runs a tool, in the copy. */
const run = (tool: string, ...flags: string[]) => node([join('node_modules', tool), ...flags], copy)

/** What the line above a block says: the file, and the place in it. */
const PLACE = /^`([^`]+)`, (at the end|a new file|after the method `(\w+)`|as a row of `(\w+)`):$/

function put({ above, code, line }: Block): void {
  const [, path, place, method, table] = PLACE.exec(above) as RegExpExecArray
  const file = join(copy, path)
  if (place === 'a new file') writeFileSync(file, `${code}\n`)
  else if (place === 'at the end') appendFileSync(file, `\n${code}\n`)
  else {
    const text = readFileSync(file, 'utf8')
    const before = method
      ? new RegExp(`^  ${method}\\(.*?^  }\n`, 'ms')
      : new RegExp(`^export const ${table}\\b.*?(?=^])`, 'ms')
    const found = before.exec(text)
    if (!found) throw new Error(`CONTRIBUTING.md:${line}: ${path} has no ${method ?? table}`)
    const end = found.index + found[0].length
    writeFileSync(file, `${text.slice(0, end)}\n${code}\n${text.slice(end)}`)
  }
}

const guide = readFileSync('CONTRIBUTING.md', 'utf8')
const blocks = blocksOf('CONTRIBUTING.md', guide).filter(({ above }) => PLACE.test(above))

/** Three steps of Lion, and the names of a model with a Scale. */
const PROGRAM = `
import { nn, optim, tensor } from './src/index.ts'

const weights = new nn.Parameter(tensor([0.5, -0.5, 0.25, 0, 1]))
const lion = new optim.Lion([weights], { lr: 0.1, weightDecay: 0.5 })
for (const gradient of [[1, -1, 0, 2, -3], [-20, 1, 0, -2, 1], [1, 1, 1, 1, 1]]) {
  weights.grad = tensor(gradient)
  lion.step()
}

const scaled = nn.sequential(new nn.Linear(2, 3), new nn.Scale(3))
const names = Object.keys(scaled.stateDict())
console.log(JSON.stringify({ weights: weights.toArray(), names }))
`

interface Results {
  weights: number[]
  names: string[]
}

describe('the code in CONTRIBUTING.md', () => {
  let results: Results

  beforeAll(async () => {
    for (const name of COPIED) cpSync(name, join(copy, name), { recursive: true })
    symlinkSync(realpathSync('node_modules'), join(copy, 'node_modules'))
    blocks.forEach(put)
    await run('tsx/dist/cli.mjs', 'scripts/build-kernels.ts')
    writeFileSync(join(copy, 'program.ts'), PROGRAM)
    results = JSON.parse(await run('tsx/dist/cli.mjs', 'program.ts'))
  })

  test('touches three files for an activation, and a row of the table', () => {
    const chapter = guide.indexOf('## Adding an optimizer')
    const lines = guide.slice(0, chapter).split('\n').length
    const files = blocks.filter(({ line }) => line < lines).map(({ above }) => PLACE.exec(above)?.[1])
    expect(files).toEqual(['assembly/activation.ts', 'src/ops/activation.ts', 'src/tensor.ts', 'test/ops/cases.ts'])
  })

  test('leaves the linter nothing that it cannot mend by itself', async () => {
    const flags = ['check', '--error-on-warnings', '--vcs-enabled=false', '--write']
    await run('@biomejs/biome/bin/biome', ...flags, 'assembly', 'src', 'test/ops')
  })

  test('compiles', () => run('typescript/bin/tsc', '--skipLibCheck'))

  test('computes mish and its gradient, as its row in the table demands', async () => {
    const printed = await run(
      'vitest/vitest.mjs',
      'run',
      'test/ops/ops.test.ts',
      '-t',
      'mish|every operation has a row',
    )
    expect(printed).toMatch(/^[1-9]\d+ passed, 0 failed$/m)
  })

  test('steps as Lion does', () => {
    const p = [0.5, -0.5, 0.25, 0, 1]
    const m = [0, 0, 0, 0, 0]
    for (const g of [
      [1, -1, 0, 2, -3],
      [-20, 1, 0, -2, 1],
      [1, 1, 1, 1, 1],
    ])
      for (let i = 0; i < 5; i++) {
        p[i] -= 0.1 * (Math.sign(0.9 * m[i] + 0.1 * g[i]) + 0.5 * p[i])
        m[i] = 0.99 * m[i] + 0.01 * g[i]
      }
    for (let i = 0; i < 5; i++) expect(results.weights[i]).toBeCloseTo(p[i], 6)
  })

  test('makes a layer whose parameter has a name', () => {
    expect(results.names).toEqual(['0.weight', '0.bias', '1.weight'])
  })
})
