/** Sizes of chains, checked by the compiler: what compiles, and what the editor says where it does not. */
import ts from 'typescript'
import { beforeAll, describe, expect, test } from 'vitest'

const FILE = `${import.meta.dirname}/snippet.ts`
const HEAD = "import { nn, type Tensor } from '../src/index.ts'\n"

const SNIPPETS = {
  mismatch: 'nn.sequential(new nn.Linear(784, 128), new nn.Linear(64, 10))',
  behindReLU: 'nn.sequential(new nn.Linear(784, 128), new nn.ReLU(), new nn.Linear(64, 10))',
  behindTwo:
    'nn.sequential(new nn.Linear(2, 3), new nn.Tanh(), new nn.Sigmoid(), new nn.Linear(4, 5), new nn.Linear(5, 6))',
  nested:
    'nn.sequential(nn.sequential(new nn.Linear(2, 3), new nn.ReLU()), nn.sequential(new nn.ReLU(), new nn.Linear(4, 5)))',
  custom: `class Net extends nn.Module<readonly [3, 4]> { forward(x: Tensor) { return x } }
nn.sequential(new nn.Linear(2, 3), new Net(), new nn.Linear(5, 6))`,
  notAModule: 'nn.sequential(new nn.Linear(2, 3), (x: Tensor) => x)',
  lossInChain: 'nn.sequential(new nn.Linear(2, 3), new nn.MSELoss())',
  chain: 'nn.sequential(new nn.Linear(784, 128), new nn.ReLU(), new nn.Linear(128, 10))',
  long: `nn.sequential(${Array.from({ length: 24 }, (_, i) => `new nn.Linear(${i + 1}, ${i + 2}), new nn.ReLU()`).join(', ')})`,
  nestedFits:
    'nn.sequential(nn.sequential(new nn.Linear(2, 3), new nn.ReLU()), nn.sequential(new nn.ReLU(), new nn.Linear(3, 5)))',
  anyNumber:
    'const n: number = 5\nnn.sequential(new nn.Linear(2, n), new nn.ReLU(), new nn.Linear(7, n), new nn.Linear(n, 3))',
  customFits: `class Net extends nn.Module { forward(x: Tensor) { return x } }
class Sized extends nn.Module<readonly [3, 4]> { forward(x: Tensor) { return x } }
nn.sequential(new nn.Linear(2, 3), new Net(), new nn.Linear(5, 3), new Sized(), new nn.Linear(4, 1))`,
  behindEmbedding: 'nn.sequential(new nn.Embedding(100, 8), new nn.ReLU(), new nn.Linear(16, 2))',
  behindBatchNorm: 'nn.sequential(new nn.BatchNorm1d(8), new nn.Dropout(), new nn.LayerNorm(8), new nn.Linear(16, 2))',
  batchNormFits: 'nn.sequential(new nn.Linear(2, 8), new nn.BatchNorm1d(8), new nn.Dropout(), new nn.Linear(8, 2))',
  embeddingFits: 'nn.sequential(new nn.Embedding(100, 8), new nn.Linear(8, 2))',
  none: 'nn.sequential()',
  one: 'nn.sequential(new nn.ReLU())',
  spread: 'const layers: nn.Layer[] = [new nn.Linear(2, 3)]\nnn.sequential(...layers)',
  features: `const model = nn.sequential(new nn.Linear(784, 128), new nn.ReLU(), new nn.Linear(128, 10))
const features: readonly [784, 10] = model.features
const linear: readonly [2, 3] = new nn.Linear(2, 3).features
const same: 'same' = new nn.ReLU().features
void [features, linear, same]`,
  wrongFeatures: `const model = nn.sequential(new nn.Linear(784, 128), new nn.Linear(128, 10))
const features: readonly [784, 11] = model.features
void features`,
  forward: 'nn.sequential(new nn.Linear(2, 3)).forward([1, 2])',
} as const

type Name = keyof typeof SNIPPETS

/** What the compiler says of each snippet: the message, and the text that it underlines. */
const said = new Map<Name, { message: string; at: string }[]>()

beforeAll(() => {
  const root = `${import.meta.dirname}/..`
  const config = ts.getParsedCommandLineOfConfigFile(
    `${root}/tsconfig.json`,
    {},
    {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: () => {},
    },
  )
  const options = { ...config?.options, noEmit: true, noUnusedLocals: false, types: [] }
  const names = Object.keys(SNIPPETS) as Name[]
  const files = new Map(
    names.map((name) => [FILE.replace('snippet', `snippet-${name}`), `${HEAD}${SNIPPETS[name]}\nexport {}\n`]),
  )
  const host = ts.createCompilerHost(options)
  const { getSourceFile, fileExists, readFile } = host
  host.fileExists = (path) => files.has(path) || fileExists(path)
  host.readFile = (path) => files.get(path) ?? readFile(path)
  host.getSourceFile = (path, language, ...rest) => {
    const text = files.get(path)
    return text === undefined ? getSourceFile(path, language, ...rest) : ts.createSourceFile(path, text, language)
  }
  const program = ts.createProgram([...files.keys()], options, host)
  ;[...files.keys()].forEach((path, i) => {
    const file = program.getSourceFile(path)
    const found = [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]
    said.set(
      names[i],
      found.map(({ messageText, start = 0, length = 0 }) => ({
        message: ts.flattenDiagnosticMessageText(messageText, '\n'),
        at: (file?.text ?? '').slice(start, start + length),
      })),
    )
  })
}, 60_000)

describe('a chain whose sizes do not meet does not compile, and the layer that does not fit is underlined', () => {
  test.each<[Name, string, string]>([
    ['mismatch', 'this layer takes 64 features, but the one before it gives 128', 'new nn.Linear(64, 10)'],
    ['behindReLU', 'this layer takes 64 features, but the one before it gives 128', 'new nn.Linear(64, 10)'],
    ['behindBatchNorm', 'this layer takes 16 features, but the one before it gives 8', 'new nn.Linear(16, 2)'],
    ['behindEmbedding', 'this layer takes 16 features, but the one before it gives 8', 'new nn.Linear(16, 2)'],
    ['behindTwo', 'this layer takes 4 features, but the one before it gives 3', 'new nn.Linear(4, 5)'],
    [
      'nested',
      'this layer takes 4 features, but the one before it gives 3',
      'nn.sequential(new nn.ReLU(), new nn.Linear(4, 5))',
    ],
    ['custom', 'this layer takes 5 features, but the one before it gives 4', 'new nn.Linear(5, 6)'],
  ])('%s', (name, message, at) => {
    const errors = said.get(name) ?? []
    expect(errors.map((error) => error.at)).toEqual([at])
    expect(errors[0].message).toContain(message)
  })

  test.each<[Name, string]>([
    ['notAModule', '(x: Tensor) => x'],
    ['lossInChain', 'new nn.MSELoss()'],
    ['wrongFeatures', 'features'],
    ['forward', '[1, 2]'],
  ])('%s neither', (name, at) => {
    expect((said.get(name) ?? []).map((error) => error.at)).toEqual([at])
  })
})

test.each<Name>([
  'chain',
  'long',
  'nestedFits',
  'anyNumber',
  'customFits',
  'batchNormFits',
  'embeddingFits',
  'none',
  'one',
  'spread',
  'features',
])('%s compiles', (name) => {
  expect(said.get(name)).toEqual([])
})
