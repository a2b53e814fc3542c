import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Document, trustMap } from '../world/documents.ts'
import { newFolder, removeFolder } from '../world/dragoman.ts'
import { type Caller, call } from './calling.ts'
import { openssl } from './certificates/openssl.ts'
import { type Chain, chainPem, type Issued, leafNames, makeChain } from './certificates/toolkit.ts'
import { client, edgeClient, gateway, workloadRule } from './dragoman/documents.ts'
import { asEdge, exchange, type Outcome, refused, tokenTypes, unknownClient } from './dragoman/exchange.ts'
import { type Serving, startServing } from './dragoman/serving.ts'
import { proxyId, type ServingCertificates, servingCertificates } from './proxies/certificates.ts'
import {
  gatewaySecret,
  ownAddress,
  type ProxyName,
  proxyNames,
  type RunningProxy,
  startProxy,
} from './proxies/proxies.ts'
import { programs } from './proxies/running-proxies.ts'

/** dragoman behind real proxies. Each proves itself in another way: by a secret, by its address, by its certificate. */

const folder = newFolder()
afterAll(() => removeFolder(folder))

const pemOf = (file: string) => readFileSync(file, 'utf8')

let chain: Chain
let billing: Issued
let serving: ServingCertificates

beforeAll(async () => {
  chain = await makeChain(openssl, folder, 'p256')
  const other = { commonName: 'billing', names: { dns: ['billing.prod.test.example'] }, purposes: ['client'] } as const
  billing = await openssl.issue(folder, 'p256', other, chain.intermediate)
  serving = await servingCertificates(folder)
})

const gateways: Readonly<Record<ProxyName, Document['spec']>> = {
  nginx: {
    authenticate: { secretHeader: { name: 'x-gateway-secret', secrets: [{ env: 'TEST_GATEWAY_SECRET' }] } },
    certificateFrom: 'nginx',
  },
  haproxy: { authenticate: { network: [ownAddress] }, certificateFrom: 'rfc9440' },
  envoy: {
    authenticate: { mtls: { trustAnchors: 'servers.pem', uri: proxyId } },
    certificateFrom: { 'envoy-xfcc': { by: proxyId } },
  },
}

/** nginx passes the leaf on and nothing above it, so what stands right above it has to be known. */
const anchorsFor = (name: ProxyName) => (name === 'nginx' ? 'intermediate.pem' : 'root.pem')

const documents = (name: ProxyName): readonly Document[] => [
  gateway(gateways[name]),
  trustMap('workloads', {
    source: { x509: { trustAnchors: 'root.pem' } },
    rules: [
      workloadRule(
        'workloads',
        { '/san/dns': { contains: { glob: '*.prod.test.example' } } },
        { claim: '/subject/CN', prefix: 'workload:' },
        { senderConstraint: 'mtls' },
      ),
    ],
  }),
  client(
    'orders',
    'orders',
    [{ method: 'tls_client_auth', trustAnchors: anchorsFor(name), sanDNS: leafNames.dns[0] }],
    { sources: ['workloads'] },
  ),
  edgeClient({ sources: ['workloads'] }),
]

const startBehind = (name: ProxyName): Promise<Serving> =>
  startServing({
    folder: join(folder, `dragoman-${name}`),
    documents: documents(name),
    files: {
      'root.pem': pemOf(chain.root.certificate),
      'intermediate.pem': pemOf(chain.intermediate.certificate),
      'servers.pem': pemOf(serving.authority.certificate),
    },
    environment: { TEST_GATEWAY_SECRET: gatewaySecret },
    ...(name === 'envoy' ? { tls: serving.listener } : {}),
  })

const rfc9440 = (file: string) => `:${new X509Certificate(pemOf(file)).raw.toString('base64')}:`

/** The header in which a client that lies says that `leaf` is its own, as the proxy itself would say it. */
const claimed = ({ certificate }: Issued): Readonly<Record<ProxyName, Readonly<Record<string, string>>>> => {
  const pem = encodeURIComponent(pemOf(certificate))
  const hash = new X509Certificate(pemOf(certificate)).fingerprint256.replaceAll(':', '').toLowerCase()
  return {
    nginx: { 'ssl-client-cert': pem, 'ssl-client-verify': 'SUCCESS' },
    haproxy: { 'client-cert': rfc9440(certificate) },
    envoy: { 'x-forwarded-client-cert': `By=${proxyId};Hash=${hash};Cert="${pem}"` },
  }
}

describe.each(proxyNames)('behind %s', (name) => {
  let dragoman: Serving
  let proxy: RunningProxy
  let anyone: Caller
  let orders: Caller
  /** The subject token of `orders`. */
  let ofOrders: Readonly<Record<string, string>>

  beforeAll(async () => {
    dragoman = await startBehind(name)
    const ends = { clientAuthorities: chain.root.certificate, upstreamAuthorities: serving.authority.certificate }
    const options = { folder: join(folder, `proxy-${name}`), ...serving.proxy, ...ends, upstream: dragoman.port }
    proxy = await startProxy(name, programs, options)
    anyone = { authorities: pemOf(serving.authority.certificate) }
    orders = await callerWith(chain.leaf)
    ofOrders = { subject_token: orders.certificate ?? '', subject_token_type: tokenTypes.x509Chain }
    return async () => {
      await proxy.stop()
      await dragoman.stop()
    }
  })

  const callerWith = async (leaf: Issued): Promise<Caller> => ({
    authorities: pemOf(serving.authority.certificate),
    certificate: await chainPem([leaf, chain.intermediate]),
    key: pemOf(leaf.key),
  })

  /** Through the proxy. */
  const asked = (by: Caller, form: Readonly<Record<string, string>>, headers: Readonly<Record<string, string>> = {}) =>
    exchange(dragoman, { by, url: proxy.url, headers }, { ...ofOrders, ...form })

  /** Past it. */
  const askedDirectly = (by: Caller, headers: Readonly<Record<string, string>> = {}): Promise<Outcome> =>
    exchange(dragoman, { by, headers }, { ...ofOrders, ...asEdge })

  const thumbprint = () => {
    const { fingerprint256 } = new X509Certificate(pemOf(chain.leaf.certificate))
    return Buffer.from(fingerprint256.replaceAll(':', ''), 'hex').toString('base64url')
  }

  it('the certificate of the client authenticates it, is exchanged, and binds the token', async () => {
    const outcome = await asked(orders, { client_id: 'orders' })
    const claims = { sub: 'workload:p256 leaf', client_id: 'orders', cnf: { 'x5t#S256': thumbprint() } }
    expect(outcome).toMatchObject({ status: 200, claims })
  })

  it('a client without one is refused, also right after one with one', async () => {
    expect(await asked(orders, { client_id: 'orders' })).toMatchObject({ status: 200 })
    expect(await asked(anyone, { client_id: 'orders' })).toEqual(unknownClient('client.missing'))
    expect(await asked(anyone, asEdge)).toEqual(refused('credential.holder_unproven'))
  })

  it('a client that only says in the header that it has one is refused', async () => {
    const lies = claimed(chain.leaf)[name]
    expect(await asked(anyone, { client_id: 'orders' }, lies)).toEqual(unknownClient('client.missing'))
    expect(await asked(anyone, asEdge, lies)).toEqual(refused('credential.holder_unproven'))
  })

  it('a client that says in the header that it has another one counts as what it is', async () => {
    const lies = claimed(chain.leaf)[name]
    const other = await callerWith(billing)
    expect(await asked(other, { client_id: 'orders' }, lies)).toEqual(unknownClient('client.credential_invalid'))
    expect(await asked(other, asEdge, lies)).toEqual(refused('credential.holder_unproven'))
    const own = { subject_token: other.certificate ?? '' }
    expect(await asked(other, { ...asEdge, ...own }, lies)).toMatchObject({
      status: 200,
      claims: { sub: 'workload:billing' },
    })
  })

  it('the headers of other proxies, as far as it does not remove them, spoil the request', async () => {
    const traefik = { 'x-forwarded-tls-client-cert': rfc9440(chain.leaf.certificate).slice(1, -1) }
    for (const caller of [orders, anyone])
      expect(await asked(caller, asEdge, traefik)).toEqual(refused('certificate.header_conflict'))
    const removed = Object.assign({}, ...Object.values(claimed(billing)))
    expect(await asked(orders, { client_id: 'orders' }, removed)).toMatchObject({ status: 200 })
  })

  it('the twin of a header with underscores gets nobody in', async () => {
    const twins = Object.entries(claimed(chain.leaf)[name]).map(([field, value]) => [field.replaceAll('-', '_'), value])
    const outcome = await asked(anyone, asEdge, Object.fromEntries(twins))
    // nginx drops such names.
    expect(outcome).toEqual(refused(name === 'nginx' ? 'credential.holder_unproven' : 'certificate.header_conflict'))
  })

  it('who calls past it is believed in nothing that only it may say', async () => {
    const spoofed = claimed(chain.leaf)[name]
    for (const caller of [anyone, await callerWith(billing), orders])
      expect(await askedDirectly(caller, spoofed)).toEqual(refused('certificate.header_untrusted'))
    const guess = { ...spoofed, 'x-gateway-secret': `${gatewaySecret}.` }
    expect(await askedDirectly(anyone, guess)).toEqual(refused('certificate.header_untrusted'))
    expect(await askedDirectly(anyone)).toEqual(refused('credential.holder_unproven'))
  })

  it('the health of what it passes on is untouched: metadata and keys are there for everybody', async () => {
    for (const path of ['/jwks.json', '/.well-known/oauth-authorization-server'])
      expect((await call(`${proxy.url}${path}`, anyone)).status).toBe(200)
  })
})

describe('behind Envoy, over mutual TLS with dragoman itself', () => {
  let dragoman: Serving
  beforeAll(async () => {
    dragoman = await startServing({
      folder: join(folder, 'dragoman-direct'),
      documents: documents('envoy'),
      files: {
        'root.pem': pemOf(chain.root.certificate),
        'servers.pem': pemOf(serving.authority.certificate),
      },
      tls: serving.listener,
    })
    return dragoman.stop
  })

  it('a client may call directly with its own certificate, and the one of the gateway is nobody’s else', async () => {
    const authorities = pemOf(serving.authority.certificate)
    const certificate = await chainPem([chain.leaf, chain.intermediate])
    const ofOrders = { subject_token: certificate, subject_token_type: tokenTypes.x509Chain, client_id: 'orders' }
    const own = { authorities, certificate, key: pemOf(chain.leaf.key) }
    expect(await exchange(dragoman, { by: own }, ofOrders)).toMatchObject({ status: 200 })
    const { proxy } = serving
    const asGateway = { authorities, certificate: pemOf(proxy.certificate), key: pemOf(proxy.key) }
    expect(await exchange(dragoman, { by: asGateway }, ofOrders)).toEqual(unknownClient('client.missing'))
    const headers = claimed(chain.leaf).envoy
    expect(await exchange(dragoman, { by: asGateway, headers }, { ...ofOrders, ...asEdge })).toMatchObject({
      status: 200,
    })
  })
})
