/** Products of matrices, by definition. */
import { broadcast, get, type Nd, nd, total } from '../nd.ts'

/** Any ranks from 1 up: a vector is a row on the left, a column on the right, and its axis goes. */
export function matmul(a: Nd, b: Nd): Nd {
  const rows = a.shape.length > 1 ? a : { ...a, shape: [1, ...a.shape] }
  const columns = b.shape.length > 1 ? b : { ...b, shape: [...b.shape, 1] }
  const [m, inner] = rows.shape.slice(-2)
  const [, n] = columns.shape.slice(-2)
  const leading = broadcast([rows, columns].map(({ shape }) => shape.slice(0, -2)))
  const { data } = nd([...leading, m, n], (index) => {
    const [i, j] = index.slice(-2)
    const at = index.slice(0, -2)
    const terms = [...Array(inner).keys()].map((p) => get(rows, [...at, i, p]) * get(columns, [...at, p, j]))
    return total(terms)
  })
  return { shape: [...leading, ...a.shape.slice(-2, -1), ...(b.shape.length > 1 ? [n] : [])], data }
}

export const outer = (a: Nd, b: Nd): Nd => nd([...a.shape, ...b.shape], ([i, j]) => total([get(a, [i]) * get(b, [j])]))

export function linear(x: Nd, weight: Nd, bias: Nd = { shape: [], data: Float64Array.of(0) }): Nd {
  const features = [...Array(weight.shape[1]).keys()]
  return nd([...x.shape.slice(0, -1), weight.shape[0]], (index) => {
    const out = index[index.length - 1]
    const terms = features.map((i) => get(x, index.with(-1, i)) * get(weight, [out, i]))
    return total(terms) + get(bias, [out])
  })
}
