/**
 * The rival: a multi-layer perceptron in plain JavaScript, trained with Adam, as fast as it gets without WebAssembly.
 * What makes it fast: nothing is allocated between updates; weights lie as (inputs, outputs), so every inner loop runs
 * along a row; zero inputs (81 % of an MNIST image, and what ReLU shuts off) are skipped, forward and in the weight
 * gradient; four rows are added per pass, so a sum is loaded and stored once for four products.
 */

/** One linear layer in PyTorch's layout: `weight` is (outputs, inputs), row by row. */
export interface LinearWeights {
  weight: Float32Array
  bias: Float32Array
}

const LEARNING_RATE = 1e-3
const BETA1 = 0.9
const BETA2 = 0.999
const EPSILON = 1e-8

/** A parameter with its gradient and Adam's two moments. */
class Parameter {
  readonly value: Float32Array
  readonly grad: Float32Array
  readonly m: Float32Array
  readonly v: Float32Array

  constructor(value: Float32Array) {
    this.value = value
    this.grad = new Float32Array(value.length)
    this.m = new Float32Array(value.length)
    this.v = new Float32Array(value.length)
  }
}

class Linear {
  readonly inputs: number
  readonly outputs: number
  readonly weight: Parameter // (I, O)
  readonly bias: Parameter // (O)
  y = new Float32Array(0) // (B, O)
  dy = new Float32Array(0) // (B, O)

  constructor({ weight, bias }: LinearWeights) {
    this.outputs = bias.length
    this.inputs = weight.length / bias.length
    this.weight = new Parameter(transpose(weight, this.outputs, this.inputs))
    this.bias = new Parameter(bias.slice())
  }
}

/** The entries of a vector that are not zero. Zeros at the end fill up the last group of four. */
class SparseVector {
  readonly index: Int32Array
  readonly value: Float32Array
  length = 0

  constructor(capacity: number) {
    this.index = new Int32Array(capacity + 3)
    this.value = new Float32Array(capacity + 3)
  }
}

export class BaselineMlp {
  readonly #layers: Linear[]
  #sparse = new SparseVector(0)
  #capacity = 0
  #beta1Power = 1
  #beta2Power = 1

  /** Takes copies of the initial weights, first layer first. */
  constructor(layers: LinearWeights[]) {
    this.#layers = layers.map((layer) => new Linear(layer))
    for (const [i, { inputs, outputs }] of this.#layers.entries()) {
      const expected = i ? this.#layers[i - 1].outputs : inputs
      if (!Number.isInteger(inputs) || inputs !== expected)
        throw new RangeError(`layer ${i}: ${outputs} x ${inputs} weights do not follow ${expected} outputs`)
    }
  }

  /** One update on `x` (batch, inputs); returns the mean loss before it. */
  step(x: Float32Array, labels: Int32Array, batch: number): number {
    this.#forward(x, batch)
    const { y, dy, outputs } = this.#layers.at(-1)!
    const loss = crossEntropy(y, labels, batch, outputs, dy)
    this.#backward(x, batch)
    this.#update()
    return loss
  }

  /** The mean loss on `x` (count, inputs). */
  loss(x: Float32Array, labels: Int32Array, count: number): number {
    this.#forward(x, count)
    const { y, dy, outputs } = this.#layers.at(-1)!
    return crossEntropy(y, labels, count, outputs, dy)
  }

  /** The likeliest class of each row of `x` (count, inputs). */
  predict(x: Float32Array, count: number): Int32Array {
    this.#forward(x, count)
    const { y, outputs } = this.#layers.at(-1)!
    return Int32Array.from({ length: count }, (_, b) => argmax(y, b * outputs, outputs))
  }

  /** Copies of the weights. */
  weights(): LinearWeights[] {
    return this.#layers.map(({ weight, bias, inputs, outputs }) => ({
      weight: transpose(weight.value, inputs, outputs),
      bias: bias.value.slice(),
    }))
  }

  /** Copies of the gradients that the last `step` used. */
  gradients(): LinearWeights[] {
    return this.#layers.map(({ weight, bias, inputs, outputs }) => ({
      weight: transpose(weight.grad, inputs, outputs),
      bias: bias.grad.slice(),
    }))
  }

  #forward(x: Float32Array, batch: number): void {
    this.#reserve(batch)
    let input = x
    for (const layer of this.#layers) {
      if (layer !== this.#layers[0]) relu(input, batch * layer.inputs)
      forward(layer, input, batch, this.#sparse)
      input = layer.y
    }
  }

  #backward(x: Float32Array, batch: number): void {
    for (let i = this.#layers.length - 1; i >= 0; i--) {
      const layer = this.#layers[i]
      const below = i ? this.#layers[i - 1] : undefined
      gradients(layer, below ? below.y : x, batch, this.#sparse)
      if (below) inputGradient(layer, below.y, below.dy, batch)
    }
  }

  #update(): void {
    this.#beta1Power *= BETA1
    this.#beta2Power *= BETA2
    const stepSize = LEARNING_RATE / (1 - this.#beta1Power)
    const correction = 1 / Math.sqrt(1 - this.#beta2Power)
    for (const { weight, bias } of this.#layers) {
      adam(weight, stepSize, correction)
      adam(bias, stepSize, correction)
    }
  }

  /** Makes room for `batch` rows; the buffers only ever grow. */
  #reserve(batch: number): void {
    if (batch <= this.#capacity) return
    this.#capacity = batch
    this.#sparse = new SparseVector(Math.max(batch, ...this.#layers.map((layer) => layer.inputs)))
    for (const layer of this.#layers) {
      layer.y = new Float32Array(batch * layer.outputs)
      layer.dy = new Float32Array(batch * layer.outputs)
    }
  }
}

/** y = x W + b */
function forward(layer: Linear, x: Float32Array, batch: number, sparse: SparseVector): void {
  const { inputs, outputs, weight, bias, y } = layer
  for (let b = 0; b < batch; b++) {
    y.set(bias.value, b * outputs)
    compress(sparse, x, b * inputs, 1, inputs)
    addProduct(y, b * outputs, sparse, weight.value, outputs)
  }
}

/** dW = x^T dy, one input (a column of x) after the other; db = the sum of dy over the batch */
function gradients(layer: Linear, x: Float32Array, batch: number, sparse: SparseVector): void {
  const { inputs, outputs, dy } = layer
  const dw = layer.weight.grad
  const db = layer.bias.grad
  dw.fill(0)
  for (let i = 0; i < inputs; i++) {
    compress(sparse, x, i, inputs, batch)
    addProduct(dw, i * outputs, sparse, dy, outputs)
  }
  db.fill(0)
  for (let at = 0; at < batch * outputs; ) for (let o = 0; o < outputs; o++) db[o] += dy[at++]
}

/** dx = dy W^T where x, the output of a ReLU, is positive, and 0 elsewhere */
function inputGradient(layer: Linear, x: Float32Array, dx: Float32Array, batch: number): void {
  const { inputs, outputs, dy } = layer
  const w = layer.weight.value
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < inputs; i++) {
      const at = b * inputs + i
      let sum = 0
      if (x[at] > 0) for (let o = 0; o < outputs; o++) sum += dy[b * outputs + o] * w[i * outputs + o]
      dx[at] = sum
    }
  }
}

/** Gathers what is not zero among `n` entries of `x` from `start` on, `stride` apart. */
function compress(sparse: SparseVector, x: Float32Array, start: number, stride: number, n: number): void {
  const { index, value } = sparse
  let length = 0
  for (let i = 0, at = start; i < n; i++, at += stride) {
    const v = x[at]
    if (v === 0) continue
    index[length] = i
    value[length++] = v
  }
  for (; length % 4; length++) {
    index[length] = 0
    value[length] = 0
  }
  sparse.length = length
}

/** Adds the product of a sparse vector and a matrix of rows of `width` to `y` from `at` on. */
function addProduct(y: Float32Array, at: number, sparse: SparseVector, matrix: Float32Array, width: number): void {
  const { index, value, length } = sparse
  for (let k = 0; k < length; k += 4) {
    const a0 = value[k]
    const a1 = value[k + 1]
    const a2 = value[k + 2]
    const a3 = value[k + 3]
    const r0 = index[k] * width
    const r1 = index[k + 1] * width
    const r2 = index[k + 2] * width
    const r3 = index[k + 3] * width
    for (let o = 0; o < width; o++)
      y[at + o] += a0 * matrix[r0 + o] + a1 * matrix[r1 + o] + a2 * matrix[r2 + o] + a3 * matrix[r3 + o]
  }
}

function relu(x: Float32Array, n: number): void {
  for (let i = 0; i < n; i++) if (x[i] < 0) x[i] = 0
}

/** The mean of softmax cross-entropy over the rows of `y`, and its gradient in `dy`. */
function crossEntropy(y: Float32Array, labels: Int32Array, batch: number, classes: number, dy: Float32Array): number {
  let loss = 0
  for (let b = 0; b < batch; b++) {
    const at = b * classes
    const max = y[at + argmax(y, at, classes)]
    let sum = 0
    for (let c = 0; c < classes; c++) {
      const e = Math.exp(y[at + c] - max)
      dy[at + c] = e
      sum += e
    }
    const scale = 1 / (sum * batch)
    for (let c = 0; c < classes; c++) dy[at + c] *= scale
    dy[at + labels[b]] -= 1 / batch
    loss += Math.log(sum) + max - y[at + labels[b]]
  }
  return loss / batch
}

function argmax(x: Float32Array, start: number, n: number): number {
  let best = 0
  for (let i = 1; i < n; i++) if (x[start + i] > x[start + best]) best = i
  return best
}

/** PyTorch's Adam. A weight without a gradient moves as well, while its first moment fades. */
function adam({ value, grad, m, v }: Parameter, stepSize: number, correction: number): void {
  for (let i = 0; i < value.length; i++) {
    const g = grad[i]
    const mi = BETA1 * m[i] + (1 - BETA1) * g
    const vi = BETA2 * v[i] + (1 - BETA2) * g * g
    m[i] = mi
    v[i] = vi
    value[i] -= (stepSize * mi) / (Math.sqrt(vi) * correction + EPSILON)
  }
}

function transpose(x: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(x.length)
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) out[c * rows + r] = x[r * columns + c]
  return out
}
