import { stringify } from 'yaml'
import type { Json } from '../domain/claims.ts'
import { apiVersion } from '../formats/document-head.ts'
import type { AdvertisedAttribute } from '../formats/saml/metadata.ts'
import { ownClaims } from '../verify/saml-config.ts'
import { firstMapText, sourceLines } from './init-first-map.ts'
import type { SamlDraft } from './init-saml.ts'
import { yamlList, yamlScalar } from './yaml-scalar.ts'

/** A TrustMap document that passes `check` as it is, and lets nobody in before it is edited. */
export const samlMapText = (draft: SamlDraft): string => {
  const { name, schema, profile, provider } = draft
  const organization = provider.organization?.replaceAll(/\s+/g, ' ')
  return firstMapText({
    name,
    schema,
    believes: organization === undefined ? [] : [organization],
    source: sourceLines(profile.preset, 'saml', samlLines(draft)),
    when: profile.when,
    decide: profile.decide,
    identity: { type: profile.type, claim: profile.subject, isToBeDecided: true },
  })
}

const samlLines = ({ entityID, place, audience, allowHost, profile, provider }: SamlDraft): readonly string[] => [
  `entityID: ${yamlScalar(entityID)}`,
  'metadataURL' in place
    ? `metadataURL: ${yamlScalar(place.metadataURL)}`
    : `metadataFile: ${yamlScalar(place.metadataFile)}`,
  `audiences: ${yamlList([audience])} # decide: what the identity provider knows you by`,
  '# recipient: https://app.example.com/saml/acs # where it delivers assertions, if not to our token endpoint',
  ...(profile.preset === undefined ? attributeLines(provider.attributes) : []),
  ...(allowHost === undefined ? [] : [`allowHosts: ${yamlList([allowHost])}`]),
]

const mostAliases = 6

/** Short names for what the provider advertises, as far as it has some itself. */
const attributeLines = (advertised: readonly AdvertisedAttribute[]): readonly string[] => {
  const aliases = new Map(
    advertised.flatMap(({ name, friendlyName }) => (isAlias(friendlyName) ? [[friendlyName, name] as const] : [])),
  )
  if (aliases.size === 0)
    return ['# attributes: { email: "urn:oid:0.9.2342.19200300.100.1.3" } # short names for what its assertions say']
  const lines = [...aliases].map(([alias, name]) => `  ${yamlScalar(alias)}: ${yamlScalar(name)}`)
  return ['attributes: # short names for what its assertions say', ...lines.slice(0, mostAliases)]
}

const isAlias = (friendlyName: string | undefined): friendlyName is string =>
  friendlyName !== undefined && /^[a-z][A-Za-z0-9_]{0,63}$/.test(friendlyName) && !ownClaims.includes(friendlyName)

const now = '2026-12-01T12:00:00Z'

/** The test that goes with it: who passes, and that others do not. */
export const samlTestText = ({ name, profile, audience, schema }: SamlDraft): string => {
  const test = (what: string, claims: Readonly<Record<string, Json>> | undefined, expect: object) => ({
    name: what,
    token: 'somebody',
    source: name,
    ...(claims === undefined ? {} : { claims }),
    expect,
  })
  const document = {
    apiVersion,
    kind: 'TrustMapTest',
    metadata: { name },
    spec: {
      now,
      fixtures: { somebody: { aud: audience, ...profile.claims } },
      tests: [
        test('who is meant may pass', undefined, { decision: 'allow', rule: 'first' }),
        test('another may not', profile.other, { decision: 'deny', reason: 'rule.none_matched' }),
        test(
          'an assertion for somebody else is not for us',
          { aud: 'somebody-else' },
          { decision: 'deny', reason: 'credential.audience_mismatch' },
        ),
      ],
    },
  }
  return `# yaml-language-server: $schema=${schema}
# What assertions say, and what must become of them. Keep it beside the map and let it grow with it.
${stringify(document, { lineWidth: 120 })}`
}
