/** Runs the cases of layers: through phases of training and evaluation, each with a step backward. */
import type { nn } from '../../src/index.ts'
import { noGrad, scope } from '../../src/index.ts'
import type { Tensor } from '../../src/tensor.ts'
import { build } from './call.ts'
import { compareTensor, type Measure } from './compare.ts'
import { type Case, type Input, made } from './read.ts'

export interface Layer {
  /** A class of `nn`, and the arguments of its constructor. */
  readonly layer: string
  readonly args: readonly unknown[]
  readonly parameters: Readonly<Record<string, Input>>
  readonly phases: readonly { readonly training: boolean; readonly input: Input; readonly upstream: Input }[]
}

type Chainable = nn.Module & { forward(x: Tensor): Tensor }

/** Sets parameters to what both sides make. */
export function setParameters(model: nn.Module, parameters: Readonly<Record<string, Input>>): void {
  const own = new Map(model.namedParameters())
  if (own.size !== Object.keys(parameters).length) throw new Error(`parameters are ${[...own.keys()]}`)
  noGrad(() => {
    for (const [name, input] of Object.entries(parameters)) own.get(name)!.copy_(made(input))
  })
}

/** Runs a case and holds outputs, gradients and running statistics to PyTorch's. */
export function measureLayer({ layer, args, parameters, phases, results }: Case<Layer>): Measure[] {
  using model = build<Chainable>(layer, args)
  setParameters(model, parameters)
  const golden = new Map(results.map((result) => [result.name, result]))
  const measures: Measure[] = []
  const hold = (name: string, actual: Tensor | null) => {
    const expected = golden.get(name)
    if (expected) measures.push(compareTensor(expected, actual))
    golden.delete(name)
  }
  phases.forEach(({ training, input, upstream }, i) => {
    scope(() => {
      const x = made(input)
      if (input.grad) x.requiresGrad = true
      model.train(training).zeroGrad()
      const y = model.forward(x)
      hold(`y${i}`, y)
      if (y.requiresGrad) y.backward(made(upstream))
      hold(`dx${i}`, x.grad)
      for (const [name, parameter] of model.namedParameters()) hold(`${name}${i}`, parameter.grad)
    })
  })
  for (const [name, value] of Object.entries(model.stateDict())) hold(name, value)
  for (const name of golden.keys()) measures.push({ name, ours: 0, pytorch: 0, wrong: [`${name} was not compared`] })
  return measures
}
