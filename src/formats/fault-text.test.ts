import { describe, expect, it } from 'vitest'
import { formatFault } from './fault-text.ts'

const fault = { location: { file: 'a.yaml', line: 2, column: 6 }, path: 'spec.ttl', message: 'wrong', fix: '5m' }

describe('formatFault', () => {
  it('shows the place, the line with a caret, and what to write instead', () => {
    expect(formatFault(fault, 'spec:\n  ttl: x\n')).toBe(
      ['a.yaml:2:6: spec.ttl: wrong', '    2 |   ttl: x', '      |      ^', '  fix: 5m'].join('\n'),
    )
  })

  it('says what it can when the line is not there', () => {
    const { fix: _, ...bare } = fault
    expect(formatFault({ ...bare, path: '' }, '')).toBe('a.yaml:2:6: wrong')
  })

  it('shows a window of a long line', () => {
    const text = `\n${'a'.repeat(500)}X${'b'.repeat(500)}`
    const [, shown = '', caret = ''] = formatFault(
      { ...fault, location: { file: 'a', line: 2, column: 501 } },
      text,
    ).split('\n')
    expect(shown.length).toBeLessThan(140)
    expect(shown[caret.indexOf('^')]).toBe('X')
  })

  it('keeps control characters away from the terminal and secrets out of sight', () => {
    const shown = formatFault(fault, 'spec:\n  t\u001b[31m\u202e\u0007: x\n')
    for (const character of ['\u001b', '\u202e', '\u0007']) expect(shown).not.toContain(character)
    expect(formatFault(fault, 'a\n  clientSecret: hunter2')).not.toContain('hunter2')
    expect(formatFault({ ...fault, path: 'spec.secrets[0]' }, 'a\n  - hunter2')).not.toContain('hunter2')
  })
})
