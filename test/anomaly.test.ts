/** Anomaly mode: the first operation to make NaN or an infinity, forward or backward, in place or in a step. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  AnomalyError,
  detectAnomaly,
  full,
  nn,
  noGrad,
  OptionError,
  optim,
  setDebug,
  setDetectAnomaly,
  tensor,
  where,
  zeros,
} from '../src/index.ts'
import { settled } from './settle.ts'

const leaf = (...values: number[]) => tensor(values, { requiresGrad: true })

beforeEach(() => setDetectAnomaly(true))
afterEach(() => {
  setDetectAnomaly(false)
  setDebug(false)
})

function expectAnomaly(run: () => unknown, message: RegExp): void {
  let error: unknown
  try {
    run()
  } catch (thrown) {
    error = thrown
  }
  expect(error).toBeInstanceOf(AnomalyError)
  expect((error as Error).message).toMatch(message)
}

describe('forward', () => {
  test('names the operation, the value, its place and the shapes', () => {
    const x = tensor([[1, 2, 3], [4, 0, 6]]) // biome-ignore format: a matrix
    expectAnomaly(() => x.log(), /^log: gave -Infinity at \[1, 1\] of shape \(2, 3\), from \(2, 3\) without NaN or inf/)
    expectAnomaly(() => x.sub(2).sqrt(), /^sqrt: gave NaN at \[0, 0\] of shape \(2, 3\), from \(2, 3\) without NaN\./)
    expectAnomaly(() => x.mul(100).exp(), /^exp: gave Infinity/)
    expectAnomaly(() => x.div(tensor([1, 0.5, 0])), /^div: gave Infinity at \[0, 2\] .* from \(2, 3\) and \(3\)/)
  })

  test('is seen under noGrad, in views and in operations inside others', () => {
    const x = tensor([[0, 1], [2, 3]]) // biome-ignore format: a matrix
    expectAnomaly(() => noGrad(() => x.transpose(0, 1).reciprocal()), /^reciprocal: gave Infinity at \[0, 0\]/)
    const model = nn.sequential(new nn.Linear(2, 2), new nn.ReLU())
    noGrad(() => model[0].parameters()[0].fill_(3e38))
    expectAnomaly(() => model.forward(x), /^linear: gave Infinity/)
    model.dispose()
  })

  test('names the line in debug mode', () => {
    setDebug(true)
    expectAnomaly(() => tensor([0]).log(), /of shape \(1\) \(log at test\/anomaly\.test\.ts:\d+:\d+\)/)
  })
})

describe('is no anomaly:', () => {
  test('a constant, a mask, and what follows from them', () => {
    const mask = tensor([true, false, true])
    const scores = where(mask, leaf(1, 2, 3), -Infinity)
    const y = scores.softmax()
    expect(y.toTypedArray()[1]).toBe(0)
    y.mul(tensor([1, 2, 3]))
      .sum()
      .backward()
    expect(full([2], Infinity).add(1).toTypedArray()[0]).toBe(Infinity)
    expect(tensor([1]).pad([1, 0], { value: -Infinity }).toTypedArray()[0]).toBe(-Infinity)
    expect(tensor([NaN]).mul(2).item()).toBeNaN()
    expect(zeros([2]).fill_(Infinity).add_(1).toTypedArray()[0]).toBe(Infinity)
  })

  test('whatever happens while the mode is off', () => {
    setDetectAnomaly(false)
    expect(tensor([0]).log().item()).toBe(-Infinity)
  })
})

test('NaN that comes of infinities is one', () => {
  expectAnomaly(() => full([1, 2], -Infinity).softmax(), /^softmax: gave NaN at \[0, 0\] .* without NaN\./)
  expectAnomaly(() => full([2], Infinity).sub(full([2], Infinity)), /^sub: gave NaN/)
})

describe('backward', () => {
  test('names the operation and the input', () => {
    const x = leaf(1, 0)
    const run = () => x.sqrt().sum().backward()
    expectAnomaly(
      run,
      /^sqrt: its backward gave Infinity at \[1\] of shape \(2\), the gradient of input 0, from the gradient \(2\)/,
    )
    expect(x.grad).toBeNull()
  })

  test('names the line in debug mode', () => {
    setDebug(true)
    const y = leaf(0).sqrt()
    const line = Number(/anomaly\.test\.ts:(\d+)/.exec(String(new Error().stack))?.[1]) - 1
    expectAnomaly(() => y.backward(), RegExp(`input 0 \\(sqrt at test/anomaly\\.test\\.ts:${line}:`))
  })

  test('does not blame what an infinite upstream gradient does', () => {
    const x = leaf(1, 2)
    x.mul(3).backward(tensor([Infinity, 1]))
    expect([...x.grad!.toTypedArray()]).toEqual([Infinity, 3])
  })

  test('does not blame who adds to an infinite gradient', () => {
    const x = leaf(1, 2)
    const both = x.mul(2).add(x.mul(tensor([Infinity, 1])))
    both.sum().backward()
    expect(x.grad!.toTypedArray()[0]).toBe(Infinity)
  })
})

test('changes in place are looked at', () => {
  const x = tensor([1, 2])
  expectAnomaly(() => x.div_(tensor([1, 0])), /^div_: left Infinity at \[1\] of shape \(2\)/)
})

test('steps of optimizers are looked at', () => {
  const model = nn.sequential(new nn.Linear(1, 1, { bias: false }))
  const [weight] = model.parameters()
  const optimizer = new optim.SGD([weight], { lr: 1e38 })
  weight.grad = tensor([[1e30]])
  expectAnomaly(() => optimizer.step(), /^SGD\.step: left -Infinity at \[0, 0\] of shape \(1, 1\), parameter 0/)
  model.dispose()
  optimizer.dispose()
})

describe('detectAnomaly', () => {
  test('ends with its body, whatever the mode was before', async () => {
    setDetectAnomaly(false)
    expect(detectAnomaly(() => 3)).toBe(3)
    expect(() => detectAnomaly(() => tensor([0]).log())).toThrow(AnomalyError)
    expect(tensor([0]).log().item()).toBe(-Infinity)
    setDetectAnomaly(true)
    expect(detectAnomaly(() => 3)).toBe(3)
    expect(() => tensor([0]).log()).toThrow(AnomalyError)
  })

  test('lasts as long as a promise', async () => {
    setDetectAnomaly(false)
    const later = async () => {
      await null
      return tensor([0]).log()
    }
    await expect(detectAnomaly(later)).rejects.toThrow(AnomalyError)
    expect((await later()).item()).toBe(-Infinity)
  })
})

test('anything but true and false is an error', () => {
  expect(() => setDetectAnomaly('on' as unknown as boolean)).toThrow(OptionError)
})

test('loses no memory', async () => {
  const before = await settled()
  ;(() => {
    expect(() => tensor([0, 1]).log()).toThrow(AnomalyError)
    expect(() => leaf(0, 1).sqrt().sum().backward()).toThrow(AnomalyError)
  })()
  expect(await settled(before)).toBe(before)
})
