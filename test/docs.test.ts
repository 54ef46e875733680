/**
 * What the documentation shows is true: its programs compile, run and print what they say; its commands, files and names
 * exist.
 *
 * A `ts` block is a program of its own, or with `ts continued` goes on from the block before it. Without imports it has every
 * export of the library in scope. Comments `// prints …` are compared with what it prints.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import * as neyron from '../src/index.ts'
import { type Block, blocksOf } from './support/blocks.ts'
import { node } from './support/node.ts'

const OUT = 'out/docs'
const read = (file: string) => readFileSync(file, 'utf8')
const filesIn = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))

const documents = ['README.md', ...filesIn('docs')]
const guides = [...documents, 'CONTRIBUTING.md']
const programs = [...documents, ...filesIn('src')].flatMap((file) => programsIn(blocksOf(file, read(file))))

interface Program {
  /** `README.md:12` */
  readonly name: string
  /** Where it is written, to be run. */
  readonly path: string
  /** Each line has the number that it has in the documentation. */
  readonly code: string
  readonly prints: readonly string[]
}

function programsIn(blocks: readonly Block[]): Program[] {
  const groups: Block[][] = []
  for (const block of blocks.filter(({ language }) => language === 'ts'))
    if (block.note === 'continued') groups.at(-1)?.push(block)
    else groups.push([block])
  return groups.map(programOf)
}

function programOf(blocks: readonly Block[]): Program {
  const [{ file, line }] = blocks
  const lines: string[] = []
  for (const block of blocks) {
    while (lines.length < block.line - 1) lines.push('')
    lines.push(...block.code.split('\n'))
  }
  if (!lines.some((line) => line.startsWith('import '))) lines[0] = `import { ${Object.keys(neyron)} } from 'neyron'`
  const prints = lines.flatMap((line) => /\/\/ prints (.*)/.exec(line)?.[1] ?? [])
  const path = join(OUT, `${file.replaceAll('/', '~')}.${line}.ts`)
  return { name: `${file}:${line}`, path, code: `${lines.join('\n')}\nexport {}\n`, prints }
}

/** Runs a program of Node's. What it prints when it fails names places in the documentation. */
async function run(...parameters: string[]): Promise<string> {
  try {
    return await node(parameters)
  } catch (error) {
    const places = /[^\s(]*out\/docs\/([^\s(]+?)\.\d+\.ts/g
    throw new Error((error as Error).message.replaceAll(places, (_, file: string) => file.replaceAll('~', '/')))
  }
}

describe.concurrent('the programs', () => {
  beforeAll(() => {
    rmSync(OUT, { recursive: true, force: true })
    mkdirSync(OUT, { recursive: true })
    for (const { path, code } of programs) writeFileSync(path, code)
    // The sources stand in for the package, so that a stale build can neither pass nor fail here.
    const paths = { neyron: ['../../src/index.ts'], 'neyron/plot': ['../../src/plot/index.ts'] }
    const compilerOptions = { noUnusedLocals: false, skipLibCheck: true, paths }
    const config = { extends: '../../tsconfig.json', compilerOptions, include: ['*.ts'] }
    writeFileSync(join(OUT, 'tsconfig.json'), JSON.stringify(config))
  })

  test('are found in guides and in comments', () => {
    const names = programs.map(({ name }) => name)
    expect(names).toContainEqual(expect.stringContaining('README.md'))
    expect(names).toContainEqual(expect.stringContaining('src/nn/module.ts'))
  })

  test('compile', () => run('node_modules/typescript/bin/tsc', '-p', OUT, '--pretty', 'false'))

  test.for(programs)('$name runs and prints what it says', async ({ path, prints }) => {
    const printed = await run('node_modules/tsx/dist/cli.mjs', '--tsconfig', join(OUT, 'tsconfig.json'), path)
    if (prints.length > 0) expect(printed.trimEnd().split('\n')).toEqual(prints)
  })
})

describe.each(guides)('%s', (guide) => {
  const text = read(guide)
  const blocks = blocksOf(guide, text)
  const prose = blocks.reduce((rest, { code }) => rest.replace(code, ''), text)
  const spans = [...prose.matchAll(/`([^`\n]+)`/g)].map(([, code]) => code)

  test('names npm commands that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
    const shell = blocks.filter(({ language }) => language === 'sh').map(({ code }) => code)
    const commands = [...[...spans, ...shell].join('\n').matchAll(/\bnpm (?:run )?([\w:-]+)/g)]
    const unknown = commands.filter(
      ([, name]) => !['ci', 'cit', 'install', 'pack'].includes(name) && !Object.hasOwn(scripts, name),
    )
    expect(unknown.map(([command]) => command)).toEqual([])
  })

  test('points at files that exist', () => {
    const made = [...prose.matchAll(/`([^`]+)`, a new file:/g)].map(([, path]) => path)
    const links = [...prose.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, to]) => resolve(dirname(guide), to))
    const paths = spans.filter((code) => /^(assembly|src|test|scripts|examples|bench|docs|\.ci)\/[\w./-]*$/.test(code))
    expect([...links, ...paths].filter((path) => !existsSync(path))).toEqual(made)
  })
})

test('docs/architecture.md names what the source has', () => {
  const source = [...filesIn('src'), ...filesIn('assembly'), ...filesIn('scripts')].map(read).join('\n')
  const spans = [...read('docs/architecture.md').matchAll(/`([A-Za-z_][\w.]*)(?:\(\))?`/g)].map(([, name]) => name)
  const words = spans.filter((name) => !/\.(ts|js|mjs|wasm|md)$/.test(name)).flatMap((name) => name.split('.'))
  expect(words.filter((word) => !new RegExp(`\\b${word}\\b`).test(source))).toEqual([])
})
