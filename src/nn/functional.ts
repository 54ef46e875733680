/**
 * What layers, activations and losses compute, as functions: `nn.functional.relu(x)`. Activations are methods of tensors too.
 */
export { crossEntropy, embedding, linear, mseLoss, relu, sigmoid, softmax, tanh } from '../ops/index.ts'
