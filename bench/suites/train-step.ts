import { manualSeed, nn, optim, type Tensor, tensor } from 'neyron'
import { BaselineMlp } from '../baseline/mlp.ts'
import { type Case, type Contender, random } from '../support/contender.ts'

const STEPS = 5

/** The loss before each of five steps. */
const training = (step: () => number): Contender => ({
  run: step,
  result: () => Array.from({ length: STEPS }, step),
})

/** Forward, backward and Adam of two layers with ReLU between them, on inputs none of which is zero. */
function step([inputs, hidden, classes]: readonly number[], batch: number): Case {
  const pixels = random(batch * inputs)
  const labels = Int32Array.from({ length: batch }, (_, i) => (i * 7) % classes)
  const build = () => {
    manualSeed(1)
    return nn.sequential(new nn.Linear(inputs, hidden), new nn.ReLU(), new nn.Linear(hidden, classes))
  }
  return {
    name: `${inputs}-${hidden}-${classes}, batch ${batch}`,
    flops: 2 * batch * (2 * inputs * hidden + 3 * hidden * classes),
    neyron: () => {
      const model = build()
      const optimizer = new optim.Adam(model.parameters())
      const lossFn = new nn.CrossEntropyLoss()
      const x = tensor(pixels, { shape: [batch, inputs] })
      const y = tensor(labels)
      return training(() => {
        optimizer.zeroGrad()
        const loss = lossFn.forward(model.forward(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()
      })
    },
    baseline: () => {
      const state = build().stateDict()
      const copy = (x: Tensor) => Float32Array.from(x.toTypedArray())
      const layers = ['0', '2'].map((name) => ({
        weight: copy(state[`${name}.weight`]),
        bias: copy(state[`${name}.bias`]),
      }))
      const model = new BaselineMlp(layers)
      return training(() => model.step(pixels, labels, batch))
    },
  }
}

export const cases: readonly Case[] = [step([4, 16, 3], 16), step([784, 128, 10], 32), step([784, 1024, 10], 64)]
