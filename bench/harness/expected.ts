import { readFileSync, writeFileSync } from 'node:fs'
import * as z from 'zod'
import type { Pace } from './options.ts'
import type { Row } from './result.ts'

/**
 * Ratios that a change must not spoil: pace, scenario, reference, ratio. Each pace has its own, for a shorter one
 * measures a program that has had less time to be compiled.
 */
const shape = z.partialRecord(
  z.enum(['full', 'quick']),
  z.record(z.string(), z.record(z.string(), z.number().positive())),
)
type Expected = z.infer<typeof shape>

/** A ratio that is more than 10 % under the expected one. */
export interface Shortfall {
  readonly scenario: string
  readonly reference: string
  readonly ratio: number
  readonly wanted: number
}

const file = new URL('../expected.json', import.meta.url)
const tolerance = 0.1

const readExpected = (): Expected => shape.parse(JSON.parse(readFileSync(file, 'utf8')))

/** Makes the ratios of `rows` the expected ones and keeps those of scenarios that did not run. */
export const recordExpected = (rows: readonly Row[], pace: Pace): void => {
  const expected = readExpected()
  const ofPace = { ...expected[pace] }
  for (const { scenario, reference, ratio } of gated(rows)) {
    ofPace[scenario] = { ...ofPace[scenario], [reference]: Number(ratio.toFixed(3)) }
  }
  writeFileSync(file, `${JSON.stringify({ ...expected, [pace]: ofPace }, undefined, 2)}\n`)
}

/**
 * The rows that fall short. Both the median of the rounds and their best must say so: a slower program shows in both, a
 * noisy machine mostly in one.
 */
export const shortfalls = (rows: readonly Row[], pace: Pace): readonly Shortfall[] => {
  const expected = readExpected()[pace] ?? {}
  return gated(rows).flatMap(({ scenario, reference, ratio, bestRatio = ratio }) => {
    const wanted = expected[scenario]?.[reference]
    const shown = Math.max(ratio, bestRatio)
    if (wanted === undefined || shown >= wanted * (1 - tolerance)) return []
    return [{ scenario, reference, ratio: shown, wanted }]
  })
}

/** The rows whose ratio is worth a gate. */
const gated = (rows: readonly Row[]): readonly (Row & { readonly ratio: number })[] =>
  rows.flatMap((row) => (row.ratio === undefined || row.informative === true ? [] : [{ ...row, ratio: row.ratio }]))
