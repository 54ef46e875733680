/** Debug mode: the lines that tensors, errors and reports name are those of the user's program, which this file plays. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  data,
  memory,
  nn,
  noGrad,
  optim,
  rand,
  scope,
  setDebug,
  steps,
  type Tensor,
  tensor,
  zeros,
} from '../src/index.ts'
import { callIn } from '../src/runtime/origins.ts'
import { live, settled } from './settle.ts'

/** `test/debug.test.ts:12:`, where the caller is in line 12, or in one so far below or above it. */
function line(offset = 0): string {
  const [, caller] = [...String(new Error().stack).matchAll(/test\/debug\.test\.ts:(\d+):/g)]
  return `test/debug.test.ts:${Number(caller[1]) + offset}:`
}

/** The line that a tensor says it was made by. */
const madeBy = (x: Tensor) => /madeBy=(.*)\)$/.exec(`${x}`)?.[1]

function messageOf(body: () => unknown): string {
  try {
    body()
  } catch (error) {
    return (error as Error).message
  }
  throw new Error('nothing was thrown')
}

/** What the report says of a line. */
const usageOf = (where: string) => memory().byLine?.filter(({ line }) => line.startsWith(where)) ?? []

beforeEach(() => setDebug(true))
afterEach(() => setDebug(false))

describe('a tensor', () => {
  test('says which line made it, and what was called there', () => {
    const [x, made] = [tensor([1, 2], { requiresGrad: true }), line()]
    expect(`${x}`).toContain(
      `tensor([1., 2.], shape=(2), dtype=float32, requiresGrad=true,\n       madeBy=tensor at ${made}`,
    )
    const [y, added] = [x.add(1), line()]
    expect(madeBy(y)).toMatch(`add at ${added}`)
    expect(madeBy(y)).toMatch(/:\d+:\d+$/)
  })

  test('made deep inside the library names the line that called it', () => {
    const [layer, constructed] = [new nn.Linear(4, 3), line()]
    expect(madeBy(layer.weight)).toMatch(`new Linear at ${constructed}`)
    let model: nn.Layer = layer
    for (let depth = 0; depth < 15; depth++) model = nn.sequential(model)
    const [y, forward] = [model.forward(zeros([2, 4])), line()]
    expect(madeBy(y)).toMatch(`Sequential.forward at ${forward}`)
    y.sum().backward()
    const walked = line(-1)
    expect(madeBy(layer.weight.grad as Tensor)).toMatch(`backward at ${walked}`)
    const set = new data.TensorDataset(zeros([2, 4]))
    for (const [x] of new data.DataLoader(set)) expect(madeBy(x)).toMatch(/^DataLoader at test/)
  })

  test('made in a function that the library calls names the line in it', () => {
    let written = ''
    class Net extends nn.Module {
      forward(x: Tensor): Tensor {
        const [y, at] = [x.mul(2), line()]
        written = at
        return y
      }
    }
    expect(madeBy(nn.sequential(new Net()).forward(zeros([1])))).toMatch(`mul at ${written}`)
    const [x, at] = noGrad(() => [zeros([2]), line()] as const)
    expect(madeBy(x)).toMatch(`zeros at ${at}`)
    const made = [1, 2].map(() => [rand([2]), line()] as const)
    for (const [x, at] of made) expect(madeBy(x)).toMatch(`rand at ${at}`)
  })

  test('made after an await names its line', async () => {
    const make = async () => {
      await null
      return [zeros([1]), line()] as const
    }
    const [x, at] = await make()
    expect(madeBy(x)).toMatch(`zeros at ${at}`)
  })

  test('that views another has a line of its own, the memory that of the other', () => {
    const [x, made] = [zeros([8, 16]), line()]
    const [y, viewed] = [x.transpose(0, 1), line()]
    expect(madeBy(y)).toMatch(`transpose at ${viewed}`)
    expect(usageOf(made)).toEqual([expect.objectContaining({ by: 'zeros', live: 512, count: 1 })])
    expect(usageOf(viewed)).toEqual([])
  })

  test('made while debug mode is off has none', () => {
    setDebug(false)
    const [x, made] = [zeros([2]), line()]
    expect(`${x}`).toBe('tensor([0., 0.], shape=(2), dtype=float32)')
    setDebug(true)
    expect(`${x}`).toBe('tensor([0., 0.], shape=(2), dtype=float32)')
    expect(usageOf(made)).toEqual([])
    x.dispose()
    expect(messageOf(() => x.toArray())).toMatch(
      /this tensor of shape \(2\) is gone: it was disposed \(dispose at test/,
    )
  })
})

describe('an error', () => {
  test('about a stale tensor names the line that made it and the one that freed it', () => {
    const [x, made] = [zeros([2, 3]), line()]
    x.dispose()
    const freed = line(-1)
    const message = messageOf(() => x.toArray())
    expect(message).toContain(`this tensor of shape (2, 3) (zeros at ${made}`)
    expect(message).toContain(`is gone: it was disposed (dispose at ${freed}`)
    expect(`${x}`).toContain(`<gone: it was disposed (dispose at ${freed}`)
  })

  test('names the end of a scope or turn, and the operation that began the next graph', () => {
    let x = zeros([2])
    const ended = line(1)
    scope(() => {
      x = zeros([2])
    })
    expect(messageOf(() => x.toArray())).toContain(`its scope ended (scope at ${ended}`)

    const turns: Tensor[] = []
    const loop = line(1)
    for (const _ of steps(3)) turns.push(zeros([2]))
    expect(messageOf(() => turns[0].toArray())).toMatch(`its turn ended one turn ago (takeTurns at ${loop}`)

    const leaf = tensor([1, 2], { requiresGrad: true })
    const [y, computed] = [leaf.mul(2), line()]
    y.sum().backward()
    const [, next] = [leaf.add(1), line()]
    const message = messageOf(() => y.toArray())
    expect(message).toContain(`computed by mul (mul at ${computed}`)
    expect(message).toContain(`its graph was freed when the next one began (add at ${next}`)
  })

  test('of backward() names the operation that saved, and what changed its input', () => {
    const x = tensor([1, 2], { requiresGrad: true })
    const w = tensor([3, 4])
    const [y, multiplied] = [x.mul(w), line()]
    w.add_(1)
    const changed = line(-1)
    const message = messageOf(() => y.sum().backward())
    expect(message).toContain(`mul (mul at ${multiplied}`)
    expect(message).toContain(`changed in place afterwards (add_ at ${changed}`)

    const optimizer = new optim.SGD([x])
    const [z, squared] = [x.mul(x), line()]
    x.grad = tensor([1, 1])
    optimizer.step()
    const stepped = line(-1)
    expect(messageOf(() => z.sum().backward())).toMatch(
      RegExp(`mul at ${squared}.*changed in place afterwards \\(SGD.step at ${stepped}`),
    )
  })

  test('of a second backward() names the line of the loss', () => {
    const [loss, computed] = [tensor([1, 2], { requiresGrad: true }).sum(), line()]
    loss.backward()
    expect(messageOf(() => loss.backward())).toContain(`the graph of this sum (sum at ${computed}`)
  })
})

describe('memory().byLine', () => {
  test('is there while debug mode is on', () => {
    expect(memory().byLine).toBeDefined()
    setDebug(false)
    expect(memory()).not.toHaveProperty('byLine')
  })

  test('counts live bytes by line, the largest first', () => {
    const before = memory()
    const [xs, many] = [[1, 2, 3].map((n) => zeros([256, n])), line()]
    const [model, parameters] = [new nn.Linear(64, 64), line()]
    const optimizer = new optim.Adam(model.parameters())
    model
      .forward(zeros([1, 64]))
      .sum()
      .backward()
    optimizer.step()
    const state = line(-1)
    expect(usageOf(many)).toEqual([{ line: expect.any(String), by: 'zeros', live: 6 * 1024, count: 3 }])
    expect(usageOf(parameters)).toEqual([expect.objectContaining({ by: 'new Linear', live: 64 * 65 * 4, count: 2 })])
    expect(usageOf(state)).toEqual([expect.objectContaining({ by: 'Adam.step', count: 5 })])

    const after = memory()
    const sizes = after.byLine?.map((usage) => usage.live) ?? []
    expect(sizes).toEqual(sizes.toSorted((a, b) => b - a))
    const sum = (report: typeof after) => report.byLine?.reduce((total, usage) => total + usage.live, 0) ?? 0
    expect(sum(after) - sum(before)).toBe(after.live - before.live)

    xs[0].dispose()
    setDebug(false)
    xs[1].dispose()
    setDebug(true)
    expect(usageOf(many)).toEqual([expect.objectContaining({ live: 3 * 1024, count: 1 })])
    xs[2].dispose()
    expect(usageOf(many)).toEqual([])
  })
})

test('debug mode keeps no tensor alive', async () => {
  await settled()
  const before = live()
  ;(() => {
    const x = zeros([1000], { requiresGrad: true })
    x.transpose(0, 0).mul(x).sum().backward()
    new nn.Linear(10, 10).forward(zeros([3, 10]))
  })()
  expect(await settled(before)).toBeLessThanOrEqual(before)
})

test('anything but true and false is an error', () => {
  expect(() => setDebug('yes' as unknown as boolean)).toThrow('setDebug: expected true or false, got yes')
})

describe('a stack is read', () => {
  const library = (file: string) => [
    `Error`,
    `    at locate (${file}:10:21)`,
    `    at new Storage (${file}:20:3)`,
    `    at ${file}:30:3`,
    `    at Tensor.matmul (${file}:40:12)`,
  ]
  const DIST = 'file:///app/node_modules/neyron/dist/index.js'

  test.for<[string, string[], string]>([
    ['by its file', ['    at train (file:///app/src/train.ts:12:9)'], 'matmul at src/train.ts:12:9'],
    ['without a function', ['    at file:///app/src/train.ts:12:9'], 'matmul at src/train.ts:12:9'],
    ['in an async function', ['    at async train (C:\\app\\train.ts:12:9)'], 'matmul at app\\train.ts:12:9'],
    ['in a folder in brackets', ['    at page (file:///app/(x)/page.tsx:1:2)'], 'matmul at (x)/page.tsx:1:2'],
    [
      'from a server',
      ['    at train (http://localhost:5173/train.ts?t=17:12:9)'],
      'matmul at localhost:5173/train.ts:12:9',
    ],
    [
      'past functions of the host',
      [
        '    at Array.map (<anonymous>)',
        '    at map (native:1:11)',
        '    at node:internal/main/run:1:2',
        '    at eval (eval at f (file:///app/a.js:1:1), <anonymous>:1:5)',
        '    at f (/app/a.js:1:1)',
      ],
      'matmul at app/a.js:1:1',
    ],
    [
      'by the last name in the library',
      [
        `    at new Linear (${DIST}:50:1)`,
        `    at Object.make [as linear] (${DIST}:60:1)`,
        `    at ${DIST}:70:1`,
        '    at /app/a.js:1:1',
      ],
      'make at app/a.js:1:1',
    ],
    [
      'with other files of the package',
      [`    at chunk (${DIST.replace('index', 'chunk')}:1:1)`, '    at f (/a/b.js:1:1)'],
      'chunk at a/b.js:1:1',
    ],
  ])("of V8's: %s", ([, frames, call]) => {
    expect(`${callText([...library(DIST), ...frames])}`).toBe(call)
  })

  test.for([
    ['https://cdn.example/npm/neyron@1.2.3/dist/shared.js', 'https://cdn.example/npm/neyron@1.2.3/dist/index.js'],
    ['file:///home/me/checkout/dist/shared.js', 'file:///home/me/checkout/dist/index.js'],
    [
      'http://localhost:5173/node_modules/.vite/deps/chunk-A1.js',
      'http://localhost:5173/node_modules/.vite/deps/neyron.js',
    ],
  ])('over several files of the library: %s', ([file, entry]) => {
    const stack = [
      ...library(file),
      `    at Linear.forward (${entry}:5:6)`,
      '    at train (https://example.org/train.js:12:9)',
    ]
    expect(`${callText(stack)}`).toBe('Linear.forward at example.org/train.js:12:9')
  })

  test("of Firefox's", () => {
    const file = 'http://localhost:5173/node_modules/.vite/deps/neyron.js?v=0a'
    const stack = [
      `locate@${file}:10:21`,
      `alloc@${file}:20:3`,
      `defineOp/<@${file}:30:3`,
      `matmul@${file}:40:12`,
      'train/step<@http://localhost:5173/src/train.ts?t=1:12:9',
      'async*@http://localhost:5173/src/main.ts:3:1',
    ]
    expect(callText(stack)).toBe('matmul at src/train.ts:12:9')
  })

  test("of Safari's", () => {
    const file = 'https://cdn.example/npm/neyron@1.2.3/dist/index.js'
    const stack = [
      `locate@${file}:10:21`,
      `@${file}:30:3`,
      `matmul@${file}:40:12`,
      'map@[native code]',
      'module code@https://example.org/train.js:12:9',
    ]
    expect(callText(stack)).toBe('matmul at example.org/train.js:12:9')
  })

  test('to its end where the program is in the same file', () => {
    const file = 'file:///app/bundle.js'
    const program = [`    at train (${file}:900:3)`, `    at ${file}:950:1`, '    at node:internal/main/run:1:2']
    expect(callText([...library(file), ...program])).toBe('train at app/bundle.js:950:1')
  })

  test('as nothing where no program is in it', () => {
    expect(callText(library(DIST))).toBe('nothing')
    expect(callText(['undefined'])).toBe('nothing')
  })

  function callText(stack: readonly string[]): string {
    const call = callIn(stack.join('\n'))
    return call ? `${call.by} at ${call.line}` : 'nothing'
  }
})
