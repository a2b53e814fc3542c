import { createHash, generateKeyPairSync } from 'node:crypto'
import * as jose from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { pemOf, testCertificate } from '../world/certificates.ts'
import type { Answering } from '../world/recorded-partner.ts'
import { type EgressWorld, openEgressWorld, orders, partner, us } from './egress-world.ts'

/** OAuth at partners: what is sent, parameter by parameter, and what is made of the answers. */

const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 })
const rsaPem = rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const certificate = testCertificate().der

const secretAuth = (method: string) => ({ method, clientId: 'a:b c', clientSecret: { file: 'client' } })
const jwtAuth = (more: object = {}) => ({
  method: 'private_key_jwt',
  clientId: 'dragoman-at-partner',
  key: { file: 'rsa' },
  algorithm: 'PS256',
  ...more,
})

const at = (host: string) => ({ destinations: { hosts: [host] } })

let world: EgressWorld

beforeAll(async () => {
  world = await openEgressWorld({
    audiences: ['urn:dragoman:partner:*', 'https://api.partner.example'],
    secrets: { client: 'pa ss:wörd', rsa: rsaPem, refresh: 'xoxe-1-first', plain: 'r-first' },
    files: { 'client.pem': pemOf(certificate) },
    documents: (url) => {
      const tokenEndpoint = `${url}/token`
      return [
        partner(
          'basic-auth',
          {
            type: 'client-credentials',
            tokenEndpoint,
            clientAuth: secretAuth('client_secret_basic'),
            scopes: ['a', 'b'],
          },
          { ...at('basic.example'), audience: 'https://api.partner.example' },
        ),
        partner(
          'post-auth',
          {
            type: 'client-credentials',
            tokenEndpoint,
            clientAuth: secretAuth('client_secret_post'),
            audience: 'https://api',
            resource: ['https://r1', 'https://r2'],
            params: { organization: 'org_1' },
          },
          at('post.example'),
        ),
        partner(
          'key-auth',
          {
            type: 'client-credentials',
            tokenEndpoint,
            clientAuth: jwtAuth({
              certificate: 'client.pem',
              sendCertificate: true,
              audience: 'https://as.partner.example',
            }),
          },
          at('key.example'),
        ),
        partner(
          'own-jwt',
          {
            type: 'client-credentials',
            tokenEndpoint,
            clientAuth: { method: 'own_jwt', clientId: 'dragoman', subject: 'spiffe://x/dragoman' },
          },
          at('own.example'),
        ),
        partner(
          'exchange',
          {
            type: 'token-exchange',
            tokenEndpoint,
            clientAuth: secretAuth('client_secret_basic'),
            subjectToken: { audience: 'https://as.partner.example' },
            audience: 'https://api',
            scopes: ['read', 'write'],
          },
          at('exchange.example'),
        ),
        partner(
          'jag',
          {
            type: 'id-jag',
            identityProvider: { tokenEndpoint: `${url}/idp/token`, clientAuth: { method: 'none', clientId: 'c1' } },
            authorizationServer: {
              issuer: 'https://as.partner.example',
              tokenEndpoint: `${url}/as/token`,
              clientAuth: { method: 'none', clientId: 'c2' },
            },
            subjectToken: { audience: 'https://idp.partner.example' },
            scopes: ['chat'],
            resource: 'https://mcp.partner.example',
          },
          at('jag.example'),
        ),
        partner(
          'slack',
          {
            type: 'refresh-token',
            preset: 'slack',
            tokenEndpoint: `${url}/api/oauth.v2.access`,
            clientAuth: { method: 'client_secret_post', clientId: '1.2', clientSecret: { file: 'client' } },
            refreshToken: { file: 'refresh' },
          },
          at('slack.example'),
        ),
        partner(
          'rotating',
          {
            type: 'refresh-token',
            tokenEndpoint,
            clientAuth: { method: 'none', clientId: 'c' },
            refreshToken: { file: 'plain' },
          },
          at('rotating.example'),
        ),
        partner(
          'entra',
          {
            type: 'entra-federated',
            authority: url,
            tenant: '72f988bf-86f1-41af-91ab-2d7cd011db47',
            clientId: '11112222-bbbb-3333-cccc-4444dddd5555',
            resource: 'https://graph.microsoft.com',
            subject: 'dragoman',
          },
          at('entra.example'),
        ),
        partner(
          'chain',
          {
            type: 'jwt-bearer',
            tokenEndpoint: `${url}/second`,
            from: {
              type: 'client-credentials',
              tokenEndpoint: `${url}/first`,
              clientAuth: { method: 'none', clientId: 'c' },
            },
          },
          at('chain.example'),
        ),
      ]
    },
  })
})

beforeEach(() => {
  world.partner.forget()
  world.partner.answer({ status: 500 })
  // Each test finds the credentials of the last one ended.
  world.setTime(world.now() + 86_400)
})

afterAll(async () => world.stop())

const tokenAnswer = (more: object = {}) => ({
  body: { access_token: 'partner-token', token_type: 'Bearer', expires_in: 3_600, ...more },
})

const sent = async (host: string, claims: object = {}) => {
  const token = await world.token({ ...claims })
  return world.describe(token, { url: `https://${host}/v1` })
}

const authorizationIn = ({ body }: { readonly body: Readonly<Record<string, unknown>> }) => body['set']

const ownKeys = async () =>
  jose.createLocalJWKSet((await (await fetch(`${world.url}/jwks.json`)).json()) as jose.JSONWebKeySet)

describe('client-credentials', () => {
  it('with client_secret_basic: the form-encoded id and secret', async () => {
    world.partner.answer(tokenAnswer())
    const answer = await sent('basic.example')
    expect(authorizationIn(answer)).toEqual([['authorization', 'Bearer partner-token']])
    const [asked] = world.partner.asked
    expect(asked).toMatchObject({ method: 'POST', target: '/token' })
    expect(asked?.headers['content-type']).toBe('application/x-www-form-urlencoded;charset=UTF-8')
    const expected = Buffer.from('a%3Ab+c:pa+ss%3Aw%C3%B6rd').toString('base64')
    expect(asked?.headers['authorization']).toBe(`Basic ${expected}`)
    expect(asked?.form()).toEqual({ grant_type: 'client_credentials', scope: 'a b' })
  })

  it('with client_secret_post, audience, several resources and parameters of the partner', async () => {
    world.partner.answer(tokenAnswer())
    expect((await sent('post.example')).status).toBe(200)
    const [asked] = world.partner.asked
    expect(asked?.headers['authorization']).toBeUndefined()
    expect([...new URLSearchParams(asked?.body)].toSorted(([a], [b]) => a.localeCompare(b))).toEqual([
      ['audience', 'https://api'],
      ['client_id', 'a:b c'],
      ['client_secret', 'pa ss:wörd'],
      ['grant_type', 'client_credentials'],
      ['organization', 'org_1'],
      ['resource', 'https://r1'],
      ['resource', 'https://r2'],
    ])
  })

  it('with private_key_jwt: an assertion for one use, with the thumbprint of the certificate', async () => {
    world.partner.answer(tokenAnswer())
    await sent('key.example')
    world.setTime(world.now() + 7_200)
    await sent('key.example')
    const forms = world.partner.asked.map((asked) => asked.form())
    expect(forms).toHaveLength(2)
    const assertions = await Promise.all(
      forms.map((form) =>
        jose
          .jwtVerify(form['client_assertion'] ?? '', rsa.publicKey, {
            algorithms: ['PS256'],
            currentDate: new Date(world.now() * 1_000),
          })
          .catch(() =>
            jose.jwtVerify(form['client_assertion'] ?? '', rsa.publicKey, {
              currentDate: new Date((world.now() - 7_200) * 1_000),
            }),
          ),
      ),
    )
    for (const { payload, protectedHeader } of assertions) {
      expect(payload).toMatchObject({
        iss: 'dragoman-at-partner',
        sub: 'dragoman-at-partner',
        aud: 'https://as.partner.example',
      })
      expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(60)
      expect(protectedHeader).toEqual({
        alg: 'PS256',
        typ: 'JWT',
        'x5t#S256': createHash('sha256').update(certificate).digest('base64url'),
        x5c: [Buffer.from(certificate).toString('base64')],
      })
    }
    expect(new Set(assertions.map(({ payload }) => payload.jti)).size).toBe(2)
    expect(forms[0]).toMatchObject({
      grant_type: 'client_credentials',
      client_id: 'dragoman-at-partner',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    })
  })

  it('keyless, by a JWT of our own issuer', async () => {
    world.partner.answer(tokenAnswer())
    expect((await sent('own.example')).status).toBe(200)
    const form = world.partner.asked[0]?.form() ?? {}
    const { payload, protectedHeader } = await jose.jwtVerify(form['client_assertion'] ?? '', await ownKeys(), {
      issuer: us,
      audience: `${world.partner.url}/token`,
      subject: 'spiffe://x/dragoman',
      currentDate: new Date(world.now() * 1_000),
    })
    expect(protectedHeader.typ).toBe('JWT')
    expect(Object.keys(payload).toSorted()).toEqual(['aud', 'exp', 'iat', 'iss', 'jti', 'nbf', 'sub'])
  })

  it('at the token endpoint: issued_token_type tells what came back', async () => {
    world.partner.answer(tokenAnswer({ scope: 'a' }))
    const { status, body } = await world.exchange(await world.token(), {
      audience: 'https://api.partner.example',
      scope: 'a',
    })
    expect([status, body]).toEqual([
      200,
      {
        access_token: 'partner-token',
        issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        token_type: 'Bearer',
        expires_in: 3_595,
        scope: 'a',
      },
    ])
    expect(world.partner.asked[0]?.form()).toMatchObject({ scope: 'a' })
  })

  it.each([
    ['a scope that the document does not ask for', { scope: 'c' }, 'scope.not_allowed', 'invalid_scope'],
    [
      'a type that it is not',
      { requested_token_type: 'urn:ietf:params:oauth:token-type:saml2' },
      'request.token_type_unsupported',
      'invalid_request',
    ],
    ['another target beside', { resource: orders }, 'target.too_many', 'invalid_target'],
  ])('refuses at the token endpoint %s', async (_, changes, reason, error) => {
    world.partner.answer(tokenAnswer())
    const { status, body } = await world.exchange(await world.token(), {
      audience: 'https://api.partner.example',
      ...changes,
    })
    expect([status, body['error'], world.reason()]).toEqual([400, error, reason])
  })
})

describe('token-exchange', () => {
  it('presents a JWT of ours that speaks for the subject, one for each', async () => {
    world.partner.answer(({ form }) =>
      tokenAnswer({
        access_token: `for-${jose.decodeJwt(form()['subject_token'] ?? '').sub}`,
        issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      }),
    )
    expect(authorizationIn(await sent('exchange.example'))).toEqual([['authorization', 'Bearer for-user:ada']])
    expect(authorizationIn(await sent('exchange.example', { sub: 'bob' }))).toEqual([
      ['authorization', 'Bearer for-user:bob'],
    ])
    expect(authorizationIn(await sent('exchange.example'))).toEqual([['authorization', 'Bearer for-user:ada']])
    expect(world.partner.asked).toHaveLength(2)
    const { subject_token: subjectToken = '', ...form } = world.partner.asked[0]?.form() ?? {}
    expect(form).toEqual({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      audience: 'https://api',
      scope: 'read write',
    })
    await jose.jwtVerify(subjectToken, await ownKeys(), {
      issuer: us,
      audience: 'https://as.partner.example',
      currentDate: new Date(world.now() * 1_000),
    })
  })

  it.each([
    ['no issued_token_type', {}],
    ['another issued_token_type', { issued_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' }],
    [
      'a token of another scheme',
      { issued_token_type: 'urn:ietf:params:oauth:token-type:access_token', token_type: 'N_A' },
    ],
  ])('refuses %s', async (_, more) => {
    world.partner.answer(tokenAnswer(more))
    expect([(await sent('exchange.example')).status, world.reason()]).toEqual([502, 'partner.invalid_answer'])
  })
})

describe('id-jag', () => {
  const idJag = 'urn:ietf:params:oauth:token-type:id-jag'
  const twoLegs: Answering = ({ target, form }) =>
    target === '/idp/token'
      ? tokenAnswer({ access_token: 'the-jag', issued_token_type: idJag, token_type: 'N_A', expires_in: 300 })
      : tokenAnswer({ access_token: `resource-token-for-${form()['assertion']}` })

  it('asks the identity provider for the assertion, and the authorization server for the token', async () => {
    world.partner.answer(twoLegs)
    expect(authorizationIn(await sent('jag.example'))).toEqual([['authorization', 'Bearer resource-token-for-the-jag']])
    const [first, second] = world.partner.asked.map((asked) => asked.form())
    const { subject_token: subjectToken, ...rest } = first ?? {}
    expect(rest).toEqual({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      requested_token_type: idJag,
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      audience: 'https://as.partner.example',
      resource: 'https://mcp.partner.example',
      scope: 'chat',
      client_id: 'c1',
    })
    expect(subjectToken).toMatch(/^ey/)
    expect(second).toEqual({
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      assertion: 'the-jag',
      client_id: 'c2',
    })
  })

  it('never uses an assertion twice', async () => {
    world.partner.answer(twoLegs)
    await sent('jag.example')
    world.setTime(world.now() + 3_600)
    await sent('jag.example')
    expect(world.partner.asked.map(({ target }) => target)).toEqual([
      '/idp/token',
      '/as/token',
      '/idp/token',
      '/as/token',
    ])
  })

  it('refuses what is no id-jag', async () => {
    world.partner.answer(
      tokenAnswer({ issued_token_type: 'urn:ietf:params:oauth:token-type:access_token', token_type: 'N_A' }),
    )
    expect([(await sent('jag.example')).status, world.reason()]).toEqual([502, 'partner.invalid_answer'])
    expect(world.partner.asked).toHaveLength(1)
  })
})

describe('refresh-token', () => {
  it("goes on with the token that took the first one's place (Slack)", async () => {
    let round = 1
    world.partner.answer(({ form }) => {
      if (form()['refresh_token'] !== (round === 1 ? 'xoxe-1-first' : `xoxe-1-${round}`))
        return { body: { ok: false, error: 'invalid_refresh_token' } }
      round++
      return {
        body: { ok: true, access_token: `xoxe.xoxb-${round}`, refresh_token: `xoxe-1-${round}`, expires_in: 43_200 },
      }
    })
    expect(authorizationIn(await sent('slack.example'))).toEqual([['authorization', 'Bearer xoxe.xoxb-2']])
    world.setTime(world.now() + 43_200)
    expect(authorizationIn(await sent('slack.example'))).toEqual([['authorization', 'Bearer xoxe.xoxb-3']])
    expect(world.partner.asked[0]).toMatchObject({ target: '/api/oauth.v2.access' })
    expect(world.partner.asked[0]?.form()).toEqual({
      grant_type: 'refresh_token',
      refresh_token: 'xoxe-1-first',
      client_id: '1.2',
      client_secret: 'pa ss:wörd',
    })
  })

  it('refuses an error that comes with status 200', async () => {
    world.partner.answer({ body: { ok: false, error: 'invalid_refresh_token' } })
    expect([(await sent('slack.example')).status, world.reason()]).toEqual([502, 'partner.refused'])
  })

  it('of any server, and keeps the old one where it is not replaced', async () => {
    world.partner.answer(tokenAnswer())
    await sent('rotating.example')
    world.partner.answer(tokenAnswer({ refresh_token: 'r-second' }))
    world.setTime(world.now() + 7_200)
    await sent('rotating.example')
    world.setTime(world.now() + 7_200)
    await sent('rotating.example')
    expect(world.partner.asked.map((asked) => asked.form()['refresh_token'])).toEqual([
      'r-first',
      'r-first',
      'r-second',
    ])
  })
})

describe('entra-federated', () => {
  it('presents a JWT of ours as client assertion, and keeps nothing secret', async () => {
    world.partner.answer(tokenAnswer({ ext_expires_in: 3_600 }))
    expect((await sent('entra.example')).status).toBe(200)
    const [asked] = world.partner.asked
    expect(asked?.target).toBe('/72f988bf-86f1-41af-91ab-2d7cd011db47/oauth2/v2.0/token')
    const { client_assertion: assertion = '', ...form } = asked?.form() ?? {}
    expect(form).toEqual({
      grant_type: 'client_credentials',
      scope: 'https://graph.microsoft.com/.default',
      client_id: '11112222-bbbb-3333-cccc-4444dddd5555',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    })
    await jose.jwtVerify(assertion, await ownKeys(), {
      issuer: us,
      audience: 'api://AzureADTokenExchange',
      subject: 'dragoman',
      currentDate: new Date(world.now() * 1_000),
    })
  })
})

describe('a chain', () => {
  it('keeps each credential by itself: the second is asked for again with the first one', async () => {
    world.partner.answer(({ target }) =>
      target === '/first'
        ? tokenAnswer({ access_token: 'first-token', expires_in: 36_000 })
        : tokenAnswer({ access_token: 'second-token', expires_in: 600 }),
    )
    expect(authorizationIn(await sent('chain.example'))).toEqual([['authorization', 'Bearer second-token']])
    world.setTime(world.now() + 600)
    await sent('chain.example')
    expect(world.partner.asked.map(({ target }) => target)).toEqual(['/first', '/second', '/second'])
    expect(world.partner.asked[1]?.form()).toEqual({
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      assertion: 'first-token',
    })
  })
})
