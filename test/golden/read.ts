/** The golden files: a line of JSON for each case in data/<family>.jsonl, and its numbers in data/<family>.bin. */
import { readFileSync } from 'node:fs'
import type { Dtype } from '../../src/dtype.ts'
import { tensor } from '../../src/index.ts'
import type { Tensor } from '../../src/tensor.ts'
import { type Formula, fill } from './formula.ts'

/** A tensor that both sides make. */
export interface Input extends Formula {
  readonly shape: readonly number[]
  readonly dtype?: Dtype
  /** Whether its gradient is compared. */
  readonly grad?: true
}

/** A result as it stands in the file; numbers are addresses in the binary file. */
interface Entry {
  readonly name: string
  readonly shape: readonly number[]
  readonly dtype?: Dtype
  readonly at: number
  readonly exact?: true
  readonly terms?: number
  readonly error?: number
  readonly errors?: number
}

/** What PyTorch makes of a case, of which an operation of a long result keeps only a sample. */
export interface Golden {
  readonly name: string
  readonly shape: readonly number[]
  readonly dtype: Dtype
  /** In float64. */
  readonly want: Float64Array
  /** The largest term of each element's sum, where that is not the result. */
  readonly terms: Float32Array | null
  /** How far PyTorch's float32 is from `want`, in ULP of the largest term: of the tensor, of each row or of each element. */
  readonly errors: ArrayLike<number>
  /** Whether nothing is computed, so that no bit may differ. */
  readonly exact: boolean
}

export type Case<Spec> = Spec & { readonly case: string; readonly results: readonly Golden[] }

/** How many elements of a long result are kept. */
const LIMIT = 48

const folder = new URL('data/', import.meta.url)

/** The cases of a family; `isWhole` where results are kept in full length. */
export function read<Spec>(family: string, isWhole: (name: string) => boolean = () => false): Case<Spec>[] {
  const text = readFileSync(new URL(`${family}.jsonl`, folder), 'utf8')
  const file = readFileSync(new URL(`${family}.bin`, folder))
  const bytes = file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength)
  const golden = (entry: Entry): Golden => {
    const { name, shape, dtype = 'float32', at, exact = false, terms, error = 0, errors } = entry
    const numel = shape.reduce((n, size) => n * size, 1)
    const n = isWhole(name) ? numel : Math.min(numel, LIMIT)
    return {
      name,
      shape,
      dtype,
      exact,
      want: new Float64Array(bytes, at, n),
      terms: terms === undefined ? null : new Float32Array(bytes, terms, n),
      errors: errors === undefined ? [error] : new Float32Array(bytes, errors, isWhole(name) ? shape[0] : n),
    }
  }
  return text
    .trimEnd()
    .split('\n')
    .map((line) => {
      const spec = JSON.parse(line)
      return { ...spec, results: spec.results.map(golden) }
    })
}

/** The tensor that an input describes. `seed` in place of its own. */
export function made(input: Input, seed = input.seed): Tensor {
  const numel = input.shape.reduce((n, size) => n * size, 1)
  const x = tensor(fill({ ...input, seed }, numel), { shape: input.shape })
  return input.dtype && input.dtype !== 'float32' ? x.to(input.dtype) : x
}
