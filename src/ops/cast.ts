/** Conversions between dtypes. */
import { placeBeside } from '../autograd/op.ts'
import { check, withAdapted, withReadable } from '../autograd/operands.ts'
import { isRecording } from '../autograd/tape.ts'
import { checkDtype, type Dtype } from '../dtype.ts'
import { GraphError } from '../errors.ts'
import { engine } from '../runtime/engine.ts'
import type { Kernels } from '../runtime/kernels.generated.ts'
import { copyStrided } from '../runtime/strided.ts'
import type { Tensor } from '../tensor.ts'

type Cast = { [K in keyof Kernels]: K extends `${string}To${string}` ? K : never }[keyof Kernels]

/** bool and uint8 hold the same bytes, but for any byte not being 0 or 1. */
const KERNELS: { readonly [From in Dtype]: { readonly [To in Dtype]?: Cast } } = {
  float32: { int32: 'f32ToI32', uint8: 'f32ToU8', bool: 'f32ToBool' },
  int32: { float32: 'i32ToF32', uint8: 'i32ToU8', bool: 'i32ToBool' },
  uint8: { float32: 'u8ToF32', int32: 'u8ToI32', bool: 'u8ToBool' },
  bool: { float32: 'u8ToF32', int32: 'u8ToI32' },
}

/** A contiguous copy in another dtype, not yet placed in a graph, turn or scope. */
export function cast(x: Tensor, dtype: Dtype): Tensor {
  const kernel = KERNELS[x.dtype][dtype]
  return withAdapted(x, { strided: !kernel }, (source) => {
    const y = source.make(source.shape, dtype)
    if (kernel) engine().k[kernel](source.ptr, y.ptr, y.numel)
    else copyStrided(source, y)
    return y
  })
}

export function to(x: Tensor, dtype: Dtype): Tensor {
  check('to', x)
  checkDtype('to', dtype)
  if (x.dtype === dtype) return x
  if (x.requiresGrad && isRecording())
    throw new GraphError(`to: no gradient flows through a conversion to ${dtype}; detach() the tensor first`)
  const y = withReadable('to', x, { strided: true }, (source) => cast(source, dtype))
  placeBeside(y, [x])
  return y
}
