/** The ground that paths run over: bands of colour and lines of equal height. */
import { extremesOf, type Grid, isolines, refined, rowsOf, runs } from './grid.ts'
import { magnitudes, type Part } from './spec.ts'

/** Bands of colour, and after how many of them comes a line. */
const BANDS = 24
const BANDS_PER_LINE = 2
/** Points along each axis at which steps between bands no longer show. */
const SMOOTH = 121
/** When the largest height is that many times the smallest, heights are told apart by their logarithms. */
const MANY_TIMES = 20
/** What a height of 0 counts as, in parts of the largest, where logarithms are taken of heights above the least. */
const FLOOR = 5e-4

/** How heights become colours. */
export interface ContourStyle {
  /** What stands above the legend. */
  readonly title: string
  readonly scheme: Part
  readonly line: Part
  /** Take heights above the least of them, by their logarithms: for functions that grow fast around their minimum. */
  readonly aboveLeast?: boolean
}

/** Whether heights are best told apart by their logarithms. */
export function spansMagnitudes(grid: Grid): boolean {
  const extremes = extremesOf(grid)
  return extremes !== null && extremes.low > 0 && extremes.high / extremes.low >= MANY_TIMES
}

/** Layers with bands and lines, for a picture whose axes are `x` and `y`. Without heights that are finite and differ, one colour. */
export function contours(grid: Grid, { title, scheme, line, aboveLeast = false }: ContourStyle): Part[] {
  const { low, high } = extremesOf(grid) ?? { low: 0, high: 0 }
  const span = high - low
  const lift = aboveLeast ? span * FLOOR - low : 0
  const lifted = { ...grid, z: grid.z.map((row) => row.map((z) => z + lift)) }
  const isLog = span > 0 && (aboveLeast || spansMagnitudes(grid))
  const forth = isLog ? Math.log : (z: number) => z
  const back = isLog ? Math.exp : (z: number) => z
  const from = forth(low + lift)
  const step = (forth(high + lift) - from) / BANDS
  const heights = refined({ ...lifted, z: lifted.z.map((row) => row.map(forth)) }, SMOOTH)
  const bandOf = (z: number) => (step > 0 ? Math.max(Math.min(Math.floor((z - from) / step), BANDS - 1), 0) : 0)
  const values = runs(heights, 'height', (i, j) => {
    const z = heights.z[j][i]
    return Number.isFinite(z) ? Number(back(from + (bandOf(z) + 0.5) * step).toPrecision(6)) : null
  })
  const levels =
    step > 0 ? Array.from({ length: BANDS / BANDS_PER_LINE - 1 }, (_, i) => from + (i + 1) * BANDS_PER_LINE * step) : []
  const lines = levels.flatMap((level) => isolines(heights, level))
  const domain = [low + lift, high + lift].map((z) => Number(z.toPrecision(6)))
  const ticks: Part = isLog
    ? { values: magnitudes(aboveLeast ? span * FLOOR * 2 : low, high + lift), format: '~g' }
    : {}
  return [
    {
      data: { values },
      mark: { type: 'rect', aria: false },
      encoding: {
        x2: { field: 'x2' },
        y2: { field: 'y2' },
        color: {
          field: 'height',
          type: 'quantitative',
          title,
          scale: { ...(step > 0 ? { domain, nice: false } : {}), type: isLog ? 'log' : 'linear', scheme },
          legend: step > 0 ? { gradientLength: 180, ...ticks } : null,
        },
      },
    },
    {
      data: { values: rowsOf(lines) },
      mark: { type: 'line', strokeWidth: 0.7, aria: false, ...line },
      encoding: { detail: { field: 'line', type: 'nominal' }, order: { field: 'order', type: 'quantitative' } },
    },
  ]
}
