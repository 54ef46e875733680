/** Picking by index, by definition. */
import { get, type Nd, nd } from '../nd.ts'

export function gather(x: Nd, dim: number, index: Nd): Nd {
  const axis = dim < 0 ? dim + x.shape.length : dim
  return nd(index.shape, (at) => {
    const from = at.map((place, i) => (i === axis ? get(index, at) : place))
    return x.data[from.reduce((sum, place, i) => sum * x.shape[i] + place, 0)]
  })
}

export function indexSelect(x: Nd, dim: number, index: Nd): Nd {
  const axis = dim < 0 ? dim + x.shape.length : dim
  return nd(x.shape.with(axis, index.data.length), (at) => get(x, at.with(axis, index.data[at[axis]])))
}

export const embedding = (indices: Nd, weight: Nd): Nd =>
  nd([...indices.shape, weight.shape[1]], (at) => get(weight, [get(indices, at.slice(0, -1)), at[at.length - 1]]))

export const oneHot = (labels: Nd, numClasses = Math.max(...labels.data) + 1): Nd =>
  nd([...labels.shape, numClasses], (at) => Number(get(labels, at.slice(0, -1)) === at[at.length - 1]))
