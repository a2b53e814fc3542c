import type { Fault } from '../domain/fault.ts'

const maxExcerpt = 120

/**
 * A fault as a terminal shows it: place, message, the line of `text` with a caret, and what to write instead.
 * A line that may hold a secret is not shown.
 */
export const formatFault = (fault: Fault, text: string): string => {
  const { file, line, column } = fault.location
  const head = `${file}:${line}:${column}: ${fault.path === '' ? '' : `${fault.path}: `}${fault.message}`
  const source = text.split('\n')[line - 1] ?? ''
  const shown = /secret/i.test(fault.path) || /secret\w*["']?\s*:/i.test(source) ? [] : excerpt(source, line, column)
  return printable([head, ...shown, ...(fault.fix === undefined ? [] : [`  fix: ${fault.fix}`])])
}

const excerpt = (source: string, line: number, column: number): readonly string[] => {
  if (source.trim() === '') return []
  const from = Math.max(0, Math.min(column - 1, source.length) - maxExcerpt / 2)
  const gutter = String(line).padStart(5)
  const caret = `${' '.repeat(Math.max(0, column - 1 - from))}^`
  return [`${gutter} | ${source.slice(from, from + maxExcerpt).trimEnd()}`, `${' '.repeat(5)} | ${caret}`]
}

/** Documents come from anywhere; their control characters must not reach a terminal. */
const printable = (lines: readonly string[]): string =>
  lines.map((line) => line.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, '\u00b7')).join('\n')
