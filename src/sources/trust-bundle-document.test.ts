import { once } from 'node:events'
import { createServer, type Server } from 'node:https'
import { afterEach, describe, expect, it } from 'vitest'
import { now as nowIs, type TestCertificate, testAuthority } from '../../test/world/certificates.ts'
import { trustDomainSchema } from '../formats/trust-domain-settings.ts'
import { createNodeCertificateSignatures } from '../runtimes/node/certificate-signatures.ts'
import { createNodeHttp } from '../runtimes/node/http.ts'
import { createNodeSignatures } from '../runtimes/node/signatures.ts'
import { createOutbound } from './outbound.ts'
import { trustBundleSpecs } from './trust-bundle-spec.ts'
import { openTrustBundle } from './trust-bundles.ts'

/** A bundle endpoint over real TLS, whose certificate no authority of the web has made. */

const at = nowIs()
const serverId = 'spiffe://prod.example.org/spire/server'
const root = testAuthority('root', { uris: ['spiffe://prod.example.org'] })
const nextRoot = testAuthority('next root', { uris: ['spiffe://prod.example.org'] })
const intermediate = root.subordinate('intermediate', { uris: ['spiffe://prod.example.org'] })

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close()
    server.closeAllConnections()
  }
})

const identity = (leaf: TestCertificate, ...others: readonly TestCertificate[]) => ({
  cert: [leaf, ...others].map(({ pem }) => pem).join(''),
  key: leaf.privateKeyPem,
})

const bundleOf = (...authorities: readonly TestCertificate[]) =>
  JSON.stringify({
    keys: authorities.map(({ der }) => ({ kty: 'EC', use: 'x509-svid', x5c: [Buffer.from(der).toString('base64')] })),
    spiffe_refresh_hint: 60,
  })

const openEndpoint = async (shown: ReturnType<typeof identity>) => {
  const published = { body: bundleOf(root), location: '' }
  const asked: string[] = []
  const server = createServer(shown, (request, response) => {
    asked.push(request.url ?? '')
    if (published.location === '') response.end(published.body)
    else response.writeHead(302, { location: published.location }).end()
  })
  servers.push(server.listen(0, '127.0.0.1'))
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return { server, published, asked, url: `https://127.0.0.1:${address.port}/bundle` }
}

const open = (url: string, profile: object, allowHosts: readonly string[] = ['127.0.0.1']) => {
  const logged: string[] = []
  const log = (message: string, fields?: unknown) => void logged.push(`${message} ${JSON.stringify(fields)}`)
  const domain = trustDomainSchema.parse({ name: 'prod.example.org', bundleEndpoint: { url, ...profile } })
  const [spec] = trustBundleSpecs([domain], { algorithms: ['ES256'], allowHosts, staleFor: 3_600 })
  if (spec === undefined) throw new Error('no trust domain')
  const ports = {
    files: { read: async () => root.pem },
    signatures: createNodeSignatures(),
    certificateSignatures: createNodeCertificateSignatures(),
    log: { info: log, warn: log },
  }
  const outbound = createOutbound(createNodeHttp(), { insecureLoopback: false })
  return Object.assign(openTrustBundle(spec, { ports, outbound }), { logged })
}

const bySvid = { profile: 'https_spiffe', endpointSpiffeId: serverId, bundleFile: 'root.pem' }

describe('a bundle endpoint over TLS', () => {
  it('is known by its SVID alone, and followed through the change of its root', async () => {
    const endpoint = await openEndpoint(identity(intermediate.issue({ uris: [serverId] }), intermediate))
    const bundle = open(endpoint.url, bySvid)
    expect((await bundle.authorities(at)).certificates).toHaveLength(1)
    endpoint.published.body = bundleOf(root, nextRoot)
    expect((await bundle.authorities(at + 61)).certificates).toHaveLength(2)
    endpoint.server.setSecureContext(identity(nextRoot.issue({ uris: [serverId] })))
    endpoint.published.body = bundleOf(nextRoot)
    expect((await bundle.authorities(at + 122)).certificates).toHaveLength(1)
    expect(bundle.state(at + 122)).toBe('fresh')
    expect(endpoint.asked).toHaveLength(3)
  })

  it('is not asked when it shows another SPIFFE ID, or one that its domain has not given it', async () => {
    const other = root.issue({ uris: ['spiffe://prod.example.org/web'] })
    for (const shown of [other, nextRoot.issue({ uris: [serverId] })]) {
      const endpoint = await openEndpoint(identity(shown))
      const bundle = open(endpoint.url, bySvid)
      await expect(bundle.authorities(at)).rejects.toMatchObject({ reason: 'keys.unavailable' })
      expect(endpoint.asked).toEqual([])
    }
  })

  it('is nobody to the web, with whatever SVID', async () => {
    const endpoint = await openEndpoint(identity(root.issue({ uris: [serverId], ips: [Buffer.of(127, 0, 0, 1)] })))
    const bundle = open(endpoint.url, { profile: 'https_web' })
    await expect(bundle.authorities(at)).rejects.toMatchObject({ reason: 'keys.unavailable' })
    expect(bundle.logged.join()).toContain('UNABLE_TO_VERIFY_LEAF_SIGNATURE')
    expect(endpoint.asked).toEqual([])
  })

  it('lies at a private address only where a setting names it, and sends nobody elsewhere', async () => {
    const endpoint = await openEndpoint(identity(root.issue({ uris: [serverId] })))
    await expect(open(endpoint.url, bySvid, []).authorities(at)).rejects.toMatchObject({ reason: 'keys.unavailable' })
    expect(endpoint.asked).toEqual([])
    endpoint.published.location = 'https://bundles.example.org/'
    const bundle = open(endpoint.url, bySvid)
    await expect(bundle.authorities(at)).rejects.toMatchObject({ reason: 'keys.unavailable' })
    expect(bundle.logged.join()).toContain('redirects to another origin')
  })
})
