/**
 * How parameters begin: functions that fill a tensor in place and return it, also a leaf that requires a gradient. Names and
 * formulas are those of `torch.nn.init`; random numbers follow `manualSeed`.
 */
import { check } from '../autograd/operands.ts'
import { withoutRecording } from '../autograd/tape.ts'
import { eye } from '../create.ts'
import type { Operand } from '../dtype.ts'
import { DtypeError, OptionError, ShapeError } from '../errors.ts'
import { change } from '../ops/inplace.ts'
import { checkNumber, checkOption, checkOptions } from '../options.ts'
import { engine } from '../runtime/engine.ts'
import type { Kernels } from '../runtime/kernels.generated.ts'
import { type Draw, withDraw } from '../runtime/random.ts'
import { noGrad } from '../scope.ts'
import { formatShape, numelOf } from '../shape.ts'
import type { Tensor } from '../tensor.ts'

/** What activations are called where a gain depends on them. */
export type Nonlinearity = 'linear' | 'sigmoid' | 'tanh' | 'relu' | 'leakyRelu' | 'selu'

/** What `xavierUniform_` and `xavierNormal_` can be told. */
export interface XavierOptions {
  /** What the spread is multiplied by; see `calculateGain`. Default: 1. */
  gain?: number
}

/** What `kaimingUniform_` and `kaimingNormal_` can be told. */
export interface KaimingOptions {
  /** The slope below 0 of the leaky ReLU that follows. Default: 0, which is ReLU. */
  a?: number
  /** Whether to keep the variance on the way forward ('fanIn') or back ('fanOut'). Default: 'fanIn'. */
  mode?: 'fanIn' | 'fanOut'
  /** The activation that follows. Default: 'leakyRelu'. */
  nonlinearity?: Nonlinearity
}

/** Has `write` fill `x` from the next draw. */
function drawn<T extends Tensor>(op: string, x: T, write: (k: Kernels, y: Operand, draw: Draw) => void): T {
  check(op, x)
  if (x.dtype !== 'float32')
    throw new DtypeError(`${op}: random numbers are float32, this tensor is ${x.dtype}; convert it by float()`)
  withoutRecording(() => change(op, x, [], (y) => withDraw((draw) => write(engine().k, y, draw))))
  return x
}

const finite = 'a finite number'

/**
 * Uniform numbers from [a, b).
 * @param a Default: 0.
 * @param b Default: 1.
 * @throws OptionError unless both are finite and b is not below a; DtypeError unless `x` is float32.
 */
export function uniform_<T extends Tensor>(x: T, a = 0, b = 1): T {
  checkOption('uniform_', 'a', a, true, finite)
  checkOption('uniform_', 'b', b, b >= a && Number.isFinite(b - a), `a finite number from a = ${a} up`)
  return uniform('uniform_', x, a, b)
}

const uniform = <T extends Tensor>(op: string, x: T, a: number, b: number): T =>
  drawn(op, x, (k, y, draw) => k.uniform(y.ptr, y.numel, ...draw, a, b))

/**
 * Normal numbers.
 * @param mean Default: 0.
 * @param std The standard deviation. Default: 1.
 * @throws OptionError unless both are finite and std is not below 0; DtypeError unless `x` is float32.
 */
export function normal_<T extends Tensor>(x: T, mean = 0, std = 1): T {
  checkOption('normal_', 'mean', mean, true, finite)
  checkOption('normal_', 'std', std, std >= 0, 'a finite number from 0 up')
  return normal('normal_', x, mean, std)
}

const normal = <T extends Tensor>(op: string, x: T, mean: number, std: number): T =>
  drawn(op, x, (k, y, draw) => k.normal(y.ptr, y.numel, ...draw, mean, std))

/** The least share of all normal numbers that `truncNormal_` can tell from none. */
const LEAST_SHARE = 1e-9

/**
 * Normal numbers, of which only those from `a` to `b` are left: by the inverse of the distribution function, so that every
 * element takes one draw.
 * @param mean Default: 0.
 * @param std The standard deviation before numbers are left out. Default: 1.
 * @param a Default: -2.
 * @param b Default: 2.
 * @throws OptionError unless `std` is above 0 and `b` above `a`, and for an interval with less than 1e-9 of all normal numbers;
 *   DtypeError unless `x` is float32.
 */
export function truncNormal_<T extends Tensor>(x: T, mean = 0, std = 1, a = -2, b = 2): T {
  checkOption('truncNormal_', 'mean', mean, true, finite)
  checkOption('truncNormal_', 'std', std, std > 0, 'a finite number above 0')
  checkOption('truncNormal_', 'a', a, true, finite)
  checkOption('truncNormal_', 'b', b, b > a, `a finite number above a = ${a}`)
  if (!(engine().k.normalBetween((a - mean) / std, (b - mean) / std) >= LEAST_SHARE))
    throw new OptionError(
      `truncNormal_: hardly any normal number with mean ${mean} and std ${std} lies from ${a} to ${b}; move them nearer to the mean`,
    )
  return drawn('truncNormal_', x, (k, y, draw) => k.truncatedNormal(y.ptr, y.numel, ...draw, mean, std, a, b))
}

/** Every element `value`, of any dtype that holds it. */
export function constant_<T extends Tensor>(x: T, value: number): T {
  check('constant_', x)
  withoutRecording(() => x.fill_(value))
  return x
}

/** Every element 0. */
export function zeros_<T extends Tensor>(x: T): T {
  return constant_(x, 0)
}

/** Every element 1. */
export function ones_<T extends Tensor>(x: T): T {
  return constant_(x, 1)
}

/**
 * 1 on the diagonal, 0 elsewhere: a layer that passes on what it is given, as far as there are features.
 * @throws ShapeError unless `x` is a matrix.
 */
export function eye_<T extends Tensor>(x: T): T {
  check('eye_', x)
  if (x.ndim !== 2) throw new ShapeError(`eye_: takes a matrix, got ${formatShape(x.shape)}`)
  noGrad(() => x.copy_(eye(x.shape[0], x.shape[1], { dtype: x.dtype })))
  return x
}

/** How many numbers go into an output and come from an input, of a weight (out, in) or (out, in, …kernel). */
function fansOf(op: string, x: Tensor): { fanIn: number; fanOut: number } {
  check(op, x)
  if (x.ndim < 2)
    throw new ShapeError(
      `${op}: a weight (out, in) has two axes or more, this tensor has shape ${formatShape(x.shape)}; a bias takes zeros_ or uniform_`,
    )
  const [out, into, ...kernel] = x.shape
  return { fanIn: into * numelOf(kernel), fanOut: out * numelOf(kernel) }
}

function xavier(op: string, x: Tensor, options: XavierOptions): number {
  checkOptions(op, options, ['gain'])
  const { gain = 1 } = options
  checkOption(op, 'gain', gain, gain >= 0, 'a finite number from 0 up')
  const { fanIn, fanOut } = fansOf(op, x)
  return gain * Math.sqrt(2 / (fanIn + fanOut))
}

function kaiming(op: string, x: Tensor, options: KaimingOptions): number {
  checkOptions(op, options, ['a', 'mode', 'nonlinearity'])
  const { a = 0, mode = 'fanIn', nonlinearity = 'leakyRelu' } = options
  if (mode !== 'fanIn' && mode !== 'fanOut')
    throw new OptionError(`${op}: mode is ${String(mode)}; it must be 'fanIn' or 'fanOut'`)
  return gainOf(op, nonlinearity, a) / Math.sqrt(fansOf(op, x)[mode])
}

/** The bound of uniform numbers with this standard deviation. Without elements there is none, and nothing to fill. */
const boundOf = (x: Tensor, std: number) => (x.numel === 0 ? 0 : Math.sqrt(3) * std)

/**
 * Uniform numbers within ±gain √(6 / (fanIn + fanOut)), which suits sigmoid and tanh. `x`: (out, in) or (out, in, …kernel).
 * Source: X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks" (AISTATS 2010).
 * @throws ShapeError for fewer than two axes; OptionError for a gain below 0; DtypeError unless `x` is float32.
 */
export function xavierUniform_<T extends Tensor>(x: T, options: XavierOptions = {}): T {
  const bound = boundOf(x, xavier('xavierUniform_', x, options))
  return uniform('xavierUniform_', x, -bound, bound)
}

/**
 * Normal numbers with standard deviation gain √(2 / (fanIn + fanOut)). As `xavierUniform_` otherwise.
 * @throws ShapeError for fewer than two axes; OptionError for a gain below 0; DtypeError unless `x` is float32.
 */
export function xavierNormal_<T extends Tensor>(x: T, options: XavierOptions = {}): T {
  return normal('xavierNormal_', x, 0, xavier('xavierNormal_', x, options))
}

/**
 * Uniform numbers within ±gain √(3 / fan), which suits ReLU. `x`: (out, in) or (out, in, …kernel).
 * Source: K. He et al., "Delving Deep into Rectifiers" (arXiv:1502.01852).
 * @throws ShapeError for fewer than two axes; OptionError for options outside of what is said of them; DtypeError unless
 *   `x` is float32.
 */
export function kaimingUniform_<T extends Tensor>(x: T, options: KaimingOptions = {}): T {
  const bound = boundOf(x, kaiming('kaimingUniform_', x, options))
  return uniform('kaimingUniform_', x, -bound, bound)
}

/**
 * Normal numbers with standard deviation gain / √fan. As `kaimingUniform_` otherwise.
 * @throws ShapeError for fewer than two axes; OptionError for options outside of what is said of them; DtypeError unless
 *   `x` is float32.
 */
export function kaimingNormal_<T extends Tensor>(x: T, options: KaimingOptions = {}): T {
  return normal('kaimingNormal_', x, 0, kaiming('kaimingNormal_', x, options))
}

/**
 * What an activation asks the spread of the weights before it to be multiplied by: tanh 5 / 3, relu √2,
 * leakyRelu √(2 / (1 + param²)), selu 3 / 4, others 1, as in PyTorch.
 * @param param The slope of leakyRelu below 0. Default: 0.01.
 * @throws OptionError for another name.
 */
export function calculateGain(nonlinearity: Nonlinearity, param = 0.01): number {
  return gainOf('calculateGain', nonlinearity, param)
}

function gainOf(op: string, nonlinearity: Nonlinearity, param: number): number {
  checkNumber(op, 'the slope', param)
  const gains = {
    linear: 1,
    sigmoid: 1,
    tanh: 5 / 3,
    relu: Math.sqrt(2),
    leakyRelu: Math.sqrt(2 / (1 + param * param)),
    selu: 3 / 4,
  }
  if (!Object.hasOwn(gains, nonlinearity))
    throw new OptionError(
      `${op}: there is no gain for ${String(nonlinearity)}; there is one for ${Object.keys(gains).join(', ')}`,
    )
  return gains[nonlinearity]
}
