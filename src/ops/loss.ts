/** Losses: a scalar, the mean over the batch. */
import { defineOp } from '../autograd/op.ts'
import { check } from '../autograd/operands.ts'
import { DtypeError, OptionError, ShapeError } from '../errors.ts'
import { engine } from '../runtime/engine.ts'
import { formatShape, sameShape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'

const crossEntropyOf = defineOp<void, 'logSumExp'>({
  name: 'crossEntropy',
  saves: { logSumExp: ([x]) => [x.shape[0], 2] },
  takes: () => ['float32', 'int32'],
  shape: () => [],
  forward: (k, [x, target], y, _params, { logSumExp }) => {
    const [rows, cols] = x.shape
    const { heap } = engine()
    const losses = heap.workspace(rows * 4)
    const bad = k.crossEntropy(x.ptr, target.ptr, logSumExp.ptr, losses, rows, cols)
    if (bad >= 0) {
      const [label] = heap.download(target.ptr, rows, 'int32').subarray(bad)
      throw new OptionError(
        `crossEntropy: the label of row ${bad} is ${label}; with ${cols} classes labels go from 0 to ${cols - 1}`,
      )
    }
    k.sum(losses, y.ptr, 1, rows, 1, 0, rows)
  },
  backward: (k, { 0: x, 1: target, extras }, dy, [dx]) => {
    const [rows, cols] = x.shape
    if (dx) k.crossEntropyGrad(x.ptr, target.ptr, extras.logSumExp.ptr, dy.ptr, dx.ptr, rows, cols, 0, dx.beta, rows)
  },
})

/**
 * The mean of -log softmax(logits)[label] over a batch.
 * @param logits (N, C), unnormalised.
 * @param target (N) class indices from 0 to C - 1, int32 or uint8.
 */
export function crossEntropy(logits: Tensor, target: Tensor): Tensor {
  check('crossEntropy', logits)
  check('crossEntropy', target)
  if (logits.ndim !== 2 || target.ndim !== 1 || logits.shape[0] !== target.shape[0])
    throw new ShapeError(
      `crossEntropy: logits ${formatShape(logits.shape)} and labels ${formatShape(target.shape)}: takes (N, C) and (N): one row of logits and one class index for each sample; of one-hot rows labels.argmax(1) are the indices`,
    )
  if (target.dtype !== 'int32' && target.dtype !== 'uint8')
    throw new DtypeError(
      `crossEntropy: labels are ${target.dtype}; class indices are int32 or uint8: convert them by labels.int()`,
    )
  return crossEntropyOf([logits, target])
}

const mseOf = defineOp({
  name: 'mseLoss',
  saves: 'inputs',
  shape: () => [],
  forward: (k, [a, b], y) => k.mse(a.ptr, b.ptr, y.ptr, a.numel),
  backward: (k, [a, b], dy, [da, db]) => {
    if (da) k.mseGrad(a.ptr, b.ptr, dy.ptr, da.ptr, a.numel, da.beta)
    if (db) k.mseGrad(b.ptr, a.ptr, dy.ptr, db.ptr, a.numel, db.beta)
  },
})

/** The mean of (input - target)² over all elements; the shapes must be equal. */
export function mseLoss(input: Tensor, target: Tensor): Tensor {
  check('mseLoss', input)
  check('mseLoss', target)
  if (!sameShape(input.shape, target.shape))
    throw new ShapeError(
      `mseLoss: input ${formatShape(input.shape)} and target ${formatShape(target.shape)} must have equal shapes; reshape one of them`,
    )
  return mseOf([input, target])
}
