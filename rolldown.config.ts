import { defineConfig } from 'rolldown'

/** One file per entry point with shared chunks: sixty small modules take 40 ms to import on Node 20, one takes 16. */
export default defineConfig({
  input: { index: 'src/index.ts', plot: 'src/plot/index.ts' },
  external: ['#wasm'],
  output: {
    dir: 'dist',
    format: 'esm',
    chunkFileNames: '[name].js',
    codeSplitting: { groups: [{ name: 'shared', minShareCount: 2 }] },
  },
})
