/** When memory goes: the four sentences of the README with their qualifications. After every test all of it has gone. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  data,
  einsum,
  GraphError,
  manualSeed,
  memory,
  nn,
  noGrad,
  optim,
  randn,
  StaleTensorError,
  scope,
  steps,
  type Tensor,
  tensor,
  zeros,
} from '../src/index.ts'
import { endAfterlives, live, settled } from './settle.ts'

let before = 0

beforeEach(() => {
  manualSeed(3)
  endAfterlives()
  before = live()
})

afterEach(async () => {
  expect(await settled(before)).toBe(before)
})

const leaf = (...values: number[]) => tensor(values, { requiresGrad: true })
const values = (x: Tensor) => [...x.toTypedArray()]
const isStale = (x: Tensor) => {
  try {
    x.toTypedArray()
    return false
  } catch (error) {
    expect(error).toBeInstanceOf(StaleTensorError)
    return true
  }
}

describe('a graph dies when the next one begins', () => {
  test('with everything computed from it, once backward() has entered it', () => {
    const w = leaf(1, 2)
    const y = w.mul(3)
    const soft = noGrad(() => y.softmax())
    const index = y.eq(3)
    y.sum().backward()
    expect([y, soft, index].map(isStale)).toEqual([false, false, false])
    w.mul(1)
    expect([y, soft, index].map(isStale)).toEqual([true, true, true])
    expect(isStale(w)).toBe(false)
  })

  test('what was not saved stays readable after backward, step and zeroGrad', () => {
    const w = leaf(1, 2)
    const optimizer = new optim.SGD([w], { lr: 0.5 })
    const y = w.mul(3)
    y.sum().backward()
    optimizer.step()
    optimizer.zeroGrad()
    expect(values(y)).toEqual([3, 6])
    expect(values(w)).toEqual([-0.5, 0.5])
    expect(values(noGrad(() => y.add(1)))).toEqual([4, 7])
    optimizer.dispose()
  })

  test('backward() frees what was saved at once', () => {
    const w = leaf(...new Array(100).fill(1))
    scope(() => {
      const x = tensor(new Array(100).fill(2))
      const y = w.mul(x).sum()
      x.dispose()
      const saved = live()
      y.backward()
      w.grad = null
      expect(saved - live()).toBeGreaterThanOrEqual(400)
    })
  })

  test('a graph that has not been walked is not touched', () => {
    const w = leaf(1, 2)
    const first = w.mul(3)
    const second = w.mul(5)
    second.sum().backward()
    w.mul(7)
    expect(isStale(second)).toBe(true)
    expect(values(first)).toEqual([3, 6])
    first.sum().backward()
    expect(values(w.grad as Tensor)).toEqual([8, 8])
  })

  test('two losses of two graphs can be walked one after the other', () => {
    const w = leaf(1, 2)
    const [a, b] = [w.mul(3).sum(), w.mul(w).sum()]
    a.backward()
    b.backward()
    expect(values(w.grad as Tensor)).toEqual([5, 7])
  })

  test('a new computation on a value of a walked graph is not freed before it has been walked itself', () => {
    const [w, v] = [leaf(1, 2), leaf(3, 4)]
    const y = w.mul(3)
    const chosen = noGrad(() => y.add(1))
    y.sum().backward()
    const loss = v.mul(chosen).sum()
    w.mul(9)
    loss.backward()
    expect(values(v.grad as Tensor)).toEqual([4, 7])
  })

  test('a state that noGrad carries from step to step does not hold the graphs of earlier steps', () => {
    const w = leaf(1, 2)
    const early: number[] = []
    let state = tensor([1, 1])
    for (let i = 0; i < 100; i++) {
      const y = w.mul(state)
      y.sum().backward()
      w.grad = null
      state = noGrad(() => y.mul(0.5))
      early.push(live())
    }
    expect(early[99]).toBe(early[2])
  })

  test('operations that are not recorded begin no graph', () => {
    const w = leaf(1, 2)
    const y = w.mul(3)
    y.sum().backward()
    tensor([1, 2]).add(3)
    noGrad(() => w.mul(2))
    expect(values(y)).toEqual([3, 6])
  })

  test('a graph that two operands connect is one graph', () => {
    const w = leaf(1, 2)
    const [a, b] = [w.mul(3), w.mul(4)]
    const sum = a.add(b)
    sum.sum().backward()
    w.mul(1)
    expect([a, b, sum].map(isStale)).toEqual([true, true, true])
  })
})

describe('a turn dies one turn later', () => {
  test('whatever was made in it', () => {
    const made: Tensor[] = []
    for (const i of steps(4)) {
      const x = randn([3])
      made.push(x)
      expect(made.map(isStale)).toEqual(made.map((_, j) => j < i - 1))
    }
    expect(made.map(isStale)).toEqual([true, true, true, false])
  })

  test('the batch, a detached state, a clone, a view, and what is computed without gradients', () => {
    const dataset = new data.TensorDataset(
      tensor([
        [1, 2],
        [3, 4],
        [5, 6],
      ]),
    )
    const seen: Tensor[][] = []
    for (const [x] of new data.DataLoader(dataset))
      seen.push([x, x.detach(), x.clone(), x.reshape([2]), x.transpose(0, 1), x.add(1), x.to('int32')])
    expect(seen.map((turn) => turn.map(isStale))).toEqual(
      [true, true, false].map((gone) => new Array<boolean>(7).fill(gone)),
    )
  })

  test('a state is carried from turn to turn, detached or not, with or without gradients', () => {
    const w = leaf(0.5, 0.25)
    const carried: number[][] = []
    let detached: Tensor = tensor([1, 1])
    let recorded: Tensor = tensor([1, 1])
    let plain: Tensor = tensor([1, 1])
    for (const _ of steps(5)) {
      detached = detached.mul(w).detach()
      recorded = recorded.mul(w)
      plain = noGrad(() => plain.mul(w))
      carried.push([...values(detached), ...values(recorded), ...values(plain)])
    }
    const expected = [1, 2, 3, 4, 5].map((n) => [0.5 ** n, 0.25 ** n])
    expect(carried).toEqual(expected.map((pair) => [...pair, ...pair, ...pair]))
  })

  test('a graph that goes on from turn to turn is freed with the last of them, and can be walked', () => {
    const w = leaf(1, 2)
    let total: Tensor | null = null
    for (const i of steps(4)) {
      const loss = w.mul(i).sum()
      total = total ? total.add(loss) : loss
    }
    total?.backward()
    expect(values(w.grad as Tensor)).toEqual([6, 6])
  })

  test('a recurrent net unrolled over the turns of an inner loop', () => {
    const w = leaf(2, 3)
    for (const _ of steps(3)) {
      let h: Tensor = tensor([1, 1])
      for (const _ of steps(4)) h = h.mul(w)
      w.grad = null
      h.sum().backward()
      expect(values(w.grad as unknown as Tensor)).toEqual([32, 108])
    }
  })

  test('tensors of an earlier turn that a later one computes with still die with their own turn', () => {
    const w = leaf(1, 2)
    const made: Tensor[] = []
    const sums: Tensor[] = []
    for (const i of steps(5)) {
      made.push(w.mul(i))
      if (i > 0) sums.push(made[i - 1].add(made[i]))
    }
    expect(made.map(isStale)).toEqual([true, true, true, true, false])
    expect(sums.map(isStale)).toEqual([true, true, true, false])
  })

  test('what is computed without a record from a graph of the turn before belongs to the turn it is made in', () => {
    const w = leaf(1, 2)
    const made: Tensor[] = []
    let last: Tensor = w.mul(0)
    for (const i of steps(4)) {
      const previous = last
      made.push(
        previous.eq(0),
        noGrad(() => previous.add(1)),
      )
      last = w.mul(i)
    }
    expect(made.map(isStale)).toEqual([true, true, true, true, true, true, false, false])
    let compared: Tensor | null = null
    for (const i of steps(3)) {
      if (i === 1) compared = last.eq(0)
      if (i === 2) expect(isStale(compared as unknown as Tensor)).toBe(false)
      if (i === 0) last = w.mul(i)
    }
  })

  test('two loaders advanced in step are refused with the remedy', () => {
    const [a, b] = [steps(3), steps(3)]
    a.next()
    b.next()
    expect(() => a.next()).toThrow(/two iterators.*put the tensors of both into one TensorDataset/)
    expect(() => b.next()).toThrow(GraphError)
  })

  test('an operation in a scope on the graph of the turn before leaves that graph alone', () => {
    const w = leaf(1, 2)
    let last: Tensor | null = null
    for (const _ of steps(3)) {
      const previous = last
      if (previous) {
        scope(() => previous.add(w.mul(2)))
        expect(values(previous)).toEqual([3, 6])
        previous.sum().backward()
      }
      last = w.mul(3)
    }
    expect(values(w.grad as Tensor)).toEqual([6, 6])
  })

  test('a scope after a loop leaves the graph of the last turn alone, also a scope with a loop inside', () => {
    const w = leaf(1, 2)
    const loop = () => {
      let last = w
      for (const _ of steps(1)) last = w.mul(3)
      return last
    }
    const inScope: ((y: Tensor) => unknown)[] = [
      (y) => y.add(w.mul(2)),
      (y) => {
        for (const _ of steps(1)) scope(() => y.mul(2))
      },
    ]
    for (const use of inScope) {
      const y = loop()
      scope(() => {
        use(y)
      })
      expect(values(y)).toEqual([3, 6])
      w.grad = null
      y.sum().backward()
      expect(values(w.grad as unknown as Tensor)).toEqual([3, 3])
    }
  })

  test('the turn of an iterator that is dropped in its midst ends one turn after that is collected', async () => {
    const set = new data.TensorDataset(zeros([4, 2]))
    const loader = new data.DataLoader(set, { batchSize: 2 })
    const open = live()
    const take = () => loader[Symbol.iterator]().next().value as [Tensor]
    const [batch] = take()
    await settled()
    expect(isStale(batch)).toBe(false)
    endAfterlives()
    expect(isStale(batch)).toBe(true)
    expect(await settled(open)).toBe(open)
    zeros([8])
    expect(await settled(open)).toBe(open)
    set.tensors[0].dispose()
  })

  test('the turn of an iterator that is dropped inside a scope that ends before it is freed all the same', async () => {
    const leaves = () =>
      scope(() => {
        steps(5).next()
        zeros([100])
      })
    expect(leaves).toThrow(GraphError)
  })

  test('an unwalked graph is freed with its turn', () => {
    const w = leaf(...new Array(100).fill(1))
    let bytes = 0
    for (const i of steps(20)) {
      w.mul(2).tanh().exp()
      if (i === 2) bytes = live()
      if (i === 19) expect(live()).toBe(bytes)
    }
  })

  test.each(['break', 'throw', 'return'])('%s ends the loop and its last turn', (how) => {
    let x: Tensor | null = null
    const run = () => {
      for (const _ of steps(3)) {
        x = randn([3])
        if (how === 'break') break
        if (how === 'return') return
        throw new RangeError('out')
      }
    }
    if (how === 'throw') expect(run).toThrow(RangeError)
    else run()
    const outside = randn([3])
    expect(isStale(x as unknown as Tensor)).toBe(false)
    for (const _ of steps(1));
    expect(isStale(x as unknown as Tensor)).toBe(true)
    expect(isStale(outside)).toBe(false)
  })

  test('the last turn of an inner loop lives until another inner turn or the outer turn after next', () => {
    const lasts: Tensor[] = []
    for (const i of steps(3)) {
      for (const _ of steps(2)) lasts[i] = randn([3])
      expect(isStale(lasts[i])).toBe(false)
      if (i === 1) {
        expect(isStale(lasts[0])).toBe(false)
        for (const _ of steps(1));
        expect(isStale(lasts[1])).toBe(true)
      }
    }
    expect(lasts.map(isStale)).toEqual([true, true, false])
  })

  test('a graph begun in an outer turn outlives the inner turns that add to it', () => {
    const w = leaf(1, 2)
    for (const _ of steps(2)) {
      let h = w.mul(2)
      for (const _ of steps(3)) h = h.mul(w)
      w.grad = null
      h.sum().backward()
      expect(values(w.grad as unknown as Tensor)).toEqual([8, 64])
    }
  })

  test('keep() moves a tensor to what is around the turn; twice, one further', () => {
    const kept: Tensor[] = []
    for (const _ of steps(3)) {
      for (const i of steps(3)) {
        const x = randn([2]).keep()
        if (i === 0) x.keep()
        kept.push(x)
      }
      expect(kept.slice(-3).map(isStale)).toEqual([false, false, false])
    }
    const f = false
    expect(kept.map(isStale)).toEqual([f, true, true, f, true, true, f, f, f])
    for (const _ of steps(1));
    expect(kept.map(isStale)).toEqual([f, true, true, f, true, true, f, true, true])
  })

  test('keep() takes a tensor out of its graph', () => {
    const w = leaf(1, 2)
    const kept: Tensor[] = []
    for (const i of steps(4)) {
      const y = w.mul(i)
      y.sum().backward()
      kept.push(
        y
          .argmax()
          .reshape([1])
          .add(tensor([0, 0]))
          .keep(),
        y.keep(),
      )
    }
    expect(kept.map(isStale)).toEqual(new Array(8).fill(false))
  })

  test('keep() of a loss keeps the graph that backward() needs', () => {
    const w = leaf(1, 2)
    const losses: Tensor[] = []
    for (const i of steps(5)) losses.push(w.mul(i).sum().keep())
    for (const loss of losses) loss.backward()
    expect(values(w.grad as Tensor)).toEqual([10, 10])
  })

  test('loops opened by two interleaved tasks are refused, and their tensors freed', async () => {
    const pause = () => new Promise((resolve) => setTimeout(resolve, 1))
    const made: Tensor[] = []
    const task = async () => {
      for (const _ of steps(3)) {
        made.push(randn([100]))
        await pause()
        made.push(randn([100]))
        await pause()
      }
    }
    const results = await Promise.allSettled([task(), task()])
    const [a, b] = results.map((result) => (result.status === 'rejected' ? result.reason : null))
    for (const error of [a, b]) {
      expect(error).toBeInstanceOf(GraphError)
      expect(error.message).toMatch(/^steps: another loop or scope was opened inside this one and is still open/)
      expect(error.message).toMatch(/finish one first/)
    }
    // Nothing of the two stays open: what is made now is not in any turn.
    const x = randn([3])
    for (const _ of steps(3));
    expect(isStale(x)).toBe(false)
  })

  test('one task may await inside its turns', async () => {
    const w = leaf(1, 2)
    for (const i of steps(3)) {
      const y = w.mul(i)
      await new Promise((resolve) => setTimeout(resolve, 1))
      y.sum().backward()
    }
    expect(values(w.grad as Tensor)).toEqual([3, 3])
  })
})

describe('a scope dies at its end', () => {
  test('and what it made, views, clones and detached tensors included, with it', () => {
    const escaped: Tensor[] = []
    const outer = tensor([1, 2])
    scope(() => {
      const x = randn([4])
      escaped.push(x, x.detach(), x.clone(), x.reshape([2, 2]), outer.add(1), outer.detach(), outer.reshape([2, 1]))
    })
    expect(escaped.map(isStale)).toEqual(escaped.map(() => true))
    expect(values(outer)).toEqual([1, 2])
  })

  test('except for a tensor it returns', () => {
    const x = scope(() => randn([4]).add(1))
    expect(values(x)).toHaveLength(4)
  })

  test('or arrays and plain objects of them, however deep, shared or circular', () => {
    interface Result {
      a: Tensor
      deep: [{ b: Tensor; n: number; s: string; nothing: null }]
      self?: Result
      bare: { c: Tensor }
    }
    const result = scope(() => {
      const a = randn([2])
      const bare = Object.assign(Object.create(null) as object, { c: randn([2]) })
      const result: Result = { a, deep: [{ b: a.reshape([2, 1]), n: 1, s: 'x', nothing: null }], bare }
      result.self = result
      return result
    })
    expect([result.a, result.deep[0].b, result.bare.c].map(isStale)).toEqual([false, false, false])
  })

  test('but not for what only instances of classes, maps or closures hold', () => {
    class Holder {
      x = randn([2])
    }
    const { holder, map } = scope(() => ({ holder: new Holder(), map: new Map([['x', randn([2])]]) }))
    expect(isStale(holder.x)).toBe(true)
    expect(isStale(map.get('x') as Tensor)).toBe(true)
  })

  test('a returned loss can still be walked', () => {
    const w = leaf(1, 2)
    const loss = scope(() => w.mul(3).tanh().mul(w).sum())
    expect(loss.item()).toBeCloseTo(1 * Math.tanh(3) + 2 * Math.tanh(6))
    loss.backward()
    expect(w.grad).not.toBeNull()
  })

  test('a returned loss leaves the rest of its graph behind, but for what backward() needs', () => {
    const w = leaf(1, 2)
    let inner: Tensor | null = null
    const loss = scope(() => {
      inner = w.mul(3)
      return inner.mul(inner).sum()
    })
    expect(isStale(inner as unknown as Tensor)).toBe(true)
    loss.backward()
    expect(values(w.grad as Tensor)).toEqual([18, 36])
  })

  test('a loss returned through several scopes, in a turn', () => {
    const w = leaf(1, 2)
    for (const _ of steps(3)) {
      w.grad = null
      scope(() => ({ loss: scope(() => [scope(() => w.mul(3).mul(w).sum())]) })).loss[0].backward()
      expect(values(w.grad as unknown as Tensor)).toEqual([6, 12])
    }
  })

  test('a tensor made in the last turn of a loop inside can be returned, and its graph walked', () => {
    const w = leaf(1, 2)
    const loop = () => {
      let h = w.mul(1)
      for (const _ of steps(3)) h = h.mul(2)
      return h
    }
    const y = scope(loop)
    y.sum().backward()
    expect(values(w.grad as Tensor)).toEqual([8, 8])
    expect(values(noGrad(loop))).toEqual([8, 16])
  })

  test('a value of a walked graph that a scope uses lives on outside', () => {
    const y = leaf(1, 2).mul(2)
    y.sum().backward()
    const [w, v] = [leaf(1, 2), leaf(3, 4)]
    const z = noGrad(() => y.mul(0.5))
    scope(() => w.mul(z).sum().backward())
    expect(values(v.mul(z))).toEqual([3, 8])
  })

  test('a loss that has been walked is returned by value', () => {
    const w = leaf(1, 2)
    const bytes = live()
    const loss = scope(() => {
      const loss = w.mul(3).sum()
      loss.backward()
      w.grad = null
      return loss
    })
    expect(live()).toBe(bytes)
    expect(loss.item()).toBe(9)
  })

  test('a graph begun outside is continued inside and walked outside', () => {
    const w = leaf(1, 2)
    const h = w.mul(3)
    const loss = scope(() => h.mul(h).sum())
    loss.backward()
    expect(values(w.grad as Tensor)).toEqual([18, 36])
    expect(values(h)).toEqual([3, 6])
  })

  test('a graph begun inside is joined to one outside, which the scope leaves whole', () => {
    const w = leaf(1, 2)
    const h = w.mul(3)
    const made: Tensor[] = []
    scope(() => {
      made.push(w.mul(2))
      made.push(made[0].add(h))
    })
    expect(made.map(isStale)).toEqual([true, true])
    h.sum().backward()
    expect(values(w.grad as Tensor)).toEqual([3, 3])
  })

  test('keep() moves a tensor to what is around it: the turn, the scope, or nothing', () => {
    let inTurn: Tensor | null = null
    let toRoot: Tensor | null = null
    for (const _ of steps(1)) {
      scope(() => {
        inTurn = randn([2]).keep()
        toRoot = randn([2]).keep()
      })
      ;(toRoot as unknown as Tensor).keep()
    }
    for (const _ of steps(2));
    expect(isStale(inTurn as unknown as Tensor)).toBe(true)
    expect(isStale(toRoot as unknown as Tensor)).toBe(false)
    let nested: Tensor | null = null
    scope(() => {
      scope(() => {
        nested = randn([2]).keep()
      })
      expect(isStale(nested as unknown as Tensor)).toBe(false)
    })
    expect(isStale(nested as unknown as Tensor)).toBe(true)
  })

  test('keep() outside every turn and scope takes a tensor out of its graph', () => {
    const w = leaf(1, 2)
    const [kept, other] = [w.mul(3), w.mul(4)]
    kept.keep()
    kept.add(other).sum().backward()
    w.mul(1)
    expect([kept, other].map(isStale)).toEqual([false, true])
    expect(values(w.grad as Tensor)).toEqual([7, 7])
  })

  test('noGrad is a scope, and records nothing', () => {
    const w = leaf(1, 2)
    let escaped: Tensor | null = null
    const y = noGrad(() => {
      escaped = w.mul(3)
      return escaped.add(1)
    })
    expect(isStale(escaped as unknown as Tensor)).toBe(true)
    expect(y.requiresGrad).toBe(false)
    expect(() => y.sum().backward()).toThrow(GraphError)
  })

  test('an exception frees what was made, and what comes next is recorded and placed as before', () => {
    const w = leaf(1, 2)
    const bytes = live()
    for (const run of [scope, noGrad]) {
      const fails = () => {
        run(() => {
          w.mul(3).tanh()
          randn([1000])
          throw new RangeError('inside')
        })
      }
      expect(fails).toThrow(RangeError)
      expect(live()).toBe(bytes)
    }
    const y = w.mul(3)
    for (const _ of steps(2));
    expect(values(y)).toEqual([3, 6])
    y.sum().backward()
    expect(values(w.grad as Tensor)).toEqual([3, 3])
  })

  test.each([
    ['scope', scope],
    ['noGrad', noGrad],
  ])('%s refuses a function that returns a promise, and frees what it made', (name, run) => {
    const bytes = live()
    expect(() => run(async () => randn([100]))).toThrow(
      new RegExp(
        `^${name}: the function returned a promise, but a scope ends before anything is awaited; await outside`,
      ),
    )
    expect(live()).toBe(bytes)
  })

  test('a scope that leaves a loop open is refused, and nothing made later falls into that loop', () => {
    const iterator = steps(3)
    const leaves = () => scope(() => iterator.next())
    expect(leaves).toThrow(/^scope: another loop or scope was opened inside this one and is still open/)
    const x = randn([3])
    expect(() => iterator.return()).toThrow(GraphError)
    const y = randn([3])
    for (const _ of steps(2));
    expect([x, y].map(isStale)).toEqual([false, false])
  })

  test('an exception is not hidden by a loop that was left open', () => {
    const iterator = steps(3)
    const fails = () =>
      scope(() => {
        iterator.next()
        throw new RangeError('inside')
      })
    expect(fails).toThrow(RangeError)
    expect(() => iterator.return()).toThrow(GraphError)
  })
})

describe('everything else dies with its handle', () => {
  test('dispose() frees at once; a second time does nothing', () => {
    const bytes = live()
    const x = randn([100])
    x.dispose()
    x.dispose()
    expect(live()).toBe(bytes)
    expect(isStale(x)).toBe(true)
  })

  test('using, by Symbol.dispose', () => {
    const bytes = live()
    const x = randn([100])
    x[Symbol.dispose]()
    expect(live()).toBe(bytes)
    const model = new nn.Linear(3, 2)
    const optimizer = new optim.Adam(model.parameters())
    model
      .forward(randn([1, 3]))
      .sum()
      .backward()
    optimizer.step()
    optimizer[Symbol.dispose]()
    model[Symbol.dispose]()
    endAfterlives()
  })

  test('a view keeps the memory of what it looks at', () => {
    const x = tensor([1, 2, 3, 4])
    const view = x.reshape([2, 2])
    x.dispose()
    expect(values(view)).toEqual([1, 2, 3, 4])
    view.dispose()
  })

  test('a disposed tensor that backward() needs is still there for it', () => {
    const w = leaf(1, 2)
    const x = tensor([3, 4])
    const loss = w.mul(x).sum()
    x.dispose()
    loss.backward()
    expect(values(w.grad as Tensor)).toEqual([3, 4])
  })

  test('garbage collection frees tensors, unwalked graphs, models, gradients and optimizers', async () => {
    const bytes = live()
    const make = () => {
      const model = nn.sequential(new nn.Linear(4, 8), new nn.Tanh(), new nn.Linear(8, 2))
      const optimizer = new optim.Adam(model.parameters())
      model
        .forward(randn([3, 4]))
        .sum()
        .backward()
      optimizer.step()
      model.forward(randn([3, 4])).tanh()
      model.stateDict()
      randn([50]).reshape([5, 10])
      expect(live()).toBeGreaterThan(bytes)
    }
    make()
    expect(await settled(bytes)).toBe(bytes)
  })

  test('an unwalked graph lives as long as a handle to any of it', async () => {
    const w = leaf(1, 2)
    const make = () => w.mul(3).tanh().sum()
    const loss = make()
    await settled()
    loss.backward()
    expect(w.grad).not.toBeNull()
  })
})

describe('owners', () => {
  test('parameters, buffers, gradients and optimizer state made in a scope or turn belong to their owner', () => {
    const make = () => {
      const layer = new nn.Linear(3, 2)
      const state = nn.buffer(zeros([3]))
      const optimizer = new optim.Adam(layer.parameters())
      layer
        .forward(randn([1, 3]))
        .sum()
        .backward()
      optimizer.step()
      return { layer, state, optimizer, snapshot: Object.values(layer.stateDict()) }
    }
    const held: ReturnType<typeof make>[] = []
    scope(() => {
      held.push(make())
    })
    for (const _ of steps(3)) held.push(make())
    for (const _ of steps(2));
    for (const { layer, state, optimizer, snapshot } of held) {
      const tensors = [layer.weight, layer.bias, layer.weight.grad, layer.bias?.grad, state, ...snapshot] as Tensor[]
      expect(tensors.map(isStale)).toEqual(tensors.map(() => false))
      optimizer.step()
      optimizer.dispose()
      layer.dispose()
      state.dispose()
    }
  })

  test("a data set's tensors belong to it, also when made in a scope", () => {
    const loader = scope(() => {
      const dataset = new data.TensorDataset(tensor([[1], [2], [3]]), tensor(new Uint8Array([0, 1, 2])))
      return new data.DataLoader(dataset, { batchSize: 2 })
    })
    expect([...loader].length).toBe(2)
  })

  test('a gradient set by hand is a copy of its own', () => {
    const w = leaf(1, 2)
    scope(() => {
      w.grad = tensor([3, 4])
    })
    expect(values(w.grad as Tensor)).toEqual([3, 4])
  })

  test('zeroGrad frees gradients; a handle to one then says so', () => {
    const w = leaf(1, 2)
    w.mul(3).sum().backward()
    const { grad } = w
    w.grad = null
    expect(() => (grad as Tensor).toArray()).toThrow(/its gradient was cleared/)
  })

  test('a gradient that was disposed begins anew', () => {
    const w = leaf(1, 2)
    w.mul(3).sum().backward()
    w.grad?.dispose()
    w.mul(5).sum().backward()
    expect(values(w.grad as Tensor)).toEqual([5, 5])
  })

  test('parameters disposed between forward and backward do not hold their gradients for ever', () => {
    const layer = new nn.Linear(30, 20)
    const loss = layer.forward(randn([1, 30])).sum()
    layer.dispose()
    loss.backward()
    layer.zeroGrad()
    expect(layer.weight.grad).toBeNull()
  })

  test('dispose() of a model frees parameters, gradients and buffers, and of an optimizer its state', () => {
    const bytes = live()
    const model = nn.sequential(new nn.Linear(4, 8), new nn.Linear(8, 2))
    const optimizer = new optim.Adam(model.parameters())
    scope(() =>
      model
        .forward(randn([3, 4]))
        .sum()
        .backward(),
    )
    optimizer.step()
    optimizer.dispose()
    model.dispose()
    endAfterlives()
    expect(live()).toBe(bytes)
    expect(memory().byOwner.optimizers?.live).toBe(0)
  })
})

describe('detach() and clone()', () => {
  test('leave the graph', () => {
    const w = leaf(1, 2)
    const y = w.mul(3)
    const [detached, cloned] = [y.detach(), y.clone()]
    y.sum().backward()
    w.mul(1)
    expect([y, detached, cloned].map(isStale)).toEqual([true, false, false])
    expect([detached, cloned].map((x) => x.requiresGrad)).toEqual([false, false])
  })

  test('do not leave the turn or the scope', () => {
    const w = leaf(1, 2)
    const made: Tensor[] = []
    for (const _ of steps(1)) made.push(w.mul(1).detach(), w.clone())
    scope(() => {
      made.push(w.mul(1).detach(), w.clone())
    })
    for (const _ of steps(2));
    expect(made.map(isStale)).toEqual([true, true, true, true])
  })
})

describe('a tensor of one element never goes stale', () => {
  const w = () => leaf(1, 2)

  /** A tensor with the value 9 that has died in each possible way. */
  const deaths: [string, () => Tensor][] = [
    ['was disposed', () => disposed(tensor(9))],
    [
      'had a graph that died',
      () => {
        const x = w()
        const loss = x.mul(3).sum()
        loss.backward()
        x.mul(1)
        return loss
      },
    ],
    [
      'was made in a turn',
      () => {
        let x: Tensor | null = null
        for (const _ of steps(1)) x = tensor(9)
        for (const _ of steps(2));
        return x as unknown as Tensor
      },
    ],
    ['was made in a scope', () => scope(() => tensor([[9]]))],
    ['was a view', () => disposed(tensor([1, 9]).transpose(0, 0).sum().sub(1).reshape([1]))],
    [
      'was a gradient',
      () => {
        const x = leaf(0)
        x.mul(9).sum().backward()
        const { grad } = x
        x.grad = null
        return grad as Tensor
      },
    ],
  ]

  function disposed(x: Tensor): Tensor {
    x.dispose()
    return x
  }

  test.each(deaths)('item() after it %s', (_how, make) => {
    const x = make()
    const bytes = live()
    expect(x.item()).toBe(9)
    expect([...x.toTypedArray()]).toEqual([9])
    expect(live()).toBe(bytes)
  })

  test.each(deaths)('as an operand, after it %s', (_how, make) => {
    const x = make()
    expect(values(x.add(1))).toEqual([10])
    expect(values(tensor([1, 2]).mul(x))).toEqual([9, 18])
    expect(x.eq(9).item()).toBe(1)
    expect(x.detach().to('int32').item()).toBe(9)
    expect(x.detach().item() + x.clone().item()).toBe(18)
    expect(values(x.reshape([1, 1]).matmul(tensor([[2]])))).toEqual([18])
    expect(x.keep()).toBe(x)
    expect(x.sum().item()).toBe(9)
    expect(x.softmax().item()).toBe(1)
  })

  test.each(deaths)('changed in place, after it %s', (_how, make) => {
    const x = make()
    const y = tensor([[1, 2]])
    noGrad(() => y.add_(x))
    expect(values(y)).toEqual([10, 11])
    noGrad(() => x.add_(1))
    expect(x.item()).toBe(10)
    noGrad(() => x.mul_(x))
    expect(x.item()).toBe(100)
  })

  test('every dtype', () => {
    for (const dtype of ['float32', 'int32', 'uint8', 'bool'] as const) {
      const x = disposed(tensor([1], { dtype }))
      expect(x.item()).toBe(1)
      expect(x.toArray()).toEqual(dtype === 'bool' ? [true] : [1])
      expect(x.float().item()).toBe(1)
      expect(values(tensor([1, 2]).add(x))).toEqual([2, 3])
      const y = tensor([[1, 2]])
      y.add_(x)
      expect(values(y)).toEqual([2, 3])
    }
  })

  test('a leaf has a gradient after it died, and its memory is freed with it', () => {
    const x = scope(() => tensor(3, { requiresGrad: true }))
    x.mul(x).backward()
    expect(x.grad?.item()).toBe(6)
    x.mul(2).backward()
    expect(x.grad?.item()).toBe(8)
  })

  test('a gradient that died with its leaf is added to', () => {
    const x = scope(() => {
      const x = leaf(3)
      x.mul(x).backward()
      return x
    })
    expect(x.grad?.item()).toBe(6)
    x.mul(2).backward()
    expect(x.grad?.item()).toBe(8)
    x.grad = null
    x.mul(2).backward()
    expect((x.grad as unknown as Tensor).item()).toBe(2)
    x.dispose()
  })

  test('a leaf that was returned by value can be trained', () => {
    const w = scope(() => leaf(0.5))
    using optimizer = new optim.SGD([w], { lr: 0.5 })
    w.mul(2).sum().backward()
    optimizer.step()
    expect(w.item()).toBe(-0.5)
    w.dispose()
  })

  test('a loss of a dead graph can be added, but not walked', () => {
    const w = leaf(1, 2)
    const losses: Tensor[] = []
    let total: Tensor = tensor(0)
    for (const i of steps(3)) {
      const loss = w.mul(i).sum()
      loss.backward()
      losses.push(loss)
      total = total.add(loss)
    }
    expect(total.item()).toBe(9)
    for (const _ of steps(2));
    const sum = losses[0].add(losses[1]).add(losses[2])
    expect(sum.item()).toBe(9)
    expect(() => sum.backward()).toThrow(GraphError)
    expect(() => losses[2].backward()).toThrow(/walked by an earlier backward\(\), or was freed with its turn/)
    expect(() => losses[2].mul(w).sum().backward()).toThrow(GraphError)
  })
})

describe('StaleTensorError', () => {
  const message = (f: () => unknown) => {
    try {
      f()
    } catch (error) {
      expect(error).toBeInstanceOf(StaleTensorError)
      return (error as Error).message
    }
    throw new Error('nothing was thrown')
  }

  test('names the operation that touched it, its shape, what computed it, when it died, and the remedy', () => {
    const w = leaf(1, 2)
    const y = w.mul(3)
    y.sum().backward()
    w.add(1)
    const said = message(() => y.exp())
    expect(said).toMatch(/^exp: the memory of this tensor of shape \(2\), computed by mul, is gone/)
    expect(said).toMatch(/its graph was freed when the next one began\./)
    for (const remedy of ['item()', 'toArray()', 'keep()', 'return it from the scope']) expect(said).toContain(remedy)
  })

  test('says how it died', () => {
    const gone = randn([2])
    gone.dispose()
    expect(message(() => gone.toArray())).toMatch(/^toTypedArray: .*it was disposed/)
    let turn: Tensor | null = null
    for (const i of steps(3)) if (i === 0) turn = randn([2, 3])
    expect(message(() => (turn as unknown as Tensor).keep())).toMatch(/^keep: .*\(2, 3\).*its turn ended one turn ago/)
    let inner: Tensor | null = null
    scope(() => {
      inner = randn([2])
    })
    expect(message(() => (inner as unknown as Tensor).clone())).toMatch(/^clone: .*its scope ended/)
  })

  test.each<[string, (x: Tensor) => unknown]>([
    ['add', (x) => tensor([1, 2]).add(x)],
    ['matmul', (x) => tensor([[1, 2]]).matmul(x)],
    ['backward', (x) => leaf(1, 2).mul(1).backward(x)],
    ['copy_', (x) => tensor([1, 2]).copy_(x)],
    ['add_', (x) => x.add_(1)],
    ['fill_', (x) => x.fill_(1)],
    [
      'grad',
      (x) => {
        leaf(1, 2).grad = x
      },
    ],
    ['detach', (x) => x.detach()],
    ['reshape', (x) => x.reshape([1, 2])],
    ['transpose', (x) => x.transpose(0, 1)],
    ['to', (x) => x.to('int32')],
    ['sum', (x) => x.sum()],
    ['to', (x) => x.to('float32')],
    ['contiguous', (x) => x.contiguous()],
    ['softmax', (x) => x.softmax()],
    ['softmax', (x) => x.softmax(0)],
    ['sort', (x) => x.sort(0)],
    ['einsum', (x) => einsum('ij->ji', x)],
    ['nn.Parameter', (x) => new nn.Parameter(x)],
    ['nn.buffer', (x) => nn.buffer(x)],
    ['TensorDataset', (x) => new data.TensorDataset(x)],
    ['SGD', (x) => new optim.SGD([x])],
  ])('%s on a disposed tensor: the error names it, and no memory is lost', (name, use) => {
    const x = randn([2, 1])
    x.dispose()
    expect(message(() => use(x)).startsWith(`${name}: the memory of this tensor of shape (2, 1) is gone`)).toBe(true)
  })

  test('a disposed model says so', () => {
    const model = new nn.Linear(3, 2)
    model.dispose()
    expect(message(() => model.forward(zeros([1, 3])))).toMatch(/^linear: .*\(2, 3\).*it was disposed/)
    expect(message(() => model.stateDict())).toMatch(/^stateDict: /)
  })

  test('a data set whose tensor was disposed says so', () => {
    const x = randn([4, 2])
    const loader = new data.DataLoader(new data.TensorDataset(x))
    x.dispose()
    expect(message(() => [...loader])).toMatch(/^DataLoader: .*it was disposed/)
  })
})
