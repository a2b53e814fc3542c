import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AssertionOptions } from '../world/saml-assertion-text.ts'
import { samlIdentityProvider } from '../world/saml-identity-provider.ts'
import { confirmationMethods, namespaces } from '../world/saml-names.ts'
import { acceptsAll, alice, entityId, identityOf, openSamlWorld, type SamlWorld, type Sound, us } from './saml-world.ts'

/** Assertions as identity providers write them, and what the token says of those whom they are about. */

let world: SamlWorld
beforeAll(async () => {
  world = await openSamlWorld()
})
afterAll(() => world.stop())

const signed = (options: AssertionOptions) => (w: SamlWorld) => w.idp.signedAssertion(options)
const schemas = { xs: namespaces.xs, xsi: namespaces.xsi }

const forms: readonly Sound[] = [
  ['a plain one', signed({})],
  ['one in the default namespace', (w) => w.idp.signedAssertion({ prefix: '' }, { prefix: '' })],
  ['one under another prefix', (w) => w.idp.signedAssertion({ prefix: 'saml2' }, { prefix: 'dsig' })],
  ['one written with indents', signed({ between: '\n    ' })],
  ['one with indents of other line ends', (w) => w.idp.signedAssertion({ between: '\n  ' }).replaceAll('\n', '\r\n')],
  [
    'one with values that name their type',
    signed({
      declared: schemas,
      statements: [
        [
          { name: 'email', values: ['alice@example.com'], type: 'xs:string' },
          { name: 'groups', values: ['employees', 'orders-team'], type: 'xs:string' },
        ],
      ],
    }),
  ],
  ['one with a list of prefixes', (w) => w.idp.signedAssertion({ declared: schemas }, { prefixes: ['xs', 'xsi'] })],
  ['one with prefixes that nobody declared', (w) => w.idp.signedAssertion({}, { prefixes: ['xs', 'nobody'] })],
  [
    'one with a list of prefixes for SignedInfo',
    (w) => w.idp.signedAssertion({ declared: schemas }, { infoPrefixes: ['xs', 'saml'] }),
  ],
  ['one with a comment that is not signed', signed({ between: '<!-- x -->' })],
  ['one with CDATA that is signed', signed({ nameId: { value: { xml: 'alice<![CDATA[@example.com]]>' } } })],
  ['one with Advice', signed({ advice: '<saml:Advice><saml:AssertionIDRef>_x</saml:AssertionIDRef></saml:Advice>' })],
  [
    'one with a statement of authorization',
    signed({
      more: '<saml:AuthzDecisionStatement Resource="urn:x" Decision="Deny"><saml:Action Namespace="urn:x">x</saml:Action></saml:AuthzDecisionStatement>',
    }),
  ],
  [
    'one with an Issuer of the format entity',
    signed({ issuerFormat: 'urn:oasis:names:tc:SAML:2.0:nameid-format:entity' }),
  ],
  ['one with fractions of seconds', (w) => w.idp.signedAssertion({ issueInstant: '2026-06-01T11:59:59.9999999Z' })],
  ['one without a statement of authentication', signed({ authn: null })],
]

const contents: readonly Sound[] = [
  ['one for us and others', signed({ conditions: { audiences: [['https://other.example', us]] } })],
  [
    'one with two restrictions that are both for us',
    signed({ conditions: { audiences: [[us], ['https://other.example', us]] } }),
  ],
  ['one without limits in Conditions', signed({ conditions: { notBefore: null, notOnOrAfter: null } })],
  ['one that ends in a second', signed({ conditions: { notOnOrAfter: 1 } })],
  ['one that begins in a minute', signed({ conditions: { notBefore: 60 } })],
  [
    'one with a confirmation that holds behind one that does not',
    signed({
      confirmations: [
        { method: confirmationMethods.holderOfKey },
        { recipient: 'https://other.example' },
        { who: { xml: '<saml:NameID>gateway</saml:NameID>' } },
        {},
      ],
    }),
  ],
  ['one that answers a request', signed({ confirmations: [{ inResponseTo: '_request', address: '192.0.2.1' }] })],
  ['one that may be passed on once more', signed({ conditions: { proxyRestriction: { count: 1 } } })],
  ['one with a name with spaces', signed({ nameId: 'Alice Example' }), { ...alice, sub: 'user:Alice Example' }],
  [
    'one with a name in other letters',
    signed({ nameId: 'Ålice.é@例え.jp' }),
    { ...alice, sub: 'user:Ålice.é@例え.jp' },
  ],
  ['one with characters that XML has escaped', signed({ nameId: `<a>&"b'` }), { ...alice, sub: `user:<a>&"b'` }],
  ['one without attributes', signed({ attributes: null }), { sub: 'user:alice@example.com' }],
  ['one with one group', signed({ attributes: { groups: 'one' } }), { sub: 'user:alice@example.com', groups: ['one'] }],
  [
    'one with an attribute in several elements (Keycloak)',
    signed({ statements: [['a', 'b'].map((value) => ({ name: 'groups', values: [value] }))] }),
    { sub: 'user:alice@example.com', groups: ['a', 'b'] },
  ],
  [
    'one with an attribute in several statements',
    signed({ statements: ['a', 'b'].map((value) => [{ name: 'groups', values: [value] }]) }),
    { sub: 'user:alice@example.com', groups: ['a', 'b'] },
  ],
  [
    'one with a value that is nil',
    signed({ attributes: { email: 'a@b.example', groups: ['a', null] } }),
    { sub: 'user:alice@example.com', email: 'a@b.example', groups: ['a'] },
  ],
]

describe('assertions', () => {
  acceptsAll(forms, () => world)
  acceptsAll(contents, () => world)
})

describe('assertions signed', () => {
  it.each(['P-256', 'P-384', 'P-521', 'RSA-2048'] as const)('by a key of the kind %s', async (key) => {
    const idp = samlIdentityProvider({ entityId, key, now: world.now })
    const other = await openSamlWorld({ files: { 'idp.pem': idp.certificatePem } })
    const methods = (['sha256', 'sha384', 'sha512'] as const).map(
      (hash) => `${key === 'RSA-2048' ? 'rsa' : 'ecdsa'}-${hash}` as const,
    )
    try {
      for (const method of methods)
        for (const digest of ['sha256', 'sha384', 'sha512'] as const) {
          const answer = await other.post(idp.signedAssertion({}, { method, digest }))
          expect([method, digest, answer.reason]).toEqual([method, digest, undefined])
          expect(identityOf(answer)).toEqual(alice)
        }
    } finally {
      await other.stop()
    }
  })
})
