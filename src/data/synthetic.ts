/** Small sets to try models on. The same seed gives the same bits in every engine. */
import { arange, linspace, tensor } from '../create.ts'
import { OptionError } from '../errors.ts'
import { cat, stack } from '../ops/index.ts'
import { checkOption, checkOptions, checkSize } from '../options.ts'
import { scope } from '../scope.ts'
import type { Tensor } from '../tensor.ts'
import { Draws } from './draws.ts'

/** Samples and what belongs to them. */
export interface Samples {
  /** A row for each sample, float32 (N, features). */
  x: Tensor
  /** Class labels, int32 (N); of `linear` values, float32 (N, 1). */
  y: Tensor
}

/** How samples stray. */
export interface NoiseOptions {
  /** The standard deviation of normal noise on every value. Default: 0. */
  noise?: number
  /** A draw of its own. Default: drawn from the global sequence (`manualSeed`). */
  seed?: number
}

/** A full turn in radians. */
const TURN = 6.283185307179586

function checkNoise(op: string, name: string, noise: number): void {
  checkOption(op, name, noise, noise >= 0, 'a finite number from 0 up')
}

/** Sizes that differ by one at most, the larger ones first. */
const evenly = (n: number, parts: number) => Array.from({ length: parts }, (_, i) => Math.ceil((n - i) / parts))

/** Points (n, 2) by their coordinates. */
const points = (x: Tensor, y: Tensor) => stack([x, y], 1)

/** The points of each class in one tensor, with their labels and with noise, in random order. */
function shuffled(classes: readonly Tensor[], noise: number, draws: Draws): Samples {
  const x = cat(classes)
  const labels = Int32Array.from(classes.flatMap(({ shape: [n] }, label) => new Array<number>(n).fill(label)))
  const order = draws.permutation(labels.length)
  const strayed = noise > 0 ? x.add(draws.normal(x.shape, noise)) : x
  return { x: strayed.indexSelect(0, order), y: tensor(labels).indexSelect(0, order) }
}

/**
 * Exclusive or: the corners (0, 0), (0, 1), (1, 0), (1, 1) over and over, n in all, with the labels 0, 1, 1, 0.
 * x (n, 2), y (n). Without arguments it is the truth table.
 */
export function xor(n = 4, options: NoiseOptions = {}): Samples {
  checkSize('xor', 'n', n)
  checkOptions('xor', options, ['noise', 'seed'])
  const { noise = 0, seed } = options
  checkNoise('xor', 'noise', noise)
  const draws = new Draws('xor', seed)
  return scope(() => {
    const corner = Array.from({ length: n }, (_, i) => i % 4)
    const x = tensor(corner.map((c) => [c >> 1, c & 1]))
    const y = tensor(Int32Array.from(corner, (c) => (c >> 1) ^ (c & 1)))
    return { x: noise > 0 ? x.add(draws.normal(x.shape, noise)) : x, y }
  })
}

/**
 * Two half circles that interlock, in random order: scikit-learn's `make_moons`. x (n, 2), y (n): 0 for the upper moon, which
 * has the smaller half of the points, 1 for the lower.
 */
export function moons(n: number, options: NoiseOptions = {}): Samples {
  checkSize('moons', 'n', n)
  checkOptions('moons', options, ['noise', 'seed'])
  const { noise = 0, seed } = options
  checkNoise('moons', 'noise', noise)
  const draws = new Draws('moons', seed)
  return scope(() => {
    const [more, fewer] = evenly(n, 2)
    const [upper, lower] = [linspace(0, TURN / 2, fewer), linspace(0, TURN / 2, more)]
    const classes = [points(upper.cos(), upper.sin()), points(lower.cos().neg().add(1), lower.sin().neg().add(0.5))]
    return shuffled(classes, noise, draws)
  })
}

/** How `circles` are drawn. */
export interface CirclesOptions extends NoiseOptions {
  /** The radius of the inner circle, from 0 up to but without 1. Default: 0.8. */
  factor?: number
}

/**
 * A circle in a circle, in random order: scikit-learn's `make_circles`. x (n, 2), y (n): 0 for the outer one, of radius 1, which has
 * the smaller half of the points, 1 for the inner.
 */
export function circles(n: number, options: CirclesOptions = {}): Samples {
  checkSize('circles', 'n', n)
  checkOptions('circles', options, ['noise', 'factor', 'seed'])
  const { noise = 0, factor = 0.8, seed } = options
  checkNoise('circles', 'noise', noise)
  checkOption('circles', 'factor', factor, factor >= 0 && factor < 1, 'a number from 0 up to but without 1')
  const draws = new Draws('circles', seed)
  return scope(() => {
    const [more, fewer] = evenly(n, 2)
    const circle = (count: number) => {
      const angle = arange(count).mul(TURN / count)
      return points(angle.cos(), angle.sin())
    }
    return shuffled([circle(fewer), circle(more).mul(factor)], noise, draws)
  })
}

/** How `spirals` are drawn. */
export interface SpiralsOptions extends NoiseOptions {
  /** The number of arms, each a class. Default: 2. */
  arms?: number
}

/** How far an arm winds, as in the TensorFlow Playground. */
const TURNS = 1.75

/**
 * Arms that wind round the origin 1.75 times, from radius 0 to 1, in random order. x (n, 2), y (n): the number of the arm. Arms
 * lie evenly round the circle, and so do points on an arm along its radius.
 */
export function spirals(n: number, options: SpiralsOptions = {}): Samples {
  checkSize('spirals', 'n', n)
  checkOptions('spirals', options, ['arms', 'noise', 'seed'])
  const { arms = 2, noise = 0, seed } = options
  checkSize('spirals', 'arms', arms)
  checkNoise('spirals', 'noise', noise)
  const draws = new Draws('spirals', seed)
  return scope(() => {
    const classes = evenly(n, arms).map((count, arm) => {
      const radius = arange(count).add(1).div(count)
      const angle = radius.mul(TURN * TURNS).add((TURN * arm) / arms)
      return points(radius.mul(angle.cos()), radius.mul(angle.sin()))
    })
    return shuffled(classes, noise, draws)
  })
}

/** How `blobs` are drawn. */
export interface BlobsOptions {
  /** How many, or where: an array of points. Default: 3, drawn evenly from -10 to 10 on each axis. */
  centers?: number | readonly (readonly number[])[]
  /** The number of axes, where centers are drawn. Default: 2. */
  features?: number
  /** The standard deviation round a center. Default: 1. */
  std?: number
  /** A draw of its own. Default: drawn from the global sequence (`manualSeed`). */
  seed?: number
}

/** Normal clouds round centers, in random order: scikit-learn's `make_blobs`. x (n, features), y (n): the number of the center. */
export function blobs(n: number, options: BlobsOptions = {}): Samples {
  checkSize('blobs', 'n', n)
  checkOptions('blobs', options, ['centers', 'features', 'std', 'seed'])
  const { centers = 3, std = 1, seed } = options
  checkNoise('blobs', 'std', std)
  const isDrawn = typeof centers === 'number'
  if (isDrawn) checkSize('blobs', 'centers', centers)
  else if (!Array.isArray(centers) || !Array.isArray(centers[0]) || !centers[0].length)
    throw new OptionError('blobs: centers must be a number of them, or an array of points such as [[0, 0], [3, 3]]')
  const { features = isDrawn ? 2 : centers[0].length } = options
  checkSize('blobs', 'features', features)
  if (!isDrawn && centers.some((center) => center.length !== features))
    throw new OptionError(`blobs: every center must have ${features} numbers, one for each feature`)
  if (!isDrawn && !centers.flat().every(Number.isFinite))
    throw new OptionError('blobs: every number of a center must be finite')
  const draws = new Draws('blobs', seed)
  return scope(() => {
    const at = isDrawn ? draws.uniform([centers, features], -10, 10) : tensor(centers)
    const classes = evenly(n, at.shape[0]).map((count, i) => at.slice([i, i + 1]).expand([count, features]))
    return shuffled(classes, std, draws)
  })
}

/** The line that `linear` draws from. */
export interface LinearOptions extends NoiseOptions {
  /** Default: 2. */
  slope?: number
  /** Default: 1. */
  intercept?: number
}

/**
 * A line to fit: y = slope x + intercept + noise at x drawn evenly from -1 to 1. x (n, 1), y (n, 1) float32, with noise on y alone.
 */
export function linear(n: number, options: LinearOptions = {}): Samples {
  checkSize('linear', 'n', n)
  checkOptions('linear', options, ['slope', 'intercept', 'noise', 'seed'])
  const { slope = 2, intercept = 1, noise = 0, seed } = options
  checkOption('linear', 'slope', slope, true, 'a finite number')
  checkOption('linear', 'intercept', intercept, true, 'a finite number')
  checkNoise('linear', 'noise', noise)
  const draws = new Draws('linear', seed)
  return scope(() => {
    const x = draws.uniform([n, 1], -1, 1)
    const y = x.mul(slope).add(intercept)
    return { x, y: noise > 0 ? y.add(draws.normal(y.shape, noise)) : y }
  })
}
