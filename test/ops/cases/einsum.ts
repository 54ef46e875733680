/** Rows of sums of products by letters. */
import { OptionError, ShapeError } from '../../../src/errors.ts'
import { einsum, type Tensor } from '../../../src/index.ts'
import { type Case, type ErrorBound, on, type Refusal, rows } from '../case.ts'
import * as reference from '../reference/einsum.ts'

const run = (...args: (Tensor | string)[]) => einsum(args.at(-1) as string, ...(args.slice(0, -1) as Tensor[]))

/**
 * A product with the next operand rounds once for each element that it sums, no more than that operand has, and once
 * for the product; a sum over single letters, at most three times for each operand.
 */
const roundings: ErrorBound = (_exact, magnitude, inputs) =>
  inputs.reduce((count, { data }) => count + data.length + 4, 0) * 2 ** -24 * magnitude

export const cases: readonly Case[] = [
  {
    op: 'einsum',
    run,
    f: reference.einsum,
    error: roundings,
    on: [
      // One operand: other orders, diagonals, sums.
      on([2, 3]).with('ij->ij'),
      on([2, 3, 4]).with('ijk->kij'),
      on([2, 3]).with('ba'),
      on([2, 3]).with('aB'),
      on([3, 3]).with('ii'),
      on([3, 3]).with('ii->i'),
      on([3, 2, 3]).with('iji->ji'),
      on([2, 2, 2]).with('iii->i'),
      on([2, 3, 4]).with('ijk->j'),
      on([2, 3]).with(' i j -> '),
      on([]).with(''),
      // Matrix products, with operands in any order of axes.
      ...['ij,jk->ik', 'ij,jk', 'ij,jk->ki'].map((equation) => on([2, 3], [3, 4]).with(equation)),
      on([3, 2], [4, 3]).with('ji,kj->ik'),
      on([2, 3], [3]).with('ij,j'),
      on([3], [3]).with('i,i'),
      on([2, 5, 3], [2, 3, 4]).with('bij,bjk->bik'),
      on([5, 2, 3], [3, 4, 2]).with('ibj,jkb->bki'),
      on([2, 3], [2, 3, 4]).with('bi,bij->bj'),
      on([2, 3], [2, 3]).with('bi,bi->b'),
      // Attention: scores and values of heads.
      on([2, 3, 2, 4], [2, 5, 2, 4]).with('bqhd,bkhd->bhqk'),
      on([2, 2, 3, 5], [2, 5, 2, 4]).with('bhqk,bkhd->bqhd'),
      // Several letters in each role.
      on([2, 3, 4], [3, 4, 2]).with('ijk,jkl->il'),
      on([2, 3, 4], [4, 3, 2]).with('ijk,kli->jl'),
      on([2, 3, 4], [4, 2, 2]).with('ijk,klm->mjil'),
      on([2, 3, 2], [2, 2, 3]).with('abc,cad->dbca'),
      on([2, 3], [2, 3]).with('ij,ij'),
      // No letter to sum over, or one that only one operand has.
      on([3], [2]).with('i,j'),
      on([2, 3], [2, 3]).with('ij,ij->ij'),
      on([2, 3], [3, 2]).with('ij,ji->ji'),
      on([2, 3], [2, 4]).with('bi,bj->bij'),
      on([2, 3], [4]).with('ij,k->'),
      on([2, 3], [3, 4]).with('ij,jk->j'),
      on([3, 3], [3]).with('ii,i->i'),
      // Three and more.
      on([2, 3], [3, 4], [4, 2]).with('ij,jk,kl->il'),
      on([2], [2, 3], [3]).with('i,ij,j'),
      on([2, 3], [2, 3], [3, 4]).with('ik,jk,kl->lij'),
      on([2], [3], [], [2]).with('i,j,,i->j'),
      // Axes without a letter, and sizes of 1, broadcast.
      on([2, 2, 3], [3, 4]).with('...ij,jk->...ik'),
      on([2, 1, 2, 3], [4, 3, 2]).with('...ij,...jk'),
      on([2, 3, 4]).with('i...->...i'),
      on([2, 3, 4]).with('...i->i'),
      on([2, 3]).with('...'),
      on([3]).with('i...'),
      on([1, 3], [2, 1]).with('ij,ij->ij'),
      on([1, 3], [2, 4]).with('ij,ik->jk'),
      on([1], [3]).with('i,i'),
      // No elements.
      on([2, 0], [0, 3]).with('ij,jk->ik'),
      on([0, 3], [3, 2]).with('ij,jk->ik'),
      on([2, 0]).with('ij->i'),
      on([0, 2], [0, 3]).with('bi,bj->ij'),
      on([1, 2], [0, 3]).with('bi,bj->bij'),
      on([0, 0]).with('ii'),
      on(rows([NaN, 1], [Infinity, 2]), rows([0, 1], [1, 1])).with('ij,ij->i'),
    ],
  },
]

const nine = Array(9).fill(1)

export const refused: readonly Refusal[] = [
  {
    op: 'einsum',
    run,
    error: OptionError,
    on: [
      ...['i;j', 'i..', '.i', '...i...', 'i->j', 'i->ii', 'i->i->i', 'i,j', 'i-', 'é'].map((e) => on([2]).with(e)),
      on([2], [2]).with('i'),
      on([2]).with(7),
    ],
  },
  {
    op: 'einsum',
    run,
    error: ShapeError,
    on: [
      ...['', 'i', 'ijk', '...ijk', '->', 'ii'].map((equation) => on([2, 3]).with(equation)),
      on([1, 3]).with('ii'),
      on([2], [3]).with('i,i'),
      on([2, 3], [2, 3]).with('ij,jk'),
      on([2, 3], [3, 3]).with('...i,...i'),
      on(nine.slice(0, 5), nine.slice(0, 4)).with('abcde,fghi'),
    ],
  },
]
