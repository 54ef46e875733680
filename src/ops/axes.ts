/** Sums over any axes at the level of kernels: for reductions, and for gradients of what was broadcast. */
import type { Destination } from '../autograd/tape.ts'
import type { Operand } from '../dtype.ts'
import { engine } from '../runtime/engine.ts'
import type { Ptr } from '../runtime/kernels.generated.ts'
import { aroundAxis } from '../shape.ts'

/** Runs of adjacent reduced axes, first to last, as (from, to) with `to` exclusive. */
export function runsOf(reduces: readonly boolean[]): [from: number, to: number][] {
  const runs: [number, number][] = []
  reduces.forEach((reduced, i) => {
    if (!reduced) return
    const last = runs[runs.length - 1]
    if (last && last[1] === i) last[1]++
    else runs.push([i, i + 1])
  })
  return runs
}

/** y (+)= the sum of x over the reduced axes / divisor: one kernel call for each run of adjacent axes, the last first. */
export function sumAxes(x: Operand, reduces: readonly boolean[], y: Ptr, beta: number, divisor: number): void {
  const { k, heap } = engine()
  const runs = runsOf(reduces)
  const [start, end] = runs[runs.length - 1] ?? [0, 0]
  const { outer, n, inner } = aroundAxis(x.shape, start, end)
  if (runs.length <= 1) {
    k.sum(x.ptr, y, outer, n, inner, beta, divisor)
    return
  }
  const partial = heap.alloc(outer * inner * 4, 'workspace')
  try {
    k.sum(x.ptr, partial.ptr, outer, n, inner, 0, 1)
    const shape = [...x.shape.slice(0, start), ...x.shape.slice(end)]
    const rest = [...reduces.slice(0, start), ...reduces.slice(end)]
    sumAxes({ ...x, ptr: partial.ptr, shape }, rest, y, beta, divisor)
  } finally {
    partial.release()
  }
}

/** Sums a contiguous `x`, or with sign -1 its negative, to the shape of `y`, from which it was broadcast. */
export function sumTo(x: Operand, y: Destination, sign: 1 | -1 = 1): void {
  const lead = x.shape.length - y.shape.length
  const reduces = x.shape.map((size, i) => i < lead || (y.shape[i - lead] === 1 && size !== 1))
  sumAxes(x, reduces, y.ptr, y.beta, sign)
}
