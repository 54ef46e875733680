/** What a tensor and a model look like when they are printed, and in consoles. What PyTorch printed is quoted. */
import { Session } from 'node:inspector'
import { inspect } from 'node:util'
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { arange, nn, optim, scope, steps, Tensor, tensor, zeros } from '../src/index.ts'
import { Heap } from '../src/runtime/heap.ts'

const { Infinity: inf, NaN: nan } = globalThis

const int32 = { dtype: 'int32' } as const
/** 0 to n - 1, int32. */
const count = (n: number) => arange(0, n, 1, int32)

/** The text without what PyTorch does not say. */
const elements = (x: Tensor) => x.toString().replace(/,\s+shape=\(.*\), dtype=\w+\)$/, ')')

/** A template without the first line break and the indentation of the source. */
const quoted = (text: string) => text.replace(/^\n/, '').replaceAll(/^ {6}/gm, '').trimEnd()

afterEach(() => {
  vi.restoreAllMocks()
})

describe('the elements are printed as PyTorch 1.13 prints them', () => {
  test.for<[string, Tensor]>([
    ['tensor(1.5000)', tensor(1.5)],
    ['tensor(7.)', tensor(7)],
    ['tensor(-0.)', tensor(-0)],
    ['tensor(nan)', tensor(nan)],
    ['tensor(true)', tensor(true)],
    ['tensor(3)', tensor(3, int32)],
    ['tensor(1.0000e-05)', tensor(1e-5)],
    ['tensor([1., 2.])', tensor([1, 2])],
    ['tensor([0., 0.])', tensor([0, 0])],
    ['tensor([  1, -20, 300])', tensor([1, -20, 300], int32)],
    ['tensor([  7, 255])', tensor(Uint8Array.of(7, 255))],
    ['tensor([])', zeros([2, 0, 3])],
  ])('%s', ([text, x]) => {
    expect(elements(x)).toBe(text)
  })

  test.for<[string, Tensor]>([
    ['tensor([1., nan, inf, -inf])', tensor([1, nan, inf, -inf])],
    ['tensor([1.5000,    nan,   -inf])', tensor([1.5, nan, -inf])],
    ['tensor([nan, inf])', tensor([nan, inf])],
    ['tensor([-0.0000, 1.5000])', tensor([-0, 1.5])],
    ['tensor([1.0000e-05, 0.0000e+00,        inf])', tensor([1e-5, 0, inf])],
  ])('zeros, NaN and infinities do not choose the form: %s', ([text, x]) => {
    expect(elements(x)).toBe(text)
  })

  test.for<[string, Tensor]>([
    ['tensor([   1., 1000.])', tensor([1, 1000])],
    ['tensor([1.0000e+00, 1.0010e+03])', tensor([1, 1001])],
    ['tensor([  0.5000, 500.0000])', tensor([0.5, 500])],
    ['tensor([5.0000e-01, 5.0100e+02])', tensor([0.5, 501])],
    ['tensor([1.0000e+08, 2.0000e+08])', tensor([1e8, 2e8])],
    ['tensor([0.0010, 0.5000])', tensor([0.001, 0.5])],
    ['tensor([1.0000e-04, 5.0000e-01])', tensor([1e-4, 0.5])],
    ['tensor([3.4000e+38, 1.4013e-45])', tensor([3.4e38, 1e-45])],
  ])('scientific notation begins where it begins there: %s', ([text, x]) => {
    expect(elements(x)).toBe(text)
  })

  test.for<[string, Tensor]>([
    ['tensor([ 0.0312,  0.0938, -0.1562,  0.5000])', tensor([1 / 32, 3 / 32, -5 / 32, 0.5])],
    ['tensor([1.0000e+05, 1.0000e+00])', tensor([100005, 1])],
    ['tensor([1.2346e+04, 1.0000e+00])', tensor([12345.5, 1])],
  ])('what lies half-way goes to the even digit: %s', ([text, x]) => {
    expect(elements(x)).toBe(text)
  })

  test.for<[string, Tensor]>([
    [
      `
      tensor([[ 1.0000,  2.5000],
              [-3.0000,  4.0000]])`,
      tensor([
        [1, 2.5],
        [-3, 4],
      ]),
    ],
    [
      `
      tensor([[ true, false],
              [false, false]])`,
      tensor([
        [true, false],
        [false, false],
      ]),
    ],
    [
      `
      tensor([[ 0,  4,  8],
              [ 1,  5,  9],
              [ 2,  6, 10],
              [ 3,  7, 11]])`,
      count(12).reshape([3, 4]).transpose(0, 1),
    ],
    [
      `
      tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000, 1.2500, 1.5000, 1.7500, 2.0000,
              2.2500, 2.5000, 2.7500, 3.0000, 3.2500, 3.5000, 3.7500, 4.0000, 4.2500,
              4.5000, 4.7500, 5.0000, 5.2500, 5.5000, 5.7500, 6.0000, 6.2500, 6.5000,
              6.7500, 7.0000, 7.2500])`,
      arange(30).div(4),
    ],
    [
      `
      tensor([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17,
              18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35,
              36, 37, 38, 39])`,
      count(40),
    ],
    [
      `
      tensor([[[0.0000, 0.0250, 0.0500, 0.0750, 0.1000, 0.1250, 0.1500, 0.1750,
                0.2000, 0.2250, 0.2500, 0.2750, 0.3000, 0.3250, 0.3500, 0.3750,
                0.4000, 0.4250, 0.4500, 0.4750]],

              [[0.5000, 0.5250, 0.5500, 0.5750, 0.6000, 0.6250, 0.6500, 0.6750,
                0.7000, 0.7250, 0.7500, 0.7750, 0.8000, 0.8250, 0.8500, 0.8750,
                0.9000, 0.9250, 0.9500, 0.9750]]])`,
      arange(40).div(40).reshape([2, 1, 20]),
    ],
    [
      `
      tensor([[[[-3.5000, -3.0000],
                [-2.5000, -2.0000]],

               [[-1.5000, -1.0000],
                [-0.5000,  0.0000]]],


              [[[ 0.5000,  1.0000],
                [ 1.5000,  2.0000]],

               [[ 2.5000,  3.0000],
                [ 3.5000,  4.0000]]]])`,
      arange(16).div(2).sub(3.5).reshape([2, 2, 2, 2]),
    ],
  ])('brackets are aligned, and lines broken: %#', ([text, x]) => {
    expect(elements(x)).toBe(quoted(text))
  })

  test.for<[string, Tensor]>([
    ['tensor([   0.,    1.,    2.,  ...,  998.,  999., 1000.])', arange(1001)],
    [
      `
      tensor([[   0,    1,    2,  ...,  997,  998,  999],
              [1000, 1001, 1002,  ..., 1997, 1998, 1999]])`,
      count(2000).reshape([2, 1000]),
    ],
    [
      `
      tensor([[   0,    1,    2,  ...,   37,   38,   39],
              [  40,   41,   42,  ...,   77,   78,   79],
              [  80,   81,   82,  ...,  117,  118,  119],
              ...,
              [1480, 1481, 1482,  ..., 1517, 1518, 1519],
              [1520, 1521, 1522,  ..., 1557, 1558, 1559],
              [1560, 1561, 1562,  ..., 1597, 1598, 1599]])`,
      count(1600).reshape([40, 40]),
    ],
    [
      `
      tensor([[[   0,    1],
               [   2,    3]],

              [[   4,    5],
               [   6,    7]],

              [[   8,    9],
               [  10,   11]],

              ...,

              [[1588, 1589],
               [1590, 1591]],

              [[1592, 1593],
               [1594, 1595]],

              [[1596, 1597],
               [1598, 1599]]])`,
      count(1600).reshape([400, 2, 2]),
    ],
  ])('more than 1000 elements are cut to the edges: %#', ([text, x]) => {
    expect(elements(x)).toBe(quoted(text))
  })

  test('up to 1000 elements are all shown', () => {
    expect(`${count(1000)}`).toContain(' 499, 500,')
    expect(`${count(1000)}`).not.toContain('...')
  })
})

describe('what is said after the elements', () => {
  test('is shape and dtype', () => {
    expect(`${tensor(1.5)}`).toBe('tensor(1.5000, shape=(), dtype=float32)')
    expect(`${zeros([0, 3], { dtype: 'bool' })}`).toBe('tensor([], shape=(0, 3), dtype=bool)')
    expect(`${count(4).reshape([2, 2])}`).toBe('tensor([[0, 1],\n        [2, 3]], shape=(2, 2), dtype=int32)')
  })

  test('is its part in autograd', () => {
    const x = tensor([1, 2], { requiresGrad: true })
    expect(`${x}`).toBe('tensor([1., 2.], shape=(2), dtype=float32, requiresGrad=true)')
    expect(`${x.mul(3)}`).toBe('tensor([3., 6.], shape=(2), dtype=float32, gradFn=mul)')
    expect(`${x.detach()}`).toBe('tensor([1., 2.], shape=(2), dtype=float32)')
  })

  test('goes on a new line where the line would have more than 80 characters', () => {
    expect(`${arange(9)}`).toBe('tensor([0., 1., 2., 3., 4., 5., 6., 7., 8.], shape=(9), dtype=float32)')
    expect(`${arange(12).add(10)}`).toBe(
      'tensor([10., 11., 12., 13., 14., 15., 16., 17., 18., 19., 20., 21.],\n       shape=(12), dtype=float32)',
    )
  })

  test('comes after the word parameter, as in PyTorch', () => {
    const parameter = new nn.Parameter(tensor([1, 2]))
    expect(`${parameter}`).toBe('Parameter containing:\ntensor([1., 2.], shape=(2), dtype=float32, requiresGrad=true)')
  })
})

describe('a tensor whose memory is gone', () => {
  test('prints what it was, and how it went', () => {
    const disposed = zeros([2, 3])
    disposed.dispose()
    expect(`${disposed}`).toBe('tensor(<gone: it was disposed>, shape=(2, 3), dtype=float32)')
    let inside = disposed
    scope(() => {
      inside = tensor([1, 2], { requiresGrad: true }).mul(2)
    })
    expect(`${inside}`).toBe('tensor(<gone: its scope ended>, shape=(2), dtype=float32, gradFn=mul)')
    const turns: Tensor[] = []
    for (const i of steps(3)) turns.push(tensor([i, i]))
    expect(`${turns[0]}`).toBe('tensor(<gone: its turn ended one turn ago>, shape=(2), dtype=float32)')
  })

  test('of one element prints its value', () => {
    const x = tensor([[4]])
    x.dispose()
    expect(`${x}`).toBe('tensor([[4.]], shape=(1, 1), dtype=float32)')
  })
})

test('printing 100 million elements reads those that it shows', () => {
  const read = vi.spyOn(Heap.prototype, 'read')
  const download = vi.spyOn(Heap.prototype, 'download')
  using x = zeros([10_000, 10_000], { dtype: 'uint8' })
  const row = '[0, 0, 0,  ..., 0, 0, 0]'
  const rows = [row, row, row, '...', row, row, row].join(',\n        ')
  expect(`${x}`).toBe(`tensor([${rows}], shape=(10000, 10000), dtype=uint8)`)
  expect(read).toHaveBeenCalledTimes(36)
  expect(download).not.toHaveBeenCalled()
})

test('printing leaves no memory behind and no trace in the graph', () => {
  const x = tensor([[1, 2]], { requiresGrad: true })
  const y = x.transpose(0, 1).mul(2)
  const alloc = vi.spyOn(Heap.prototype, 'alloc')
  inspect([x, y])
  expect(alloc).not.toHaveBeenCalled()
  y.sum().backward()
  expect(x.grad?.toArray()).toEqual([[2, 2]])
})

class Net extends nn.Module {
  readonly fc = new nn.Linear(4, 3)
  readonly blocks = [new nn.ReLU(), nn.sequential(new nn.Linear(3, 3, { bias: false }), new nn.Tanh())]
  readonly heads = { main: new nn.Linear(3, 1) }
  /** Points back, as layers may that know their model. */
  readonly back = Object.assign(new nn.Tanh(), { model: this })

  forward(x: Tensor): Tensor {
    return this.fc.forward(x)
  }
}

const NET = `
      Net(
        (fc): Linear(inFeatures=4, outFeatures=3, bias=true)
        (blocks.0): ReLU()
        (blocks.1): Sequential(
          (0): Linear(inFeatures=3, outFeatures=3, bias=false)
          (1): Tanh()
        )
        (heads.main): Linear(inFeatures=3, outFeatures=1, bias=true)
        (back): Tanh()
      )`

describe('a module', () => {
  test('prints as a tree of layers with their arguments', () => {
    expect(`${nn.sequential(new nn.Linear(784, 128), new nn.ReLU(), new nn.Linear(128, 10))}`).toBe(
      quoted(`
      Sequential(
        (0): Linear(inFeatures=784, outFeatures=128, bias=true)
        (1): ReLU()
        (2): Linear(inFeatures=128, outFeatures=10, bias=true)
      )`),
    )
    expect(`${new Net()}`).toBe(quoted(NET))
  })

  test('of a user says what extraRepr says', () => {
    class Scaled extends nn.Module {
      readonly inner = new nn.Tanh()

      forward(x: Tensor): Tensor {
        return this.inner.forward(x).mul(2)
      }

      override extraRepr(): string {
        return 'factor=2\nmode=plain'
      }
    }
    expect(`${new Scaled()}`).toBe('Scaled(\n  factor=2\n  mode=plain\n  (inner): Tanh()\n)')
  })

  test('that holds one module twice shows it twice', () => {
    const shared = new nn.Tanh()
    expect(`${nn.sequential(shared, shared)}`).toBe('Sequential(\n  (0): Tanh()\n  (1): Tanh()\n)')
  })
})

describe('an optimizer', () => {
  test('prints its groups with their options', () => {
    const model = nn.sequential(new nn.Linear(2, 3), new nn.Linear(3, 1))
    const optimizer = new optim.SGD([{ params: model[0].parameters() }, { params: model[1].parameters(), lr: 1 }], {
      lr: 0.1,
    })
    expect(`${optimizer}`).toBe(
      quoted(`
      SGD (
      Parameter Group 0
          dampening: 0
          lr: 0.1
          maximize: false
          momentum: 0
          nesterov: false
          weightDecay: 0

      Parameter Group 1
          dampening: 0
          lr: 1
          maximize: false
          momentum: 0
          nesterov: false
          weightDecay: 0
      )`),
    )
  })

  test('shows options as they are now, in consoles too, and its name where it lies deeper', () => {
    const optimizer = new optim.Adam(new nn.Linear(2, 3).parameters())
    optimizer.lr = 1e-8
    expect(inspect(optimizer)).toBe(
      quoted(`
      Adam (
      Parameter Group 0
          amsgrad: false
          betas: [0.9, 0.999]
          eps: 1e-8
          lr: 1e-8
          maximize: false
          weightDecay: 0
      )`),
    )
    expect(inspect({ optimizer }, { depth: 0 })).toBe('{ optimizer: [Adam] }')
  })
})

describe("Node's console", () => {
  const x = tensor([
    [1, 2],
    [3, 4],
  ]).keep()

  test('shows the text, indented where it stands', () => {
    expect(inspect(x)).toBe(`${x}`)
    expect(inspect(new nn.Tanh())).toBe('Tanh()')
    expect(inspect({ x, more: [x, { model: new Net() }] }, { depth: 4 })).toBe(
      quoted(`
      {
        x: tensor([[1., 2.],
                [3., 4.]], shape=(2, 2), dtype=float32),
        more: [
          tensor([[1., 2.],
                  [3., 4.]], shape=(2, 2), dtype=float32),
          {
            model: Net(
              (fc): Linear(inFeatures=4, outFeatures=3, bias=true)
              (blocks.0): ReLU()
              (blocks.1): Sequential(
                (0): Linear(inFeatures=3, outFeatures=3, bias=false)
                (1): Tanh()
              )
              (heads.main): Linear(inFeatures=3, outFeatures=1, bias=true)
              (back): Tanh()
            )
          }
        ]
      }`),
    )
  })

  test('shows a few words beyond its depth', () => {
    const parameter = new nn.Parameter(zeros([3]))
    const layers = { x, parameter, model: new Net() }
    expect(inspect({ layers }, { depth: 0 })).toBe('{ layers: [Object] }')
    expect(inspect(layers, { depth: -1 })).toBe('[Object]')
    expect(inspect([x, parameter, new Net()], { depth: 0 })).toBe(
      '[ [Tensor (2, 2) float32], [Parameter (3) float32], [Net] ]',
    )
  })

  test('shows classes and prototypes as they are', () => {
    expect(inspect(Tensor)).toContain('class Tensor')
    expect(inspect(Tensor.prototype)).toBe('{}')
  })
})

describe("a browser's console", () => {
  const session = new Session()

  /** Sends a message of the protocol that Chromium's console speaks; the answer comes at once. */
  function ask<T>(method: string, params: object = {}): T {
    let answer: unknown
    session.post(method, params, (error, result) => {
      if (error) throw error
      answer = result
    })
    return answer as T
  }

  interface Remote {
    readonly customPreview?: { readonly header: string; readonly bodyGetterId?: string }
    readonly preview?: { readonly properties: readonly { readonly name: string }[] }
  }

  function shown(value: unknown): Remote {
    ;(globalThis as { shown?: unknown }).shown = value
    const expression = 'globalThis.shown'
    return ask<{ result: Remote }>('Runtime.evaluate', { expression, generatePreview: true }).result
  }

  const header = (value: unknown) => JSON.parse(shown(value).customPreview?.header ?? 'null')

  function body(value: unknown): unknown {
    const objectId = shown(value).customPreview?.bodyGetterId
    const functionDeclaration = 'function () { return this() }'
    const parameters = { objectId, functionDeclaration, returnByValue: true }
    return ask<{ result: { value: unknown } }>('Runtime.callFunctionOn', parameters).result.value
  }

  beforeAll(() => {
    session.connect()
    ask('Runtime.enable')
    return () => session.disconnect()
  })

  test('shows shape and dtype first where there are no formatters', () => {
    const names = shown(tensor([1, 2])).preview?.properties.map(({ name }) => name)
    // Five in all, of which private ones come first.
    expect(names).toEqual(['#requiresGrad', '#grad', 'shape', 'dtype', 'numel'])
  })

  describe('with custom formatters', () => {
    beforeAll(() => {
      ask('Runtime.setCustomObjectFormatterEnabled', { enabled: true })
      return () => ask('Runtime.setCustomObjectFormatterEnabled', { enabled: false })
    })

    test('shows one line as it is, more lines when it is opened', () => {
      expect(header(tensor([1, 2]))).toEqual(['span', {}, 'tensor([1., 2.], shape=(2), dtype=float32)'])
      const x = zeros([2, 1])
      expect(header(x)).toEqual(['span', {}, 'Tensor (2, 1) float32'])
      expect(body(x)).toEqual([
        'div',
        expect.objectContaining({ style: expect.stringContaining('white-space: pre') }),
        ['div', {}, 'tensor([[0.],'],
        ['div', {}, '        [0.]], shape=(2, 1), dtype=float32)'],
        ['div', {}, ['object', expect.objectContaining({ className: 'Tensor' })]],
      ])
    })

    test('shows modules', () => {
      expect(header(new nn.Tanh())).toEqual(['span', {}, 'Tanh()'])
      expect(header(new Net())).toEqual(['span', {}, 'Net'])
      expect(body(new Net())).toContainEqual(['div', {}, '  (fc): Linear(inFeatures=4, outFeatures=3, bias=true)'])
    })

    test('shows optimizers', () => {
      const optimizer = new optim.SGD([zeros([1], { requiresGrad: true })])
      expect(header(optimizer)).toEqual(['span', {}, 'SGD'])
      expect(body(optimizer)).toContainEqual(['div', {}, '    lr: 0.01'])
    })

    test('leaves everything else alone', () => {
      const [group] = new optim.SGD([zeros([1], { requiresGrad: true })]).paramGroups
      for (const value of [1, null, 'text', [1], {}, group, Tensor, Tensor.prototype])
        expect(shown(value).customPreview).toBeUndefined()
      const { devtoolsFormatters } = globalThis as unknown as { devtoolsFormatters: { header(x: unknown): unknown }[] }
      expect(devtoolsFormatters.at(-1)?.header(nn.Module.prototype)).toBeNull()
    })
  })

  test('gets one formatter, beside those of others', async () => {
    const page = globalThis as { devtoolsFormatters?: unknown }
    const before = page.devtoolsFormatters
    try {
      for (const [found, left] of [
        [undefined, [expect.objectContaining({ header: expect.any(Function) })]],
        [['of another library'], ['of another library', expect.objectContaining({ header: expect.any(Function) })]],
        ['not a list', 'not a list'],
      ]) {
        page.devtoolsFormatters = found
        vi.resetModules()
        const fresh = await import('../src/index.ts')
        expect(page.devtoolsFormatters).toBe(found)
        fresh.zeros([1])
        fresh.zeros([1])
        expect(page.devtoolsFormatters).toEqual(left)
      }
    } finally {
      page.devtoolsFormatters = before
    }
  })
})
