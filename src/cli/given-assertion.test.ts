import { describe, expect, it } from 'vitest'
import { samlIdentityProvider } from '../../test/world/saml-identity-provider.ts'
import { base64url } from '../../test/world/saml-text.ts'
import { readAssertion } from '../formats/saml/assertion-document.ts'
import { assertionGiven } from './given-assertion.ts'

const idp = samlIdentityProvider()
const assertion = idp.signedAssertion({ nameId: 'Zoë~>?' })
const inner = idp.assertion({ id: '_inner' })
const signedInside = idp.sign(idp.response({ content: inner }), { target: '_inner' })
const signedOutside = idp.sign(idp.response({ content: inner }))

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const decoded = (token: string): string => Buffer.from(token, 'base64url').toString()

describe('an assertion that somebody has at hand', () => {
  it('is presented as it is when it is in base64url already', () => {
    expect(assertionGiven(base64url(assertion))).toEqual({ xml: assertion, token: base64url(assertion), notes: [] })
  })

  it.each([
    ['XML', assertion],
    ['XML with a declaration', `<?xml version="1.0"?>\n${assertion}`],
  ])('becomes a token when it is %s', (_, text) => {
    expect(assertionGiven(text)).toEqual({ xml: text, token: base64url(text), notes: [] })
  })

  it('stays what it is when it is base64 of another kind, since callers would be refused too', () => {
    const padded = base64(assertion)
    expect(padded).toMatch(/[+/=]/)
    expect(assertionGiven(padded)).toEqual({
      xml: assertion,
      token: padded,
      notes: ['callers send base64url without padding (RFC 7522 section 2.1), not base64'],
    })
  })

  it.each([
    ['as XML', signedInside],
    ['in base64', base64(signedInside)],
    ['in base64 of many lines', base64(signedInside).replaceAll(/.{76}/g, '$&\r\n')],
    ['as a form field', `SAMLResponse=${encodeURIComponent(base64(signedInside))}`],
    ['as a form', `RelayState=a%20b&SAMLResponse=${encodeURIComponent(base64(signedInside))}&x=y`],
  ])('is taken out of a Response %s', (_, text) => {
    const given = assertionGiven(text)
    expect(given).toMatchObject({
      response: { isSigned: false },
      notes: ['this is a Response: callers send the assertion in it alone'],
    })
    expect(decoded(given?.token ?? '')).toBe(given?.xml)
    expect(readAssertion(given?.xml ?? '')).toHaveProperty('assertion.issuer', idp.entityId)
  })

  it('has lost the signature of its Response', () => {
    expect(assertionGiven(signedOutside)).toMatchObject({ response: { isSigned: true } })
    expect(() => readAssertion(assertionGiven(signedOutside)?.xml ?? '')).toThrow('the assertion is not signed')
  })

  it('is not taken out of a Response of which one cannot be sure', () => {
    const two = idp.response({ content: assertion + idp.signedAssertion() })
    expect(assertionGiven(two)).toEqual({
      xml: two,
      token: base64url(two),
      notes: ['no assertion can be taken out of it: there is more than one assertion'],
    })
    expect(assertionGiven(`<!DOCTYPE x>${assertion}`)?.notes).toEqual([])
  })

  it.each([
    ['a JWT', 'eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJ4In0.AAAA'],
    ['PEM', '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----'],
    ['base64 of something else', base64('hello there')],
    ['text', 'hello, there'],
    ['nothing', ''],
  ])('is not what %s is', (_, text) => {
    expect(assertionGiven(text)).toBeUndefined()
  })
})
