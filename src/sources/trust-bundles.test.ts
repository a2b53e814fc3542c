import { beforeAll, describe, expect, it } from 'vitest'
import { now as nowIs, type TestAuthority, testAuthority } from '../../test/world/certificates.ts'
import type { Claims, Json } from '../domain/claims.ts'
import { trustDomainSchema } from '../formats/trust-domain-settings.ts'
import type { HttpLimits, HttpRequest } from '../ports/http.ts'
import { createNodeCertificateSignatures } from '../runtimes/node/certificate-signatures.ts'
import { createNodeSignatures } from '../runtimes/node/signatures.ts'
import { createOutbound } from './outbound.ts'
import { trustBundleSpecs } from './trust-bundle-spec.ts'
import { openTrustBundle } from './trust-bundles.ts'

const signatures = createNodeSignatures()
const certificateSignatures = createNodeCertificateSignatures()

const trustDomain = 'prod.example.org'
const url = 'https://bundles.example.org/prod'
const serverId = `spiffe://${trustDomain}/spire/server`

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')
const root = testAuthority('root', { uris: [`spiffe://${trustDomain}`] })
const nextRoot = testAuthority('next root', { uris: [`spiffe://${trustDomain}`] })
const partnerRoot = testAuthority('partner root', { uris: ['spiffe://partner.example.net'] })

const authority = ({ der }: TestAuthority): Claims => ({ kty: 'EC', use: 'x509-svid', x5c: [base64(der)] })
const bundle = (keys: readonly Json[], members: Claims = {}): string => JSON.stringify({ keys, ...members })

let jwtKey: Claims
let nextJwtKey: Claims
const newJwtKey = async (kid: string): Promise<Claims> => {
  const { d: _, ...jwk } = await signatures.generate('ES256')
  return { ...jwk, kid, use: 'jwt-svid' }
}
beforeAll(async () => {
  jwtKey = await newJwtKey('one')
  nextJwtKey = await newJwtKey('two')
})

/** What is published, by URL; what it is shown with, and how often each was asked. */
const openWorld = (files: Record<string, string> = {}) => {
  const published: Record<string, string> = {}
  const shown: Record<string, readonly Uint8Array[]> = {}
  const asked: string[] = []
  const logged: string[] = []
  const log = (message: string, fields?: unknown) => void logged.push(`${message} ${JSON.stringify(fields)}`)
  const send = async (request: HttpRequest, { judgeServer }: HttpLimits) => {
    await judgeServer?.(shown[request.url] ?? [])
    asked.push(request.url)
    const body = published[request.url]
    if (body === undefined) throw new Error('down')
    return { status: 200, headers: { 'cache-control': 'max-age=9999' }, body: new TextEncoder().encode(body) }
  }
  const read = async (path: string) => {
    const text = files[path]
    if (text === undefined) throw new Error('no such file')
    return text
  }
  const ports = { files: { read }, signatures, certificateSignatures, log: { info: log, warn: log } }
  const tools = { ports, outbound: createOutbound({ send }, { insecureLoopback: false }) }
  return { tools, files, published, shown, asked, logged }
}

type World = ReturnType<typeof openWorld>

const shared = { algorithms: ['ES256', 'RS256'], allowHosts: [], staleFor: 3_600 } as const

/** The bundle of the first of `domains`. */
const open = (world: World, ...domains: readonly object[]) => {
  const settings = domains.map((domain) => trustDomainSchema.parse({ name: trustDomain, ...domain }))
  const [spec] = trustBundleSpecs(settings, shared)
  if (spec === undefined) throw new Error('no trust domain')
  return openTrustBundle(spec, world.tools)
}

const web = { bundleEndpoint: { url, profile: 'https_web' } }
const names = async (authorities: Promise<{ readonly certificates: readonly { readonly der: Uint8Array }[] }>) =>
  (await authorities).certificates.map(({ der }) =>
    der.length === root.der.length && base64(der) === base64(root.der)
      ? 'root'
      : base64(der) === base64(nextRoot.der)
        ? 'next'
        : 'other',
  )
const unavailable = { name: 'Refusal', reason: 'keys.unavailable' }

describe('a bundle from a file', () => {
  it('yields authorities and keys, and is read again after a minute', async () => {
    const world = openWorld({ 'prod.json': bundle([authority(root), jwtKey]) })
    const one = open(world, { bundleFile: 'prod.json' })
    expect(one.trustDomain).toBe(trustDomain)
    expect(await names(one.authorities(0))).toEqual(['root'])
    expect((await one.jwtKeys.candidates({ alg: 'ES256', kid: 'one' }, 0)).keys).toHaveLength(1)
    expect((await one.jwtKeys.candidates({ alg: 'ES256' }, 0)).keys).toHaveLength(1)
    world.files['prod.json'] = nextRoot.pem
    expect(await names(one.authorities(10))).toEqual(['root'])
    expect(await names(one.authorities(61))).toEqual(['next'])
    expect((await one.jwtKeys.candidates({ alg: 'ES256', kid: 'one' }, 61)).keys).toEqual([])
  })

  it('may be taken back to an older one by the operator', async () => {
    const world = openWorld({ 'prod.json': bundle([authority(nextRoot)], { spiffe_sequence: 9 }) })
    const one = open(world, { bundleFile: 'prod.json' })
    expect(await names(one.authorities(0))).toEqual(['next'])
    world.files['prod.json'] = bundle([authority(root)], { spiffe_sequence: 1 })
    expect(await names(one.authorities(61))).toEqual(['root'])
  })

  it('trusts nothing when it has no keys', async () => {
    const one = open(openWorld({ 'prod.json': bundle([]) }), { bundleFile: 'prod.json' })
    expect(await names(one.authorities(0))).toEqual([])
    expect((await one.jwtKeys.candidates({ alg: 'ES256' }, 0)).keys).toEqual([])
    expect(one.state(0)).toBe('fresh')
  })

  it('uses no key of X.509-SVIDs or of unknown use for JWT-SVIDs, and no algorithm that is not accepted', async () => {
    const keys = [
      { ...jwtKey, use: 'x509-svid', kid: 'a' },
      { ...jwtKey, use: 'wit-svid', kid: 'b' },
      { ...jwtKey, use: 'sig', kid: 'c' },
    ]
    const one = open(openWorld({ 'prod.json': bundle(keys) }), { bundleFile: 'prod.json' })
    for (const kid of ['a', 'b', 'c']) expect((await one.jwtKeys.candidates({ alg: 'ES256', kid }, 0)).keys).toEqual([])
  })

  it('is unavailable when the file is not there, and says so', async () => {
    const world = openWorld()
    const one = open(world, { bundleFile: 'prod.json' })
    await one.prefetch(0)
    expect(one.state(0)).toBe('missing')
    await expect(one.authorities(0)).rejects.toMatchObject(unavailable)
    await expect(one.jwtKeys.candidates({ alg: 'ES256' }, 0)).rejects.toMatchObject(unavailable)
    expect(world.logged.join()).toContain('a trust bundle could not be loaded {"trustDomain":"prod.example.org"')
  })
})

describe('a bundle from an endpoint of the web', () => {
  it.each([
    ['five minutes without a hint', undefined, 300],
    ['its hint', 120, 120],
    ['a minute at least', 1, 60],
    ['a day at most', 1e9, 86_400],
  ])('is fresh for %s, whatever the headers say', async (_, hint, freshFor) => {
    const world = openWorld()
    world.published[url] = bundle([authority(root)], hint === undefined ? {} : { spiffe_refresh_hint: hint })
    const one = open(world, web)
    await one.prefetch(0)
    expect(one.state(freshFor - 1)).toBe('fresh')
    expect(one.state(freshFor)).not.toBe('fresh')
  })

  it('refuses an older sequence number and keeps what it knows, within the outage budget', async () => {
    const world = openWorld()
    const one = open(world, web)
    world.published[url] = bundle([authority(nextRoot)], { spiffe_sequence: 5 })
    expect(await names(one.authorities(0))).toEqual(['next'])
    world.published[url] = bundle([authority(root)], { spiffe_sequence: 4 })
    expect(await names(one.authorities(301))).toEqual(['next'])
    expect((await one.authorities(302)).stale).toBe(true)
    expect(world.logged.join()).toContain('the bundle is older than one that was seen before')
    await expect(one.authorities(3_601)).rejects.toMatchObject(unavailable)
    world.published[url] = bundle([authority(root)], { spiffe_sequence: 5 })
    expect(await names(one.authorities(3_700))).toEqual(['root'])
  })

  it('takes the latest when it has no sequence number', async () => {
    const world = openWorld()
    const one = open(world, web)
    world.published[url] = bundle([authority(nextRoot)], { spiffe_sequence: 5 })
    expect(await names(one.authorities(0))).toEqual(['next'])
    world.published[url] = bundle([authority(root)])
    expect(await names(one.authorities(301))).toEqual(['root'])
  })

  it('outlives an outage of its endpoint as long as the budget says', async () => {
    const world = openWorld()
    const one = open(world, web)
    world.published[url] = bundle([authority(root)])
    await one.prefetch(0)
    delete world.published[url]
    expect(await one.authorities(3_599)).toMatchObject({ stale: true })
    expect(one.state(3_599)).toBe('stale')
    await expect(one.authorities(3_600)).rejects.toMatchObject(unavailable)
  })

  it.each([
    ['that is not JSON', 'oops'],
    ['in PEM', root.pem],
    ['without keys', '{}'],
    ['with a member twice', '{"keys":[],"keys":[]}'],
  ])('takes no answer %s in its place', async (_, answer) => {
    const world = openWorld()
    const one = open(world, web)
    world.published[url] = bundle([authority(root)])
    await one.prefetch(0)
    world.published[url] = answer
    expect(await names(one.authorities(301))).toEqual(['root'])
  })

  it('is revoked at once when the endpoint publishes no keys', async () => {
    const world = openWorld()
    const one = open(world, web)
    world.published[url] = bundle([authority(root), jwtKey])
    await one.prefetch(0)
    world.published[url] = bundle([])
    expect(await names(one.authorities(301))).toEqual([])
    expect((await one.jwtKeys.candidates({ alg: 'ES256', kid: 'one' }, 301)).keys).toEqual([])
  })

  it('is fetched for a key that it does not know, and for an authority, once a cooldown', async () => {
    const world = openWorld()
    const one = open(world, web)
    world.published[url] = bundle([authority(root), jwtKey])
    await one.prefetch(0)
    world.published[url] = bundle([authority(nextRoot), jwtKey, nextJwtKey])
    expect((await one.jwtKeys.candidates({ alg: 'ES256', kid: 'two' }, 10)).keys).toHaveLength(1)
    for (let at = 11; at < 40; at++) await one.renewedAuthorities(at)
    expect(world.asked).toHaveLength(2)
    await one.renewedAuthorities(41)
    expect(world.asked).toHaveLength(3)
  })

  it('says how many of its keys cannot be used', async () => {
    const world = openWorld()
    world.published[url] = bundle([{ kty: 'EC', use: 'x509-svid' }, authority(root)])
    await open(world, web).prefetch(0)
    expect(world.logged).toEqual(['keys of a trust bundle cannot be used {"trustDomain":"prod.example.org","keys":1}'])
  })

  it('is the same for the same settings, and another for others', () => {
    const world = openWorld()
    const one = open(world, web)
    expect(open(world, web)).toBe(one)
    expect(open(world, { ...web, name: 'other.example.org' })).not.toBe(one)
    expect(open(world, { bundleEndpoint: { url: `${url}2`, profile: 'https_web' } })).not.toBe(one)
    expect(open(openWorld(), web)).not.toBe(one)
  })
})

describe('a bundle from an endpoint that shows an SVID', () => {
  const at = nowIs()
  const endpoint = { url, profile: 'https_spiffe', endpointSpiffeId: serverId, bundleFile: 'first.pem' }
  const start = () => {
    const world = openWorld({ 'first.pem': root.pem, 'partner.pem': partnerRoot.pem })
    world.published[url] = bundle([authority(root), authority(nextRoot)])
    world.shown[url] = [root.issue({ uris: [serverId] }).der]
    return world
  }

  it('is fetched from the one that has the SPIFFE ID', async () => {
    const world = start()
    expect(await names(open(world, { bundleEndpoint: endpoint }).authorities(at))).toEqual(['root', 'next'])
    expect(world.asked).toEqual([url])
  })

  it.each([
    ['nothing', []],
    ['rubbish', [new Uint8Array([1, 2, 3])]],
    ['another SPIFFE ID', [root.issue({ uris: [`${serverId}2`] }).der]],
    ['the SPIFFE ID of the trust domain', [root.issue({ uris: [`spiffe://${trustDomain}`] }).der]],
    ['no SPIFFE ID', [root.issue({ dns: ['bundles.example.org'] }).der]],
    ['two URIs', [root.issue({ uris: [serverId, 'https://bundles.example.org'] }).der]],
    ['an SVID of another authority', [nextRoot.issue({ uris: [serverId] }).der]],
    ['an SVID of the authority of another domain', [partnerRoot.issue({ uris: [serverId] }).der]],
    ['an SVID that has expired', [root.issue({ uris: [serverId], notBefore: at - 200, notAfter: at - 100 }).der]],
    ['an authority', [root.issue({ uris: [serverId], ca: true }).der]],
    ['an SVID for clients only', [root.issue({ uris: [serverId], eku: ['clientAuth'] }).der]],
  ] as const)('is not asked for from one that shows %s', async (_, chain) => {
    const world = start()
    world.shown[url] = chain
    await expect(open(world, { bundleEndpoint: endpoint }).authorities(at)).rejects.toMatchObject(unavailable)
    expect(world.asked).toEqual([])
  })

  it('goes by its latest bundle for every later connection', async () => {
    const world = start()
    const one = open(world, { bundleEndpoint: endpoint })
    world.published[url] = bundle([authority(nextRoot)])
    await one.prefetch(at)
    expect(await names(one.authorities(at + 301))).toEqual(['next'])
    expect(world.asked).toHaveLength(1)
    world.shown[url] = [nextRoot.issue({ uris: [serverId] }).der]
    expect((await one.authorities(at + 400)).stale).toBe(false)
    expect(world.asked).toHaveLength(2)
    delete world.files['first.pem']
    expect((await one.authorities(at + 800)).stale).toBe(false)
  })

  it('goes by the file again when the operator replaces it', async () => {
    const world = start()
    const one = open(world, { bundleEndpoint: endpoint })
    await one.prefetch(at)
    const third = testAuthority('third', { uris: [`spiffe://${trustDomain}`] })
    world.shown[url] = [third.issue({ uris: [serverId] }).der]
    expect((await one.authorities(at + 301)).stale).toBe(true)
    world.files['first.pem'] = third.pem
    expect((await one.authorities(at + 400)).stale).toBe(false)
  })

  it('is served by another trust domain only under the bundle of that domain', async () => {
    const id = 'spiffe://partner.example.net/bundles'
    const served = { bundleEndpoint: { url, profile: 'https_spiffe', endpointSpiffeId: id } }
    const partner = { name: 'partner.example.net', bundleFile: 'partner.pem' }
    const world = start()
    world.shown[url] = [partnerRoot.issue({ uris: [id] }).der]
    expect(await names(open(world, served, partner).authorities(at))).toEqual(['root', 'next'])
    const file = { bundleEndpoint: { ...served.bundleEndpoint, bundleFile: 'partner.pem' } }
    expect(await names(open(world, file).authorities(at))).toEqual(['root', 'next'])
    world.shown[url] = [root.issue({ uris: [id] }).der]
    await expect(open(world, { ...served, name: 'third.example.org' }, partner).authorities(at)).rejects.toMatchObject(
      unavailable,
    )
  })
})
