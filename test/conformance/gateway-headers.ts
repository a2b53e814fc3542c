import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import * as z from 'zod'
import { appraise } from '../../src/appraise.ts'
import type { Desk } from '../../src/desk.ts'
import { authenticatedAs } from '../../src/domain/client.ts'
import type { PresentedCertificate } from '../../src/domain/presented-certificate.ts'
import { Refusal } from '../../src/domain/refusal.ts'
import { secret } from '../../src/domain/secret.ts'
import { tokenTypes } from '../../src/domain/token-type.ts'
import { newTrace } from '../../src/domain/trace.ts'
import { identityHeaders } from '../../src/formats/gateway-decision-settings.ts'
import { textOfChain } from '../../src/formats/x509-chain-text.ts'
import { clientCertificate } from '../../src/gateways/client-certificate.ts'
import type { HttpCall } from '../../src/gateways/dialect.ts'
import { answerAuthz } from '../../src/http/authz.ts'
import { httpCallOf } from '../../src/http/http-call.ts'
import { type Listener, listen } from '../../src/runtimes/node/listener.ts'
import { openPlace, type Place } from '../world/place.ts'
import { testKeyring } from '../world/signing.ts'
import { falseAccept, falseReject, right, skipped, type Timed, timed, type Verdict } from './report.ts'

/**
 * dragoman-gateway-headers/1: one request as raw header lines from a peer address, under a Gateway document for the
 * case's mode and a map of SPIFFE identities. The lines go over a real connection to the real listener; only the
 * address of the caller is put in the place of the loopback's. A mode names a way to state certificates, and then the
 * certificate is looked for; or a dialect, and then the gateway asks about a request.
 */

const headerCase = z.looseObject({
  id: z.string(),
  mode: z.string(),
  peer_ip: z.string(),
  headers: z.array(z.tuple([z.string(), z.string()])),
  expected: z.enum(['accept', 'reject']),
  spiffe_id: z.string().optional(),
  time_limit_ms: z.number().optional(),
})

const headerFile = z.looseObject({
  now: z.iso.datetime(),
  config: z.looseObject({
    trusted_peers: z.array(z.string()),
    envoy_by: z.string().optional(),
    trust_domain: z.string(),
    anchors_pem: z.array(z.string()),
  }),
  cases: z.array(headerCase),
})

type HeaderCase = z.output<typeof headerCase>
type HeaderFile = z.output<typeof headerFile>

/** Judges every case of the file `content`. */
export const runGatewayHeaders = async (content: unknown): Promise<readonly Timed[]> => {
  const file = headerFile.parse(content)
  const places = new Map<string, Place>()
  for (const mode of new Set(file.cases.map((one) => one.mode))) {
    const gateway = gatewayFor(mode, file)
    if (gateway !== undefined) places.set(mode, await openGatewayPlace(file, gateway))
  }
  const border = await openBorder()
  const verdicts: Timed[] = []
  for (const one of file.cases)
    verdicts.push(await timed(one.time_limit_ms, () => judge(one, places.get(one.mode), border)))
  await border.listener.close(1)
  return verdicts
}

/** What the Gateway document of a mode says beside who the gateway is; undefined for modes that are not known. */
const gatewayFor = (mode: string, file: HeaderFile): object | undefined => {
  const certificateFrom = certificateFromFor(mode, file)
  if (certificateFrom !== undefined) return { certificateFrom }
  return isAsked(mode) ? { dialect: mode, routes: [{ name: 'all', audience }] } : undefined
}

/** HAProxy's name is also that of a certificate header, and means that here. */
const isAsked = (mode: string): boolean =>
  ['apisix', 'envoy-http', 'forward-auth', 'ingress-nginx', 'nginx'].includes(mode)

/** `certificateFrom` for modes that state certificates. */
const certificateFromFor = (mode: string, { config }: HeaderFile): string | object | undefined => {
  if (mode === 'envoy-xfcc') return { 'envoy-xfcc': config.envoy_by === undefined ? {} : { by: config.envoy_by } }
  if (mode === 'nginx-escaped') return { nginx: { header: 'x-ssl-client-cert', verifyHeader: 'x-ssl-client-verify' } }
  return [
    'rfc9440',
    'traefik',
    'haproxy',
    'apache',
    'aws-alb',
    'azure-appgw',
    'azure-arr',
    'cloudflare',
    'gcp-lb',
  ].find((kind) => kind === mode)
}

const audience = 'https://svc-b.internal'

const document = (kind: string, name: string, spec: object) => ({
  apiVersion: 'dragoman/v1alpha1',
  kind,
  metadata: { name },
  spec,
})

const openGatewayPlace = async ({ now, config }: HeaderFile, gateway: object): Promise<Place> =>
  openPlace({
    issuer: 'https://dragoman.example.com',
    now: () => Date.parse(now) / 1_000,
    documents: [
      document('Gateway', 'edge', { authenticate: { network: config.trusted_peers }, ...gateway }),
      document('TrustMap', 'workloads', {
        source: {
          spiffe: { trustDomains: [{ name: config.trust_domain, bundleFile: 'anchors.pem' }], types: ['x509-svid'] },
        },
        rules: [
          {
            name: 'everyone',
            when: { claims: { sub: { exists: true } } },
            identity: { type: 'workload', subject: { claim: 'sub' } },
            grant: { audiences: [audience], ttl: '5m' },
          },
        ],
      }),
    ],
    files: { 'anchors.pem': config.anchors_pem.join('') },
    keyring: await testKeyring(),
  })

/** A listener that hands what arrives to whoever waits for it. */
interface Border {
  readonly listener: Listener
  /** The call as it is received when `headers` are sent; undefined when the listener itself refuses them. */
  receive(request: string, headers: HeaderCase['headers'], peer: string): Promise<HttpCall | undefined>
}

const openBorder = async (): Promise<Border> => {
  let received: Request | undefined
  const listener = await listen(
    (request) => {
      received = request
      return new Response('')
    },
    '127.0.0.1',
    0,
  )
  return {
    listener,
    async receive(request, headers, peer) {
      received = undefined
      await send(listener.port, request, headers)
      return received === undefined ? undefined : httpCallOf(received, () => ({ address: peer }))
    },
  }
}

/** Sends the lines as they stand and waits for the end of the answer, or for the connection to break. */
const send = async (port: number, request: string, headers: HeaderCase['headers']): Promise<void> => {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  socket.write(`${request} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 0\r\n${lines}\r\n`)
  await text(socket).catch(() => '')
}

const judge = async (one: HeaderCase, place: Place | undefined, border: Border): Promise<Verdict> => {
  if (place === undefined) return skipped(one.id, `there is no gateway of the kind ${one.mode}`)
  const asked = isAsked(one.mode)
  const call = await border.receive(asked ? 'GET /authz/edge/' : 'POST /token', one.headers, one.peer_ip)
  const found = await foundIn(call, asked ? authorized : appraised, place.desk)
  if (place.outboundAttempts() > 0) return falseAccept(one.id, 'an outbound request was attempted')
  if ('refused' in found) return one.expected === 'reject' ? right(one.id) : falseReject(one.id, found.refused)
  return one.expected === 'accept' && found.spiffeId === one.spiffe_id
    ? right(one.id)
    : falseAccept(one.id, `accepted as ${found.spiffeId}`)
}

type Found = { readonly spiffeId: string } | { readonly refused: string }

const foundIn = async (
  call: HttpCall | undefined,
  find: (call: HttpCall, desk: Desk) => Promise<Found>,
  desk: Desk,
): Promise<Found> => (call === undefined ? { refused: 'the listener does not read this' } : find(call, desk))

/** Has the request decided upon, as the gateway would have it. */
const authorized = async (call: HttpCall, desk: Desk): Promise<Found> => {
  const { status, headers, body } = await answerAuthz(call, desk)
  return status === 200 ? { spiffeId: headers[identityHeaders.subject] ?? '' } : { refused: `${status} ${body}` }
}

/** Finds the client certificate of the request and has the map of SPIFFE identities prove whose it is. */
const appraised = async (call: HttpCall, desk: Desk): Promise<Found> => {
  try {
    const certificate = await clientCertificate(call, call.caller(), desk.gateways, desk.ports.clock.now(), desk)
    return certificate === undefined ? { refused: 'there is no certificate' } : await proven(certificate, desk)
  } catch (thrown) {
    if (thrown instanceof Refusal) return { refused: thrown.message }
    throw thrown
  }
}

const client = authenticatedAs({
  id: 'edge',
  method: 'client_secret_basic',
  rights: { sources: ['**'], audiences: ['**'], scopes: ['**'] },
})

const proven = async (certificate: PresentedCertificate, desk: Desk): Promise<Found> => {
  const now = desk.ports.clock.now()
  const { credential } = await appraise(
    {
      subject: { type: tokenTypes.x509Chain, raw: secret(textOfChain(certificate.chain)) },
      certificate,
      targets: [],
    },
    client,
    desk,
    now,
    newTrace('conformance', now, false),
  )
  return { spiffeId: credential.subject }
}
