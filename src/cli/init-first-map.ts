import { apiVersion } from '../formats/document-head.ts'
import { yamlScalar } from './yaml-scalar.ts'

/** What the first rule grants a token for, until a person has decided. */
export const serviceAudience = 'https://service.example.com'

/** A first trust map, whatever it believes. All that is YAML here stands in the document as it is. */
export interface FirstMap {
  readonly name: string
  /** The URL of the JSON Schema, relative to the documents. */
  readonly schema: string
  /** Who is believed, for the people who read it. */
  readonly believes: readonly string[]
  /** Lines of YAML below `source`. */
  readonly source: readonly string[]
  /** A YAML flow of conditions on claims, and what must be decided about it. */
  readonly when: string
  readonly decide: string
  readonly identity: { readonly type: string; readonly claim: string; readonly isToBeDecided: boolean }
}

/** A TrustMap document that passes `check` as it is, and lets nobody in before it is edited. */
export const firstMapText = ({ name, schema, believes, source, when, decide, identity }: FirstMap): string => {
  const heading = [
    '# Written by `dragoman init`. Where a line says "decide", somebody must.',
    ...(believes.length === 0 ? [] : [`# Believes ${believes.map((one) => yamlScalar(one)).join(' and ')}`]),
  ]
  const { type, claim, isToBeDecided } = identity
  return `# yaml-language-server: $schema=${schema}
${heading.join('\n')}
apiVersion: ${apiVersion}
kind: TrustMap
metadata: { name: ${name} }
spec:
  source:
${source.map((line) => `    ${line}`).join('\n')}
  rules:
    - name: first
      when:
        claims: { ${when} } # decide: ${decide}
      identity: { type: ${type}, subject: { claim: ${claim}, prefix: "${name}:" } }${isToBeDecided ? ' # decide: the name that stays' : ''}
      grant: { audiences: [${serviceAudience}], ttl: 5m } # decide: what it may reach
`
}

/** The lines of a kind of source, after its preset where there is one. */
export const sourceLines = (
  preset: string | undefined,
  kind: string,
  settings: readonly string[],
): readonly string[] => [
  ...(preset === undefined ? [] : [`preset: ${preset}`]),
  `${kind}:`,
  ...settings.map((line) => `  ${line}`),
]
