import { describe, expect, test } from 'vitest'
import { type Call, measure } from './call.ts'
import { type Layer, measureLayer } from './layer.ts'
import { type Case, read } from './read.ts'

const cases = read<Layer | Call>('layers')
const isCall = (one: Case<Layer | Call>): one is Case<Call> => 'op' in one
const nameOf = (one: Case<Layer | Call>) => (isCall(one) ? one.op : one.layer)

describe.each([...new Set(cases.map(nameOf))])('%s', (name) => {
  test.each(cases.filter((one) => nameOf(one) === name))('$case is what PyTorch computes', (one) => {
    const measures = isCall(one) ? measure(one) : measureLayer(one)
    expect(measures.flatMap(({ wrong }) => wrong)).toEqual([])
  })
})
