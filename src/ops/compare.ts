/** Comparisons, logic and tests of elements: the results are of dtype bool, and nothing has a gradient. */
import { defineOp } from '../autograd/op.ts'
import { LIMITS, type Operand } from '../dtype.ts'
import { fillDense } from '../runtime/strided.ts'
import { broadcastShapes } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import { withNumber, zipPlanes } from './binary.ts'

type Relation = 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge'

/** The kernel of each relation, and whether it takes the operands the other way round. */
const KERNELS = {
  eq: { kernel: 'eq', isSwapped: false },
  ne: { kernel: 'ne', isSwapped: false },
  lt: { kernel: 'lt', isSwapped: false },
  le: { kernel: 'le', isSwapped: false },
  gt: { kernel: 'lt', isSwapped: true },
  ge: { kernel: 'le', isSwapped: true },
} as const

const isInteger = ({ dtype }: Operand) => dtype !== 'float32'

function comparison(name: Relation): (a: Tensor, b: Tensor | number) => Tensor {
  const op = defineOp<Relation>({
    name,
    takes: (xs) => (xs.every(isInteger) ? ['int32', 'int32'] : ['float32', 'float32']),
    gives: () => 'bool',
    shape: ([a, b]) => broadcastShapes(name, a.shape, b.shape),
    forward: (k, [a, b], y, relation) => {
      const { kernel, isSwapped } = KERNELS[relation]
      const zip = isInteger(a) ? k[`${kernel}I32`] : k[kernel]
      if (isSwapped) zipPlanes(zip, b, a, y)
      else zipPlanes(zip, a, b, y)
    },
  })
  return (a, b) => {
    if (typeof b !== 'number' || a.dtype === 'float32')
      return withNumber(name, a, b, 'float32', (inputs) => op(inputs, name))
    const [relation, bound] = amongIntegers(name, b)
    return withNumber(name, a, bound, 'int32', (inputs) => op(inputs, relation))
  }
}

/** The relation to an int32 that holds for the same int32 as the relation `name` to any number does. */
function amongIntegers(name: Relation, x: number): [relation: Relation, bound: number] {
  const [low, high] = LIMITS.int32
  if ((x | 0) === x) return [name, x]
  // No int32 equals it; none is below the lowest, and every one is at or above it.
  if (name === 'ne') return ['ge', low]
  if (name === 'eq' || Number.isNaN(x)) return ['lt', low]
  const isBelow = name === 'lt' || name === 'le'
  return x > 0
    ? [isBelow ? 'le' : 'gt', Math.min(Math.floor(x), high)]
    : [isBelow ? 'lt' : 'ge', Math.max(Math.ceil(x), low)]
}

export const eq = comparison('eq')

export const ne = comparison('ne')

export const lt = comparison('lt')

export const le = comparison('le')

export const gt = comparison('gt')

export const ge = comparison('ge')

function logic(name: 'logicalAnd' | 'logicalOr' | 'logicalXor'): (a: Tensor, b: Tensor | number) => Tensor {
  const op = defineOp({
    name,
    takes: () => ['bool', 'bool'],
    gives: () => 'bool',
    shape: ([a, b]) => broadcastShapes(name, a.shape, b.shape),
    forward: (k, [a, b], y) => zipPlanes(k[name], a, b, y),
  })
  return (a, b) => withNumber(name, a, typeof b === 'number' ? Number(b !== 0) : b, 'bool', op)
}

export const logicalAnd = logic('logicalAnd')

export const logicalOr = logic('logicalOr')

export const logicalXor = logic('logicalXor')

const negated = defineOp({
  name: 'logicalNot',
  takes: () => ['bool'],
  gives: () => 'bool',
  shape: ([x]) => x.shape,
  forward: (k, [x], y) => k.logicalNot(x.ptr, y.ptr, y.numel),
})

export function logicalNot(x: Tensor): Tensor {
  return negated([x])
}

/** A test of floats; `ofIntegers` is what it gives for every integer. */
function floatTest(name: 'isNan' | 'isInf' | 'isFinite', ofIntegers: boolean): (x: Tensor) => Tensor {
  const op = defineOp({
    name,
    takes: () => [null],
    gives: () => 'bool',
    shape: ([x]) => x.shape,
    forward: (k, [x], y) => {
      if (isInteger(x)) fillDense(y, Number(ofIntegers))
      else k[`${name}F32`](x.ptr, y.ptr, y.numel)
    },
  })
  return (x) => op([x])
}

export const isNan = floatTest('isNan', false)

export const isInf = floatTest('isInf', false)

const finite = floatTest('isFinite', true)

export { finite as isFinite }
