/**
 * The loops that people write in PyTorch, as they write them: no dispose, no scope. After 10,000 turns each holds as many bytes
 * as after ten, no handle has gone stale under it, and linear memory has not grown.
 */
import { beforeEach, expect, test } from 'vitest'
import {
  data,
  manualSeed,
  memory,
  nn,
  noGrad,
  optim,
  rand,
  randint,
  randn,
  steps,
  type Tensor,
  tensor,
} from '../src/index.ts'

const TURNS = 10_000
const ROWS = 18
const BATCH = 4
/** Four full batches and one of two rows. */
const PER_EPOCH = 5

let model: nn.Sequential
let optimizer: optim.Optimizer
let loader: data.DataLoader<[Tensor, Tensor]>
const lossFn = new nn.CrossEntropyLoss()

function mlp(inFeatures: number, outFeatures: number) {
  return nn.sequential(new nn.Linear(inFeatures, 8), new nn.ReLU(), new nn.Linear(8, outFeatures))
}

beforeEach(() => {
  manualSeed(1)
  model = mlp(6, 3)
  optimizer = new optim.Adam(model.parameters(), { lr: 1e-3 })
  loader = batches()
})

function batches() {
  const dataset = new data.TensorDataset(randn([ROWS, 6]), randint(0, 3, [ROWS]))
  return new data.DataLoader(dataset, { batchSize: BATCH, shuffle: true })
}

/** Compares memory after the tenth call with memory after the last, which must be the same moment of an epoch. */
function meter() {
  let turn = 0
  let early = memory()
  return () => {
    turn++
    if (turn === 10) early = memory()
    if (turn < TURNS) return
    const late = memory()
    expect(late.live).toBe(early.live)
    expect(late.reserved).toBe(early.reserved)
  }
}

const epochs = () => steps(TURNS / PER_EPOCH)

test('the five lines, with a last partial batch, accuracy and softmax logged, and losses pushed', () => {
  const tick = meter()
  const losses: Tensor[] = []
  const log: number[] = []
  for (const _ of epochs())
    for (const [x, y] of loader) {
      optimizer.zeroGrad()
      const out = model.forward(x)
      const loss = lossFn.forward(out, y)
      loss.backward()
      optimizer.step()
      losses.push(loss)
      log.push(out.softmax().toTypedArray()[0], out.argmax(1).eq(y).mean().item())
      tick()
    }
  expect(losses).toHaveLength(TURNS)
  expect(losses[TURNS - 1].item()).toBeLessThan(losses[0].item())
  expect(losses.every((loss) => Number.isFinite(loss.item()))).toBe(true)
})

test('a plain for loop, without turns', () => {
  const tick = meter()
  const x = randn([BATCH, 6])
  const y = randint(0, 3, [BATCH])
  for (let i = 0; i < TURNS; i++) {
    optimizer.zeroGrad()
    lossFn.forward(model.forward(x), y).backward()
    optimizer.step()
    tick()
  }
})

test('step, zeroGrad, and only then item', () => {
  const tick = meter()
  let total = 0
  for (const _ of epochs())
    for (const [x, y] of loader) {
      const loss = lossFn.forward(model.forward(x), y)
      loss.backward()
      optimizer.step()
      optimizer.zeroGrad()
      total += loss.item()
      tick()
    }
  expect(total).toBeGreaterThan(0)
})

test('forward before zeroGrad', () => {
  const tick = meter()
  for (const _ of epochs())
    for (const [x, y] of loader) {
      const out = model.forward(x)
      const loss = lossFn.forward(out, y)
      optimizer.zeroGrad()
      loss.backward()
      optimizer.step()
      expect(out.shape[0]).toBe(y.shape[0])
      tick()
    }
})

test('gradients accumulated over four steps', () => {
  const tick = meter()
  const x = randn([BATCH, 6])
  const y = randint(0, 3, [BATCH])
  let turn = 0
  for (const i of steps(TURNS)) {
    lossFn.forward(model.forward(x), y).div(4).backward()
    if (i % 4 === 3) {
      optimizer.step()
      optimizer.zeroGrad()
    }
    turn++
    // Turns 10 and 10,000 are at different moments of four; compare where they agree.
    if (turn % 4 === 2) for (let same = 0; same < 4; same++) tick()
  }
})

test('a recurrent state carried on by detach()', () => {
  const tick = meter()
  const cell = nn.sequential(new nn.Linear(6 + 8, 8), new nn.Tanh())
  const inner = new nn.Linear(8, 8)
  const optimizer = new optim.SGD([...cell.parameters(), ...inner.parameters()], { momentum: 0.9 })
  const x = randn([BATCH, 14])
  let h = rand([BATCH, 8])
  for (const _ of steps(TURNS)) {
    optimizer.zeroGrad()
    const next = inner.forward(h).add(cell.forward(x)).tanh()
    next.mean().backward()
    optimizer.step()
    h = next.detach()
    tick()
  }
  expect(h.toTypedArray().every(Number.isFinite)).toBe(true)
})

test("a GAN in the order of PyTorch's DCGAN tutorial", () => {
  const tick = meter()
  const netG = nn.sequential(new nn.Linear(4, 8), new nn.ReLU(), new nn.Linear(8, 6))
  const netD = nn.sequential(new nn.Linear(6, 8), new nn.ReLU(), new nn.Linear(8, 2))
  const optimizerD = new optim.Adam(netD.parameters(), { lr: 2e-4, betas: [0.5, 0.999] })
  const optimizerG = new optim.Adam(netG.parameters(), { lr: 2e-4, betas: [0.5, 0.999] })
  const printed: number[][] = []
  for (const _ of epochs())
    for (const [real] of loader) {
      const size = real.shape[0]
      const isReal = randint(1, 2, [size])
      const isFake = randint(0, 1, [size])
      netD.zeroGrad()
      let output = netD.forward(real)
      const errDReal = lossFn.forward(output, isReal)
      errDReal.backward()
      const dx = output.mean().item()
      const noise = randn([size, 4])
      const fake = netG.forward(noise)
      output = netD.forward(fake.detach())
      const errDFake = lossFn.forward(output, isFake)
      errDFake.backward()
      const dgz1 = output.mean().item()
      const errD = errDReal.add(errDFake)
      optimizerD.step()
      netG.zeroGrad()
      output = netD.forward(fake)
      const errG = lossFn.forward(output, isReal)
      errG.backward()
      const dgz2 = output.mean().item()
      optimizerG.step()
      printed.push([errD.item(), errG.item(), dx, dgz1, dgz2])
      tick()
    }
  expect(printed.flat().every(Number.isFinite)).toBe(true)
})

test('a frozen teacher', () => {
  const tick = meter()
  const teacher = mlp(6, 3)
  for (const parameter of teacher.parameters()) parameter.requiresGrad = false
  const distance = new nn.MSELoss()
  for (const _ of epochs())
    for (const [x] of loader) {
      optimizer.zeroGrad()
      const loss = distance.forward(model.forward(x), teacher.forward(x))
      loss.backward()
      optimizer.step()
      tick()
    }
  expect(teacher.parameters().every((parameter) => parameter.grad === null)).toBe(true)
})

test('a moving average of the weights', () => {
  const tick = meter()
  const average = mlp(6, 3)
  average.loadStateDict(model.stateDict())
  for (const _ of epochs())
    for (const [x, y] of loader) {
      optimizer.zeroGrad()
      lossFn.forward(model.forward(x), y).backward()
      optimizer.step()
      noGrad(() => {
        const latest = model.parameters()
        average.parameters().forEach((parameter, i) => {
          parameter.lerp_(latest[i], 0.01)
        })
      })
      tick()
    }
})

test('validation in and out of noGrad, between the turns of training', () => {
  const tick = meter()
  const validation = batches()
  for (const _ of epochs()) {
    for (const [x, y] of loader) {
      optimizer.zeroGrad()
      lossFn.forward(model.forward(x), y).backward()
      optimizer.step()
      tick()
    }
    const predictions: Tensor[] = []
    for (const [x, y] of validation) {
      const inside = noGrad(() => lossFn.forward(model.forward(x), y))
      const outside = lossFn.forward(model.forward(x), y)
      expect(inside.item()).toBe(outside.item())
      predictions.push(model.forward(x).argmax(1).keep())
    }
    expect(predictions.map((p) => p.toTypedArray().length)).toEqual([4, 4, 4, 4, 2])
  }
})

test('an exception caught between forward and backward', () => {
  const tick = meter()
  let caught = 0
  for (const i of epochs())
    for (const [x, y] of loader) {
      try {
        optimizer.zeroGrad()
        const loss = lossFn.forward(model.forward(x), y)
        if (i % 2 === 0) throw new RangeError('between forward and backward')
        loss.backward()
        optimizer.step()
      } catch (error) {
        if (!(error instanceof RangeError)) throw error
        caught++
      }
      if (i % 2 === 1) {
        tick()
        tick()
      }
    }
  expect(caught).toBe(TURNS / 2)
})

test('twenty models made, trained and disposed one after another', () => {
  const before = memory()
  let after = before
  for (let i = 0; i < 20; i++) {
    const model = mlp(6, 3)
    const optimizer = new optim.Adam(model.parameters())
    for (const _ of steps(TURNS / 20 / PER_EPOCH))
      for (const [x, y] of loader) {
        optimizer.zeroGrad()
        lossFn.forward(model.forward(x), y).backward()
        optimizer.step()
      }
    optimizer.dispose()
    model.dispose()
    if (i === 0) after = memory()
  }
  expect(memory().live).toBe(after.live)
  expect(memory().reserved).toBe(before.reserved)
  expect(memory().byOwner.parameters?.live).toBe(before.byOwner.parameters?.live)
  expect(memory().byOwner.optimizers?.live).toBe(before.byOwner.optimizers?.live)
})

test('100,000 steps of the XOR net, in one synchronous piece', () => {
  const x = tensor([[0, 0], [0, 1], [1, 0], [1, 1]]) // biome-ignore format: a matrix
  const y = tensor([[0], [1], [1], [0]]) // biome-ignore format: a matrix
  const net = nn.sequential(new nn.Linear(2, 8), new nn.Tanh(), new nn.Linear(8, 1), new nn.Sigmoid())
  const adam = new optim.Adam(net.parameters(), { lr: 0.01 })
  const distance = new nn.MSELoss()
  let last = Infinity
  let early = memory()
  for (let i = 0; i < 100_000; i++) {
    adam.zeroGrad()
    const loss = distance.forward(net.forward(x), y)
    loss.backward()
    adam.step()
    if (i === 10) early = memory()
    if (i === 99_999) last = loss.item()
  }
  expect(memory().live).toBe(early.live)
  expect(memory().reserved).toBe(early.reserved)
  expect(last).toBeLessThan(1e-3)
})
