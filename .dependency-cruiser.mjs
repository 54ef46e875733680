/**
 * Runtime imports go one way, from the right to the left:
 * errors, dtype, options, shape, inspect, runtime <- autograd <- ops <- tensor, create, scope, gradcheck <- nn, optim, data, io <- train, plot <- index.
 * Types may be imported from anywhere.
 */
const LAYERS = [
  '(errors|dtype|options|shape|inspect)\\.ts',
  'runtime/',
  'autograd/',
  'ops/',
  '(tensor|create|scope|gradcheck)\\.ts',
  '(nn|optim|data|io)/',
  '(train|plot)/',
  'index\\.ts',
]

const atRuntime = { dependencyTypesNot: ['type-only'] }

export default {
  forbidden: [
    ...LAYERS.slice(0, -1).map((layer, i) => ({
      name: `layer-${i}`,
      comment: 'a lower layer imports a higher one; import only the type, or move the code',
      severity: 'error',
      from: { path: `^src/${layer}` },
      to: { path: LAYERS.slice(i + 1).map((higher) => `^src/${higher}`), ...atRuntime },
    })),
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: atRuntime },
    },
    {
      name: 'no-dependencies',
      comment: 'the library has no dependencies at run time',
      severity: 'error',
      from: { path: '^src/' },
      to: { pathNot: ['^src/', '^dist/wasm'] },
    },
    {
      name: 'wasm-in-one-place',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/runtime/engine\\.ts$' },
      to: { path: '^dist/wasm' },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: ['node_modules', '^dist'] },
  },
}
