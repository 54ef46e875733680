/**
 * The rival of single operations: plain JavaScript over Float32Array as a careful programmer writes it. Outputs are given, so
 * that nothing is allocated; inner loops run along rows; sums are float64, which costs JavaScript nothing.
 */

/** c (m, n) = a (m, k) b (k, n), four rows of b at a time, so that a sum is loaded and stored once for four products. */
export function matmul(a: Float32Array, b: Float32Array, c: Float32Array, m: number, n: number, k: number): void {
  c.fill(0)
  const whole = k - (k % 4)
  for (let i = 0; i < m; i++) {
    const row = i * n
    let p = 0
    for (; p < whole; p += 4) {
      const at = i * k + p
      const [a0, a1, a2, a3] = [a[at], a[at + 1], a[at + 2], a[at + 3]]
      const [r0, r1, r2, r3] = [p * n, (p + 1) * n, (p + 2) * n, (p + 3) * n]
      for (let j = 0; j < n; j++) c[row + j] += a0 * b[r0 + j] + a1 * b[r1 + j] + a2 * b[r2 + j] + a3 * b[r3 + j]
    }
    for (; p < k; p++) {
      const value = a[i * k + p]
      for (let j = 0; j < n; j++) c[row + j] += value * b[p * n + j]
    }
  }
}

export function add(a: Float32Array, b: Float32Array, y: Float32Array): void {
  for (let i = 0; i < y.length; i++) y[i] = a[i] + b[i]
}

/** y (rows, cols) = a (rows, cols) + b (cols) */
export function addRow(a: Float32Array, b: Float32Array, y: Float32Array): void {
  for (let i = 0; i < y.length; ) for (let c = 0; c < b.length; c++, i++) y[i] = a[i] + b[c]
}

export function mul(a: Float32Array, b: Float32Array, y: Float32Array): void {
  for (let i = 0; i < y.length; i++) y[i] = a[i] * b[i]
}

export function relu(x: Float32Array, y: Float32Array): void {
  for (let i = 0; i < y.length; i++) y[i] = x[i] > 0 ? x[i] : 0
}

export function reluGrad(y: Float32Array, dy: Float32Array, dx: Float32Array): void {
  for (let i = 0; i < dx.length; i++) dx[i] = y[i] > 0 ? dy[i] : 0
}

export function exp(x: Float32Array, y: Float32Array): void {
  for (let i = 0; i < y.length; i++) y[i] = Math.exp(x[i])
}

export function tanh(x: Float32Array, y: Float32Array): void {
  for (let i = 0; i < y.length; i++) y[i] = Math.tanh(x[i])
}

export function sigmoid(x: Float32Array, y: Float32Array): void {
  for (let i = 0; i < y.length; i++) y[i] = 1 / (1 + Math.exp(-x[i]))
}

/** y (rows) = the sums of x (rows, cols) along the rows; four at a time, since each addition waits for the one before. */
export function sumRows(x: Float32Array, y: Float32Array): void {
  const cols = x.length / y.length
  for (let r = 0, at = 0; r < y.length; r++) {
    let [s0, s1, s2, s3] = [0, 0, 0, 0]
    const end = at + cols
    for (; at + 4 <= end; at += 4) {
      s0 += x[at]
      s1 += x[at + 1]
      s2 += x[at + 2]
      s3 += x[at + 3]
    }
    for (; at < end; at++) s0 += x[at]
    y[r] = s0 + s1 + (s2 + s3)
  }
}

/** y (cols) = the sums of x (rows, cols) down the columns. */
export function sumColumns(x: Float32Array, y: Float64Array): void {
  y.fill(0)
  for (let at = 0; at < x.length; ) for (let c = 0; c < y.length; c++) y[c] += x[at++]
}

export function maxRows(x: Float32Array, y: Float32Array): void {
  const cols = x.length / y.length
  for (let r = 0, at = 0; r < y.length; r++) {
    let max = -Infinity
    for (const end = at + cols; at < end; at++) if (x[at] > max) max = x[at]
    y[r] = max
  }
}

export function argmaxRows(x: Float32Array, y: Int32Array): void {
  const cols = x.length / y.length
  for (let r = 0; r < y.length; r++) {
    let best = r * cols
    for (let at = best + 1; at < (r + 1) * cols; at++) if (x[at] > x[best]) best = at
    y[r] = best - r * cols
  }
}

/** y (rows) = the variances of x (rows, cols) along the rows, with correction 1. */
export function varianceRows(x: Float32Array, y: Float32Array): void {
  const cols = x.length / y.length
  for (let r = 0; r < y.length; r++) {
    const [from, to] = [r * cols, (r + 1) * cols]
    let sum = 0
    for (let at = from; at < to; at++) sum += x[at]
    const mean = sum / cols
    let squares = 0
    for (let at = from; at < to; at++) squares += (x[at] - mean) * (x[at] - mean)
    y[r] = squares / (cols - 1)
  }
}

export function softmax(x: Float32Array, y: Float32Array, cols: number): void {
  for (let from = 0; from < x.length; from += cols) {
    let max = -Infinity
    for (let at = from; at < from + cols; at++) if (x[at] > max) max = x[at]
    let sum = 0
    for (let at = from; at < from + cols; at++) {
      y[at] = Math.exp(x[at] - max)
      sum += y[at]
    }
    for (let at = from; at < from + cols; at++) y[at] /= sum
  }
}

export function softmaxGrad(y: Float32Array, dy: Float32Array, dx: Float32Array, cols: number): void {
  for (let from = 0; from < y.length; from += cols) {
    let dot = 0
    for (let at = from; at < from + cols; at++) dot += y[at] * dy[at]
    for (let at = from; at < from + cols; at++) dx[at] = y[at] * (dy[at] - dot)
  }
}

/** The mean of softmax cross-entropy over the rows of x, and its gradient in dx. */
export function crossEntropy(x: Float32Array, labels: Int32Array, dx: Float32Array): number {
  const batch = labels.length
  const cols = x.length / batch
  let loss = 0
  for (let r = 0; r < batch; r++) {
    const from = r * cols
    let max = -Infinity
    for (let at = from; at < from + cols; at++) if (x[at] > max) max = x[at]
    let sum = 0
    for (let at = from; at < from + cols; at++) {
      dx[at] = Math.exp(x[at] - max)
      sum += dx[at]
    }
    const scale = 1 / (sum * batch)
    for (let at = from; at < from + cols; at++) dx[at] *= scale
    dx[from + labels[r]] -= 1 / batch
    loss += Math.log(sum) + max - x[from + labels[r]]
  }
  return loss / batch
}

/** One step of gradient descent with momentum, as PyTorch has it. */
export function sgd(weight: Float32Array, grad: Float32Array, velocity: Float32Array, lr: number, momentum: number) {
  for (let i = 0; i < weight.length; i++) {
    velocity[i] = momentum * velocity[i] + grad[i]
    weight[i] -= lr * velocity[i]
  }
}

/** Step number `step` of Adam, with PyTorch's defaults. */
export function adam(weight: Float32Array, grad: Float32Array, m: Float32Array, v: Float32Array, step: number) {
  const size = 1e-3 / (1 - 0.9 ** step)
  const correction = 1 / Math.sqrt(1 - 0.999 ** step)
  for (let i = 0; i < weight.length; i++) {
    const g = grad[i]
    const mi = 0.9 * m[i] + 0.1 * g
    const vi = 0.999 * v[i] + 0.001 * g * g
    m[i] = mi
    v[i] = vi
    weight[i] -= (size * mi) / (Math.sqrt(vi) * correction + 1e-8)
  }
}
