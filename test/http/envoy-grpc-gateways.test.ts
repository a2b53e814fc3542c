import { status } from '@grpc/grpc-js'
import { beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../world/dragoman.ts'
import { thumbprintOf } from './certificate-world.ts'
import {
  asEdge,
  billing,
  type CheckWorld,
  checkedBy,
  checkOf,
  claimsIn,
  headersIn,
  openCheckWorld,
  orders,
  responseIn,
  tokenIn,
} from './check-world.ts'

let world: CheckWorld
let bearer: { readonly authorization: string }
beforeAll(async () => {
  world = await openCheckWorld()
  bearer = { authorization: `Bearer ${await world.jwt()}` }
  return () => world.stop()
})

describe('the gateway', () => {
  const unproven = async (
    metadata: Readonly<Record<string, string | readonly string[]>>,
    request = checkOf(bearer),
  ) => {
    const checked = await world.check(request, metadata)
    expect(world.denied(checked)).toMatchObject({ status: 403 })
    const { 'x-request-id': id, ...headers } = headersIn(checked)
    const body = responseIn(checked).deniedResponse?.body.replace(id ?? '', 'ID')
    return { reason: world.reason(), heard: JSON.stringify([headers, body]) }
  }

  it('is named by the metadata and by nothing else, and proves itself by them', async () => {
    const secret = asEdge['x-edge-secret']
    const inTheRequest = checkOf(
      { ...bearer, ...asEdge },
      { extensions: { 'x-dragoman-gateway': 'edge', gateway: 'edge' } },
    )
    const tries = [
      await unproven({}),
      await unproven({}, inTheRequest),
      await unproven({ 'x-edge-secret': secret }, inTheRequest),
      await unproven({ 'x-dragoman-gateway': 'edge' }, inTheRequest),
      await unproven({ ...asEdge, 'x-edge-secret': `${secret}.` }),
      await unproven({ ...asEdge, 'x-edge-secret': [secret, secret] }),
      await unproven({ ...asEdge, 'x-dragoman-gateway': ['edge', 'edge'] }),
      await unproven({ ...asEdge, 'x-dragoman-gateway': 'nobody' }),
      await unproven({ ...asEdge, 'x-dragoman-gateway': 'elsewhere' }),
      await unproven({ ...asEdge, 'x-dragoman-gateway': 'mesh' }),
      await unproven({ ...asEdge, 'x-dragoman-gateway': 'over-http' }),
    ]
    expect(tries.map(({ reason }) => reason)).toEqual([
      'gateway.unknown',
      'gateway.unknown',
      'gateway.unknown',
      'gateway.unproven',
      'gateway.unproven',
      'gateway.unproven',
      'gateway.unknown',
      'gateway.unknown',
      'gateway.unproven',
      'gateway.unproven',
      'gateway.unknown',
    ])
    expect(new Set(tries.map(({ heard }) => heard)).size).toBe(1)
  })

  it('hears the same whatever is asked by one that is not proven, however malformed', async () => {
    const heard = await Promise.all([
      unproven({}),
      unproven({}, {}),
      unproven({}, checkOf({}, { http: { path: '//' } })),
    ])
    expect(new Set(heard.map((one) => one.heard)).size).toBe(1)
  })
})

describe('the route', () => {
  it('that the operator names is the only one that may speak, and must fit', async () => {
    const named = (route: string, http: object = {}) => world.check(checkOf(bearer, { http, extensions: { route } }))
    expect(claimsIn(tokenIn(await named('orders')))).toMatchObject({ aud: orders })
    expect(claimsIn(tokenIn(await named('billing')))).toMatchObject({ aud: billing, scope: 'billing:read' })
    for (const checked of [
      await named('open'),
      await named('nothing'),
      await named('', {}),
      await named('orders', { path: '/' }),
    ])
      expect(world.denied(checked)).toEqual({ status: 403, reason: 'route.none_matched' })
  })

  it('is not for the client to name', async () => {
    const checked = await world.check(checkOf({ ...bearer, route: 'billing', 'x-envoy-route': 'billing' }))
    expect(claimsIn(tokenIn(checked))).toMatchObject({ aud: orders })
  })
})

describe('the certificate of the client', () => {
  const encoded = (pem: string) => encodeURIComponent(pem)

  it('is the peer’s, of which Envoy tells beside the request', async () => {
    const leaf = world.workloads.issue({ subject: 'billing-service' })
    const checked = await world.check(checkOf({}, { certificate: encoded(leaf.pem) }))
    expect(claimsIn(tokenIn(checked))).toMatchObject({
      sub: 'workload:billing-service',
      cnf: { 'x5t#S256': thumbprintOf(leaf) },
    })
    expect(world.traces.at(-1)?.certificate).toEqual({ thumbprint: thumbprintOf(leaf), via: 'gateway edge' })
  })

  it('counts only as a certificate that leads to an authority, never as the name that Envoy calls it by', async () => {
    const stranger = world.gatewayAuthority.issue({ subject: 'billing-service' })
    const untrusted = await world.check(checkOf({}, { certificate: encoded(stranger.pem) }))
    expect(world.denied(untrusted)).toEqual({ status: 401, reason: 'issuer.unknown' })
    const request = checkOf()
    const named = { attributes: { ...request.attributes, source: { principal: 'spiffe://prod.example.org/billing' } } }
    expect(world.denied(await world.check(named))).toEqual({ status: 401, reason: 'credential.missing' })
  })

  it.each([
    ['not percent-encoded', (pem: string) => pem],
    ['encoded twice', (pem: string) => encoded(encoded(pem))],
    ['followed by another', (pem: string) => encoded(pem + pem)],
    ['too long', (pem: string) => encoded(pem).padEnd(16_385, '%0A')],
    ['no certificate', () => encoded('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')],
  ])('is refused when it is %s', async (_, certificate) => {
    const leaf = world.workloads.issue({ subject: 'billing-service' })
    const checked = await world.check(checkOf(bearer, { certificate: certificate(leaf.pem) }))
    expect(world.denied(checked)).toEqual({ status: 403, reason: 'certificate.header_malformed' })
  })

  it('is the one in x-forwarded-client-cert where the document says so, and the peer’s then has no say', async () => {
    const [leaf, peer] = [world.workloads.issue({ subject: 'caller' }), world.workloads.issue({ subject: 'a-proxy' })]
    const hash = Buffer.from(thumbprintOf(leaf), 'base64url').toString('hex')
    const xfcc = { 'x-forwarded-client-cert': `Hash=${hash};Cert="${encoded(leaf.pem)}"` }
    const forwarding = { ...asEdge, 'x-dragoman-gateway': 'forwarding' }
    const checked = await world.check(checkOf(xfcc, { certificate: encoded(peer.pem) }), forwarding)
    expect(claimsIn(tokenIn(checked))).toMatchObject({ sub: 'workload:caller' })
    expect(responseIn(checked).okResponse?.headersToRemove).toContain('x-forwarded-client-cert')
    const without = await world.check(checkOf({}, { certificate: encoded(peer.pem) }), forwarding)
    expect(world.denied(without)).toEqual({ status: 401, reason: 'credential.missing' })
  })

  it('in a header that is not the gateway’s own spoils the request', async () => {
    const leaf = world.workloads.issue({ subject: 'billing-service' })
    for (const header of ['x-forwarded-client-cert', 'client-cert', 'ssl_client_cert']) {
      const checked = await world.check(checkOf({ ...bearer, [header]: 'x' }, { certificate: encoded(leaf.pem) }))
      expect(world.denied(checked)).toEqual({ status: 403, reason: 'certificate.header_conflict' })
    }
  })
})

describe('a fault of ours', () => {
  it('is an error of gRPC, which Envoy does not take for a verdict', async () => {
    const { keyring } = world.desk
    Object.assign(world.desk, { keyring: () => ({ signers: [], overlap: { maxTtl: 0, skew: 0 } }) })
    try {
      expect(await world.check(checkOf(bearer))).toEqual({ code: status.UNAVAILABLE })
      expect(world.reason()).toBe('signer.unavailable')
    } finally {
      Object.assign(world.desk, { keyring })
    }
  })
})

describe('more calls at once than are attended to', () => {
  it('are told so at once, and the others are answered', async () => {
    const crowded = await openCheckWorld({ maxInFlight: 1_024 })
    const held = Promise.withResolvers<boolean>()
    const gateway = crowded.desk.gateways.open.get('edge')
    if (gateway === undefined) throw new Error('no such gateway')
    Object.assign(gateway, { isCaller: () => held.promise })
    try {
      let answered = 0
      const callers = Array.from({ length: 5 }, () => crowded.caller())
      const calls = callers.flatMap((caller) =>
        Array.from({ length: 250 }, async () => {
          const checked = await checkedBy(caller, checkOf())
          answered += 1
          return 'code' in checked ? checked.code : 'answered'
        }),
      )
      await eventually(() => (answered === 226 ? true : undefined))
      held.resolve(true)
      const outcomes = await Promise.all(calls)
      expect(outcomes.filter((outcome) => outcome === status.UNAVAILABLE)).toHaveLength(226)
      expect(outcomes.filter((outcome) => outcome === 'answered')).toHaveLength(1_024)
    } finally {
      held.resolve(false)
      await crowded.stop()
    }
  })
})

describe('over TLS', () => {
  it('a gateway proves itself by the certificate of its connection', async () => {
    const secure = await openCheckWorld({ tls: true })
    try {
      const own = { authorization: `Bearer ${await secure.jwt()}` }
      const mesh = { 'x-dragoman-gateway': 'mesh' }
      const asking = (
        leaf?: { pem: string; privateKeyPem: string },
        metadata: Readonly<Record<string, string>> = mesh,
      ) => {
        const identity = leaf === undefined ? {} : { identity: { cert: leaf.pem, key: leaf.privateKeyPem } }
        return checkedBy(secure.caller({ ca: secure.server.pem, ...identity }), checkOf(own), metadata)
      }
      const edge = { dns: ['edge.internal.example'] }
      expect(claimsIn(tokenIn(await asking(secure.gatewayAuthority.issue(edge))))).toMatchObject({ client_id: 'mesh' })
      // Without a name it is the only one that this certificate, or this secret, proves.
      const unnamed = await asking(secure.gatewayAuthority.issue(edge), {})
      expect(claimsIn(tokenIn(unnamed))).toMatchObject({ client_id: 'mesh' })
      const two = await asking(secure.gatewayAuthority.issue(edge), { 'x-edge-secret': asEdge['x-edge-secret'] })
      expect(responseIn(two).deniedResponse?.status.code).toBe(403)
      const others = [
        secure.gatewayAuthority.issue({ dns: ['other.internal.example'] }),
        secure.workloads.issue(edge),
        undefined,
      ]
      for (const other of others) {
        expect(responseIn(await asking(other)).deniedResponse?.status.code).toBe(403)
        expect(secure.reason()).toBe('gateway.unproven')
      }
    } finally {
      await secure.stop()
    }
  })
})
