/** Cross entropy of logits with class indices, or with a weight for each class; negative log likelihood. */
import { rowTotal, Sum } from './fold'
import { M } from './math'
import { V } from './simd'
import { Row } from './softmax'

const ONE: usize = memory.data<f32>([1])

/**
 * weights[r] = weight[target[r]], or 1 where `weight` is null; 0 where the target is `ignored`.
 * target: int32 (rows); weight: (cols) or null; weights: (rows).
 * Returns the first row whose target is neither in 0..cols-1 nor `ignored`, where it stops, or -1.
 */
export function labelWeights(target: usize, weight: usize, weights: usize, rows: i32, cols: i32, ignored: i32): i32 {
  for (let r = 0; r < rows; r++, target += 4, weights += 4) {
    const t = load<i32>(target)
    if (t === ignored) store<f32>(weights, 0)
    else if (u32(t) >= u32(cols)) return r
    else store<f32>(weights, weight ? load<f32>(weight + (t << 2)) : 1)
  }
  return -1
}

/** y[0] = sum(losses) / sum(weights), of n each, in the order of `fold`; divisor[0] = sum(weights). */
export function weightedMean(losses: usize, weights: usize, y: usize, divisor: usize, n: i32): void {
  const weight = rowTotal<Sum>(weights, n, 0)
  store<f32>(divisor, f32(weight))
  store<f32>(y, f32(rowTotal<Sum>(losses, n, 0) / weight))
}

/**
 * losses[r] = weights[r] * (log(sum(e^x)) - x[r, target[r]]) along the row, 0 where the target is `ignored`.
 * x: (rows, cols) logits; target: int32 (rows); weights, losses: (rows); logSumExp: (rows, 2), the largest logit and the
 * log of the sum of e^(x - largest). Their sum would lose the low bits of the second where logits are large.
 */
export function crossEntropy(
  x: usize,
  target: usize,
  weights: usize,
  logSumExp: usize,
  losses: usize,
  rows: i32,
  cols: i32,
  ignored: i32,
): void {
  const stride: usize = cols << 2
  for (; rows > 0; rows--, x += stride, target += 4, weights += 4, logSumExp += 8, losses += 4) {
    const t = load<i32>(target)
    if (t === ignored) {
      store<f32>(losses, 0)
      continue
    }
    const max = Row.max(x, cols)
    const logSum = M.log(V.splat(f32(Row.sumExp(x, max, cols))))
    store<f32>(logSumExp, f32x4.extract_lane(max, 0))
    store<f32>(logSumExp, f32x4.extract_lane(logSum, 0), 4)
    const loss = V.sub(logSum, V.sub(V.loadSplat(x + (t << 2)), max))
    store<f32>(losses, load<f32>(weights) * f32x4.extract_lane(loss, 0))
  }
}

/**
 * dx (+)= (softmax(x) - onehot(target)) * dlosses[r * dlossesStride] / divisor[0] * weights[r], from the logSumExp of
 * crossEntropy; 0 where the target is `ignored`. A stride of 0 spreads one gradient over all rows; x, dx: (rows, cols).
 */
export function crossEntropyGrad(
  x: usize,
  target: usize,
  weights: usize,
  logSumExp: usize,
  divisor: usize,
  dlosses: usize,
  dx: usize,
  rows: i32,
  cols: i32,
  dlossesStride: i32,
  beta: i32,
  ignored: i32,
): void {
  const stride: usize = cols << 2
  const next: usize = dlossesStride << 2
  for (; rows > 0; rows--, x += stride, target += 4, weights += 4, logSumExp += 8, dlosses += next, dx += stride) {
    if (load<i32>(target) === ignored) {
      if (!beta) memory.fill(dx, 0, stride)
      continue
    }
    const scale = V.splat((load<f32>(dlosses) / load<f32>(divisor)) * load<f32>(weights))
    crossEntropyGradRow(
      x,
      V.loadSplat(target),
      V.loadSplat(logSumExp),
      V.loadSplat(logSumExp + 4),
      scale,
      dx,
      cols,
      beta,
    )
  }
}

class CrossEntropy {
  /** The softmax, e^(x - max - logSum), less 1 in the column of the target. */
  @inline static df(x: v128, max: v128, logSum: v128, column: v128, target: v128): v128 {
    const oneHot = v128.and(i32x4.eq(column, target), V.splat(1))
    return V.sub(M.expOrZero(V.sub(V.sub(x, max), logSum)), oneHot)
  }
}

function crossEntropyGradRow(
  x: usize,
  target: v128,
  max: v128,
  logSum: v128,
  scale: v128,
  dx: usize,
  n: i32,
  beta: i32,
): void {
  let column = i32x4(0, 1, 2, 3)
  for (; n >= 4; n -= 4, x += 16, dx += 16) {
    V.storeBeta(dx, V.mul(CrossEntropy.df(V.load(x), max, logSum, column, target), scale), beta)
    column = i32x4.add(column, i32x4.splat(4))
  }
  if (n > 0) V.storeTailBeta(dx, V.mul(CrossEntropy.df(V.load(x), max, logSum, column, target), scale), n, beta)
}

/** losses[r] = -weights[r] * x[r, target[r]], 0 where the target is `ignored`. x: (rows, cols), the others (rows). */
export function nll(x: usize, target: usize, weights: usize, losses: usize, rows: i32, cols: i32, ignored: i32): void {
  for (; rows > 0; rows--, x += cols << 2, target += 4, weights += 4, losses += 4) {
    const t = load<i32>(target)
    store<f32>(losses, t === ignored ? 0 : load<f32>(weights) * -load<f32>(x + (t << 2)))
  }
}

/** dx[r, target[r]] (+)= -dlosses[r * dlossesStride] / divisor[0] * weights[r], 0 elsewhere. dx: (rows, cols) */
export function nllGrad(
  target: usize,
  weights: usize,
  divisor: usize,
  dlosses: usize,
  dx: usize,
  rows: i32,
  cols: i32,
  dlossesStride: i32,
  beta: i32,
  ignored: i32,
): void {
  if (!beta) memory.fill(dx, 0, (rows * cols) << 2)
  const next: usize = dlossesStride << 2
  for (; rows > 0; rows--, target += 4, weights += 4, dlosses += next, dx += cols << 2) {
    const t = load<i32>(target)
    if (t === ignored) continue
    const at = dx + (t << 2)
    store<f32>(at, load<f32>(at) - (load<f32>(dlosses) / load<f32>(divisor)) * load<f32>(weights))
  }
}

/**
 * q = smoothing / cols * weight[c], and in the column of the target (1 - smoothing) * weights[r] more; rows whose target is
 * `ignored` are 0. target: int32 (rows); weights: (rows), of labelWeights; weight: (cols), or null for ones; q: (rows, cols)
 */
export function smoothLabels(
  target: usize,
  weights: usize,
  weight: usize,
  q: usize,
  rows: i32,
  cols: i32,
  ignored: i32,
  smoothing: f64,
): void {
  const step: usize = weight ? 4 : 0
  const share = smoothing / cols
  for (; rows > 0; rows--, target += 4, weights += 4) {
    const t = load<i32>(target)
    let w = weight ? weight : ONE
    for (let c = 0; c < cols; c++, w += step, q += 4) {
      const more = c === t ? (1 - smoothing) * load<f32>(weights) : 0
      store<f32>(q, t === ignored ? 0 : f32(share * load<f32>(w) + more))
    }
  }
}

class SoftCrossEntropy {
  /** -log softmax(x), but 0 where q is, whatever x: what is not wanted may be impossible. */
  @inline static factor(x: v128, q: v128, max: v128, logSum: v128): v128 {
    return v128.andnot(V.sub(logSum, V.sub(x, max)), f32x4.eq(q, V.zero()))
  }
}

/**
 * losses[r] = sum(q * (log(sum(e^x)) - x)) along the row, in float64; where q is 0 the logit does not matter.
 * x, q: (rows, cols); logSumExp as in crossEntropy; losses: (rows).
 */
export function softCrossEntropy(x: usize, q: usize, logSumExp: usize, losses: usize, rows: i32, cols: i32): void {
  const stride: usize = cols << 2
  for (; rows > 0; rows--, x += stride, q += stride, logSumExp += 8, losses += 4) {
    const max = Row.max(x, cols)
    const logSum = M.log(V.splat(f32(Row.sumExp(x, max, cols))))
    store<f32>(logSumExp, f32x4.extract_lane(max, 0))
    store<f32>(logSumExp, f32x4.extract_lane(logSum, 0), 4)
    store<f32>(losses, f32(softCrossEntropyRow(x, q, max, logSum, cols)))
  }
}

function softCrossEntropyRow(x: usize, q: usize, max: v128, logSum: v128, n: i32): f64 {
  let total = V.zero()
  for (; n > 0; n -= 4, x += 16, q += 16) {
    const weight = v128.and(V.load(q), V.firstLanes(n))
    total = V.addWideProduct(total, weight, SoftCrossEntropy.factor(V.load(x), weight, max, logSum))
  }
  return V.hsumWide(total)
}

/** dx (+)= (softmax(x) * sum(q) - q) * dlosses[r * dlossesStride] / divisor[0]. x, q, dx: (rows, cols) */
export function softCrossEntropyGrad(
  x: usize,
  q: usize,
  logSumExp: usize,
  divisor: usize,
  dlosses: usize,
  dx: usize,
  rows: i32,
  cols: i32,
  dlossesStride: i32,
  beta: i32,
): void {
  const stride: usize = cols << 2
  const next: usize = dlossesStride << 2
  for (; rows > 0; rows--, logSumExp += 8, dlosses += next) {
    const sum = V.splat(f32(rowTotal<Sum>(q, cols, 0)))
    const scale = V.splat(load<f32>(dlosses) / load<f32>(divisor))
    const max = V.loadSplat(logSumExp)
    const logSum = V.loadSplat(logSumExp + 4)
    const isEmpty = f32x4.eq(sum, V.zero())
    for (let n = cols; n > 0; n -= 4, x += 16, q += 16, dx += 16) {
      const p = V.mul(M.expOrZero(V.sub(V.sub(V.load(x), max), logSum)), sum)
      const weight = V.load(q)
      // Rows without a target, such as ignored ones, get 0 whatever their logits, and even where the divisor is 0.
      const isNothing = v128.and(isEmpty, f32x4.eq(weight, V.zero()))
      const v = v128.andnot(V.mul(V.sub(p, weight), scale), isNothing)
      if (n >= 4) V.storeBeta(dx, v, beta)
      else V.storeTailBeta(dx, v, n, beta)
    }
    const beyond: usize = ((cols + 3) & ~3) << 2
    x += stride - beyond
    q += stride - beyond
    dx += stride - beyond
  }
}

/** dq (+)= (log(sum(e^x)) - x) * dlosses[r * dlossesStride] / divisor[0]. x, dq: (rows, cols) */
export function softCrossEntropyTargetGrad(
  x: usize,
  logSumExp: usize,
  divisor: usize,
  dlosses: usize,
  dq: usize,
  rows: i32,
  cols: i32,
  dlossesStride: i32,
  beta: i32,
): void {
  const stride: usize = cols << 2
  const next: usize = dlossesStride << 2
  for (; rows > 0; rows--, logSumExp += 8, dlosses += next) {
    const scale = V.splat(load<f32>(dlosses) / load<f32>(divisor))
    const max = V.loadSplat(logSumExp)
    const logSum = V.loadSplat(logSumExp + 4)
    for (let n = cols; n > 0; n -= 4, x += 16, dq += 16) {
      const v = V.mul(V.sub(logSum, V.sub(V.load(x), max)), scale)
      if (n >= 4) V.storeBeta(dq, v, beta)
      else V.storeTailBeta(dq, v, n, beta)
    }
    const beyond: usize = ((cols + 3) & ~3) << 2
    x += stride - beyond
    dq += stride - beyond
  }
}
