/** The table of a model's modules. */
import { zeros } from '../create.ts'
import type { Dtype } from '../dtype.ts'
import { DtypeError } from '../errors.ts'
import { withoutDraws } from '../runtime/random.ts'
import { noGrad } from '../scope.ts'
import { checkShape, formatShape, type Shape } from '../shape.ts'
import { Tensor } from '../tensor.ts'
import type { Module } from './module.ts'
import type { Parameter } from './parameter.ts'

/** A module of a model, and what is in its own fields. */
export interface Part {
  readonly path: string
  readonly module: Module
  readonly parameters: readonly Parameter[]
  readonly buffers: readonly Tensor[]
}

/** `parts`: the model, then what is inside. */
export function summaryOf(parts: readonly Part[], inputShape: Shape | undefined): string {
  const shapes = inputShape && outputShapes(parts, inputShape)
  const counted = new Set<Parameter>()
  const rows = parts.flatMap((part, i) => {
    const { path, module, parameters } = part
    const fresh = parameters.filter((parameter) => !counted.has(parameter))
    for (const parameter of fresh) counted.add(parameter)
    // The model itself, which the title names, unless a line says more.
    if (i === 0 && parts.length > 1 && parameters.length === 0) return []
    const isShared = parameters.length > 0 && fresh.length === 0
    const shape = shapes ? [shapes.get(module) ?? '-'] : []
    return [[path, module.constructor.name, ...shape, isShared ? 'shared' : grouped(numelOf(fresh))]]
  })
  const [{ module: model }] = parts
  const given = shapes && inputShape ? `: ${formatShape(inputShape)} to ${shapes.get(model) ?? '-'}` : ''
  const frozen = numelOf([...counted].filter(({ requiresGrad }) => !requiresGrad))
  const total = numelOf([...counted])
  const lines = tableOf(['layer', 'type', ...(shapes ? ['output shape'] : []), 'parameters'], rows)
  return [
    `${model.constructor.name}${given}`,
    ...lines,
    `${grouped(total)} parameters: ${grouped(total - frozen)} trained, ${grouped(frozen)} frozen`,
  ].join('\n')
}

const numelOf = (parameters: readonly Parameter[]) => parameters.reduce((sum, { numel }) => sum + numel, 0)

/** 1234567 as 1,234,567. */
const grouped = (n: number) => String(n).replace(/\B(?=(\d{3})+$)/g, ',')

/** Lines between rules, every column as wide as it must be, the last one flush right. */
function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [head, ...rows]
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column].length)))
  const lines = all.map((row) =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell.padStart(widths[column]) : cell.padEnd(widths[column])))
      .join('  '),
  )
  const rule = '─'.repeat(lines[0].length)
  return [rule, lines[0], rule, ...lines.slice(1), rule]
}

/** What each module gives, the first time it is called, when the model is given zeros. */
function outputShapes(parts: readonly Part[], inputShape: Shape): Map<Module, string> {
  checkShape('summary', inputShape)
  try {
    return watch(parts, inputShape, 'float32')
  } catch (error) {
    if (error instanceof DtypeError) return watch(parts, inputShape, 'int32')
    throw error
  }
}

/** Runs the model with every `forward` watched, and leaves no trace of it. */
function watch(parts: readonly Part[], inputShape: Shape, dtype: Dtype): Map<Module, string> {
  const shapes = new Map<Module, string>()
  const modules = [...new Set(parts.map(({ module }) => module))]
  const modes = modules.map(({ training }) => training)
  const own = modules.map((module) => Object.getOwnPropertyDescriptor(module, 'forward'))
  try {
    for (const module of modules) {
      const forward = module.forward as (...inputs: unknown[]) => unknown
      const watched = (...inputs: unknown[]): unknown => {
        const y = forward.apply(module, inputs)
        if (!shapes.has(module)) shapes.set(module, shapeOf(y))
        return y
      }
      Object.defineProperty(module, 'forward', { value: watched, configurable: true })
      module.training = false
    }
    withoutDraws(() => noGrad(() => keeping(parts, () => run(modules[0], inputShape, dtype))))
  } finally {
    modules.forEach((module, i) => {
      module.training = modes[i]
      Reflect.deleteProperty(module, 'forward')
      const before = own[i]
      if (before) Object.defineProperty(module, 'forward', before)
    })
  }
  return shapes
}

function run(model: Module, inputShape: Shape, dtype: Dtype): void {
  ;(model.forward as (x: Tensor) => unknown)(zeros(inputShape, { dtype }))
}

/** Runs `body` and puts back what it has changed of the buffers. */
function keeping(parts: readonly Part[], body: () => void): void {
  const before = parts
    .flatMap(({ buffers }) => buffers)
    .map((buffer) => ({ buffer, copy: buffer.clone(), version: buffer.storage.version }))
  try {
    body()
  } finally {
    for (const { buffer, copy, version } of before) if (buffer.storage.version !== version) buffer.copy_(copy)
  }
}

/** `(32, 10)`; of several tensors, all their shapes. */
function shapeOf(y: unknown): string {
  if (y instanceof Tensor) return formatShape(y.shape)
  return Array.isArray(y) ? y.map(shapeOf).join(', ') : '-'
}
