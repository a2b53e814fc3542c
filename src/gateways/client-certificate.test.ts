import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { testAuthority } from '../../test/world/certificates.ts'
import { isInTime } from '../../test/world/in-time.ts'
import { certificateHeaders, dialects } from '../catalog.ts'
import type { Caller } from '../domain/caller.ts'
import { Refusal } from '../domain/refusal.ts'
import { newDraft } from '../formats/draft.ts'
import { gatewayRegistration, gatewaySpec } from '../formats/gateway-document.ts'
import { createNodeDigest } from '../runtimes/node/digest.ts'
import { clientCertificate, type Gateways, gatewaysOf, prepareGateway } from './client-certificate.ts'
import type { GatewayTools } from './gateway-authentication.ts'

const now = Math.floor(Date.now() / 1_000)
const authority = testAuthority('root')
const web = 'spiffe://prod.example.org/web'
const client = authority.issue({ uris: [web], dns: ['a.example', 'b.example'] })
const other = authority.issue({ uris: ['spiffe://prod.example.org/other'] })

const sha256 = (bytes: Uint8Array | string, as: 'hex' | 'base64url' = 'base64url') =>
  createHash('sha256').update(bytes).digest(as)
const base64 = (der: Uint8Array) => Buffer.from(der).toString('base64')
const item = (der: Uint8Array) => `:${base64(der)}:`
const xfcc = (pem: string, names: string, hash: string) =>
  `Hash=${hash};Cert="${encodeURIComponent(pem)}"${names === '' ? '' : `;${names}`}`

const noFile = () => Promise.reject(new Error('there is no such file'))

const tools: GatewayTools = {
  clock: { now: () => now },
  log: { info: () => undefined, warn: () => undefined },
  files: { read: noFile, readBytes: noFile },
  secrets: { read: () => Promise.reject(new Error('there is no such secret')) },
  digest: createNodeDigest(),
  certificateSignatures: { verify: () => Promise.resolve(false) },
}

const gateways = async (specs: Readonly<Record<string, object>>): Promise<Gateways> => {
  const schema = gatewaySpec(certificateHeaders, dialects)
  const draft = newDraft({ value: {}, locate: () => ({ file: 'a.yaml', line: 1, column: 1 }) })
  const registrations = Object.entries(specs).map(([name, spec]) =>
    gatewayRegistration(draft, name, schema.parse(spec)),
  )
  const kinds = { certificateHeaders, dialects, insideSources: [] }
  const prepared = await Promise.all(registrations.map((one) => prepareGateway(one, kinds, tools)))
  return gatewaysOf(prepared, certificateHeaders)
}

const edge: Caller = { address: '10.0.0.5' }
const network = { network: ['10.0.0.5', 'fd00:1::/32'] }
const rfc9440 = await gateways({ edge: { authenticate: network, certificateFrom: 'rfc9440' } })
const envoy = await gateways({ edge: { authenticate: network, certificateFrom: 'envoy-xfcc' } })
const nginx = await gateways({ edge: { authenticate: network, certificateFrom: 'nginx' } })

type Headers = Readonly<Record<string, string>>

const find = (headers: Headers, caller: Caller, among: Gateways) =>
  clientCertificate({ header: (name) => headers[name] }, caller, among, now, { ports: tools })

const reasonOf = async (headers: Headers, caller: Caller, among: Gateways): Promise<string | undefined> => {
  try {
    const found = await find(headers, caller, among)
    return found === undefined ? 'no certificate' : 'accepted'
  } catch (thrown) {
    if (thrown instanceof Refusal) return thrown.reason
    throw thrown
  }
}

const good = { 'client-cert': item(client.der) }
const thumbprint = sha256(client.der)

describe('a client certificate', () => {
  it('is what the gateway states in its one header', async () => {
    const stated = { chain: [new Uint8Array(client.der)], thumbprint, via: { gateway: 'edge' } }
    expect(await find(good, edge, rfc9440)).toEqual(stated)
    const chain = { 'client-cert-chain': item(authority.der) }
    expect((await find({ ...good, ...chain }, edge, rfc9440))?.chain).toHaveLength(2)
    const header = xfcc(client.pem, `URI=${web};DNS=b.example;DNS=a.example`, sha256(client.der, 'hex'))
    expect(await find({ 'x-forwarded-client-cert': header }, edge, envoy)).toEqual(stated)
    const escaped = { 'ssl-client-cert': encodeURIComponent(client.pem), 'ssl-client-verify': 'SUCCESS' }
    expect(await find(escaped, edge, nginx)).toEqual(stated)
  })

  it('is none where the gateway states none, whatever the gateway presents itself', async () => {
    const chain = [other.der] as const
    expect(await find({}, { ...edge, chain }, rfc9440)).toBeUndefined()
    expect(await find({ 'ssl-client-verify': 'NONE' }, { ...edge, chain }, nginx)).toBeUndefined()
  })

  it('is that of the connection where the caller is no gateway, once for all requests', async () => {
    const caller: Caller = { address: '10.0.0.6', chain: [client.der, authority.der] }
    const found = await find({}, caller, rfc9440)
    expect(found).toEqual({ chain: caller.chain, thumbprint, via: 'tls' })
    expect(await find({}, { ...caller, address: '10.0.0.7' }, rfc9440)).toBe(found)
    expect(await find({}, { address: '10.0.0.6' }, rfc9440)).toBeUndefined()
  })

  it('is never read from a header where there are no gateways', async () => {
    const none = gatewaysOf([], certificateHeaders)
    expect(await find(good, edge, none)).toBeUndefined()
    expect(await find(good, { chain: [other.der] }, none)).toMatchObject({ via: 'tls', thumbprint: sha256(other.der) })
  })

  it('is accepted from an address however it is written', async () => {
    for (const address of ['::ffff:10.0.0.5', '::ffff:a00:5', 'fd00:1::1', 'FD00:1:0::2'])
      expect(await reasonOf(good, { address }, rfc9440)).toBe('accepted')
  })

  const usual = certificateHeaders.flatMap((dialect) => dialect.carriers(dialect.schema.parse({})))

  it.each([...new Set(usual)])('is refused in %s from anyone else, before it is looked at', async (name) => {
    for (const value of ['', 'x', item(client.der), 'A'.repeat(100_000)]) {
      expect(await reasonOf({ [name]: value }, { address: '10.0.0.6' }, nginx)).toBe('certificate.header_untrusted')
      expect(await reasonOf({ [name.replaceAll('-', '_')]: value }, {}, nginx)).toBe('certificate.header_untrusted')
    }
  })

  const strangers: readonly (readonly [what: string, caller: Caller, headers?: Headers])[] = [
    [
      'says so in X-Forwarded-For',
      { address: '203.0.113.9' },
      { 'x-forwarded-for': '10.0.0.5', 'x-real-ip': '10.0.0.5', forwarded: 'for=10.0.0.5' },
    ],
    ['has no address', {}],
    ['has an address that cannot be read', { address: '10.0.0.5, 10.0.0.5' }],
    ['has a compatible address, which is not a mapped one', { address: '::10.0.0.5' }],
    ['has an address with a zone', { address: 'fd00:1::1%eth0' }],
    ['has an octal address', { address: '012.0.0.5' }],
    ['is a neighbour', { address: '10.0.0.50' }],
    ['has a certificate of its own', { address: '10.0.0.6', chain: [client.der] }],
  ]

  it.each(strangers.map(([what, caller, headers = {}]) => ({ what, caller, headers })))(
    'is refused from a caller that $what',
    async ({ caller, headers }) => {
      expect(await reasonOf({ ...good, ...headers }, caller, rfc9440)).toBe('certificate.header_untrusted')
    },
  )

  it.each<readonly [string, Headers]>([
    ['another dialect', { 'x-forwarded-client-cert': 'x' }],
    ['another mode of another dialect', { 'x-amzn-mtls-clientcert': 'x' }],
    ['another dialect, empty', { 'ssl-client-cert': '' }],
    ['an underscore alias', { client_cert: item(other.der) }],
    ['an alias of another dialect', { x_forwarded_client_cert: 'x' }],
  ])('is refused when the request also has %s', async (_, headers) => {
    expect(await reasonOf({ ...good, ...headers }, edge, rfc9440)).toBe('certificate.header_conflict')
    expect(await reasonOf(headers, edge, rfc9440)).toBe('certificate.header_conflict')
  })

  it('is refused when the caller is two gateways', async () => {
    const two = await gateways({
      edge: { authenticate: network, certificateFrom: 'rfc9440' },
      inner: { authenticate: { network: ['10.0.0.0/24'] }, certificateFrom: 'nginx' },
    })
    expect(await reasonOf(good, edge, two)).toBe('certificate.header_conflict')
    expect(await reasonOf(good, { address: '10.0.0.9' }, two)).toBe('certificate.header_conflict')
    const escaped = { 'ssl-client-cert': encodeURIComponent(client.pem), 'ssl-client-verify': 'SUCCESS' }
    expect(await reasonOf(escaped, { address: '10.0.0.9' }, two)).toBe('accepted')
  })

  it('is refused in a header that another gateway is configured for', async () => {
    const two = await gateways({
      edge: { authenticate: network, certificateFrom: 'rfc9440' },
      inner: { authenticate: { network: ['10.1.0.0/24'] }, certificateFrom: { traefik: { header: 'X-Odd' } } },
    })
    expect(await reasonOf({ ...good, 'x-odd': 'x' }, edge, two)).toBe('certificate.header_conflict')
    expect(await reasonOf({ 'x-odd': base64(client.der) }, edge, two)).toBe('certificate.header_conflict')
    expect(await reasonOf({ 'x-odd': base64(client.der) }, {}, two)).toBe('certificate.header_untrusted')
    expect(await reasonOf({ 'x-odd': base64(client.der) }, { address: '10.1.0.1' }, two)).toBe('accepted')
  })

  const hash = sha256(client.der, 'hex')
  const appended = Buffer.concat([client.der, Buffer.from([0])])

  const hostile: readonly (readonly [what: string, headers: Headers, among: Gateways, reason?: string])[] = [
    ['that repeats', { 'client-cert': `${item(client.der)}, ${item(client.der)}` }, rfc9440],
    ['with bytes behind the DER', { 'client-cert': item(appended) }, rfc9440],
    ['that is cut off', { 'client-cert': item(client.der.subarray(0, -1)) }, rfc9440],
    ['that is no certificate', { 'client-cert': item(Buffer.from('hello')) }, rfc9440],
    ['in BER', { 'client-cert': item(indefinite(client.der)) }, rfc9440],
    ['with rubbish above it', { ...good, 'client-cert-chain': item(appended) }, rfc9440],
    ['without a leaf', { 'client-cert-chain': item(authority.der) }, rfc9440],
    ['of another hash', { 'x-forwarded-client-cert': xfcc(client.pem, '', sha256(other.der, 'hex')) }, envoy],
    [
      'of another URI',
      { 'x-forwarded-client-cert': xfcc(client.pem, 'URI=spiffe://prod.example.org/admin', hash) },
      envoy,
    ],
    ['of one more URI', { 'x-forwarded-client-cert': xfcc(client.pem, `URI=${web};URI=spiffe://a/b`, hash) }, envoy],
    ['that says its URI twice', { 'x-forwarded-client-cert': xfcc(client.pem, `URI=${web};URI=${web}`, hash) }, envoy],
    ['that says it has no URI', { 'x-forwarded-client-cert': xfcc(client.pem, 'URI=', hash) }, envoy],
    [
      'of another DNS name',
      { 'x-forwarded-client-cert': xfcc(client.pem, 'DNS=a.example;DNS=c.example', hash) },
      envoy,
    ],
    [
      'with an element of the client',
      { 'x-forwarded-client-cert': `${xfcc(other.pem, '', hash)},${xfcc(client.pem, '', hash)}` },
      envoy,
    ],
    ['that nobody verified', { 'ssl-client-cert': encodeURIComponent(client.pem) }, nginx, 'certificate.unverified'],
    [
      'that failed',
      { 'ssl-client-cert': encodeURIComponent(client.pem), 'ssl-client-verify': 'FAILED:x' },
      nginx,
      'certificate.unverified',
    ],
    ['that is not there', { 'ssl-client-verify': 'SUCCESS' }, nginx],
  ]

  it.each(
    hostile.map(([what, headers, among, reason = 'certificate.header_malformed']) => ({
      what,
      headers,
      among,
      reason,
    })),
  )('is refused $what', async ({ headers, among, reason }) => {
    expect(await reasonOf(headers, edge, among)).toBe(reason)
  })

  it('ends in a certificate or a refusal, whatever is changed', async () => {
    const changed = fc.tuple(fc.nat(client.der.length - 1), fc.integer({ min: 1, max: 255 }))
    await fc.assert(
      fc.asyncProperty(changed, async ([at, flip]) => {
        const der = Uint8Array.from(client.der, (octet, place) => (place === at ? octet ^ flip : octet))
        const judge = async () =>
          expect(['accepted', 'certificate.header_malformed']).toContain(
            await reasonOf({ 'client-cert': item(der) }, edge, rfc9440),
          )
        expect(await isInTime(judge)).toBe(true)
      }),
      { numRuns: 500 },
    )
  })
})

/** The same certificate with an outer length that is not said in advance (X.690 section 8.1.3.6). */
function indefinite(der: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from([0x30, 0x80]), der.subarray(4), Buffer.from([0, 0])])
}
