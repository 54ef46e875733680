/**
 * Optimizer steps over a table of segments, one row for each parameter that has a gradient:
 *
 *   byte   0          4         8        12       16       20      24                            64
 *          +----------+---------+--------+--------+--------+--------+----------------------------+
 *          | parameter| gradient| state0 | state1 | state2 | length | hyper-parameters           |
 *          | ptr      | ptr     | ptr    | ptr    | ptr    | i32    | f32 each, the rest unused  |
 *          +----------+---------+--------+--------+--------+--------+----------------------------+
 *   sgd      state0 is the momentum buffer (none if momentum is 0);
 *            24 lr, 28 momentum, 32 oneMinusDampening, 36 weightDecay, 40 nesterov (0/1), 44 first (1: the buffer is
 *            empty), 48 flip
 *   adam     state0 is m, state1 is v, state2 is the largest v so far (none without AMSGrad);
 *            24 stepSize = lr / (1 - beta1^t), 28 correction = 1 / sqrt(1 - beta2^t), 32 oneMinusBeta1, 36 beta2,
 *            40 oneMinusBeta2, 44 eps, 48 weightDecay, 52 shrink = lr * the decoupled weight decay of AdamW, 56 flip
 *   rmsprop  state0 is the mean square, state1 the mean (none if not centered), state2 the momentum buffer (none if momentum
 *            is 0); 24 lr, 28 alpha, 32 oneMinusAlpha, 36 eps, 40 weightDecay, 44 momentum, 48 flip
 *   adagrad  state0 is the sum of squares; 24 rate = lr / (1 + (t - 1) lrDecay), 28 eps, 32 weightDecay, 36 flip
 *
 * A state that a row does without is a null pointer. What is one minus something comes as such: 1 - 0.999 in float32 would
 * lose bits. Weight decay is L2: weightDecay * p joins the gradient, and when it is 0 not even an infinite p does. What is to
 * be maximized has -0 for flip, else 0: its bits turn the sign of the gradient.
 */
import { V } from './simd'

const ROW = 64

/** Where whole vectors are stored: a branch on n inside the loops of SGD would cost a fifth of their speed. */
class Whole {
  @inline store(p: usize, v: v128, n: i32): void {
    V.store(p, v)
  }
}

/** Where the last 1 to 3 elements of a segment are. */
class Rest {
  @inline store(p: usize, v: v128, n: i32): void {
    V.storeTail(p, v, n)
  }
}

/** One step of torch.optim.SGD. table: `rows` segments */
export function sgd(table: usize, rows: i32): void {
  for (; rows > 0; rows--, table += ROW) {
    const n = load<i32>(table, 20)
    const rest = n & 3
    if (load<f32>(table, 28) === 0) {
      descend<Whole>(table, 0, n - rest)
      descend<Rest>(table, n - rest, rest)
    } else {
      descendWithMomentum<Whole>(table, 0, n - rest)
      descendWithMomentum<Rest>(table, n - rest, rest)
    }
  }
}

function descend<W>(row: usize, from: i32, n: i32): void {
  const w = changetype<W>(0)
  let p: usize = load<u32>(row) + (from << 2)
  let g: usize = load<u32>(row, 4) + (from << 2)
  const lr = V.loadSplat(row + 24)
  const decay = V.loadSplat(row + 36)
  const decays = f32x4.ne(decay, V.zero())
  const flip = V.loadSplat(row + 48)
  for (; n > 0; n -= 4, p += 16, g += 16) {
    const weight = V.load(p)
    const grad = V.add(v128.xor(V.load(g), flip), v128.and(decays, V.mul(decay, weight)))
    w.store(p, V.sub(weight, V.mul(lr, grad)), n)
  }
}

function descendWithMomentum<W>(row: usize, from: i32, n: i32): void {
  const w = changetype<W>(0)
  let p: usize = load<u32>(row) + (from << 2)
  let g: usize = load<u32>(row, 4) + (from << 2)
  let buffer: usize = load<u32>(row, 8) + (from << 2)
  const lr = V.loadSplat(row + 24)
  const momentum = V.loadSplat(row + 28)
  const decay = V.loadSplat(row + 36)
  const decays = f32x4.ne(decay, V.zero())
  const flip = V.loadSplat(row + 48)
  // An empty buffer becomes the gradient: nothing of what it held, all of what comes.
  const first = load<f32>(row, 44) !== 0
  const held = i32x4.splat(first ? 0 : -1)
  const fresh = V.splat(first ? 1 : load<f32>(row, 32))
  // The direction is the buffer, or with Nesterov grad + momentum * buffer.
  const nesterov = load<f32>(row, 40) !== 0
  const ahead = i32x4.splat(nesterov ? -1 : 0)
  const along = nesterov ? momentum : V.splat(1)
  for (; n > 0; n -= 4, p += 16, g += 16, buffer += 16) {
    const weight = V.load(p)
    const grad = V.add(v128.xor(V.load(g), flip), v128.and(decays, V.mul(decay, weight)))
    const velocity = V.fma(momentum, v128.and(held, V.load(buffer)), V.mul(fresh, grad))
    const direction = V.fma(along, velocity, v128.and(ahead, grad))
    w.store(buffer, velocity, n)
    w.store(p, V.sub(weight, V.mul(lr, direction)), n)
  }
}

/** Adam as it was published: leaving out at compile time what it does not need saves a sixth of its time. */
class Published {
  @inline isPeak(): bool {
    return false
  }
  @inline bends(): bool {
    return false
  }
}

/** With decoupled decay, or uphill. */
class Bent {
  @inline isPeak(): bool {
    return false
  }
  @inline bends(): bool {
    return true
  }
}

/** AMSGrad: the step goes by the largest mean square so far. */
class Peak {
  @inline isPeak(): bool {
    return true
  }
  @inline bends(): bool {
    return true
  }
}

/** One step of torch.optim.Adam or AdamW. table: `rows` segments */
export function adam(table: usize, rows: i32): void {
  for (; rows > 0; rows--, table += ROW) {
    const n = load<i32>(table, 20)
    const rest = n & 3
    if (load<u32>(table, 16)) {
      adapt<Whole, Peak>(table, 0, n - rest)
      adapt<Rest, Peak>(table, n - rest, rest)
    } else if (load<f32>(table, 52) !== 0 || load<u32>(table, 56)) {
      adapt<Whole, Bent>(table, 0, n - rest)
      adapt<Rest, Bent>(table, n - rest, rest)
    } else {
      adapt<Whole, Published>(table, 0, n - rest)
      adapt<Rest, Published>(table, n - rest, rest)
    }
  }
}

/**
 * Bound by the square root and the division, about 9 cycles a vector on Zen 4, not by memory.
 * Moments that decay into denormals are left so: flushing them would make a step a quarter longer.
 */
function adapt<W, S>(row: usize, from: i32, n: i32): void {
  const w = changetype<W>(0)
  let p: usize = load<u32>(row) + (from << 2)
  let g: usize = load<u32>(row, 4) + (from << 2)
  let m: usize = load<u32>(row, 8) + (from << 2)
  let v: usize = load<u32>(row, 12) + (from << 2)
  let peak: usize = load<u32>(row, 16) + (from << 2)
  const stepSize = V.loadSplat(row + 24)
  const correction = V.loadSplat(row + 28)
  const oneMinusBeta1 = V.loadSplat(row + 32)
  const beta2 = V.loadSplat(row + 36)
  const oneMinusBeta2 = V.loadSplat(row + 40)
  const eps = V.loadSplat(row + 44)
  const decay = V.loadSplat(row + 48)
  const decays = f32x4.ne(decay, V.zero())
  // Taking a share of p away keeps the bits of the share, which p * (1 - share) would lose.
  const shrink = V.loadSplat(row + 52)
  const shrinks = f32x4.ne(shrink, V.zero())
  const flip = V.loadSplat(row + 56)
  for (; n > 0; n -= 4, p += 16, g += 16, m += 16, v += 16, peak += 16) {
    const held = V.load(p)
    let weight = held
    let slope = V.load(g)
    if (changetype<S>(0).bends()) {
      weight = V.sub(held, v128.and(shrinks, V.mul(shrink, held)))
      slope = v128.xor(slope, flip)
    }
    const grad = V.add(slope, v128.and(decays, V.mul(decay, held)))
    const mean = V.load(m)
    // The mean moves by a share of the way, one rounding of m fewer than beta1 * m + ...; were v to do so,
    // a square that overflowed would turn into NaN at the next step.
    const nextMean = V.fma(V.sub(grad, mean), oneMinusBeta1, mean)
    const nextSquare = V.fma(V.mul(oneMinusBeta2, grad), grad, V.mul(beta2, V.load(v)))
    let square = nextSquare
    if (changetype<S>(0).isPeak()) {
      square = f32x4.max(V.load(peak), nextSquare)
      w.store(peak, square, n)
    }
    const scale = V.fma(V.sqrt(square), correction, eps)
    w.store(m, nextMean, n)
    w.store(v, nextSquare, n)
    w.store(p, V.sub(weight, V.div(V.mul(stepSize, nextMean), scale)), n)
  }
}

/** One step of torch.optim.RMSprop. table: `rows` segments */
export function rmsprop(table: usize, rows: i32): void {
  for (; rows > 0; rows--, table += ROW) {
    const n = load<i32>(table, 20)
    const rest = n & 3
    scaleByRoot<Whole>(table, 0, n - rest)
    scaleByRoot<Rest>(table, n - rest, rest)
  }
}

/** Branches in the loop hide behind the square root and the division. */
function scaleByRoot<W>(row: usize, from: i32, n: i32): void {
  const w = changetype<W>(0)
  const isCentered = load<u32>(row, 12) !== 0
  const hasMomentum = load<u32>(row, 16) !== 0
  let p: usize = load<u32>(row) + (from << 2)
  let g: usize = load<u32>(row, 4) + (from << 2)
  let s: usize = load<u32>(row, 8) + (from << 2)
  let m: usize = load<u32>(row, 12) + (from << 2)
  let buffer: usize = load<u32>(row, 16) + (from << 2)
  const lr = V.loadSplat(row + 24)
  const alpha = V.loadSplat(row + 28)
  const oneMinusAlpha = V.loadSplat(row + 32)
  const eps = V.loadSplat(row + 36)
  const decay = V.loadSplat(row + 40)
  const decays = f32x4.ne(decay, V.zero())
  const momentum = V.loadSplat(row + 44)
  const flip = V.loadSplat(row + 48)
  for (; n > 0; n -= 4, p += 16, g += 16, s += 16, m += 16, buffer += 16) {
    const weight = V.load(p)
    const grad = V.add(v128.xor(V.load(g), flip), v128.and(decays, V.mul(decay, weight)))
    const square = V.fma(V.mul(oneMinusAlpha, grad), grad, V.mul(alpha, V.load(s)))
    w.store(s, square, n)
    let variance = square
    if (isCentered) {
      const mean = V.load(m)
      const nextMean = V.fma(V.sub(grad, mean), oneMinusAlpha, mean)
      w.store(m, nextMean, n)
      // No variance is below 0, but for rounding.
      variance = f32x4.max(V.sub(square, V.mul(nextMean, nextMean)), V.zero())
    }
    let step = V.div(grad, V.add(V.sqrt(variance), eps))
    if (hasMomentum) {
      step = V.fma(momentum, V.load(buffer), step)
      w.store(buffer, step, n)
    }
    w.store(p, V.sub(weight, V.mul(lr, step)), n)
  }
}

/** One step of torch.optim.Adagrad. table: `rows` segments */
export function adagrad(table: usize, rows: i32): void {
  for (; rows > 0; rows--, table += ROW) {
    const n = load<i32>(table, 20)
    const rest = n & 3
    scaleBySum<Whole>(table, 0, n - rest)
    scaleBySum<Rest>(table, n - rest, rest)
  }
}

function scaleBySum<W>(row: usize, from: i32, n: i32): void {
  const w = changetype<W>(0)
  let p: usize = load<u32>(row) + (from << 2)
  let g: usize = load<u32>(row, 4) + (from << 2)
  let sum: usize = load<u32>(row, 8) + (from << 2)
  const rate = V.loadSplat(row + 24)
  const eps = V.loadSplat(row + 28)
  const decay = V.loadSplat(row + 32)
  const decays = f32x4.ne(decay, V.zero())
  const flip = V.loadSplat(row + 36)
  for (; n > 0; n -= 4, p += 16, g += 16, sum += 16) {
    const weight = V.load(p)
    const grad = V.add(v128.xor(V.load(g), flip), v128.and(decays, V.mul(decay, weight)))
    const squares = V.fma(grad, grad, V.load(sum))
    w.store(sum, squares, n)
    w.store(p, V.sub(weight, V.mul(rate, V.div(grad, V.add(V.sqrt(squares), eps)))), n)
  }
}
