/**
 * What layers, activations and losses compute, as functions: `nn.functional.relu(x)`. Activations are methods of tensors too.
 */
export {
  crossEntropy,
  elu,
  embedding,
  gelu,
  hardsigmoid,
  hardswish,
  hardtanh,
  leakyRelu,
  linear,
  logSoftmax,
  logsigmoid,
  mseLoss,
  relu,
  relu6,
  sigmoid,
  silu,
  softmax,
  softplus,
  tanh,
} from '../ops/index.ts'
