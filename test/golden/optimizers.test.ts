import { describe, expect, test } from 'vitest'
import { measureOptimizer, type Trajectory } from './optimizer.ts'
import { read } from './read.ts'

const cases = read<Trajectory>('optimizers', () => true)

describe.each([...new Set(cases.map(({ optimizer }) => optimizer))])('%s', (optimizer) => {
  test.each(cases.filter((one) => one.optimizer === optimizer))('$case goes where PyTorch goes', (one) => {
    expect(measureOptimizer(one).flatMap(({ wrong }) => wrong)).toEqual([])
  })
})
