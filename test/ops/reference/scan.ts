/** Running sums, by definition. */
import { get, type Nd, nd, total } from '../nd.ts'

export function cumsum(x: Nd, dim: number): Nd {
  const axis = dim < 0 ? dim + x.shape.length : dim
  return nd(x.shape, (index) => {
    const upTo = [...Array((index[axis] ?? 0) + 1).keys()]
    return total(
      upTo.map((at) =>
        get(
          x,
          index.map((place, i) => (i === axis ? at : place)),
        ),
      ),
    )
  })
}
