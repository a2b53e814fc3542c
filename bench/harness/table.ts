import type { Row } from './result.ts'

const headings = ['scenario', 'ours', 'reference', '', 'ratio', 'target', '']

/** The rows as text, columns aligned. A ratio is reference / ours: more is better. */
export const table = (rows: readonly Row[]): string => {
  const lines = [headings, ...rows.map(cells)]
  const widths = headings.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

const cells = ({ scenario, unit, ours, reference, theirs, ratio, target }: Row): readonly string[] => [
  scenario,
  ours === undefined ? '-' : `${ours.toFixed(1)} ${unit}`,
  reference,
  `${theirs.toFixed(1)} ${unit}`,
  ratio?.toFixed(2) ?? '-',
  target?.toFixed(2) ?? '-',
  ratio === undefined || target === undefined ? '' : ratio >= target ? 'met' : 'missed',
]
