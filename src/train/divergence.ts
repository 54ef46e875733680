/** What to say of a loss that is NaN or infinite. */
import { flawIn, isDetecting } from '../autograd/anomaly.ts'
import { AnomalyError } from '../errors.ts'
import type { Module } from '../nn/module.ts'
import type { Tensor } from '../tensor.ts'
import { inputsOf, targetOf } from './learner.ts'

/**
 * The error of such a loss. It looks first where nothing was computed: at the parameters, then the inputs and the target. What
 * is in those no operation is to blame for, so that anomaly mode does not tell of it.
 * @param rows What the loss was computed from, and `of`, how messages call that.
 * @param isUpdated Whether parameters have been updated before.
 */
export function divergence(
  what: string,
  model: Module,
  rows: readonly Tensor[],
  of: string,
  isUpdated: boolean,
): AnomalyError {
  const reason = spoiltParameter(model, isUpdated) ?? spoiltRow(rows, of)
  return new AnomalyError(
    `fit: ${what}: ${reason ?? `the parameters and ${of} hold finite numbers; lower the learning rate, or clip gradients${traced()}`}`,
  )
}

const traced = () =>
  isDetecting() ? '' : '; setDetectAnomaly(true) names the operation that was the first to give NaN or an infinity'

function spoiltParameter(model: Module, isUpdated: boolean): string | undefined {
  for (const [name, parameter] of model.namedParameters()) {
    const flaw = flawIn(parameter)
    if (flaw)
      return `parameter ${name} holds ${flaw.value} already; ${
        isUpdated
          ? `an update left it there, unless it began so: lower the learning rate, or clip gradients${traced()}`
          : 'it did before the first update: initialize or load it anew'
      }`
  }
  return undefined
}

function spoiltRow(rows: readonly Tensor[], of: string): string | undefined {
  const inputs = inputsOf(rows)
  const named = inputs.map((x, i) => [inputs.length > 1 ? `input ${i}` : 'the input', x] as const)
  for (const [name, x] of [...named, ['the target', targetOf(rows)] as const]) {
    const flaw = flawIn(x)
    if (flaw)
      return `${name} holds ${flaw.value} at row ${Math.floor((flaw.index * x.shape[0]) / x.numel)} of ${of}, of ${x.shape[0]} rows; find such rows by isFinite(), and leave them out or fill them in`
  }
  return undefined
}
