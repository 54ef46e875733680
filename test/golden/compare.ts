/**
 * When a value passes. With u the ULP, in float32, of the largest term of an element's sum (the result itself where it is
 * larger, as it is where there is no sum), and E the largest error of PyTorch's own float32 over the tensor in such units:
 * the element must be within max(4 E, 2) u of PyTorch's float64. The unit is relative to each element's own terms, so a
 * large element excuses no small one; the largest over the tensor, since a single element of PyTorch's may be right by luck.
 * NaN and infinities must be where they are in float64, rounded to float32.
 */
import type { Tensor } from '../../src/tensor.ts'
import { sampled } from './formula.ts'
import type { Golden } from './read.ts'

const TIMES_PYTORCH = 4
const ULPS = 2

/** How a result came out. */
export interface Measure {
  readonly name: string
  /** The largest errors, of ours and of PyTorch's float32, in ULP of the largest term. */
  readonly ours: number
  readonly pytorch: number
  /** What does not hold. */
  readonly wrong: readonly string[]
}

const asFloat = new Float32Array(1)
const asBits = new Uint32Array(asFloat.buffer)

/** The distance between float32 numbers at a size, which is that of the largest finite one at most. */
export function ulp(size: number): number {
  asFloat[0] = Math.min(Math.abs(size), 3.4028234663852886e38)
  return 2 ** (Math.max(asBits[0] >>> 23, 1) - 150)
}

/** Holds numbers to what PyTorch makes. */
export function compare(golden: Golden, actual: ArrayLike<number>): Measure {
  const { name, want, terms, errors, exact } = golden
  const wrong: string[] = []
  let ours = 0
  let pytorch = 0
  const perError = want.length / errors.length
  for (let i = 0; i < want.length; i++) {
    const expected = Math.fround(want[i])
    const got = actual[i]
    if (!Number.isFinite(expected) || exact) {
      if (!(got === expected || (Number.isNaN(got) && Number.isNaN(expected))))
        wrong.push(`${name}[${i}] is ${got}, not ${expected}`)
      continue
    }
    const theirs = errors[Math.floor(i / perError)]
    const unit = ulp(Math.max(terms?.[i] ?? 0, Math.abs(want[i])))
    const distance = Math.abs(got - want[i]) / unit
    const allowed = Math.max(TIMES_PYTORCH * theirs, ULPS)
    if (!(distance <= allowed))
      wrong.push(
        `${name}[${i}] is ${got}, not ${want[i]}: off by ${distance.toPrecision(3)} ULP, more than ${allowed.toPrecision(3)}`,
      )
    if (Number.isFinite(distance)) ours = Math.max(ours, distance)
    pytorch = Math.max(pytorch, theirs)
  }
  return { name, ours, pytorch, wrong }
}

/** Holds a tensor to what PyTorch makes, of which a long one is kept as a sample. */
export function compareTensor(golden: Golden, actual: Tensor | null): Measure {
  const { name, shape, dtype, want } = golden
  const refuse = (reason: string) => ({ name, ours: 0, pytorch: 0, wrong: [`${name} ${reason}`] })
  if (!actual) return refuse('is missing')
  if (actual.dtype !== dtype) return refuse(`is ${actual.dtype}, not ${dtype}`)
  if (JSON.stringify(actual.shape) !== JSON.stringify(shape))
    return refuse(`has shape (${actual.shape}), not (${shape})`)
  const all = actual.toTypedArray()
  const picks = sampled(all.length, want.length, 1)
  return compare(
    golden,
    picks.map((i) => all[i]),
  )
}
