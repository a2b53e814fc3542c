import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createLocalJWKSet, type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose'
import * as z from 'zod'
import { type Answer, callRaw, type Door } from '../../../src/cli/doctor-call.ts'
import { call } from '../calling.ts'
import { chainPem, type Issued } from '../certificates/toolkit.ts'
import { issuer as ourIssuer, type Serving, startServing } from '../dragoman/serving.ts'
import { type Certificates, host } from './certificates.ts'
import { documentsFor } from './documents.ts'
import { type Arrival, type Echo, startEcho } from './echo.ts'
import { documentOf, type RunningGateway, startGateway } from './gateways.ts'
import type { GatewayName } from './names.ts'
import { type Relay, startRelay } from './relay.ts'
import { programs } from './running-gateways.ts'
import { gatewaySecret } from './secret.ts'
import { type Issuer, newIssuer } from './tokens.ts'

/** A gateway between clients and a service, and dragoman whom it asks. */
export interface Scene {
  readonly name: GatewayName
  readonly folder: string
  readonly certificates: Certificates
  readonly issuer: Issuer
  readonly echo: Echo
  readonly relay: Relay
  readonly gateway: RunningGateway
  readonly dragoman: () => Serving
  /** Stops dragoman; `start` starts it again, elsewhere, and lets the relay lead there. */
  readonly restart: { readonly stop: () => Promise<void>; readonly start: () => Promise<void> }
  readonly stop: () => Promise<void>
}

const pemOf = (file: string): string => readFileSync(file, 'utf8')

const startBehind = async (name: GatewayName, folder: string, certificates: Certificates, issuer: Issuer) =>
  startServing({
    folder,
    documents: documentsFor(await documentOf(name)),
    files: {
      'idp.jwks.json': issuer.keySet,
      // nginx, Caddy and others pass the leaf on and nothing above it, so what stands right above it has to be known.
      'clients.pem': pemOf(certificates.clients.intermediate.certificate),
      'gateways.pem': pemOf(certificates.gateways.certificate),
    },
    environment: { DRAGOMAN_GATEWAY_SECRET: gatewaySecret },
    tls: certificates.dragoman,
    words: ['--grpc-port', '0'],
  })

/** Where the dragoman in `folder` says that it listens for gRPC. */
const grpcPortOf = (folder: string): number => {
  const [, port] = /, gRPC port (\d+)\)/.exec(readFileSync(join(folder, 'dragoman.log'), 'utf8')) ?? []
  if (port === undefined) throw new Error('dragoman has no gRPC port')
  return Number(port)
}

/** Starts all of it below `folder`. */
export const startScene = async (name: GatewayName, parent: string, certificates: Certificates): Promise<Scene> => {
  const folder = join(parent, name)
  mkdirSync(folder, { recursive: true })
  const issuer = await newIssuer()
  const start = () => startBehind(name, join(folder, 'dragoman'), certificates, issuer)
  let dragoman = await start()
  const portOf = (serving: Serving): number =>
    name === 'envoy-grpc' ? grpcPortOf(join(folder, 'dragoman')) : serving.port
  const relay = await startRelay(portOf(dragoman))
  const echo = await startEcho()
  const place = { folder: join(folder, 'gateway'), certificates, dragoman: relay.port, service: echo.port }
  const gateway = await startGateway(name, programs, place)
  return {
    name,
    folder,
    certificates,
    issuer,
    echo,
    relay,
    gateway,
    dragoman: () => dragoman,
    restart: {
      stop: () => dragoman.stop(),
      async start() {
        dragoman = await start()
        relay.leadTo(portOf(dragoman))
      },
    },
    async stop() {
      await gateway.stop()
      await relay.stop()
      await dragoman.stop()
      await echo.stop()
    },
  }
}

/** A request as a client writes it. */
export interface Asked {
  readonly method?: string
  readonly target?: string
  /** What it writes into Host. */
  readonly host?: string
  /** Header lines beside Host and Connection, as they are sent. */
  readonly lines?: readonly string[]
  readonly body?: string
  /** Who shows a certificate. */
  readonly by?: Issued
  readonly patience?: number
}

/** What came of a request: the answer, and what reached the service. */
export interface Outcome {
  readonly status: number
  readonly headers: Answer['headers']
  readonly arrivals: readonly Arrival[]
}

const doorOf = async ({ certificates, gateway }: Scene, by: Issued | undefined): Promise<Door> => {
  const authorities = pemOf(certificates.servers.certificate)
  const shown =
    by === undefined ? {} : { certificate: await chainPem([by, certificates.clients.intermediate]), key: pemOf(by.key) }
  return { host: '127.0.0.1', port: gateway.port, tls: { name: host, authorities, ...shown } }
}

/** Sends one request on a connection of its own. A connection that is closed without an answer counts as status 0. */
export const ask = async (scene: Scene, asked: Asked = {}): Promise<Outcome> => {
  const { method = 'GET', target = '/v1/orders', host: asksFor = host, lines = [], by, body, patience = 10_000 } = asked
  scene.echo.arrivals()
  const length = body === undefined ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]
  const head = [`${method} ${target} HTTP/1.1`, `Host: ${asksFor}`, ...lines, ...length, 'Connection: close', '', '']
  const reply = await callRaw(await doorOf(scene, by), head.join('\r\n') + (body ?? ''), patience)
  if (reply === 'late') throw new Error(`${scene.name} does not answer within ${patience} ms`)
  const { status, headers } = reply === 'closed' ? { status: 0, headers: [] } : reply
  return { status, headers, arrivals: scene.echo.arrivals() }
}

export const bearer = (token: string): string => `Authorization: Bearer ${token}`

/** Asks with a good token. */
export const askAsAda = async (scene: Scene, asked: Asked = {}): Promise<Outcome> => {
  const token = await scene.issuer.token()
  return ask(scene, { ...asked, lines: [bearer(token), ...(asked.lines ?? [])] })
}

/** The values of the answer's header of that name, lower-case. */
export const answered = ({ headers }: Outcome, name: string): readonly string[] =>
  headers.filter(([candidate]) => candidate.toLowerCase() === name).map(([, value]) => value)

const keySet = z.custom<JSONWebKeySet>((value) => typeof value === 'object' && value !== null && 'keys' in value)

/** The claims of a token of ours that is for `service`; throws when it does not hold by the published keys. */
export const verified = async (
  { dragoman, certificates }: Scene,
  token: string,
  service: string,
): Promise<JWTPayload> => {
  const { servers } = certificates
  const { body } = await call(`${dragoman().url}/jwks.json`, { authorities: pemOf(servers.certificate) })
  const keys = createLocalJWKSet(keySet.parse(JSON.parse(body)))
  return (await jwtVerify(token, keys, { audience: service, issuer: ourIssuer, typ: 'at+jwt' })).payload
}

/** The reasons in the audit log, in order. */
export const reasonsOf = ({ dragoman }: Scene): readonly (string | undefined)[] =>
  dragoman()
    .audit()
    .split('\n')
    .slice(0, -1)
    .map((line) => z.object({ reason: z.string().optional() }).parse(JSON.parse(line)).reason)
