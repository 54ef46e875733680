import { isRecording } from '../autograd/tape.ts'
import { linspace, ones } from '../create.ts'
import { GraphError, kindOf, OptionError, ShapeError } from '../errors.ts'
import { checkFlag } from '../options.ts'
import { scope } from '../scope.ts'
import { formatShape, sameShape } from '../shape.ts'
import { Tensor } from '../tensor.ts'
import { checkFields, checkPicture, checkRange } from './input.ts'
import {
  colorOf,
  INK,
  inSteps,
  type Part,
  panels,
  panelTitle,
  picture,
  shown,
  type TitleOptions,
  type VegaLiteSpec,
} from './spec.ts'

/** A method of tensors that needs no arguments, such as `relu`. */
export type ActivationName = {
  [Name in keyof Tensor]: Tensor[Name] extends () => Tensor ? Name : never
}[keyof Tensor]

/** How activations are drawn. */
export interface ActivationsOptions extends TitleOptions {
  /** From where to where. Default: -5 to 5. */
  range?: readonly [low: number, high: number]
  /** Whether the derivative is drawn too. Default: true. */
  derivative?: boolean
}

const POINTS = 201
const FUNCTION = 'f(x)'
const DERIVATIVE = 'f′(x)'

/**
 * Curves of functions of one number with their derivatives, a panel for each: what the library's own operations compute, and
 * what `backward()` gives, kinks included.
 *
 * ```ts
 * import * as plot from 'neyron/plot'
 *
 * const spec = plot.activations(['relu', 'sigmoid', 'tanh'])
 * const others = plot.activations({ 'x²': (x) => x.square(), step: (x) => x.gt(0).float() }, { range: [-2, 2] })
 * ```
 * @param functions Names of methods of tensors, or functions by what stands above their panels. They work element by element.
 * @throws OptionError for names that are no method; ShapeError for a function that does not give a tensor of the shape it got;
 * GraphError inside `noGrad`, where there is no derivative.
 */
export function activations(
  functions: readonly ActivationName[] | Readonly<Record<string, (x: Tensor) => Tensor>>,
  options: ActivationsOptions = {},
): VegaLiteSpec {
  checkPicture('activations', options, ['range', 'derivative'])
  const {
    range = [-5, 5],
    derivative = true,
    title = derivative ? 'Activations and their derivatives' : 'Activations',
  } = options
  checkRange('activations', 'range', range)
  checkFlag('activations', 'derivative', derivative)
  if (derivative && !isRecording())
    throw new GraphError(
      'activations: inside noGrad there are no derivatives; call it outside, or pass { derivative: false }',
    )
  const curves = Object.entries(byLabel(functions))
  if (curves.length === 0) throw new OptionError("activations: there is nothing to draw; pass names, such as ['relu']")
  const concat = curves.map(([label, f]) => panel(label, curve(label, f, range, derivative), range, derivative))
  return picture(title, panels(Math.min(curves.length, 3), concat))
}

function byLabel(
  functions: readonly string[] | Readonly<Record<string, (x: Tensor) => Tensor>>,
): Record<string, (x: Tensor) => Tensor> {
  if (Array.isArray(functions)) return Object.fromEntries(functions.map((name) => [name, method(name)]))
  checkFields('activations', 'names of methods, or functions by label', functions)
  for (const [label, f] of Object.entries(functions))
    if (typeof f !== 'function')
      throw new OptionError(`activations: ${label} is ${kindOf(f)}, not a function of a tensor`)
  return functions as Record<string, (x: Tensor) => Tensor>
}

function method(name: unknown): (x: Tensor) => Tensor {
  if (typeof name !== 'string' || typeof Reflect.get(Tensor.prototype, name) !== 'function')
    throw new OptionError(
      `activations: tensors have no method ${String(name)}; pass a name such as 'relu', or a function by label`,
    )
  return (x) => (x[name as ActivationName] as () => Tensor)()
}

function curve(
  label: string,
  f: (x: Tensor) => Tensor,
  [low, high]: readonly [number, number],
  derivative: boolean,
): Part[] {
  return scope(() => {
    const x = linspace(low, high, POINTS, { requiresGrad: derivative })
    const y = f(x)
    if (!(y instanceof Tensor) || !sameShape(y.shape, x.shape))
      throw new ShapeError(
        `activations: ${label} gave ${y instanceof Tensor ? `shape ${formatShape(y.shape)}` : kindOf(y)} for shape ${formatShape(x.shape)}; it must work element by element`,
      )
    const at = x.toTypedArray()
    const points = (values: ArrayLike<number>, series: string): Part[] =>
      Array.from(at, (value, i) => ({ x: shown(value), y: shown(values[i]), series }))
    const drawn = points(y.toTypedArray(), FUNCTION)
    if (!derivative) return drawn
    if (y.requiresGrad) y.backward(ones(y.shape))
    return [...drawn, ...points(x.grad?.toTypedArray() ?? new Float32Array(POINTS), DERIVATIVE)]
  })
}

function panel(label: string, values: readonly Part[], range: readonly [number, number], derivative: boolean): Part {
  const domain = derivative ? [FUNCTION, DERIVATIVE] : [FUNCTION]
  const series: Part = { field: 'series', type: 'nominal', title: null, legend: derivative ? {} : null }
  const rule = (channel: string): Part => ({
    data: { values: [{}] },
    mark: { type: 'rule', color: INK, opacity: 0.35 },
    encoding: { [channel]: { datum: 0, type: 'quantitative' } },
  })
  const lines: Part = {
    mark: { type: 'line', strokeWidth: 2, clip: true },
    encoding: {
      x: {
        field: 'x',
        type: 'quantitative',
        title: 'x',
        scale: { domain: range, nice: false },
        axis: { tickCount: 5 },
      },
      y: { field: 'y', type: 'quantitative', title: null, ...inSteps(5) },
      color: { ...series, scale: { domain, range: domain.map((_, i) => colorOf(i)) } },
      strokeDash: {
        ...series,
        scale: { domain, range: domain.map((_, i) => (i === 0 ? [1, 0] : [5, 3])) },
      },
    },
  }
  return {
    title: panelTitle(label),
    width: 200,
    height: 150,
    data: { values },
    layer: [...(range[0] < 0 && range[1] > 0 ? [rule('x')] : []), rule('y'), lines],
  }
}
