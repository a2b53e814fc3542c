import { describe, expect, it } from 'vitest'
import type { AssertionOptions, AttributeOptions } from '../../test/world/saml-assertion-text.ts'
import { samlIdentityProvider } from '../../test/world/saml-identity-provider.ts'
import { nameIdFormats } from '../../test/world/saml-names.ts'
import type { Claims, Json } from '../domain/claims.ts'
import { authenticatedAs } from '../domain/client.ts'
import { proven } from '../domain/credential.ts'
import { Refusal } from '../domain/refusal.ts'
import { newTrace } from '../domain/trace.ts'
import { readAssertion } from '../formats/saml/assertion-document.ts'
import { loadTrust } from '../trust.ts'
import { audiencesOf, samlClaims } from '../verify/saml-claims.ts'
import type { SamlConfig } from '../verify/saml-config.ts'
import { map } from './map.ts'
import { presets } from './presets.ts'

const now = 1_790_000_000

const soap = 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims'
const microsoft = 'http://schemas.microsoft.com'

const valued = (attributes: Readonly<Record<string, string | readonly string[]>>): readonly AttributeOptions[] =>
  Object.entries(attributes).map(([name, values]) => ({ name, values: [values].flat() }))

const entra = {
  [`${microsoft}/identity/claims/tenantid`]: '72f988bf-86f1-41af-91ab-2d7cd011db47',
  [`${microsoft}/identity/claims/objectidentifier`]: '00000000-0000-0000-66f3-3332eca7ea81',
  [`${microsoft}/identity/claims/displayname`]: 'Ada Example',
  [`${microsoft}/identity/claims/identityprovider`]: 'https://sts.windows.net/72f988bf-86f1-41af-91ab-2d7cd011db47/',
  [`${microsoft}/claims/authnmethodsreferences`]: [
    `${microsoft}/ws/2008/06/identity/authenticationmethod/password`,
    `${microsoft}/claims/multipleauthn`,
  ],
  [`${soap}/givenname`]: 'Ada',
  [`${soap}/surname`]: 'Example',
  [`${soap}/emailaddress`]: 'ada@acme.example',
  [`${soap}/name`]: 'ada@acme.example',
  [`${microsoft}/ws/2008/06/identity/claims/role`]: 'Employee',
}

/** Assertions in the shape that each identity provider gives them, with other names and numbers. */
const recorded: readonly {
  readonly preset: string
  readonly entityID: string
  readonly nameId: { readonly value: string; readonly format: string }
  readonly attributes: readonly AttributeOptions[]
  /** What the map itself says of attributes. */
  readonly own?: Readonly<Record<string, Json>>
  /** The claims under short names. */
  readonly short: Claims
}[] = [
  {
    preset: 'entra-saml',
    entityID: 'https://sts.windows.net/72f988bf-86f1-41af-91ab-2d7cd011db47/',
    nameId: { value: 'ada@acme.example', format: nameIdFormats.emailAddress },
    attributes: valued({
      ...entra,
      [`${microsoft}/ws/2008/06/identity/claims/groups`]: ['07dd8a60-bf6d-4e17-8844-230b77145381'],
    }),
    short: {
      tid: '72f988bf-86f1-41af-91ab-2d7cd011db47',
      oid: '00000000-0000-0000-66f3-3332eca7ea81',
      name: 'Ada Example',
      given_name: 'Ada',
      family_name: 'Example',
      email: 'ada@acme.example',
      unique_name: 'ada@acme.example',
      roles: ['Employee'],
      groups: ['07dd8a60-bf6d-4e17-8844-230b77145381'],
      amr: [`${microsoft}/ws/2008/06/identity/authenticationmethod/password`, `${microsoft}/claims/multipleauthn`],
    },
  },
  {
    preset: 'adfs-saml',
    entityID: 'http://sts.acme.example/adfs/services/trust',
    nameId: { value: 'ada@acme.example', format: nameIdFormats.unspecified },
    attributes: valued({
      [`${soap}/upn`]: 'ada@corp.acme.example',
      [`${soap}/emailaddress`]: 'ada@acme.example',
      [`${soap}/name`]: 'Ada Example',
      [`${microsoft}/ws/2008/06/identity/claims/primarysid`]: 'S-1-5-21-1-2-3-1105',
      'http://schemas.xmlsoap.org/claims/Group': ['ACME\\Domain Users', 'ACME\\Orders'],
      [`${microsoft}/ws/2008/06/identity/claims/role`]: 'clerk',
    }),
    own: { department: 'http://schemas.acme.example/department' },
    short: {
      upn: 'ada@corp.acme.example',
      email: 'ada@acme.example',
      name: 'Ada Example',
      primary_sid: 'S-1-5-21-1-2-3-1105',
      groups: ['ACME\\Domain Users', 'ACME\\Orders'],
      roles: ['clerk'],
    },
  },
  {
    preset: 'okta-saml',
    entityID: 'http://www.okta.com/exk1fcia6d6EMsf331d8',
    nameId: { value: 'ada@acme.example', format: nameIdFormats.emailAddress },
    attributes: valued({
      login: 'ada@acme.example',
      email: 'ada@acme.example',
      firstName: 'Ada',
      memberOf: ['Everyone', 'Staff'],
    }),
    own: { groups: { name: 'memberOf', list: true } },
    short: {
      upn: 'ada@acme.example',
      email: 'ada@acme.example',
      given_name: 'Ada',
      groups: ['Everyone', 'Staff'],
    },
  },
  {
    preset: 'shibboleth-saml',
    entityID: 'https://idp.university.example/idp/shibboleth',
    nameId: { value: '_c3a5d1e2f4', format: nameIdFormats.transient },
    attributes: [
      ['urn:oasis:names:tc:SAML:attribute:pairwise-id', 'pairwise-id', 'M4XK2@university.example'],
      ['urn:oid:1.3.6.1.4.1.5923.1.1.1.6', 'eduPersonPrincipalName', 'ada@university.example'],
      ['urn:oid:0.9.2342.19200300.100.1.3', 'mail', 'ada.example@university.example'],
      ['urn:oid:2.16.840.1.113730.3.1.241', 'displayName', 'Ada Example'],
      ['urn:oid:1.3.6.1.4.1.5923.1.1.1.9', 'eduPersonScopedAffiliation', 'staff@university.example'],
      ['urn:oid:1.3.6.1.4.1.5923.1.5.1.1', 'isMemberOf', 'urn:mace:university.example:orders'],
    ].map(([name = '', friendlyName = '', value = '']) => ({
      name,
      friendlyName,
      nameFormat: 'urn:oasis:names:tc:SAML:2.0:attrname-format:uri',
      values: [value],
    })),
    short: {
      pairwise_id: 'M4XK2@university.example',
      upn: 'ada@university.example',
      email: 'ada.example@university.example',
      name: 'Ada Example',
      eduperson_scoped_affiliation: ['staff@university.example'],
      groups: ['urn:mace:university.example:orders'],
    },
  },
  {
    preset: 'keycloak-saml',
    entityID: 'https://sso.acme.example/realms/acme',
    nameId: { value: 'G-7a5e9a77-2f8f-0b1d', format: nameIdFormats.persistent },
    attributes: [
      ...valued({ 'urn:oid:1.2.840.113549.1.9.1': 'ada@acme.example', member: '/engineering' }),
      ...['offline_access', 'staff'].flatMap((role) => valued({ Role: role })),
    ],
    short: { email: 'ada@acme.example', groups: ['/engineering'], roles: ['offline_access', 'staff'] },
  },
]

const digest = { sha256: () => 'A'.repeat(43) }
const rights = { sources: ['**'], audiences: ['**'], scopes: ['**'] }
const client = authenticatedAs({ id: 'gateway', method: 'private_key_jwt', rights })

type Recorded = (typeof recorded)[number]

const load = async ({ preset, entityID, own }: Recorded) => {
  const attributes = own === undefined ? {} : { attributes: own }
  const saml = { entityID, metadataFile: 'idp.xml', audiences: ['https://dragoman.example.com'], ...attributes }
  const identity = { type: 'user', subject: { claim: 'sub' } }
  const spec = {
    source: { preset, saml },
    rules: [{ name: 'all', identity, grant: { audiences: ['https://orders.example'] } }],
  }
  const document = { apiVersion: 'dragoman/v1alpha1', kind: 'TrustMap', metadata: { name: preset }, spec }
  const files = [{ name: 'a.yaml', text: JSON.stringify(document) }]
  const { trust, faults } = await loadTrust(files, { world: 'serve', insecureLoopback: false, digest })
  const [trustMap] = trust?.maps ?? []
  if (trustMap === undefined) throw new Error(JSON.stringify(faults))
  return trustMap
}

/** What rules may read of an assertion, in which nothing but what was signed is looked at. */
const claimsOf = (one: Recorded, config: SamlConfig): Claims => {
  const idp = samlIdentityProvider({ entityId: one.entityID, now: () => now })
  const options: AssertionOptions = { nameId: one.nameId, statements: [one.attributes] }
  const read = readAssertion(idp.signedAssertion(options))
  if ('sealed' in read || 'encrypted' in read.assertion.subject.name) throw new Error('not encrypted')
  expect(audiencesOf(read.assertion)).toEqual(config.audiences)
  return samlClaims(read.assertion, read.assertion.subject.name, now + 300, config)
}

/** What becomes of it under a map made from the preset. */
const judge = async (one: Recorded) => {
  const trustMap = await load(one)
  const claims = claimsOf(one, trustMap.source.config as SamlConfig)
  const named = { kind: 'saml', issuer: one.entityID, subject: one.nameId.value }
  const credential = proven({ ...named, audience: [], header: {}, claims, expiresAt: now + 300 })
  try {
    map(credential, trustMap, { client, request: {}, now, version: 'v' }, newTrace('r', now))
    return { claims }
  } catch (thrown) {
    if (thrown instanceof Refusal) return { claims, refused: thrown.reason, detail: thrown.detail }
    throw thrown
  }
}

const everyAssertion = ['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'auth_time', 'acr', 'name_id', 'session_index']

describe.each(recorded)('the preset $preset', (one) => {
  it('gives short names to what the provider says', async () => {
    const { claims, refused } = await judge(one)
    expect(refused).toBeUndefined()
    const { attributes, ...others } = claims
    expect(attributes).toHaveProperty([one.attributes[0]?.name ?? ''])
    const short = Object.fromEntries(Object.entries(others).filter(([name]) => !everyAssertion.includes(name)))
    expect(short).toEqual(one.short)
  })
})

describe('the presets for assertions', () => {
  it('are all recorded here', () => {
    const ofAssertions = [...presets].filter(([, { kind }]) => kind === 'saml').map(([name]) => name)
    expect(ofAssertions.toSorted()).toEqual(recorded.map(({ preset }) => preset).toSorted())
  })

  it('do not take a link to too many groups for the absence of groups', async () => {
    const [one] = recorded
    if (one === undefined) throw new Error('nothing recorded')
    const link = 'https://graph.windows.net/72f988bf/users/3332eca7ea81/getMemberObjects'
    const attributes = valued({ ...entra, [`${microsoft}/claims/groups.link`]: link })
    const { claims, ...answer } = await judge({ ...one, attributes })
    expect(claims).not.toHaveProperty('groups')
    expect(answer).toEqual({
      refused: 'map.validation_failed',
      detail: expect.stringContaining('the groups are more than Entra ID puts into an assertion'),
    })
    const { groups: _, ...short } = one.short
    const without = await judge({ ...one, attributes: valued(entra) })
    expect(without).toMatchObject({ claims: short })
    expect(without).not.toHaveProperty('refused')
  })
})

describe('a preset for another kind of source', () => {
  const faultsOf = async (source: object) => {
    const rule = { name: 'all', identity: { type: 'user', subject: { claim: 'sub' } }, grant: { audiences: ['x'] } }
    const document = { apiVersion: 'dragoman/v1alpha1', kind: 'TrustMap', metadata: { name: 'a' } }
    const text = JSON.stringify({ ...document, spec: { source, rules: [rule] } })
    const { faults } = await loadTrust([{ name: 'a.yaml', text }], { world: 'serve', insecureLoopback: false, digest })
    return faults.map(({ path, message, fix }) => [path, message, fix])
  }
  const saml = { entityID: 'https://idp.example', metadataFile: 'idp.xml', audiences: ['us'] }
  const names = 'adfs-saml, entra-saml, keycloak-saml, okta-saml, shibboleth-saml'

  it('is a fault that says which ones there are', async () => {
    expect(await faultsOf({ preset: 'okta', saml })).toEqual([
      ['spec.source.preset', 'the preset okta is for oidc, not for saml', `one of ${names}, or none`],
    ])
    expect(await faultsOf({ preset: 'entra-saml', x509: { trustAnchors: 'ca.pem' } })).toEqual([
      ['spec.source.preset', 'the preset entra-saml is for saml, not for x509', 'leave it out'],
    ])
  })

  it('is said beside what is missing', async () => {
    const faults = await faultsOf({ preset: 'entra-saml', oidc: { issuer: 'https://idp.example' } })
    expect(faults.map(([path, message]) => [path, message])).toEqual([
      ['spec.source.preset', 'the preset entra-saml is for saml, not for oidc'],
      ['spec.source.oidc.audiences', 'is missing'],
    ])
  })
})
