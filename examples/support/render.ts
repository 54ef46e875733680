/** Turns pictures into files. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { Resvg } from '@resvg/resvg-js'
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
  write(`${name}.png`, pngOf(svg))
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

/** The picture as SVG. */
export async function svgOf(spec: VegaLiteSpec): Promise<string> {
  const font = `${FAMILY}, Verdana, sans-serif`
  const { spec: vega } = compile(spec as unknown as TopLevelSpec, { config: { font } })
  const view = new View(parse(vega), { renderer: 'none' })
  try {
    return await view.toSVG()
  } finally {
    view.finalize()
  }
}

/** The picture as PNG. */
function pngOf(svg: string): Buffer {
  const font = { loadSystemFonts: false, fontFiles: FONTS, defaultFontFamily: FAMILY, sansSerifFamily: FAMILY }
  return new Resvg(svg, { font, fitTo: { mode: 'zoom', value: SCALE }, background: '#ffffff' }).render().asPng()
}

/** Code or JSON that cannot end the script it is in: in strings and patterns, `<\\/` is `</`. */
const inScript = (code: string): string => code.replaceAll('</script', '<\\/script').replaceAll('<!--', '<\\!--')

function write(file: string, contents: string | Buffer): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, contents)
}
