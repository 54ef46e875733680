/** A fenced block of code in a Markdown file, or in a comment of a source file. */
export interface Block {
  readonly file: string
  /** Of the first line of code, from 1. */
  readonly line: number
  readonly language: string
  /** What follows the language after the opening fence. */
  readonly note: string
  readonly code: string
  /** The nearest line above that is not empty. */
  readonly above: string
}

export function blocksOf(file: string, text: string): Block[] {
  const lines = file.endsWith('.ts') ? text.split('\n').map(uncomment) : text.split('\n')
  const blocks: Block[] = []
  let above = ''
  for (let i = 0; i < lines.length; i++) {
    const fence = /^( *)```(\w+) ?(.*)$/.exec(lines[i])
    if (!fence) {
      if (lines[i].trim() !== '') above = lines[i]
      continue
    }
    const [, indent, language, note] = fence
    const end = lines.indexOf(`${indent}\`\`\``, i + 1)
    if (end < 0) throw new Error(`${file}:${i + 1}: this block does not end`)
    const code = lines.slice(i + 1, end).map((line) => line.slice(indent.length))
    blocks.push({ file, line: i + 2, language, note, code: code.join('\n'), above })
    above = ''
    i = end
  }
  return blocks
}

/** The text of a line of a block comment; nothing for any other line. */
const uncomment = (line: string) => /^ *\* ?(.*)$/.exec(line)?.[1] ?? ''
