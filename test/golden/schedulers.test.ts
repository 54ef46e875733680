import { expect, test } from 'vitest'
import { read } from './read.ts'
import { measureScheduler, type Schedule } from './scheduler.ts'

test.each(read<Schedule>('schedulers', () => true))('$case is what PyTorch sets', (one) => {
  expect(measureScheduler(one).flatMap(({ wrong }) => wrong)).toEqual([])
})
