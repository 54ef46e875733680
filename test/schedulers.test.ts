/** Schedulers: 200 steps against closed forms, alone, together and one after another; what they keep, and what they refuse. */
import { describe, expect, test } from 'vitest'
import { OptionError, optim, tensor, zeros } from '../src/index.ts'

const {
  CosineAnnealingLR,
  ExponentialLR,
  LinearLR,
  LRScheduler,
  MultiStepLR,
  OneCycleLR,
  ReduceLROnPlateau,
  SequentialLR,
  StepLR,
} = optim.lrScheduler

const BASES = [0.1, 0.025]
const STEPS = 200

const groups = () => BASES.map((lr) => ({ params: [zeros([1], { requiresGrad: true })], lr }))
const sgd = () => new optim.SGD(groups(), { momentum: 0.9 })
const adam = () => new optim.Adam(groups())

const lrsOf = (optimizer: optim.Optimizer) => optimizer.paramGroups.map(({ lr }) => lr)

type Closed = (epoch: number, base: number, group: number) => number

const cosine = (from: number, to: number, share: number) => to + ((from - to) * (1 + Math.cos(Math.PI * share))) / 2
const linear = (from: number, to: number, share: number) => from + (to - from) * share

const stepped: Closed = (t, base) => base * 0.5 ** Math.floor(t / 30)
const exponential: Closed = (t, base) => base * 0.97 ** t
const warmUp: Closed = (t, base) => base * linear(0.1, 1, Math.min(t / 20, 1))
const wave =
  (tMax: number, etaMin: number): Closed =>
  (t, base) =>
    cosine(base, etaMin, t / tMax)
/** One cycle from max / 25 by max to max / 250000. */
const cycle =
  (total: number, anneal: typeof cosine, maxLr: number): Closed =>
  (t) => {
    const top = 0.3 * total - 1
    if (t <= top) return anneal(maxLr / 25, maxLr, t / top)
    return anneal(maxLr, maxLr / 25e4, (t - top) / (total - 1 - top))
  }

interface Case {
  readonly name: string
  readonly make: (optimizer: optim.Optimizer) => optim.lrScheduler.LRScheduler[]
  readonly rate: Closed
}

const cases: readonly Case[] = [
  { name: 'StepLR', make: (o) => [new StepLR(o, 30, { gamma: 0.5 })], rate: stepped },
  { name: 'StepLR by default', make: (o) => [new StepLR(o, 90)], rate: (t, base) => base * 0.1 ** Math.floor(t / 90) },
  {
    name: 'MultiStepLR',
    make: (o) => [new MultiStepLR(o, [30, 150, 80, 80], { gamma: 0.3 })],
    rate: (t, base) => base * 0.3 ** [30, 80, 80, 150].filter((milestone) => milestone <= t).length,
  },
  { name: 'ExponentialLR', make: (o) => [new ExponentialLR(o, 0.97)], rate: exponential },
  { name: 'CosineAnnealingLR', make: (o) => [new CosineAnnealingLR(o, 200)], rate: wave(200, 0) },
  {
    name: 'CosineAnnealingLR up again',
    make: (o) => [new CosineAnnealingLR(o, 30, { etaMin: 1e-3 })],
    rate: wave(30, 1e-3),
  },
  { name: 'LinearLR', make: (o) => [new LinearLR(o, { startFactor: 0.1, totalIters: 20 })], rate: warmUp },
  {
    name: 'LinearLR by default',
    make: (o) => [new LinearLR(o)],
    rate: (t, base) => base * linear(1 / 3, 1, Math.min(t / 5, 1)),
  },
  {
    name: 'OneCycleLR',
    make: (o) => [new OneCycleLR(o, { maxLr: 0.3, totalSteps: 201 })],
    rate: cycle(201, cosine, 0.3),
  },
  {
    name: 'OneCycleLR along lines, of epochs',
    make: (o) => [new OneCycleLR(o, { maxLr: 0.3, epochs: 10, stepsPerEpoch: 21, annealStrategy: 'linear' })],
    rate: cycle(210, linear, 0.3),
  },
  {
    name: 'OneCycleLR in three phases, with a rate for each group',
    make: (o) => [new OneCycleLR(o, { maxLr: [0.3, 0.2], totalSteps: 210, threePhase: true, pctStart: 0.4 })],
    rate: (t, _base, group) => {
      const max = [0.3, 0.2][group]
      if (t <= 83) return cosine(max / 25, max, t / 83)
      if (t <= 166) return cosine(max, max / 25, (t - 83) / 83)
      return cosine(max / 25, max / 25e4, (t - 166) / 43)
    },
  },
  {
    name: 'SequentialLR: a warm-up, then a cosine',
    make: (o) => [
      new SequentialLR(
        o,
        [new LinearLR(o, { startFactor: 0.1, totalIters: 20 }), new CosineAnnealingLR(o, 180, { etaMin: 1e-4 })],
        { milestones: [20] },
      ),
    ],
    rate: (t, base, group) => (t < 20 ? warmUp(t, base, group) : wave(180, 1e-4)(t - 20, base, group)),
  },
  {
    name: 'SequentialLR of three, one of them sequential',
    make: (o) => {
      const inner = new SequentialLR(o, [new ExponentialLR(o, 0.97), new StepLR(o, 30, { gamma: 0.5 })], {
        milestones: [40],
      })
      const first = new LinearLR(o, { startFactor: 0.1, totalIters: 20 })
      return [new SequentialLR(o, [first, inner, new ExponentialLR(o, 0.97)], { milestones: [10, 120] })]
    },
    rate: (t, base, group) => {
      if (t < 10) return warmUp(t, base, group)
      if (t < 50) return exponential(t - 10, base, group)
      return t < 120 ? stepped(t - 50, base, group) : exponential(t - 120, base, group)
    },
  },
  {
    name: 'LinearLR and ExponentialLR together',
    make: (o) => [new LinearLR(o, { startFactor: 0.1, totalIters: 20 }), new ExponentialLR(o, 0.97)],
    rate: (t, base, group) => warmUp(t, base, group) * 0.97 ** t,
  },
]

describe.each(cases)('$name', ({ make, rate }) => {
  test('sets the rates of its formula for 200 steps', () => {
    const optimizer = sgd()
    const schedulers = make(optimizer)
    for (let t = 0; t <= STEPS; t++) {
      const rates = lrsOf(optimizer)
      rates.forEach((lr, group) => {
        const exact = rate(t, BASES[group], group)
        // What is computed from the rate before gathers roundings: one each step, of a rate as large as the first.
        expect(Math.abs(lr - exact), `step ${t}`).toBeLessThanOrEqual(200 * 2 ** -52 * BASES[group])
      })
      expect(schedulers.at(-1)?.getLastLr()).toEqual(rates)
      for (const scheduler of schedulers) {
        expect(scheduler.lastEpoch).toBe(t)
        scheduler.step()
      }
      if (t === 0) expect(schedulers.at(-1)?.optimizer).toBe(optimizer)
    }
  })

  test('goes on where it stopped, with the same bits, from a state that went through JSON', () => {
    const [one, other] = [sgd(), sgd()]
    // The state says from which rates, not the program that goes on.
    other.lr = 7
    const [schedulers, resumed] = [make(one), make(other)]
    for (let t = 0; t < 77; t++) for (const scheduler of schedulers) scheduler.step()
    resumed.forEach((scheduler, i) => {
      scheduler.loadStateDict(JSON.parse(JSON.stringify(schedulers[i].stateDict())))
      expect(scheduler.stateDict()).toEqual(schedulers[i].stateDict())
    })
    other.loadStateDict(one.stateDict())
    for (let t = 77; t < STEPS; t++) {
      for (const scheduler of [...schedulers, ...resumed]) scheduler.step()
      expect(lrsOf(other)).toEqual(lrsOf(one))
      expect(other.paramGroups.map(({ momentum }) => momentum)).toEqual(one.paramGroups.map(({ momentum }) => momentum))
    }
  })

  test('loads nothing that does not fit', () => {
    const optimizer = sgd()
    const scheduler = make(optimizer)[0]
    scheduler.step()
    const state = scheduler.stateDict()
    const { lastEpoch, ...rest } = state
    const load = (wrong: optim.lrScheduler.SchedulerState) => () => scheduler.loadStateDict(wrong)
    expect(load(rest)).toThrow(/LR\.loadStateDict: missing lastEpoch/)
    expect(load({ ...state, more: 1 })).toThrow(/unexpected more/)
    for (const broken of Object.keys(state)) {
      expect(load({ ...state, [broken]: 'x' }), broken).toThrow(OptionError)
      expect(load({ ...state, [broken]: null }), broken).toThrow(OptionError)
    }
    expect(load({ ...state, lastLr: [1] })).toThrow(OptionError)
    expect(scheduler.stateDict()).toEqual(state)
  })
})

describe('OneCycleLR', () => {
  test.each(['momentum of SGD', 'the first beta of Adam'])('cycles the %s against the rate', (kind) => {
    const optimizer = kind.includes('SGD') ? sgd() : adam()
    const momentum = () =>
      optimizer.paramGroups.map((group) =>
        'betas' in group ? (group.betas as readonly number[])[0] : (group as { momentum?: number }).momentum,
      )
    const options = { maxLr: 0.3, totalSteps: 100, baseMomentum: [0.8, 0.7], maxMomentum: 0.9 }
    const scheduler = new OneCycleLR(optimizer, options)
    for (let t = 0; t < 100; t++) {
      momentum().forEach((value, group) => {
        const base = [0.8, 0.7][group]
        const exact = t <= 29 ? cosine(0.9, base, t / 29) : cosine(base, 0.9, (t - 29) / 70)
        expect(value).toBeCloseTo(exact, 14)
      })
      scheduler.step()
    }
    if ('betas' in optimizer.paramGroups[0]) expect(optimizer.paramGroups[0].betas).toHaveProperty('1', 0.999)
  })

  test('may step once more than the cycle has steps, as a loop does at its end, but not twice', () => {
    for (const annealStrategy of ['cos', 'linear'] as const) {
      const optimizer = sgd()
      const scheduler = new OneCycleLR(optimizer, { maxLr: 0.1, totalSteps: 5, annealStrategy })
      for (let t = 0; t < 5; t++) scheduler.step()
      const rates = lrsOf(optimizer)
      expect(() => scheduler.step()).toThrow(/^OneCycleLR: step 6 of a cycle of 5; make totalSteps larger/)
      expect([scheduler.lastEpoch, lrsOf(optimizer)]).toEqual([5, rates])
    }
  })

  test('a rise of no length is over at once', () => {
    const optimizer = sgd()
    new OneCycleLR(optimizer, { maxLr: 0.1, totalSteps: 10, pctStart: 0.1 })
    expect(lrsOf(optimizer)).toEqual([0.1, 0.1])
  })
})

describe('ReduceLROnPlateau', () => {
  const ratesOf = (options: optim.lrScheduler.PlateauOptions, metrics: readonly number[]) => {
    const optimizer = new optim.SGD([zeros([1])], { lr: 1 })
    const scheduler = new ReduceLROnPlateau(optimizer, options)
    return metrics.map((metric) => {
      scheduler.step(metric)
      return scheduler.getLastLr()[0]
    })
  }

  test('lowers the rate after more than `patience` epochs that are not better', () => {
    expect(ratesOf({ factor: 0.5, patience: 1 }, [3, 3, 3, 2, 2, 2, 2])).toEqual([1, 1, 0.5, 0.5, 0.5, 0.25, 0.25])
    expect(ratesOf({ factor: 0.5, patience: 0, mode: 'max' }, [1, 2, 2, 3])).toEqual([1, 1, 0.5, 0.5])
    expect(ratesOf({ factor: 0.5 }, new Array(12).fill(1))).toEqual([...new Array(11).fill(1), 0.5])
  })

  test('takes for better what is so by the threshold, and NaN for worse', () => {
    const options = { factor: 0.5, patience: 0 }
    expect(ratesOf({ ...options, threshold: 0.1 }, [10, 9.01, 8.9])).toEqual([1, 0.5, 0.5])
    expect(ratesOf({ ...options, threshold: 0.1, thresholdMode: 'abs' }, [10, 9.95, 9.8])).toEqual([1, 0.5, 0.5])
    expect(ratesOf({ ...options, threshold: 0.1, mode: 'max' }, [10, 10.9, 11.1])).toEqual([1, 0.5, 0.5])
    expect(ratesOf(options, [Number.NaN, 5, Number.NaN, 4])).toEqual([0.5, 0.5, 0.25, 0.25])
  })

  test('waits after a reduction, stops at `minLr`, and leaves out what is less than `eps`', () => {
    expect(ratesOf({ factor: 0.5, patience: 0, cooldown: 2 }, [1, 1, 1, 1, 1])).toEqual([1, 0.5, 0.5, 0.5, 0.25])
    expect(ratesOf({ factor: 0.5, patience: 0, minLr: 0.3 }, [1, 1, 1, 1])).toEqual([1, 0.5, 0.3, 0.3])
    expect(ratesOf({ factor: 0.5, patience: 0, eps: 0.3 }, [1, 1, 1, 1])).toEqual([1, 0.5, 0.5, 0.5])
  })

  test('goes on where it stopped, from a state that went through JSON, and takes tensors', () => {
    const options = { factor: 0.5, patience: 1, cooldown: 1, minLr: [0.01, 0.001] }
    const [one, other] = [sgd(), sgd()]
    const [scheduler, resumed] = [new ReduceLROnPlateau(one, options), new ReduceLROnPlateau(other)]
    expect(scheduler.stateDict().best).toBeNull()
    for (const metric of [3, 2, 2, 2]) scheduler.step(tensor(metric))
    resumed.loadStateDict(JSON.parse(JSON.stringify(scheduler.stateDict())))
    other.loadStateDict(one.stateDict())
    for (const metric of [2, 2, 2, 1, 1, 1, 1, 1, 1]) {
      scheduler.step(metric)
      resumed.step(metric)
      expect(resumed.getLastLr()).toEqual(scheduler.getLastLr())
    }
    expect(resumed.stateDict()).toEqual(scheduler.stateDict())
    const state = scheduler.stateDict()
    for (const name of Object.keys(state))
      expect(() => scheduler.loadStateDict({ ...state, [name]: 'x' }), name).toThrow(OptionError)
    expect(scheduler.stateDict()).toEqual(state)
  })
})

test('LinearLR goes down to a rate of 0, and not below it by rounding', () => {
  for (const totalIters of [1, 2, 3, 4, 5, 6, 7, 10, 100])
    for (const startFactor of [1 / 3, 0.5, 0.7, 1]) {
      const optimizer = sgd()
      const scheduler = new LinearLR(optimizer, { startFactor, endFactor: 0, totalIters })
      for (let t = 0; t < totalIters + 2; t++) scheduler.step()
      for (const lr of lrsOf(optimizer)) expect(Math.abs(lr)).toBeLessThan(1e-15)
    }
})

test('a group that is added later is scheduled from then on', () => {
  const optimizer = sgd()
  const scheduler = new ExponentialLR(optimizer, 0.5)
  optimizer.addParamGroup({ params: [zeros([1])], lr: 8 })
  scheduler.step()
  scheduler.step()
  expect(lrsOf(optimizer)).toEqual([0.025, 0.00625, 2])
})

test('every scheduler is tested', () => {
  const named = [...cases.map(({ name }) => name.split(/[ :]/)[0]), 'ReduceLROnPlateau', 'LRScheduler']
  expect(Object.keys(optim.lrScheduler).filter((name) => !named.includes(name))).toEqual([])
  expect(new StepLR(sgd(), 1)).toBeInstanceOf(LRScheduler)
})

const wrong = <T>(value: unknown) => value as T
const cycleOf = (options: object) => () => new OneCycleLR(sgd(), { maxLr: 1, totalSteps: 10, ...options })
const plateauOf = (options: object) => () => new ReduceLROnPlateau(sgd(), options)

test.each<[string, () => unknown, RegExp]>([
  ['no optimizer', () => new StepLR(wrong({}), 1), /^StepLR: expected an optimizer, got an object/],
  ['no optimizer for a cycle', () => new OneCycleLR(wrong(null), wrong({})), /^OneCycleLR: expected an optimizer/],
  ['no optimizer on a plateau', () => new ReduceLROnPlateau(wrong(1)), /^ReduceLROnPlateau: expected an optimizer/],
  ['a step of 0', () => new StepLR(sgd(), 0), /^StepLR: stepSize is 0; use an integer/],
  ['a misspelt option', () => new StepLR(sgd(), 1, wrong({ g: 1 })), /^StepLR: there is no option g; there is gamma/],
  ['gamma', () => new ExponentialLR(sgd(), Number.NaN), /^ExponentialLR: gamma is NaN/],
  ['a negative gamma', () => new StepLR(sgd(), 1, { gamma: -1 }), /^StepLR: gamma is -1/],
  ['one milestone', () => new MultiStepLR(sgd(), wrong(3)), /^MultiStepLR: milestones must be a list/],
  ['half a milestone', () => new MultiStepLR(sgd(), [1.5]), /^MultiStepLR: a milestone is 1.5/],
  ['tMax', () => new CosineAnnealingLR(sgd(), 1.5), /^CosineAnnealingLR: tMax is 1.5/],
  ['etaMin', () => new CosineAnnealingLR(sgd(), 5, { etaMin: -1 }), /^CosineAnnealingLR: etaMin is -1/],
  ['startFactor', () => new LinearLR(sgd(), { startFactor: 0 }), /^LinearLR: startFactor is 0/],
  ['endFactor', () => new LinearLR(sgd(), { endFactor: 2 }), /^LinearLR: endFactor is 2/],
  ['totalIters', () => new LinearLR(sgd(), { totalIters: 0 }), /^LinearLR: totalIters is 0/],
  ['no options', () => new OneCycleLR(sgd(), wrong(undefined)), /^OneCycleLR: expected an object of options/],
  ['no maxLr', cycleOf({ maxLr: undefined }), /^OneCycleLR: a number of maxLr is undefined/],
  ['no steps', cycleOf({ totalSteps: undefined, epochs: 3 }), /^OneCycleLR: pass totalSteps, or both epochs and/],
  ['half an epoch', cycleOf({ totalSteps: undefined, epochs: 0.5, stepsPerEpoch: 2 }), /^OneCycleLR: epochs is 0.5/],
  ['three rates for two groups', cycleOf({ maxLr: [1, 2, 3] }), /^OneCycleLR: maxLr must be a list with a number/],
  ['pctStart', cycleOf({ pctStart: 1.5 }), /^OneCycleLR: pctStart is 1.5/],
  ['annealStrategy', cycleOf({ annealStrategy: 'sin' }), /^OneCycleLR: annealStrategy is sin; it must be 'cos'/],
  ['divFactor', cycleOf({ divFactor: 0 }), /^OneCycleLR: divFactor is 0/],
  ['cycleMomentum', cycleOf({ cycleMomentum: 1 }), /^OneCycleLR: cycleMomentum is 1/],
  [
    'momentum of Adagrad',
    () => new OneCycleLR(new optim.Adagrad(groups()), { maxLr: 1, totalSteps: 9 }),
    /^OneCycleLR: Adagrad has no momentum to cycle; pass { cycleMomentum: false }/,
  ],
  [
    'milestones that fall',
    () => new SequentialLR(sgd(), [], { milestones: [3, 2] }),
    /^SequentialLR: a milestone is 2; it must be an integer above those before it/,
  ],
  ['too few schedulers', () => new SequentialLR(sgd(), [], { milestones: [3] }), /^SequentialLR: 1 milestones need 2/],
  [
    "another optimizer's scheduler",
    () => new SequentialLR(sgd(), [new StepLR(sgd(), 1)], { milestones: [] }),
    /^SequentialLR: every scheduler must be one .* of this optimizer/,
  ],
  ['mode', plateauOf({ mode: 'up' }), /^ReduceLROnPlateau: mode is up; it must be 'min' or 'max'/],
  ['thresholdMode', plateauOf({ thresholdMode: 'x' }), /^ReduceLROnPlateau: thresholdMode is x/],
  ['factor', plateauOf({ factor: 1 }), /^ReduceLROnPlateau: factor is 1/],
  ['patience', plateauOf({ patience: -1 }), /^ReduceLROnPlateau: patience is -1/],
  ['minLr', plateauOf({ minLr: [0] }), /^ReduceLROnPlateau: minLr must be a list with a number for each of the 2/],
  ['a metric', () => new ReduceLROnPlateau(sgd()).step(wrong('1')), /^ReduceLROnPlateau: the metric is a string/],
])('%s is refused', (_what, call, message) => {
  expect(call).toThrow(OptionError)
  expect(call).toThrow(message)
})
