/** What element-wise maps of one tensor share. */
import { defineOp } from '../autograd/op.ts'
import type { Kernels, Ptr } from '../runtime/kernels.generated.ts'
import type { Tensor } from '../tensor.ts'

type Map = (x: Ptr, y: Ptr, n: number) => void
type MapGrad = (saved: Ptr, dy: Ptr, dx: Ptr, n: number, beta: number) => void

/** The kernels that are element-wise maps with a gradient: a name without both does not type-check. */
type Unary = {
  [K in keyof Kernels]: Kernels[K] extends Map
    ? `${K}Grad` extends keyof Kernels
      ? Kernels[`${K}Grad`] extends MapGrad
        ? K
        : never
      : never
    : never
}[keyof Kernels]

/** The map by the kernel `kernel`. `name` is what users call it, where that is not the same. */
export function unary(kernel: Unary, saves: 'inputs' | 'output', name: string = kernel): (x: Tensor) => Tensor {
  const op = defineOp({
    name,
    saves,
    shape: ([x]) => x.shape,
    forward: (k, [x], y) => k[kernel](x.ptr, y.ptr, y.numel),
    backward: (k, [saved], dy, [dx]) => dx && k[`${kernel}Grad`](saved.ptr, dy.ptr, dx.ptr, dx.numel, dx.beta),
  })
  return (x) => op([x])
}
