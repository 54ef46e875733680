import { beforeEach, expect, it } from 'vitest'
import type { Ptr } from '../../src/runtime/kernels.generated.ts'
import { atEndOfMemory, random } from './data.ts'
import { EDGE_LENGTHS, expectCanaries, f32, i32, k, readF32, reset } from './harness.ts'

beforeEach(reset)

const table = (segments: readonly (readonly [p: Ptr, n: number])[]) => i32(segments.flat())

/** Segments of every length round the vector size, misaligned, and their elements one after another. */
function segments() {
  const parts = EDGE_LENGTHS.map((n, i) => random(n, i + 1))
  const rows = parts.map((data, i) => [f32(data, (i % 4) * 4), data.length] as const)
  return { parts, rows, all: parts.flatMap((part) => [...part]) }
}

it.each([1, 2, 3, 0.5, 7.25, Infinity])('the norm of order %d goes over all segments, in float64', (p) => {
  const { rows, all } = segments()
  const exact =
    p === Infinity ? Math.max(...all.map(Math.abs)) : all.reduce((sum, x) => sum + Math.abs(x) ** p, 0) ** (1 / p)
  expect(Math.abs(k.segmentsNorm(table(rows), rows.length, p) - exact)).toBeLessThanOrEqual(1e-13 * exact)
  expect(k.segmentsNorm(table([]), 0, p)).toBe(0)
  expectCanaries()
})

it.each([1, 2, 3, 20, Infinity])('a norm of order %d does not overflow, and shows NaN and infinities anywhere', (p) => {
  const norm = (...data: number[]) => k.segmentsNorm(table([[f32(data), data.length]]), 1, p)
  expect(norm(3e38, 3e38, 3e38, 3e38, 3e38)).toBeGreaterThanOrEqual(Math.fround(3e38))
  expect(norm(3e38, 3e38, 3e38, 3e38, 3e38)).toBeLessThan(2e39)
  expect(norm(0, -0, 0)).toBe(0)
  for (let at = 0; at < 7; at++) {
    const data = [1, 2, 3, 4, 5, 6, 7]
    expect(norm(...data.with(at, -Infinity))).toBe(Infinity)
    expect(norm(...data.with(at, Number.NaN))).toBeNaN()
    expect(norm(...data.with(at, Number.NaN).with((at + 3) % 7, Infinity))).toBeNaN()
  }
})

it('scales and clamps every segment, and nothing beside', () => {
  const { parts, rows } = segments()
  k.scaleSegments(table(rows), rows.length, 0.3)
  const scaled = parts.map((part) => part.map((x) => x * Math.fround(0.3)))
  rows.forEach(([p, n], i) => {
    expect(readF32(p, n)).toEqual(scaled[i])
  })
  k.clampSegments(table(rows), rows.length, 0.1)
  const limit = Math.fround(0.1)
  rows.forEach(([p, n], i) => {
    expect(readF32(p, n)).toEqual(scaled[i]!.map((x) => Math.min(Math.max(x, -limit), limit)))
  })
  expectCanaries()
  const special = f32([Number.NaN, Infinity, -Infinity, -0])
  k.clampSegments(table([[special, 4]]), 1, 2)
  expect([...readF32(special, 4)]).toEqual([Number.NaN, 2, -2, -0])
})

it('reads at most 12 bytes past a segment', () => {
  const p = atEndOfMemory(4)
  k.fillF32(p, 1, 3)
  for (const order of [1, 2, 3, Infinity]) expect(k.segmentsNorm(table([[p, 1]]), 1, order)).toBe(3)
  k.scaleSegments(table([[p, 1]]), 1, 2)
  k.clampSegments(table([[p, 1]]), 1, 5)
  expect(readF32(p, 1)[0]).toBe(5)
})
