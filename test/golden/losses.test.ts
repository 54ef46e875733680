import { describe, expect, test } from 'vitest'
import { type Call, measure } from './call.ts'
import { read } from './read.ts'

const cases = read<Call>('losses')

describe.each([...new Set(cases.map(({ op }) => op))])('%s', (op) => {
  test.each(cases.filter((one) => one.op === op))('$case is what PyTorch computes', (one) => {
    expect(measure(one).flatMap(({ wrong }) => wrong)).toEqual([])
  })
})
