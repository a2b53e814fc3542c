import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import type { Claims } from '../../src/domain/claims.ts'
import { identityHeaders } from '../../src/formats/gateway-decision-settings.ts'
import { lambdaAuthorizer } from '../../src/gateways/aws-lambda.ts'
import { answerAuthz } from '../../src/http/authz.ts'
import { type AuthzWorld, bearer, gatewayOf, gatewaySecret, openAuthzWorld, orders, proof } from './authz-world.ts'

/** Amazon API Gateway, by way of a Lambda authorizer that posts its event: as AWS documents the events and answers. */

let world: AuthzWorld
let token: string
beforeAll(async () => {
  world = await openAuthzWorld([
    gatewayOf('api', 'aws-lambda', {
      credentialFrom: [{ header: 'authorization', scheme: 'Bearer', type: 'access_token' }, { certificate: true }],
    }),
    gatewayOf('limited', 'aws-lambda', { rateLimit: { subject: { requests: 1, per: '60s' } } }),
  ])
  token = await world.accessToken()
})
afterAll(() => world.stop())

const stage = 'arn:aws:execute-api:eu-west-1:123456789012:abcdef123/prod'
const arn = `${stage}/GET/v1/orders`

/** A REST API's event for an authorizer of the type REQUEST. */
const restEvent = (
  more: object = {},
  headers: object = { Authorization: [`Bearer ${token}`] },
  identity: object = {},
) => ({
  type: 'REQUEST',
  methodArn: arn,
  resource: '/v1/orders',
  path: '/v1/orders',
  httpMethod: 'GET',
  headers: { Host: 'a.example', 'X-Forwarded-Uri': '/' },
  multiValueHeaders: headers,
  queryStringParameters: { scope: 'orders:write' },
  requestContext: {
    path: '/prod/v1/orders',
    stage: 'prod',
    httpMethod: 'GET',
    domainName: 'orders.example.com',
    identity: { sourceIp: '192.0.2.1', ...identity },
  },
  ...more,
})

/** An HTTP API's event, payload format 2.0. */
const httpEvent = (
  more: object = {},
  headers: object = { authorization: `Bearer ${token}` },
  context: object = {},
) => ({
  version: '2.0',
  type: 'REQUEST',
  routeArn: arn,
  routeKey: '$default',
  rawPath: '/v1/orders',
  rawQueryString: 'scope=orders:write',
  headers,
  requestContext: {
    domainName: 'orders.example.com',
    http: { method: 'GET', path: '/v1/orders', protocol: 'HTTP/1.1', sourceIp: '192.0.2.1' },
    stage: '$default',
    ...context,
  },
  ...more,
})

const post = async (event: unknown) => {
  const text = typeof event === 'string' ? event : JSON.stringify(event)
  const answer = await world.call('POST', '/authz/api', proof, text)
  return { ...answer, words: JSON.parse(answer.body) }
}

const claimsIn = (value: string): Claims => JSON.parse(Buffer.from(value.split('.')[1] ?? '', 'base64url').toString())

const ada = (txn: unknown) => ({
  token: expect.stringMatching(/^Bearer [\w-]+\.[\w-]+\.[\w-]+$/),
  subject: 'ada',
  client: 'api',
  rule: 'people/employees',
  tenant: 'acme',
  transaction: txn,
})

describe('a Lambda authorizer', () => {
  it('of a REST API allows the one method that is called, with what integrations may map', async () => {
    const { status, words } = await post(restEvent())
    const claims = claimsIn(words.context.token)
    expect({ status, words }).toEqual({
      status: 200,
      words: {
        principalId: 'ada',
        policyDocument: {
          Version: '2012-10-17',
          Statement: [{ Action: 'execute-api:Invoke', Effect: 'Allow', Resource: arn }],
        },
        context: ada(claims['txn']),
      },
    })
    expect(claims).toMatchObject({ aud: orders, scope: 'orders:read', client_id: 'api' })
  })

  it('of an HTTP API answers in simple words', async () => {
    const { status, words } = await post(httpEvent())
    expect({ status, words }).toEqual({
      status: 200,
      words: { isAuthorized: true, context: ada(claimsIn(words.context.token)['txn']) },
    })
  })

  it('denies in the words of the API', async () => {
    const admin = `${stage}/GET/admin`
    const other = await post(restEvent({ path: '/admin', methodArn: admin }))
    expect(other).toMatchObject({
      status: 403,
      reason: 'route.none_matched',
      words: {
        principalId: 'anonymous',
        policyDocument: { Statement: [{ Action: 'execute-api:Invoke', Effect: 'Deny', Resource: admin }] },
        context: { request_id: other.trace.requestId },
      },
    })
    const missing = await post(httpEvent({}, {}))
    expect(missing).toMatchObject({
      status: 401,
      reason: 'credential.missing',
      words: { isAuthorized: false, context: { request_id: missing.trace.requestId } },
    })
  })

  it('takes the client certificate that API Gateway has verified', async () => {
    const clientCert = { clientCertPem: world.certificate.pem, subjectDN: 'CN=root' }
    const rest = await post(restEvent({}, {}, { clientCert }))
    expect(rest).toMatchObject({ status: 200, words: { principalId: 'workload:orders' } })
    const http = await post(httpEvent({}, {}, { authentication: { clientCert } }))
    expect(http).toMatchObject({ status: 200, words: { context: { subject: 'workload:orders' } } })
    const two = { clientCertPem: world.certificate.pem + world.authority.pem }
    for (const broken of [two, {}, { clientCertPem: 'x' }, { clientCertPem: 1 }])
      expect(await post(restEvent({}, {}, { clientCert: broken }))).toMatchObject({
        status: 403,
        reason: 'certificate.header_malformed',
      })
  })

  it.each<readonly [string, () => unknown, number, string]>([
    ['text', () => 'x', 403, 'request.original_malformed'],
    ['a list', () => [restEvent()], 403, 'request.original_malformed'],
    [
      'an authorizer of the type TOKEN',
      () => ({ type: 'TOKEN', authorizationToken: token, methodArn: arn }),
      403,
      'request.original_malformed',
    ],
    ['no ARN', () => restEvent({ methodArn: undefined }), 403, 'request.original_malformed'],
    [
      'two methods',
      () => JSON.stringify(restEvent()).replace('"httpMethod"', '"httpMethod":"POST","httpMethod"'),
      403,
      'request.original_malformed',
    ],
    [
      'an ARN of something else',
      () => restEvent({ methodArn: `${stage}/GET/v1/other` }),
      403,
      'request.original_conflict',
    ],
    ['an ARN of another method', () => restEvent({ httpMethod: 'DELETE' }), 403, 'request.original_conflict'],
    ['an ARN of no path', () => restEvent({ methodArn: `${stage}/GET` }), 403, 'request.original_malformed'],
    [
      'an override of the method',
      () => restEvent({}, { Authorization: [`Bearer ${token}`], 'X-HTTP-Method-Override': ['DELETE'] }),
      403,
      'request.original_conflict',
    ],
    [
      'another URL',
      () => httpEvent({}, { authorization: `Bearer ${token}`, 'x-original-url': '/admin' }),
      403,
      'request.original_conflict',
    ],
    [
      'our name in another spelling',
      () => restEvent({}, { Authorization: [`Bearer ${token}`], 'X-Dragoman_Subject': ['root'] }),
      403,
      'request.header_spoofed',
    ],
    [
      'our name with underscores',
      () => httpEvent({}, { authorization: `Bearer ${token}`, x_dragoman_subject: 'root' }),
      403,
      'request.header_spoofed',
    ],
    ['no method', () => restEvent({ httpMethod: undefined }), 403, 'request.original_missing'],
    ['no domain', () => httpEvent({}, {}, { domainName: undefined }), 403, 'request.original_missing'],
    ['no path', () => httpEvent({ rawPath: undefined }), 403, 'request.original_missing'],
    ['a path with a way up', () => httpEvent({ rawPath: '/v1/../admin' }), 403, 'request.path_ambiguous'],
    [
      'two credentials',
      () => restEvent({}, { Authorization: [`Bearer ${token}`, 'Bearer x'] }),
      401,
      'credential.ambiguous',
    ],
    [
      'two credentials in two cases',
      () => restEvent({}, { Authorization: [`Bearer ${token}`], authorization: ['Bearer x'] }),
      401,
      'credential.ambiguous',
    ],
    [
      'two credentials joined',
      () => httpEvent({}, { authorization: `Bearer ${token},Bearer x` }),
      401,
      'credential.ambiguous',
    ],
    ['a header that is no text', () => restEvent({}, { Authorization: [{}] }), 403, 'request.original_malformed'],
    [
      'a certificate of the client’s own',
      () => restEvent({}, { 'Client-Cert': [':AA==:'] }),
      403,
      'certificate.header_conflict',
    ],
  ])('refuses an event with %s', async (_, event, status, reason) => {
    const answer = await post(event())
    expect({ status: answer.status, reason: answer.reason }).toEqual({ status, reason })
    expect(JSON.stringify(answer.words)).not.toContain('Allow')
  })

  it.each(['/v1/*', '/v1/or?ers', '/v1/$x', '/v1/$%7B*%7D'])('makes no policy for the pattern %s', async (path) => {
    for (const event of [
      restEvent({ path, methodArn: `${stage}/GET${path}` }),
      restEvent({ methodArn: `${stage}/GET${path}` }),
    ]) {
      const answer = await post(event)
      expect(answer).toMatchObject({ status: 403, reason: 'request.path_ambiguous' })
      expect(answer.body).not.toContain('policyDocument')
    }
  })

  it('of a custom domain may see the base path of its mapping', async () => {
    const mapped = restEvent({ methodArn: `${stage}/GET/orders` })
    expect(await post(mapped)).toMatchObject({ status: 200, words: { policyDocument: expect.anything() } })
  })

  it('decides nothing in an outage, and nothing for who asks too often', async () => {
    const away = await world.accessToken({ iss: 'https://away.example.com' })
    for (const event of [
      restEvent({}, { Authorization: [`Bearer ${away}`] }),
      httpEvent({}, { authorization: `Bearer ${away}` }),
    ]) {
      const answer = await post(event)
      expect(answer).toMatchObject({ status: 503, reason: 'keys.unavailable' })
      expect(answer.words).toMatchObject({ error: 'temporarily_unavailable' })
      expect(answer.body).not.toMatch(/policyDocument|isAuthorized/)
    }
    const ask = lambdaAuthorizer((event) => world.call('POST', '/authz/limited', proof, event))
    expect(await ask(restEvent())).toMatchObject({ principalId: 'ada' })
    await expect(ask(restEvent())).rejects.toThrow('dragoman does not decide')
    expect(world.traces.at(-1)?.outcome).toMatchObject({ reason: 'rate.exceeded' })
  })

  it('answers with what the template maps', async () => {
    const folder = new URL('../../deploy/gateways/aws-lambda/', import.meta.url)
    const template = readFileSync(new URL('template.yaml', folder), 'utf8')
    const mapped = [...template.matchAll(/overwrite:header\.(\S+): \$context\.authorizer\.(\S+)/g)]
    const { words } = await post(httpEvent())
    expect(mapped.map(([, , key]) => key)).toEqual(Object.keys(words.context))
    const { header } = parse(
      readFileSync(new URL('gateway.yaml', folder), 'utf8')
        .replaceAll(/^\{\{.*\}\}$/gm, '')
        .replaceAll(/\{\{.*?\}\}/g, 'x'),
    ).spec.respond
    expect(mapped.map(([, name]) => name)).toEqual([header, ...Object.values(identityHeaders)])
  })

  it('hears the constant answer when it has not proven to be the gateway', async () => {
    const answer = await world.call('POST', '/authz/api', bearer(token), JSON.stringify(restEvent()))
    expect(answer).toMatchObject({ status: 403, reason: 'gateway.unproven' })
    expect(JSON.parse(answer.body)).toMatchObject({ error: 'access_denied' })
  })

  it('is a function that hands the event on, and lets nothing pass that is not understood', async () => {
    const overHttp = lambdaAuthorizer(async (event) => {
      const headers = { 'x-gateway-secret': gatewaySecret }
      const response = await fetch(`${world.url}/authz/api`, { method: 'POST', headers, body: event })
      return { status: response.status, body: await response.text() }
    })
    expect(await overHttp(restEvent())).toMatchObject({ policyDocument: { Statement: [{ Effect: 'Allow' }] } })
    expect(await overHttp(restEvent({ path: '/admin', methodArn: `${stage}/GET/admin` }))).toMatchObject({
      policyDocument: { Statement: [{ Effect: 'Deny' }] },
    })
    await expect(overHttp(restEvent({}, {}))).rejects.toThrow(/^Unauthorized$/)
    for (const status of [500, 503, 302, 429])
      await expect(lambdaAuthorizer(async () => ({ status, body: '{"isAuthorized":true}' }))({})).rejects.toThrow(
        'dragoman does not decide',
      )
  })

  it('may have dragoman in itself', async () => {
    const within = lambdaAuthorizer((event) =>
      answerAuthz(
        {
          method: 'POST',
          target: '/authz/api',
          isVerbatim: true,
          header: (name) => (name === 'x-gateway-secret' ? gatewaySecret : undefined),
          body: async () => event,
          caller: () => ({}),
        },
        world.desk,
      ),
    )
    expect(await within(httpEvent())).toMatchObject({ isAuthorized: true, context: { subject: 'ada' } })
  })
})
