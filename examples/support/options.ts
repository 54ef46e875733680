/** The command line of the capstone. */
import { parseArgs } from 'node:util'

export interface Options {
  full: boolean
  json: boolean
  seed: number
}

const HELP = `Train a 784-128-10 network to read handwritten digits (MNIST).

Usage: npm start -- [options]

  --full      train on all 60,000 images, 12 epochs in batches of 64, without
              the comparison (plain JavaScript would take most of a minute)
  --json      print the results as one JSON object on the last line;
              null stands for what was not measured
  --seed N    the seed of the weights and of the shuffling, a whole number
              from 0 on (default 42)
  --help      print this and exit

Without --full: the first 1,000 images, 20 epochs in batches of 32, then the same
network from the same weights on the same batches in plain JavaScript. Times are
those of the updates alone: building the batch, forward, backward, optimizer.
`

/** Reads `process.argv`; prints what is wrong with it and exits, or helps and exits. */
export function readOptions(): Options {
  const { tokens } = parseArgs({
    args: process.argv.slice(2),
    options: {
      full: { type: 'boolean' },
      json: { type: 'boolean' },
      seed: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
    strict: false,
    tokens: true,
  })
  const options: Options = { full: false, json: false, seed: 42 }
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue
    if (token.kind === 'positional') fail(`unexpected argument '${token.value}'`)
    const { name, rawName, value } = token
    if (name !== 'seed' && value !== undefined) fail(`${rawName} takes no value`)
    if (name === 'full' || name === 'json') options[name] = true
    else if (name === 'seed') options.seed = wholeNumber(rawName, value)
    else if (name === 'help') help()
    else fail(`unknown option ${rawName}`)
  }
  return options
}

function wholeNumber(option: string, value = ''): number {
  const number = Number(value)
  if (!/^\d+$/.test(value) || !Number.isSafeInteger(number))
    fail(`${option} takes a whole number from 0 on${value && `, not '${value}'`}`)
  return number
}

function help(): never {
  process.stdout.write(HELP)
  process.exit(0)
}

function fail(problem: string): never {
  process.stderr.write(`capstone: ${problem} (see --help)\n`)
  process.exit(2)
}
