/** Turns pictures into files. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { type RenderedImage, Resvg } from '@resvg/resvg-js'
import type { PlotlyFigure, VegaLiteSpec } from 'neyron/plot'
import { parse, View } from 'vega'
import { compile, type TopLevelSpec } from 'vega-lite'

const { resolve } = createRequire(import.meta.url)
const FAMILY = 'DejaVu Sans'
const FONTS = ['DejaVuSans.ttf', 'DejaVuSans-Bold.ttf'].map((file) => resolve(`dejavu-fonts-ttf/ttf/${file}`))

/** Pixels of the PNG for each of the SVG. */
const SCALE = 2

/** Writes `name.svg` and `name.png`, the same on every machine: the only font is one that comes in a package. */
export async function render(spec: VegaLiteSpec, name: string): Promise<void> {
  const svg = await svgOf(spec)
  write(`${name}.svg`, svg)
  write(`${name}.png`, pixelsOf(svg).asPng())
}

/** Writes a page that shows the figure, to be turned by the mouse, without a network: Plotly is inside. */
export async function renderSurface(figure: PlotlyFigure, file: string): Promise<void> {
  const plotly = readFileSync(resolve('plotly.js-gl3d-dist-min'), 'utf8')
  const title = (figure.layout.title as { text: string }).text
  write(
    file,
    `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>${title.replace(/[&<]/g, (sign) => (sign === '&' ? '&amp;' : '&lt;'))}</title>
<style>html, body, #figure { height: 100%; margin: 0 }</style>
<div id="figure"></div>
<script>${inScript(plotly)}</script>
<script>Plotly.newPlot('figure', ${inScript(JSON.stringify(figure.data))}, ${inScript(JSON.stringify(figure.layout))}, { responsive: true, displaylogo: false })</script>
</html>
`,
  )
}

/** The picture as SVG. What Vega-Lite or Vega warn about is an error. */
export async function svgOf(spec: VegaLiteSpec): Promise<string> {
  const logger = new Complaints()
  const font = `${FAMILY}, Verdana, sans-serif`
  const { spec: vega } = compile(spec as unknown as TopLevelSpec, { config: { font }, logger })
  const view = new View(parse(vega), { renderer: 'none', logger })
  const svg = await view.toSVG()
  view.finalize()
  if (logger.heard.length > 0) throw new Error(logger.heard.join('\n'))
  return svg
}

/** Collects warnings and errors. */
class Complaints {
  readonly heard: string[] = []
  level(level: number): this
  level(): number
  level(level?: number): this | number {
    return level === undefined ? 0 : this
  }
  error(...words: readonly unknown[]): this {
    this.heard.push(words.join(' '))
    return this
  }
  warn = this.error
  info = (): this => this
  debug = (): this => this
}

/** The pixels of an SVG, `SCALE` for each of its own. */
export function pixelsOf(svg: string): RenderedImage {
  const font = { loadSystemFonts: false, fontFiles: FONTS, defaultFontFamily: FAMILY, sansSerifFamily: FAMILY }
  return new Resvg(svg, { font, fitTo: { mode: 'zoom', value: SCALE }, background: '#ffffff' }).render()
}

/** Code or JSON that cannot end the script it is in: in strings and patterns, `<\\/` is `</`. */
const inScript = (code: string): string => code.replaceAll('</script', '<\\/script').replaceAll('<!--', '<\\!--')

function write(file: string, contents: string | Buffer): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, contents)
}
