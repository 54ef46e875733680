/** Functions of two variables on a grid: lines of equal height, and bands between them. */
import type { Part } from './spec.ts'

/** Heights over a grid: `z[row][column]` at `x[column]`, `y[row]`, both increasing. Heights that are not finite are gaps. */
export interface Grid {
  readonly x: readonly number[]
  readonly y: readonly number[]
  readonly z: readonly (readonly number[])[]
}

type Point = readonly [x: number, y: number]

/** `n` numbers from exactly `low` to exactly `high`, symmetric to the last bit where the bounds are. */
export function spaced(low: number, high: number, n: number): number[] {
  const last = n - 1
  return Array.from({ length: n }, (_, i) => low * ((last - i) / last) + high * (i / last))
}

/** Heights of `f` on `n` times `n` points. */
export function gridOf(x: readonly number[], y: readonly number[], f: (x: number, y: number) => number): Grid {
  return { x, y, z: y.map((b) => x.map((a) => f(a, b))) }
}

/** The smallest and the largest of the finite heights; null where there is none. */
export function extremesOf({ z }: Grid): { low: number; high: number } | null {
  const finite = z.flat().filter(Number.isFinite)
  return finite.length === 0 ? null : extentOf(finite)
}

/** The smallest and the largest of some numbers, however many: `Math.min(...values)` cannot take a hundred thousand. */
export function extentOf(values: readonly number[]): { low: number; high: number } {
  let [low, high] = [Infinity, -Infinity]
  for (const value of values) {
    low = Math.min(low, value)
    high = Math.max(high, value)
  }
  return { low, high }
}

/**
 * Lines along which the height is `level`, by marching squares with linear interpolation along the sides of each square. A
 * square with opposite corners above the level is cut as the mean of its corners says.
 */
export function isolines({ x, y, z }: Grid, level: number): Point[][] {
  const columns = x.length
  const points = new Map<number, Point>()
  const neighbours = new Map<number, number[]>()
  /** The number of the side from (i, j) to the right or upwards, with its crossing if the level lies between its ends. */
  const crossing = (i: number, j: number, isUpwards: boolean): number | null => {
    const [i2, j2] = isUpwards ? [i, j + 1] : [i + 1, j]
    const [from, to] = [z[j][i], z[j2][i2]]
    if (from >= level === to >= level) return null
    const side = 2 * (j * columns + i) + Number(isUpwards)
    const t = (level - from) / (to - from)
    points.set(side, [x[i] + (x[i2] - x[i]) * t, y[j] + (y[j2] - y[j]) * t])
    return side
  }
  const join = (a: number, b: number): void => {
    for (const [from, to] of [
      [a, b],
      [b, a],
    ])
      neighbours.set(from, [...(neighbours.get(from) ?? []), to])
  }
  for (let j = 0; j + 1 < y.length; j++)
    for (let i = 0; i + 1 < columns; i++) {
      const corners = [z[j][i], z[j][i + 1], z[j + 1][i + 1], z[j + 1][i]]
      if (!corners.every(Number.isFinite)) continue
      const [bottom, right, top, left] = [
        crossing(i, j, false),
        crossing(i + 1, j, true),
        crossing(i, j + 1, false),
        crossing(i, j, true),
      ]
      const crossed = [bottom, right, top, left].filter((side) => side !== null)
      if (crossed.length === 2) join(crossed[0], crossed[1])
      if (crossed.length < 4) continue
      const mean = corners.reduce((sum, value) => sum + value / 4, 0)
      const isRising = mean >= level === corners[0] >= level
      // As the centre goes with the first corner, so the second and the fourth are cut off; else the first and the third.
      const [a, b, c, d] = isRising ? crossed : [crossed[1], crossed[2], crossed[3], crossed[0]]
      join(a, b)
      join(c, d)
    }
  return chains(neighbours).map((chain) => chain.map((side) => points.get(side) as Point))
}

/** Walks each line of a graph whose nodes have one neighbour or two; those that close end where they began. */
function chains(neighbours: ReadonlyMap<number, readonly number[]>): number[][] {
  const seen = new Set<number>()
  const walk = (start: number): number[] => {
    const chain = [start]
    seen.add(start)
    for (let at: number | undefined = start; at !== undefined; ) {
      at = neighbours.get(at)?.find((next) => !seen.has(next))
      if (at === undefined) break
      seen.add(at)
      chain.push(at)
    }
    const last = chain[chain.length - 1]
    return chain.length > 2 && neighbours.get(last)?.includes(start) ? [...chain, start] : chain
  }
  const nodes = [...neighbours.keys()]
  const isEnd = (node: number) => neighbours.get(node)?.length === 1
  return [...nodes.filter(isEnd), ...nodes].flatMap((node) => (seen.has(node) ? [] : [walk(node)]))
}

/** Rows of data for a line mark: each point with the number of its line and its place in it. */
export function rowsOf(lines: readonly (readonly Point[])[]): Part[] {
  return lines.flatMap((line, number) =>
    line.map(([x, y], order) => ({ line: number, order, x: brief(x), y: brief(y) })),
  )
}

/** Enough digits for a pixel. */
const brief = (value: number): number => Number(value.toPrecision(6))

/**
 * Rectangles that fill the area of the grid, one for each run of points in a row for which `key` is the same; none where it
 * is null. A rectangle reaches half a step under the next ones, which cover it: no seam shows between them.
 */
export function runs<Key extends string | number>(
  { x, y }: Pick<Grid, 'x' | 'y'>,
  name: string,
  key: (column: number, row: number) => Key | null,
): Part[] {
  const right = borders(x)
  const top = borders(y)
  const found: Part[] = []
  for (let j = 0; j < y.length; j++)
    for (let i = 0, next = 0; i < x.length; i = next) {
      const value = key(i, j)
      next = i + 1
      while (next < x.length && key(next, j) === value) next++
      if (value === null) continue
      found.push({
        x: brief(right[i]),
        x2: brief(x[Math.min(next, x.length - 1)]),
        y: brief(top[j]),
        y2: brief(y[Math.min(j + 1, y.length - 1)]),
        [name]: value,
      })
    }
  return found
}

/** Where the cell of each point begins: half-way from the point before. */
const borders = (at: readonly number[]): number[] => at.map((value, i) => (i === 0 ? value : (at[i - 1] + value) / 2))

/** At least `least` points along each axis, with heights between those of the grid in straight lines. */
export function refined(grid: Grid, least: number): Grid {
  const x = split(grid.x, least)
  const y = split(grid.y, least)
  const across = grid.z.map((row) => split(row, least))
  const columns = x.map((_, i) =>
    split(
      across.map((row) => row[i]),
      least,
    ),
  )
  return { x, y, z: y.map((_, j) => columns.map((column) => column[j])) }
}

function split(values: readonly number[], least: number): number[] {
  const parts = Math.max(Math.ceil((least - 1) / (values.length - 1)), 1)
  const between = values.slice(1).flatMap((to, i) => {
    const from = values[i]
    return Array.from({ length: parts }, (_, part) => from + ((to - from) * (part + 1)) / parts)
  })
  return [values[0], ...between]
}
