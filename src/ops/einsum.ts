/** Sums of products by names of axes, made of views, sums and matrix products. */
import { check } from '../autograd/operands.ts'
import { inSteps, type Step } from '../autograd/steps.ts'
import { defineView } from '../autograd/view.ts'
import { OptionError, ShapeError } from '../errors.ts'
import { checkShape, formatShape, numelOf, type Shape, sameShape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import { mul } from './binary.ts'
import { matmul } from './matmul.ts'
import { sum } from './reduce.ts'
import { reshape } from './shape.ts'

/** A letter, or for an axis that `...` stands for, its number from the end of those. */
type Label = string

/** A tensor with a label for each axis. */
interface Term {
  readonly x: Tensor
  readonly labels: readonly Label[]
}

/** Labels of the axes of each operand, and of the result. */
interface Equation {
  readonly inputs: readonly (readonly Label[])[]
  readonly output: readonly Label[]
}

/**
 * Sums of products, with letters for axes: `einsum('bik,bkj->bij', x, y)` is a product of batches of matrices.
 *
 * Elements are multiplied where the letters of the operands agree, and summed over each letter that does not stand
 * after `->`. Without `->`, the result has the letters that occur once, capitals first and in alphabetical order. `...`
 * stands for any number of axes, which broadcast; without `->` they come first in the result. A letter that an operand
 * has twice takes its diagonal. As in PyTorch, sizes of a letter may also differ between operands where one of them is 1.
 *
 * Operands are multiplied two at a time, from left to right, by `matmul` where a letter is summed over, else by `mul`.
 * Gradients are those of these operations. The result is float32; but that of one operand without a sum, such as
 * 'ij->ji' or 'ii->i', is a view of it, of its dtype. A result has at most 8 axes, and so has each product on the way.
 * @throws OptionError for what is no such equation, or has another number of operands than there are tensors;
 * ShapeError when shapes do not fit it.
 */
export function einsum(equation: string, ...tensors: Tensor[]): Tensor {
  for (const x of tensors) check('einsum', x)
  const shapes = tensors.map(({ shape }) => shape)
  const { inputs, output } = parse(equation, shapes)
  const sizes = sizesOf(equation, inputs, shapes)
  return inSteps(tensors, (step) => {
    const [first, ...rest] = tensors.map((x, i) => simplified({ x, labels: inputs[i] }, sizes, step))
    const last = rest.reduce((a, b, i) => {
      const wanted = new Set([...output, ...rest.slice(i + 1).flatMap(({ labels }) => labels)])
      const left = summed(a, [...wanted, ...b.labels], step)
      return multiplied(left, summed(b, [...wanted, ...a.labels], step), wanted, step)
    }, first)
    return arranged(summed(last, output, step), output)
  })
}

// --- the equation ----------------------------------------------------------------------------------------------------

const isLetter = (label: Label) => /[A-Za-z]/.test(label)

function parse(equation: string, shapes: readonly Shape[]): Equation {
  if (typeof equation !== 'string')
    throw new OptionError(`einsum: expected an equation such as 'ij,jk->ik', got ${typeof equation}`)
  const wrong = (why: string) => new OptionError(`einsum: '${equation}' ${why}`)
  const [left, right, ...more] = equation.replaceAll(' ', '').split('->')
  const terms = left.split(',')
  const odd = [...terms, right ?? ''].find((term) => !/^[A-Za-z]*(\.\.\.)?[A-Za-z]*$/.test(term))
  if (more.length > 0 || odd !== undefined)
    throw wrong(
      `is no equation${odd === undefined ? '' : ` because of '${odd}'`}: it takes letters, and '...' once for each operand, ` +
        "as in 'ij,jk->ik' or '...ij->...ji'",
    )
  if (terms.length !== shapes.length)
    throw wrong(
      `is for ${terms.length} operand${terms.length === 1 ? '' : 's'}, but there are ${shapes.length} tensors`,
    )
  const inputs = terms.map((term, i) => {
    const letters = term.replace('...', '').length
    const others = shapes[i].length - letters
    if (others < 0 || (others > 0 && term.length === letters))
      throw new ShapeError(
        `einsum: '${term}' in '${equation}' does not fit the shape ${formatShape(shapes[i])} of operand ${i}: ` +
          "it must have a letter for each axis, or '...' for some",
      )
    return labelsOf(term, others)
  })
  const all = inputs.flat()
  const others = Math.max(0, ...all.filter((label) => !isLetter(label)).map(Number))
  const once = all.filter((label) => isLetter(label) && all.indexOf(label) === all.lastIndexOf(label))
  const output = labelsOf(right ?? `...${once.sort().join('')}`, others)
  output.forEach((label, i) => {
    if (!all.includes(label)) throw wrong(`has ${label} in its result, but in no operand`)
    if (output.indexOf(label) < i) throw wrong(`has ${label} twice in its result`)
  })
  return { inputs, output }
}

/** 'a...b' as ['a', '2', '1', 'b'] where '...' stands for two axes. */
function labelsOf(term: string, others: number): Label[] {
  const [before, after] = term.split('...')
  return after === undefined
    ? [...term]
    : [...before, ...Array.from({ length: others }, (_, i) => String(others - i)), ...after]
}

/** The size of each label: that of all axes that have it, but for those of size 1. */
function sizesOf(equation: string, inputs: Equation['inputs'], shapes: readonly Shape[]): Map<Label, number> {
  const sizes = new Map<Label, number>()
  inputs.forEach((labels, operand) => {
    labels.forEach((label, axis) => {
      const size = shapes[operand][axis]
      const beside = shapes[operand][labels.indexOf(label)]
      const known = sizes.get(label) ?? size
      if (size !== beside || (size !== known && size !== 1 && known !== 1))
        throw new ShapeError(
          `einsum: in '${equation}', ${isLetter(label) ? `letter ${label}` : `axis -${label} of '...'`} has the sizes ` +
            `${size !== beside ? `${beside} and ${size} in one operand` : `${known} and ${size}`}; they must be equal` +
            `${size !== beside ? '' : ', or one of them 1'}`,
        )
      sizes.set(label, size === 1 ? known : size)
    })
  })
  return sizes
}

// --- the steps -------------------------------------------------------------------------------------------------------

/** One axis for each list of axes: their diagonal, or a new one of size 1 for none. Axes in no list have size 1. */
const diagonals = defineView<readonly Shape[]>('einsum', (shape, strides, lists) => ({
  shape: lists.map((axes) => (axes.length > 0 ? shape[axes[0]] : 1)),
  strides: lists.map((axes) => axes.reduce((step, axis) => step + strides[axis], 0)),
  offset: 0,
}))

/** The axes of a term in this order, with size 1 where it lacks one. */
const arranged = ({ x, labels }: Term, order: readonly Label[]): Tensor =>
  diagonals(
    x,
    order.map((label) => [...labels.keys()].filter((axis) => labels[axis] === label)),
  )

/** Each label once, and only where the axis has its size: one of size 1 changes no product. */
function simplified({ x, labels }: Term, sizes: ReadonlyMap<Label, number>, step: Step): Term {
  const own = [...new Set(labels.filter((label, axis) => x.shape[axis] === sizes.get(label)))]
  return own.length === labels.length ? { x, labels } : { x: step(arranged({ x, labels }, own)), labels: own }
}

/** The sum over all labels that are not wanted. */
function summed({ x, labels }: Term, wanted: readonly Label[], step: Step): Term {
  const kept = labels.filter((label) => wanted.includes(label))
  const dims = [...labels.keys()].filter((axis) => !wanted.includes(labels[axis]))
  return dims.length > 0 ? { x: step(sum(x, dims)), labels: kept } : { x, labels }
}

/** The product, summed over labels that both have and nobody wants. */
function multiplied(a: Term, b: Term, wanted: ReadonlySet<Label>, step: Step): Term {
  const shared = a.labels.filter((label) => b.labels.includes(label))
  const batch = shared.filter((label) => wanted.has(label))
  const inner = shared.filter((label) => !wanted.has(label))
  const left = a.labels.filter((label) => !shared.includes(label))
  const right = b.labels.filter((label) => !shared.includes(label))
  const labels = [...batch, ...left, ...right]
  const sizes = ({ x, labels }: Term, some: readonly Label[]) => some.map((label) => x.shape[labels.indexOf(label)])
  const shape = [...sizes(a, batch), ...sizes(a, left), ...sizes(b, right)]
  checkShape('einsum', shape)
  if (inner.length === 0) return { x: step(mul(step(arranged(a, labels)), step(arranged(b, labels)))), labels }
  const [m, n, k] = [sizes(a, left), sizes(b, right), sizes(a, inner)].map(numelOf)
  const rows = shaped(ordered(a, [...batch, ...left, ...inner], step), [...sizes(a, batch), m, k], step)
  const columns = shaped(ordered(b, [...batch, ...inner, ...right], step), [...sizes(a, batch), k, n], step)
  return { x: shaped(step(matmul(rows, columns)), shape, step), labels }
}

const ordered = (term: Term, order: readonly Label[], step: Step): Tensor =>
  order.every((label, axis) => label === term.labels[axis]) ? term.x : step(arranged(term, order))

function shaped(x: Tensor, shape: Shape, step: Step): Tensor {
  checkShape('einsum', shape)
  return sameShape(x.shape, shape) ? x : step(reshape(x, shape))
}
