/** Element-wise operations on two tensors that broadcast to one shape. */
import { defineOp } from '../autograd/op.ts'
import type { Destination } from '../autograd/tape.ts'
import type { Dtype, Operand } from '../dtype.ts'
import { engine } from '../runtime/engine.ts'
import type { Kernels, Ptr } from '../runtime/kernels.generated.ts'
import { addStrided, at, copyStrided } from '../runtime/strided.ts'
import { broadcastShapes, broadcastStrides, eachPlane, sameShape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import { sumTo } from './axes.ts'

type Zip = (
  a: Ptr,
  b: Ptr,
  y: Ptr,
  rows: number,
  cols: number,
  aRow: number,
  aCol: number,
  bRow: number,
  bCol: number,
) => void

type Binary = {
  [K in keyof Kernels]: `${K}GradA` | `${K}GradB` extends keyof Kernels ? K : never
}[keyof Kernels]

/** Calls `zip` for each plane of a, b and y, where y is contiguous and has the broadcast shape. */
export function zipPlanes(zip: Zip, a: Operand, b: Operand, y: Operand): void {
  if (sameShape(a.shape, b.shape)) {
    zip(a.ptr, b.ptr, y.ptr, 1, y.numel, 0, 1, 0, 1)
    return
  }
  const layouts = [
    broadcastStrides(a.shape, a.strides, y.shape),
    broadcastStrides(b.shape, b.strides, y.shape),
    y.strides,
  ]
  eachPlane(y.shape, layouts, ([i, j, l], rows, cols, row, col) => {
    zip(at(a, i), at(b, j), at(y, l), rows, cols, row[0], col[0], row[1], col[1])
  })
}

/** Addition and subtraction: the gradients are dy and `sign` dy, and nothing is saved. */
function additive(name: 'add' | 'sub', sign: 1 | -1): (a: Tensor, b: Tensor | number) => Tensor {
  const op = defineOp({
    name,
    shape: ([a, b]) => broadcastShapes(name, a.shape, b.shape),
    forward: (k, [a, b], y) => zipPlanes(k[name], a, b, y),
    backward: (_k, _saved, dy, [da, db]) => {
      if (da) passOn(dy, da, 1)
      if (db) passOn(dy, db, sign)
    },
  })
  return (a, b) => withNumber(name, a, b, 'float32', op)
}

function passOn(dy: Operand, dx: Destination, sign: 1 | -1): void {
  if (sign < 0 || !sameShape(dy.shape, dx.shape)) sumTo(dy, dx, sign)
  else if (dx.beta) addStrided(dy, dx)
  else copyStrided(dy, dx)
}

/** What has a gradient kernel for each operand; `uses` says which operands the gradients that are needed read. */
function nonlinear(
  name: Binary,
  uses?: (needed: readonly boolean[]) => readonly boolean[],
): (a: Tensor, b: Tensor | number) => Tensor {
  const op = defineOp({
    name,
    saves: 'inputs',
    uses,
    shape: ([a, b]) => broadcastShapes(name, a.shape, b.shape),
    forward: (k, [a, b], y) => zipPlanes(k[name], a, b, y),
    backward: (k, [a, b], dy, [da, db]) => {
      if (da) gradient(k[`${name}GradA`], a, b, dy, da)
      if (db) gradient(k[`${name}GradB`], a, b, dy, db)
    },
  })
  return (a, b) => withNumber(name, a, b, 'float32', op)
}

type ZipGrad = (
  a: Ptr,
  b: Ptr,
  dy: Ptr,
  dx: Ptr,
  rows: number,
  cols: number,
  aRow: number,
  aCol: number,
  bRow: number,
  bCol: number,
  beta: number,
) => void

/** The gradient of one operand; summed over the axes along which that operand was broadcast. */
function gradient(kernel: ZipGrad, a: Operand, b: Operand, dy: Operand, dx: Destination): void {
  const layouts = [
    broadcastStrides(a.shape, a.strides, dy.shape),
    broadcastStrides(b.shape, b.strides, dy.shape),
    dy.strides,
  ]
  summedTo(dx, dy, (whole) => {
    eachPlane(dy.shape, layouts, ([i, j, l], rows, cols, row, col) => {
      kernel(at(a, i), at(b, j), at(dy, l), at(whole, l), rows, cols, row[0], col[0], row[1], col[1], whole.beta)
    })
  })
}

/** Has `write` write a gradient in the shape of `dy`: to `dx`, or else to a workspace that is summed to the shape of `dx`. */
export function summedTo(dx: Destination, dy: Operand, write: (whole: Destination) => void): void {
  if (sameShape(dx.shape, dy.shape)) {
    write(dx)
    return
  }
  const whole: Destination = { ...dy, ptr: engine().heap.workspace(dy.numel * 4), beta: 0 }
  write(whole)
  sumTo(whole, dx)
}

/** Runs `op`, called `name`, with a number as a tensor of one element. */
export function withNumber(
  name: string,
  a: Tensor,
  b: Tensor | number,
  dtype: Dtype,
  op: (inputs: readonly Tensor[]) => Tensor,
): Tensor {
  if (typeof b !== 'number') return op([a, b])
  const constant = a.constant(name, b, dtype)
  try {
    return op([a, constant])
  } finally {
    constant.drop()
  }
}

export const add = additive('add', 1)

export const sub = additive('sub', -1)

export const mul = nonlinear('mul', ([a, b]) => [b, a])

export const div = nonlinear('div', ([a, b]) => [b, a || b])

export const maximum = nonlinear('maximum')

export const minimum = nonlinear('minimum')
