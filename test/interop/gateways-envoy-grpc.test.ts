import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { callRaw, type Door } from '../../src/cli/doctor-call.ts'
import type { Document } from '../world/documents.ts'
import { eventually, newFolder, removeFolder } from '../world/dragoman.ts'
import { chainPem, type Issued } from './certificates/toolkit.ts'
import { type Serving, startServing } from './dragoman/serving.ts'
import { type BareEnvoy, type ListenerName, startBareEnvoy } from './gateways/bare-envoy.ts'
import { type Certificates, host, makeCertificates } from './gateways/certificates.ts'
import { documentsFor, services } from './gateways/documents.ts'
import { type Arrival, type Echo, startEcho, valuesOf } from './gateways/echo.ts'
import { type Relay, startRelay } from './gateways/relay.ts'
import { programs } from './gateways/running-gateways.ts'
import { type Issuer, newIssuer } from './gateways/tokens.ts'

/** Envoy that asks over gRPC and does nothing else: what the dialect itself does, whatever a snippet does besides. */

const folder = newFolder()
afterAll(() => removeFolder(folder))

const secret = 'the-secret-of-a-bare-envoy-32-characters'

const pemOf = (file: string) => readFileSync(file, 'utf8')

const routes = [
  { name: 'orders', hosts: [host], paths: ['/v1/**'], audience: services.orders, scopes: ['orders:read'] },
  { name: 'shared', hosts: [host], paths: ['/v1/shared/**'], audience: services.public },
  { name: 'public', hosts: [host], paths: ['/public/**'], audience: services.public, anonymous: 'pass' },
]

const gatewayText = JSON.stringify({
  apiVersion: 'dragoman/v1alpha1',
  kind: 'Gateway',
  metadata: { name: 'edge' },
  spec: {
    dialect: 'envoy-grpc',
    authenticate: { secretHeader: { name: 'x-edge-secret', secrets: [{ env: 'EDGE_SECRET' }] } },
    credentialFrom: [{ header: 'authorization', scheme: 'Bearer', type: 'access_token' }, { certificate: true }],
    respond: { removeHeaders: ['cookie'] },
  },
})

const documents = (): readonly Document[] =>
  documentsFor(gatewayText).map((document) =>
    document.kind === 'Gateway' ? { ...document, spec: { ...document.spec, routes } } : document,
  )

let certificates: Certificates
let issuer: Issuer
let dragoman: Serving
let relay: Relay
let echo: Echo
let envoy: BareEnvoy
let ada: string

const startDragoman = () =>
  startServing({
    folder: join(folder, 'dragoman'),
    documents: documents(),
    files: { 'idp.jwks.json': issuer.keySet, 'clients.pem': pemOf(certificates.clients.intermediate.certificate) },
    environment: { EDGE_SECRET: secret },
    words: ['--grpc-port', '0'],
  })

const grpcPort = (): number => {
  const [, port] = /, gRPC port (\d+)\)/.exec(pemOf(join(folder, 'dragoman', 'dragoman.log'))) ?? []
  return Number(port)
}

beforeAll(async () => {
  certificates = await makeCertificates(join(folder, 'certificates'))
  issuer = await newIssuer()
  dragoman = await startDragoman()
  relay = await startRelay(grpcPort())
  echo = await startEcho()
  envoy = await startBareEnvoy({
    program: programs.envoy,
    folder: join(folder, 'envoy'),
    ...certificates.gateway,
    clientAuthorities: certificates.clients.root.certificate,
    metadata: { 'x-dragoman-gateway': 'edge', 'x-edge-secret': secret },
    dragoman: relay.port,
    service: echo.port,
  })
  return async () => {
    await envoy.stop()
    await relay.stop()
    await dragoman.stop()
    await echo.stop()
  }
})

beforeEach(async () => {
  ada = `Authorization: Bearer ${await issuer.token()}`
})

interface Asked {
  readonly through?: ListenerName
  readonly target?: string
  readonly lines?: readonly string[]
  readonly by?: Issued
}

interface Outcome {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** What reached the service: at most once. */
  readonly arrival: Arrival | undefined
}

const doorOf = async (through: ListenerName, by: Issued | undefined): Promise<Door> => {
  const place = { host: '127.0.0.1', port: envoy.port(through) }
  if (through !== 'tls') return place
  const identity = by && {
    certificate: await chainPem([by, certificates.clients.intermediate]),
    key: pemOf(by.key),
  }
  return { ...place, tls: { name: host, authorities: pemOf(certificates.servers.certificate), ...identity } }
}

const ask = async ({ through = 'merged', target = '/v1/orders', lines = [], by }: Asked): Promise<Outcome> => {
  echo.arrivals()
  const head = [`GET ${target} HTTP/1.1`, `Host: ${host}`, ...lines, 'Connection: close', '', '']
  const reply = await callRaw(await doorOf(through, by), head.join('\r\n'), 10_000)
  const { status, headers } = typeof reply === 'string' ? { status: 0, headers: [] } : reply
  const [arrival, second] = echo.arrivals()
  expect(second).toBeUndefined()
  return { status, headers: Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value])), arrival }
}

const got = ({ arrival }: Outcome, name: string): readonly string[] =>
  arrival === undefined ? ['nothing has arrived'] : valuesOf(arrival, name)

const claimsGot = (outcome: Outcome) => decodeJwt((got(outcome, 'authorization')[0] ?? '').replace(/^Bearer /, ''))

const refused = (status: number) => ({ status, arrival: undefined })

describe.each(['merged', 'raw'] as const)('headers that come %s', (through) => {
  it('a good token becomes one of ours, and every identity header is there once', async () => {
    const outcome = await ask({ through, lines: [ada] })
    expect(outcome.status).toBe(200)
    expect(got(outcome, 'authorization')).toHaveLength(1)
    expect(claimsGot(outcome)).toMatchObject({ sub: 'user:ada', aud: services.orders, client_id: 'edge' })
    expect(got(outcome, 'x-dragoman-subject')).toEqual(['user:ada'])
    expect(got(outcome, 'x-dragoman-client')).toEqual(['edge'])
    expect(got(outcome, 'x-dragoman-tenant')).toEqual(['-'])
    expect(got(outcome, 'x-dragoman-rule')).toEqual(['people/everybody'])
    expect(got(outcome, 'x-dragoman-txn')).toHaveLength(1)
    expect(outcome.headers).not.toHaveProperty('x-dragoman-subject')
  })

  it('nothing that the client writes in our name arrives, whoever it is', async () => {
    const names = ['x-dragoman-subject', 'X_Dragoman_Subject', 'x-dragoman_subject', 'X-Dragoman-Role', 'Txn-Token']
    const spoofed = [...names, ...names].map((name) => `${name}: spoofed`)
    const more = ['txn_token: spoofed', 'Cookie: session=spoofed', 'cookie: more=spoofed', 'X-Fine: kept']
    for (const own of [{ lines: [ada] }, { lines: [], target: '/public/x' }]) {
      const outcome = await ask({ ...own, through, lines: [...own.lines, ...spoofed, ...more] })
      expect(outcome.status).toBe(200)
      expect(JSON.stringify(outcome.arrival)).not.toContain('spoofed')
      expect(got(outcome, 'x-fine')).toEqual(['kept'])
    }
  })

  it('two credentials are none', async () => {
    expect(await ask({ through, lines: [ada, ada] })).toMatchObject(refused(401))
  })

  it.each(['/v1/../public/x', '/v1//x', '/v1/%2e%2e/x', '/v1/a%2fb', '/v1/a\\b', '/v1/a;/x', '/v1/%00'])(
    'a path that is read in more than one way is refused: %s',
    async (target) => {
      const outcome = await ask({ through, target, lines: [ada] })
      expect(outcome.arrival).toBeUndefined()
      expect([400, 403]).toContain(outcome.status)
    },
  )
})

describe('a refusal', () => {
  it('comes to the client as RFC 6750 says, and nothing to the service', async () => {
    const nobody = await ask({})
    expect(nobody).toMatchObject({ ...refused(401), headers: { 'www-authenticate': 'Bearer realm="dragoman"' } })
    expect(nobody.headers['content-type']).toBe('application/json')
    const late = { iat: 1_700_000_000, exp: 1_700_000_600 }
    const expired = await ask({ lines: [`Authorization: Bearer ${await issuer.token(late)}`] })
    expect(expired).toMatchObject(refused(401))
    expect(expired.headers['www-authenticate']).toMatch(/error="invalid_token"/)
    const forged = await ask({ lines: [`Authorization: Bearer ${await issuer.forged()}`] })
    expect(forged).toMatchObject(refused(401))
    const elsewhere = await ask({ target: '/admin', lines: [ada] })
    expect(elsewhere).toMatchObject(refused(403))
    expect(elsewhere.headers).not.toHaveProperty('www-authenticate')
  })

  it('is what a token too large for anybody gets', async () => {
    const long = await issuer.token({ padding: 'x'.repeat(30_000) })
    expect(await ask({ lines: [`Authorization: Bearer ${long}`] })).toMatchObject(refused(401))
  })
})

describe('the gateway', () => {
  it('is who Envoy says it is, never who its client says', async () => {
    const lines = [ada, 'x-dragoman-gateway: edge', `x-edge-secret: ${secret}`]
    expect(await ask({ through: 'impostor', lines })).toMatchObject(refused(403))
    expect(await ask({ through: 'impostor', target: '/public/x' })).toMatchObject(refused(403))
    const other = await ask({ lines: [ada, 'x-dragoman-gateway: other', 'x-edge-secret: wrong'] })
    expect(other.status).toBe(200)
    expect(got(other, 'x-dragoman-client')).toEqual(['edge'])
    expect(got(other, 'x-dragoman-gateway')).toEqual([])
  })

  it('may choose among its own routes by context extensions, if the route fits', async () => {
    expect(claimsGot(await ask({ target: '/v1/shared/x', lines: [ada] }))).toMatchObject({ aud: services.public })
    expect(claimsGot(await ask({ target: '/v1/sharedx', lines: [ada] }))).toMatchObject({ aud: services.orders })
    expect(await ask({ target: '/v1/unknown/x', lines: [ada] })).toMatchObject(refused(403))
  })
})

describe('the certificate of the client', () => {
  it('comes beside the request, and is whom the token is for', async () => {
    const outcome = await ask({ through: 'tls', by: certificates.clients.leaf })
    expect(outcome.status).toBe(200)
    expect(claimsGot(outcome)).toMatchObject({ sub: 'workload:p256 leaf' })
    expect(await ask({ through: 'tls' })).toMatchObject(refused(401))
  })

  it('is not what a client writes in a header', async () => {
    const pem = encodeURIComponent(pemOf(certificates.clients.leaf.certificate))
    // Envoy takes this one away.
    const known = [`X-Forwarded-Client-Cert: Cert="${pem}"`]
    expect(await ask({ through: 'tls', lines: known })).toMatchObject(refused(401))
    for (const name of ['Client-Cert', 'SSL-Client-Cert', 'x_forwarded_client_cert', 'X-ARR-ClientCert'])
      for (const by of [undefined, certificates.clients.leaf])
        expect(await ask({ through: 'tls', lines: [`${name}: ${pem}`], ...(by && { by }) })).toMatchObject(refused(403))
  })
})

describe('what Envoy writes in its access log', () => {
  it('is whose request it was and which one for us, and never a token', async () => {
    const [txn] = got(await ask({ lines: [ada] }), 'x-dragoman-txn')
    const entry = await eventually(() => envoy.accessLog().find((one) => one['txn'] === txn))
    expect(entry).toEqual({
      gateway: 'edge',
      route: 'orders',
      map: 'people',
      rule: 'people/everybody',
      subject: 'user:ada',
      tenant: '-',
      txn,
      request_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    })
    await eventually(() => dragoman.audit().includes(`"request_id":"${entry['request_id']}"`) || undefined)
  })
})

describe('when dragoman is in trouble', () => {
  it('nothing passes while it is away, and everything again after it is back', async () => {
    await relay.refuse()
    for (const lines of [[ada], []]) expect(await ask({ lines })).toMatchObject(refused(503))
    await relay.restore()
    await eventually(async () => ((await ask({ lines: [ada] })).status === 200 ? true : undefined))
  })

  it('nothing passes while it is silent', async () => {
    relay.stall()
    expect(await ask({ lines: [ada] })).toMatchObject(refused(503))
    await relay.restore()
    await eventually(async () => ((await ask({ lines: [ada] })).status === 200 ? true : undefined))
  })

  it('it says so itself, and ends without losing a request', async () => {
    expect(await eventually(async () => (await envoy.findsItHealthy()) || undefined)).toBe(true)
    const answers: number[] = []
    const over = new AbortController()
    const asking = (async () => {
      while (!over.signal.aborted) answers.push((await ask({ lines: [ada] })).status)
    })()
    await sleep(200)
    await dragoman.stop()
    await eventually(async () => !(await envoy.findsItHealthy()) || undefined)
    over.abort()
    await asking
    expect(new Set(answers)).toEqual(new Set([200, 503]))
    expect(answers.indexOf(503)).toBeGreaterThan(answers.lastIndexOf(200))
    dragoman = await startDragoman()
    relay.leadTo(grpcPort())
    expect(await eventually(async () => (await envoy.findsItHealthy()) || undefined)).toBe(true)
    expect(await ask({ lines: [ada] })).toMatchObject({ status: 200 })
  })
})
