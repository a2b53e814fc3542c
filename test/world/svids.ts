import { generateKeyPairSync, sign } from 'node:crypto'
import { verifiers } from '../../src/catalog.ts'
import { authenticatedAs } from '../../src/domain/client.ts'
import { Refusal } from '../../src/domain/refusal.ts'
import { secret } from '../../src/domain/secret.ts'
import { newTrace } from '../../src/domain/trace.ts'
import { verify } from '../../src/verify/verify.ts'
import { now as nowIs, type TestCertificate, testAuthority } from './certificates.ts'
import { openPlace, type Place } from './place.ts'
import { testKeyring } from './signing.ts'

/** Both kinds of SVID under two trust domains, judged by way of the stage that finds the map and the verifier. */

export const at = nowIs()
export const audience = 'https://dragoman.example.com'
export const prodId = 'spiffe://prod.example.org'
export const webId = `${prodId}/web`
export const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')

export const root = testAuthority('prod root', { uris: [prodId] })
export const bareRoot = testAuthority('a root without SPIFFE ID')
export const partnerRoot = testAuthority('partner root', { uris: ['spiffe://partner.example.net'] })
export const intermediate = root.subordinate('prod intermediate', { uris: [prodId] })
export const publicRoot = testAuthority('a public authority')
/** Has the name of the real one and its SPIFFE ID, and another key. */
export const evilRoot = testAuthority('prod root', { uris: [prodId] })

const newKey = (kid: string) => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, use: 'jwt-svid' } }
}
export const prodKey = newKey('one')
export const partnerKey = newKey('one')
export const strangerKey = newKey('one')
export const x509Key = newKey('x509')

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

export const trustDomains = [
  { name: 'prod.example.org', bundleFile: 'prod.json' },
  { name: 'partner.example.net', bundleFile: 'partner.json' },
]
const files = {
  'prod.json': bundle([root, bareRoot], [prodKey.jwk, { ...x509Key.jwk, use: 'x509-svid' }]),
  'partner.json': bundle([partnerRoot], [partnerKey.jwk]),
}

export const openWith = async (source: object): Promise<Place> =>
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

export const proofOf = async (type: string, raw: string, where: Promise<Place> = place) => {
  const { desk } = await where
  const trace = newTrace('test', at, true)
  const presenter = { client: gateway }
  const credential = { type, raw: secret(raw) }
  return verify(credential, presenter, desk.sources, verifiers, desk.mayPresent, at, desk, trace)
}

/** The subject that is proven, or the reason of the refusal. */
export const verdictOn = async (type: string, raw: string, where?: Promise<Place>): Promise<string> => {
  try {
    return (await proofOf(type, raw, where)).credential.subject
  } catch (thrown) {
    if (!(thrown instanceof Refusal)) throw thrown
    return thrown.reason
  }
}

export const chainOf = (...certificates: readonly TestCertificate[]) =>
  certificates.map(({ der }) => base64(der)).join(',')

const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
export const goodHeader = { alg: 'ES256', kid: 'one', typ: 'JWT' }
export const goodClaims = { sub: webId, aud: [audience], iat: at - 10, exp: at + 290 }

export const tokenOf = (claims: object, header: object = goodHeader, { privateKey } = prodKey): string => {
  const input = `${encoded(header)}.${encoded(claims)}`
  return `${input}.${sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
}
