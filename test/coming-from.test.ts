/** `docs/coming-from.md` against what is there: what it calls the same exists, what it calls missing does not, and nothing is left out. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import * as neyron from '../src/index.ts'
import * as ops from '../src/ops/index.ts'

const page = readFileSync('docs/coming-from.md', 'utf8')

/** The names in code between two marks of the page. */
function namesIn(from: string, to: string): string[] {
  const part = page.slice(page.indexOf(from), page.indexOf(to, page.indexOf(from)))
  return [...part.matchAll(/`([A-Za-z]\w*)`/g)].map(([, name]) => name)
}

const isMethod = (name: string) => name in neyron.Tensor.prototype || name in neyron.zeros([1])

test('what is called the same is a method of Tensor, or in italics a function', () => {
  const same = page.slice(page.indexOf('**The same**'), page.indexOf('**Different**'))
  const functions = [...same.matchAll(/_`(\w+)`_/g)].map(([, name]) => name)
  const methods = namesIn('| family', '**Different**').filter((name) => !functions.includes(name))
  expect(methods.length).toBeGreaterThan(60)
  expect(functions.length).toBeGreaterThan(10)
  expect(methods.filter((name) => !isMethod(name))).toEqual([])
  expect(functions.filter((name) => !(name in neyron))).toEqual([])
})

test('what is called missing is missing', () => {
  const missing = namesIn('**Not there**', '## Layers, losses, optimizers')
  expect(missing.length).toBeGreaterThan(40)
  expect(missing.filter((name) => isMethod(name) || name in neyron)).toEqual([])
})

test('every operation is named', () => {
  const words = new Set(page.match(/\w+/g))
  expect(Object.keys(ops).filter((op) => !words.has(op) && op !== 'cast' && !(op in neyron.nn.functional))).toEqual([])
})

describe('the table of families', () => {
  const part = page.slice(page.indexOf('## Layers, losses, optimizers'), page.indexOf('## From TensorFlow.js'))
  const rows = part
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| family') && !line.startsWith('| ---'))
    .map((line) => line.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '').trim()))
  const { nn, optim } = neyron
  const codeIn = (text: string) => [...text.matchAll(/`([A-Za-z]\w*)`/g)].map(([, name]) => name)
  const rowOf = (family: string) => codeIn(rows.find(([name]) => name === family)?.[1] ?? '')

  test('has one row for each', () => {
    const families = rows.map(([family]) => family)
    expect(families.length).toBeGreaterThan(9)
    expect([...new Set(families)]).toEqual(families)
    expect(rows.every((cells) => cells.length === 3)).toBe(true)
  })

  test('names what is there, and all of it', () => {
    const there = rows.map((cells) => cells[1]).join(' ')
    const named = [...there.matchAll(/`(?:nn|optim)\.(\w+)`/g)].map(([, name]) => name)
    const exported = [...Object.keys(nn), ...Object.keys(optim)]
    expect(named.filter((name) => !exported.includes(name))).toEqual([])
    expect(exported.filter((name) => !named.includes(name) && name !== 'Optimizer')).toEqual([])
    expect(rowOf('initialisation').sort()).toEqual(Object.keys(nn.init).sort())
    const schedulers = Object.keys(optim.lrScheduler).filter((name) => name !== 'LRScheduler')
    expect(rowOf('schedulers').sort()).toEqual(schedulers.sort())
    for (const name of Object.keys(nn.utils)) expect(rowOf('optimizers')).toContain(name)
  })

  test('calls missing what is missing', () => {
    const missing = rows.flatMap((cells) => codeIn(cells[2]))
    expect(missing.length).toBeGreaterThan(15)
    const there = [neyron, nn, nn.functional, nn.init, optim, optim.lrScheduler].flatMap(Object.keys)
    expect(missing.filter((name) => there.includes(name))).toEqual([])
  })
})

test('each family has one row', () => {
  const part = page.slice(page.indexOf('## Layers, losses, optimizers'), page.indexOf('## From TensorFlow.js'))
  const families = [...part.matchAll(/^\| (\w+) /gm)].map(([, family]) => family)
  expect(families.length).toBeGreaterThan(5)
  expect(families).toEqual([...new Set(families)])
})
