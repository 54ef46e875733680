/** Products of matrices, by definition. */
import { get, type Nd, nd, total } from '../nd.ts'

export function matmul(a: Nd, b: Nd): Nd {
  const inner = [...Array(a.shape[1]).keys()]
  return nd([a.shape[0], b.shape[1]], ([i, j]) => total(inner.map((p) => get(a, [i, p]) * get(b, [p, j]))))
}

export function linear(x: Nd, weight: Nd, bias: Nd = { shape: [], data: Float64Array.of(0) }): Nd {
  const features = [...Array(weight.shape[1]).keys()]
  return nd([...x.shape.slice(0, -1), weight.shape[0]], (index) => {
    const out = index[index.length - 1]
    const terms = features.map((i) => get(x, index.with(-1, i)) * get(weight, [out, i]))
    return total(terms) + get(bias, [out])
  })
}
