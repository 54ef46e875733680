import { tensor } from '../create.ts'
import type { Dtype } from '../dtype.ts'
import { FormatError } from '../errors.ts'
import { MAX_RANK } from '../shape.ts'
import type { Tensor } from '../tensor.ts'

interface Element {
  readonly bytes: number
  readonly dtype: Dtype
  readonly read: (view: DataView, at: number) => number
}

/** IDX type codes; numbers are big-endian. */
const ELEMENTS: { readonly [code: number]: Element } = {
  8: { bytes: 1, dtype: 'uint8', read: (view, at) => view.getUint8(at) },
  9: { bytes: 1, dtype: 'int32', read: (view, at) => view.getInt8(at) },
  11: { bytes: 2, dtype: 'int32', read: (view, at) => view.getInt16(at) },
  12: { bytes: 4, dtype: 'int32', read: (view, at) => view.getInt32(at) },
  13: { bytes: 4, dtype: 'float32', read: (view, at) => view.getFloat32(at) },
  14: { bytes: 8, dtype: 'float32', read: (view, at) => view.getFloat64(at) },
}

/**
 * Reads an IDX file, the format of MNIST: images give a uint8 tensor (N, 28, 28), labels (N). Signed integers become int32,
 * floating-point numbers float32.
 * @see http://yann.lecun.com/exdb/mnist/
 * @throws FormatError naming the offset of what is wrong.
 */
export function parseIdx(file: Uint8Array): Tensor {
  if (!(file instanceof Uint8Array))
    throw new FormatError(
      'parseIdx: expected the bytes of a file as a Uint8Array; pass readFileSync(path), or new Uint8Array(buffer)',
    )
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  const need = (bytes: number, what: string) => {
    if (view.byteLength < bytes)
      throw new FormatError(
        `parseIdx: the file ends at offset ${view.byteLength}, inside ${what}, which takes ${bytes} bytes in all; is the download complete?`,
      )
  }
  if (view.byteLength >= 2 && view.getUint16(0) === 0x1f8b)
    throw new FormatError('parseIdx: the file is compressed by gzip (offset 0); decompress it first')
  need(4, 'the magic number')
  const element = ELEMENTS[view.getUint8(2)]
  if (view.getUint16(0) !== 0 || !element) {
    const magic = view.getUint32(0).toString(16).padStart(8, '0')
    throw new FormatError(
      `parseIdx: not an IDX file: the magic number at offset 0 is 0x${magic}, not 0x0000 and a known element type`,
    )
  }
  const rank = view.getUint8(3)
  if (rank > MAX_RANK) throw new FormatError(`parseIdx: ${rank} axes at offset 3; tensors have at most ${MAX_RANK}`)
  const start = 4 + 4 * rank
  need(start, 'the sizes')
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i))
  const count = shape.reduce((product, size) => product * size, 1)
  need(start + count * element.bytes, `the ${count} elements of shape (${shape.join(', ')})`)
  if (view.byteLength > start + count * element.bytes)
    throw new FormatError(
      `parseIdx: ${view.byteLength - start - count * element.bytes} bytes follow the last element at offset ${start + count * element.bytes}`,
    )
  if (element.dtype === 'uint8') return tensor(file.subarray(start), { shape })
  const values = new Float64Array(count)
  for (let i = 0; i < count; i++) values[i] = element.read(view, start + i * element.bytes)
  return tensor(values, { shape, dtype: element.dtype })
}
