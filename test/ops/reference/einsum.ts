/** Sums of products by letters, by definition: a loop over all letters. */
import { numelOf } from '../../../src/shape.ts'
import { get, type Nd, nd, total } from '../nd.ts'

/** Operands, then the equation. `...` becomes digits, one for each axis, 0 for the last. */
export function einsum(...args: (Nd | string)[]): Nd {
  const xs = args.slice(0, -1) as Nd[]
  const [left, right] = (args.at(-1) as string).replaceAll(' ', '').split('->')
  const digits = (count: number) => '43210'.slice(5 - count)
  const counts = left.split(',').map((term, i) => xs[i].shape.length - term.replace('...', '').length)
  const terms = left.split(',').map((term, i) => term.replace('...', digits(counts[i])))
  const all = [...terms.join('')]
  const once = all.filter((letter) => /[A-Za-z]/.test(letter) && all.indexOf(letter) === all.lastIndexOf(letter))
  const result = [...(right ?? `...${once.sort().join('')}`).replace('...', digits(Math.max(...counts)))]
  const summed = [...new Set(all)].filter((letter) => !result.includes(letter))
  const sizeOf = (letter: string) => {
    const sizes = terms.flatMap((term, i) => xs[i].shape.filter((_, axis) => term[axis] === letter))
    return sizes.find((size) => size !== 1) ?? 1
  }
  const steps = summed.map(sizeOf)
  return nd(result.map(sizeOf), (index) => {
    const products = nd(steps, (step) => {
      const at = (letter: string) => [...index, ...step][[...result, ...summed].indexOf(letter)]
      return xs.map((x, i) => get(x, [...terms[i]].map(at))).reduce((a, b) => a * b)
    })
    return numelOf(steps) === 1 ? products.data[0] : total([...products.data])
  })
}
