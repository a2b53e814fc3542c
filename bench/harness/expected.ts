import { readFileSync, writeFileSync } from 'node:fs'
import * as z from 'zod'
import type { Row } from './result.ts'

/** Ratios that a change must not spoil: scenario, reference, ratio. */
export type Expected = Readonly<Record<string, Readonly<Record<string, number>>>>

const file = new URL('../expected.json', import.meta.url)
const shape = z.record(z.string(), z.record(z.string(), z.number().positive()))
const tolerance = 0.1

export const readExpected = (): Expected => shape.parse(JSON.parse(readFileSync(file, 'utf8')))

/** Makes the ratios of `rows` the expected ones and keeps those of scenarios that did not run. */
export const recordExpected = (rows: readonly Row[]): void => {
  const expected: Record<string, Record<string, number>> = structuredClone(shape.parse(readExpected()))
  for (const { scenario, reference, ratio } of gated(rows)) {
    expected[scenario] = { ...expected[scenario], [reference]: Number(ratio.toFixed(3)) }
  }
  writeFileSync(file, `${JSON.stringify(expected, undefined, 2)}\n`)
}

/**
 * Says of every ratio that is more than 10 % under the expected one by how much. Both the rounds and their best must say
 * so: a slower program shows in both, a noisy machine mostly in one.
 */
export const shortfalls = (rows: readonly Row[], expected: Expected): readonly string[] =>
  gated(rows).flatMap(({ scenario, reference, ratio, bestRatio = ratio }) => {
    const wanted = expected[scenario]?.[reference]
    const shown = Math.max(ratio, bestRatio)
    if (wanted === undefined || shown >= wanted * (1 - tolerance)) return []
    return [`${scenario}: ${reference} / dragoman is ${shown.toFixed(2)}, ${wanted.toFixed(2)} was expected`]
  })

/** The rows whose ratio is worth a gate. */
const gated = (rows: readonly Row[]): readonly (Row & { readonly ratio: number })[] =>
  rows.flatMap((row) => (row.ratio === undefined || row.absolute === true ? [] : [{ ...row, ratio: row.ratio }]))
