import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { connect } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { tokenTypes } from '../../src/domain/token-type.ts'
import type { TestCertificate } from '../world/certificates.ts'
import { basic, type Caller, type CertificateWorld, openCertificateWorld, thumbprintOf } from './certificate-world.ts'

/** Certificates that gateways state, over real connections: one gateway has a secret, the other a certificate. */

const secret = 'a-secret-of-the-edge-with-enough-entropy'
const gateway = (name: string, spec: object) => ({
  apiVersion: 'dragoman/v1alpha1',
  kind: 'Gateway',
  metadata: { name },
  spec,
})
const sha256 = createHash('sha256').update(secret).digest('base64url')
const edge = gateway('edge', {
  authenticate: { secretHeader: { name: 'X-Gateway-Secret', secrets: [{ sha256 }] } },
  certificateFrom: 'rfc9440',
})
const mesh = gateway('mesh', {
  authenticate: { mtls: { trustAnchors: 'workloads-ca.pem', dns: 'mesh.workloads.example' } },
  certificateFrom: 'envoy-xfcc',
})

let world: CertificateWorld
let meshCertificate: TestCertificate
beforeAll(async () => {
  world = await openCertificateWorld({ documents: [edge, mesh] })
  meshCertificate = world.authority.issue({
    subject: 'orders',
    dns: ['mesh.workloads.example', 'orders.workloads.example'],
  })
})
afterAll(() => world.stop())

const fromEdge = { 'x-gateway-secret': secret }
const rfc9440 = ({ der }: TestCertificate) => ({ 'client-cert': `:${Buffer.from(der).toString('base64')}:` })
const xfcc = ({ der, pem }: TestCertificate) => ({
  'x-forwarded-client-cert': `Hash=${createHash('sha256').update(der).digest('hex')};Cert="${encodeURIComponent(pem)}"`,
})
const asOrders = { client_id: 'orders' }

describe('a certificate that a gateway states', () => {
  it('authenticates the client, when the gateway has proven itself by its secret', async () => {
    const headers = { ...fromEdge, ...rfc9440(world.ordersCertificate) }
    const { status, claims } = await world.exchange(asOrders, { headers })
    expect({ status, client: claims['client_id'] }).toEqual({ status: 200, client: 'orders' })
  })

  it('authenticates the client, when the gateway has proven itself by its certificate', async () => {
    const how = { certificate: meshCertificate, headers: xfcc(world.ordersCertificate) }
    const { status, claims } = await world.exchange(asOrders, how)
    expect({ status, client: claims['client_id'] }).toEqual({ status: 200, client: 'orders' })
  })

  it('is the one that a token is bound to', async () => {
    const how = { as: 'service', certificate: meshCertificate, headers: xfcc(world.ordersCertificate) }
    const { claims } = await world.exchange({ subject_token: await world.idToken({ team: 'bound' }) }, how)
    expect(claims['cnf']).toEqual({ 'x5t#S256': thumbprintOf(world.ordersCertificate) })
  })

  it('becomes canonical', async () => {
    const headers = { ...fromEdge, ...rfc9440(world.ordersCertificate) }
    const subject = { subject_token: world.ordersCertificate.pem, subject_token_type: tokenTypes.x509Chain }
    const { status, claims } = await world.exchange({ ...asOrders, ...subject }, { headers })
    expect({ status, sub: claims['sub'] }).toEqual({ status: 200, sub: 'workload:orders' })
  })

  it('proves no more than one over TLS: its path is validated here', async () => {
    const headers = { ...fromEdge, ...rfc9440(world.stranger.issue({ dns: ['orders.workloads.example'] })) }
    expect(await world.exchange(asOrders, { headers })).toMatchObject({
      status: 401,
      reason: 'client.credential_invalid',
    })
  })

  it('is not that of the gateway itself, which states none', async () => {
    expect(await world.exchange(asOrders, { certificate: meshCertificate })).toMatchObject({
      status: 401,
      body: { error: 'invalid_client' },
      reason: 'client.missing',
    })
  })

  it('leaves those alone who come without a gateway', async () => {
    expect((await world.exchange(asOrders, { certificate: world.ordersCertificate })).status).toBe(200)
    expect((await world.exchange({}, { as: 'service' })).status).toBe(200)
  })

  const hostile: readonly (readonly [what: string, how: () => Caller, reason: string])[] = [
    ['from anyone', () => ({ headers: rfc9440(world.ordersCertificate) }), 'certificate.header_untrusted'],
    [
      'with a wrong secret',
      () => ({ headers: { ...rfc9440(world.ordersCertificate), 'x-gateway-secret': 'guess' } }),
      'certificate.header_untrusted',
    ],
    [
      'with a word of where it comes from',
      () => ({ headers: { ...rfc9440(world.ordersCertificate), 'x-forwarded-for': '127.0.0.1' } }),
      'certificate.header_untrusted',
    ],
    [
      'from a caller with a certificate that is no gateway’s',
      () => ({ certificate: world.ordersCertificate, headers: xfcc(world.ordersCertificate) }),
      'certificate.header_untrusted',
    ],
    [
      'from a stranger with the name of a gateway',
      () => ({
        certificate: world.stranger.issue({ dns: ['mesh.workloads.example'] }),
        headers: xfcc(world.ordersCertificate),
      }),
      'certificate.header_untrusted',
    ],
    [
      'in the header of another gateway',
      () => ({ certificate: meshCertificate, headers: rfc9440(world.ordersCertificate) }),
      'certificate.header_conflict',
    ],
    [
      'in two headers',
      () => ({ headers: { ...fromEdge, ...rfc9440(world.ordersCertificate), ...xfcc(world.ordersCertificate) } }),
      'certificate.header_conflict',
    ],
    [
      'from two gateways at once',
      () => ({ certificate: meshCertificate, headers: { ...fromEdge, ...rfc9440(world.ordersCertificate) } }),
      'certificate.header_conflict',
    ],
    ['that is none', () => ({ headers: { ...fromEdge, 'client-cert': ':MAA=:' } }), 'certificate.header_malformed'],
  ]

  it.each(hostile.map(([what, how, reason]) => ({ what, how, reason })))(
    'is refused $what',
    async ({ how, reason }) => {
      expect(await world.exchange(asOrders, how())).toMatchObject({
        status: 400,
        body: { error: 'invalid_request' },
        reason,
      })
    },
  )

  it('is refused in two fields of one name, and so are two credentials of the client', async () => {
    const [line] = Object.entries(rfc9440(world.ordersCertificate)).map((field) => field.join(': '))
    const twice = await postLines([`x-gateway-secret: ${secret}`, `${line}`, `${line}`])
    expect(twice).toEqual({ status: 400, reason: 'certificate.header_malformed' })
    const authorization = `authorization: ${basic('service')}`
    expect(await postLines([authorization, authorization])).toEqual({ status: 401, reason: 'client.missing' })
  })
})

/** Posts an exchange with these header lines as they stand. */
const postLines = async (lines: readonly string[]): Promise<{ readonly status: number; readonly reason: string }> => {
  const body = 'grant_type=urn:ietf:params:oauth:grant-type:token-exchange'
  const own = ['host: a', 'connection: close', `content-length: ${body.length}`]
  const type = 'content-type: application/x-www-form-urlencoded'
  const socket = connect({ port: Number(new URL(world.url).port), host: '127.0.0.1', rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  socket.write(['POST /token HTTP/1.1', ...own, type, ...lines, '', body].join('\r\n'))
  const answer = await text(socket)
  const { outcome } = world.traces.at(-1) ?? {}
  return {
    status: Number(answer.split(' ')[1]),
    reason: outcome?.granted === false ? outcome.reason : 'granted',
  }
}
