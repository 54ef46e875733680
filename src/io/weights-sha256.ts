import { check } from '../autograd/operands.ts'
import { OptionError } from '../errors.ts'
import type { StateDict } from '../nn/state-dict.ts'

/**
 * The SHA-256 of a state dict, in hexadecimal: over its tensors in order, each as little-endian float32 in row-major order, every
 * NaN written the same way. Equal weights give equal hashes on every host.
 */
export async function weightsSha256(state: StateDict): Promise<string> {
  if (typeof state !== 'object' || state === null)
    throw new OptionError('weightsSha256: expected a state dict; pass model.stateDict()')
  for (const [name, x] of Object.entries(state)) check(`weightsSha256: ${name}`, x)
  const tensors = Object.values(state).map((x) => x.float().toTypedArray())
  const bytes = new DataView(new ArrayBuffer(tensors.reduce((n, values) => n + values.length * 4, 0)))
  let at = 0
  for (const values of tensors)
    for (const value of values) {
      if (Number.isNaN(value)) bytes.setUint32(at, 0x7fc00000, true)
      else bytes.setFloat32(at, value, true)
      at += 4
    }
  const digest = await crypto.subtle.digest('SHA-256', bytes.buffer)
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
