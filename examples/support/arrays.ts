/** Matrices as arrays of rows, and random numbers: all that a network on plain arrays needs. */

export type Vector = number[]
export type Matrix = Vector[]

export const map = (a: Matrix, f: (value: number, i: number, j: number) => number): Matrix =>
  a.map((row, i) => row.map((value, j) => f(value, i, j)))
export const transposed = (a: Matrix): Matrix => a[0].map((_, j) => a.map((row) => row[j]))
export const dot = (a: Vector, b: Vector): number => a.reduce((sum, value, i) => sum + value * b[i], 0)
export const times = (a: Matrix, b: Matrix): Matrix => {
  const columns = transposed(b)
  return a.map((row) => columns.map((column) => dot(row, column)))
}
export const sum = (a: Vector): number => a.reduce((total, value) => total + value, 0)
export const columnSums = (a: Matrix): Vector => transposed(a).map(sum)

/** e^z / the sum of all, with the largest z taken off first, so that nothing overflows. */
export function softmax(z: Vector): Vector {
  const largest = Math.max(...z)
  const powers = z.map((value) => Math.exp(value - largest))
  const total = sum(powers)
  return powers.map((power) => power / total)
}

/** Random numbers from 0 to 1, the same in every run (D. H. Lehmer, 1951). */
export function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 48271) % 2147483647
    return state / 2147483647
  }
}

/** The list in random order (R. A. Fisher, F. Yates, 1938). */
export function shuffled<T>(list: readonly T[], random: () => number): T[] {
  const result = [...list]
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    ;[result[i], result[j]] = [result[j], result[i]]
  }
  return result
}
