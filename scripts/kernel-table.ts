/** Turns asc's raw declarations into the typed kernel table: `usize` is a `Ptr`, everything else a number. */
export function kernelTable(declarations: string): string {
  const exported = [...declarations.matchAll(/\/\*\*((?:(?!\*\/).)*)\*\/\s*export function (\w+)\([^)]*\): (\w+);/gs)]
  const members = exported.map(([, comment, name, result]) => {
    const parameters = [...comment.matchAll(/@param (\w+) `(\w+)`/g)].map(
      ([, parameter, type]) => `${parameter}: ${type === 'usize' ? 'Ptr' : 'number'}`,
    )
    const returns = /@returns `usize`/.test(comment) ? 'Ptr' : result
    return `  ${name}(${parameters.join(', ')}): ${returns}`
  })
  return `// Written by scripts/build-kernels.ts from the declarations of assembly/kernels.ts.
declare const pointer: unique symbol
/** A byte address in linear memory. */
export type Ptr = number & { readonly [pointer]: true }

/** Every kernel of the module, by name. */
export interface Kernels {
${members.join('\n')}
}
`
}
