import { NeyronError, OptionError, reword } from '../errors.ts'
import type { Tensor } from '../tensor.ts'
import { type Features, type Layer, Module } from './module.ts'

type Chain = readonly Layer[]

type FeaturesOf<M> = M extends Module<infer F extends Features> ? F : never

/** Features as sizes; `never` for `'same'`, any sizes for a module that does not say. */
type SizesOf<M> = Extract<FeaturesOf<M>, readonly [number, number]>

/** What a chain gives when it is given `Given`. */
type Gives<Layers extends Chain, Given extends number = number> = Layers extends readonly [
  infer First,
  ...infer Rest extends Chain,
]
  ? Gives<Rest, [SizesOf<First>] extends [never] ? Given : SizesOf<First>[1]>
  : Given

/** What a chain takes: what its first layer with sizes takes. */
type Takes<Layers extends Chain> = Layers extends readonly [infer First, ...infer Rest extends Chain]
  ? [SizesOf<First>] extends [never]
    ? Takes<Rest>
    : SizesOf<First>[0]
  : number

/** The layers before layer I. */
type Before<Layers extends Chain, I, Passed extends Chain = readonly []> = `${Passed['length']}` extends I
  ? Passed
  : Layers extends readonly [infer First extends Layer, ...infer Rest extends Chain]
    ? Before<Rest, I, readonly [...Passed, First]>
    : Passed

/** `unknown`, which says nothing, when a layer fits what is given to it; else a sentence, which no layer is. */
type Fit<Next, Given extends number> = [SizesOf<Next>] extends [never]
  ? unknown
  : number extends SizesOf<Next>[0] | Given
    ? unknown
    : Given extends SizesOf<Next>[0]
      ? unknown
      : `this layer takes ${SizesOf<Next>[0]} features, but the one before it gives ${Given}`

/** The layers, each with the demand that it fit the one before it. */
type Fitting<Layers extends Chain> = { [I in keyof Layers]: Layers[I] & Fit<Layers[I], Gives<Before<Layers, I>>> }

/** Each layer by its number, with its own type: `chain[0].weight`. */
type Numbered<Layers extends Chain> = {
  readonly [I in keyof Layers as I extends `${number}` ? I : never]: Layers[I]
}

/** A chain of modules, numbered from 0: `chain[0]`; names in `stateDict()` are `0.weight` and so on. */
export class Sequential<Layers extends Chain = Chain> extends Module<readonly [Takes<Layers>, Gives<Layers>]> {
  readonly [index: number]: Layer

  constructor(layers: Layers) {
    super()
    Object.assign(this, layers)
  }

  /** How many modules there are. */
  get length(): Layers['length'] {
    let n = 0
    while (n in this) n++
    return n as Layers['length']
  }

  /**
   * What the last module gives.
   * @throws What a module throws; the message of a `NeyronError` then ends with its path and class: `(in layer 2.0, Linear)`.
   */
  forward(x: Tensor): Tensor {
    let i = 0
    try {
      let y = x
      // The fields, which are what parameters are found in, so that a layer put in place of another counts.
      for (; i in this; i++) y = this[i].forward(y)
      return y
    } catch (error) {
      if (error instanceof NeyronError) locate(error, this, i)
      throw error
    }
  }
}

/** Where errors come from: the last chain that they left, and from there the path to the first layer that they left. */
const places = new WeakMap<NeyronError, { chain: Sequential; path: string; kind: string; message: string }>()

/** Adds to the message, or puts right what a chain inside layer `i` has added to it. */
function locate(error: NeyronError, chain: Sequential, i: number): void {
  const inner = places.get(error)
  const kind = inner?.kind ?? chain[i].constructor.name
  const message = inner?.message ?? error.message
  const path = inner ? [i, ...pathTo(inner.chain, chain[i]), inner.path].join('.') : `${i}`
  reword(error, `${message} (in layer ${path}, ${kind})`)
  places.set(error, { chain, path, kind, message })
}

/** The path to `chain` from a layer around it; none from itself, or where no field shows it. */
function pathTo(chain: Sequential, layer: Layer): string[] {
  return layer.namedModules().flatMap(([path, module]) => (module === chain && path ? [path] : []))
}

/**
 * A chain: each module gets what the one before it gives. Sizes that do not meet are an error of the type system:
 * `nn.sequential(new nn.Linear(784, 128), new nn.Linear(64, 10))` does not compile. A size of type `number` fits anything.
 */
export function sequential<Layers extends Chain>(...layers: Fitting<Layers>): Sequential<Layers> & Numbered<Layers> {
  const chain = layers as unknown as Layers
  chain.forEach((layer, i) => {
    if (!(layer instanceof Module))
      throw new OptionError(
        `sequential: argument ${i} is not a module; pass modules one by one, made by new, and wrap a function in a class that extends nn.Module`,
      )
  })
  return new Sequential(chain) as Sequential<Layers> & Numbered<Layers>
}
