import { describe, expect, it } from 'vitest'
import {
  at,
  audience,
  goodClaims,
  goodHeader,
  openWith,
  partnerKey,
  prodId,
  prodKey,
  proofOf,
  strangerKey,
  tokenOf,
  verdictOn,
  webId,
  x509Key,
} from '../../test/world/svids.ts'
import { tokenTypes } from '../domain/token-type.ts'

const jwt = (claims: object, header?: object, key = prodKey) =>
  verdictOn(tokenTypes.jwt, tokenOf({ ...goodClaims, ...claims }, { ...goodHeader, ...header }, key))

describe('a JWT-SVID', () => {
  it('is proven by the keys of its trust domain, with kid and typ or without', async () => {
    expect(await jwt({})).toBe(webId)
    expect(await jwt({ aud: audience })).toBe(webId)
    expect(await jwt({}, { typ: 'JOSE' })).toBe(webId)
    expect(await verdictOn(tokenTypes.jwt, tokenOf(goodClaims, { alg: 'ES256' }))).toBe(webId)
    expect(await jwt({ sub: 'spiffe://partner.example.net/a' }, {}, partnerKey)).toBe('spiffe://partner.example.net/a')
  })

  it('shows maps its claims and its SPIFFE ID, which no claim of its own can replace', async () => {
    const claims = { ...goodClaims, jti: 'one', team: 'a', spiffe: { id: 'spiffe://evil/x' }, svid: 'x509' }
    const { credential } = await proofOf(tokenTypes.jwt, tokenOf(claims))
    expect(credential).toMatchObject({
      kind: 'spiffe',
      issuer: prodId,
      subject: webId,
      audience: [audience],
      expiresAt: at + 290,
      id: 'one',
      claims: { team: 'a', svid: 'jwt', spiffe: { id: webId, trust_domain: 'prod.example.org', path: '/web' } },
    })
    expect(credential.confirmation).toBeUndefined()
  })

  it.each<[string, object, object, string]>([
    ['no audience', { aud: undefined }, {}, 'credential.audience_mismatch'],
    ['an empty audience', { aud: [] }, {}, 'credential.audience_mismatch'],
    ['another audience', { aud: ['https://other.example'] }, {}, 'credential.audience_mismatch'],
    ['our audience with a slash', { aud: [`${audience}/`] }, {}, 'credential.audience_mismatch'],
    [
      'the audience that stands for X.509-SVIDs',
      { aud: ['urn:dragoman:audience:x509-svid'] },
      {},
      'credential.audience_mismatch',
    ],
    ['no exp', { exp: undefined }, {}, 'credential.claim_invalid'],
    ['an exp that is a text', { exp: `${at + 60}` }, {}, 'credential.claim_invalid'],
    ['an exp that has passed', { exp: at - 61, iat: at - 100 }, {}, 'credential.expired'],
    ['an iat to come', { iat: at + 61 }, {}, 'credential.not_yet_valid'],
    ['an nbf to come', { nbf: at + 61 }, {}, 'credential.not_yet_valid'],
    ['a life of two days', { exp: at + 172_800 }, {}, 'credential.lifetime_excessive'],
    ['the trust domain alone', { sub: prodId }, {}, 'credential.claim_invalid'],
    ['a trailing slash', { sub: `${webId}/` }, {}, 'credential.claim_invalid'],
    ['an upper-case scheme', { sub: 'SPIFFE://prod.example.org/web' }, {}, 'credential.claim_invalid'],
    ['a query', { sub: `${webId}?x` }, {}, 'credential.claim_invalid'],
    ['NUL', { sub: `${webId}\0` }, {}, 'credential.claim_invalid'],
    ['a path of dots', { sub: `${prodId}/../x` }, {}, 'credential.claim_invalid'],
    ['an unknown trust domain', { sub: 'spiffe://other.example.org/web' }, {}, 'issuer.unknown'],
    [
      'the trust domain of another bundle with the same kid',
      { sub: 'spiffe://partner.example.net/web' },
      {},
      'credential.signature_invalid',
    ],
    ['an unknown kid', {}, { kid: 'two' }, 'credential.key_unknown'],
    ['an empty kid', {}, { kid: '' }, 'credential.malformed'],
    ['alg none', {}, { alg: 'none' }, 'credential.algorithm_not_allowed'],
    ['a MAC', {}, { alg: 'HS256' }, 'credential.algorithm_not_allowed'],
    ['EdDSA', {}, { alg: 'EdDSA' }, 'credential.algorithm_not_allowed'],
    ['another algorithm than its key has', {}, { alg: 'ES384' }, 'credential.key_unknown'],
    ['the type of an access token', {}, { typ: 'at+jwt' }, 'credential.type_mismatch'],
    ['the type of a WIT-SVID', { cnf: { jwk: {} } }, { typ: 'wit+jwt' }, 'credential.type_mismatch'],
    ['typ in lower case', {}, { typ: 'jwt' }, 'credential.type_mismatch'],
    ['another header parameter', {}, { 'x-mine': 1 }, 'credential.header_not_allowed'],
    ['a key in its header', {}, { jwk: strangerKey.jwk }, 'credential.header_not_allowed'],
    ['a confirmation', { cnf: { jwk: {} } }, {}, 'credential.confirmation_required'],
    [
      'a certificate that it is bound to',
      { cnf: { 'x5t#S256': 'A'.repeat(43) } },
      {},
      'credential.confirmation_required',
    ],
    ['an actor', { act: { sub: 'x' } }, {}, 'credential.actor_not_permitted'],
    ['a status list', { status: { status_list: {} } }, {}, 'credential.status_unverifiable'],
  ])('with %s is refused', async (_, claims, header, reason) => {
    expect(await jwt(claims, header)).toBe(reason)
  })

  it('signed with a key of anybody else is refused', async () => {
    expect(await jwt({}, {}, strangerKey)).toBe('credential.signature_invalid')
    expect(await jwt({}, {}, partnerKey)).toBe('credential.signature_invalid')
    expect(await jwt({}, { kid: 'x509' }, x509Key)).toBe('credential.key_unknown')
    expect(await verdictOn(tokenTypes.jwt, tokenOf(goodClaims, { alg: 'ES256' }, x509Key))).toBe(
      'credential.signature_invalid',
    )
  })

  it('is no other type of token, and no other token is one', async () => {
    for (const type of [tokenTypes.idToken, tokenTypes.accessToken])
      expect(await verdictOn(type, tokenOf(goodClaims))).not.toBe(webId)
    expect(await jwt({ sub: 'alice', iss: prodId })).toBe('issuer.unknown')
    expect(await verdictOn(tokenTypes.x509Chain, tokenOf(goodClaims))).toBe('credential.malformed')
  })

  it('is refused where the map takes none', async () => {
    const x509Only = openWith({ types: ['x509-svid'] })
    expect(await verdictOn(tokenTypes.jwt, tokenOf(goodClaims), x509Only)).toBe('credential.audience_mismatch')
  })
})
