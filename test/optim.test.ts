/** Every optimizer: 50 steps against PyTorch's rules in float64, and where it arrives. */
import { describe, expect, test } from 'vitest'
import { memory, noGrad, optim, scope, type Tensor, tensor } from '../src/index.ts'
import { expectClose, random } from './ops/check.ts'

type Values = Float64Array

/** What an optimizer does with one parameter: its updates, one after another, at a learning rate. */
type Rule<Options> = (options: Options) => (p: Values, g: Values, lr: number) => Values

const zip = (f: (a: number, b: number) => number) => (a: Values, b: Values) => a.map((x, i) => f(x, b[i]))

/** g, or -g to maximize, with its weight decay. */
const directed = (g: Values, p: Values, { maximize = false, weightDecay = 0 }) =>
  zip((a, b) => (maximize ? -a : a) + weightDecay * b)(g, p)

const zerosLike = (p: Values) => p.map(() => 0)

const sgd: Rule<optim.SGDOptions> = (options) => {
  const { momentum = 0, dampening = 0, nesterov = false } = options
  let v: Values | null = null
  return (p, g, lr) => {
    const d = directed(g, p, options)
    v = v ? zip((a, b) => momentum * a + (1 - dampening) * b)(v, d) : d
    const step = momentum === 0 ? d : nesterov ? zip((a, b) => a + momentum * b)(d, v) : v
    return zip((a, b) => a - lr * b)(p, step)
  }
}

const adam: Rule<optim.AdamOptions> = (options) => {
  const { betas: [beta1, beta2] = [0.9, 0.999], eps = 1e-8, amsgrad = false } = options
  let [m, v, peak]: (Values | null)[] = [null, null, null]
  let t = 0
  return (p, g, lr) => {
    t++
    const d = directed(g, p, options)
    m = zip((a, b) => beta1 * a + (1 - beta1) * b)(m ?? zerosLike(p), d)
    v = zip((a, b) => beta2 * a + (1 - beta2) * b * b)(v ?? zerosLike(p), d)
    peak = zip(Math.max)(peak ?? v, v)
    const step = zip((a, b) => a / (1 - beta1 ** t) / (Math.sqrt(b / (1 - beta2 ** t)) + eps))(m, amsgrad ? peak : v)
    return zip((a, b) => a - lr * b)(p, step)
  }
}

const adamW: Rule<optim.AdamWOptions> = ({ weightDecay = 0.01, ...options }) => {
  const step = adam(options)
  return (p, g, lr) =>
    step(
      p.map((a) => a * (1 - lr * weightDecay)),
      g,
      lr,
    )
}

const rmsprop: Rule<optim.RMSpropOptions> = (options) => {
  const { alpha = 0.99, eps = 1e-8, momentum = 0, centered = false } = options
  let [square, mean, buffer]: (Values | null)[] = [null, null, null]
  return (p, g, lr) => {
    const d = directed(g, p, options)
    square = zip((a, b) => alpha * a + (1 - alpha) * b * b)(square ?? zerosLike(p), d)
    mean = zip((a, b) => alpha * a + (1 - alpha) * b)(mean ?? zerosLike(p), d)
    const variance = centered ? zip((a, b) => a - b * b)(square, mean) : square
    const step = zip((a, b) => a / (Math.sqrt(b) + eps))(d, variance)
    buffer = zip((a, b) => momentum * a + b)(buffer ?? zerosLike(p), step)
    return zip((a, b) => a - lr * b)(p, buffer)
  }
}

const adagrad: Rule<optim.AdagradOptions> = (options) => {
  const { lrDecay = 0, initialAccumulatorValue = 0, eps = 1e-10 } = options
  let sum: Values | null = null
  let t = 0
  return (p, g, lr) => {
    const d = directed(g, p, options)
    sum = zip((a, b) => a + b * b)(sum ?? p.map(() => initialAccumulatorValue), d)
    const step = zip((a, b) => a / (Math.sqrt(b) + eps))(d, sum)
    const rate = lr / (1 + t++ * lrDecay)
    return zip((a, b) => a - rate * b)(p, step)
  }
}

interface OptimizerCase {
  readonly optimizer: 'SGD' | 'Adam' | 'AdamW' | 'RMSprop' | 'Adagrad'
  readonly make: (parameters: Tensor[]) => optim.Optimizer
  readonly rule: () => ReturnType<Rule<never>>
  readonly lr: number
  readonly settings: string
  readonly ways?: Ways
}

/** The learning rate and number of steps that get to the minimum of a parabola, and of Rosenbrock's valley. */
interface Ways {
  readonly parabola: readonly [lr: number, steps: number]
  readonly rosenbrock: readonly [lr: number, steps: number]
}

const rows =
  <Options extends optim.OptimizerOptions>(
    optimizer: OptimizerCase['optimizer'],
    make: (parameters: Tensor[], options: Options) => optim.Optimizer,
    rule: Rule<Options>,
    lr: number,
  ) =>
  (options: Options, ways?: Ways): OptimizerCase => ({
    optimizer,
    make: (parameters) => make(parameters, options),
    rule: () => rule(options),
    lr: options.lr ?? lr,
    settings: JSON.stringify(options),
    ways,
  })

const withSGD = rows<optim.SGDOptions>('SGD', (p, options) => new optim.SGD(p, options), sgd, 0.01)
const withAdam = rows<optim.AdamOptions>('Adam', (p, options) => new optim.Adam(p, options), adam, 0.001)
const withAdamW = rows<optim.AdamWOptions>('AdamW', (p, options) => new optim.AdamW(p, options), adamW, 0.001)
const withRMSprop = rows<optim.RMSpropOptions>('RMSprop', (p, options) => new optim.RMSprop(p, options), rmsprop, 0.001)
const withAdagrad = rows<optim.AdagradOptions>('Adagrad', (p, options) => new optim.Adagrad(p, options), adagrad, 0.01)

const slow: Ways = { parabola: [0.1, 200], rosenbrock: [0.0015, 10_000] }
const fast: Ways = { parabola: [0.02, 400], rosenbrock: [0.0005, 6000] }
const adaptive: Ways = { parabola: [0.1, 500], rosenbrock: [0.02, 3000] }
/** Steps of RMSprop do not shrink near a minimum: the learning rate is how near they get. */
const rooted: Ways = { parabola: [0.0015, 7000], rosenbrock: [0.002, 4000] }
const summing: Ways = { parabola: [1, 500], rosenbrock: [0.5, 5000] }

/** Those without ways decay or climb: they do not get there. */
const cases: readonly OptimizerCase[] = [
  withSGD({}, slow),
  withSGD({ lr: 0.1, weightDecay: 0.01 }),
  withSGD({ lr: 0.05, momentum: 0.9 }, fast),
  withSGD({ lr: 0.05, momentum: 0.9, dampening: 0.5, weightDecay: 0.1 }),
  withSGD({ lr: 0.05, momentum: 0.9, nesterov: true, weightDecay: 0.01 }),
  withSGD({ lr: 0.05, weightDecay: 0.1, maximize: true }),
  withSGD({ lr: 0.05, weightDecay: 0.1, momentum: 0.9, maximize: true }),
  withAdam({}, adaptive),
  withAdam({ lr: 0.05, betas: [0.8, 0.9], eps: 1e-3 }, { ...adaptive, parabola: [0.01, 2500] }),
  withAdam({ lr: 0.02, weightDecay: 0.1 }),
  withAdam({ lr: 0.02, betas: [0.9, 0.7], amsgrad: true }, { parabola: [0.5, 500], rosenbrock: [0.3, 3000] }),
  withAdam({ lr: 0.02, weightDecay: 0.1, maximize: true }),
  withAdamW({}),
  withAdamW({ lr: 0.05, weightDecay: 0 }, adaptive),
  withAdamW({ lr: 0.05, betas: [0.8, 0.9], eps: 1e-3, weightDecay: 0.2 }),
  withAdamW({ lr: 0.02, betas: [0.9, 0.7], weightDecay: 0.1, amsgrad: true, maximize: true }),
  withRMSprop({}, rooted),
  withRMSprop({ lr: 0.01, alpha: 0.9, eps: 1e-3, weightDecay: 0.1 }),
  withRMSprop({ lr: 0.01, momentum: 0.9, centered: true }),
  withRMSprop({ lr: 0.01, alpha: 0.95, eps: 1e-4, centered: true, weightDecay: 0.1 }),
  withRMSprop({ lr: 0.01, alpha: 0.9, eps: 1e-3, momentum: 0.5, weightDecay: 0.1, maximize: true }),
  withAdagrad({}, summing),
  withAdagrad({ lr: 0.1, lrDecay: 0.05, weightDecay: 0.1 }),
  withAdagrad({ lr: 0.1, initialAccumulatorValue: 0.5, eps: 1e-3 }),
  withAdagrad({ lr: 0.05, weightDecay: 0.05, maximize: true }),
]

describe.each(cases)('optim.$optimizer $settings', ({ make, rule, lr, ways }) => {
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

  if (ways)
    test('finds the minimum of a parabola', () => {
      const x = tensor([-4, 0, 10], { requiresGrad: true })
      const minimum = tensor([3, -1, 0.5])
      const curvature = tensor([1, 0.5, 2])
      const optimizer = make([x])
      optimizer.lr = ways.parabola[0]
      for (let i = 0; i < ways.parabola[1]; i++) {
        optimizer.zeroGrad()
        const distance = x.sub(minimum)
        distance.mul(distance).mul(curvature).sum().backward()
        optimizer.step()
      }
      expect(noGrad(() => x.sub(minimum).toTypedArray()).every((d) => Math.abs(d) < 1e-3)).toBe(true)
    })

  if (ways)
    test("finds the minimum of Rosenbrock's valley", () => {
      const [x, y] = [-1.2, 1].map((start) => tensor(start, { requiresGrad: true }))
      const optimizer = make([x, y])
      optimizer.lr = ways.rosenbrock[0]
      for (let i = 0; i < ways.rosenbrock[1]; i++) {
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
  const { Optimizer: _base, lrScheduler: _others, ...exported } = optim
  expect(Object.keys(exported).sort()).toEqual([...new Set(cases.map(({ optimizer }) => optimizer))].sort())
})
