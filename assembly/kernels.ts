/** Every kernel: what the module exports. An exported function of a family is a kernel; its helpers are not exported. */
export * from './activation'
export * from './binary'
export * from './clip'
export * from './compare'
export * from './copy'
export * from './crossEntropy'
export { argmax, argmin, extremeAbsGrad, extremeGrad, max, maxAbs, min, minAbs } from './extremes'
export * from './gather'
export { gemm, gemmScratch } from './gemm'
export * from './loss'
export { cosine, pow } from './math'
export { std, stdGrad, variance, varianceGrad } from './moments'
export * from './norm'
export * from './normalize'
export * from './optim'
export * from './random'
export * from './reduce'
export * from './scan'
export * from './select'
export { logSoftmax, logSoftmaxGrad, logSumExp, logSumExpGrad, softmax, softmaxGrad } from './softmax'
export * from './sort'
export * from './triangle'
export * from './unary'

/** The first byte that the module itself does not use. */
export function heapBase(): usize {
  return __heap_base
}
