/** What a module says about what is inside it, and does to it. */
import { describe, expect, test } from 'vitest'
import { DtypeError, nn, OptionError, type Tensor, tensor, zeros } from '../src/index.ts'

const shared = new nn.Linear(3, 3)

class Block extends nn.Module {
  readonly norm = new nn.BatchNorm1d(3)
  readonly tied = shared
  /** Points back, as modules may that know their model. */
  model: nn.Module | null = null

  forward(x: Tensor): Tensor {
    return this.tied.forward(this.norm.forward(x))
  }
}

class Net extends nn.Module {
  readonly layers = [shared, nn.sequential(new nn.ReLU(), new nn.Tanh())]
  readonly heads = { main: new Block() }
  readonly again = this.layers[1]
  readonly mask = nn.buffer(zeros([2]))
  readonly sameMask = this.mask

  forward(x: Tensor): Tensor {
    return x
  }
}

function build(): Net {
  const model = new Net()
  model.heads.main.model = model
  return model
}

const kinds = (modules: readonly nn.Module[]) => modules.map((module) => module.constructor.name)

describe('what is inside', () => {
  test('modules() gives the module and all inside, in the order of fields, each once', () => {
    const model = build()
    expect(model.namedModules().map(([name, module]) => [name, module.constructor.name])).toEqual([
      ['', 'Net'],
      ['layers.0', 'Linear'],
      ['layers.1', 'Sequential'],
      ['layers.1.0', 'ReLU'],
      ['layers.1.1', 'Tanh'],
      ['heads.main', 'Block'],
      ['heads.main.norm', 'BatchNorm1d'],
    ])
    expect(model.modules()).toEqual(model.namedModules().map(([, module]) => module))
    expect(new nn.Tanh().namedModules().map(([name]) => name)).toEqual([''])
  })

  test('children() gives those in fields, arrays and plain objects, and nothing deeper', () => {
    const model = build()
    expect(model.namedChildren().map(([name]) => name)).toEqual(['layers.0', 'layers.1', 'heads.main'])
    expect(model.children()).toEqual([...model.layers, model.heads.main])
    expect(kinds(nn.sequential(new nn.ReLU(), new nn.Tanh()).children())).toEqual(['ReLU', 'Tanh'])
    expect(new nn.Tanh().children()).toEqual([])
  })

  test('a child is found where it is one, though another has it too', () => {
    class Outer extends nn.Module {
      readonly block = nn.sequential(shared)
      readonly direct = shared
      forward(x: Tensor): Tensor {
        return x
      }
    }
    expect(new Outer().namedChildren().map(([name]) => name)).toEqual(['block', 'direct'])
  })

  test('buffers() gives each once, namedBuffers() by the names of stateDict()', () => {
    const model = build()
    const named = model.namedBuffers().map(([name]) => name)
    expect(named).toEqual([
      'heads.main.norm.running_mean',
      'heads.main.norm.running_var',
      'heads.main.norm.num_batches_tracked',
      'mask',
      'sameMask',
    ])
    const parameters = model.namedParameters().map(([name]) => name)
    expect(Object.keys(model.stateDict()).sort()).toEqual([...named, ...parameters].sort())
    expect(model.buffers()).toHaveLength(4)
    expect(model.buffers()[3]).toBe(model.mask)
    expect(new nn.Linear(1, 1).buffers()).toEqual([])
  })
})

describe('apply', () => {
  test('calls a function on what is inside first, on each module once, and returns the module', () => {
    const model = build()
    const seen: nn.Module[] = []
    expect(model.apply((module) => void seen.push(module))).toBe(model)
    expect(kinds(seen)).toEqual(['Linear', 'ReLU', 'Tanh', 'Sequential', 'BatchNorm1d', 'Block', 'Net'])
  })

  test('initialises what it is told to', () => {
    const model = nn.sequential(new nn.Linear(2, 3), new nn.ReLU(), nn.sequential(new nn.Linear(3, 1)))
    model.apply((module) => {
      if (module instanceof nn.Linear) nn.init.constant_(module.weight, 2)
    })
    expect(model[0].weight.toArray()).toEqual([
      [2, 2],
      [2, 2],
      [2, 2],
    ])
    expect(model[2][0].weight.toArray()).toEqual([[2, 2, 2]])
  })

  test('refuses what is no function', () => {
    expect(() => new nn.Tanh().apply('init' as never)).toThrow(OptionError)
    expect(() => new nn.Tanh().apply('init' as never)).toThrow(/^apply: expected a function of a module, got a string/)
  })
})

describe('requiresGrad_', () => {
  test('freezes every parameter inside and thaws it, and returns the module', () => {
    const model = nn.sequential(new nn.Linear(2, 3), new nn.Linear(3, 1))
    expect(model[0].requiresGrad_(false)).toBe(model[0])
    expect(model.parameters().map(({ requiresGrad }) => requiresGrad)).toEqual([false, false, true, true])
    model
      .forward(zeros([4, 2]))
      .sum()
      .backward()
    expect(model.parameters().map(({ grad }) => grad === null)).toEqual([true, true, false, false])
    model.requiresGrad_()
    expect(model.parameters().every(({ requiresGrad }) => requiresGrad)).toBe(true)
  })

  test('refuses integers by name, and what is no boolean, and then changes nothing', () => {
    class Table extends nn.Module {
      readonly first = new nn.Parameter(tensor([1]), { requiresGrad: false })
      readonly codes = new nn.Parameter(tensor([1], { dtype: 'int32' }), { requiresGrad: false })
      forward(x: Tensor): Tensor {
        return x
      }
    }
    const model = new Table()
    expect(() => model.requiresGrad_()).toThrow(DtypeError)
    expect(() => model.requiresGrad_()).toThrow(/^requiresGrad_: codes of dtype int32 has no gradient/)
    expect(() => model.requiresGrad_(0 as never)).toThrow(/^requiresGrad_: requiresGrad is 0; use true or false/)
    expect(model.first.requiresGrad).toBe(false)
    expect(model.requiresGrad_(false)).toBe(model)
  })
})

test('a chain has a length, as its layers have types', () => {
  const model = nn.sequential(new nn.Linear(2, 3), new nn.ReLU(), new nn.Linear(3, 1))
  const length: 3 = model.length
  expect(length).toBe(3)
  expect(model[2].weight.shape).toEqual([1, 3])
  expect(nn.sequential().length).toBe(0)
  expect(
    nn.sequential(
      ...model
        .children()
        .slice(1)
        .map((layer) => layer as nn.Layer),
    ).length,
  ).toBe(2)
})
