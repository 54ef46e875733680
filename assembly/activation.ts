/** Activations: element-wise maps that layers end with. Kinks, infinities and NaN are PyTorch's, in values and gradients. */
import { Gate } from './gate'
import { map, mapGrad, mapGradWith, mapWith } from './loops'
import { M } from './math'
import { V } from './simd'

const ONE: usize = memory.data<f32>([1])
const HALF: usize = memory.data<f32>([0.5])
const THREE: usize = memory.data<f32>([3])
const SIX: usize = memory.data<f32>([6])
// 2 sqrt(2 / pi), and that times 0.044715, and three times that.
const TWICE: usize = memory.data<f32>([1.5957691216057308])
const TWICE_CUBIC: usize = memory.data<f32>([0.07135481627281308])
const TWICE_CUBIC_SLOPE: usize = memory.data<f32>([0.2140644488184392])
// Where |x| is larger, the slope of e^-2u is 0.
const BEND_END: usize = memory.data<f32>([20])

/** max(x, 0); saves its output. NaN stays NaN, as in PyTorch: pmax(a, b) is `a < b ? b : a`. */
class Relu {
  @inline f(x: v128): v128 {
    return f32x4.pmax(x, V.zero())
  }
  /** dy unless y <= 0: at NaN the gradient passes, as in PyTorch. */
  @inline df(y: v128, dy: v128): v128 {
    return v128.andnot(dy, f32x4.le(y, V.zero()))
  }
}

/** 1 / (1 + e^-x); saves its output. */
class Sigmoid {
  @inline f(x: v128): v128 {
    return M.sigmoid(x)
  }
  @inline df(y: v128, dy: v128): v128 {
    return V.mul(V.mul(dy, y), V.sub(V.loadSplat(ONE), y))
  }
}

/** Saves its output. */
class Tanh {
  @inline f(x: v128): v128 {
    return M.tanh(x)
  }
  @inline df(y: v128, dy: v128): v128 {
    return V.mul(dy, V.sub(V.loadSplat(ONE), V.mul(y, y)))
  }
}

/** x, or slope x unless x > 0. Saves its input. */
class LeakyRelu {
  @inline hold(slope: f64): v128 {
    return V.splat(f32(slope))
  }
  @inline f(x: v128, slope: v128, _: v128): v128 {
    return V.select(f32x4.gt(x, V.zero()), x, V.mul(x, slope))
  }
  @inline df(x: v128, dy: v128, slope: v128, _: v128): v128 {
    return V.select(f32x4.gt(x, V.zero()), dy, V.mul(dy, slope))
  }
}

/** x, or alpha (e^x - 1) unless x > 0. Saves its input: of the output next to -alpha too little of e^x is left. */
class Elu {
  @inline hold(alpha: f64): v128 {
    return V.splat(f32(alpha))
  }
  @inline f(x: v128, alpha: v128, _: v128): v128 {
    return V.select(f32x4.gt(x, V.zero()), x, V.mul(alpha, M.expm1(x)))
  }
  @inline df(x: v128, dy: v128, alpha: v128, _: v128): v128 {
    return V.select(f32x4.gt(x, V.zero()), dy, V.mul(dy, V.mul(alpha, M.exp(x))))
  }
}

/** x times the standard normal distribution up to x (D. Hendrycks, K. Gimpel, arXiv:1606.08415). Saves its input. */
class Gelu {
  @inline f(x: v128): v128 {
    return Gate.normal(x)
  }
  @inline df(x: v128, dy: v128): v128 {
    return V.mul(dy, Gate.normalSlope(x))
  }
}

/**
 * x (1 + tanh(u)) / 2 with u = sqrt(2 / pi) (x + 0.044715 x³), which is x / (1 + e^-2u). 2.5 ULP from -0.5 up,
 * and below off by at most 1.2e-7 max(1, |x|). Saves its input.
 */
class GeluTanh {
  @inline f(x: v128): v128 {
    return Gate.logistic(x, GeluTanh.twice(x))
  }
  @inline df(x: v128, dy: v128): v128 {
    // Where the slope of e^-2u is 0, an infinite one of 2u would make it NaN.
    const within = f32x4.pmin(V.abs(x), V.loadSplat(BEND_END))
    const slope = V.fma(V.loadSplat(TWICE_CUBIC_SLOPE), V.mul(within, within), V.loadSplat(TWICE))
    return V.mul(dy, Gate.logisticSlope(x, GeluTanh.twice(x), slope))
  }
  /** 2u */
  @inline static twice(x: v128): v128 {
    return V.mul(x, V.fma(V.loadSplat(TWICE_CUBIC), V.mul(x, x), V.loadSplat(TWICE)))
  }
}

/** x / (1 + e^-x) (S. Elfwing et al., arXiv:1702.03118); 3.2 ULP. Saves its input. */
class Silu {
  @inline f(x: v128): v128 {
    return Gate.logistic(x, x)
  }
  @inline df(x: v128, dy: v128): v128 {
    return V.mul(dy, Gate.logisticSlope(x, x, V.loadSplat(ONE)))
  }
}

/** log(1 + e^(beta x)) / beta, or x where beta x is above the threshold; 1.7 ULP when beta is 1. Saves its input. */
class Softplus {
  @inline hold(parameter: f64): v128 {
    return V.splat(f32(parameter))
  }
  @inline f(x: v128, beta: v128, threshold: v128): v128 {
    const z = V.mul(x, beta)
    return V.select(f32x4.gt(z, threshold), x, V.div(Softplus.of(z), beta))
  }
  @inline df(x: v128, dy: v128, beta: v128, threshold: v128): v128 {
    const z = V.mul(x, beta)
    return V.select(f32x4.gt(z, threshold), dy, V.mul(dy, M.sigmoid(z)))
  }
  /** log(1 + e^z), in which nothing overflows or cancels. */
  @inline static of(z: v128): v128 {
    return V.add(f32x4.pmax(z, V.zero()), M.log1p(M.exp(V.neg(V.abs(z)))))
  }
}

/** log(1 / (1 + e^-x)), the softplus of -x negated; 1.7 ULP. Saves its input. */
class Logsigmoid {
  @inline f(x: v128): v128 {
    return V.sub(f32x4.pmin(x, V.zero()), M.log1p(M.exp(V.neg(V.abs(x)))))
  }
  @inline df(x: v128, dy: v128): v128 {
    return V.mul(dy, M.sigmoid(V.neg(x)))
  }
}

/** The gradient of hardtanh, whose values are those of clamp: it passes between low and high, both excluded; at NaN it is 0. */
class Hardtanh {
  @inline hold(bound: f64): v128 {
    return V.splat(f32(bound))
  }
  @inline df(x: v128, dy: v128, low: v128, high: v128): v128 {
    return v128.and(dy, v128.and(f32x4.gt(x, low), f32x4.lt(x, high)))
  }
}

/** min(max(x + 3, 0), 6) / 6. Saves its input; the gradient at -3, 3 and NaN is 0. */
class Hardsigmoid {
  @inline f(x: v128): v128 {
    const raised = V.add(x, V.loadSplat(THREE))
    return V.div(f32x4.pmin(f32x4.pmax(raised, V.zero()), V.loadSplat(SIX)), V.loadSplat(SIX))
  }
  @inline df(x: v128, dy: v128): v128 {
    return v128.and(V.div(dy, V.loadSplat(SIX)), f32x4.lt(V.abs(x), V.loadSplat(THREE)))
  }
}

/**
 * x min(max(x + 3, 0), 6) / 6 (A. Howard et al., arXiv:1905.02244). Saves its input; the gradient at -3 is -dy / 2, at 3 dy.
 */
class Hardswish {
  @inline f(x: v128): v128 {
    return V.mul(x, changetype<Hardsigmoid>(0).f(x))
  }
  @inline df(x: v128, dy: v128): v128 {
    const between = V.mul(dy, V.add(V.div(x, V.loadSplat(THREE)), V.loadSplat(HALF)))
    const above = V.select(f32x4.ge(x, V.loadSplat(THREE)), dy, between)
    return v128.andnot(above, f32x4.lt(x, V.neg(V.loadSplat(THREE))))
  }
}

/** y = max(x, 0), n elements. */
export function relu(x: usize, y: usize, n: i32): void {
  map<Relu>(x, y, n)
}
/** dx (+)= dy unless y <= 0. */
export function reluGrad(y: usize, dy: usize, dx: usize, n: i32, beta: i32): void {
  mapGrad<Relu>(y, dy, dx, n, beta)
}

/** y = 1 / (1 + e^-x), n elements. */
export function sigmoid(x: usize, y: usize, n: i32): void {
  map<Sigmoid>(x, y, n)
}
/** dx (+)= dy * y * (1 - y). */
export function sigmoidGrad(y: usize, dy: usize, dx: usize, n: i32, beta: i32): void {
  mapGrad<Sigmoid>(y, dy, dx, n, beta)
}

/** y = tanh(x), n elements. */
export function tanh(x: usize, y: usize, n: i32): void {
  map<Tanh>(x, y, n)
}
/** dx (+)= dy * (1 - y * y). */
export function tanhGrad(y: usize, dy: usize, dx: usize, n: i32, beta: i32): void {
  mapGrad<Tanh>(y, dy, dx, n, beta)
}

/** y = x where x > 0, else slope * x, n elements. */
export function leakyRelu(x: usize, y: usize, n: i32, slope: f32): void {
  mapWith<LeakyRelu>(x, y, n, slope, 0)
}
/** dx (+)= dy where x > 0, else slope * dy: this one saves its input, and so do those below. */
export function leakyReluGrad(x: usize, dy: usize, dx: usize, n: i32, beta: i32, slope: f32): void {
  mapGradWith<LeakyRelu>(x, dy, dx, n, beta, slope, 0)
}

/** y = x where x > 0, else alpha * (e^x - 1), n elements. */
export function elu(x: usize, y: usize, n: i32, alpha: f32): void {
  mapWith<Elu>(x, y, n, alpha, 0)
}
/** dx (+)= dy where x > 0, else dy * alpha * e^x. */
export function eluGrad(x: usize, dy: usize, dx: usize, n: i32, beta: i32, alpha: f32): void {
  mapGradWith<Elu>(x, dy, dx, n, beta, alpha, 0)
}

/** y = x * (1 + erf(x / sqrt(2))) / 2, n elements. */
export function gelu(x: usize, y: usize, n: i32): void {
  map<Gelu>(x, y, n)
}
/** dx (+)= dy times the slope at x. */
export function geluGrad(x: usize, dy: usize, dx: usize, n: i32, beta: i32): void {
  mapGrad<Gelu>(x, dy, dx, n, beta)
}

/** y = x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x³))) / 2, n elements. */
export function geluTanh(x: usize, y: usize, n: i32): void {
  map<GeluTanh>(x, y, n)
}
/** dx (+)= dy times the slope at x. */
export function geluTanhGrad(x: usize, dy: usize, dx: usize, n: i32, beta: i32): void {
  mapGrad<GeluTanh>(x, dy, dx, n, beta)
}

/** y = x / (1 + e^-x), n elements. */
export function silu(x: usize, y: usize, n: i32): void {
  map<Silu>(x, y, n)
}
/** dx (+)= dy times the slope at x. */
export function siluGrad(x: usize, dy: usize, dx: usize, n: i32, beta: i32): void {
  mapGrad<Silu>(x, dy, dx, n, beta)
}

/** y = log(1 + e^(steepness * x)) / steepness, or x where steepness * x is above the threshold, n elements. */
export function softplus(x: usize, y: usize, n: i32, steepness: f32, threshold: f32): void {
  mapWith<Softplus>(x, y, n, steepness, threshold)
}
/** dx (+)= dy / (1 + e^(-steepness * x)), or dy where steepness * x is above the threshold. */
export function softplusGrad(x: usize, dy: usize, dx: usize, n: i32, beta: i32, steepness: f32, threshold: f32): void {
  mapGradWith<Softplus>(x, dy, dx, n, beta, steepness, threshold)
}

/** y = -log(1 + e^-x), n elements. */
export function logsigmoid(x: usize, y: usize, n: i32): void {
  map<Logsigmoid>(x, y, n)
}
/** dx (+)= dy / (1 + e^x). */
export function logsigmoidGrad(x: usize, dy: usize, dx: usize, n: i32, beta: i32): void {
  mapGrad<Logsigmoid>(x, dy, dx, n, beta)
}

/** dx (+)= dy where low < x < high: the gradient of hardtanh, whose values are those of clamp. */
export function hardtanhGrad(x: usize, dy: usize, dx: usize, n: i32, beta: i32, low: f32, high: f32): void {
  mapGradWith<Hardtanh>(x, dy, dx, n, beta, low, high)
}

/** y = min(max(x + 3, 0), 6) / 6, n elements. */
export function hardsigmoid(x: usize, y: usize, n: i32): void {
  map<Hardsigmoid>(x, y, n)
}
/** dx (+)= dy / 6 where -3 < x < 3. */
export function hardsigmoidGrad(x: usize, dy: usize, dx: usize, n: i32, beta: i32): void {
  mapGrad<Hardsigmoid>(x, dy, dx, n, beta)
}

/** y = x * min(max(x + 3, 0), 6) / 6, n elements. */
export function hardswish(x: usize, y: usize, n: i32): void {
  map<Hardswish>(x, y, n)
}
/** dx (+)= 0 where x < -3, dy where x >= 3, else dy * (x / 3 + 1 / 2). */
export function hardswishGrad(x: usize, dy: usize, dx: usize, n: i32, beta: i32): void {
  mapGrad<Hardswish>(x, dy, dx, n, beta)
}
