import { zeros } from '../create.ts'
import { kindOf, OptionError } from '../errors.ts'
import { Module } from '../nn/module.ts'
import type { Parameter } from '../nn/parameter.ts'
import type { StateDict } from '../nn/state-dict.ts'
import { checkOption, checkOptions } from '../options.ts'
import { engine } from '../runtime/engine.ts'
import { checkSeed, type Draw, drawOf, nextDraw } from '../runtime/random.ts'
import { noGrad } from '../scope.ts'
import { Tensor } from '../tensor.ts'
import { spaced } from './grid.ts'
import { checkResolution } from './input.ts'

/** The loss on a plane through the weights of a model: `loss[j][i]` at `alpha[i]` along one direction, `beta[j]` along another. */
export interface Landscape {
  /** Steps along the first direction, from -range to range; 0 is the model as it is. */
  readonly alpha: readonly number[]
  /** Steps along the second direction. */
  readonly beta: readonly number[]
  /** A row for each `beta`. */
  readonly loss: readonly (readonly number[])[]
}

/** How a landscape is computed. */
export interface LandscapeOptions {
  /** How many points along each direction; an odd number has the model itself in the middle. Default: 25. */
  resolution?: number
  /** How far to go along each direction, of which 1 is as long as the weights are. Default: 1. */
  range?: number
  /** The directions of equal seeds are the same. Default: the next of the global sequence, see `manualSeed`. */
  seed?: number
}

/** Draws from here on, up to those of data loaders, are seeded landscapes' own. */
const LANDSCAPE_DRAWS = 2 ** 51

/** A weight, as it was, and the directions that it moves in. */
interface Moved {
  readonly weight: Parameter
  readonly start: Tensor
  readonly directions: readonly [Tensor, Tensor]
}

/**
 * The loss around a model, along two random directions. Each direction is normal noise, scaled filter by filter: for every row of
 * a weight matrix to the length of that row. Parameters with fewer than two axes (biases, scales of norms) stay where they are.
 * Li et al., Visualizing the Loss Landscape of Neural Nets, https://arxiv.org/abs/1712.09913.
 *
 * The loss is computed without gradients, and its mode, training or evaluation, is left to the caller. Afterwards every
 * parameter and buffer is what it was, to the last bit, also when `lossOf` throws.
 *
 * ```ts
 * import { nn, randn } from 'neyron'
 * import * as plot from 'neyron/plot'
 *
 * const model = nn.sequential(new nn.Linear(2, 8), new nn.Tanh(), new nn.Linear(8, 1))
 * const [x, y] = [randn([16, 2]), randn([16, 1])]
 * const lossFn = new nn.MSELoss()
 * const landscape = plot.landscape(model, () => lossFn.forward(model.forward(x), y), { resolution: 11, seed: 1 })
 * const seenFromAbove = plot.lossLandscape(landscape)
 * const inSpace = plot.lossSurface(landscape)
 * ```
 * @param lossOf Computes the loss of the model as it is now: a number, or a tensor of one element.
 * @throws OptionError for a model without weight matrices, or what is out of range; ShapeError for a loss of several elements.
 */
export function landscape(model: Module, lossOf: () => number | Tensor, options: LandscapeOptions = {}): Landscape {
  checkOptions('landscape', options, ['resolution', 'range', 'seed'])
  const { resolution = 25, range = 1, seed } = options
  checkResolution('landscape', resolution)
  checkOption('landscape', 'range', range, range > 0, 'a finite number above 0')
  if (seed !== undefined) checkSeed('landscape', seed)
  if (!(model instanceof Module)) throw new OptionError(`landscape: expected a model, got ${kindOf(model)}`)
  if (typeof lossOf !== 'function')
    throw new OptionError(`landscape: expected a function that computes the loss, got ${kindOf(lossOf)}`)
  const weights = weightsOf(model)
  if (weights.length === 0) throw new OptionError('landscape: the model has no parameters of two or more axes to move')
  const alpha = spaced(-range, range, resolution)
  const state = model.stateDict()
  const moved: Moved[] = []
  try {
    let draws = LANDSCAPE_DRAWS
    const draw = () => (seed === undefined ? nextDraw() : drawOf(seed, draws++))
    for (const [name, weight] of weights)
      moved.push({ weight, start: state[name], directions: [directionOf(weight, draw()), directionOf(weight, draw())] })
    const loss = alpha.map((b) => alpha.map((a) => lossAt(moved, a, b, lossOf)))
    return { alpha, beta: [...alpha], loss }
  } finally {
    model.loadStateDict(state)
    release(state, moved)
  }
}

/** Each weight matrix once. */
function weightsOf(model: Module): [string, Parameter][] {
  const byParameter = new Map(model.namedParameters().map(([name, parameter]) => [parameter, name]))
  return [...byParameter].filter(([{ ndim, numel }]) => ndim > 1 && numel > 0).map(([weight, name]) => [name, weight])
}

/** Normal noise, each row as long as the row of the weight. */
function directionOf(weight: Tensor, draw: Draw): Tensor {
  return noGrad(() => {
    const noise = zeros(weight.shape)
    engine().k.normal(noise.ptr, noise.numel, ...draw, 0, 1)
    const rows = [weight.shape[0], weight.numel / weight.shape[0]]
    const [given, wanted] = [noise, weight].map((x) => x.reshape(rows).square().sum(1, { keepdim: true }).sqrt())
    return noise.reshape(rows).mul(wanted.div(given)).reshape(weight.shape)
  }).keep()
}

/** The loss `a` along the first direction and `b` along the second. */
function lossAt(moved: readonly Moved[], a: number, b: number, lossOf: () => number | Tensor): number {
  return noGrad(() => {
    for (const { weight, start, directions } of moved) {
      weight.copy_(start)
      for (const [step, direction] of [
        [a, directions[0]],
        [b, directions[1]],
      ] as const)
        if (step !== 0) weight.add_(direction.mul(step))
    }
    const loss: unknown = lossOf()
    if (loss instanceof Tensor) return loss.item()
    if (typeof loss !== 'number')
      throw new OptionError(`landscape: the loss is ${kindOf(loss)}, not a number or a tensor`)
    return loss
  })
}

function release(state: StateDict, moved: readonly Moved[]): void {
  for (const tensor of Object.values(state)) tensor.dispose()
  for (const { directions } of moved) for (const direction of directions) direction.dispose()
}
