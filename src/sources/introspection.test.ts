import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { inspect } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import type { Json } from '../domain/claims.ts'
import { Refusal } from '../domain/refusal.ts'
import { secret } from '../domain/secret.ts'
import { createNodeHttp } from '../runtimes/node/http.ts'
import { type IntrospectionSpec, introspect } from './introspection.ts'
import { createOutbound } from './outbound.ts'

const dev = createOutbound(createNodeHttp(), { insecureLoopback: true })
const strict = createOutbound(createNodeHttp(), { insecureLoopback: false })
const token = secret('token-canary/+ &=')

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close()
    server.closeAllConnections()
  }
})

interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly form: Readonly<Record<string, string>>
}

type Answer = (response: ServerResponse) => void

/** An issuer with discovery and an introspection endpoint, and what it was asked. */
const startIssuer = async (answer: Answer) => {
  const seen: Seen[] = []
  const answers = new Map<string, Answer>([['/introspect', answer]])
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => (body += String(chunk)))
    request.on('end', () => {
      const { method = '', url = '', headers } = request
      seen.push({ method, url, headers, form: Object.fromEntries(new URLSearchParams(body)) })
      const found = answers.get(url)
      if (found === undefined) response.writeHead(404).end()
      else found(response)
    })
  }).listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  const issuer = `http://127.0.0.1:${address.port}`
  const endpoint = `${issuer}/introspect`
  const metadata = (members: { readonly [name: string]: Json }) =>
    answers.set('/.well-known/openid-configuration', json({ issuer, ...members }))
  metadata({ introspection_endpoint: endpoint })
  const spec: IntrospectionSpec = {
    issuer,
    clientId: 'dragoman:1',
    clientSecret: secret('secret-canary:%&'),
    method: 'client_secret_basic',
    allowHosts: [],
  }
  return { issuer, endpoint, seen, answers, metadata, spec, paths: () => seen.map(({ url }) => url) }
}

const json =
  (body: Json, status = 200): Answer =>
  (response) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))

const text =
  (body: string, type = 'application/json'): Answer =>
  (response) =>
    response.writeHead(200, { 'content-type': type }).end(body)

const unavailable = { name: 'Refusal', reason: 'issuer.unavailable' }

describe('introspect', () => {
  it('asks with client_secret_basic', async () => {
    const answer = { active: true, sub: 'alice', aud: ['dragoman'], exp: 1_900_000_000, nested: { a: [1] } }
    const { spec, endpoint, seen } = await startIssuer(json(answer))
    expect(await introspect({ ...spec, endpoint }, token, dev)).toEqual(answer)
    expect(seen).toHaveLength(1)
    expect(seen[0]).toMatchObject({
      method: 'POST',
      url: '/introspect',
      form: { token: token.reveal() },
      headers: { accept: 'application/json', 'accept-encoding': 'identity' },
    })
    expect(seen[0]?.form).not.toHaveProperty('client_secret')
    const [scheme, encoded = ''] = String(seen[0]?.headers['authorization']).split(' ')
    expect(scheme).toBe('Basic')
    const parts = Buffer.from(encoded, 'base64').toString().split(':').map(decodeURIComponent)
    expect(parts).toEqual(['dragoman:1', 'secret-canary:%&'])
  })

  it('asks with client_secret_post', async () => {
    const { spec, endpoint, seen } = await startIssuer(json({ active: true }))
    await introspect({ ...spec, endpoint, method: 'client_secret_post' }, token, dev)
    expect(seen[0]?.form).toEqual({
      token: token.reveal(),
      client_id: 'dragoman:1',
      client_secret: 'secret-canary:%&',
    })
    expect(seen[0]?.headers['authorization']).toBeUndefined()
  })

  it('leaves the judgement on an inactive token to the caller', async () => {
    const { spec } = await startIssuer(json({ active: false }))
    expect(await introspect(spec, token, dev)).toEqual({ active: false })
  })

  it('finds the endpoint by discovery, once', async () => {
    const { spec, paths } = await startIssuer(json({ active: true }))
    await Promise.all(Array.from({ length: 20 }, () => introspect(spec, token, dev)))
    await introspect(spec, token, dev)
    expect(paths().filter((path) => path !== '/introspect')).toEqual(['/.well-known/openid-configuration'])
    expect(paths()).toHaveLength(22)
  })

  it('looks for the endpoint again after trouble', async () => {
    const { spec, answers, metadata, issuer } = await startIssuer(json({ active: true }))
    await introspect(spec, token, dev)
    answers.delete('/introspect')
    answers.set('/moved', json({ active: true, moved: true }))
    metadata({ introspection_endpoint: `${issuer}/moved` })
    await expect(introspect(spec, token, dev)).rejects.toMatchObject(unavailable)
    expect(await introspect(spec, token, dev)).toEqual({ active: true, moved: true })
  })

  it.each<readonly [string, (issuer: string) => { readonly [name: string]: Json }]>([
    ['names another issuer', (issuer) => ({ issuer: `${issuer}/`, introspection_endpoint: `${issuer}/introspect` })],
    ['names no endpoint', () => ({})],
    ['names what is no URL', () => ({ introspection_endpoint: 'introspect' })],
    ['points into the network', () => ({ introspection_endpoint: 'https://10.0.0.1/introspect' })],
    ['points at plain http elsewhere', () => ({ introspection_endpoint: 'http://idp.example/introspect' })],
  ])('sends no token to an issuer whose metadata %s', async (_, members) => {
    const { spec, issuer, metadata, seen } = await startIssuer(json({ active: true }))
    metadata(members(issuer))
    await expect(introspect(spec, token, dev)).rejects.toMatchObject(unavailable)
    expect(seen.every(({ form }) => form['token'] === undefined)).toBe(true)
  })

  it('sends no token over plain http unless that is possible', async () => {
    const { spec, endpoint, seen } = await startIssuer(json({ active: true }))
    await expect(introspect({ ...spec, endpoint }, token, strict)).rejects.toMatchObject(unavailable)
    expect(seen).toEqual([])
  })

  it.each<readonly [string, Answer]>([
    ['500', (response) => response.writeHead(500).end()],
    ['503 with JSON', json({ active: true }, 503)],
    ['401: our own secret is wrong', json({ error: 'invalid_client', error_description: 'answer-canary' }, 401)],
    ['400', json({ error: 'invalid_request' }, 400)],
    ['201', json({ active: true }, 201)],
    ['204', (response) => response.writeHead(204).end()],
    ['a redirect', (response) => response.writeHead(307, { location: '/elsewhere' }).end()],
    ['a broken connection', (response) => response.destroy()],
    ['no JSON', text('{"active": true, answer-canary')],
    ['a signed answer', text('a.b.c', 'application/token-introspection+jwt')],
    ['an array', json([{ active: true }])],
    ['null', json(null)],
    ['no verdict', json({ sub: 'answer-canary' })],
    ['a verdict in words', json({ active: 'true' })],
    ['a verdict as a number', json({ active: 1 })],
    ['two verdicts', text('{"active":false,"active":true}')],
    ['a member twice', text('{"active":true,"sub":"answer-canary","s\\u0075b":"bob"}')],
    ['too much', text(JSON.stringify({ active: true, filler: 'x'.repeat(300_000) }))],
    [
      'what is not UTF-8',
      (response) =>
        response
          .writeHead(200, { 'content-type': 'application/json' })
          .end(Buffer.from('{"active":true,"a":"\xff"}', 'latin1')),
    ],
    ['deep nesting', text(`{"active":true,"a":${'['.repeat(10_000)}${']'.repeat(10_000)}}`)],
  ])('makes no verdict on a token when the answer is %s', async (_, answer) => {
    const { spec, endpoint } = await startIssuer(answer)
    const refusal = await introspect({ ...spec, endpoint }, token, dev).catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(Refusal)
    expect(refusal).toMatchObject(unavailable)
    expect(inspect(refusal, { depth: 10 })).not.toContain('canary')
  })
})
