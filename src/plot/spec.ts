/** What every picture shares: the types of what is returned, colours, and how axes, titles and legends look. */

/** What JSON can hold. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

/**
 * A Vega-Lite specification, version 6, with its data inside: plain JSON. Notebooks and pages show it by `vega-embed`, and
 * Node renders it by `vega` and `vega-lite`.
 */
export interface VegaLiteSpec {
  /** The version of the language: `https://vega.github.io/schema/vega-lite/v6.json`. */
  readonly $schema: string
  /** The other fields of the language: title, data, marks, encodings. */
  readonly [key: string]: Json
}

/** A figure of Plotly: plain JSON for `Plotly.newPlot(element, figure.data, figure.layout)`. */
export interface PlotlyFigure {
  /** The traces. */
  readonly data: readonly { readonly [key: string]: Json }[]
  /** Title, axes and size. */
  readonly layout: { readonly [key: string]: Json }
}

/** What every picture takes. */
export interface TitleOptions {
  /** What stands above the picture. Default: what it shows, in a few words. */
  title?: string
}

/** Part of a specification. */
export type Part = { readonly [key: string]: Json }

/**
 * Colours that people with any kind of colour blindness tell apart, without the yellow that white swallows.
 * Okabe and Ito, Color Universal Design (2008), https://jfly.uni-koeln.de/color/.
 */
const COLORS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000'] as const

/** The colour of thing number `i`. */
export const colorOf = (i: number): string => COLORS[i % COLORS.length]

/** What belongs to no series: targets, rules, lines of equal height. */
export const INK = '#333333'

/** `color` with so much white that marks on it stand out; `strength` 1 leaves it, 0 is white. */
export function tint(color: string, strength: number): string {
  const channels = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16))
  const mixed = channels.map((c) => Math.floor(255 + (c - 255) * strength + 0.5))
  return `#${mixed.map((c) => c.toString(16).padStart(2, '0')).join('')}`
}

const LINES = { domainColor: '#999999', tickColor: '#999999', gridColor: '#ebebeb' }

const CONFIG: Part = {
  background: '#ffffff',
  view: { stroke: null },
  axis: {
    ...LINES,
    labelColor: '#444444',
    titleColor: INK,
    titleFontWeight: 'normal',
    titleFontSize: 12,
    titlePadding: 8,
    labelFlush: false,
  },
  legend: { labelColor: '#444444', titleColor: INK, titleFontWeight: 'normal', titleFontSize: 12, labelFontSize: 11 },
  title: { color: INK, subtitleColor: '#666666', anchor: 'start', fontSize: 14, offset: 12 },
  range: { category: COLORS },
}

/** A whole specification. */
export function picture(title: string, body: Part): VegaLiteSpec {
  return { $schema: 'https://vega.github.io/schema/vega-lite/v6.json', title, config: CONFIG, ...body }
}

/** What the title of one of several panels looks like. */
export const panelTitle = (text: string): Part => ({
  text,
  fontSize: 12,
  fontWeight: 'normal',
  offset: 6,
  anchor: 'middle',
})

/** A panel among others has its title in the middle, and the whole one at the left. */
export const panels = (columns: number, concat: readonly Part[]): Part => ({ columns, spacing: 24, concat })

/** An axis whose ends are marked: about `n` steps, of which the scale is a whole number. */
export const inSteps = (n: number, scale: Part = {}, axis: Part = {}): Part => ({
  scale: { nice: n, ...scale },
  axis: { tickCount: n, ...axis },
})

/** Powers of ten from `low` to `high`, and twice and five times them where those are few. */
export function magnitudes(low: number, high: number): number[] {
  const first = Math.floor(Math.log10(low))
  const last = Math.ceil(Math.log10(high))
  const steps = last - first > 3 ? [1] : [1, 2, 5]
  const powers = Array.from({ length: last - first + 1 }, (_, i) => first + i)
  return powers.flatMap((power) => steps.map((step) => Number(`${step}e${power}`))).filter((x) => x >= low && x <= high)
}

/** JSON has no NaN and no infinities: null leaves a gap. Seven digits are what float32 has. */
export const shown = (value: number): number | null => (Number.isFinite(value) ? Number(value.toPrecision(7)) : null)
