import { MemoryLimitError } from '../../src/index.ts'
import { engine } from '../../src/runtime/engine.ts'

/** Runs `run` with its allocation number `n`, from 1, refused: what it throws; null where it makes fewer, or copes. */
export function failing(n: number, run: () => unknown): unknown {
  const { heap } = engine()
  const own = Object.getOwnPropertyDescriptor(heap, 'alloc')
  const { alloc } = heap
  let calls = 0
  // Not a spy, which would hold on to every error, and they to the tensors on their stack.
  heap.alloc = (bytes, owner) => {
    if (++calls === n) throw new MemoryLimitError('linear memory has no room: injected')
    return alloc.call(heap, bytes, owner)
  }
  try {
    run()
    return null
  } catch (error) {
    return error
  } finally {
    if (own) heap.alloc = alloc
    else Reflect.deleteProperty(heap, 'alloc')
  }
}

/** Fails unless `error` is a `MemoryLimitError` that names an operation and shapes; the operation. */
export function refusedOperation(error: unknown): string {
  const named = /^MemoryLimitError: ([\w.]+): \([\d, ]*\)( and \([\d, ]*\))*: linear memory has no room/
  const [, op] = named.exec(String(error)) ?? []
  if (op === undefined) throw new Error('this error names no operation, or no shapes', { cause: error })
  return op
}
