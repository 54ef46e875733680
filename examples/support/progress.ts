/** Progress of a training: a line for each epoch, with a bar below them on a terminal. */
import { MultiBar, Presets } from 'cli-progress'

/** What a model can do. */
export interface Evaluation {
  loss: number
  /** The share of right answers, 0 to 1. */
  accuracy: number
}

export interface Progress {
  /** Call after each epoch with the time of its updates, in seconds, and what the model can do by now. */
  epoch(seconds: number, evaluation: Evaluation): void
  stop(): void
}

export function startProgress(name: string, epochs: number): Progress {
  console.log(`\n${name}`)
  let done = 0
  const line = (seconds: number, { loss, accuracy }: Evaluation): string =>
    `  epoch ${String(done).padStart(2)}/${epochs}` +
    `   loss ${loss.toFixed(4)}` +
    `   train accuracy ${(accuracy * 100).toFixed(2).padStart(6)} %` +
    `   ${(seconds * 1000).toFixed(0).padStart(5)} ms`

  if (!process.stdout.isTTY) {
    return {
      epoch(seconds, evaluation) {
        done++
        console.log(line(seconds, evaluation))
      },
      stop() {},
    }
  }
  const bars = new MultiBar(
    { stream: process.stdout, format: '  {bar} {percentage} %', clearOnComplete: true, linewrap: true },
    Presets.shades_classic,
  )
  const bar = bars.create(epochs, 0)
  bars.update()
  return {
    epoch(seconds, evaluation) {
      done++
      bars.log(`${line(seconds, evaluation)}\n`)
      bar.update(done)
      bars.update() // training is synchronous: the bar's own timer never fires
    },
    stop: () => bars.stop(),
  }
}
