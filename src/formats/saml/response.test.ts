import { describe, expect, it } from 'vitest'
import type { AssertionOptions } from '../../../test/world/saml-assertion-text.ts'
import { samlIdentityProvider } from '../../../test/world/saml-identity-provider.ts'
import { namespaces } from '../../../test/world/saml-names.ts'
import { signedReferences } from '../../../test/world/saml-oracle.ts'
import { changed } from '../../../test/world/saml-text.ts'
import { FormatError } from '../format-error.ts'
import { readAssertion } from './assertion-document.ts'
import { assertionInResponse, responseIn } from './response.ts'

const idp = samlIdentityProvider()

/** A Response with an assertion that was signed where it stands. */
const responseWith = (options: AssertionOptions, prefixes?: readonly string[], declared = {}): string => {
  const content = idp.assertion({ id: '_inner', ...options })
  const signing = { target: '_inner', ...(prefixes === undefined ? {} : { prefixes, infoPrefixes: prefixes }) }
  return idp.sign(idp.response({ content, declared }), signing)
}

const contentOf = (assertion: string): string | undefined => {
  const read = readAssertion(assertion)
  return 'sealed' in read ? undefined : read.signature.content
}

const typed = (declaration: string): AssertionOptions => ({
  attributes: null,
  more:
    '<saml:AttributeStatement><saml:Attribute Name="email">' +
    `<saml:AttributeValue ${declaration} xmlns:xsi="${namespaces.xsi}" xsi:type="xs:string">a &lt; b</saml:AttributeValue>` +
    '</saml:Attribute></saml:AttributeStatement>',
})

describe('the assertion of a Response', () => {
  it.each([
    ['declares all by itself', responseWith({})],
    [
      'has a namespace that the Response declares',
      responseWith({ undeclared: true }, undefined, { saml: namespaces.saml }),
    ],
    [
      'has a default namespace under a Response with prefixes',
      responseWith({ prefix: '' }, undefined, { saml: namespaces.saml }),
    ],
    [
      'covers a prefix of the Response that only a text uses',
      responseWith(typed(''), ['xs'], { xs: namespaces.xs, unused: 'urn:unused' }),
    ],
    ['covers a prefix that is declared deep inside', responseWith(typed(`xmlns:xs="${namespaces.xs}"`), ['xs'])],
    [
      'covers a prefix that is declared again deep inside',
      responseWith(typed(`xmlns:xs="${namespaces.xs}"`), ['xs', 'saml'], { xs: 'urn:other' }),
    ],
    ['covers the default namespace', responseWith({ prefix: '' }, ['#default'])],
  ])('keeps its signature when it %s', (_, response) => {
    const taken = assertionInResponse(response)
    const [before] = signedReferences(response, idp.certificatePem)
    expect(before).toContain('alice@example.com')
    expect(signedReferences(taken, idp.certificatePem)).toEqual([before])
    expect(contentOf(taken)).toBe(before)
  })

  it('may be encrypted', () => {
    const content = `<saml:EncryptedAssertion><e/></saml:EncryptedAssertion>`
    const taken = assertionInResponse(idp.response({ content, declared: { saml: namespaces.saml } }))
    expect(taken).toBe(
      `<saml:EncryptedAssertion xmlns:saml="${namespaces.saml}" xmlns:samlp="${namespaces.samlp}"><e></e></saml:EncryptedAssertion>`,
    )
  })

  it('is taken as it is, whether the Response is signed or not', () => {
    const plain = idp.response({ id: '_outer', content: idp.assertion({ id: '_inner' }) })
    expect(responseIn(plain)).toMatchObject({ isSigned: false })
    expect(responseIn(idp.sign(plain, { target: '_inner' }))).toMatchObject({ isSigned: false })
    const outside = responseIn(idp.sign(plain))
    expect(outside).toMatchObject({ isSigned: true })
    expect(outside?.assertion).not.toContain('Signature')
  })
})

const inner = idp.signedAssertion({ id: '_inner' })

it.each([
  ['no assertion', idp.response(), 'the Response holds no Assertion'],
  ['two assertions', idp.response({ content: inner + idp.signedAssertion() }), 'there is more than one assertion'],
  [
    'one encrypted assertion too many',
    idp.response({
      content: `${inner}<x:EncryptedAssertion/>`,
      declared: { x: namespaces.saml },
    }),
    'there is more than one assertion',
  ],
  [
    'an assertion in an assertion',
    idp.response({ content: idp.assertion({ advice: `<saml:Advice>${inner}</saml:Advice>` }) }),
    'there is more than one assertion',
  ],
  [
    'an assertion in Extensions',
    idp.response({ extensions: `<samlp:Extensions>${inner}</samlp:Extensions>` }),
    'the Assertion does not stand in the Response itself',
  ],
  ['text between its elements', idp.response({ content: `${inner}text` }), 'Response holds text between its elements'],
  ['a DOCTYPE', `<!DOCTYPE x>${idp.response({ content: inner })}`, 'the XML has a DOCTYPE'],
  ['no Response', inner, 'the document is not a SAML Response'],
  [
    'a Response of SAML 1.1',
    changed(idp.response({ content: inner }), namespaces.samlp, 'urn:oasis:names:tc:SAML:1.0:protocol'),
    'the document is not a SAML Response',
  ],
])('refuses a document with %s', (_, text, message) => {
  expect(() => assertionInResponse(text)).toThrow(new FormatError(message))
})

it('tells another document from a Response', () => {
  expect(responseIn(inner)).toBeUndefined()
})
