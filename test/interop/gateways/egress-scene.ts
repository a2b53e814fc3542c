import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import { callRaw } from '../../../src/cli/doctor-call.ts'
import { caller, orders } from '../../world/documents.ts'
import { clientSecret } from '../../world/openid-provider-settings.ts'
import { call } from '../calling.ts'
import { openssl } from '../certificates/openssl.ts'
import type { Issued } from '../certificates/toolkit.ts'
import { type Serving, startServing } from '../dragoman/serving.ts'
import { type Echo, startEcho } from './echo.ts'
import {
  documentsAtTheWayOut,
  type EgressDialect,
  gatewayName,
  hosts,
  partnerKey,
  wrongSecret,
} from './egress-documents.ts'
import { startEgressGateway } from './egress-gateways.ts'
import type { RunningGateway } from './gateways.ts'
import { type Relay, startRelay } from './relay.ts'
import { programs } from './running-gateways.ts'
import type { Outcome } from './scene.ts'
import { type Issuer, newIssuer } from './tokens.ts'

/** Services inside, a gateway at the way out, dragoman whom it asks, and one server that plays every partner. */
export interface EgressScene {
  readonly dialect: EgressDialect
  readonly issuer: Issuer
  readonly dragoman: Serving
  /** Between the gateway and dragoman. */
  readonly relay: Relay
  readonly partners: Echo
  readonly gateway: RunningGateway
  readonly stop: () => Promise<void>
}

/** Who the partners are. */
export interface PartnerCertificates {
  readonly authority: Issued
  readonly partners: Issued
}

/** Makes them in `folder`. */
export const makePartnerCertificates = async (folder: string): Promise<PartnerCertificates> => {
  mkdirSync(folder, { recursive: true })
  const authority = await openssl.issue(folder, 'p256', { commonName: 'authority of partners', authority: {} })
  const names = { dns: ['*.partner.example'] }
  const profile = { commonName: 'partners', names, purposes: ['server'] } as const
  return { authority, partners: await openssl.issue(folder, 'p256', profile, authority) }
}

const pemOf = (file: string): string => readFileSync(file, 'utf8')

const startPartners = ({ partners }: PartnerCertificates): Promise<Echo> =>
  startEcho(0, { cert: pemOf(partners.certificate), key: pemOf(partners.key) })

/** Where the dragoman in `folder` says that it listens for gRPC. */
const grpcPortOf = (folder: string): number => {
  const [, port] = /, gRPC port (\d+)\)/.exec(pemOf(join(folder, 'dragoman.log'))) ?? []
  if (port === undefined) throw new Error('dragoman has no gRPC port')
  return Number(port)
}

const startBehind = (dialect: EgressDialect, folder: string, issuer: Issuer, provider: string) =>
  startServing({
    folder,
    documents: documentsAtTheWayOut(dialect, provider),
    files: { 'idp.jwks.json': issuer.keySet },
    environment: { PARTNER_KEY: partnerKey, PROVIDER_SECRET: clientSecret, WRONG_SECRET: wrongSecret },
    // The provider of the tests is on this machine and speaks plain http.
    command: 'dev',
    words: ['--grpc-port', '0'],
  })

/** Starts all of it below `parent`, beside an OpenID provider whose tokens partners take. */
export const startEgressScene = async (
  dialect: EgressDialect,
  parent: string,
  certificates: PartnerCertificates,
  provider: string,
): Promise<EgressScene> => {
  const folder = join(parent, dialect)
  const issuer = await newIssuer()
  const dragoman = await startBehind(dialect, join(folder, 'dragoman'), issuer, provider)
  const asked = dialect === 'envoy-grpc' ? grpcPortOf(join(folder, 'dragoman')) : dragoman.port
  const relay = await startRelay(asked)
  const partners = await startPartners(certificates)
  const gateway = await startEgressGateway(dialect, programs, {
    folder: join(folder, 'gateway'),
    dragoman: relay.port,
    dragomanGrpc: relay.port,
    partner: partners.port,
    authorities: certificates.authority.certificate,
  })
  return {
    dialect,
    issuer,
    dragoman,
    relay,
    partners,
    gateway,
    async stop() {
      await gateway.stop()
      await relay.stop()
      await dragoman.stop()
      await partners.stop()
    },
  }
}

const tokenAnswer = z.object({ access_token: z.string() })

/** A token of ours for the services inside, as somebody there holds it. */
export const tokenOf = async ({ issuer, dragoman }: EgressScene, sub: string): Promise<string> => {
  const basic = Buffer.from(`${caller.id}:${caller.secret}`).toString('base64')
  const form = {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    audience: orders,
    subject_token: await issuer.token({ sub }),
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
  }
  const headers = { authorization: `Basic ${basic}` }
  const { body } = await call(`${dragoman.url}/token`, { authorities: '' }, { headers, form })
  return tokenAnswer.parse(JSON.parse(body)).access_token
}

/** A request as a service inside writes it. */
export interface Leaving {
  readonly method?: string
  readonly target?: string
  /** What it writes into Host. */
  readonly host?: string
  /** Header lines beside Host and Connection, as they are sent. */
  readonly lines?: readonly string[]
  readonly body?: string
}

/** Sends one request to the gateway, on a connection of its own. */
export const leave = async (scene: EgressScene, leaving: Leaving = {}): Promise<Outcome> => {
  const { method = 'GET', target = '/v1/charges', host = hosts.keys, lines = [], body } = leaving
  scene.partners.arrivals()
  const length = body === undefined ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]
  const head = [`${method} ${target} HTTP/1.1`, `Host: ${host}`, ...lines, ...length, 'Connection: close', '', '']
  const door = { host: '127.0.0.1', port: scene.gateway.port }
  const reply = await callRaw(door, head.join('\r\n') + (body ?? ''), 10_000)
  if (reply === 'late') throw new Error(`${scene.dialect} does not answer`)
  const { status, headers } = reply === 'closed' ? { status: 0, headers: [] } : reply
  return { status, headers, arrivals: scene.partners.arrivals() }
}

const auditRecord = z.object({ client: z.string().optional(), reason: z.string().optional() })

/** Why requests of the gateway were refused so far, in order, by the audit log. */
export const refusalsOf = ({ dragoman }: EgressScene): readonly string[] =>
  dragoman
    .audit()
    .split('\n')
    .slice(0, -1)
    .map((line) => auditRecord.parse(JSON.parse(line)))
    .flatMap(({ client, reason }) => (client === gatewayName && reason !== undefined ? [reason] : []))
