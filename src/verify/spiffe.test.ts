import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type CertificateOptions,
  generalNames,
  now as nowIs,
  oids,
  type TestCertificate,
  testAuthority,
  testCertificate,
} from '../../test/world/certificates.ts'
import { explicit, sequence } from '../../test/world/der.ts'
import { openPlace, type Place } from '../../test/world/place.ts'
import { testKeyring } from '../../test/world/signing.ts'
import { verifiers } from '../catalog.ts'
import { authenticatedAs } from '../domain/client.ts'
import { Refusal } from '../domain/refusal.ts'
import { secret } from '../domain/secret.ts'
import { tokenTypes } from '../domain/token-type.ts'
import { newTrace } from '../domain/trace.ts'
import { spiffe } from './spiffe.ts'
import { verify } from './verify.ts'

/** Both kinds of SVID under two trust domains, by way of the stage that finds the map and the verifier. */

const at = nowIs()
const audience = 'https://dragoman.example.com'
const prodId = 'spiffe://prod.example.org'
const webId = `${prodId}/web`
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')

const root = testAuthority('prod root', { uris: [prodId] })
const bareRoot = testAuthority('a root without SPIFFE ID')
const partnerRoot = testAuthority('partner root', { uris: ['spiffe://partner.example.net'] })
const intermediate = root.subordinate('prod intermediate', { uris: [prodId] })
const publicRoot = testAuthority('a public authority')
/** Has the name of the real one and its SPIFFE ID, and another key. */
const evilRoot = testAuthority('prod root', { uris: [prodId] })

const newKey = (kid: string) => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, use: 'jwt-svid' } }
}
const prodKey = newKey('one')
const partnerKey = newKey('one')
const strangerKey = newKey('one')
const x509Key = newKey('x509')

const bundle = (authorities: readonly TestCertificate[], keys: readonly object[]) => ({
  keys: [...authorities.map(({ der }) => ({ kty: 'EC', use: 'x509-svid', x5c: [base64(der)] })), ...keys],
})

const rules = [
  {
    name: 'everyone',
    when: { claims: { sub: { exists: true } } },
    identity: { type: 'workload', subject: { claim: 'sub' } },
    grant: { audiences: ['https://orders.example'], ttl: '5m' },
  },
]

const mapOf = (source: object, name = 'workloads') => ({
  apiVersion: 'dragoman/v1alpha1',
  kind: 'TrustMap',
  metadata: { name },
  spec: { source, rules },
})

const trustDomains = [
  { name: 'prod.example.org', bundleFile: 'prod.json' },
  { name: 'partner.example.net', bundleFile: 'partner.json' },
]
const files = {
  'prod.json': bundle([root, bareRoot], [prodKey.jwk, { ...x509Key.jwk, use: 'x509-svid' }]),
  'partner.json': bundle([partnerRoot], [partnerKey.jwk]),
}

const openWith = async (source: object): Promise<Place> =>
  openPlace({
    issuer: audience,
    now: () => at,
    documents: [mapOf({ spiffe: { trustDomains, ...source } })],
    files,
    keyring: await testKeyring(),
  })

const place = openWith({ audiences: [audience] })

const gateway = authenticatedAs({
  id: 'edge',
  method: 'private_key_jwt',
  rights: { sources: ['**'], audiences: ['**'], scopes: ['**'], presentCertificates: true },
})

const proofOf = async (type: string, raw: string, where: Promise<Place> = place) => {
  const { desk } = await where
  const trace = newTrace('test', at, true)
  const presenter = { client: gateway }
  const credential = { type, raw: secret(raw) }
  return verify(credential, presenter, desk.sources, verifiers, desk.mayPresent, at, desk, trace)
}

/** The subject that is proven, or the reason of the refusal. */
const verdictOn = async (type: string, raw: string, where?: Promise<Place>): Promise<string> => {
  try {
    return (await proofOf(type, raw, where)).credential.subject
  } catch (thrown) {
    if (!(thrown instanceof Refusal)) throw thrown
    return thrown.reason
  }
}

const chainOf = (...certificates: readonly TestCertificate[]) => certificates.map(({ der }) => base64(der)).join(',')
const x509 = (...certificates: readonly TestCertificate[]) => verdictOn(tokenTypes.x509Chain, chainOf(...certificates))

const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const goodHeader = { alg: 'ES256', kid: 'one', typ: 'JWT' }
const goodClaims = { sub: webId, aud: [audience], iat: at - 10, exp: at + 290 }

const tokenOf = (claims: object, header: object = goodHeader, { privateKey } = prodKey): string => {
  const input = `${encoded(header)}.${encoded(claims)}`
  return `${input}.${sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
}
const jwt = (claims: object, header?: object, key = prodKey) =>
  verdictOn(tokenTypes.jwt, tokenOf({ ...goodClaims, ...claims }, { ...goodHeader, ...header }, key))

describe('an X.509-SVID', () => {
  it('is proven by the bundle of its trust domain, straight and over an intermediate', async () => {
    expect(await x509(root.issue({ uris: [webId] }))).toBe(webId)
    expect(await x509(intermediate.issue({ uris: [webId] }), intermediate)).toBe(webId)
    expect(await x509(bareRoot.issue({ uris: [webId] }))).toBe(webId)
    expect(await x509(partnerRoot.issue({ uris: ['spiffe://partner.example.net/a'] }))).toBe(
      'spiffe://partner.example.net/a',
    )
    const pem = root.issue({ uris: [webId] }).pem
    expect(await verdictOn(tokenTypes.x509Chain, pem)).toBe(webId)
  })

  it('may have other names beside its SPIFFE ID, and no purposes', async () => {
    expect(await x509(root.issue({ uris: [webId], dns: ['web.example.org'], emails: ['a@example.org'] }))).toBe(webId)
    expect(await x509(root.issue({ uris: [webId], eku: null }))).toBe(webId)
    expect(await x509(root.issue({ uris: [webId], keyUsage: ['digitalSignature', 'keyEncipherment'] }))).toBe(webId)
  })

  it('shows maps its SPIFFE ID, its names and its validity, and is bound to its key', async () => {
    const leaf = intermediate.issue({ uris: [webId], subject: 'web', notAfter: at + 600 })
    const { credential } = await proofOf(tokenTypes.x509Chain, chainOf(leaf, intermediate))
    expect(credential).toMatchObject({
      kind: 'spiffe',
      issuer: prodId,
      subject: webId,
      audience: [],
      expiresAt: at + 600,
      claims: {
        sub: webId,
        svid: 'x509',
        spiffe: { id: webId, trust_domain: 'prod.example.org', path: '/web' },
        subject: { CN: 'web' },
        san: { uri: [webId] },
      },
    })
    const thumbprint = createHash('sha256').update(leaf.der).digest('base64url')
    expect(credential.confirmation).toEqual({ 'x5t#S256': thumbprint })
  })

  it.each<[string, CertificateOptions, string]>([
    ['two URIs', { uris: [webId, `${prodId}/admin`] }, 'credential.malformed'],
    ['a URI of another scheme beside it', { uris: ['https://web.example.org', webId] }, 'credential.malformed'],
    ['only the trust domain', { uris: [prodId] }, 'credential.malformed'],
    ['a trailing slash', { uris: [`${webId}/`] }, 'credential.malformed'],
    ['an upper-case scheme', { uris: ['SPIFFE://prod.example.org/web'] }, 'credential.malformed'],
    ['an upper-case trust domain', { uris: ['spiffe://PROD.example.org/web'] }, 'credential.malformed'],
    ['a query', { uris: [`${webId}?admin`] }, 'credential.malformed'],
    ['a fragment', { uris: [`${webId}#admin`] }, 'credential.malformed'],
    ['a percent', { uris: [`${prodId}/%77eb`] }, 'credential.malformed'],
    ['dots', { uris: [`${prodId}/a/../web`] }, 'credential.malformed'],
    ['a port', { uris: ['spiffe://prod.example.org:443/web'] }, 'credential.malformed'],
    ['user information', { uris: ['spiffe://prod.example.org@evil.example/web'] }, 'credential.malformed'],
    ['NUL', { uris: [`${webId}\0.evil`] }, 'credential.malformed'],
    ['letters beyond ASCII', { uris: [`${prodId}/wéb`] }, 'credential.malformed'],
    ['a comma and another name', { uris: [`${webId}, URI:${prodId}/admin`] }, 'credential.malformed'],
    ['an unknown trust domain', { uris: ['spiffe://other.example.org/web'] }, 'issuer.unknown'],
    [
      'the trust domain of another bundle',
      { uris: ['spiffe://partner.example.net/web'] },
      'credential.chain_untrusted',
    ],
    ['an authority', { uris: [webId], ca: true }, 'credential.usage_not_allowed'],
    [
      'an authority that may sign',
      { uris: [webId], ca: true, keyUsage: ['digitalSignature'] },
      'credential.usage_not_allowed',
    ],
    [
      'a key that signs certificates',
      { uris: [webId], keyUsage: ['digitalSignature', 'keyCertSign'] },
      'credential.usage_not_allowed',
    ],
    [
      'a key that signs CRLs',
      { uris: [webId], keyUsage: ['digitalSignature', 'cRLSign'] },
      'credential.usage_not_allowed',
    ],
    ['a key that makes no signatures', { uris: [webId], keyUsage: ['keyAgreement'] }, 'credential.usage_not_allowed'],
    ['no key usage', { uris: [webId], keyUsage: null }, 'credential.usage_not_allowed'],
    ['purposes of servers only', { uris: [webId], eku: ['serverAuth'] }, 'credential.usage_not_allowed'],
    ['purposes of clients only', { uris: [webId], eku: ['clientAuth'] }, 'credential.usage_not_allowed'],
    ['any purpose', { uris: [webId], eku: ['any'] }, 'credential.usage_not_allowed'],
    ['a time that has passed', { uris: [webId], notAfter: at - 1 }, 'credential.expired'],
    ['a time to come', { uris: [webId], notBefore: at + 60 }, 'credential.not_yet_valid'],
    [
      'an unknown critical extension',
      { uris: [webId], extensions: [{ oid: '1.2.3.4', critical: true, value: Buffer.of(5, 0) }] },
      'credential.extension_unsupported',
    ],
    [
      'a key usage that is not critical',
      { uris: [webId], extensions: [{ oid: '2.5.29.15', value: Buffer.of(3, 2, 7, 0x80) }] },
      'credential.usage_not_allowed',
    ],
    ['a weak key', { uris: [webId], key: 'RSA-1024' }, 'credential.algorithm_not_allowed'],
  ])('with %s is refused', async (_, options, reason) => {
    expect(await x509(root.issue(options))).toBe(reason)
  })

  it('with its SPIFFE ID in another place is none', async () => {
    for (const options of [{ subject: webId }, { dns: ['web.example.org'] }])
      expect(await x509(root.issue(options))).toBe('issuer.unknown')
    const smuggled = root.issue({ uris: [`https://web.example.org/,URI:${webId}`] })
    expect(await x509(smuggled)).toBe('issuer.unknown')
  })

  it('from anybody but its trust domain is refused', async () => {
    const options = { uris: [webId] }
    expect(await x509(partnerRoot.issue(options))).toBe('credential.chain_untrusted')
    expect(await x509(partnerRoot.issue(options), partnerRoot)).toBe('credential.chain_untrusted')
    expect(await x509(publicRoot.issue(options), publicRoot)).toBe('credential.chain_untrusted')
    expect(await x509(evilRoot.issue(options), evilRoot)).toBe('credential.chain_untrusted')
    expect(await x509(testCertificate(options))).toBe('credential.chain_untrusted')
    expect(await x509(root.issue({ uris: ['spiffe://partner.example.net/a'] }), root)).toBe(
      'credential.chain_untrusted',
    )
  })

  it('from a leaf, or over what is no authority, is refused', async () => {
    const leaf = root.issue({ uris: [webId], subject: 'web' })
    const below = testCertificate({ uris: [`${prodId}/admin`] }, leaf)
    expect(await x509(below, leaf)).toBe('credential.usage_not_allowed')
    expect(await x509(intermediate.issue({ uris: [webId] }))).toBe('credential.chain_untrusted')
  })

  it('over an authority that is an SVID of the wrong kind is refused', async () => {
    const over = async (options: CertificateOptions) => {
      const authority = root.subordinate('intermediate', options)
      return x509(authority.issue({ uris: [webId] }), authority)
    }
    expect(await over({ uris: [`${prodId}/ca`] })).toBe('credential.constraint_violated')
    expect(await over({ uris: [prodId, prodId] })).toBe('credential.constraint_violated')
    expect(await over({ uris: ['SPIFFE://prod.example.org'] })).toBe('credential.constraint_violated')
    expect(await over({ uris: ['spiffe://partner.example.net'] })).toBe('credential.constraint_violated')
    expect(await over({ uris: [prodId], keyUsage: null })).toBe('credential.usage_not_allowed')
    expect(await over({ uris: ['https://ca.example.org'] })).toBe(webId)
    expect(await over({})).toBe(webId)
  })

  it('may come from an issuer of its domain below an authority of another', async () => {
    const upper = root.subordinate('upper', { uris: ['spiffe://hq.example.org'] })
    const lower = upper.subordinate('lower', { uris: [prodId] })
    expect(await x509(lower.issue({ uris: [webId] }), lower, upper)).toBe(webId)
  })

  it('keeps within the URIs that its authority is limited to', async () => {
    const permitted = explicit(0, sequence(generalNames.uri('prod.example.org')))
    const limited = root.subordinate('limited', {
      uris: [prodId],
      extensions: [{ oid: oids.nameConstraints, critical: true, value: sequence(permitted) }],
    })
    expect(await x509(limited.issue({ uris: [webId] }), limited)).toBe(webId)
    const elsewhere = partnerRoot.subordinate('limited', {
      uris: ['spiffe://partner.example.net'],
      extensions: [{ oid: oids.nameConstraints, critical: true, value: sequence(permitted) }],
    })
    expect(await x509(elsewhere.issue({ uris: ['spiffe://partner.example.net/a'] }), elsewhere)).toBe(
      'credential.constraint_violated',
    )
  })

  it('of which a bit has changed proves nothing, and breaks nothing', async () => {
    const { der } = root.issue({ uris: [webId] })
    await fc.assert(
      fc.asyncProperty(fc.nat(der.length * 8 - 1), async (bit) => {
        const changed = Buffer.from(der)
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        expect(await verdictOn(tokenTypes.x509Chain, base64(changed))).toMatch(/^(credential|issuer)\./)
      }),
      { numRuns: 500 },
    )
  })

  it('is refused where the map takes none', async () => {
    const jwtOnly = openWith({ audiences: [audience], types: ['jwt-svid'] })
    expect(await verdictOn(tokenTypes.x509Chain, chainOf(root.issue({ uris: [webId] })), jwtOnly)).toBe(
      'credential.audience_mismatch',
    )
  })

  it.each([
    ['nothing', ''],
    ['a JWT', 'e30.e30.AAAA'],
    ['rubbish', 'AAAA'],
    ['rubbish after the leaf', `${chainOf(root.issue({ uris: [webId] }))},AAAA`],
    ['eleven certificates', chainOf(root.issue({ uris: [webId] }), ...Array<TestCertificate>(10).fill(root))],
    ['a megabyte', 'A'.repeat(1_000_000)],
  ])('is not read from %s', async (_, raw) => {
    expect(await verdictOn(tokenTypes.x509Chain, raw)).toBe('credential.malformed')
  })
})

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

describe('the settings', () => {
  const faultsOf = (config: object) =>
    spiffe.lint(spiffe.schema.parse({ trustDomains, ...config }), { insecureLoopback: false }).map(({ path }) => path)

  it('want audiences where JWT-SVIDs are taken, and say which document is wrong', () => {
    expect(faultsOf({})).toEqual(['audiences'])
    expect(faultsOf({ types: ['x509-svid'] })).toEqual([])
    expect(faultsOf({ audiences: [audience] })).toEqual([])
    expect(faultsOf({ audiences: [audience], trustDomains: [{ name: 'prod.example.org' }] })).toEqual([
      'trustDomains[0]',
    ])
  })

  it('take no algorithm that JWT-SVIDs do not have', () => {
    expect(spiffe.schema.safeParse({ trustDomains, algorithms: ['EdDSA'] }).success).toBe(false)
    expect(spiffe.schema.safeParse({ trustDomains: [] }).success).toBe(false)
  })
})

describe('an SVID that a policy test assumes', () => {
  const config = spiffe.schema.parse({ trustDomains, audiences: [audience] })
  const assumed = (claims: Record<string, string | number>) => {
    try {
      return spiffe.assume?.(claims, config, at).claims['svid']
    } catch (thrown) {
      return thrown instanceof Refusal ? thrown.reason : thrown
    }
  }

  it('is a JWT-SVID if it has an audience, and is judged as far as claims can tell', () => {
    expect(assumed({ sub: webId })).toBe('x509')
    expect(assumed({ sub: webId, aud: audience })).toBe('jwt')
    expect(assumed({ sub: webId, aud: 'https://other.example' })).toBe('credential.audience_mismatch')
    expect(assumed({ sub: webId, not_after: at - 1 })).toBe('credential.expired')
    expect(assumed({ sub: webId, not_before: at + 1 })).toBe('credential.not_yet_valid')
    expect(assumed({ sub: 'web' })).toBe('credential.claim_invalid')
    expect(assumed({ sub: 'spiffe://other.example.org/web' })).toBe('issuer.unknown')
  })
})
