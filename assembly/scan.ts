/**
 * Running sums along the middle axis of x: (outer, n, inner). Each is taken in float64, one element after another, and
 * rounded to float32 once, where it is stored.
 */
import { V } from './simd'

/** y[o, j, i] = the sum of x[o, 0..j, i]. */
export function cumsum(x: usize, y: usize, outer: i32, n: i32, inner: i32): void {
  scan(x, y, outer, n, inner, inner << 2, 0)
}

/** dx[o, j, i] (+)= the sum of dy[o, j.., i], taken from the last element on. */
export function cumsumGrad(dy: usize, dx: usize, outer: i32, n: i32, inner: i32, beta: i32): void {
  const last = ((n - 1) * inner) << 2
  scan(dy + last, dx + last, outer, n, inner, -(inner << 2), beta)
}

/** From x on, `step` bytes from one element to the next. */
function scan(x: usize, y: usize, outer: i32, n: i32, inner: i32, step: i32, beta: i32): void {
  const plane = (n * inner) << 2
  for (; outer > 0; outer--, x += plane, y += plane) {
    if (inner === 1) scanRow(x, y, n, step, beta)
    else for (let i = 0; i < inner; i += 4) scanColumns(x + (i << 2), y + (i << 2), inner - i, n, step, beta)
  }
}

function scanRow(x: usize, y: usize, n: i32, step: i32, beta: i32): void {
  let total: f64 = 0
  for (; n > 0; n--, x += step, y += step) {
    total += f64(load<f32>(x))
    store<f32>(y, beta ? load<f32>(y) + f32(total) : f32(total))
  }
}

/** Four adjacent columns, or as many as there are. */
function scanColumns(x: usize, y: usize, cols: i32, n: i32, step: i32, beta: i32): void {
  let low = f64x2.splat(0)
  let high = low
  for (; n > 0; n--, x += step, y += step) {
    low = f64x2.add(low, V.loadPair(x))
    high = f64x2.add(high, V.loadPair(x + 8))
    const sums = V.demote(low, high)
    V.storeUpTo(y, beta ? V.add(V.load(y), sums) : sums, cols)
  }
}
