import { crossEntropy, mseLoss } from '../ops/index.ts'
import type { Tensor } from '../tensor.ts'

/** The mean over the batch of -log softmax(logits)[label]: logits (N, C), labels (N) of int32 or uint8. */
export class CrossEntropyLoss {
  forward(logits: Tensor, target: Tensor): Tensor {
    return crossEntropy(logits, target)
  }
}

/** The mean of (input - target)² over all elements, which must have equal shapes. */
export class MSELoss {
  forward(input: Tensor, target: Tensor): Tensor {
    return mseLoss(input, target)
  }
}
