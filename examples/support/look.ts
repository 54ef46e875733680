/** Pictures of one's own that look as those of `neyron/plot`: the same colours in the same order, axes, legends and titles. */
import type { VegaLiteSpec } from 'neyron/plot'

const LINES = { domainColor: '#999999', tickColor: '#999999', gridColor: '#ebebeb' }
const TITLES = { titleColor: '#333333', titleFontWeight: 'normal', titleFontSize: 12 }

/** The `config` of each picture of `neyron/plot`. */
export const LOOK = {
  background: '#ffffff',
  view: { stroke: null },
  axis: { ...LINES, ...TITLES, labelColor: '#444444', titlePadding: 8, labelFlush: false },
  legend: { ...TITLES, labelColor: '#444444', labelFontSize: 11 },
  title: { color: '#333333', subtitleColor: '#666666', anchor: 'start', fontSize: 14, offset: 12 },
  range: { category: ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000'] },
}

/** A whole Vega-Lite specification: `body` has data, mark and encoding, or `concat` several panels of them. */
export function chart(title: string, body: Omit<VegaLiteSpec, '$schema'>): VegaLiteSpec {
  const config = { ...LOOK, mark: { color: LOOK.range.category[0] } }
  return { $schema: 'https://vega.github.io/schema/vega-lite/v6.json', title, config, ...body }
}

/** The title of one of several panels. */
export const panelTitle = (text: string) => ({ text, fontSize: 12, fontWeight: 'normal', offset: 6, anchor: 'middle' })
