/** Parameter groups and state dicts of optimizers. */
import { describe, expect, test } from 'vitest'
import { memory, nn, OptionError, optim, ShapeError, scope, type Tensor, tensor, zeros } from '../src/index.ts'
import { random } from './ops/check.ts'
import { failing, refusedOperation } from './support/failing.ts'

const leaf = (...data: number[]) => tensor(data, { requiresGrad: true })
const wrong = <T>(value: unknown) => value as T
const bits = (x: Tensor) => [...new Int32Array(x.toTypedArray().slice().buffer)]

/** A state as JSON; its tensors are freed. */
function freed<Options>(saved: optim.OptimizerStateDict<Options>): string {
  const text = JSON.stringify(saved)
  for (const entry of Object.values(saved.state))
    for (const value of Object.values(entry)) if (typeof value === 'object') value?.dispose()
  return text
}

describe('groups', () => {
  test('set options of their own, and take the others from the optimizer', () => {
    const [a, b] = [leaf(1, 2), leaf(3)]
    const optimizer = new optim.SGD(
      [
        { params: [a], lr: 0.5 },
        { params: [b], weightDecay: 0.1 },
      ],
      { momentum: 0.9 },
    )
    expect(optimizer.paramGroups).toEqual([
      { params: [a], lr: 0.5, momentum: 0.9, dampening: 0, weightDecay: 0, nesterov: false, maximize: false },
      { params: [b], lr: 0.01, momentum: 0.9, dampening: 0, weightDecay: 0.1, nesterov: false, maximize: false },
    ])
    a.grad = tensor([1, 1])
    b.grad = tensor([1])
    optimizer.step()
    expect([...a.toTypedArray(), ...b.toTypedArray()]).toEqual([0.5, 1.5, 3 - 0.01 * 1.3].map(Math.fround))
  })

  test('give the bits of an optimizer for each of them', () => {
    const run = (make: (a: Tensor, b: Tensor) => { step(): void }[]) => {
      const [a, b] = [leaf(...random(9, 1)), leaf(...random(6, 2))]
      const optimizers = make(a, b)
      for (let t = 0; t < 10; t++) {
        a.grad = tensor(random(9, 10 + t))
        b.grad = t % 3 === 0 ? null : tensor(random(6, 30 + t))
        for (const optimizer of optimizers) optimizer.step()
      }
      return [bits(a), bits(b)]
    }
    const [first, second] = [{ lr: 0.1 }, { lr: 0.01, betas: [0.5, 0.9] as const, amsgrad: true }]
    expect(
      run((a, b) => [
        new optim.Adam([
          { params: [a], ...first },
          { params: [b], ...second },
        ]),
      ]),
    ).toEqual(run((a, b) => [new optim.Adam([a], first), new optim.Adam([b], second)]))
  })

  test('can be changed, with a check, and count from the next step on', () => {
    const [a, b] = [leaf(1), leaf(1)]
    const optimizer = new optim.Adam([{ params: [a] }, { params: [b] }])
    const [first, second] = optimizer.paramGroups
    first.lr = 0.5
    second.betas = [0.5, 0.75]
    expect(optimizer.lr).toBe(0.5)
    expect([second.lr, second.betas]).toEqual([0.001, [0.5, 0.75]])
    optimizer.lr = 0.25
    expect([first.lr, second.lr]).toEqual([0.25, 0.25])
    expect(() => Object.assign(second, { betas: [0.5, 1] })).toThrow(/^Adam: a beta is 1/)
    expect(() => Object.assign(first, { eps: '1' })).toThrow(/^Adam: eps is "1"/)
    expect(() => Object.assign(first, { learningRate: 1 })).toThrow(TypeError)
    expect(() => Object.assign(second.betas, { 0: 3 })).toThrow(TypeError)
    expect([first.eps, second.betas]).toEqual([1e-8, [0.5, 0.75]])
  })

  test('lists of options are copies', () => {
    const betas: [number, number] = [0.5, 0.5]
    const optimizer = new optim.Adam([leaf(1)], { betas })
    betas[0] = 7
    expect(optimizer.paramGroups[0].betas).toEqual([0.5, 0.5])
  })

  test('momentum that begins later begins empty, as it does in PyTorch', () => {
    const [late, early] = [leaf(1), leaf(1)]
    const optimizer = new optim.SGD([late], { lr: 0.5, dampening: 0.5 })
    late.grad = tensor([0])
    optimizer.step()
    optimizer.paramGroups[0].momentum = 0.5
    const other = new optim.SGD([early], { lr: 0.5, dampening: 0.5, momentum: 0.5 })
    for (const gradient of [2, 4]) {
      late.grad = tensor([gradient])
      early.grad = tensor([gradient])
      optimizer.step()
      other.step()
      expect(late.item()).toBe(early.item())
    }
  })

  test('can be added, with the table and the state of the others as they were', () => {
    const { live } = memory()
    scope(() => {
      const [a, b] = [leaf(1, 2), leaf(3)]
      const optimizer = new optim.Adam([a], { lr: 0.1, eps: 0.5 })
      a.grad = tensor([1, 1])
      optimizer.step()
      optimizer.addParamGroup({ params: [b], lr: 0.2 })
      expect(optimizer.paramGroups.map(({ lr, eps }) => [lr, eps])).toEqual([
        [0.1, 0.5],
        [0.2, 0.5],
      ])
      b.grad = tensor([1])
      optimizer.step()
      expect(JSON.parse(freed(optimizer.stateDict())).state).toMatchObject({ 0: { step: 2 }, 1: { step: 1 } })
      expect(() => optimizer.addParamGroup({ params: [leaf(1), a] })).toThrow(/named twice: another group has it/)
      expect(optimizer.paramGroups).toHaveLength(2)
      optimizer.dispose()
    })
    expect(memory().live).toBe(live)
  })

  const p = leaf(1)
  test.each<[string, () => unknown, RegExp]>([
    [
      'in two groups',
      () => new optim.SGD([{ params: [p] }, { params: [p] }]),
      /^SGD: group 1: a parameter is named twi/,
    ],
    ['twice in one', () => new optim.SGD([{ params: [p, p] }]), /^SGD: group 0: a parameter is named twice$/],
    [
      'no parameters',
      () => new optim.SGD([{ params: [p] }, { params: [] }]),
      /^SGD: group 1: there are no parameters; /,
    ],
    ['no list', () => new optim.SGD([{ params: wrong(p) }]), /^SGD: group 0: expected a list of parameters/],
    [
      'mixed',
      () => new optim.SGD(wrong<Tensor[]>([{ params: [p] }, p])),
      /^SGD: expected a group, such as .*, got an object/,
    ],
    [
      'an unknown option',
      () => new optim.SGD(wrong<Tensor[]>([{ params: [p], betas: [0, 0] }])),
      /^SGD: group 0: there is no option betas; there is lr, momentum/,
    ],
    ['a wrong value', () => new optim.SGD([{ params: [p], lr: -1 }]), /^SGD: group 0: lr is -1/],
    [
      'options that do not fit together',
      () => new optim.SGD([{ params: [p], momentum: 0 }], { momentum: 0.9, nesterov: true }),
      /^SGD: group 0: nesterov needs momentum above 0/,
    ],
    ['no group to add', () => new optim.SGD([p]).addParamGroup(wrong([p])), /^SGD: expected a group, .* got an array/],
  ])('%s is refused', (_what, call, message) => {
    expect(call).toThrow(OptionError)
    expect(call).toThrow(message)
  })
})

const kinds: readonly [string, (parameters: Tensor[]) => optim.Optimizer, readonly string[]][] = [
  ['SGD', (p) => new optim.SGD(p, { lr: 0.1 }), []],
  ['SGD with momentum', (p) => new optim.SGD(p, { lr: 0.1, momentum: 0.9, dampening: 0.1 }), ['momentumBuffer']],
  ['Adam', (p) => new optim.Adam(p), ['expAvg', 'expAvgSq']],
  ['AdamW', (p) => new optim.AdamW(p, { amsgrad: true }), ['expAvg', 'expAvgSq', 'maxExpAvgSq']],
  [
    'RMSprop',
    (p) => new optim.RMSprop(p, { centered: true, momentum: 0.5 }),
    ['squareAvg', 'gradAvg', 'momentumBuffer'],
  ],
  ['Adagrad', (p) => new optim.Adagrad(p, { lrDecay: 0.1, initialAccumulatorValue: 0.1 }), ['sum']],
]

const SIZES = [1, 5, 16]

function train(optimizer: optim.Optimizer, parameters: readonly Tensor[], from: number, to: number): void {
  for (let t = from; t < to; t++) {
    parameters.forEach((parameter, i) => {
      // The last parameter joins at step 5: until then it has no state.
      const isIdle = (i === 1 && t % 3 === 1) || (i === 2 && t < 5)
      parameter.grad = isIdle ? null : tensor(random(SIZES[i], 100 * t + i))
    })
    optimizer.step()
  }
}

describe.each(kinds)('the state of %s', (_name, make, states) => {
  const start = () => SIZES.map((n) => leaf(...random(n, n)))

  test.each([0, 4, 8])('after %d steps goes into another optimizer, which gives the same bits', (stop) => {
    const { live } = memory()
    scope(() => {
      const whole = start()
      const one = make(whole)
      train(one, whole, 0, stop)
      one.paramGroups[0].lr = 0.025
      const parameters = whole.map((p) => tensor(p.toTypedArray(), { requiresGrad: true }))
      const other = make(parameters)
      // What it held is replaced.
      train(
        other,
        parameters.map((p) => p),
        20,
        22,
      )
      const state = one.stateDict()
      parameters.forEach((p, i) => {
        p.requiresGrad = false
        p.copy_(whole[i].detach())
        p.requiresGrad = true
      })
      other.loadStateDict(state)
      train(one, whole, stop, 12)
      train(other, parameters, stop, 12)
      expect(parameters.map(bits)).toEqual(whole.map(bits))
      // It was a snapshot.
      for (const entry of Object.values(state.state)) expect(entry.step).toBeLessThanOrEqual(stop)
      for (const optimizer of [one, other]) optimizer.dispose()
      freed(state)
    })
    expect(memory().live).toBe(live)
  })

  test('has the layout of PyTorch', () => {
    const parameters = start()
    const optimizer = make(parameters)
    train(optimizer, parameters, 0, 4)
    const { state, paramGroups } = optimizer.stateDict()
    expect(Object.keys(state)).toEqual(['0', '1'])
    expect(Object.keys(state[1])).toEqual(['step', ...states])
    expect([state[0].step, state[1].step]).toEqual([4, 3])
    for (const name of states) expect((state[1][name] as Tensor).shape).toEqual([5])
    const [{ params, ...options }] = optimizer.paramGroups
    expect(paramGroups).toEqual([{ ...options, params: [0, 1, 2] }])
    optimizer.dispose()
  })
})

describe('loadStateDict', () => {
  const make = () => {
    const parameters = [leaf(1, 2), leaf(3)]
    const optimizer = new optim.Adam(parameters, { lr: 0.5 })
    for (const parameter of parameters) parameter.grad = parameter
    optimizer.step()
    return optimizer
  }
  type State = ReturnType<typeof make>['stateDict'] extends () => infer S ? S : never

  test.each<[string, (state: State) => unknown, RegExp]>([
    ['nothing', () => null, /^Adam.loadStateDict: the state is null; pass what stateDict/],
    ["a model's state", () => new nn.Linear(1, 1).stateDict(), /the state is an object; pass what stateDict/],
    ['fewer parameters', (s) => ({ ...s, paramGroups: [{ ...s.paramGroups[0], params: [0] }] }), /have 2 .* state 1$/],
    [
      'no groups',
      (s) => ({ ...s, paramGroups: [] }),
      /the groups have 2 parameters, and in the saved state there are none/,
    ],
    [
      'a number twice',
      (s) => ({ ...s, paramGroups: [{ ...s.paramGroups[0], params: [1, 1] }] }),
      /a parameter twice: 1, 1/,
    ],
    [
      'another optimizer',
      () => new optim.SGD([leaf(1, 2), leaf(3)]).stateDict(),
      /missing paramGroups.0.betas; missing paramGroups.0.eps; .* unexpected paramGroups.0.momentum/,
    ],
    ['a wrong option', (s) => ({ ...s, paramGroups: [{ ...s.paramGroups[0], lr: -1 }] }), /paramGroups.0: lr is -1/],
    [
      'tensors that are missing or unexpected',
      (s) => ({ ...s, state: { 0: { step: 1, expAvg: s.state[0].expAvg, more: null }, 7: s.state[1] } }),
      /unexpected state.7; missing state.0.expAvgSq; unexpected state.0.more/,
    ],
    ['no step', (s) => ({ ...s, state: { 1: { ...s.state[1], step: undefined } } }), /state.1.step is undefined/],
    [
      'half a step',
      (s) => ({ ...s, state: { 1: { ...s.state[1], step: 0.5 } } }),
      /state.1.step is 0.5; it must be an in/,
    ],
    ['a number for a state', (s) => ({ ...s, state: { 1: 3 } }), /state.1 is a number; it must be an object/],
    [
      'a number for a tensor',
      (s) => ({ ...s, state: { 1: { ...s.state[1], expAvg: 3 } } }),
      /state.1.expAvg: expected a/,
    ],
    [
      'other shapes',
      (s) => ({ ...s, state: { 0: s.state[1], 1: s.state[0] } }),
      /state.0.expAvg is \(1\), not \(2\); state.0.expAvgSq is .*; state.1.expAvgSq is \(2\), not \(1\)$/,
    ],
  ])('of %s changes nothing', (_what, spoil, message) => {
    const optimizer = make()
    const before = JSON.stringify(optimizer.stateDict())
    const spoilt = spoil(optimizer.stateDict()) as State
    expect(() => optimizer.loadStateDict(spoilt)).toThrow(message)
    expect(JSON.stringify(optimizer.stateDict())).toBe(before)
  })

  test('throws typed errors: for names, and for shapes', () => {
    const optimizer = make()
    const { state, paramGroups } = optimizer.stateDict()
    expect(() => optimizer.loadStateDict({ state: { 5: state[0] }, paramGroups })).toThrow(OptionError)
    expect(() => optimizer.loadStateDict({ state: { 0: state[1] }, paramGroups })).toThrow(ShapeError)
  })

  test('and stateDict change and keep nothing when memory runs out, at any allocation', () => {
    const optimizer = make()
    const state = optimizer.stateDict()
    const before = JSON.stringify(state)
    const { live } = memory()
    for (const call of [() => optimizer.loadStateDict(state), () => freed(optimizer.stateDict())]) {
      let refused = 0
      for (let n = 1; ; n++) {
        const error = failing(n, call)
        expect(memory().live).toBe(live)
        expect(freed(optimizer.stateDict())).toBe(before)
        if (!error) break
        expect(refusedOperation(error)).toMatch(/^Adam\.(loadS|s)tateDict$/)
        refused++
      }
      expect(refused).toBe(4)
    }
  })

  test.each(['stateDict', 'loadStateDict', 'addParamGroup'] as const)('%s after dispose() is an error', (method) => {
    const optimizer = make()
    optimizer.dispose()
    expect(() => optimizer[method](wrong({}))).toThrow(new RegExp(`^Adam: ${method} after dispose\\(\\)`))
  })
})

test('a parameter of no elements trains along', () => {
  const [empty, full] = [zeros([0, 3], { requiresGrad: true }), leaf(1)]
  const optimizer = new optim.RMSprop([empty, full], { centered: true })
  empty.grad = zeros([0, 3])
  full.grad = tensor([1])
  optimizer.step()
  optimizer.loadStateDict(optimizer.stateDict())
  expect((optimizer.stateDict().state[0].squareAvg as Tensor).shape).toEqual([0, 3])
})
