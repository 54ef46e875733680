/** Gradients compared with differences of values. */
import { check, withReadable } from './autograd/operands.ts'
import { tensor, zeros } from './create.ts'
import { DtypeError, GradcheckError, GraphError, kindOf, OptionError, ShapeError } from './errors.ts'
import { checkFlag, checkOption, checkOptions } from './options.ts'
import { runScope } from './runtime/lifetimes.ts'
import { noGrad } from './scope.ts'
import { formatPlace, formatShape, sameShape } from './shape.ts'
import type { Tensor } from './tensor.ts'

/** How `gradcheck` compares. */
export interface GradcheckOptions {
  /** How far inputs are moved: by this and by twice this, times max(1, |x|). Default: 0.01. */
  eps?: number
  /** What a gradient may lack whatever its size. Default: 1e-4. */
  atol?: number
  /** Which share of its size a gradient may lack. Default: 1e-3. */
  rtol?: number
  /** Whether to check one random direction for each input instead of every element. Default: false. */
  fast?: boolean
}

/** Two roundings of a result to float32, and some more on the way to it. */
const ROUNDING = 8 / 2 ** 24

/**
 * Compares the gradients of `f` with differences of its values, element by element of every input that requires a gradient.
 *
 * The result of `f` is multiplied by fixed random numbers and summed up, in float64. The derivative of that sum is computed
 * from four values, at distances of eps and 2 eps on both sides (Fornberg, "Generation of finite difference formulas on
 * arbitrarily spaced grids", 1988, table 1), so that the error of the formula is of order eps⁴, and that of float32, some 1e-7
 * / eps of the values, prevails. It is added to what `atol` and `rtol` allow, so that large values do not fail. Wrong by 1 %
 * is seen; a subtler error is not.
 *
 * Within 2 eps of the inputs `f` must be smooth: no kink, such as that of relu at 0, and no edge, such as that of log. It must
 * give the same for the same inputs: seed what it draws.
 *
 * ```ts
 * const x = tensor([[1, 2], [3, 4]], { requiresGrad: true })
 * const layer = new nn.Linear(2, 3)
 * console.log(gradcheck((x) => x.softmax(-1), [x])) // prints true
 * console.log(gradcheck(() => layer.forward(x).tanh(), [x, ...layer.parameters()])) // prints true
 * ```
 * @param f Gets the inputs; gives a tensor, or a list of them. It may use parameters directly, as they are moved in place.
 * @param inputs Leaves, of which one at least requires a gradient. They and their gradients are left as they were.
 * @returns true.
 * @throws GradcheckError naming the input, the element and both values: of the plain sum of results where that is wrong too;
 *   OptionError for an `f` that gives other values for the same inputs; GraphError for one without a gradient.
 */
export function gradcheck(
  f: (...inputs: Tensor[]) => Tensor | readonly Tensor[],
  inputs: readonly Tensor[],
  options: GradcheckOptions = {},
): true {
  if (typeof f !== 'function') throw new OptionError(`gradcheck: expected a function, got ${kindOf(f)}`)
  checkOptions('gradcheck', options, ['eps', 'atol', 'rtol', 'fast'])
  const { eps = 1e-2, atol = 1e-4, rtol = 1e-3, fast = false } = options
  checkOption('gradcheck', 'eps', eps, eps > 0, 'a finite number above 0')
  checkOption('gradcheck', 'atol', atol, atol >= 0, 'a finite number from 0 up')
  checkOption('gradcheck', 'rtol', rtol, rtol >= 0, 'a finite number from 0 up')
  checkFlag('gradcheck', 'fast', fast)
  const variables = checkInputs(inputs)
  const evaluate = () => {
    const result = f(...inputs)
    return (Array.isArray(result) ? result : [result]) as readonly Tensor[]
  }
  return runScope('gradcheck', () => {
    const kept: Kept[] = []
    try {
      for (const { x } of variables) kept.push(keep(x))
      const compareAll = (weigh: Weigh) => {
        const { outputs, gradients } = differentiate(evaluate, variables, weigh)
        variables.forEach(({ x, number }, i) => {
          compare(evaluate, outputs, { x, number, gradient: gradients[i] }, { eps, atol, rtol, fast, of: weigh.of })
          restoreValues(kept[i])
        })
      }
      try {
        compareAll(randomly())
      } catch (error) {
        if (!(error instanceof GradcheckError)) throw error
        for (const before of kept) restoreValues(before)
        // The plain sum does not see every error, but tells of one in numbers that can be found in a formula.
        compareAll(plainly)
        throw error
      }
    } finally {
      for (const before of kept) {
        restoreValues(before)
        restoreGrad(before)
      }
    }
    return true as const
  })
}

/** A variable as it was. Both copies are made beforehand: with memory full they could not be put back otherwise. */
interface Kept {
  readonly x: Tensor
  readonly values: Tensor
  /** Its own memory, which becomes the gradient's again. */
  readonly grad: Tensor | null
}

function keep(x: Tensor): Kept {
  const values = x.clone()
  const grad = x.grad && withReadable('gradcheck', x.grad, {}, (g) => g.converted('float32'))
  return { x, values, grad }
}

const restoreValues = ({ x, values }: Kept) => noGrad(() => x.copy_(values))

function restoreGrad({ x, grad }: Kept): void {
  x.grad = null
  if (grad) x.addGrad(grad.storage)
}

interface Variable {
  readonly x: Tensor
  /** Its number among the inputs. */
  readonly number: number
}

function checkInputs(inputs: readonly Tensor[]): Variable[] {
  if (!Array.isArray(inputs))
    throw new OptionError(`gradcheck: inputs is ${kindOf(inputs)}; pass them in an array, as in gradcheck(f, [x])`)
  inputs.forEach((x: Tensor, i) => {
    check(`gradcheck: input ${i}`, x)
    if (x.node)
      throw new GraphError(
        `gradcheck: input ${i} was computed by ${x.node.name}, and only leaves can be moved; detach() it and set requiresGrad`,
      )
  })
  const variables = [...inputs.entries()].filter(([, x]) => x.requiresGrad).map(([number, x]) => ({ x, number }))
  if (variables.length === 0)
    throw new OptionError('gradcheck: no input requires a gradient; make them by tensor(…, { requiresGrad: true })')
  return variables
}

/** The numbers that results are multiplied by before they are summed up, and what messages call that sum. */
interface Weigh {
  readonly next: () => number
  readonly of: string
}

const plainly: Weigh = { next: () => 1, of: 'f(…), summed up' }
const randomly = (): Weigh => ({ next: randomNumbers(), of: 'f(…) times fixed random numbers, summed up' })

/** The values of a result, and the numbers that they are multiplied by. */
interface Output {
  readonly shape: readonly number[]
  readonly values: Float64Array
  readonly weights: Float64Array
}

const valuesOf = (x: Tensor) => Float64Array.from(x.toTypedArray())

/** Changes `x` in place. */
const move = (x: Tensor, values: Float64Array) =>
  noGrad(() => {
    x.copy_(tensor(values, { shape: x.shape }))
  })

/** The results of `f`, and the gradients that it gives. */
function differentiate(evaluate: () => readonly Tensor[], variables: readonly Variable[], { next }: Weigh) {
  return runScope('gradcheck', () => {
    for (const { x } of variables) x.grad = null
    const results = evaluate()
    const outputs = results.map((y, i): Output => {
      check(`gradcheck: result ${i} of f`, y)
      if (y.dtype !== 'float32')
        throw new DtypeError(`gradcheck: result ${i} of f is ${y.dtype}, which has no gradient; return float32 tensors`)
      return { shape: y.shape, values: valuesOf(y), weights: Float64Array.from({ length: y.numel }, next) }
    })
    if (!results.some((y) => y.requiresGrad))
      throw new GraphError(
        'gradcheck: no gradient flows from what f gives to its inputs; it must be computed of them, without detach(), noGrad() or numbers read by item()',
      )
    const upstream = outputs.map(({ weights, shape }) => tensor(weights, { shape }))
    if (results.length === 1) results[0].backward(upstream[0])
    else results.reduce((sum, y, i) => sum.add(y.mul(upstream[i]).sum()), zeros([])).backward()
    // What f does not depend on has no gradient, and must not change it.
    const gradients = variables.map(({ x }) => (x.grad ? valuesOf(x.grad) : new Float64Array(x.numel)))
    return { outputs, gradients }
  })
}

/** Numbers of both signs between 0.5 and 1.5, always the same: of one another's size, so that none hides behind others. */
function randomNumbers(): () => number {
  let state = 1
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    const size = 0.5 + (state >>> 1) / 2 ** 31
    return Math.fround(state & 0x10000 ? -size : size)
  }
}

interface Compared extends Variable {
  readonly gradient: Float64Array
}

function compare(
  evaluate: () => readonly Tensor[],
  outputs: readonly Output[],
  { x, number, gradient }: Compared,
  { eps, atol, rtol, fast, of }: Required<GradcheckOptions> & { readonly of: string },
): void {
  const values = valuesOf(x)
  const at = (moved: Float64Array) => {
    move(x, moved)
    return runScope('gradcheck', () => noGrad(() => evaluate().map((y, i) => checkedValues(y, outputs[i], number))))
  }
  const again = at(values)
  if (again.some((y, i) => y.some((value, j) => !Object.is(value, outputs[i].values[j]))))
    throw new OptionError(
      'gradcheck: f gives other values for the same inputs; call manualSeed in it, or put a model with dropout into eval()',
    )
  const random = randomNumbers()
  const directions = fast
    ? [Float64Array.from(values, random)]
    : Array.from(values, (_, i) => Float64Array.from(values, (_, j) => Number(i === j)))
  directions.forEach((direction, i) => {
    const scale = fast ? 1 : Math.max(1, Math.abs(values[i]))
    const step = (times: number) => values.map((v, j) => Math.fround(v + times * eps * scale * direction[j]))
    const [near, far] = [1, 2].map((times) => {
      const [up, down] = [step(times), step(-times)]
      const width = fast ? 2 * times * eps : up[i] - down[i]
      return difference(outputs, at(up), at(down), width)
    })
    const numerical = (4 * near.slope - far.slope) / 3
    const analytical = gradient.reduce((sum, g, j) => sum + g * direction[j], 0)
    const allowed = atol + rtol * Math.max(Math.abs(numerical), Math.abs(analytical)) + near.noise
    if (Math.abs(numerical - analytical) <= allowed) return
    const where = fast ? 'a random direction' : `element ${formatPlace(i, x.shape)}`
    throw new GradcheckError(
      `gradcheck: input ${number} of shape ${formatShape(x.shape)}, ${where}: the gradient is ${analytical}, but differences ` +
        `of values say ${numerical}, give or take ${allowed}; both are of ${of}. At a kink, such as relu at 0, differences ` +
        'mean nothing: keep inputs away from there',
    )
  })
}

function checkedValues(y: Tensor, { shape }: Output, number: number): Float64Array {
  if (!sameShape(y.shape, shape))
    throw new ShapeError(
      `gradcheck: f gives ${formatShape(y.shape)} after ${formatShape(shape)} when input ${number} moves; the shape must not depend on values`,
    )
  return valuesOf(y)
}

/** The difference of the weighted sums, by the distance of their inputs; and how much of it roundings may be. */
function difference(
  outputs: readonly Output[],
  up: readonly Float64Array[],
  down: readonly Float64Array[],
  width: number,
): { readonly slope: number; readonly noise: number } {
  let [slope, noise] = [0, 0]
  outputs.forEach(({ weights }, i) => {
    weights.forEach((weight, j) => {
      const [high, low] = [up[i][j], down[i][j]]
      if (Object.is(high, low)) return
      slope += (weight * (high - low)) / width
      noise += (Math.abs(weight) * ROUNDING * Math.max(Math.abs(high), Math.abs(low))) / width
    })
  })
  return { slope, noise }
}
