/** Choice, by definition. */
import { type Nd, zip } from '../nd.ts'

export const where = (condition: Nd, a: Nd, b: Nd): Nd => zip((c, x, y) => (c !== 0 ? x : y), condition, a, b)

export const scalar = (value: number): Nd => ({ shape: [], data: Float64Array.of(value) })
