import { map, mapGrad, mapGradWith, mapWith } from './loops'
import { M } from './math'
import { AnyPower, HalfPower, WholePower } from './power'
import { V } from './simd'
import { Trigonometry } from './trigonometry'

/** Saves its output. */
class Exp {
  @inline f(x: v128): v128 {
    return M.exp(x)
  }
  @inline df(y: v128, dy: v128): v128 {
    return V.mul(dy, y)
  }
}

/** Saves its input. */
class Log {
  @inline f(x: v128): v128 {
    return M.log(x)
  }
  @inline df(x: v128, dy: v128): v128 {
    return V.div(dy, x)
  }
}

/** Saves its output. At 0 the slope is infinite. */
class Sqrt {
  @inline f(x: v128): v128 {
    return V.sqrt(x)
  }
  @inline df(y: v128, dy: v128): v128 {
    return V.div(dy, V.add(y, y))
  }
}

/** 1 / sqrt(x), 1.5 ULP; saves its output. */
class Rsqrt {
  @inline f(x: v128): v128 {
    return V.div(V.splat(1), V.sqrt(x))
  }
  @inline df(y: v128, dy: v128): v128 {
    return V.mul(V.mul(dy, V.splat(-0.5)), V.mul(y, V.mul(y, y)))
  }
}

/** Saves its output. */
class Reciprocal {
  @inline f(x: v128): v128 {
    return V.div(V.splat(1), x)
  }
  @inline df(y: v128, dy: v128): v128 {
    return V.mul(V.neg(dy), V.mul(y, y))
  }
}

/** Saves its input. */
class Square {
  @inline f(x: v128): v128 {
    return V.mul(x, x)
  }
  @inline df(x: v128, dy: v128): v128 {
    return V.mul(dy, V.add(x, x))
  }
}

/** Saves its input; at 0 and NaN the gradient is 0, as in PyTorch. */
class Abs {
  @inline f(x: v128): v128 {
    return V.abs(x)
  }
  @inline df(x: v128, dy: v128): v128 {
    return V.mul(dy, changetype<Sign>(0).f(x))
  }
}

/** The gradient is -dy, for which there are other kernels. */
class Neg {
  @inline f(x: v128): v128 {
    return V.neg(x)
  }
}

/** 1, -1, or 0 at zeros and NaN, as in PyTorch. This one and the following have no gradient but 0. */
class Sign {
  @inline f(x: v128): v128 {
    const one = V.splat(1)
    return V.sub(v128.and(f32x4.gt(x, V.zero()), one), v128.and(f32x4.lt(x, V.zero()), one))
  }
}

class Floor {
  @inline f(x: v128): v128 {
    return f32x4.floor(x)
  }
}

class Ceil {
  @inline f(x: v128): v128 {
    return f32x4.ceil(x)
  }
}

/** Halves go to the even side. */
class Round {
  @inline f(x: v128): v128 {
    return f32x4.nearest(x)
  }
}

class Trunc {
  @inline f(x: v128): v128 {
    return f32x4.trunc(x)
  }
}

/** Saves its input. */
class Sin {
  @inline f(x: v128): v128 {
    return Trigonometry.sin(x)
  }
  @inline df(x: v128, dy: v128): v128 {
    return V.mul(dy, Trigonometry.cos(x))
  }
}

/** Saves its input. */
class Cos {
  @inline f(x: v128): v128 {
    return Trigonometry.cos(x)
  }
  @inline df(x: v128, dy: v128): v128 {
    return V.mul(V.neg(dy), Trigonometry.sin(x))
  }
}

/** Saves its input. */
class Log1p {
  @inline f(x: v128): v128 {
    return M.log1p(x)
  }
  @inline df(x: v128, dy: v128): v128 {
    return V.div(dy, V.add(x, V.splat(1)))
  }
}

/** Saves its output. */
class Expm1 {
  @inline f(x: v128): v128 {
    return M.expm1(x)
  }
  /** dy (y + 1): of dy y + dy, an infinite dy would leave NaN wherever y <= 0. */
  @inline df(y: v128, dy: v128): v128 {
    return V.mul(dy, V.add(y, V.splat(1)))
  }
}

/** Saves its input. */
class Erf {
  @inline f(x: v128): v128 {
    return M.erf(x)
  }
  /** dy (2 / sqrt(pi) e^(-x^2)): the slope first, since 2 / sqrt(pi) is above 1 and could overflow a large dy. */
  @inline df(x: v128, dy: v128): v128 {
    return V.mul(dy, V.mul(V.splat(1.1283791670955126), M.exp(V.neg(V.mul(x, x)))))
  }
}

/** min(max(x, low), high), so that low > high gives high; NaN stays. Saves its input; the gradient passes from low to high. */
class Clamp {
  @inline hold(bound: f64): v128 {
    return V.splat(f32(bound))
  }
  @inline f(x: v128, low: v128, high: v128): v128 {
    return f32x4.pmin(f32x4.pmax(x, low), high)
  }
  @inline df(x: v128, dy: v128, low: v128, high: v128): v128 {
    return v128.and(dy, v128.and(f32x4.ge(x, low), f32x4.le(x, high)))
  }
}

/** x to the power of p by `K.of`, where `exponent` is p and `less` p - 1, as float64. Saves its input. */
class Power<K> {
  @inline hold(exponent: f64): v128 {
    return f64x2.splat(exponent)
  }
  @inline f(x: v128, exponent: v128, less: v128): v128 {
    const k = changetype<K>(0)
    return V.demote(k.of(V.wideLow(x), exponent), k.of(V.wideHigh(x), exponent))
  }
  @inline df(x: v128, dy: v128, exponent: v128, less: v128): v128 {
    const k = changetype<K>(0)
    const low = f64x2.mul(V.wideLow(dy), f64x2.mul(exponent, k.of(V.wideLow(x), less)))
    const high = f64x2.mul(V.wideHigh(dy), f64x2.mul(exponent, k.of(V.wideHigh(x), less)))
    return V.demote(low, high)
  }
}

/** y = e^x, n elements. */
export function exp(x: usize, y: usize, n: i32): void {
  map<Exp>(x, y, n)
}
/** dx (+)= dy * y. */
export function expGrad(y: usize, dy: usize, dx: usize, n: i32, beta: i32): void {
  mapGrad<Exp>(y, dy, dx, n, beta)
}

/** y = log(x), n elements. */
export function log(x: usize, y: usize, n: i32): void {
  map<Log>(x, y, n)
}
/** dx (+)= dy / x: this one saves its input. */
export function logGrad(x: usize, dy: usize, dx: usize, n: i32, beta: i32): void {
  mapGrad<Log>(x, dy, dx, n, beta)
}

/** y = sqrt(x), n elements. */
export function sqrt(x: usize, y: usize, n: i32): void {
  map<Sqrt>(x, y, n)
}
/** dx (+)= dy / (2 * y). */
export function sqrtGrad(y: usize, dy: usize, dx: usize, n: i32, beta: i32): void {
  mapGrad<Sqrt>(y, dy, dx, n, beta)
}

/** y = 1 / sqrt(x), n elements. */
export function rsqrt(x: usize, y: usize, n: i32): void {
  map<Rsqrt>(x, y, n)
}
/** dx (+)= -dy / 2 * y * y * y. */
export function rsqrtGrad(y: usize, dy: usize, dx: usize, n: i32, beta: i32): void {
  mapGrad<Rsqrt>(y, dy, dx, n, beta)
}

/** y = 1 / x, n elements. */
export function reciprocal(x: usize, y: usize, n: i32): void {
  map<Reciprocal>(x, y, n)
}
/** dx (+)= -dy * y * y. */
export function reciprocalGrad(y: usize, dy: usize, dx: usize, n: i32, beta: i32): void {
  mapGrad<Reciprocal>(y, dy, dx, n, beta)
}

/** y = x * x, n elements. */
export function square(x: usize, y: usize, n: i32): void {
  map<Square>(x, y, n)
}
/** dx (+)= dy * 2 * x: this one saves its input. */
export function squareGrad(x: usize, dy: usize, dx: usize, n: i32, beta: i32): void {
  mapGrad<Square>(x, dy, dx, n, beta)
}

/** y = |x|, n elements. */
export function abs(x: usize, y: usize, n: i32): void {
  map<Abs>(x, y, n)
}
/** dx (+)= dy * sign(x): this one saves its input. */
export function absGrad(x: usize, dy: usize, dx: usize, n: i32, beta: i32): void {
  mapGrad<Abs>(x, dy, dx, n, beta)
}

/** y = -x, n elements. */
export function neg(x: usize, y: usize, n: i32): void {
  map<Neg>(x, y, n)
}

/** y = sign(x), n elements. */
export function sign(x: usize, y: usize, n: i32): void {
  map<Sign>(x, y, n)
}

/** y = floor(x), n elements. */
export function floor(x: usize, y: usize, n: i32): void {
  map<Floor>(x, y, n)
}

/** y = ceil(x), n elements. */
export function ceil(x: usize, y: usize, n: i32): void {
  map<Ceil>(x, y, n)
}

/** y = x rounded to a whole number, halves to an even one, n elements. */
export function round(x: usize, y: usize, n: i32): void {
  map<Round>(x, y, n)
}

/** y = x without its fraction, n elements. */
export function trunc(x: usize, y: usize, n: i32): void {
  map<Trunc>(x, y, n)
}

/** y = sin(x), n elements. */
export function sin(x: usize, y: usize, n: i32): void {
  map<Sin>(x, y, n)
}
/** dx (+)= dy * cos(x): this one saves its input. */
export function sinGrad(x: usize, dy: usize, dx: usize, n: i32, beta: i32): void {
  mapGrad<Sin>(x, dy, dx, n, beta)
}

/** y = cos(x), n elements. */
export function cos(x: usize, y: usize, n: i32): void {
  map<Cos>(x, y, n)
}
/** dx (+)= -dy * sin(x): this one saves its input. */
export function cosGrad(x: usize, dy: usize, dx: usize, n: i32, beta: i32): void {
  mapGrad<Cos>(x, dy, dx, n, beta)
}

/** y = log(1 + x), n elements. */
export function log1p(x: usize, y: usize, n: i32): void {
  map<Log1p>(x, y, n)
}
/** dx (+)= dy / (1 + x): this one saves its input. */
export function log1pGrad(x: usize, dy: usize, dx: usize, n: i32, beta: i32): void {
  mapGrad<Log1p>(x, dy, dx, n, beta)
}

/** y = e^x - 1, n elements. */
export function expm1(x: usize, y: usize, n: i32): void {
  map<Expm1>(x, y, n)
}
/** dx (+)= dy * (y + 1). */
export function expm1Grad(y: usize, dy: usize, dx: usize, n: i32, beta: i32): void {
  mapGrad<Expm1>(y, dy, dx, n, beta)
}

/** y = erf(x), n elements. */
export function erf(x: usize, y: usize, n: i32): void {
  map<Erf>(x, y, n)
}
/** dx (+)= dy * 2 / sqrt(pi) * e^(-x * x): this one saves its input. */
export function erfGrad(x: usize, dy: usize, dx: usize, n: i32, beta: i32): void {
  mapGrad<Erf>(x, dy, dx, n, beta)
}

/** y = min(max(x, low), high), n elements. */
export function clamp(x: usize, y: usize, n: i32, low: f32, high: f32): void {
  mapWith<Clamp>(x, y, n, low, high)
}
/** dx (+)= dy where low <= x <= high: this one saves its input. */
export function clampGrad(x: usize, dy: usize, dx: usize, n: i32, beta: i32, low: f32, high: f32): void {
  mapGradWith<Clamp>(x, dy, dx, n, beta, low, high)
}

/** y = x to the power of `exponent`, n elements. */
export function power(x: usize, y: usize, n: i32, exponent: f64): void {
  if (exponent === 2) map<Square>(x, y, n)
  else if (WholePower.has(exponent)) mapWith<Power<WholePower>>(x, y, n, exponent, exponent - 1)
  else if (HalfPower.has(exponent)) mapWith<Power<HalfPower>>(x, y, n, exponent, exponent - 1)
  else mapWith<Power<AnyPower>>(x, y, n, exponent, exponent - 1)
}
/** dx (+)= dy * exponent * x to the power of (exponent - 1): this one saves its input. */
export function powerGrad(x: usize, dy: usize, dx: usize, n: i32, beta: i32, exponent: f64): void {
  if (exponent === 2) mapGrad<Square>(x, dy, dx, n, beta)
  else if (WholePower.has(exponent - 1)) mapGradWith<Power<WholePower>>(x, dy, dx, n, beta, exponent, exponent - 1)
  else if (HalfPower.has(exponent - 1)) mapGradWith<Power<HalfPower>>(x, dy, dx, n, beta, exponent, exponent - 1)
  else mapGradWith<Power<AnyPower>>(x, dy, dx, n, beta, exponent, exponent - 1)
}
