/** Numbers that Python and TypeScript make alike, so that files need not hold them: the twin of generator/formula.py. */

/** How elements of an input are made: by explicit values, or by a draw from `seed` for each position. */
export interface Formula {
  readonly kind: 'values' | 'uniform' | 'whole' | 'bell' | 'wide'
  readonly lo?: number
  readonly hi?: number
  readonly seed?: number
  readonly values?: readonly (number | string)[]
}

/** A well mixed 32-bit hash of seed and position (C. Wellons' lowbias32), as a fraction of one. */
function draw(seed: number, position: number): number {
  let h = seed ^ Math.imul(position, 0x9e3779b1)
  h ^= h >>> 16
  h = Math.imul(h, 0x7feb352d)
  h ^= h >>> 15
  h = Math.imul(h, 0x846ca68b)
  h ^= h >>> 16
  return (h >>> 0) / 2 ** 32
}

/** A number of the files; JSON has no NaN and no infinities. */
const numberOf = (value: number | string): number => Number(value)

/** `n` numbers, every one of them a float32. */
export function fill({ kind, lo = 0, hi = 0, seed = 0, values = [] }: Formula, n: number): Float64Array {
  const at = (f: (i: number) => number) => Float64Array.from({ length: n }, (_, i) => f(i))
  switch (kind) {
    case 'values':
      return at((i) => Math.fround(numberOf(values[i])))
    case 'uniform':
      return at((i) => Math.fround(lo + (hi - lo) * draw(seed, i)))
    case 'whole':
      return at((i) => Math.floor(lo + (hi - lo) * draw(seed, i)))
    case 'bell':
      // The sum of four uniform draws is exact.
      return at((i) => Math.fround(hi * ([0, 1, 2, 3].reduce((sum, j) => sum + draw(seed, 4 * i + j), 0) - 2)))
    case 'wide':
      return at((i) => {
        const size = draw(seed, 2 * i)
        const exponent = Math.floor(lo + (hi - lo) * draw(seed, 2 * i + 1))
        return Math.fround((size < 0.5 ? -1 : 1) * (1 + size) * 2 ** exponent)
      })
  }
}

/** Which elements of a long result are kept: the first, the last, and others by the hash. */
export function sampled(n: number, limit: number, seed: number): number[] {
  if (n <= limit) return Array.from({ length: n }, (_, i) => i)
  return Array.from({ length: limit }, (_, i) => (i === 0 ? 0 : i === 1 ? n - 1 : Math.floor(draw(seed, i) * n)))
}
