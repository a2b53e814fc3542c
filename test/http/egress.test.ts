import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { CheckResponse } from '../../src/gateways/envoy-grpc-messages.ts'
import { checkImplementation } from '../../src/runtimes/node/grpc-check.ts'
import { authorizationDefinition } from '../../src/runtimes/node/grpc-definitions.ts'
import { type GrpcListener, listenGrpc } from '../../src/runtimes/node/grpc-listener.ts'
import { testAdmission } from '../world/admission.ts'
import { type GrpcCaller, grpcCaller } from '../world/grpc-caller.ts'
import { type EgressWorld, gateway, gatewayProof, openEgressWorld, partner, partnerHost } from './egress-world.ts'

/** The way out, from outside: who may, to where, in which dialect, and what is taken off. */

const key = 'rk_live_0123456789'
const at = (host: string, more: object = {}) => ({ destinations: { hosts: [host], ...more } })
const apiKey = { type: 'api-key', value: { file: 'stripe' } }
const byHeader = { inject: { headers: [{ name: 'X-Api-Key', from: 'value' }] } }

let world: EgressWorld
let grpc: GrpcListener
let envoy: GrpcCaller

beforeAll(async () => {
  world = await openEgressWorld({
    audiences: ['urn:dragoman:partner:stripe', 'urn:dragoman:partner:signed'],
    secrets: {
      stripe: key,
      broken: 'two\r\nlines',
      hmac: Buffer.from('thirty-two octets of a shared key').toString('base64'),
    },
    documents: () => [
      partner('stripe', apiKey, at(partnerHost, { paths: ['/v1/**'], methods: ['GET', 'POST'] })),
      partner('other-port', apiKey, at(`${partnerHost}:8443`)),
      partner('nobody', apiKey, { ...at('nobody.example'), allow: [] }),
      partner('disabled', apiKey, { ...at('disabled.example'), mode: 'disabled' }),
      partner('by-subject', apiKey, { ...at('subject.example'), allow: [{ subjects: ['user:a*'], groups: ['crm'] }] }),
      partner('by-expression', apiKey, {
        ...at('expression.example'),
        allow: [
          {
            expression: "identity.claims.staff == true && request.method == 'GET' && gateway.name == 'egress'",
            message: 'staff only',
          },
        ],
      }),
      partner('one', apiKey, at('both.example')),
      partner('two', apiKey, at('*.example', { paths: ['/two/**'] })),
      partner('clear', apiKey, at('clear.example', { requireTLS: false })),
      partner('by-header', apiKey, { ...at('header.example'), ...byHeader }),
      partner('by-query', apiKey, { ...at('query.example'), inject: { query: [{ name: 'key', from: 'value' }] } }),
      partner(
        'signed',
        { type: 'http-signature', algorithm: 'hmac-sha256', keyId: 'h', key: { file: 'hmac' } },
        at('signed.example'),
      ),
      partner(
        'purpose',
        {
          type: 'http-signature',
          algorithm: 'hmac-sha256',
          keyId: 'h',
          key: { file: 'hmac' },
          components: ['@authority', '@path', 'x-purpose'],
        },
        at('purpose.example'),
      ),
      partner('broken', apiKey, { ...at('broken.example'), credential: { ...apiKey, value: { file: 'broken' } } }),
      gateway('narrow', 'json', { partners: ['by-*'] }),
      gateway('services', 'json', { callers: 'services' }),
      ...['nginx', 'haproxy', 'forward-auth', 'apisix', 'ingress-nginx', 'envoy-http', 'envoy-grpc'].map((dialect) =>
        gateway(dialect, dialect, { originatesTLS: true }),
      ),
      gateway('strict', 'envoy-http'),
      gateway('own-header', 'envoy-http', {
        originatesTLS: true,
        credentialFrom: [{ header: 'X-Dragoman-Token', type: 'access_token' }],
      }),
    ],
  })
  const definition = await authorizationDefinition()
  grpc = await listenGrpc(
    (callerOf) => [{ definition, implementation: checkImplementation(() => world.desk, callerOf, testAdmission()) }],
    '127.0.0.1',
    0,
  )
  envoy = grpcCaller(grpc.port, definition)
})

afterAll(async () => {
  envoy.close()
  await grpc.close(1)
  await world.stop()
})

let token = ''

beforeEach(async () => {
  token = await world.token()
})

const headersOf = ({ headers }: Response) => Object.fromEntries(headers)

/** How each dialect over HTTP tells of a request. */
const forwarded = (host: string, path: string): Readonly<Record<string, string>> => ({
  'x-forwarded-method': 'GET',
  'x-forwarded-proto': 'http',
  'x-forwarded-host': host,
  'x-forwarded-uri': path,
})

const tellings: Readonly<Record<string, (host: string, path: string) => Readonly<Record<string, string>>>> = {
  nginx: forwarded,
  haproxy: forwarded,
  'forward-auth': forwarded,
  apisix: forwarded,
  'ingress-nginx': (host, path) => ({ 'x-original-method': 'GET', 'x-original-url': `http://${host}${path}` }),
}

const askHttp = (name: string, headers: Readonly<Record<string, string>>, tail = '') =>
  fetch(`${world.url}/egress/${name}${tail}`, {
    headers: { ...gatewayProof, authorization: `Bearer ${token}`, ...headers },
  })

/** What opens doors here, and who was there. */
const ours = [
  'cookie',
  'proxy-authorization',
  'txn-token',
  'x-dragoman-token',
  'x-dragoman-subject',
  'x-dragoman-client',
  'x-dragoman-rule',
  'x-dragoman-tenant',
  'x-dragoman-txn',
]
const ofCertificates = [
  'x-forwarded-client-cert',
  'client-cert',
  'client-cert-chain',
  'ssl-client-cert',
  'x-forwarded-tls-client-cert',
  'x-ssl-client-cert',
  'x-amzn-mtls-clientcert',
]
/** What partners may take for another request than the one that was let through. */
const ofOtherRequests = ['x-http-method-override', 'x-original-url', 'x-forwarded-host', 'forwarded']

describe('a request on its way out', () => {
  it('is given what the partner accepts in place of our token, and loses what is ours', async () => {
    const { status, body, headers } = await world.describe(token)
    expect([status, body]).toEqual([
      200,
      {
        decision: 'allow',
        partner: 'stripe',
        set: [['authorization', `Bearer ${key}`]],
        remove: expect.arrayContaining([...ours, ...ofCertificates, ...ofOtherRequests]),
        query: { set: [], remove: [] },
        cacheable: true,
        bound_to: [],
        expires_at: expect.stringMatching(/^\d{4}-.*Z$/),
        credential_id: expect.stringMatching(/^[A-Za-z0-9_-]{22}$/),
        request_id: expect.any(String),
      },
    ])
    expect(headers.get('cache-control')).toBe('no-store')
  })

  it('leaves one record of whose it was, which partner and which credential, and no secret in it', async () => {
    const { body } = await world.describe(token)
    const trace = world.traces.at(-1)
    expect(trace).toMatchObject({
      partner: 'stripe',
      credentialId: body['credential_id'],
      credentialKinds: ['api-key'],
      egress: { method: 'GET', host: partnerHost },
      client: 'egress',
      subject: { value: 'user:ada' },
      transaction: expect.any(String),
      subjectTokenId: expect.any(String),
    })
    expect(JSON.stringify(trace)).not.toContain(key)
  })

  it.each([
    ['that overwrites the header of our token', 'header.example', ['authorization']],
    ['for which a parameter is set', 'query.example', ['authorization']],
  ])('%s never keeps our token', async (_, host, removed) => {
    const { status, body } = await world.describe(token, { url: `https://${host}/` })
    expect(status).toBe(200)
    expect(body['remove']).toEqual(expect.arrayContaining(removed))
  })

  it('may carry the credential as a parameter where it is described', async () => {
    const { body } = await world.describe(token, { url: 'https://query.example/' })
    expect(body['query']).toEqual({ set: [['key', key]], remove: [] })
  })

  it.each([
    ['to a host that no partner is at', { url: 'https://evil.invalid/' }, 403, 'destination.unknown'],
    ['to a path that the partner is not at', { url: `https://${partnerHost}/v2/x` }, 403, 'destination.unknown'],
    ['with a method that the partner is not asked with', { method: 'DELETE' }, 403, 'destination.unknown'],
    ['to another port of the host', { url: `https://${partnerHost}:9443/v1/x` }, 403, 'destination.unknown'],
    ['to a host that begins like it', { url: `https://${partnerHost}.evil.invalid/v1/x` }, 403, 'destination.unknown'],
    ['that two partners are meant for', { url: 'https://both.example/two/x' }, 403, 'destination.ambiguous'],
    ['in the clear', { url: `http://${partnerHost}/v1/x` }, 403, 'destination.cleartext'],
    ['to a partner that allows nobody', { url: 'https://nobody.example/' }, 403, 'partner.not_allowed'],
    ['to a partner that is disabled', { url: 'https://disabled.example/' }, 403, 'partner.not_allowed'],
    ['with a secret that has a line break in it', { url: 'https://broken.example/' }, 503, 'secret.unavailable'],
    ['without a credential', { headers: {} }, 401, 'credential.missing'],
    ['with a credential that is none', { headers: { authorization: 'Bearer a.b.c' } }, 401, 'credential.malformed'],
    ['under a gateway that may not use the partner', { gateway: 'narrow' }, 403, 'destination.unknown'],
    ['under no gateway', { gateway: 'constructor' }, 403, 'gateway.unknown'],
  ])('%s is refused', async (_, changes, status, reason) => {
    const answer = await world.describe(token, changes)
    expect([answer.status, world.reason()]).toEqual([status, reason])
    expect(answer.body).toEqual({
      decision: 'deny',
      error: expect.any(String),
      error_description: expect.any(String),
      request_id: expect.any(String),
    })
  })

  it('in the clear passes where the partner is said to be on this machine', async () => {
    expect((await world.describe(token, { url: 'http://clear.example/' })).status).toBe(200)
  })

  it('with the usual port written out is the same request', async () => {
    expect((await world.describe(token, { url: `https://${partnerHost}:443/v1/x` })).status).toBe(200)
    expect((await world.describe(token, { url: `https://${partnerHost}:8443/x` })).body['partner']).toBe('other-port')
  })

  it('of a caller that has not proven to be the gateway hears no more than that', async () => {
    const answer = await world.post('/v1/egress', {
      gateway: 'egress',
      method: 'GET',
      url: `https://${partnerHost}/v1/things`,
      headers: { authorization: `Bearer ${token}` },
    })
    expect([answer.status, answer.body['error_description'], world.reason()]).toEqual([
      403,
      'access is denied',
      'gateway.unproven',
    ])
  })

  it('with a foreign token is nobody: only our own and SVIDs are of the inside', async () => {
    const foreign = await world.idpKey.sign({
      iss: 'https://idp.example.com',
      sub: 'ada',
      aud: 'https://dragoman.example.com',
      iat: world.now(),
      exp: world.now() + 60,
      groups: ['crm'],
    })
    const answer = await world.describe(foreign)
    expect([answer.status, world.reason()]).toEqual([401, 'source.not_allowed'])
  })
})

describe('who may', () => {
  const asked = async (host: string, claims: object, changes: object = {}) => {
    const mine = await world.token({ ...claims })
    const { status } = await world.describe(mine, { url: `https://${host}/`, ...changes })
    return [status, world.reason()]
  }

  it.each([
    ['subject.example', {}, 200],
    ['subject.example', { sub: 'bob' }, 403],
    ['subject.example', { groups: ['other'] }, 403],
    ['subject.example', { groups: [] }, 403],
    ['expression.example', { staff: true }, 200],
    ['expression.example', { staff: false }, 403],
    ['expression.example', { staff: 'true' }, 403],
    ['expression.example', {}, 403],
  ])('at %s with %j: %i', async (host, claims, status) => {
    expect(await asked(host, claims)).toEqual([status, status === 200 ? undefined : 'partner.not_allowed'])
  })

  it('depends on the request where the expression reads it', async () => {
    expect(await asked('expression.example', { staff: true }, { method: 'POST' })).toEqual([403, 'partner.not_allowed'])
    expect(world.traces.at(-1)?.outcome).toMatchObject({ detail: expect.stringContaining('staff only') })
  })
})

describe('a service that asks for itself', () => {
  const describeAs = (authorization: string, headers: object = {}) =>
    world.post(
      '/v1/egress',
      { gateway: 'services', method: 'GET', url: `https://${partnerHost}/v1/x`, headers },
      { authorization },
    )

  it('is believed its own credential and nothing that it describes', async () => {
    expect((await describeAs(`Bearer ${token}`)).status).toBe(200)
    expect(world.traces.at(-1)).toMatchObject({ client: 'services', clientMethod: 'service' })
    const other = await world.token({ groups: ['none'] })
    const answer = await describeAs(`Bearer ${other}`, { authorization: `Bearer ${token}` })
    expect([answer.status, world.reason()]).toEqual([403, 'partner.not_allowed'])
    expect((await describeAs('')).status).toBe(401)
  })
})

describe('a description', () => {
  const good = { gateway: 'egress', method: 'GET', url: `https://${partnerHost}/v1/x`, headers: {} }

  it.each([
    ['no JSON', '{'],
    ['a list', []],
    ['with a member twice', '{"gateway":"egress","gateway":"egress","method":"GET","url":"https://a.example/"}'],
    ['with a member that is not known', { ...good, body: 'x' }],
    ['with a method in small letters', { ...good, method: 'get' }],
    ['without a URL', { gateway: 'egress', method: 'GET' }],
    ['of a relative URL', { ...good, url: '/v1/x' }],
    ['of another scheme', { ...good, url: 'ftp://api.partner.example/' }],
    ['with user information', { ...good, url: 'https://user:pw@api.partner.example/' }],
    ['with a fragment', { ...good, url: 'https://api.partner.example/#x' }],
    ['whose host is read in two ways', { ...good, url: 'https://api.partner.example\\@evil.invalid/' }],
    ['whose host is a number', { ...good, url: 'https://0x7f000001/' }],
    ['whose path is read in two ways', { ...good, url: `https://${partnerHost}/v1/../v2` }],
    ['whose query has a line break', { ...good, url: `https://${partnerHost}/v1/x?a=\r\nb` }],
    ['with a header twice', { ...good, headers: { Accept: 'a', accept: 'b' } }],
    ['with a header that has a line break', { ...good, headers: { accept: 'a\r\nb' } }],
    ['with headers that are a list', { ...good, headers: [] }],
    ['with a digest in capitals', { ...good, content_sha256: 'A'.repeat(64) }],
    ['with a digest that is none', { ...good, content_sha256: 'abc' }],
    ['that is huge', JSON.stringify({ ...good, headers: { accept: 'a'.repeat(70_000) } })],
  ])('%s is refused', async (_, body) => {
    const answer = await world.post('/v1/egress', body, gatewayProof)
    expect([answer.status, world.reason()]).toEqual([400, 'request.description_malformed'])
    expect(JSON.stringify(answer.body)).not.toContain('evil')
  })

  it('of another media type is refused, and so is another method', async () => {
    const answer = await world.post('/v1/egress', good, { ...gatewayProof, 'content-type': 'text/plain' })
    expect([answer.status, world.reason()]).toEqual([400, 'request.description_malformed'])
    const got = await fetch(`${world.url}/v1/egress`, { headers: gatewayProof })
    expect([got.status, world.reason()]).toEqual([405, 'request.method'])
  })
})

describe('the dialect', () => {
  it.each(Object.keys(tellings))('%s gets the credential as a header, and nothing of ours', async (name) => {
    const response = await askHttp(name, tellings[name]?.(partnerHost, '/v1/x') ?? {})
    expect([response.status, world.reason()]).toEqual([200, undefined])
    const headers = headersOf(response)
    expect(headers['authorization']).toBe(`Bearer ${key}`)
    expect(headers['cache-control']).toBe('no-store')
    expect(Object.keys(headers).filter((header) => header.startsWith('x-dragoman'))).toEqual([])
  })

  it.each(Object.keys(tellings))(
    '%s is refused what would leave our token, or is made for one request',
    async (name) => {
      for (const host of ['header.example', 'query.example', 'signed.example']) {
        const response = await askHttp(name, tellings[name]?.(host, '/') ?? {})
        expect([response.status, world.reason()]).toEqual([403, 'partner.not_carriable'])
      }
    },
  )

  it.each(Object.keys(tellings))('%s hears of a refusal in its own way', async (name) => {
    const unknown = await askHttp(name, tellings[name]?.('evil.invalid', '/') ?? {})
    expect([unknown.status, world.reason()]).toEqual([403, 'destination.unknown'])
    const broken = await askHttp(name, tellings[name]?.('broken.example', '/') ?? {})
    expect([broken.status, world.reason()]).toEqual([403, 'secret.unavailable'])
    const bare = await fetch(`${world.url}/egress/${name}`, {
      headers: { authorization: `Bearer ${token}`, ...tellings[name]?.(partnerHost, '/v1/x') },
    })
    expect([bare.status, world.reason()]).toEqual([403, 'gateway.unproven'])
  })

  const askEnvoy = (name: string, host: string, path: string, headers: Readonly<Record<string, string>> = {}) =>
    world.raw(`/egress/${name}${path}`, { ...gatewayProof, host, authorization: `Bearer ${token}`, ...headers })

  it('envoy-http is told what to take off, and can carry what is made for one request', async () => {
    const plain = await askEnvoy('envoy-http', 'header.example', '/a?b=c')
    expect([plain.status, world.reason()]).toEqual([200, undefined])
    expect(plain.headers['x-api-key']).toBe(key)
    const removed = (plain.headers['x-envoy-auth-headers-to-remove'] ?? '').split(',')
    const alike = ['x_dragoman_subject', 'x-http_method-override', 'x_api-key', 'x_api_key']
    expect(removed).toEqual(expect.arrayContaining(['authorization', ...ours, ...ofCertificates, ...ofOtherRequests]))
    expect(removed).toEqual(expect.arrayContaining(alike))
    expect(removed).not.toContain('x-api-key')
    expect(new Set(removed).size).toBe(removed.length)
    const signed = await askEnvoy('envoy-http', 'signed.example', '/a?b=c')
    expect([signed.status, world.reason()]).toEqual([200, undefined])
    expect(signed.headers['signature-input']).toContain('"@query"')
    const query = await askEnvoy('envoy-http', 'query.example', '/')
    expect([query.status, world.reason()]).toEqual([403, 'partner.not_carriable'])
  })

  it('envoy-http takes our token off a header of its own', async () => {
    const { status, headers } = await askEnvoy('own-header', partnerHost, '/v1/x', {
      authorization: 'Bearer something-else',
      'x-dragoman-token': token,
    })
    expect([status, headers['authorization']]).toEqual([200, `Bearer ${key}`])
    expect(headers['x-envoy-auth-headers-to-remove']).toMatch(/^x-dragoman-token,/)
  })

  it('envoy-http must say https where it does not make it so', async () => {
    const clear = await askEnvoy('strict', partnerHost, '/v1/x', { 'x-forwarded-proto': 'http' })
    expect([clear.status, world.reason()]).toEqual([403, 'destination.cleartext'])
    const unsaid = await askEnvoy('strict', partnerHost, '/v1/x')
    expect([unsaid.status, world.reason()]).toEqual([403, 'destination.cleartext'])
    expect((await askEnvoy('strict', partnerHost, '/v1/x', { 'x-forwarded-proto': 'https' })).status).toBe(200)
  })

  it('of the way in is not asked at the way out, and the other way round', async () => {
    const response = await fetch(`${world.url}/authz/nginx`, {
      headers: { ...gatewayProof, authorization: `Bearer ${token}`, ...forwarded(partnerHost, '/v1/x') },
    })
    expect([response.status, world.reason()]).toEqual([403, 'gateway.unknown'])
  })
})

describe('envoy-grpc', () => {
  const check = async (http: object, metadata: Readonly<Record<string, string>> = {}) => {
    const request = {
      attributes: {
        request: {
          http: {
            method: 'GET',
            scheme: 'http',
            host: partnerHost,
            path: '/v1/x',
            headers: { authorization: `Bearer ${token}`, x_dragoman_subject: 'root', cookie: 'a=b' },
            ...http,
          },
        },
      },
    }
    const answer = await envoy.call('Check', request, {
      ...gatewayProof,
      'x-dragoman-gateway': 'envoy-grpc',
      ...metadata,
    })
    if ('code' in answer) throw new Error(String(answer.code))
    return answer.message as CheckResponse
  }
  const setIn = ({ okResponse }: CheckResponse) =>
    Object.fromEntries((okResponse?.headers ?? []).map(({ header }) => [header?.key, header?.value]))

  it('gets the credential, takes off what is ours under any spelling, and metadata say which it was', async () => {
    const response = await check({})
    expect(setIn(response)).toEqual({ authorization: `Bearer ${key}` })
    expect(response.okResponse?.headersToRemove).toEqual(
      expect.arrayContaining(['cookie', 'x_dragoman_subject', 'txn-token']),
    )
    const { fields = {} } = response.dynamicMetadata ?? {}
    expect(fields['partner']).toMatchObject({ stringValue: 'stripe' })
    expect(JSON.stringify(fields)).not.toContain(key)
  })

  it('shows every field, so that a signature can be over any, and the path as it is sent', async () => {
    const headers = { authorization: `Bearer ${token}`, 'x-purpose': 'audit' }
    const response = await check({ host: 'purpose.example', path: '/%41?b', headers })
    expect(setIn(response)['signature-input']).toContain('("@authority" "@path" "x-purpose")')
    const http = await askEnvoyHttp('/%41?b', { host: 'purpose.example', 'x-purpose': 'audit' })
    expect([http.status, world.reason()]).toEqual([200, undefined])
    expect(http.headers['signature-input']).toContain('("@authority" "@path" "x-purpose")')
    const untold = await askEnvoyHttp('/%41?b', { host: 'purpose.example' })
    expect([untold.status, world.reason()]).toEqual([403, 'partner.not_carriable'])
  })

  const askEnvoyHttp = (path: string, headers: Readonly<Record<string, string>>) =>
    world.raw(`/egress/envoy-http${path}`, { ...gatewayProof, authorization: `Bearer ${token}`, ...headers })

  it('shows content that is signed with its digest', async () => {
    const body = Buffer.from([0, 1, 2, 255])
    const response = await check({
      method: 'POST',
      host: 'signed.example',
      rawBody: body,
      headers: { authorization: `Bearer ${token}`, 'x-envoy-auth-partial-body': 'false' },
    })
    const digest = createHash('sha256').update(body).digest('base64')
    expect(setIn(response)).toMatchObject({
      'content-digest': `sha-256=:${digest}:`,
      signature: expect.stringMatching(/^sig1=:/),
    })
  })

  it('is refused a signature over content that it shows in part', async () => {
    const response = await check({
      method: 'POST',
      host: 'signed.example',
      rawBody: Buffer.from('x'),
      headers: { authorization: `Bearer ${token}`, 'x-envoy-auth-partial-body': 'true' },
    })
    expect([response.deniedResponse?.status.code, world.reason()]).toEqual([403, 'partner.not_carriable'])
  })

  it('is denied for an unknown host', async () => {
    const response = await check({ host: 'evil.invalid' })
    expect([response.deniedResponse?.status.code, world.reason()]).toEqual([403, 'destination.unknown'])
  })
})

describe('the token endpoint', () => {
  it.each([
    [
      'an audience that the client may not ask for',
      'urn:dragoman:partner:by-header',
      'invalid_target',
      'target.not_allowed',
    ],
    ['what is no token', 'urn:dragoman:partner:signed', 'invalid_request', 'partner.not_carriable'],
  ])('refuses %s', async (_, audience, error, reason) => {
    const { status, body } = await world.exchange(token, { audience })
    expect([status, body['error'], world.reason()]).toEqual([400, error, reason])
  })

  it('refuses who may not', async () => {
    const other = await world.token({ groups: ['none'] })
    const { status, body } = await world.exchange(other, { audience: 'urn:dragoman:partner:stripe' })
    expect([status, body['error'], world.reason()]).toEqual([400, 'invalid_target', 'partner.not_allowed'])
  })
})

describe('the same question again', () => {
  const reused = () => world.traces.at(-1)?.reused !== undefined

  it('is answered by what was granted before, as long as that holds', async () => {
    const mine = await world.token()
    const ask = (changes: Readonly<Record<string, unknown>> = {}) => world.describe(mine, changes)
    await ask()
    await ask()
    expect([(await ask()).status, reused()]).toEqual([200, true])
    expect(world.traces.at(-1)).toMatchObject({ partner: 'stripe', credentialFrom: 'kept' })
    const elsewhere = await ask({ url: 'https://header.example/' })
    expect([elsewhere.body['partner'], reused()]).toEqual(['by-header', false])
    const nowhere = await ask({ url: 'https://nobody.example/' })
    expect([nowhere.status, reused()]).toEqual([403, false])
    world.setTime(world.now() + 200)
    expect([(await ask()).status, reused()]).toEqual([200, false])
  })

  it('is judged anew where who may depends on what is asked', async () => {
    const mine = await world.token({ staff: true })
    const ask = (method: string) => world.describe(mine, { url: 'https://expression.example/', method })
    for (let n = 0; n < 3; n++) expect((await ask('GET')).status).toBe(200)
    expect([(await ask('POST')).status, reused()]).toEqual([403, false])
  })
})
