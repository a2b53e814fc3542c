import { stringify } from 'yaml'
import type { Claims } from '../domain/claims.ts'
import { apiVersion } from '../formats/document-head.ts'
import { firstMapText, sourceLines } from './init-first-map.ts'
import { type Profile, tenantOf } from './init-profiles.ts'
import { yamlList, yamlScalar } from './yaml-scalar.ts'

/** What a first trust map is made from. */
export interface MapDraft {
  readonly name: string
  readonly issuer: string
  readonly audience: string
  readonly profile: Profile
  /** What the issuer says that it signs with, where no preset says it. */
  readonly algorithms: readonly string[]
  /** The issuer's host, if it lies in a private network. */
  readonly allowHost?: string
  /** The URL of the JSON Schema, relative to the documents. */
  readonly schema: string
}

const issuerLines = ({ profile, issuer }: MapDraft): readonly string[] => {
  if (profile.issuer === issuer) return []
  return profile.preset === 'entra-v2'
    ? [`tenants: ${yamlList([tenantOf(issuer)])}`]
    : [`issuer: ${yamlScalar(issuer)}`]
}

const oidcLines = (draft: MapDraft): readonly string[] => {
  const { profile, audience, algorithms, allowHost } = draft
  return [
    ...issuerLines(draft),
    `audiences: ${yamlList([audience])} # decide: what stands in aud of the tokens that are meant for you`,
    ...(profile.preset === undefined ? [`algorithms: [${algorithms.join(', ')}]`] : []),
    ...(allowHost === undefined ? [] : [`allowHosts: ${yamlList([allowHost])}`]),
  ]
}

/** A TrustMap document of about fifteen lines. It passes `check` as it is, and lets nobody in before it is edited. */
export const mapText = (draft: MapDraft): string => {
  const { name, schema, profile } = draft
  return firstMapText({
    name,
    schema,
    believes: [],
    source: sourceLines(profile.preset, 'oidc', oidcLines(draft)),
    when: profile.when,
    decide: profile.decide,
    identity: { type: profile.type, claim: profile.subject, isToBeDecided: false },
  })
}

const now = '2026-12-01T12:00:00Z'
const nowSeconds = Date.parse(now) / 1_000

const fixtureOf = ({ profile, issuer, audience }: MapDraft): Claims => ({
  iss: issuer,
  aud: audience,
  ...profile.claims,
  ...(profile.preset === 'entra-v2' ? { tid: tenantOf(issuer) } : {}),
  iat: nowSeconds - 60,
  exp: nowSeconds + 300,
})

/** The test that goes with it: who passes, and that another does not. */
export const testText = (draft: MapDraft): string => {
  const { name, profile, schema } = draft
  const document = {
    apiVersion,
    kind: 'TrustMapTest',
    metadata: { name },
    spec: {
      now,
      fixtures: { somebody: fixtureOf(draft) },
      tests: [
        { name: 'who is meant may pass', token: 'somebody', expect: { decision: 'allow', map: name, rule: 'first' } },
        {
          name: 'another may not',
          token: 'somebody',
          claims: profile.other,
          expect: { decision: 'deny', reason: 'rule.none_matched' },
        },
        {
          name: 'a token for somebody else is not for us',
          token: 'somebody',
          claims: { aud: 'somebody-else' },
          expect: { decision: 'deny', reason: 'credential.audience_mismatch' },
        },
      ],
    },
  }
  return `# yaml-language-server: $schema=${schema}
# Claims of tokens, and what must become of them. Keep it beside the map and let it grow with it.
${stringify(document, { lineWidth: 120 })}`
}
