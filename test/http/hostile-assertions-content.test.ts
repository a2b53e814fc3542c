import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AssertionOptions, ConditionsOptions, ConfirmationOptions } from '../world/saml-assertion-text.ts'
import { canonicalText } from '../world/saml-canonical.ts'
import { confirmationMethods, namespaces } from '../world/saml-names.ts'
import { changed } from '../world/saml-text.ts'
import { entityId, type Hostile, openSamlWorld, otherEntityId, refusesAll, type SamlWorld, us } from './saml-world.ts'

/** Assertions that their issuer has signed as they are, and that must not be acted on here (SAML core 2, profiles 4.1.4). */

let world: SamlWorld
beforeAll(async () => {
  world = await openSamlWorld()
})
afterAll(() => world.stop())

const signed = (options: AssertionOptions) => (w: SamlWorld) => w.idp.signedAssertion(options)
const conditions = (options: ConditionsOptions) => signed({ conditions: options })
const confirmed = (...confirmations: readonly ConfirmationOptions[]) => signed({ confirmations })

/** An assertion changed before it is signed. */
const written = (from: string | RegExp, to: string) => (w: SamlWorld) =>
  w.idp.sign(changed(w.idp.assertion(), from, to))

const ofConditions: readonly Hostile[] = [
  ['that ended a minute ago', 'credential.expired', conditions({ notBefore: -600, notOnOrAfter: -60 })],
  ['that ended an hour ago', 'credential.expired', conditions({ notBefore: -7_200, notOnOrAfter: -3_600 })],
  ['that begins in 61 s', 'credential.not_yet_valid', conditions({ notBefore: 61 })],
  ['that ends before it begins', 'credential.claim_invalid', conditions({ notBefore: 30, notOnOrAfter: 20 })],
  ['that ends as it begins', 'credential.claim_invalid', conditions({ notBefore: 30, notOnOrAfter: 30 })],
  ['issued in 61 s', 'credential.not_yet_valid', signed({ issueInstant: 61 })],
  ['issued two days ago', 'credential.lifetime_excessive', signed({ issueInstant: -172_800 })],
  [
    'good for two days',
    'credential.lifetime_excessive',
    (w) => w.idp.signedAssertion({ conditions: { notOnOrAfter: 172_800 }, confirmations: [{ notOnOrAfter: 172_800 }] }),
  ],
  ['good for ten years', 'credential.lifetime_excessive', conditions({ notOnOrAfter: 315_360_000 })],
  [
    'with a condition that nobody knows',
    'credential.condition_unsupported',
    conditions({ more: `<x:Weather xmlns:x="urn:x"/>` }),
  ],
  [
    'with a condition by its type',
    'credential.condition_unsupported',
    conditions({ more: `<saml:Condition xmlns:xsi="${namespaces.xsi}" xmlns:x="urn:x" xsi:type="x:Weather"/>` }),
  ],
  [
    'with a delegation restriction',
    'credential.condition_unsupported',
    conditions({
      more: `<saml:Condition xmlns:xsi="${namespaces.xsi}" xmlns:del="urn:oasis:names:tc:SAML:2.0:conditions:delegation" xsi:type="del:DelegationRestrictionType"/>`,
    }),
  ],
  [
    'that nobody may act upon for others',
    'credential.onward_forbidden',
    conditions({ proxyRestriction: { count: 0 } }),
  ],
  ['with a count that is none', 'credential.malformed', conditions({ proxyRestriction: { count: '-1' } })],
  ['with OneTimeUse twice', 'credential.malformed', conditions({ oneTimeUse: true, more: '<saml:OneTimeUse/>' })],
  ['with Conditions twice', 'credential.malformed', written('<saml:Conditions', '<saml:Conditions/><saml:Conditions')],
  ['with text in Conditions', 'credential.malformed', conditions({ more: 'always' })],
]

const us2 = us.replace('https://', 'HTTPS://')
const audience = (...audiences: readonly string[]) => conditions({ audiences: [audiences] })

const ofAudiences: readonly Hostile[] = [
  ['without Conditions', 'credential.audience_mismatch', signed({ conditions: null })],
  ['without an AudienceRestriction', 'credential.audience_mismatch', conditions({ audiences: [] })],
  ['with an AudienceRestriction of nobody', 'credential.malformed', conditions({ audiences: [[]] })],
  ['with an empty Audience', 'credential.audience_mismatch', audience('')],
  ['for somebody else', 'credential.audience_mismatch', audience('https://other.example')],
  ['for our address with a slash', 'credential.audience_mismatch', audience(`${us}/`)],
  ['for our address in other letters', 'credential.audience_mismatch', audience(us2)],
  ['for the begin of our address', 'credential.audience_mismatch', audience(us.slice(0, -1))],
  ['for what begins with our address', 'credential.audience_mismatch', audience(`${us}.evil.example`)],
  ['for our address in a list', 'credential.audience_mismatch', audience(`${us} https://other.example`)],
  ['for our address between spaces', 'credential.audience_mismatch', audience(` ${us} `)],
  ['for our token endpoint', 'credential.audience_mismatch', audience(`${us}/token`)],
  [
    'for us and for somebody else alone',
    'credential.audience_mismatch',
    conditions({ audiences: [[us], ['https://other.example']] }),
  ],
  [
    'for somebody else alone and for us',
    'credential.audience_mismatch',
    conditions({ audiences: [['https://other.example'], [us]] }),
  ],
  [
    'for us in an attribute of Audience',
    'credential.audience_mismatch',
    conditions({
      audiences: [],
      more: `<saml:AudienceRestriction><saml:Audience Value="${us}">https://other.example</saml:Audience></saml:AudienceRestriction>`,
    }),
  ],
  [
    'for us in another namespace',
    'credential.malformed',
    conditions({
      audiences: [],
      more: `<saml:AudienceRestriction><x:Audience xmlns:x="urn:x">${us}</x:Audience></saml:AudienceRestriction>`,
    }),
  ],
  [
    'for us by a DoNotCacheCondition of SAML 1',
    'credential.condition_unsupported',
    conditions({ more: '<saml:DoNotCacheCondition/>' }),
  ],
]

const ofConfirmations: readonly Hostile[] = [
  ['that nobody can confirm', 'credential.confirmation_required', confirmed()],
  [
    'for the holder of a key',
    'credential.confirmation_required',
    confirmed({ method: confirmationMethods.holderOfKey }),
  ],
  [
    'that a sender vouches for',
    'credential.confirmation_required',
    confirmed({ method: confirmationMethods.senderVouches }),
  ],
  [
    'with a method of SAML 1',
    'credential.confirmation_required',
    confirmed({ method: 'urn:oasis:names:tc:SAML:1.0:cm:bearer' }),
  ],
  [
    'with a method in other letters',
    'credential.confirmation_required',
    confirmed({ method: confirmationMethods.bearer.toUpperCase() }),
  ],
  ...['<saml:NameID>gateway</saml:NameID>', '<saml:BaseID/>'].map(
    (xml): Hostile => [
      `that only somebody named may confirm: ${xml}`,
      'credential.confirmation_required',
      confirmed({ who: { xml } }),
    ],
  ),
  ['without a method', 'credential.malformed', confirmed({ method: null })],
  ['with an empty method', 'credential.confirmation_required', confirmed({ method: '' })],
  ['without SubjectConfirmationData', 'credential.claim_invalid', confirmed({ data: null })],
  ['without a Recipient', 'credential.recipient_mismatch', confirmed({ recipient: null })],
  ['for another Recipient', 'credential.recipient_mismatch', confirmed({ recipient: 'https://other.example/token' })],
  ['for an empty Recipient', 'credential.recipient_mismatch', confirmed({ recipient: '' })],
  ['for our audience as Recipient', 'credential.recipient_mismatch', confirmed({ recipient: us })],
  ['for our endpoint with a slash', 'credential.recipient_mismatch', confirmed({ recipient: `${us}/token/` })],
  ['for our endpoint with a query', 'credential.recipient_mismatch', confirmed({ recipient: `${us}/token?x` })],
  [
    'for our endpoint over http',
    'credential.recipient_mismatch',
    confirmed({ recipient: `${us}/token`.replace('https', 'http') }),
  ],
  ['without an end of the confirmation', 'credential.claim_invalid', confirmed({ notOnOrAfter: null })],
  ['with a confirmation that ended', 'credential.expired', confirmed({ notOnOrAfter: -60 })],
  ['with a begin of the confirmation', 'credential.claim_invalid', confirmed({ notBefore: -10 })],
  [
    'of which no confirmation holds',
    'credential.recipient_mismatch',
    confirmed({ recipient: 'https://other.example' }, { notOnOrAfter: -61 }),
  ],
  [
    'with our Recipient in a namespace',
    'credential.recipient_mismatch',
    confirmed({
      data: {
        xml: `<saml:SubjectConfirmationData xmlns:x="urn:x" x:Recipient="${us}/token" NotOnOrAfter="2026-06-01T12:05:00Z"/>`,
      },
    }),
  ],
  [
    'with SubjectConfirmationData twice',
    'credential.malformed',
    confirmed({ data: { xml: '<saml:SubjectConfirmationData/>'.repeat(2) } }),
  ],
]

const named = (xml: string) => signed({ nameId: { xml } })
const aliceId = '<saml:NameID>alice@example.com</saml:NameID>'

const ofSubjects: readonly Hostile[] = [
  ['without a Subject', 'credential.malformed', signed({ subject: null })],
  ['with an empty Subject', 'credential.malformed', signed({ subject: { xml: '<saml:Subject/>' } })],
  ['without a NameID', 'credential.malformed', signed({ nameId: null })],
  ['with an empty NameID', 'credential.malformed', signed({ nameId: '' })],
  ['with a NameID that begins with a space', 'credential.malformed', signed({ nameId: ' alice@example.com' })],
  ['with a NameID that ends with a line break', 'credential.malformed', signed({ nameId: 'alice@example.com\n' })],
  ['with a blank NameID', 'credential.malformed', signed({ nameId: ' \n ' })],
  ['with a NameID of spaces that only look so', 'credential.claim_invalid', signed({ nameId: '\u200b' })],
  ['with two NameIDs', 'credential.malformed', named(aliceId + aliceId.replace('alice', 'admin'))],
  [
    'with two Subjects',
    'credential.malformed',
    written(
      '<saml:Conditions',
      '<saml:Subject><saml:NameID>admin@example.com</saml:NameID></saml:Subject><saml:Conditions',
    ),
  ],
  [
    'with a Subject after the conditions',
    'credential.malformed',
    (w) => w.idp.signedAssertion({ subject: null, more: `<saml:Subject>${aliceId}</saml:Subject>` }),
  ],
  ['with a BaseID', 'credential.malformed', named('<saml:BaseID NameQualifier="x"/>')],
  [
    'with a NameID in another namespace',
    'credential.malformed',
    named('<x:NameID xmlns:x="urn:x">alice@example.com</x:NameID>'),
  ],
  [
    'with the NameIdentifier of SAML 1',
    'credential.malformed',
    named('<saml:NameIdentifier>alice@example.com</saml:NameIdentifier>'),
  ],
  ['with text in the Subject', 'credential.malformed', named(`alice${aliceId}`)],
  ['with a control character', 'credential.claim_invalid', signed({ nameId: { value: { xml: 'alice&#x9;admin' } } })],
  ['with a line break', 'credential.claim_invalid', signed({ nameId: 'alice@example.com\nadmin' })],
  ['with a reversal of letters', 'credential.claim_invalid', signed({ nameId: 'alice\u202enimda' })],
  ['that is a SPIFFE ID', 'credential.type_mismatch', signed({ nameId: 'spiffe://prod.example.org/web' })],
  ['with a name of 5 kB', 'credential.claim_invalid', signed({ nameId: 'a'.repeat(5_000) })],
]

const ofIssuers: readonly Hostile[] = [
  ['of nobody', 'credential.malformed', (w) => w.idp.sign(w.idp.assertion({ issuer: null }), { after: /[^>]*>/ })],
  ['of an empty name', 'issuer.unknown', signed({ issuer: '' })],
  ['of a stranger', 'issuer.unknown', signed({ issuer: 'https://evil.example/saml' })],
  ['of a name with a slash', 'issuer.unknown', signed({ issuer: `${entityId}/` })],
  ['of a name with a space', 'issuer.unknown', signed({ issuer: `${entityId} ` })],
  ['of a name with a line break', 'issuer.unknown', signed({ issuer: `\n${entityId}` })],
  ['of a name in other letters', 'issuer.unknown', signed({ issuer: entityId.toUpperCase() })],
  ['of a name with a port', 'issuer.unknown', signed({ issuer: entityId.replace('.com', '.com:443') })],
  ['of __proto__', 'issuer.unknown', signed({ issuer: '__proto__' })],
  ['of another one, signed by this one', 'credential.key_unknown', signed({ issuer: otherEntityId })],
  [
    'of a name in another format',
    'credential.malformed',
    signed({ issuerFormat: 'urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified' }),
  ],
  [
    'of two issuers',
    'credential.malformed',
    written('</saml:Issuer>', `</saml:Issuer><saml:Issuer>${otherEntityId}</saml:Issuer>`),
  ],
  [
    'of an issuer behind the Subject',
    'credential.malformed',
    (w) => w.idp.sign(w.idp.assertion({ issuer: null, more: `<saml:Issuer>${entityId}</saml:Issuer>` })),
  ],
]

const at = (text: string) => signed({ issueInstant: text })

const ofForms: readonly Hostile[] = [
  [
    'without an ID',
    'credential.malformed',
    (w) => {
      const xml = w.idp.assertion({ id: null })
      return w.idp.sign(xml, { target: '_a', digested: canonicalText(xml, '/*') })
    },
  ],
  ['with an empty ID', 'credential.malformed', signed({ id: '' })],
  ['with an ID that begins with a digit', 'credential.malformed', signed({ id: '1a' })],
  ['with an ID with a space', 'credential.malformed', signed({ id: '_a b' })],
  ['without a version', 'credential.malformed', signed({ version: null })],
  ...['1.1', '2.1', '2', '2.0 ', '3.0'].map(
    (version): Hostile => [`of version ${JSON.stringify(version)}`, 'credential.malformed', signed({ version })],
  ),
  ['without an IssueInstant', 'credential.malformed', signed({ issueInstant: null })],
  ...[
    '',
    'now',
    '2026-06-01',
    '2026-06-01T12:00:00',
    '2026-06-01T12:00:00+00:00',
    '2026-06-01T14:00:00+02:00',
    '2026-06-01 12:00:00Z',
    '2026-06-01T12:00Z',
    '2026-06-01T24:00:00Z',
    '2026-06-31T12:00:00Z',
    '2026-06-01T12:00:60Z',
    '-2026-06-01T12:00:00Z',
    '12026-06-01T12:00:00Z',
    '2026-06-01T12:00:00z',
    ' 2026-06-01T12:00:00Z',
    '2026-6-1T12:00:00Z',
    '2026-06-01T12:00:00.Z',
    '1780315200',
  ].map((text): Hostile => [`issued at ${JSON.stringify(text)}`, 'credential.malformed', at(text)]),
  ['that ends at no time that exists', 'credential.malformed', conditions({ notOnOrAfter: '2026-02-30T00:00:00Z' })],
  [
    'with the conditions after the statements',
    'credential.malformed',
    (w) => w.idp.signedAssertion({ conditions: null, more: '<saml:Conditions/>' }),
  ],
  ['with an element that SAML does not know', 'credential.malformed', signed({ more: '<x xmlns="urn:x"/>' })],
  [
    'with an element of SAML that does not belong there',
    'credential.malformed',
    signed({ more: '<saml:Audience>x</saml:Audience>' }),
  ],
  ['with text between the elements', 'credential.malformed', signed({ between: 'x' })],
  ['with an AuthnStatement without an instant', 'credential.malformed', signed({ authn: { instant: null } })],
  ['with an AuthnStatement in the future', 'credential.not_yet_valid', signed({ authn: { instant: 61 } })],
  ['with a session that ended', 'credential.expired', signed({ authn: { sessionNotOnOrAfter: -60 } })],
  [
    'with a context of two classes',
    'credential.malformed',
    written(
      '<saml:AuthnContextClassRef>',
      '<saml:AuthnContextClassRef>x</saml:AuthnContextClassRef><saml:AuthnContextClassRef>',
    ),
  ],
  ['without a context', 'credential.malformed', written(/<saml:AuthnContext>[\s\S]*<\/saml:AuthnContext>/, '')],
]

const attribute = (xml: string) =>
  written(
    /<saml:AttributeStatement>[\s\S]*<\/saml:AttributeStatement>/,
    `<saml:AttributeStatement>${xml}</saml:AttributeStatement>`,
  )

const ofAttributes: readonly Hostile[] = [
  [
    'with an attribute without a name',
    'credential.malformed',
    attribute('<saml:Attribute><saml:AttributeValue>x</saml:AttributeValue></saml:Attribute>'),
  ],
  [
    'with one name in two formats',
    'credential.malformed',
    signed({
      statements: [
        [
          { name: 'groups', values: ['a'], nameFormat: 'urn:a' },
          { name: 'groups', values: ['admins'], nameFormat: 'urn:b' },
        ],
      ],
    }),
  ],
  ['with something else than attributes', 'credential.malformed', attribute('<saml:Audience>x</saml:Audience>')],
  [
    'with something else than values',
    'credential.malformed',
    attribute('<saml:Attribute Name="groups"><x xmlns="urn:x"/></saml:Attribute>'),
  ],
  [
    'with text beside values',
    'credential.malformed',
    attribute('<saml:Attribute Name="groups">admins<saml:AttributeValue>x</saml:AttributeValue></saml:Attribute>'),
  ],
  [
    'with a NameID of a value that is empty',
    'credential.malformed',
    attribute(
      '<saml:Attribute Name="groups"><saml:AttributeValue><saml:NameID/></saml:AttributeValue></saml:Attribute>',
    ),
  ],
]

const table = {
  conditions: ofConditions,
  audiences: ofAudiences,
  confirmations: ofConfirmations,
  subjects: ofSubjects,
  issuers: ofIssuers,
  forms: ofForms,
  attributes: ofAttributes,
}

for (const [name, rows] of Object.entries(table))
  describe(`assertions that were signed so: ${name}`, () => refusesAll(rows, () => world))

describe('an assertion that ended within the skew of the clocks', () => {
  it('is believed, but nothing is left of it to give away', async () => {
    const answer = await world.post(world.idp.signedAssertion({ conditions: { notOnOrAfter: -1 } }))
    expect([answer.status, answer.reason, answer.claims]).toEqual([400, 'credential.expired', {}])
  })
})
