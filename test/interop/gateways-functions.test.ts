import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { callRaw } from '../../src/cli/doctor-call.ts'
import { newFolder, removeFolder } from '../world/dragoman.ts'
import { type Serving, startServing } from './dragoman/serving.ts'
import { type Certificates, host, makeCertificates } from './gateways/certificates.ts'
import { documentsFor, services } from './gateways/documents.ts'
import { type Arrival, type Echo, startEcho, valuesOf } from './gateways/echo.ts'
import { type RunningWorker, startWorker, writeSnippet } from './gateways/functions.ts'
import { type Relay, startRelay } from './gateways/relay.ts'
import { gatewaySecret } from './gateways/secret.ts'
import { type Issuer, newIssuer } from './gateways/tokens.ts'

/** Gateways whose snippet is a function: it runs here, and asks a real dragoman. */

const folder = newFolder()
afterAll(() => removeFolder(folder))

let certificates: Certificates
let issuer: Issuer
beforeAll(async () => {
  certificates = await makeCertificates(join(folder, 'certificates'))
  issuer = await newIssuer()
})

const startBehind = (name: string): Promise<Serving> =>
  startServing({
    folder: join(folder, `dragoman-${name}`),
    documents: documentsFor(readFileSync(join(folder, name, 'edge.yaml'), 'utf8')),
    files: {
      'idp.jwks.json': issuer.keySet,
      'clients.pem': readFileSync(certificates.clients.intermediate.certificate, 'utf8'),
    },
    environment: { DRAGOMAN_GATEWAY_SECRET: gatewaySecret },
  })

const pemOfClient = (): string => readFileSync(certificates.clients.leaf.certificate, 'utf8')

const subjectOf = (authorization: string): unknown => {
  const { sub, aud } = decodeJwt(authorization.replace(/^Bearer /, ''))
  return { sub, aud }
}

const asAda = { sub: 'user:ada', aud: services.orders }
const asWorkload = { sub: 'workload:p256 leaf', aud: services.orders }

describe('a Cloudflare Worker', () => {
  let dragoman: Serving
  let echo: Echo
  let relay: Relay
  let worker: RunningWorker
  beforeAll(async () => {
    const own = join(folder, 'cloudflare')
    await writeSnippet('cloudflare', own)
    dragoman = await startBehind('cloudflare')
    echo = await startEcho()
    relay = await startRelay(dragoman.port)
    const place = { dragoman: `http://127.0.0.1:${relay.port}`, service: `http://127.0.0.1:${echo.port}` }
    worker = await startWorker({ folder: own, ...place })
    return async () => {
      await worker.stop()
      await relay.stop()
      await dragoman.stop()
      await echo.stop()
    }
  })

  const ask = async (target: string, lines: readonly string[] = [], method = 'GET') => {
    echo.arrivals()
    const head = [`${method} ${target} HTTP/1.1`, `Host: ${host}`, ...lines, 'Connection: close', '', '']
    const reply = await callRaw({ host: '127.0.0.1', port: worker.port }, head.join('\r\n'), 10_000)
    return { status: typeof reply === 'string' ? 0 : reply.status, arrivals: echo.arrivals() }
  }

  const only = ({ status, arrivals }: { readonly status: number; readonly arrivals: readonly Arrival[] }) => {
    expect({ status, count: arrivals.length }).toEqual({ status: 200, count: 1 })
    const [arrival] = arrivals
    if (arrival === undefined) throw new Error('nothing arrived')
    return arrival
  }

  const spoofed = [
    'X-Dragoman-Subject: spoofed',
    'X_Dragoman_Subject: spoofed',
    'x.dragoman.subject: spoofed',
    'Txn-Token: spoofed',
    'Cookie: session=spoofed',
    'Client-Cert: :spoofed:',
    'ssl-client-cert: spoofed',
    'X-Original-URL: /spoofed',
    'X-Forwarded-Uri: /public/spoofed',
    'X-Gateway-Secret: spoofed',
  ]

  it('passes requests on with our token, and with nothing that the client made up', async () => {
    const token = await issuer.token()
    const arrival = only(await ask('/v1/orders?limit=5', [`Authorization: Bearer ${token}`, ...spoofed]))
    expect(arrival.target).toBe('/v1/orders?limit=5')
    expect(subjectOf(valuesOf(arrival, 'authorization').join())).toEqual(asAda)
    expect(valuesOf(arrival, 'x-dragoman-subject')).toEqual(['user:ada'])
    for (const secret of ['spoofed', token, gatewaySecret]) expect(JSON.stringify(arrival)).not.toContain(secret)
  })

  it('answers as dragoman does when it does not', async () => {
    expect(await ask('/v1/orders', spoofed)).toEqual({ status: 401, arrivals: [] })
    expect(await ask('/v1/orders', [`Authorization: Bearer ${await issuer.forged()}`])).toEqual({
      status: 401,
      arrivals: [],
    })
    expect(await ask('/elsewhere')).toEqual({ status: 403, arrivals: [] })
    for (const path of ['/public/../admin/users', '//admin/users', '/public/..%2fadmin/users'])
      expect(await ask(path)).toMatchObject({ arrivals: [] })
    expect(valuesOf(only(await ask('/public/prices', spoofed)), 'x-dragoman-subject')).toEqual(['anonymous'])
  })

  it('states the certificate that the edge has verified, and no other', async () => {
    const item = `:${new X509Certificate(pemOfClient()).raw.toString('base64')}:`
    const cf = (certVerified: string, certRevoked = '0') =>
      `x-test-cf: ${JSON.stringify({ tlsClientAuth: { certPresented: '1', certVerified, certRevoked, certRFC9440: item } })}`
    const arrival = only(await ask('/v1/orders', [cf('SUCCESS')]))
    expect(subjectOf(valuesOf(arrival, 'authorization').join())).toEqual(asWorkload)
    for (const lines of [[cf('FAILED:expired')], [cf('SUCCESS', '1')], [`Client-Cert: ${item}`]])
      expect(await ask('/v1/orders', lines)).toEqual({ status: 401, arrivals: [] })
  })

  it('lets nothing pass while dragoman is not there or does not answer', async () => {
    await relay.refuse()
    expect(await ask('/public/prices')).toEqual({ status: 503, arrivals: [] })
    await relay.restore()
    relay.stall()
    expect(await ask('/public/prices')).toEqual({ status: 503, arrivals: [] })
    await relay.restore()
    expect(await ask('/public/prices')).toMatchObject({ status: 200 })
  })
})

describe('a Lambda authorizer of Amazon API Gateway', () => {
  let dragoman: Serving
  let relay: Relay
  let authorize: (event: unknown) => Promise<unknown>
  beforeAll(async () => {
    const own = join(folder, 'aws-lambda')
    await writeSnippet('aws-lambda', own)
    dragoman = await startBehind('aws-lambda')
    relay = await startRelay(dragoman.port)
    process.env['DRAGOMAN_URL'] = `http://127.0.0.1:${relay.port}`
    process.env['DRAGOMAN_GATEWAY_SECRET'] = gatewaySecret
    const loaded: unknown = await import(pathToFileURL(join(own, 'authorizer.mjs')).href)
    const { handler } = z
      .object({ handler: z.custom<typeof authorize>((value) => typeof value === 'function') })
      .parse(loaded)
    authorize = handler
    return async () => {
      await relay.stop()
      await dragoman.stop()
    }
  })

  /** As API Gateway gives it, payload 2.0, as far as it is read. */
  const httpEvent = (headers: Readonly<Record<string, string>>, path = '/v1/orders', clientCertPem?: string) => ({
    version: '2.0',
    type: 'REQUEST',
    routeArn: 'arn:aws:execute-api:eu-west-1:123456789012:abcdef1234/$default/GET/v1/orders',
    routeKey: 'ANY /{proxy+}',
    rawPath: path,
    rawQueryString: 'limit=5',
    headers,
    requestContext: {
      domainName: host,
      http: { method: 'GET', path, protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: 'test' },
      ...(clientCertPem === undefined ? {} : { authentication: { clientCert: { clientCertPem } } }),
    },
  })

  const methodArn = 'arn:aws:execute-api:eu-west-1:123456789012:abcdef1234/prod/GET/v1/orders'

  const restEvent = (authorization?: string, path = '/v1/orders') => ({
    type: 'REQUEST',
    methodArn,
    httpMethod: 'GET',
    path,
    headers: { Host: host, ...(authorization === undefined ? {} : { Authorization: authorization }) },
    requestContext: { domainName: host, identity: { sourceIp: '192.0.2.1' } },
  })

  const said = z.looseObject({ token: z.string(), subject: z.string() })
  const simple = z.object({ isAuthorized: z.literal(true), context: said })
  const policy = z.object({ principalId: z.string(), context: said })

  it('makes a simple response for HTTP APIs, by token or by certificate', async () => {
    const authorization = `Bearer ${await issuer.token()}`
    const byToken = simple.parse(await authorize(httpEvent({ authorization })))
    expect(subjectOf(byToken.context.token)).toEqual(asAda)
    expect(byToken.context.subject).toBe('user:ada')
    const byCertificate = simple.parse(await authorize(httpEvent({}, '/v1/orders', pemOfClient())))
    expect(subjectOf(byCertificate.context.token)).toEqual(asWorkload)
  })

  it('makes a policy for REST APIs', async () => {
    const answer = await authorize(restEvent(`Bearer ${await issuer.token()}`))
    const { context, principalId } = policy.parse(answer)
    expect(subjectOf(context.token)).toEqual(asAda)
    expect(principalId).toBe('user:ada')
    expect(answer).toMatchObject({ policyDocument: { Statement: [{ Effect: 'Allow', Resource: methodArn }] } })
  })

  it('lets nothing pass that has no good credential or no route', async () => {
    const authorization = `Bearer ${await issuer.token()}`
    await expect(authorize(httpEvent({}))).rejects.toThrow(/^Unauthorized$/)
    await expect(authorize(restEvent())).rejects.toThrow(/^Unauthorized$/)
    await expect(authorize(httpEvent({ authorization: `Bearer ${await issuer.forged()}` }))).rejects.toThrow(
      /^Unauthorized$/,
    )
    expect(await authorize(httpEvent({ authorization }, '/elsewhere'))).toMatchObject({ isAuthorized: false })
    const denied = { policyDocument: { Statement: [{ Effect: 'Deny', Resource: methodArn }] } }
    expect(await authorize(restEvent(authorization, '/elsewhere'))).toMatchObject(denied)
  })

  it('gives the template what it puts into headers, and nothing else', async () => {
    const template = readFileSync(join(folder, 'aws-lambda', 'template.yaml'), 'utf8')
    const mapped = [...template.matchAll(/\$context\.authorizer\.(\w+)/g)].map(([, key = '']) => key)
    const answer = simple.loose().parse(await authorize(httpEvent({ authorization: `Bearer ${await issuer.token()}` })))
    expect(Object.keys(z.record(z.string(), z.string()).parse(answer.context)).toSorted()).toEqual(mapped.toSorted())
  })

  it('does not take what the client wrote for what was asked', async () => {
    const headers = {
      'x-forwarded-uri': '/public/prices',
      'x-original-url': '/public/prices',
      'ssl-client-cert': 'made up',
    }
    expect(await authorize(httpEvent(headers))).toMatchObject({ isAuthorized: false })
  })

  it('lets nothing pass while dragoman is not there or does not answer', async () => {
    await relay.refuse()
    await expect(authorize(httpEvent({}, '/public/prices'))).rejects.toThrow()
    await relay.restore()
    relay.stall()
    await expect(authorize(httpEvent({}, '/public/prices'))).rejects.toThrow()
    await relay.restore()
    expect(await authorize(httpEvent({}, '/public/prices'))).toMatchObject({ isAuthorized: true })
  })
})
