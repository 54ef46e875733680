import { M } from './math'
import { V } from './simd'
import { Row } from './softmax'

/**
 * losses[r] = log(sum(e^x)) - x[r, target[r]] along the row.
 * x: (rows, cols) logits; target: int32 (rows); losses: (rows); logSumExp: (rows, 2), the largest logit and the log of the
 * sum of e^(x - largest). Their sum would lose the low bits of the second where logits are large.
 * Returns the first row whose target is not in 0..cols-1, where it stops, or -1.
 */
export function crossEntropy(x: usize, target: usize, logSumExp: usize, losses: usize, rows: i32, cols: i32): i32 {
  const stride: usize = cols << 2
  for (let r = 0; r < rows; r++, x += stride, target += 4, logSumExp += 8, losses += 4) {
    const t = load<i32>(target)
    if (u32(t) >= u32(cols)) return r
    const max = Row.max(x, cols)
    const logSum = M.log(V.splat(f32(Row.sumExp(x, max, cols))))
    store<f32>(logSumExp, f32x4.extract_lane(max, 0))
    store<f32>(logSumExp, f32x4.extract_lane(logSum, 0), 4)
    store<f32>(losses, f32x4.extract_lane(V.sub(logSum, V.sub(V.loadSplat(x + (t << 2)), max)), 0))
  }
  return -1
}

/**
 * dx (+)= (softmax(x) - onehot(target)) * dlosses[r * dlossesStride] / divisor, from the logSumExp of crossEntropy.
 * A stride of 0 spreads one gradient over all rows; x, dx: (rows, cols).
 */
export function crossEntropyGrad(
  x: usize,
  target: usize,
  logSumExp: usize,
  dlosses: usize,
  dx: usize,
  rows: i32,
  cols: i32,
  dlossesStride: i32,
  beta: i32,
  divisor: f32,
): void {
  const stride: usize = cols << 2
  const next: usize = dlossesStride << 2
  for (; rows > 0; rows--, x += stride, target += 4, logSumExp += 8, dlosses += next, dx += stride) {
    const scale = V.splat(load<f32>(dlosses) / divisor)
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

/** Sums run over blocks of this many elements, then over the blocks, so that blocks can be shared out among threads. */
const BLOCK = 4096

/** y[0] = mean((a - b)^2) of n elements, accumulated in float64; NaN if n is 0, as in PyTorch. */
export function mse(a: usize, b: usize, y: usize, n: i32): void {
  let total: f64 = 0
  for (let start = 0; start < n; start += BLOCK) {
    total += squaredDistance(a + (start << 2), b + (start << 2), min(n - start, BLOCK))
  }
  store<f32>(y, f32(total / n))
}

/** sum((a - b)^2) of n elements. */
function squaredDistance(a: usize, b: usize, n: i32): f64 {
  let total = V.zero()
  for (; n >= 4; n -= 4, a += 16, b += 16) {
    const d = V.sub(V.load(a), V.load(b))
    total = V.addWideProduct(total, d, d)
  }
  if (n > 0) {
    const d = v128.and(V.sub(V.load(a), V.load(b)), V.firstLanes(n))
    total = V.addWideProduct(total, d, d)
  }
  return V.hsumWide(total)
}

/** da (+)= 2 * (a - b) * dy[0] / n; for db exchange a and b. */
export function mseGrad(a: usize, b: usize, dy: usize, da: usize, n: i32, beta: i32): void {
  if (n === 0) return
  const scale = V.splat(f32((2 * f64(load<f32>(dy))) / n))
  for (; n >= 4; n -= 4, a += 16, b += 16, da += 16) {
    V.storeBeta(da, V.mul(V.sub(V.load(a), V.load(b)), scale), beta)
  }
  if (n > 0) V.storeTailBeta(da, V.mul(V.sub(V.load(a), V.load(b)), scale), n, beta)
}
