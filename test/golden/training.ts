/** Runs the cases of trainings: a model of equal weights, by equal batches. */
import { nn, scope } from '../../src/index.ts'
import { build } from './call.ts'
import { compare, compareTensor, type Measure } from './compare.ts'
import { setParameters } from './layer.ts'
import { optimizerOf } from './optimizer.ts'
import { type Case, type Input, made } from './read.ts'

export interface Training {
  readonly model: string
  readonly optimizer: string
  readonly options: Readonly<Record<string, unknown>>
  readonly steps: number
  /** Batches are rows in order, over and over. */
  readonly batch: number
  readonly x: Input
  readonly target: Input
  readonly parameters: Readonly<Record<string, Input>>
}

const hidden = (inputs: number, outputs: number): nn.Layer[] => [
  new nn.Linear(inputs, outputs),
  build<nn.Layer>('BatchNorm1d', [outputs]),
  new nn.ReLU(),
]

/** As in generator/trainings.py. */
const models: Record<string, () => nn.Layer> = {
  iris: () => nn.sequential(new nn.Linear(4, 16), new nn.ReLU(), new nn.Linear(16, 3)),
  deep: () => chain(...hidden(8, 32), ...hidden(32, 24), ...hidden(24, 16), new nn.Linear(16, 3)),
}

/** A chain whose layers the type system does not see one by one. */
const chain = nn.sequential as unknown as (...layers: readonly nn.Layer[]) => nn.Layer

/** Runs a case and holds the loss of every step, and the parameters after the last, to PyTorch's. */
export function measureTraining(one: Case<Training>): Measure[] {
  using model = models[one.model]()
  setParameters(model, one.parameters)
  using optimizer = optimizerOf(one.optimizer, model.parameters(), one.options)
  const lossFn = new nn.CrossEntropyLoss()
  const losses = scope(() => {
    const [x, target] = [made(one.x), made(one.target)]
    const rows = x.shape[0] - one.batch + 1
    return Array.from({ length: one.steps }, (_, step) =>
      scope(() => {
        const start = (step * one.batch) % rows
        const [inputs, labels] = [x, target].map((all) => all.slice([start, start + one.batch]))
        optimizer.zeroGrad()
        const loss = lossFn.forward(model.forward(inputs), labels)
        loss.backward()
        optimizer.step()
        return loss.item()
      }),
    )
  })
  const parameters = new Map(model.namedParameters())
  return one.results.map((golden) =>
    golden.name === 'loss' ? compare(golden, losses) : compareTensor(golden, parameters.get(golden.name) ?? null),
  )
}
