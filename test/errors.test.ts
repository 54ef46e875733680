/** Bad input: the class of the error, what it names, the remedy; and that nothing is lost or half done by it. */
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  arange,
  cat,
  type Dtype,
  DtypeError,
  data,
  einsum,
  eye,
  ForeignTensorError,
  FormatError,
  full,
  GraphError,
  InitError,
  init,
  MemoryLimitError,
  manualSeed,
  NeyronError,
  nn,
  noGrad,
  OptionError,
  ones,
  optim,
  rand,
  randint,
  randn,
  ShapeError,
  StaleTensorError,
  scope,
  stack,
  steps,
  type Tensor,
  tensor,
  weightsSha256,
  where,
  zeros,
} from '../src/index.ts'
import { Heap } from '../src/runtime/heap.ts'
import { endAfterlives, live, settled } from './settle.ts'
import { failing, refusedOperation } from './support/failing.ts'

let before = 0

beforeEach(() => {
  manualSeed(5)
  endAfterlives()
  before = live()
})

afterEach(async () => {
  vi.restoreAllMocks()
  expect(await settled(before)).toBe(before)
})

type Kind = new (message: string) => NeyronError

/** What `run` throws: of the class and with the parts of a message; and afterwards no more is live than before. */
function expectError(run: () => unknown, kind: Kind, message: RegExp): void {
  let error: unknown
  try {
    run()
  } catch (thrown) {
    error = thrown
  }
  expect(error).toBeInstanceOf(kind)
  expect(error).toBeInstanceOf(NeyronError)
  expect((error as Error).name).toBe(kind.name)
  expect((error as Error).message).toMatch(message)
}

/** What plain JavaScript may pass where TypeScript would not let it. */
const wrong = (value: unknown) => value as never

const leaf = (...values: number[]) => tensor(values, { requiresGrad: true })
const values = (x: Tensor) => [...x.toTypedArray()]

describe('shapes that do not fit', () => {
  test.each<[string, () => unknown, RegExp]>([
    [
      'add',
      () => zeros([2, 3]).add(zeros([4])),
      /^add: \(2, 3\) and \(4\) do not broadcast: sizes 3 and 4 at axis -1 must be equal, or one of them 1/,
    ],
    ['eq', () => zeros([2]).eq(zeros([3])), /^eq: \(2\) and \(3\) do not broadcast/],
    [
      'matmul',
      () => zeros([32, 784]).matmul(zeros([100, 10])),
      /^matmul: \(32, 784\) x \(100, 10\): .*equal inner sizes, which are 784 and 100 here/,
    ],
    ['matmul of a scalar', () => tensor(2).matmul(zeros([3])), /^matmul: \(\) x \(3\): .*use mul\(\)/],
    [
      'matmul of batches',
      () => zeros([2, 3, 4]).matmul(zeros([5, 4, 3])),
      /^matmul: \(2, 3, 4\) x \(5, 4, 3\): leading axes: \(2\) and \(5\) do not broadcast/,
    ],
    [
      'einsum',
      () => einsum('ij,jk->ik', zeros([2, 3]), zeros([4, 5])),
      /^einsum: in 'ij,jk->ik', letter j has the sizes 3 and 4; they must be equal, or one of them 1/,
    ],
    [
      'einsum of a diagonal',
      () => einsum('...ii', zeros([2, 3, 1])),
      /^einsum: in '...ii', letter i has the sizes 3 and 1 in one operand; they must be equal$/,
    ],
    [
      'einsum of other axes',
      () => einsum('...i,...i', zeros([2, 3]), zeros([4, 3])),
      /^einsum: in '...i,...i', axis -1 of '...' has the sizes 2 and 4/,
    ],
    ['einsum of too few axes', () => einsum('ijk', zeros([2])), /^einsum: 'ijk' in 'ijk' does not fit the shape \(2\)/],
    [
      'Linear',
      () => new nn.Linear(4, 2).forward(zeros([3, 5])),
      /^linear: input \(3, 5\) does not fit weight \(2, 4\): its last axis must have 4/,
    ],
    [
      'Linear of a scalar',
      () => new nn.Linear(4, 2).forward(tensor(1)),
      /^linear: input \(\) does not fit weight \(2, 4\)/,
    ],
    ['reshape', () => zeros([2, 3]).reshape([4]), /^reshape: \(2, 3\) has 6 elements and cannot become \(4\)/],
    ['reshape by -1', () => zeros([2, 3]).reshape([-1, 4]), /^reshape: \(2, 3\) .* \(-1, 4\)/],
    [
      'reshape by two -1',
      () => zeros([2, 3]).reshape([-1, -1]),
      /^reshape: \(-1, -1\) leaves several sizes open; at most one/,
    ],
    [
      'transpose',
      () => zeros([2, 3]).transpose(0, 2),
      /^transpose: there is no axis 2 in a tensor of rank 2; use -2 to 1/,
    ],
    [
      'slice by an index',
      () => zeros([2, 3]).slice(null, -4),
      /^slice: there is no index -4 along axis 1 of size 3; use -3 to 2/,
    ],
    ['slice by too many', () => zeros([2, 3]).slice(0, 0, 0), /^slice: 3 ranges for a tensor of shape \(2, 3\)/],
    ['split', () => zeros([5]).split([2, 2]), /^split: sizes \[2, 2\] add up to 4, axis 0 has 5 elements/],
    [
      'cat',
      () => cat([zeros([2, 3]), zeros([1, 3]), zeros([2, 4])]),
      /^cat: tensor 2 of shape \(2, 4\) does not fit tensor 0 of shape \(2, 3\): all sizes but those of axis 0/,
    ],
    ['stack', () => stack([zeros([2]), zeros([3])]), /^stack: tensor 1 of shape \(3\) .* all shapes must be equal/],
    ['pad', () => zeros([2, 3]).pad([0, -4]), /^pad: \[0, -4\] takes more .* from axis 1 than the 3 of shape \(2, 3\)/],
    ['sum', () => zeros([2]).sum(1), /^sum: there is no axis 1/],
    ['mean', () => zeros([2, 2]).mean([0, -2]), /^mean: axis -2 is named twice/],
    ['argmax', () => zeros([2, 0]).argmax(1), /^argmax: shape \(2, 0\) has no elements along axis 1/],
    [
      'argmax over several axes',
      () => zeros([2, 3]).argmax(wrong([0, 1])),
      /^argmax: an axis is an array, not a number; axes come first/,
    ],
    ['a sum over an object', () => zeros([2, 3]).sum(wrong({ dim: 1 })), /^sum: an axis is an object, not a number/],
    ['cumsum over nothing', () => zeros([2, 3]).cumsum(wrong(undefined)), /^cumsum: no axis is given/],
    [
      'permute by numbers',
      () => zeros([2, 3]).permute(wrong(1)),
      /^permute: expected an array of axes, such as \[1, 0\], got a number/,
    ],
    ['sizes by position', () => zeros(wrong(2), wrong(3)), /^zeros: 2 is not a shape; a shape is an array of sizes/],
    ['eye of a shape', () => eye(wrong([3])), /^eye: a size is an array, not a number; use eye\(3\)/],
    [
      'an axis too far for a new one',
      () => zeros([2, 3]).unsqueeze(4),
      /^unsqueeze: there is no axis 4 in a result of rank 3/,
    ],
    ['argmax of nothing', () => zeros([0]).argmax(), /^argmax: shape \(0\) has no elements along any axis/],
    ['softmax', () => zeros([2]).softmax(1), /^softmax: there is no axis 1/],
    [
      'MSELoss',
      () => new nn.MSELoss().forward(zeros([3, 1]), zeros([3])),
      /^mseLoss: input \(3, 1\) and target \(3\) must have equal shapes; reshape/,
    ],
    [
      'CrossEntropyLoss',
      () => new nn.CrossEntropyLoss().forward(zeros([3, 2]), zeros([4], { dtype: 'int32' })),
      /^crossEntropy: logits \(3, 2\) and labels \(4\): takes \(N, C\) and \(N\)/,
    ],
    ['item', () => zeros([2, 2]).item(), /^item: shape \(2, 2\) has 4 elements, not one; use toArray\(\)/],
    [
      'backward',
      () =>
        leaf(1, 2)
          .mul(1)
          .backward(zeros([3])),
      /^backward: the upstream gradient has shape \(3\), the tensor \(2\)/,
    ],
    [
      'grad',
      () => Object.assign(leaf(1, 2), { grad: zeros([3]) }),
      /^grad: shape \(3\) does not fit a tensor of shape \(2\)/,
    ],
    ['copy_', () => zeros([2]).copy_(zeros([3])), /^copy_: \(2\) and \(3\) do not broadcast/],
    [
      'add_',
      () => zeros([2]).add_(zeros([2, 2])),
      /^add_: \(2, 2\) does not broadcast to the shape \(2\) of the tensor that is changed/,
    ],
    ['lerp_', () => zeros([2]).lerp_(zeros([1]), 0.5), /^lerp_: shapes \(2\) and \(1\) must be equal/],
    [
      'TensorDataset',
      () => new data.TensorDataset(zeros([3, 2]), zeros([4])),
      /^TensorDataset: the tensors \(3, 2\), \(4\) must have equal first sizes/,
    ],
    ['TensorDataset of scalars', () => new data.TensorDataset(tensor(1)), /^TensorDataset: the tensors \(\)/],
    [
      'tensor with a shape',
      () => tensor([1, 2, 3], { shape: [2, 2] }),
      /^tensor: 3 values do not fill shape \(2, 2\) of 4 elements/,
    ],
    [
      'a fraction as a size',
      () => zeros([1.5]),
      /^zeros: 1.5 in shape \(1.5\) is not a size; sizes are integers from 0 up/,
    ],
    ['a negative size', () => randn([-1]), /^randn: -1 in shape/],
    ['a NaN size', () => rand([Number.NaN]), /^rand: NaN in shape/],
    ['nine axes', () => ones([1, 1, 1, 1, 1, 1, 1, 1, 1]), /rank 9 of shape .* is more than 8/],
    ['too many elements', () => zeros([65536, 65536]), /has more than 2\^31 - 1 elements/],
    [
      'sizes as arguments, not as an array',
      () => zeros(wrong(3)),
      /^zeros: 3 is not a shape; a shape is an array of sizes, such as \[2, 3\]/,
    ],
    ['a string as a shape', () => randn(wrong('23')), /^randn: 23 is not a shape/],
    ['no shape', () => rand(wrong(undefined)), /^rand: undefined is not a shape/],
    ['a number to reshape to', () => zeros([4]).reshape(wrong(4)), /^reshape: 4 is not a shape/],
  ])('%s', (_name, run, message) => expectError(run, ShapeError, message))

  test('loadStateDict lists every misfit and changes nothing', () => {
    const layer = new nn.Linear(3, 2)
    const old = values(layer.weight)
    const state = { weight: zeros([2, 3]), bias: zeros([3]) }
    expectError(() => layer.loadStateDict(state), ShapeError, /^loadStateDict: bias is \(3\), not \(2\)/)
    expectError(
      () => layer.loadStateDict({ weights: zeros([2, 3]) }),
      OptionError,
      /missing weight, bias; unexpected weights; .*strict: false/,
    )
    expectError(
      () => layer.loadStateDict({ weight: zeros([3, 2]), extra: zeros([1]) }),
      OptionError,
      /^loadStateDict: missing bias; unexpected extra; weight is \(3, 2\), not \(2, 3\); the names must match/,
    )
    expectError(
      () => layer.loadStateDict({ weight: zeros([3, 2]), extra: zeros([1]) }, { strict: false }),
      ShapeError,
      /^loadStateDict: weight is \(3, 2\), not \(2, 3\)$/,
    )
    expect(values(layer.weight)).toEqual(old)
  })
})

describe('an error inside a chain tells the layer', () => {
  const wide = () => new nn.Linear(4, 8)

  test.each<[string, () => nn.Layer, string]>([
    ['of the chain', () => nn.sequential(new nn.ReLU(), wide()), '1, Linear'],
    ['of a chain in it', () => nn.sequential(new nn.ReLU(), nn.sequential(wide())), '1.0, Linear'],
    ['three chains deep', () => nn.sequential(nn.sequential(new nn.ReLU(), nn.sequential(wide()))), '0.1.0, Linear'],
    ['of a chain in a module in it', () => nn.sequential(new nn.Tanh(), new Body()), '1.layers.0.1, Linear'],
    ['that comes twice', () => nn.sequential(square, new nn.Flatten(0), square), '2, Linear'],
    ['of a chain that comes twice', () => nn.sequential(squares, new nn.Flatten(0), squares), '2.0, Linear'],
    ['of a chain that no field shows', () => nn.sequential(new Hidden()), '0.1, Linear'],
  ])('%s', (_name, build, place) => {
    const model = build()
    const error = failureOf(() => model.forward(zeros([20, 5])))
    expect(error).toBeInstanceOf(ShapeError)
    expect(error.message).toMatch(/^linear: input \((20, 5|100)\) does not fit weight/)
    expect(error.message.match(/ \(in layer.*/)?.[0]).toBe(` (in layer ${place})`)
    expect(error.stack).toContain(error.message)
  })

  test('whatever its class, anew each time, and is else the error that it was', () => {
    const model = nn.sequential(new nn.Embedding(3, 2), new nn.Linear(2, 1))
    for (let time = 0; time < 2; time++)
      expectError(() => model.forward(zeros([2])), DtypeError, /^embedding: .* by int\(\) \(in layer 0, Embedding\)$/)
    const foreign = new RangeError('mine')
    class Throwing extends nn.Module {
      forward(_x: Tensor): Tensor {
        throw foreign
      }
    }
    expect(failureOf(() => nn.sequential(new Throwing()).forward(zeros([1])))).toBe(foreign)
    expect(foreign.message).toBe('mine')
  })
})

const square = new nn.Linear(5, 5)
const squares = nn.sequential(square)

class Body extends nn.Module {
  readonly layers = [nn.sequential(new nn.ReLU(), new nn.Linear(4, 8))]

  forward(x: Tensor): Tensor {
    return this.layers[0].forward(x)
  }
}

class Hidden extends nn.Module {
  readonly #chain = nn.sequential(new nn.ReLU(), new nn.Linear(4, 8))

  forward(x: Tensor): Tensor {
    return this.#chain.forward(x)
  }
}

function failureOf(run: () => unknown): Error {
  try {
    run()
  } catch (error) {
    return error as Error
  }
  throw new Error('it did not fail')
}

describe('data that make no tensor', () => {
  test.each<[string, () => unknown, Kind, RegExp]>([
    [
      'ragged rows',
      () => tensor([[1, 2], [3]]),
      ShapeError,
      /^tensor: ragged data: data\[1\] has 1 elements where others have 2/,
    ],
    [
      'a row that is a number',
      () => tensor([[1, 2], 3]),
      ShapeError,
      /^tensor: ragged data: a number at data\[1\] where others have an array of 2/,
    ],
    ['a number that is a row', () => tensor([1, [2]]), ShapeError, /^tensor: ragged data: data\[1\]/],
    [
      'ragged deeper',
      () =>
        tensor([
          [[1], [2]],
          [[3], [4, 5]],
        ]),
      ShapeError,
      /data\[1\]\[1\]/,
    ],
    [
      'a string in an array',
      () => tensor(wrong([1, '2'])),
      DtypeError,
      /^tensor: data\[1\] is a string, not a number or boolean/,
    ],
    ['null in an array', () => tensor(wrong([null])), DtypeError, /^tensor: data\[0\] is null/],
    ['a hole in an array', () => tensor(wrong(new Array(2))), DtypeError, /^tensor: data/],
    ['a string', () => tensor(wrong('123')), DtypeError, /^tensor: data is a string/],
    ['nothing', () => tensor(wrong(undefined)), DtypeError, /^tensor: data is undefined/],
    [
      'a tensor',
      () => tensor(wrong(tensor([1]))),
      DtypeError,
      /^tensor: data is a tensor already; use stack\(\[…\]\) for several, clone\(\)/,
    ],
    [
      'booleans among numbers',
      () => tensor([1, true]),
      DtypeError,
      /^tensor: data\[1\] is a boolean among numbers; use one kind/,
    ],
    [
      'a fraction in uint8',
      () => tensor([1.5], { dtype: 'uint8' }),
      DtypeError,
      /^tensor: value 1.5 at index 0 does not fit uint8: whole numbers from 0 to 255/,
    ],
    ['256 in uint8', () => tensor([256], { dtype: 'uint8' }), DtypeError, /value 256 .* uint8/],
    [
      'a large uint32',
      () => tensor(new Uint32Array([2 ** 31])),
      DtypeError,
      /value 2147483648 at index 0 does not fit int32/,
    ],
    ['a large bigint', () => tensor(new BigInt64Array([2n ** 40n])), DtypeError, /does not fit int32/],
    ['NaN in int32', () => tensor([Number.NaN], { dtype: 'int32' }), DtypeError, /value NaN .* int32/],
    ['a DataView', () => tensor(wrong(new DataView(new ArrayBuffer(4)))), DtypeError, /^tensor: /],
    [
      'a dtype that is none',
      () => tensor([1], { dtype: wrong('float64') }),
      DtypeError,
      /^tensor: there is no dtype float64; use float32, int32, uint8, bool/,
    ],
    [
      'zeros of a dtype that is none',
      () => zeros([1], { dtype: wrong('int64') }),
      DtypeError,
      /^zeros: there is no dtype int64/,
    ],
    [
      'a conversion to a dtype that is none',
      () => zeros([1]).to(wrong('constructor')),
      DtypeError,
      /^to: there is no dtype constructor/,
    ],
    ['full of a string', () => full([2], wrong('1')), DtypeError, /^full: the value is a string, not a number/],
    ['full of nothing', () => full([2], wrong(undefined)), DtypeError, /^full: the value is undefined, not a number/],
    ['full of a value that does not fit', () => full([2], -1, { dtype: 'uint8' }), DtypeError, /value -1/],
    [
      'a gradient of integers',
      () => zeros([1], { dtype: 'int32', requiresGrad: true }),
      DtypeError,
      /a tensor of dtype int32 has no gradient; use float32/,
    ],
    ['arange of a string', () => arange(wrong('3')), OptionError, /^arange: start 0, end 3 .* must be finite/],
    ['arange with step 0', () => arange(0, 3, 0), OptionError, /the step not 0/],
    [
      'arange of bool',
      () => arange(0, 3, 1, { dtype: 'bool' }),
      DtypeError,
      /^arange: dtype is float32 or int32, not bool/,
    ],
    ['randint of fractions', () => randint(0, 1.5, [1]), OptionError, /^randint: low 0 and high 1.5/],
    ['a seed that is none', () => manualSeed(-1), OptionError, /^manualSeed: -1 is not a seed/],
    ['turns that are no number', () => [...steps(Number.NaN)], OptionError, /^steps: NaN is not a number of turns/],
  ])('%s', (_name, run, kind, message) => expectError(run, kind, message))
})

describe('labels', () => {
  const lossFn = new nn.CrossEntropyLoss()
  const labels = (...values: number[]) => tensor(values, { dtype: 'int32' })

  test.each([3, -1, 2 ** 31 - 1, -(2 ** 31)])('label %i of 3 classes is out of range', (label) => {
    expectError(
      () => lossFn.forward(zeros([2, 3]), labels(0, label)),
      OptionError,
      new RegExp(`^crossEntropy: the label of row 1 is ${label}; with 3 classes labels go from 0 to 2`),
    )
  })

  test('uint8 labels are checked too', () => {
    const target = tensor(new Uint8Array([255, 0]))
    expectError(() => lossFn.forward(zeros([2, 3]), target), OptionError, /the label of row 0 is 255/)
  })

  test.each<Dtype>(['float32', 'bool'])('%s labels are of the wrong dtype', (dtype) => {
    const target = zeros([2], { dtype })
    expectError(
      () => lossFn.forward(zeros([2, 3]), target),
      DtypeError,
      new RegExp(
        `^crossEntropy: labels are ${dtype}; class indices are int32 or uint8: convert them by labels.int\\(\\)`,
      ),
    )
  })
})

describe('indices', () => {
  const indices = (...values: number[]) => tensor(values, { dtype: 'int32' })
  const column = tensor([[1], [7]], { dtype: 'int32' })

  test.each<[string, () => unknown, Kind, RegExp]>([
    [
      'gather',
      () => zeros([2, 5]).gather(1, column),
      OptionError,
      /^gather: the index at \(1, 0\) is 7; axis 1 has 5 elements: indices go from 0 to 4$/,
    ],
    [
      'indexSelect',
      () => zeros([2, 5]).indexSelect(-1, indices(0, 4, -1)),
      OptionError,
      /^indexSelect: the index at \(2\) is -1; axis 1 has 5 elements: indices go from 0 to 4$/,
    ],
    [
      'indexSelect from nothing',
      () => zeros([0, 5]).indexSelect(0, tensor(0).int()),
      OptionError,
      /^indexSelect: the index is 0; axis 0 has 0 elements: there is none to pick$/,
    ],
    [
      'Embedding',
      () => new nn.Embedding(7, 2).forward(column),
      OptionError,
      /^embedding: the index at \(1, 0\) is 7; there are 7 embeddings: indices go from 0 to 6$/,
    ],
    [
      'oneHot',
      () => column.oneHot(3),
      OptionError,
      /^oneHot: the label at \(1, 0\) is 7; there are 3 classes: labels go from 0 to 2$/,
    ],
    ['oneHot of negative labels', () => indices(2, -1).oneHot(), OptionError, /^oneHot: the label at \(1\) is -1/],
    ['oneHot of nothing', () => indices().oneHot(), OptionError, /^oneHot: there are no labels .* pass their number/],
    [
      'float indices',
      () => zeros([2]).gather(0, zeros([1])),
      DtypeError,
      /^gather: the indices are float32; .*int32 or uint8: convert them by int\(\)/,
    ],
    ['float labels', () => zeros([2]).oneHot(), DtypeError, /^oneHot: the labels are float32/],
    [
      'gather of another shape',
      () => zeros([2, 5]).gather(1, zeros([3, 1], { dtype: 'int32' })),
      ShapeError,
      /^gather: an index of shape \(3, 1\) does not fit \(2, 5\) along axis 1/,
    ],
    [
      'an embedding of nothing',
      () => new nn.Embedding(0, 4),
      OptionError,
      /^Embedding: numEmbeddings is 0; use an integer from 1 up/,
    ],
    [
      'topk',
      () => zeros([2, 5]).topk(6),
      OptionError,
      /^topk: k is 6, but axis -1 of \(2, 5\) has 5 elements; .* 0 to 5/,
    ],
    ['sort', () => zeros([2]).sort(0, wrong(true)), OptionError, /^sort: expected an object of options/],
    ['tril', () => zeros([2]).tril(), ShapeError, /^tril: shape \(2\) is no matrix/],
  ])('%s', (_name, run, kind, message) => expectError(run, kind, message))
})

describe('options of training', () => {
  const untyped: [string, () => unknown, RegExp][] = [
    [
      'a misspelt learning rate',
      () => new optim.Adam([leaf(1)], wrong({ learningRate: 1 })),
      /^Adam: there is no option learningRate; there is lr, betas, eps, weightDecay/,
    ],
    [
      'a number for options',
      () => new optim.SGD([leaf(1)], wrong(0.1)),
      /^SGD: expected an object of options, such as { lr: … }, got a number/,
    ],
    [
      'null for options',
      () => new optim.SGD([leaf(1)], wrong(null)),
      /^SGD: expected an object of options, .* got null/,
    ],
    [
      'a misspelt batch size',
      () => new data.DataLoader(new data.TensorDataset(zeros([2])), wrong({ batch_size: 2 })),
      /^DataLoader: there is no option batch_size; did you mean batchSize\?/,
    ],
    [
      'a misspelt scale',
      () => new data.TensorDataset(zeros([2]), wrong({ scales: 2 })),
      /^TensorDataset: there is no option scales/,
    ],
    [
      'a bias by position',
      () => new nn.Linear(2, 3, wrong(false)),
      /^Linear: expected an object of options, such as { bias: … }, got a boolean/,
    ],
    [
      'a misspelt gradient',
      () => tensor([1], wrong({ requires_grad: true })),
      /^tensor: there is no option requires_grad/,
    ],
    [
      'a misspelt keepdim',
      () => ones([2, 3]).sum(1, wrong({ keepDim: true })),
      /^sum: there is no option keepDim; did you mean keepdim\?/,
    ],
    [
      'a misspelt strict',
      () => new nn.Linear(1, 1).loadStateDict({}, wrong({ Strict: false })),
      /^loadStateDict: there is no option Strict/,
    ],
    [
      'a misspelt dtype',
      () => ones([1], wrong({ type: 'int32' })),
      /^ones: there is no option type; did you mean dtype\?/,
    ],
  ]

  test.each(untyped)('%s', (_name, make, message) => {
    expectError(make, OptionError, message)
  })

  const parameters = () => [leaf(1, 2)]
  const dataset = () => new data.TensorDataset(zeros([3, 2]))

  const said = (value: unknown) => (typeof value === 'string' ? JSON.stringify(value) : value)

  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '2', null])('batch size %s', (batchSize) => {
    const make = () => new data.DataLoader(dataset(), { batchSize: wrong(batchSize) })
    expectError(make, OptionError, new RegExp(`^DataLoader: batchSize is ${said(batchSize)}; use an integer from 1 up`))
  })

  test.each([Number.NaN, -0.1, Number.POSITIVE_INFINITY, '0.1', null])('learning rate %s', (lr) => {
    const message = new RegExp(`lr is ${said(lr)}; it must be a finite number from 0 up`)
    for (const Kind of [optim.SGD, optim.Adam]) {
      expectError(() => new Kind(parameters(), { lr: wrong(lr) }), OptionError, message)
      const optimizer = new Kind(parameters(), { lr: 0.5 })
      expectError(() => Object.assign(optimizer, { lr }), OptionError, message)
      expect(optimizer.lr).toBe(0.5)
    }
  })

  test.each<[string, () => unknown, RegExp]>([
    ['no parameters', () => new optim.SGD([]), /^SGD: there are no parameters to train; pass model.parameters\(\)/],
    [
      'no parameters where a model can see them',
      () => new optim.SGD([]),
      /not in #private fields, Maps or Sets; a tensor must be wrapped: new nn\.Parameter\(tensor\)/,
    ],
    [
      'a model',
      () => new optim.Adam(wrong(new nn.Linear(1, 1))),
      /^Adam: expected a list of parameters; pass model.parameters\(\)/,
    ],
    ['nothing', () => new optim.Adam(wrong(undefined)), /^Adam: expected a list of parameters/],
    ['a parameter named twice', () => new optim.SGD(new Array(2).fill(leaf(1))), /^SGD: a parameter is named twice/],
    [
      'a result',
      () => new optim.SGD([leaf(1).mul(2)]),
      /^SGD: a parameter was computed by mul; only leaves can be trained/,
    ],
    [
      'a strided view',
      () => new optim.SGD([zeros([2, 3]).transpose(0, 1)]),
      /^SGD: a parameter is a strided view; pass a clone\(\)/,
    ],
    ['momentum', () => new optim.SGD(parameters(), { momentum: -1 }), /^SGD: momentum is -1/],
    ['dampening', () => new optim.SGD(parameters(), { dampening: Number.NaN }), /^SGD: dampening is NaN/],
    ['weightDecay', () => new optim.Adam(parameters(), { weightDecay: -1 }), /^Adam: weightDecay is -1/],
    ['nesterov', () => new optim.SGD(parameters(), { nesterov: true }), /^SGD: nesterov needs momentum/],
    ['a beta', () => new optim.Adam(parameters(), { betas: [0.9, 1] }), /^Adam: a beta is 1/],
    [
      'one beta',
      () => new optim.Adam(parameters(), { betas: wrong([0.9]) }),
      /^Adam: betas is 0.9; it must be two numbers/,
    ],
    ['a number as betas', () => new optim.Adam(parameters(), { betas: wrong(0.9) }), /^Adam: betas is 0.9/],
    ['eps', () => new optim.Adam(parameters(), { eps: Number.NaN }), /^Adam: eps is NaN/],
    [
      'a step after dispose()',
      () => {
        const optimizer = new optim.SGD(parameters())
        optimizer.dispose()
        optimizer.step()
      },
      /^SGD: step after dispose\(\)/,
    ],
    ['no data set', () => new data.DataLoader(wrong(undefined)), /^DataLoader: expected a TensorDataset; wrap tensors/],
    ['a tensor as a data set', () => new data.DataLoader(wrong(zeros([3]))), /^DataLoader: expected a TensorDataset/],
    [
      'a word for a flag of a loader',
      () => new data.DataLoader(dataset(), { shuffle: wrong('no') }),
      /^DataLoader: shuffle is "no"; use true or false/,
    ],
    [
      'a number for a flag of a loader',
      () => new data.DataLoader(dataset(), { dropLast: wrong(1) }),
      /^DataLoader: dropLast is 1; use true or false/,
    ],
    ['a seed of a loader', () => new data.DataLoader(dataset(), { seed: 0.5 }), /^DataLoader: 0.5 is not a seed/],
    ['a data set of nothing', () => new data.TensorDataset(), /^TensorDataset: there are no tensors/],
    ['scale', () => new data.TensorDataset(zeros([1]), { scale: Number.NaN }), /^TensorDataset: scale is NaN/],
    ['features', () => new nn.Linear(0, 1), /^Linear: inFeatures is 0; use an integer from 1 up/],
    [
      'features that are a string',
      () => new nn.Linear(wrong('3'), 1),
      /^Linear: inFeatures is "3"; use an integer from 1 up/,
    ],
    [
      'a function in a chain',
      () => nn.sequential(wrong((x: Tensor) => x)),
      /^sequential: argument 0 is not a module; pass modules one by one/,
    ],
  ])('%s', (_name, run, message) => expectError(run, OptionError, message))
})

describe('autograd', () => {
  test('backward on a non-scalar without upstream', () => {
    const y = leaf(1, 2).mul(2)
    expectError(
      () => y.backward(),
      GraphError,
      /^backward: a tensor of shape \(2\) is not a scalar; reduce it by sum\(\) or mean\(\), or pass its upstream/,
    )
    y.backward(tensor([1, 1]))
  })

  test('backward twice on one graph', () => {
    const w = leaf(1, 2)
    const loss = w.mul(w).sum()
    loss.backward()
    expectError(
      () => loss.backward(),
      GraphError,
      /^backward: the graph of this sum has been walked by an earlier backward\(\).*Compute the loss again/,
    )
    expect(values(w.grad as Tensor)).toEqual([2, 4])
  })

  test('backward of a second loss that shares a walked graph', () => {
    const w = leaf(1, 2)
    const h = w.mul(w)
    const other = h.mul(2).sum()
    h.sum().backward()
    expectError(() => other.backward(), GraphError, /add losses that share a graph before one backward\(\)/)
    expect(values(w.grad as Tensor)).toEqual([2, 4])
  })

  test('backward of what needs no gradient', () => {
    expectError(() => tensor(1).backward(), GraphError, /^backward: nothing to differentiate: .*requiresGrad/)
    const w = leaf(1)
    expectError(() => noGrad(() => w.mul(2)).backward(), GraphError, /computed under noGrad/)
  })

  test('a saved tensor changed in place names the operation and the shape; nothing has been walked', () => {
    const w = leaf(1, 2)
    const x = tensor([3, 4])
    const loss = w.mul(x).sum()
    x.add_(1)
    expectError(
      () => loss.backward(),
      GraphError,
      /^backward: mul saved a tensor of shape \(2\) that was changed in place/,
    )
    expect(w.grad).toBeNull()
  })

  test('changed through a view, by an optimizer, or by a state dict', () => {
    const w = leaf(1, 2)
    const x = tensor([3, 4])
    const changes = [
      () => x.reshape([2, 1]).fill_(0),
      () => x.detach().zero_(),
      () => x.transpose(0, 0).copy_(tensor([1, 1])),
    ]
    for (const change of changes) {
      const loss = w.mul(x).sum()
      change()
      expectError(() => loss.backward(), GraphError, /changed in place/)
    }
    const loss = w.mul(w).sum()
    const optimizer = new optim.SGD([w])
    w.grad = tensor([1, 1])
    optimizer.step()
    expectError(() => loss.backward(), GraphError, /changed in place/)
  })

  test.each<[string, () => unknown, RegExp]>([
    [
      'a result',
      () => leaf(1, 2).mul(2).add_(1),
      /^add_: this tensor was computed by mul and backward\(\) may need it; use add, or change a clone\(\)/,
    ],
    ['a leaf', () => leaf(1, 2).fill_(1), /^fill_: this leaf requires a gradient; change it inside noGrad/],
    ['by an operand with a gradient', () => zeros([2]).copy_(leaf(1, 2)), /^copy_: the operand requires a gradient/],
    [
      'freezing a result',
      () => Object.assign(leaf(1).mul(2), { requiresGrad: false }),
      /^requiresGrad: this tensor was computed by mul.*use detach\(\)/,
    ],
    ['a conversion', () => leaf(1).to('int32'), /^to: no gradient flows through a conversion to int32; detach\(\)/],
  ])('in place: %s', (_name, run, message) => expectError(run, GraphError, message))

  test('in place: integers', () => {
    expectError(
      () => zeros([2], { dtype: 'int32' }).add_(1),
      DtypeError,
      /^add_: arithmetic is float32, this tensor is int32; convert it by float\(\)/,
    )
    expectError(() => zeros([2], { dtype: 'bool' }).lerp_(zeros([2]), 1), DtypeError, /^lerp_: /)
  })

  test('an upstream gradient of another dtype is converted', () => {
    const w = leaf(1, 2)
    w.mul(3).backward(tensor(new Uint8Array([1, 2])))
    expect(values(w.grad as Tensor)).toEqual([3, 6])
    w.grad = zeros([2])
    w.mul(3).backward(
      tensor([[1, 2]], { dtype: 'int32' })
        .transpose(0, 1)
        .reshape([2]),
    )
    expect(values(w.grad as Tensor)).toEqual([3, 6])
  })
})

describe('arguments of the wrong kind', () => {
  const layer = () => new nn.Linear(2, 2)
  const target = () => zeros([1], { dtype: 'int32' })

  /** Every place that takes a tensor, and the name its error begins with. */
  const places: [string, (x: never) => unknown][] = [
    ['add', (x) => zeros([2]).add(x)],
    ['sub', (x) => zeros([2]).sub(x)],
    ['mul', (x) => zeros([2]).mul(x)],
    ['div', (x) => zeros([2]).div(x)],
    ['maximum', (x) => zeros([2]).maximum(x)],
    ['eq', (x) => zeros([2]).eq(x)],
    ['lt', (x) => zeros([2], { dtype: 'int32' }).lt(x)],
    ['logicalAnd', (x) => zeros([2]).logicalAnd(x)],
    ['where', (x) => where(x, 1, 0)],
    ['where', (x) => where(zeros([2]).eq(0), x, 0)],
    ['where', (x) => where(zeros([2]).eq(0), 0, x)],
    ['matmul', (x) => zeros([2, 2]).matmul(x)],
    ['dot', (x) => zeros([2]).dot(x)],
    ['outer', (x) => zeros([2]).outer(x)],
    ['einsum', (x) => einsum('ij,jk->ik', zeros([2, 2]), x)],
    ['linear', (x) => layer().forward(x)],
    ['relu', (x) => new nn.ReLU().forward(x)],
    ['sigmoid', (x) => new nn.Sigmoid().forward(x)],
    ['tanh', (x) => new nn.Tanh().forward(x)],
    ['linear', (x) => nn.sequential(layer(), new nn.ReLU()).forward(x)],
    ['crossEntropy', (x) => new nn.CrossEntropyLoss().forward(x, target())],
    ['crossEntropy', (x) => new nn.CrossEntropyLoss().forward(zeros([1, 2]), x)],
    ['mseLoss', (x) => new nn.MSELoss().forward(x, zeros([2]))],
    ['mseLoss', (x) => new nn.MSELoss().forward(zeros([2]), x)],
    ['copy_', (x) => zeros([2]).copy_(x)],
    ['add_', (x) => zeros([2]).add_(x)],
    ['sub_', (x) => zeros([2]).sub_(x)],
    ['mul_', (x) => zeros([2]).mul_(x)],
    ['lerp_', (x) => zeros([2]).lerp_(x, 0.5)],
    ['nn.Parameter', (x) => new nn.Parameter(x)],
    ['nn.buffer', (x) => nn.buffer(x)],
    ['SGD', (x) => new optim.SGD([x])],
    ['Adam', (x) => new optim.Adam([leaf(1), x])],
    ['TensorDataset', (x) => new data.TensorDataset(x, zeros([1]))],
    ['loadStateDict: bias', (x) => layer().loadStateDict({ weight: zeros([2, 2]), bias: x })],
  ]
  const kinds: [string, unknown][] = [
    ['undefined', undefined],
    ['null', null],
    ['a string', 'x'],
    ['an array', [1, 2]],
    ['an object', {}],
    ['a function', () => 1],
  ]

  test.each(places)('%s', (name, use) => {
    for (const [kind, value] of kinds)
      expectError(
        () => use(wrong(value)),
        DtypeError,
        new RegExp(`^${name}: expected a tensor, got ${kind}; make one by tensor`),
      )
  })

  test('a scope without a function, and null for all axes', () => {
    for (const body of [undefined, null, 3, Promise.resolve(1)]) {
      expectError(() => scope(wrong(body)), OptionError, /^scope: expected a function, got /)
      expectError(() => noGrad(wrong(body)), OptionError, /^noGrad: expected a function, got /)
    }
    expect(tensor([1, 2]).sum(wrong(null)).item()).toBe(3)
    for (const op of ['argmax', 'argmin'] as const) expect(tensor([[1, 1]])[op](wrong(null)).shape).toEqual([])
  })

  test('a symbol, of which no text can be made unasked, as an axis, an order or a correction', () => {
    const x = tensor([1, 2])
    const symbol = wrong(Symbol('s'))
    expectError(() => x.sum(symbol), ShapeError, /^sum: an axis is a symbol, not a number/)
    expectError(() => x.max([symbol]), ShapeError, /^max: an axis is a symbol, not a number/)
    expectError(() => x.norm(symbol), OptionError, /^norm: the order p is Symbol\(s\); it must be a number/)
    expectError(() => x.std(0, { correction: symbol }), OptionError, /^std: correction is Symbol\(s\); it must be/)
  })

  test('numbers of changes in place', () => {
    for (const value of [undefined, null, '1', [1]])
      expectError(() => zeros([2]).fill_(wrong(value)), DtypeError, /^fill_: the value is .*, not a number/)
    for (const [dtype, value] of [
      ['int32', 1.5],
      ['int32', 2 ** 31],
      ['uint8', 300],
      ['uint8', Number.NaN],
    ] as const)
      expectError(
        () => zeros([2], { dtype }).fill_(value),
        DtypeError,
        new RegExp(`^fill_: value ${value} does not fit ${dtype}`),
      )
    for (const weight of [undefined, Number.NaN, '1'])
      expectError(() => zeros([2]).lerp_(ones([2]), wrong(weight)), OptionError, /^lerp_: weight is .*finite number/)
  })

  test('backward and grad, which take undefined or null', () => {
    for (const value of ['x', [1], 3]) {
      expectError(() => leaf(1).mul(1).backward(wrong(value)), DtypeError, /^backward: expected a tensor/)
      expectError(() => Object.assign(leaf(1), { grad: value }), DtypeError, /^grad: expected a tensor/)
    }
  })

  test('labels that are not a tensor do not vanish into the options of a data set', () => {
    for (const labels of [[0, 1], undefined, null, 3, new Float32Array(2)])
      expectError(
        () => new data.TensorDataset(zeros([2]), wrong(labels)),
        DtypeError,
        /^TensorDataset: expected a tensor/,
      )
  })

  test('state dicts', async () => {
    for (const state of [undefined, null, 'x'])
      expectError(() => layer().loadStateDict(wrong(state)), OptionError, /^loadStateDict: the state is /)
    await expect(weightsSha256(wrong(layer()))).rejects.toThrow(DtypeError)
    await expect(weightsSha256(wrong(undefined))).rejects.toThrow(NeyronError)
  })

  test('a tensor of another copy of the library', async () => {
    const path = '../dist/index.js?copy'
    const other = (await import(path)) as typeof import('../src/index.ts')
    const foreign = other.ones([2])
    for (const [name, use] of places)
      expectError(
        () => use(wrong(foreign)),
        ForeignTensorError,
        new RegExp(`^${name}: this tensor was made by another copy of neyron.*npm ls neyron.*toArray\\(\\)`),
      )
    expectError(() => leaf(1, 2).mul(1).backward(wrong(foreign)), ForeignTensorError, /^backward: /)
    expect(() => foreign.add(wrong(zeros([2])))).toThrow(other.ForeignTensorError)
    foreign.dispose()
  })
})

describe('IDX files', () => {
  const idx = (type: number, shape: number[], body: number[]) =>
    new Uint8Array([0, 0, type, shape.length, ...shape.flatMap((n) => [n >>> 24, n >>> 16, n >>> 8, n]), ...body])

  test.each<[string, number, number[], number[], Dtype]>([
    ['unsigned bytes', 8, [1, 255], [1, 255], 'uint8'],
    ['signed bytes', 9, [1, 255], [1, -1], 'int32'],
    ['shorts', 11, [0, 1, 255, 255], [1, -1], 'int32'],
    ['ints', 12, [0, 0, 1, 0, 255, 255, 255, 255], [256, -1], 'int32'],
    ['floats', 13, [0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0], [1, -2], 'float32'],
    ['doubles', 14, [0x3f, 0xf0, 0, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0], [1, -2], 'float32'],
  ])('%s are read', (_name, type, body, expected, dtype) => {
    const x = data.parseIdx(idx(type, [2, 1], body))
    expect([x.shape, x.dtype, values(x)]).toEqual([[2, 1], dtype, expected])
  })

  test('no axes, no elements, and a Buffer in the middle of another', () => {
    expect(data.parseIdx(idx(8, [], [7])).item()).toBe(7)
    expect(data.parseIdx(idx(8, [0, 28], [])).shape).toEqual([0, 28])
    const padded = Buffer.concat([Buffer.from([9, 9, 9]), idx(12, [1], [0, 0, 0, 5])])
    expect(data.parseIdx(padded.subarray(3)).item()).toBe(5)
  })

  test('every truncation names the offset where the file ends and what is missing', () => {
    const file = idx(8, [2, 3], [1, 2, 3, 4, 5, 6])
    for (let end = 0; end < file.length; end++) {
      const what = end < 4 ? 'the magic number' : end < 12 ? 'the sizes' : 'the 6 elements of shape \\(2, 3\\)'
      expectError(
        () => data.parseIdx(file.subarray(0, end)),
        FormatError,
        new RegExp(`^parseIdx: the file ends at offset ${end}, inside ${what}, which takes \\d+ bytes`),
      )
    }
  })

  test('trailing bytes, gzip, and other files name the offset', () => {
    const file = idx(8, [2], [1, 2])
    expectError(
      () => data.parseIdx(idx(8, [2], [1, 2, 3])),
      FormatError,
      /^parseIdx: 1 bytes follow the last element at offset 10/,
    )
    expectError(
      () => data.parseIdx(gzipSync(file)),
      FormatError,
      /compressed by gzip \(offset 0\); decompress it first/,
    )
    for (const [bytes, magic] of [
      [[0x89, 0x50, 0x4e, 0x47], '89504e47'],
      [[0, 0, 10, 1], '00000a01'],
      [[0, 0, 0, 1], '00000001'],
    ] as const)
      expectError(
        () => data.parseIdx(new Uint8Array([...bytes, 0, 0, 0, 0])),
        FormatError,
        new RegExp(`^parseIdx: not an IDX file: the magic number at offset 0 is 0x${magic}`),
      )
    expectError(
      () => data.parseIdx(idx(8, new Array(9).fill(1), [1])),
      FormatError,
      /^parseIdx: 9 axes at offset 3; tensors have at most 8/,
    )
  })

  test('huge sizes are refused before anything is allocated', () => {
    const alloc = vi.spyOn(Heap.prototype, 'alloc')
    const huge = 2 ** 32 - 1
    for (const shape of [[huge], [huge, huge], new Array(8).fill(huge), new Array(255).fill(huge)])
      expectError(() => data.parseIdx(idx(14, shape, [])), FormatError, /^parseIdx: .*offset/)
    expect(alloc).not.toHaveBeenCalled()
  })

  test('what is not the bytes of a file', () => {
    for (const file of [undefined, null, 'train-images', [0, 0, 8, 0], new ArrayBuffer(8)])
      expectError(
        () => data.parseIdx(wrong(file)),
        FormatError,
        /^parseIdx: expected the bytes of a file as a Uint8Array/,
      )
  })
})

describe('tensors without elements', () => {
  const none = () => zeros([0, 3])

  test('are made, read, reshaped, converted and copied', () => {
    for (const make of [zeros, ones, rand, randn]) expect(make([2, 0]).toArray()).toEqual([[], []])
    expect(tensor([]).shape).toEqual([0])
    expect(tensor([[], []]).shape).toEqual([2, 0])
    expect(arange(0).numel + randint(0, 1, [0]).numel).toBe(0)
    expect(none().reshape([3, 0, 5]).shape).toEqual([3, 0, 5])
    expect(none().transpose(0, 1).toArray()).toEqual([[], [], []])
    expect(none().transpose(0, 1).contiguous().clone().detach().shape).toEqual([3, 0])
    for (const dtype of ['int32', 'uint8', 'bool'] as const) expect(none().to(dtype).float().shape).toEqual([0, 3])
  })

  test('go through every operation, forward and backward', () => {
    const x = zeros([0, 3], { requiresGrad: true })
    const w = ones([3, 2]).detach()
    w.requiresGrad = true
    const row = leaf(1, 2, 3)
    const y = x.add(row).sub(1).mul(x).div(2).relu().sigmoid().tanh().exp().log().softmax()
    const out = y
      .matmul(w)
      .sum()
      .add(y.transpose(0, 1).reshape([0]).sum())
      .add(y.mean(1).sum())
    expect(out.item()).toBe(0)
    out.backward()
    expect((x.grad as Tensor).shape).toEqual([0, 3])
    expect(values(w.grad as Tensor)).toEqual(new Array(6).fill(0))
    expect(values(row.grad as Tensor)).toEqual([0, 0, 0])
    expect(none().eq(0).shape).toEqual([0, 3])
    expect(none().argmax(1).shape).toEqual([0])
    expect(none().softmax(0).shape).toEqual([0, 3])
    expect(values(none().sum(0))).toEqual([0, 0, 0])
    expect(values(none().mean(0))).toEqual([Number.NaN, Number.NaN, Number.NaN])
    expect(none().mean().item()).toBeNaN()
    expect(values(zeros([2, 0]).matmul(zeros([0, 3])))).toEqual(new Array(6).fill(0))
  })

  test('go through layers, losses and changes in place', () => {
    const model = nn.sequential(new nn.Linear(3, 4), new nn.Tanh(), new nn.Linear(4, 2))
    const out = model.forward(none())
    expect(out.shape).toEqual([0, 2])
    expect(new nn.CrossEntropyLoss().forward(out, zeros([0], { dtype: 'int32' })).item()).toBeNaN()
    expect(new nn.MSELoss().forward(out, zeros([0, 2])).item()).toBeNaN()
    out.sum().backward()
    expect(model.parameters().every(({ grad }) => values(grad as Tensor).every((g) => g === 0))).toBe(true)
    expect(none().add_(1).mul_(none()).sub_(1).fill_(3).zero_().copy_(none()).lerp_(none(), 0.5).shape).toEqual([0, 3])
    const parameter = new nn.Parameter(zeros([0]))
    parameter.grad = zeros([0])
    const optimizer = new optim.Adam([parameter])
    optimizer.step()
  })

  test('make a data set of no rows, whose loader has no turns', () => {
    const loader = new data.DataLoader(new data.TensorDataset(none()), { batchSize: 4, shuffle: true })
    expect([...loader]).toEqual([])
    const [[x]] = new data.DataLoader(new data.TensorDataset(zeros([2, 0])), { batchSize: 2 })
    expect(x.shape).toEqual([2, 0])
  })
})

describe('memory exhausted', () => {
  const lossFn = new nn.CrossEntropyLoss()

  /** Operations that convert, copy, make several tensors or change in place. */
  const operations: [string, () => () => unknown][] = [
    [
      'arithmetic on strided and converted operands',
      () => {
        const [a, b] = [randn([3, 2]).transpose(0, 1), zeros([2, 3], { dtype: 'int32' })]
        return () => a.add(b)
      },
    ],
    [
      'both operands converted',
      () => {
        const a = ones([3], { dtype: 'uint8' })
        return () => a.mul(a)
      },
    ],
    [
      'a conversion of a strided tensor',
      () => {
        const a = randn([3, 2]).transpose(0, 1)
        return () => a.to('int32')
      },
    ],
    [
      'reading a strided tensor',
      () => {
        const a = randn([3, 2]).transpose(0, 1)
        return () => a.toArray()
      },
    ],
    [
      'a sum over two axes apart',
      () => {
        const a = randn([3, 2, 3])
        return () => a.sum([0, 2])
      },
    ],
    [
      'a change in place of a strided tensor by another dtype',
      () => {
        const [a, b] = [randn([3, 2]).transpose(0, 1), ones([1, 3], { dtype: 'int32' })]
        return () => a.add_(b)
      },
    ],
    [
      'a change in place by a value that has outlived its memory',
      () => {
        const [a, b] = [randn([3, 2]).transpose(0, 1), scope(() => tensor(1, { dtype: 'int32' }))]
        return () => a.add_(b)
      },
    ],
    [
      'a copy of overlapping memory',
      () => {
        const a = randn([3, 3])
        return () => a.copy_(a.transpose(0, 1))
      },
    ],
    [
      'cross entropy',
      () => {
        const [a, b] = [randn([3, 3]).transpose(0, 1), tensor(new Uint8Array([0, 1, 2]))]
        return () => lossFn.forward(a, b)
      },
    ],
    [
      'a gradient that is set',
      () => {
        const [a, b] = [leaf(1, 2), tensor([1, 2], { dtype: 'int32' })]
        return () => {
          a.grad = b
          a.grad = null
        }
      },
    ],
    [
      'a state dict',
      () => {
        const layer = new nn.Linear(2, 2)
        return () => layer.stateDict()
      },
    ],
    [
      'a state dict that is loaded from another dtype',
      () => {
        const layer = new nn.Linear(2, 2)
        const state = { weight: ones([2, 2], { dtype: 'int32' }), bias: ones([2], { dtype: 'int32' }) }
        return () => layer.loadStateDict(state)
      },
    ],
    [
      'a batch',
      () => {
        const loader = new data.DataLoader(new data.TensorDataset(randn([3, 2]), randn([3])), { batchSize: 3 })
        return () => [...loader].length
      },
    ],
    [
      'a data set of strided tensors',
      () => {
        const a = randn([3, 3]).transpose(0, 1)
        return () => new data.TensorDataset(a, a)
      },
    ],
    ['a layer', () => () => new nn.Linear(2, 2)],
  ]

  test.each(operations)('at any allocation of %s: nothing is lost, and it works afterwards', async (_name, prepare) => {
    const run = prepare()
    for (const _ of steps(1)) run()
    const bytes = await settled()
    for (let n = 1; ; n++) {
      const error = failing(n, () => {
        for (const _ of steps(1)) run()
      })
      if (!error) break
      refusedOperation(error)
    }
    expect(await settled(bytes)).toBe(bytes)
  })

  test('a state dict of which one part finds no memory leaves the model as it was', () => {
    const layer = new nn.Linear(2, 2)
    const old = values(layer.weight)
    const state = { weight: ones([2, 2], { dtype: 'int32' }), bias: ones([2], { dtype: 'int32' }) }
    expect(failing(2, () => layer.loadStateDict(state))).toBeInstanceOf(MemoryLimitError)
    expect(values(layer.weight)).toEqual(old)
  })
})

describe('init', () => {
  /** A copy of the library that has not started. */
  async function fresh() {
    vi.resetModules()
    return import('../src/index.ts')
  }

  test('checks its options', async () => {
    for (const maxMemory of [0, -1, 1.5, Number.NaN, 2 ** 31 + 1, 2 ** 20 - 1, '64MB', null])
      await expect(init({ maxMemory: wrong(maxMemory) })).rejects.toThrow(
        new RegExp(
          `^init: maxMemory is ${maxMemory}; it is a whole number of bytes from 1048576 \\(1 MiB\\) to 2147483648`,
        ),
      )
    await expect(init({ maxMemory: 0 })).rejects.toThrow(OptionError)
  })

  test('comes before the first tensor', async () => {
    zeros([1]).dispose()
    await expect(init()).rejects.toThrow(InitError)
    await expect(init()).rejects.toThrow(
      /^init: already started by the first tensor; call init before the first tensor, and once/,
    )
  })

  test('comes once, also when called twice at the same time', async () => {
    const copy = await fresh()
    const results = await Promise.allSettled([copy.init(), copy.init({ maxMemory: 2 ** 20 })])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
    await expect(copy.init()).rejects.toThrow(/^init: already started by init/)
  })

  test('may come after memory(), which does not start anything', async () => {
    const copy = await fresh()
    expect(copy.memory()).toEqual({ live: 0, peak: 0, reserved: 0, byOwner: {} })
    await copy.init({ maxMemory: 2 ** 20 })
    expect(copy.memory().reserved).toBe(2 ** 20)
  })

  test('then memory() reports an empty heap', async () => {
    const copy = await fresh()
    await copy.init({ maxMemory: 2 ** 21 })
    expect(copy.memory()).toEqual({ live: 0, peak: 0, reserved: 2 ** 20, byOwner: {} })
    expect(copy.variant()).toBe('strict')
  })

  test('with kernels that are none says so, and can be tried again', async () => {
    const copy = await fresh()
    for (const source of [new Uint8Array([1, 2, 3]), new Response('<html>'), 5])
      await expect(copy.init({ source: wrong(source) })).rejects.toThrow(/^WebAssembly with SIMD could not start: /)
    await expect(copy.init({ source: Promise.reject(new RangeError('offline')) })).rejects.toThrow('offline')
    await copy.init()
    expect(copy.ones([2]).sum().item()).toBe(2)
  })
})

test('every error is a NeyronError with its own name', () => {
  const kinds = [
    ShapeError,
    DtypeError,
    OptionError,
    GraphError,
    StaleTensorError,
    ForeignTensorError,
    MemoryLimitError,
    FormatError,
    InitError,
  ]
  for (const Kind of kinds) {
    const error = new Kind('x')
    expect(error).toBeInstanceOf(NeyronError)
    expect(error).toBeInstanceOf(Error)
    expect(`${error}`).toBe(`${Kind.name}: x`)
  }
})
