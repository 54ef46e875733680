import { optim, type Tensor, tensor } from 'neyron'
import * as baseline from '../baseline/ops.ts'
import { type Case, type Contender, random } from '../support/contender.ts'

const SIZES = [1_000, 100_000, 1_000_000]
const STEPS = 3

/** A step over and over; the result is the parameter after three. */
const stepping = (step: () => void, parameter: () => ArrayLike<number>): Contender => ({
  run: step,
  result: () => {
    for (let i = 0; i < STEPS; i++) step()
    return parameter()
  },
})

function neyron(n: number, make: (parameter: Tensor) => { step(): void }): Contender {
  const parameter = tensor(random(n, 1), { requiresGrad: true })
  parameter.grad = tensor(random(n, 2))
  const optimizer = make(parameter)
  return stepping(
    () => optimizer.step(),
    () => parameter.toTypedArray(),
  )
}

function sgd(n: number): Case {
  return {
    name: `SGD with momentum, ${n}`,
    bytes: 20 * n,
    neyron: () => neyron(n, (parameter) => new optim.SGD([parameter], { lr: 1e-3, momentum: 0.9 })),
    baseline: () => {
      const [weight, grad, velocity] = [random(n, 1), random(n, 2), new Float32Array(n)]
      return stepping(
        () => baseline.sgd(weight, grad, velocity, 1e-3, 0.9),
        () => weight,
      )
    },
  }
}

function adam(n: number): Case {
  return {
    name: `Adam, ${n}`,
    bytes: 28 * n,
    neyron: () => neyron(n, (parameter) => new optim.Adam([parameter])),
    baseline: () => {
      const [weight, grad, m, v] = [random(n, 1), random(n, 2), new Float32Array(n), new Float32Array(n)]
      let step = 0
      return stepping(
        () => baseline.adam(weight, grad, m, v, ++step),
        () => weight,
      )
    },
  }
}

export const cases: readonly Case[] = SIZES.flatMap((n) => [sgd(n), adam(n)])
