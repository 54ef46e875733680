/**
 * x times a probability that grows with x: what SiLU and both forms of GELU are. Below zero the probability is formed as the
 * small number that it is, not as 1 less its complement, and meets x before it is scaled down, so that the product is right
 * down to the smallest denormal. -Infinity times 0 is NaN, as in PyTorch.
 */
import { M } from './math'
import { V } from './simd'

const ONE: usize = memory.data<f32>([1])
const TWO: usize = memory.data<f32>([2])
const HALF: usize = memory.data<f32>([0.5])

// x e^w is 0 in float32 from w = -109 on, for every x that belongs to such a w.
const SHUT: usize = memory.data<f32>([-112])

// The normal distribution up to x is 1 / 2 + x N(x²) for |x| <= 0.76, to 2^-29. That above a is e^(-a²/2) t P(2 t - 1) with
// t = 1 / (1 + 3 a / 8), to 2^-26.6 of itself for 0.75 <= a <= 14.5; beyond 14.3, a times it is 0 in float32. N and P are
// minimax fits made for this file.
const NEAR: usize = memory.data<f32>([0.398942262, -0.0664898604, 0.00996948965, -0.00117439276, 0.0000974424911])
const SPLIT: usize = memory.data<f32>([0.75])
const NEARNESS: usize = memory.data<f32>([0.375])
const TAIL: usize = memory.data<f32>([
  0.268182278, 0.173054054, 0.0621770956, 0.00274294382, -0.00641638506, -0.000618521823, 0.00102387206,
  0.00000871233442, -0.000180931384,
])
const TAIL_END: usize = memory.data<f32>([16])
/** 1 / sqrt(2 pi) */
const PEAK: usize = memory.data<f32>([0.3989422804014327])
// A float32 cut to these bits has an exact square.
const UPPER: usize = memory.data<u32>([0xfffff000])

export class Gate {
  /** x / (1 + e^-w), where w has the sign of x. */
  @inline static logistic(x: v128, w: v128): v128 {
    const v = V.neg(V.abs(w))
    const within = f32x4.pmax(v, V.loadSplat(SHUT))
    const power = M.nearestPower(within)
    // Zero beyond SHUT as a factor, for the sake of -Infinity.
    const e = v128.andnot(M.expNear0(M.lessPower(within, power)), f32x4.lt(v, V.loadSplat(SHUT)))
    const open = V.div(x, V.add(V.loadSplat(ONE), M.scale(e, power)))
    return V.select(f32x4.lt(x, V.zero()), M.scale(V.mul(open, e), power), open)
  }

  /** Its derivative s + x s (1 - s) dw, where s is 1 / (1 + e^-w). */
  @inline static logisticSlope(x: v128, w: v128, dw: v128): v128 {
    const one = V.loadSplat(ONE)
    const e = M.exp(V.neg(V.abs(w)))
    const sum = V.add(one, e)
    const s = V.div(V.select(f32x4.lt(w, V.zero()), e, one), sum)
    return V.fma(V.mul(x, V.div(e, V.mul(sum, sum))), dw, s)
  }

  /** x times the standard normal distribution up to x; 1.9 ULP from -0.5 up, 6 ULP below. */
  @inline static normal(x: v128): v128 {
    const a = V.abs(x)
    const power = M.nearestPower(Gate.exponent(a))
    const above = V.mul(Gate.tail(a), Gate.bell(a, power))
    const shut = M.scale(V.mul(x, above), power)
    const open = V.mul(x, Gate.mass(x, M.scale(above, power)))
    return V.select(f32x4.lt(x, V.neg(V.loadSplat(SPLIT))), shut, open)
  }

  /** Its derivative, the distribution up to x and x times its density. */
  @inline static normalSlope(x: v128): v128 {
    const a = V.abs(x)
    const power = M.nearestPower(Gate.exponent(a))
    const e = M.scale(Gate.bell(a, power), power)
    const above = V.mul(Gate.tail(a), e)
    const mass = V.select(f32x4.lt(x, V.neg(V.loadSplat(SPLIT))), above, Gate.mass(x, above))
    return V.fma(x, V.mul(V.loadSplat(PEAK), e), mass)
  }

  /** The normal distribution up to x for x >= -0.75, from that above |x|. */
  @inline private static mass(x: v128, above: v128): v128 {
    const z = V.mul(x, x)
    let p = V.fma(V.loadSplat(NEAR + 16), z, V.loadSplat(NEAR + 12))
    p = V.fma(p, z, V.loadSplat(NEAR + 8))
    p = V.fma(p, z, V.loadSplat(NEAR + 4))
    p = V.fma(p, z, V.loadSplat(NEAR))
    const near = V.fma(p, x, V.loadSplat(HALF))
    return V.select(f32x4.gt(x, V.loadSplat(SPLIT)), V.sub(V.loadSplat(ONE), above), near)
  }

  /** -a² / 2, rounded. */
  @inline private static exponent(a: v128): v128 {
    const within = f32x4.pmin(a, V.loadSplat(TAIL_END))
    return V.neg(V.mul(V.mul(within, within), V.loadSplat(HALF)))
  }

  /** e^(-a²/2) / 2^n: from the exact a², whose rounding to float32 would cost up to 60 ULP. */
  @inline private static bell(a: v128, power: v128): v128 {
    const within = f32x4.pmin(a, V.loadSplat(TAIL_END))
    const upper = v128.and(within, V.loadSplat(UPPER))
    const half = V.loadSplat(HALF)
    const lower = V.mul(V.mul(V.sub(within, upper), half), V.add(within, upper))
    return M.expNear0(V.sub(M.lessPower(V.neg(V.mul(V.mul(upper, upper), half)), power), lower))
  }

  /** The normal distribution above a, over e^(-a²/2). 0 for Infinity. */
  @inline private static tail(a: v128): v128 {
    const one = V.loadSplat(ONE)
    const t = V.div(one, V.fma(V.loadSplat(NEARNESS), a, one))
    const q = V.sub(V.mul(V.loadSplat(TWO), t), one)
    let p = V.fma(V.loadSplat(TAIL + 32), q, V.loadSplat(TAIL + 28))
    p = V.fma(p, q, V.loadSplat(TAIL + 24))
    p = V.fma(p, q, V.loadSplat(TAIL + 20))
    p = V.fma(p, q, V.loadSplat(TAIL + 16))
    p = V.fma(p, q, V.loadSplat(TAIL + 12))
    p = V.fma(p, q, V.loadSplat(TAIL + 8))
    p = V.fma(p, q, V.loadSplat(TAIL + 4))
    p = V.fma(p, q, V.loadSplat(TAIL))
    return V.mul(t, p)
  }
}
