import { relu, sigmoid, tanh } from '../ops/index.ts'
import type { Tensor } from '../tensor.ts'
import { Module } from './module.ts'

/** max(x, 0) */
export class ReLU extends Module<'same'> {
  forward(x: Tensor): Tensor {
    return relu(x)
  }
}

/** 1 / (1 + exp(-x)) */
export class Sigmoid extends Module<'same'> {
  forward(x: Tensor): Tensor {
    return sigmoid(x)
  }
}

/** tanh(x) */
export class Tanh extends Module<'same'> {
  forward(x: Tensor): Tensor {
    return tanh(x)
  }
}
