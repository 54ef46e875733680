/** Triangles of matrices, by definition. */
import { get, type Nd, nd } from '../nd.ts'

const keep = (x: Nd, keeps: (offset: number) => boolean) =>
  nd(x.shape, (index) => (keeps(index[index.length - 1] - index[index.length - 2]) ? get(x, index) : 0))

export const tril = (x: Nd, diagonal = 0): Nd => keep(x, (offset) => offset <= diagonal)

export const triu = (x: Nd, diagonal = 0): Nd => keep(x, (offset) => offset >= diagonal)
