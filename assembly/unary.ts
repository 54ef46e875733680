import { map, mapGrad } from './loops'
import { M } from './math'
import { V } from './simd'

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
    return V.mul(V.mul(dy, y), V.sub(V.splat(1), y))
  }
}

/** Saves its output. */
class Tanh {
  @inline f(x: v128): v128 {
    return M.tanh(x)
  }
  @inline df(y: v128, dy: v128): v128 {
    return V.mul(dy, V.sub(V.splat(1), V.mul(y, y)))
  }
}

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
