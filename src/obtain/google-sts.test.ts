import * as jose from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type EgressWorld, openEgressWorld, partner, us } from '../../test/http/egress-world.ts'
import type { Asked, PartnerAnswer } from '../../test/world/recorded-partner.ts'

const at = (host: string) => ({ destinations: { hosts: [host] } })
const provider = '//iam.googleapis.com/projects/123/locations/global/workloadIdentityPools/pool/providers/dragoman'
const accessToken = 'urn:ietf:params:oauth:token-type:access_token'

let world: EgressWorld

beforeAll(async () => {
  world = await openEgressWorld({
    documents: (url) => {
      const kind = { type: 'google-sts', provider, stsEndpoint: `${url}/v1/token`, iamEndpoint: `${url}/` }
      return [
        partner(
          'federated',
          {
            ...kind,
            subject: 'dragoman',
            audience: 'gcp',
            scopes: ['https://www.googleapis.com/auth/bigquery', 'email'],
          },
          at('federated.example'),
        ),
        partner(
          'impersonated',
          {
            ...kind,
            subject: { identity: 'subject' },
            serviceAccount: 'exports@acme.iam.gserviceaccount.com',
            scopes: ['https://www.googleapis.com/auth/bigquery'],
            lifetime: '10m',
          },
          at('impersonated.example'),
        ),
        partner(
          'from',
          {
            ...kind,
            subjectTokenType: accessToken,
            from: {
              type: 'client-credentials',
              tokenEndpoint: `${url}/idp`,
              clientAuth: { method: 'none', clientId: 'c' },
            },
          },
          at('from.example'),
        ),
      ]
    },
  })
})

const federated = (more: object = {}) => ({
  body: { access_token: 'federated', issued_token_type: accessToken, token_type: 'Bearer', expires_in: 3_599, ...more },
})

const impersonated = (more: object = {}) => ({
  body: { accessToken: 'ya29.x', expireTime: new Date((world.now() + 600) * 1_000).toISOString(), ...more },
})

const answering =
  (second: () => PartnerAnswer) =>
  ({ target }: Asked): PartnerAnswer =>
    target === '/v1/token' ? federated() : second()

beforeEach(() => {
  world.partner.forget()
  world.partner.answer(answering(() => impersonated()))
  world.setTime(world.now() + 86_400)
})

afterAll(async () => world.stop())

const sent = async (host: string, claims: object = {}) =>
  world.describe(await world.token({ ...claims }), { url: `https://${host}/` })

describe('google-sts', () => {
  it('without a service account gives the federated token, asked for with the scopes, for everybody', async () => {
    expect((await sent('federated.example')).body['set']).toEqual([['authorization', 'Bearer federated']])
    await sent('federated.example', { sub: 'bob' })
    expect(world.partner.asked).toHaveLength(1)
    const { subject_token: jwt = '', ...form } = world.partner.asked[0]?.form() ?? {}
    expect(form).toMatchObject({ audience: provider, scope: 'https://www.googleapis.com/auth/bigquery email' })
    const keys = (await (await fetch(`${world.url}/jwks.json`)).json()) as jose.JSONWebKeySet
    const currentDate = new Date(world.now() * 1_000)
    const { payload, protectedHeader } = await jose.jwtVerify(jwt, jose.createLocalJWKSet(keys), { currentDate })
    expect(protectedHeader.typ).toBe('JWT')
    expect(payload).toMatchObject({ iss: us, sub: 'dragoman', aud: 'gcp', exp: world.now() + 300 })
  })

  it('takes on a service account with its scopes and lifetime; one identity never has the token of another', async () => {
    let round = 0
    world.partner.answer(answering(() => impersonated({ accessToken: `ya29.${++round}` })))
    expect((await sent('impersonated.example')).body['set']).toEqual([['authorization', 'Bearer ya29.1']])
    expect((await sent('impersonated.example', { sub: 'bob' })).body['set']).toEqual([
      ['authorization', 'Bearer ya29.2'],
    ])
    expect(world.partner.asked[1]?.json()).toEqual({
      scope: ['https://www.googleapis.com/auth/bigquery'],
      lifetime: '600s',
    })
    const subjects = world.partner.asked
      .filter(({ target }) => target === '/v1/token')
      .map(({ form }) => jose.decodeJwt(form()['subject_token'] ?? '').sub)
    expect(subjects).toEqual(['user:ada', 'user:bob'])
  })

  it('presents what `from` yields', async () => {
    world.partner.answer(({ target }) =>
      target === '/idp' ? { body: { access_token: 'of-idp', token_type: 'Bearer', expires_in: 600 } } : federated(),
    )
    expect((await sent('from.example')).status).toBe(200)
    expect(world.partner.asked.at(-1)?.form()).toMatchObject({
      subject_token: 'of-idp',
      subject_token_type: accessToken,
    })
  })

  it.each([
    ['another type of token', federated({ issued_token_type: 'urn:ietf:params:oauth:token-type:id_token' })],
    ['a type that is no text', federated({ issued_token_type: 7 })],
    ['an end in the past', federated({ expires_in: -1 })],
    ['an empty object', { body: {} }],
    ['a token that breaks the line', federated({ access_token: 'a\r\nb: c' })],
  ])('refuses %s at the first step, and goes no further', async (_, answer) => {
    world.partner.answer(answer)
    expect([(await sent('impersonated.example')).status, world.reason()]).toEqual([502, 'partner.invalid_answer'])
    expect(world.partner.asked.map(({ target }) => target)).toEqual(['/v1/token'])
  })

  it.each([
    ['an empty object', { body: {} }, 'partner.invalid_answer'],
    ['garbage', { body: 'ya29' }, 'partner.invalid_answer'],
    ['10 MB', { body: `{"accessToken":"${'a'.repeat(10_000_000)}"}` }, 'partner.invalid_answer'],
    ['a token that breaks the line', { body: { accessToken: 'a\r\nb: c' } }, 'partner.invalid_answer'],
    ['no end', { body: { accessToken: 'a' } }, 'partner.invalid_answer'],
    ['an end long ago', { body: { accessToken: 'a', expireTime: '2001-01-01T00:00:00Z' } }, 'partner.invalid_answer'],
    [
      'an end in far years',
      { body: { accessToken: 'a', expireTime: '9001-01-01T00:00:00Z' } },
      'partner.invalid_answer',
    ],
    ['an end that is a word', { body: { accessToken: 'a', expireTime: 'never' } }, 'partner.invalid_answer'],
    [
      '403',
      { status: 403, body: { error: { code: 403, message: 'ada', status: 'PERMISSION_DENIED' } } },
      'partner.refused',
    ],
  ])('refuses %s at the second step, and says nothing of the first', async (_, second, reason) => {
    world.partner.answer(answering(() => second))
    const { status, body } = await sent('impersonated.example')
    expect([status, world.reason()]).toEqual([502, reason])
    expect(JSON.stringify([body, world.traces.at(-1)])).not.toMatch(/"federated"|Bearer federated/)
  })

  it("says Google's code of the second step", async () => {
    const error = { code: 403, message: 'ada', status: 'PERMISSION_DENIED' }
    world.partner.answer(answering(() => ({ status: 403, body: { error } })))
    await sent('impersonated.example')
    expect(world.traces.at(-1)?.outcome).toMatchObject({
      detail: expect.stringMatching(/status 403: PERMISSION_DENIED$/),
    })
  })

  it('is unavailable when the second step is, which alone is tried again', async () => {
    world.partner.answer(answering(() => ({ status: 503 })))
    expect([(await sent('impersonated.example')).status, world.reason()]).toEqual([503, 'partner.unavailable'])
    expect(world.partner.asked.filter(({ target }) => target === '/v1/token')).toHaveLength(1)
    expect(world.partner.asked).toHaveLength(4)
  })
})
