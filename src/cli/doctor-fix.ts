import { identityNames } from './doctor-expectations.ts'

/** What a fix is, and what the gateways' own files share. */

export type Remedy =
  | 'identity'
  | 'answer'
  | 'closed'
  | 'sizes'
  | 'names'
  | 'lines'
  | 'connection'
  | 'certificates'
  | 'credential'
  | 'original'
  | 'paths'
  | 'options'

/** What to change, given the headers (or the tricks) that came through; lines of configuration stand on lines of their own. */
export type Fix = (items: readonly string[]) => string

export type Fixes = Readonly<Record<Remedy, Fix>>

/** Header names in the usual spelling, each once. */
const tidy = (names: readonly string[]): readonly string[] => [
  ...new Set(
    names.map((name) => name.toLowerCase().replaceAll(/(?<![a-z0-9])[a-z]/g, (letter) => letter.toUpperCase())),
  ),
]

/** Something for each header; a line, unless `joint` says otherwise. */
export const perName =
  (line: (name: string) => string, joint = '\n'): Fix =>
  (names) =>
    tidy(names).map(line).join(joint)

/** The same whatever was found. */
export const always =
  (text: string): Fix =>
  () =>
    text

/** What dragoman answers gateways with; all else is only ever removed. */
export const isAnswered = (name: string): boolean => /^(authorization|x-dragoman-.*)$/i.test(name)

/** The headers of an answer, as most gateways list them. */
export const answered: readonly string[] = ['Authorization', ...identityNames]

/** `copied` sees to the headers that dragoman answers with, `removed` to the others. */
export const copiedOrRemoved =
  (copied: string, removed: Fix): Fix =>
  (names) => {
    const others = names.filter((name) => !isAnswered(name))
    if (others.length === 0) return copied
    return others.length < names.length ? `${copied}\n${removed(others)}` : removed(others)
  }

export const preflightsOnly = '`preflight: pass` in the Gateway document lets CORS preflights in, and nothing else'
