import { defineOp } from '../autograd/op.ts'
import { check } from '../autograd/operands.ts'
import { checkFlag, checkOption } from '../options.ts'
import { type Draw, withDraw } from '../runtime/random.ts'
import type { Tensor } from '../tensor.ts'
import { to } from './cast.ts'

interface Dropping {
  readonly p: number
  readonly draw: Draw
}

/** Stores no mask: backward draws again. */
const dropped = defineOp<Dropping>({
  name: 'dropout',
  shape: ([x]) => x.shape,
  forward: (k, [x], y, { p, draw }) => k.dropout(x.ptr, y.ptr, y.numel, ...draw, p),
  backward: (k, _saved, dy, [dx], { p, draw }) => dx && k.dropoutGrad(dy.ptr, dx.ptr, dx.numel, ...draw, dx.beta, p),
})

/** Throws unless `p` is a probability. */
export function checkProbability(op: string, p: number): void {
  checkOption(op, 'p', p, p >= 0 && p <= 1, 'a number from 0 to 1')
}

/**
 * Each element times 0 with probability `p`, else times 1 / (1 - p), which keeps the mean; so NaN stays NaN, and an infinity
 * that is dropped becomes it. The draw follows `manualSeed`. Without `training`, and with `p` 0, it is x itself.
 * Source: N. Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting" (JMLR 15, 2014).
 * @param p Default: 0.5.
 * @param training Whether to drop at all. Default: true.
 * @throws OptionError unless `p` is from 0 to 1.
 */
export function dropout(x: Tensor, p = 0.5, training = true): Tensor {
  check('dropout', x)
  checkProbability('dropout', p)
  checkFlag('dropout', 'training', training)
  if (!training || p === 0) return to(x, 'float32')
  return withDraw((draw) => dropped([x], { p, draw }))
}
