/**
 * A bias before batch norm is left out where Adam trains it: the norm takes it away again, so its gradient is nothing but
 * rounding noise, and Adam makes steps of full length of any noise. Float32 does not determine where it goes. The loss does
 * not depend on it.
 */
import { expect, test } from 'vitest'
import { read } from './read.ts'
import { measureTraining, type Training } from './training.ts'

test.each(read<Training>('trainings', (name) => name === 'loss'))(
  '$case: the loss is PyTorch’s step by step',
  (one) => {
    expect(measureTraining(one).flatMap(({ wrong }) => wrong)).toEqual([])
  },
)
