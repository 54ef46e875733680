/** Every optimizer: 50 steps against PyTorch's rules in float64, and where it arrives. */
import { describe, expect, test } from 'vitest'
import { memory, noGrad, optim, scope, type Tensor, tensor } from '../src/index.ts'
import { expectClose, random } from './ops/check.ts'

type Values = Float64Array

/** What an optimizer does with one parameter: its updates, one after another, at a learning rate. */
type Rule<Options> = (options: Options) => (p: Values, g: Values, lr: number) => Values

const zip = (f: (a: number, b: number) => number) => (a: Values, b: Values) => a.map((x, i) => f(x, b[i]))

const sgd: Rule<optim.SGDOptions> = ({ momentum = 0, dampening = 0, weightDecay = 0, nesterov = false }) => {
  let v: Values | null = null
  return (p, g, lr) => {
    const d = zip((a, b) => a + weightDecay * b)(g, p)
    v = v ? zip((a, b) => momentum * a + (1 - dampening) * b)(v, d) : d
    const step = momentum === 0 ? d : nesterov ? zip((a, b) => a + momentum * b)(d, v) : v
    return zip((a, b) => a - lr * b)(p, step)
  }
}

const adam: Rule<optim.AdamOptions> = ({ betas: [beta1, beta2] = [0.9, 0.999], eps = 1e-8, weightDecay = 0 }) => {
  let [m, v]: (Values | null)[] = [null, null]
  let t = 0
  return (p, g, lr) => {
    t++
    const d = zip((a, b) => a + weightDecay * b)(g, p)
    m = zip((a, b) => beta1 * a + (1 - beta1) * b)(m ?? p.map(() => 0), d)
    v = zip((a, b) => beta2 * a + (1 - beta2) * b * b)(v ?? p.map(() => 0), d)
    const step = zip((a, b) => a / (1 - beta1 ** t) / (Math.sqrt(b / (1 - beta2 ** t)) + eps))(m, v)
    return zip((a, b) => a - lr * b)(p, step)
  }
}

interface OptimizerCase {
  readonly optimizer: 'SGD' | 'Adam'
  readonly make: (parameters: Tensor[]) => optim.Optimizer
  readonly rule: () => ReturnType<Rule<never>>
  readonly lr: number
  readonly settings: string
  /** The learning rate and number of steps that get to the minimum of a parabola, and of Rosenbrock's valley. */
  readonly parabola: readonly [lr: number, steps: number]
  readonly rosenbrock: readonly [lr: number, steps: number]
}

type Ways = Pick<OptimizerCase, 'parabola' | 'rosenbrock'>

const withSGD = (options: optim.SGDOptions, ways: Ways): OptimizerCase => ({
  optimizer: 'SGD',
  make: (parameters) => new optim.SGD(parameters, options),
  rule: () => sgd(options),
  lr: options.lr ?? 0.01,
  settings: JSON.stringify(options),
  ...ways,
})

const withAdam = (options: optim.AdamOptions, ways: Ways): OptimizerCase => ({
  optimizer: 'Adam',
  make: (parameters) => new optim.Adam(parameters, options),
  rule: () => adam(options),
  lr: options.lr ?? 0.001,
  settings: JSON.stringify(options),
  ...ways,
})

const slow: Ways = { parabola: [0.1, 200], rosenbrock: [0.0015, 10_000] }
const fast: Ways = { parabola: [0.02, 400], rosenbrock: [0.0005, 6000] }
const adaptive: Ways = { parabola: [0.1, 500], rosenbrock: [0.02, 3000] }

const cases: readonly OptimizerCase[] = [
  withSGD({}, slow),
  withSGD({ lr: 0.1, weightDecay: 0.01 }, slow),
  withSGD({ lr: 0.05, momentum: 0.9 }, fast),
  withSGD({ lr: 0.05, momentum: 0.9, dampening: 0.5, weightDecay: 0.1 }, fast),
  withSGD({ lr: 0.05, momentum: 0.9, nesterov: true, weightDecay: 0.01 }, fast),
  withAdam({}, adaptive),
  withAdam({ lr: 0.05, betas: [0.8, 0.9], eps: 1e-3 }, { ...adaptive, parabola: [0.01, 2500] }),
  withAdam({ lr: 0.02, weightDecay: 0.1 }, adaptive),
]

describe.each(cases)('optim.$optimizer $settings', ({ make, rule, lr, settings, parabola, rosenbrock }) => {
  const SIZES = [1, 5, 16, 103]
  const STEPS = 50

  test('takes the steps of its rule, through another learning rate and missing gradients', () => {
    const { live } = memory()
    scope(() => {
      const exact = SIZES.map((n) => random(n, 1))
      const parameters = exact.map((data) => tensor(data, { requiresGrad: true }))
      const rules = exact.map(rule)
      const optimizer = make(parameters)
      expect(optimizer.lr).toBe(lr)
      for (let t = 0; t < STEPS; t++) {
        if (t === STEPS / 2) optimizer.lr = lr / 3
        optimizer.zeroGrad()
        SIZES.forEach((n, i) => {
          // A parameter without a gradient is skipped: no decay, no momentum, no step count.
          if (i === 1 && t % 3 === 1) return
          const g = random(n, 100 * t + i)
          parameters[i].grad = tensor(g)
          exact[i] = rules[i](exact[i], g, optimizer.lr)
        })
        optimizer.step()
      }
      parameters.forEach((parameter, i) => {
        expectClose(parameter.toTypedArray(), exact[i], (j) => 1e-5 * Math.abs(exact[i][j]) + 1e-6)
      })
      optimizer.dispose()
    })
    expect(memory().live).toBe(live)
  })

  test('leaves a frozen parameter alone', () => {
    const [frozen, trained] = [0, 1].map(() => tensor([1, 2], { requiresGrad: true }))
    const optimizer = make([frozen, trained])
    for (const parameter of [frozen, trained]) parameter.grad = tensor([1, 1])
    frozen.requiresGrad = false
    optimizer.step()
    expect(frozen.toArray()).toEqual([1, 2])
    expect(trained.toArray()).not.toEqual([1, 2])
  })

  if (!settings.includes('weightDecay'))
    test('finds the minimum of a parabola', () => {
      const x = tensor([-4, 0, 10], { requiresGrad: true })
      const minimum = tensor([3, -1, 0.5])
      const curvature = tensor([1, 0.5, 2])
      const optimizer = make([x])
      optimizer.lr = parabola[0]
      for (let i = 0; i < parabola[1]; i++) {
        optimizer.zeroGrad()
        const distance = x.sub(minimum)
        distance.mul(distance).mul(curvature).sum().backward()
        optimizer.step()
      }
      expect(noGrad(() => x.sub(minimum).toTypedArray()).every((d) => Math.abs(d) < 1e-3)).toBe(true)
    })

  if (!settings.includes('weightDecay'))
    test("finds the minimum of Rosenbrock's valley", () => {
      const [x, y] = [-1.2, 1].map((start) => tensor(start, { requiresGrad: true }))
      const optimizer = make([x, y])
      optimizer.lr = rosenbrock[0]
      for (let i = 0; i < rosenbrock[1]; i++) {
        optimizer.zeroGrad()
        const across = y.sub(x.mul(x))
        const along = x.sub(1)
        across.mul(across).mul(100).add(along.mul(along)).backward()
        optimizer.step()
      }
      expect(Math.hypot(x.item() - 1, y.item() - 1)).toBeLessThan(0.05)
    })
})

test('every optimizer is in the table', () => {
  const { Optimizer: _base, ...exported } = optim
  expect(Object.keys(exported).sort()).toEqual([...new Set(cases.map(({ optimizer }) => optimizer))].sort())
})
