/** Files of tensors: what is written, bit by bit; what is read of others' files; and that nothing wrong gets through. */
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  type Dtype,
  DtypeError,
  FormatError,
  io,
  nn,
  OptionError,
  optim,
  scope,
  steps,
  type Tensor,
  tensor,
  zeros,
} from '../src/index.ts'
import { Heap } from '../src/runtime/heap.ts'
import { numelOf } from '../src/shape.ts'
import { endAfterlives, live, settled } from './settle.ts'
import { failing } from './support/failing.ts'

/** An optimizer that has something to save. */
function stepped(): optim.Adam {
  const { weight } = new nn.Linear(1, 1)
  const optimizer = new optim.Adam([weight])
  weight.sum().backward()
  optimizer.step()
  return optimizer
}

let before = 0

beforeEach(() => {
  endAfterlives()
  before = live()
})

afterEach(async () => {
  vi.restoreAllMocks()
  expect(await settled(before)).toBe(before)
})

/** A file of a header, as text or bytes, and some data. */
function file(header: string | Uint8Array, data: readonly number[] = []): Uint8Array {
  const bytes = typeof header === 'string' ? Buffer.from(header) : header
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(bytes.length))
  return new Uint8Array([...length, ...bytes, ...data])
}

const entry = (dtype: string, shape: readonly (number | string)[], begin: number, end: number) =>
  `{"dtype":"${dtype}","shape":[${shape.join(',')}],"data_offsets":[${begin},${end}]}`

/** A file of one tensor. */
const one = (dtype: string, shape: readonly (number | string)[], data: readonly number[]) =>
  file(`{"x":${entry(dtype, shape, 0, data.length)}}`, data)

const bytesOf = (values: { buffer: ArrayBufferLike }) => [...new Uint8Array(values.buffer)]
const bits = (x: Tensor) => bytesOf(x.toTypedArray())
const wrong = (value: unknown) => value as never

function expectFormatError(bytes: Uint8Array, message: RegExp): void {
  expect(() => io.load(bytes)).toThrow(message)
  expect(() => io.load(bytes)).toThrow(FormatError)
}

describe('save', () => {
  test('writes the bytes of the reference implementation', () => {
    const state = {
      flags: tensor([true, false]),
      b: tensor([1, -2]),
      bytes: tensor(new Uint8Array([7])),
      count: tensor(3, { dtype: 'int32' }),
      a: tensor([[0.5]]),
    }
    const header =
      '{"a":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]},' +
      '"count":{"dtype":"I32","shape":[],"data_offsets":[12,16]},"bytes":{"dtype":"U8","shape":[1],"data_offsets":[16,17]},' +
      '"flags":{"dtype":"BOOL","shape":[2],"data_offsets":[17,19]}}'
    const padded = header.padEnd(Math.ceil(header.length / 8) * 8)
    const data = [...bytesOf(new Float32Array([0.5, 1, -2])), 3, 0, 0, 0, 7, 1, 0]
    expect([...io.save(state)]).toEqual([...file(padded, data)])
  })

  test('gives the same bytes for the same tensors in any order, names in the order of UTF-8', () => {
    const names = ['1', '0', 'b', 'a.weight', '\u{1F600}', '\uFFFD', 'aa', '', '__proto__']
    const state = (keys: string[]) => Object.fromEntries(keys.map((name) => [name, tensor([name.length])]))
    const bytes = io.save(state(names))
    expect([...io.save(state(names.toReversed()))]).toEqual([...bytes])
    expect(Object.keys(io.load(bytes)).sort()).toEqual([...names].sort())
    const written = Buffer.from(bytes).toString()
    const order = ['""', '"0"', '"1"', '"__proto__"', '"a.weight"', '"aa"', '"b"', '"\uFFFD"', '"\u{1F600}"']
    expect([...order].sort((a, b) => written.indexOf(`${a}:`) - written.indexOf(`${b}:`))).toEqual(order)
    expect(order.every((name) => written.includes(`${name}:{"dtype"`))).toBe(true)
  })

  test('takes a model, and what comes back gives the same answers', () => {
    class Net extends nn.Module {
      layers = [new nn.Linear(3, 2), new nn.Linear(2, 2)]
      mean = nn.buffer(tensor([1, 2]))
      forward(x: Tensor): Tensor {
        return this.layers[1].forward(this.layers[0].forward(x).tanh()).sub(this.mean)
      }
    }
    const [model, other] = [new Net(), new Net()]
    const held = live()
    const bytes = io.save(model)
    expect(live()).toBe(held)
    expect([...bytes]).toEqual([...io.save(model.stateDict())])
    other.loadStateDict(io.load(bytes))
    const x = tensor([[1, -2, 0.5]])
    expect(bits(other.forward(x))).toEqual(bits(model.forward(x)))
    model.dispose()
    other.dispose()
  })

  test('writes the elements of views in logical order, and keeps metadata', () => {
    const x = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ])
    const metadata = { 'z "quoted"\n': 'ö\u{1F600}', classes: JSON.stringify(['a', 'b']), __proto: '' }
    const bytes = io.save({ turned: x.transpose(0, 1).flip(0), row: x.slice(1) }, { metadata })
    const { turned, row } = io.load(bytes)
    expect([turned.toArray(), row.toArray()]).toEqual([
      [
        [3, 6],
        [2, 5],
        [1, 4],
      ],
      [4, 5, 6],
    ])
    expect(io.metadata(bytes)).toEqual(metadata)
    expect(io.metadata(io.save({}))).toEqual({})
    expect(io.load(io.save({}))).toEqual({})
    expect(io.load(io.save(Object.create(null)))).toEqual({})
  })

  test.each<[string, () => unknown, new (message: string) => Error, RegExp]>([
    ['null', () => io.save(wrong(null)), OptionError, /^io\.save: expected a model or an object of tensors, got null/],
    ['a tensor in an array', () => io.save(wrong([zeros([1])])), OptionError, /got an array/],
    [
      'what is no tensor',
      () => io.save({ w: wrong([1]) }),
      DtypeError,
      /^io\.save: w: expected a tensor, got an array; make one by tensor/,
    ],
    ['a nested record', () => io.save({ w: wrong({ x: zeros([1]) }) }), DtypeError, /^io\.save: w: expected a tensor/],
    [
      'the state of an optimizer',
      () => io.save(wrong(stepped().stateDict())),
      DtypeError,
      /^io\.save: state: expected a tensor, got an object; .* flat record .* nested: give each .* 'state\.0\.expAvg'$/,
    ],
    [
      'an optimizer',
      () => io.save(wrong(stepped())),
      OptionError,
      /^io\.save: expected a model or an object of tensors, got an instance of Adam; .* flat record .* nested/,
    ],
    [
      'a map',
      () => io.save(wrong(new Map([['w', zeros([1])]]))),
      OptionError,
      /got an instance of Map; .* flat record/,
    ],
    ['a reserved name', () => io.save({ __metadata__: zeros([1]) }), OptionError, /named __metadata__; rename it/],
    ['half a character', () => io.save({ 'a\ud800': zeros([1]) }), OptionError, /^io\.save: the name .* surrogate/],
    [
      'metadata of a number',
      () => io.save({}, { metadata: wrong({ epoch: 3 }) }),
      OptionError,
      /^io\.save: metadata "epoch" is a number, not a string; use JSON\.stringify/,
    ],
    ['metadata of no object', () => io.save({}, { metadata: wrong('x') }), OptionError, /metadata is a string/],
    ['half a character of metadata', () => io.save({}, { metadata: { a: '\udc00' } }), OptionError, /surrogate/],
    [
      'an option that is none',
      () => io.save({}, wrong({ meta: {} })),
      OptionError,
      /^io\.save: there is no option meta/,
    ],
  ])('refuses %s', (_name, run, kind, message) => {
    expect(run).toThrow(kind)
    expect(run).toThrow(message)
  })
})

describe('load', () => {
  test.each<[string, number[], Dtype, number[]]>([
    ['F64', bytesOf(new Float64Array([0.1, -0, 1e-60])), 'float32', [Math.fround(0.1), -0, 0]],
    ['F64', bytesOf(new Float64Array([-Infinity, Number.NaN])), 'float32', [-Infinity, Number.NaN]],
    ['BF16', [0x80, 0x3f, 0x00, 0x80, 0x80, 0xff, 0x01, 0x00], 'float32', [1, -0, -Infinity, 2 ** -133]],
    ['I64', bytesOf(new BigInt64Array([-(2n ** 31n), 5n])), 'int32', [-(2 ** 31), 5]],
    ['U64', bytesOf(new BigUint64Array([2n ** 31n - 1n])), 'int32', [2 ** 31 - 1]],
    ['U32', bytesOf(new Uint32Array([7, 2 ** 31 - 1])), 'int32', [7, 2 ** 31 - 1]],
    ['I16', [0xff, 0xff, 1, 0], 'int32', [-1, 1]],
    ['U16', [0xff, 0xff], 'int32', [65535]],
    ['I8', [0xff, 0x7f], 'int32', [-1, 127]],
  ])('converts %s', (dtype, data, as, values) => {
    const { x } = io.load(one(dtype, [values.length], data))
    expect([x.dtype, [...x.toTypedArray()]]).toEqual([as, values])
  })

  test('converts every half exactly', () => {
    const all = Uint16Array.from({ length: 65536 }, (_, i) => i)
    const values = io.load(one('F16', [65536], bytesOf(all))).x.toTypedArray()
    const expected = Float32Array.from(all, (half) => {
      const [sign, exponent, mantissa] = [half >> 15 ? -1 : 1, (half >> 10) & 31, half & 1023]
      if (exponent === 31) return mantissa ? Number.NaN : sign * Infinity
      return sign * (exponent ? 2 ** (exponent - 25) * (1024 + mantissa) : 2 ** -24 * mantissa)
    })
    expect(values).toEqual(expected)
  })

  test('takes what JSON allows: spaces, escapes, keys in any order; and a file in the midst of another', () => {
    const header =
      '{ "\\u0061\\"\\n" :\n{"shape" : [ 2 , 1 ], "data_offsets":[0,8],\t"dtype":"F32"} , "__metadata__": { "k" : "v" } }  '
    const bytes = file(header, bytesOf(new Float32Array([1, 2])))
    expect(io.load(bytes)['a"\n'].toArray()).toEqual([[1], [2]])
    const around = Buffer.concat([Buffer.from([1, 2, 3]), bytes, Buffer.from([4])])
    expect(io.load(around.subarray(3, -1))['a"\n'].toArray()).toEqual([[1], [2]])
    const shared = new Uint8Array(new SharedArrayBuffer(bytes.length))
    shared.set(bytes)
    expect(io.load(shared)['a"\n'].toArray()).toEqual([[1], [2]])
    expect(io.metadata(bytes)).toEqual({ k: 'v' })
  })

  test('takes tensors without elements, and scalars, between others', () => {
    const header = `{"b":${entry('F32', [0, 3], 4, 4)},"a":${entry('I32', [], 0, 4)},"c":${entry('U8', [1], 4, 5)},"d":${entry('U8', [0], 5, 5)}}`
    const { a, b, c, d } = io.load(file(header, [9, 0, 0, 0, 8]))
    expect([a.item(), b.shape, c.toArray(), d.shape]).toEqual([9, [0, 3], [8], [0]])
  })

  test('keeps what it gives out of turns and scopes, and frees it with its handle', () => {
    const bytes = io.save({ w: tensor([1, 2]) })
    const loaded: Tensor[] = []
    for (const i of steps(3)) if (i === 0) loaded.push(scope(() => io.load(bytes)).w)
    expect(loaded[0].toArray()).toEqual([1, 2])
    const held = live()
    loaded[0].dispose()
    expect(live()).toBeLessThan(held)
  })

  test('is strict about JSON, and says where it is wrong', () => {
    const fine = entry('U8', [1], 0, 1)
    const shapes = (text: string) => `{"x":{"dtype":"U8","shape":${text},"data_offsets":[0,1]}}`
    for (const [header, message] of [
      ['', /expected \{ \(at its end, offset 8\)/],
      [` {"x":${fine}}`, /expected \{ \(at offset 8\)/],
      [`\ufeff{"x":${fine}}`, /expected \{ \(at offset 8\)/],
      [`[${fine}]`, /expected \{ \(at offset 8\)/],
      [`{"x":${fine}}\n`, /only spaces may follow its last brace \(at offset 61\)/],
      [`{"x":${fine}}{}`, /only spaces may follow/],
      [`{"x":${fine}} \0`, /only spaces may follow/],
      [`{"x":${fine},}`, /expected a string in double quotes \(at offset 61\)/],
      [`{"x":${fine}`, /expected , \(at its end, offset 60\)/],
      [`{"x":${fine} "y":${fine}}`, /expected ,/],
      [`{"x"}`, /expected : \(at offset 12\)/],
      [`{x:${fine}}`, /expected a string/],
      [`{'x':${fine}}`, /expected a string/],
      [`{"x`, /a string has no end \(at offset 9\)/],
      [`{"x\\`, /a string has no end/],
      [`{"x\\"`, /a string has no end/],
      [`{"x\n":${fine}}`, /control characters, or an escape/],
      [`{"\\x":${fine}}`, /control characters, or an escape/],
      [`{"\\ud83d":${fine}}`, /half of a surrogate pair/],
      [`{"x":${fine},"x":${fine}}`, /the key "x" is there twice \(at offset 61\)/],
      [`{"x":${fine},"\\u0078":${fine}}`, /the key "x" is there twice/],
      ['{"__metadata__":{},"__metadata__":{}}', /the key "__metadata__" is there twice/],
      ['{"__metadata__":{"a":"1","a":"2"}}', /the key "a" is there twice/],
      ['{"__metadata__":{"a":1}}', /expected a string/],
      ['{"__metadata__":{"a":null}}', /expected a string/],
      ['{"__metadata__":null}', /expected \{/],
      ['{"x":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}', /the key "dtype" is there twice/],
      ['{"x":{"dtype":"U8","shape":[1]}}', /tensor "x" needs a dtype, a shape and two data_offsets/],
      ['{"x":{"dtype":"U8","shape":[1],"data_offsets":[0]}}', /needs .* two data_offsets/],
      ['{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1,1]}}', /needs .* two data_offsets/],
      ['{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"extra":1}}', /has an unknown key "extra"/],
      ['{"x":3}', /expected \{/],
      [shapes('1'), /expected \[/],
      [shapes('[1'), /expected a whole number/],
      [shapes('[1 1]'), /expected ,/],
      [shapes('[1,]'), /expected a whole number from 0 up, in plain digits/],
      [shapes('[-1]'), /expected a whole number/],
      [shapes('[1.0]'), /expected a whole number/],
      [shapes('[1e0]'), /expected a whole number/],
      [shapes('[01]'), /expected a whole number/],
      [shapes('["1"]'), /expected a whole number/],
      [shapes('[9007199254740992]'), /a number is larger than 2\^53 - 1 \(at offset 36\)/],
      [shapes(`[${'9'.repeat(400)}]`), /a number is larger than 2\^53 - 1/],
      ['{"x":'.repeat(100_000), /has an unknown key "x"/],
      [' '.repeat(1_000_000), /expected \{/],
      [`{"x":${fine}}${' '.repeat(1_000_000)}!`, /only spaces may follow/],
      [`{"${'n'.repeat(1000)}":3}`, /expected \{/],
    ] as const) {
      expectFormatError(file(header, [1]), message)
      expectFormatError(
        file(header, [1]),
        /^io\.load: the header is not that of a safetensors file: .{1,200}is the file/,
      )
      expect(() => io.metadata(file(header, [1]))).toThrow(/^io\.metadata: /)
    }
  })

  test('is strict about UTF-8', () => {
    const text = Buffer.from(`{"x?":${entry('U8', [1], 0, 1)}}`)
    for (const byte of [0x80, 0xc0, 0xff]) {
      const header = new Uint8Array(text)
      header[text.indexOf('?')] = byte
      expectFormatError(file(header, [1]), /a string is not UTF-8 \(at offset 9\)/)
    }
    const surrogate = Buffer.concat([Buffer.from('{"'), Buffer.from([0xed, 0xa0, 0x80]), text.subarray(4)])
    expectFormatError(file(surrogate, [1]), /a string is not UTF-8/)
    const marked = Buffer.concat([Buffer.from('{"\ufeff'), text.subarray(4)])
    expect(Object.keys(io.load(file(marked, [1])))).toEqual(['\ufeff'])
  })

  test('is strict about the length of the header', () => {
    for (let size = 0; size < 8; size++)
      expectFormatError(
        new Uint8Array(size),
        new RegExp(`^io\\.load: the file ends at offset ${size}, inside the length`),
      )
    const claiming = (length: bigint) => {
      const bytes = Buffer.from(file('{}'))
      bytes.writeBigUInt64LE(length)
      return bytes
    }
    expectFormatError(claiming(3n), /the file ends at offset 10, its header at 11; is it complete\?/)
    expectFormatError(claiming(100_000_000n), /the file ends at offset 10, its header at 100000008/)
    expectFormatError(claiming(100_000_001n), /the header at offset 0 claims 100000001 bytes, more than 100000000/)
    for (const length of [2n ** 32n + 2n, 2n ** 63n, 2n ** 64n - 1n])
      expectFormatError(claiming(length), /claims \d+ bytes.*is this a safetensors file\?/)
    expectFormatError(claiming(0n), /expected \{/)
    for (const given of [undefined, null, 'model.safetensors', [1], new ArrayBuffer(16)])
      expectFormatError(wrong(given), /^io\.load: expected the bytes of a file as a Uint8Array; pass readFileSync/)
  })

  test('is strict about sizes and places', () => {
    const tensors = (...entries: string[]) => `{${entries.map((each, i) => `"t${i}":${each}`).join(',')}}`
    const [a, b] = [entry('U8', [4], 0, 4), entry('F32', [1], 4, 8)]
    const eight = [1, 2, 3, 4, 0, 0, 0, 0]
    expect(Object.keys(io.load(file(tensors(a, b), eight)))).toEqual(['t0', 't1'])
    for (const [header, data, message] of [
      [tensors(a, b), eight.slice(1), /the file ends at offset \d+, its tensors at \d+; is it complete\?/],
      [tensors(a, b), [...eight, 0], /1 bytes follow the last tensor at offset \d+/],
      [tensors(a), eight, /4 bytes follow the last tensor/],
      ['{}', [0], /1 bytes follow the last tensor at offset 10/],
      [tensors(b), eight, /tensor "t0" begins at 4 of the data, where 0 is due: there is a hole before it/],
      [tensors(a, entry('U8', [2], 6, 8)), eight, /tensor "t1" begins at 6 .* where 4 is due: there is a hole/],
      [tensors(a, a), eight.slice(4), /tensor "t1" begins at 0 .* where 4 is due: it overlaps another tensor/],
      [tensors(a, entry('U8', [5], 3, 8)), eight, /tensor "t1" begins at 3 .* it overlaps/],
      [tensors(a, entry('U8', [0], 2, 2), b), eight, /begins at 2 .* it overlaps/],
      [
        tensors(entry('U8', [4], 0, 5)),
        eight.slice(3),
        /"t0" of shape \(4\) and dtype U8 takes 4 bytes, but lies from 0 to 5/,
      ],
      [tensors(entry('F32', [4], 0, 4)), eight.slice(4), /takes 16 bytes, but lies from 0 to 4/],
      [tensors(entry('U8', [4], 4, 0)), eight.slice(4), /takes 4 bytes, but lies from 4 to 0/],
      [tensors(entry('F32', [2, '18446744073709551614'], 0, 8)), eight, /larger than 2\^53 - 1/],
      [tensors(entry('F32', [2, '9223372036854775807'], 0, 8)), eight, /larger than 2\^53 - 1/],
      [tensors(entry('F32', [4294967296, 4294967296], 0, 0)), [], /takes 73786976294838210000 bytes/],
      [tensors(entry('F32', [4503599627370496, 4096], 0, 0)), [], /takes 73786976294838210000 bytes/],
      [tensors(entry('U8', new Array(8).fill(2 ** 53 - 1), 0, 0)), [], /takes .* bytes, but lies from 0 to 0/],
      [tensors(entry('U8', new Array(9).fill(1), 0, 1)), [1], /tensor "t0" has 9 axes; tensors have at most 8/],
      [tensors(entry('F8_E4M3', [1], 0, 1)), [1], /has the dtype "F8_E4M3"; there is F32, I32, .*: convert it/],
      [tensors(entry('constructor', [1], 0, 1)), [1], /has the dtype "constructor"/],
      [tensors(entry('f32', [1], 0, 4)), [0, 0, 0, 0], /has the dtype "f32"/],
    ] as const)
      expectFormatError(file(header, data), message)
  })

  test('is strict about elements that cannot be what they are to become', () => {
    for (const [dtype, data, message] of [
      ['BOOL', [0, 1, 2], /element 2 of tensor "x", at offset 65, is 2; a bool is 0 or 1/],
      ['BOOL', [255], /element 0 of tensor "x".* is 255/],
      [
        'I64',
        bytesOf(new BigInt64Array([1n, 2n ** 31n])),
        /element 1 .* at offset \d+, is 2147483648, which int32 cannot/,
      ],
      ['I64', bytesOf(new BigInt64Array([-(2n ** 31n) - 1n])), /is -2147483649, which int32 cannot hold/],
      ['U64', bytesOf(new BigUint64Array([2n ** 64n - 1n])), /is 18446744073709551615, which int32 cannot hold/],
      ['U32', bytesOf(new Uint32Array([2 ** 31])), /is 2147483648, which int32 cannot hold/],
      ['F64', bytesOf(new Float64Array([0, 1e39])), /element 1 .* is 1e\+39, which float32 cannot hold/],
    ] as const) {
      const size = data.length / { BOOL: 1, I64: 8, U64: 8, U32: 4, F64: 8 }[dtype]
      expectFormatError(one(dtype, [size], data), message)
    }
  })

  test('takes no memory before the layout is checked, and leaks none when an element or an allocation fails', () => {
    const alloc = vi.spyOn(Heap.prototype, 'alloc')
    expectFormatError(file(`{"x":${entry('U8', [2 ** 40], 0, 2 ** 40)}}`), /the file ends/)
    expectFormatError(file(`{"x":${entry('U8', [1], 0, 1)},"y":${entry('U8', [1], 0, 1)}}`, [1]), /overlaps/)
    expect(alloc).not.toHaveBeenCalled()
    alloc.mockRestore()
    const held = live()
    const late = `{"x":${entry('F32', [100], 0, 400)},"y":${entry('BOOL', [1], 400, 401)}}`
    expectFormatError(file(late, [...new Array(400).fill(0), 9]), /element 0 of tensor "y"/)
    expect(live()).toBe(held)
    const bytes = io.save({ a: zeros([100]), b: zeros([200]) })
    const both = live()
    expect(String(failing(2, () => io.load(bytes)))).toMatch(/^MemoryLimitError: /)
    expect(live()).toBe(both)
  })
})

const shapes = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 })

/** Any tensor, by its bytes: NaN payloads and signed zeros too. */
const stored = fc
  .record({ dtype: fc.constantFrom<Dtype>('float32', 'int32', 'uint8', 'bool'), shape: shapes })
  .chain(({ dtype, shape }) => {
    const n = numelOf(shape)
    const byte = fc.nat(dtype === 'bool' ? 1 : 255)
    const length = n * (dtype === 'float32' || dtype === 'int32' ? 4 : 1)
    return fc
      .array(byte, { minLength: length, maxLength: length })
      .map((bytes) => ({ dtype, shape, bytes: new Uint8Array(bytes) }))
  })

const records = fc.dictionary(fc.string({ unit: 'grapheme', maxLength: 8 }), stored, { maxKeys: 6 })
type Records = typeof records extends fc.Arbitrary<infer T> ? T : never

function tensorsOf(record: Records): Record<string, Tensor> {
  const views = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array, bool: Uint8Array }
  return Object.fromEntries(
    Object.entries(record).map(([name, { dtype, shape, bytes }]) => [
      name,
      tensor(new views[dtype](bytes.buffer), { dtype, shape }),
    ]),
  )
}

const disposeAll = (state: Record<string, Tensor>) => {
  for (const x of Object.values(state)) x.dispose()
}

test('any record of any dtypes and shapes comes back bit by bit, and is written the same again', () => {
  const texts = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), { maxKeys: 3 })
  fc.assert(
    fc.property(records, texts, (record, metadata) => {
      const state = tensorsOf(record)
      const bytes = io.save(state, { metadata })
      const read = io.load(bytes)
      expect(Object.keys(read).sort()).toEqual(Object.keys(record).sort())
      for (const [name, { dtype, shape, bytes }] of Object.entries(record)) {
        expect([read[name].dtype, read[name].shape]).toEqual([dtype, shape])
        expect(bits(read[name])).toEqual([...bytes])
      }
      expect(io.metadata(bytes)).toEqual({ ...metadata })
      expect(new DataView(bytes.buffer).getUint32(0, true) % 8).toBe(0)
      expect([...io.save(read, { metadata })]).toEqual([...bytes])
      disposeAll(state)
      disposeAll(read)
    }),
    { numRuns: 200 },
  )
})

test('any damage to a file gives a FormatError, or tensors, and leaks nothing', () => {
  const base = io.save(
    { w: tensor([1, 2]), i: tensor([3], { dtype: 'int32' }), f: tensor([true]), e: zeros([0, 2]) },
    { metadata: { k: 'v' } },
  )
  endAfterlives()
  const change = fc.oneof(
    fc.record({ at: fc.nat(base.length - 1), remove: fc.nat(3), insert: fc.array(fc.nat(255), { maxLength: 3 }) }),
    // Characters that mean something where they come.
    fc.record({
      at: fc.nat(base.length - 1),
      remove: fc.nat(2),
      insert: fc.constantFrom(
        ...['{', '}', '[', ']', '"', ',', ':', '\\', ' ', '0', '9', '-', '.', 'e', '\0'].map((c) => [c.charCodeAt(0)]),
      ),
    }),
  )
  const held = live()
  let [refused, read] = [0, 0]
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), fc.boolean(), (changes, keepsLength) => {
      const bytes = [...base]
      for (const { at, remove, insert } of changes) bytes.splice(at, remove, ...insert)
      // Else most would fail by their length alone.
      const grown = Buffer.from(bytes)
      if (keepsLength && grown.length >= 8) {
        const header = new DataView(base.buffer).getUint32(0, true) + bytes.length - base.length
        grown.writeBigUInt64LE(BigInt(Math.max(header, 0)))
      }
      try {
        disposeAll(io.load(grown))
        read++
      } catch (error) {
        expect(error).toBeInstanceOf(FormatError)
        refused++
      }
      expect(live()).toBe(held)
    }),
    { numRuns: 3000 },
  )
  expect(refused).toBeGreaterThan(read)
  expect(read).toBeGreaterThan(0)
})
