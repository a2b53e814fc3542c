import { generateKeyPairSync, sign } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  type CertificateOptions,
  now as nowIs,
  type TestCertificate,
  testAuthority,
} from '../../test/world/certificates.ts'
import { openPlace, type Place } from '../../test/world/place.ts'
import { testKeyring } from '../../test/world/signing.ts'
import { heldBy } from '../domain/presented-certificate.ts'
import { Refusal } from '../domain/refusal.ts'
import { secret } from '../domain/secret.ts'
import { newTrace } from '../domain/trace.ts'
import { authenticate } from './authenticate.ts'
import { spiffeJwt } from './spiffe_jwt.ts'
import { spiffeX509 } from './spiffe_x509.ts'

/** Clients that authenticate by an SVID, by way of the stage that finds their registration. */

const at = nowIs()
const issuer = 'https://dragoman.example.com'
const webId = 'spiffe://prod.example.org/web'
const batchId = 'spiffe://prod.example.org/batch'

const root = testAuthority('prod root', { uris: ['spiffe://prod.example.org'] })
const partnerRoot = testAuthority('partner root', { uris: ['spiffe://partner.example.net'] })
const intermediate = root.subordinate('intermediate', { uris: ['spiffe://prod.example.org'] })

const newKey = () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid: 'one', use: 'jwt-svid' } }
}
const prodKey = newKey()
const otherKey = newKey()

const trustDomain = { name: 'prod.example.org', bundleFile: 'prod.json' }
const x5c = [Buffer.from(root.der).toString('base64')]
const files = { 'prod.json': { keys: [{ kty: 'EC', use: 'x509-svid', x5c }, prodKey.jwk] } }

const clientOf = (name: string, clientId: string, ...authentication: readonly object[]) => ({
  apiVersion: 'dragoman/v1alpha1',
  kind: 'Client',
  metadata: { name },
  spec: { clientId, authentication },
})

const place: Promise<Place> = (async () =>
  openPlace({
    issuer,
    now: () => at,
    documents: [
      clientOf('web', webId, { method: 'spiffe_jwt', trustDomain }, { method: 'spiffe_x509', trustDomain }),
      clientOf(
        'batch',
        'batch',
        { method: 'spiffe_jwt', trustDomain, spiffeId: batchId },
        { method: 'spiffe_x509', trustDomain, spiffeId: batchId },
      ),
      clientOf('nobody', 'nobody', { method: 'spiffe_jwt', trustDomain }, { method: 'spiffe_x509', trustDomain }),
      clientOf('partner', 'spiffe://partner.example.net/a', { method: 'spiffe_x509', trustDomain }),
    ],
    files,
    keyring: await testKeyring(),
  }))()

type Presented = Parameters<typeof authenticate>[0]

/** `method client_id` of the client that is proven, or the reason of the refusal. */
const verdictOn = async (credential: Presented, where: Promise<Place> = place): Promise<string> => {
  const { desk } = await where
  try {
    const client = await authenticate(credential, desk.registrations, at, desk, newTrace('test', at))
    return `${client.method} ${client.id}`
  } catch (thrown) {
    if (!(thrown instanceof Refusal)) throw thrown
    return thrown.reason
  }
}

const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const tokenOf = (claims: object, header: object, { privateKey } = prodKey): string => {
  const input = `${encoded(header)}.${encoded(claims)}`
  return `${input}.${sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
}

const goodClaims = { sub: webId, aud: issuer, iat: at, exp: at + 300 }
const goodHeader = { alg: 'ES256', kid: 'one', typ: 'JWT' }

const byToken = (assertion: string, id?: string) =>
  verdictOn({ method: 'spiffe_jwt', assertion: secret(assertion), ...(id === undefined ? {} : { id }) })
const byJwt = (claims: object = {}, header: object = {}, id?: string, key = prodKey) =>
  byToken(tokenOf({ ...goodClaims, ...claims }, { ...goodHeader, ...header }, key), id)

describe('spiffe_jwt', () => {
  it('proves the client whose SPIFFE ID is the sub, again and again while it has no jti', async () => {
    const assertion = tokenOf(goodClaims, goodHeader)
    for (let count = 0; count < 3; count++) expect(await byToken(assertion)).toBe(`spiffe_jwt ${webId}`)
    expect(await byJwt({ aud: [issuer] })).toBe(`spiffe_jwt ${webId}`)
    expect(await byJwt({}, {}, webId)).toBe(`spiffe_jwt ${webId}`)
  })

  it('proves a client under a name of its own, if the request says which', async () => {
    expect(await byJwt({ sub: batchId }, {}, 'batch')).toBe('spiffe_jwt batch')
    expect(await byJwt({ sub: batchId })).toBe('client.unknown')
    expect(await byJwt({ sub: webId }, {}, 'batch')).toBe('client.credential_invalid')
    expect(await byJwt({ sub: batchId }, {}, webId)).toBe('client.credential_invalid')
    expect(await byJwt({ sub: webId }, {}, 'nobody')).toBe('client.credential_invalid')
  })

  it('takes one with a jti once', async () => {
    const assertion = tokenOf({ ...goodClaims, jti: 'once' }, goodHeader)
    expect(await byToken(assertion)).toBe(`spiffe_jwt ${webId}`)
    expect(await byToken(assertion)).toBe('client.assertion_replayed')
  })

  it.each<[string, object, object]>([
    ['no audience', { aud: undefined }, {}],
    ['another audience', { aud: 'https://other.example' }, {}],
    ['the token endpoint as audience', { aud: `${issuer}/token` }, {}],
    ['us among others as audience', { aud: [issuer, 'https://other.example'] }, {}],
    ['our name twice as audience', { aud: [issuer, issuer] }, {}],
    ['no sub', { sub: undefined }, {}],
    ['a sub that is no text', { sub: [webId] }, {}],
    ['no exp', { exp: undefined }, {}],
    ['an exp that has passed', { exp: at - 31 }, {}],
    ['an exp that is a text', { exp: `${at + 60}` }, {}],
    ['a life of an hour', { exp: at + 3_600 }, {}],
    ['an nbf to come', { nbf: at + 31 }, {}],
    ['an iat that is a text', { iat: 'now' }, {}],
    ['a jti that is no text', { jti: 1 }, {}],
    ['an empty jti', { jti: '' }, {}],
    ['a confirmation', { cnf: { jwk: {} } }, {}],
    ['alg none', {}, { alg: 'none' }],
    ['EdDSA', {}, { alg: 'EdDSA' }],
    ['an unknown kid', {}, { kid: 'two' }],
    ['the type of a client assertion', {}, { typ: 'client-authentication+jwt' }],
    ['the type of a WIT-SVID', {}, { typ: 'wit+jwt' }],
    ['another header parameter', {}, { jwk: otherKey.jwk }],
  ])('refuses one with %s', async (_, claims, header) => {
    expect(await byJwt(claims, header)).toBe('client.credential_invalid')
  })

  it('refuses what is signed with another key, what is no JWT, and what is too long', async () => {
    expect(await byJwt({}, {}, undefined, otherKey)).toBe('client.credential_invalid')
    for (const raw of ['', 'e30', 'e30.e30.', 'x'.repeat(8_193)])
      expect(await byToken(raw)).toBe('client.credential_invalid')
  })

  it('refuses a SPIFFE ID that nobody registered', async () => {
    expect(await byJwt({ sub: 'spiffe://prod.example.org/other' })).toBe('client.unknown')
    expect(await byJwt({ sub: 'batch' })).toBe('client.credential_invalid')
  })
})

const byChain = (id: string, leaf: TestCertificate, ...others: readonly TestCertificate[]) => {
  const chain = [leaf.der, ...others.map(({ der }) => der)] as const
  return verdictOn({ method: 'certificate', id, certificate: heldBy({ chain, thumbprint: 'any', via: 'tls' }) })
}

describe('spiffe_x509', () => {
  it('proves the client whose SPIFFE ID the certificate has', async () => {
    expect(await byChain(webId, root.issue({ uris: [webId] }))).toBe(`spiffe_x509 ${webId}`)
    expect(await byChain(webId, intermediate.issue({ uris: [webId] }), intermediate)).toBe(`spiffe_x509 ${webId}`)
    expect(await byChain('batch', root.issue({ uris: [batchId] }))).toBe('spiffe_x509 batch')
  })

  it.each<[string, CertificateOptions]>([
    ['of another client', { uris: [batchId] }],
    ['with two URIs', { uris: [webId, batchId] }],
    ['without a SPIFFE ID', { dns: ['web.example.org'] }],
    ['with the SPIFFE ID of the domain', { uris: ['spiffe://prod.example.org'] }],
    ['that has expired', { uris: [webId], notAfter: at - 1 }],
    ['of an authority', { uris: [webId], ca: true }],
    ['for servers only', { uris: [webId], eku: ['serverAuth'] }],
  ])('refuses one %s', async (_, options) => {
    expect(await byChain(webId, root.issue(options))).toBe('client.credential_invalid')
  })

  it('refuses one of another authority, one that is broken, and one for a client of another domain', async () => {
    expect(await byChain(webId, partnerRoot.issue({ uris: [webId] }), partnerRoot)).toBe('client.credential_invalid')
    const broken = { ...root, der: Buffer.of(1, 2, 3) }
    expect(await byChain(webId, broken)).toBe('client.credential_invalid')
    const partnerId = 'spiffe://partner.example.net/a'
    expect(await byChain(partnerId, root.issue({ uris: [partnerId] }))).toBe('client.credential_invalid')
    expect(await byChain('nobody', root.issue({ uris: [webId] }))).toBe('client.credential_invalid')
    expect(await byChain('somebody', root.issue({ uris: [webId] }))).toBe('client.unknown')
  })
})

describe('the settings', () => {
  const faultsOf = (config: object) =>
    spiffeX509
      .lint(spiffeX509.schema.parse({ method: 'spiffe_x509', ...config }), { insecureLoopback: false })
      .map(({ path }) => path)

  it('want a SPIFFE ID of the trust domain', () => {
    expect(faultsOf({ trustDomain, spiffeId: webId })).toEqual([])
    expect(faultsOf({ trustDomain })).toEqual([])
    expect(faultsOf({ trustDomain, spiffeId: 'spiffe://partner.example.net/a' })).toEqual(['spiffeId'])
    expect(faultsOf({ trustDomain: { name: 'prod.example.org' } })).toEqual(['trustDomain'])
    const wrong = { method: 'spiffe_jwt', trustDomain, spiffeId: 'spiffe://prod.example.org' }
    expect(spiffeJwt.schema.safeParse(wrong).success).toBe(false)
    expect(spiffeJwt.schema.safeParse({ method: 'spiffe_jwt', trustDomain, maxLifetime: '2h' }).success).toBe(false)
  })
})
