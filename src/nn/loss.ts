import { crossEntropy, mseLoss } from '../ops/index.ts'
import type { Tensor } from '../tensor.ts'

/** The mean over the batch of -log softmax(logits)[label]: logits (N, C), labels (N) of int32 or uint8. */
export class CrossEntropyLoss {
  /** A tensor without axes: logits (N, C), target (N). */
  forward(logits: Tensor, target: Tensor): Tensor {
    return crossEntropy(logits, target)
  }
}

/** The mean of (input - target)² over all elements, which must have equal shapes. */
export class MSELoss {
  /** A tensor without axes, of two tensors of one shape. */
  forward(input: Tensor, target: Tensor): Tensor {
    return mseLoss(input, target)
  }
}
