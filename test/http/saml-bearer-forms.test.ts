import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createApp } from '../../src/http/app.ts'
import { base64url } from '../world/saml-text.ts'
import { grantType, idp } from './saml-bearer-world.ts'
import { basic, gatewayAuth, gatewaySecret, openTokenWorld, orders, type TokenWorld, tokenType } from './token-world.ts'

/** The saml2-bearer grant as far as no assertion is believed (RFC 7521 section 4.1, RFC 7522 section 2.1). */

let world: TokenWorld
beforeAll(async () => {
  world = await openTokenWorld()
})
afterAll(() => world.stop())

const assertion = base64url(idp.signedAssertion())

type Pairs = readonly (readonly [string, string])[]

const good: Pairs = [
  ['grant_type', grantType],
  ['assertion', assertion],
  ['audience', orders],
]
const without = (name: string): Pairs => good.filter(([other]) => other !== name)
const and = (...pairs: Pairs): Pairs => [...good, ...pairs]

describe('a saml2-bearer form', () => {
  it.each<readonly [string, string, string, Pairs]>([
    ['no assertion', 'invalid_request', 'request.parameter_missing', without('assertion')],
    [
      'an empty assertion',
      'invalid_request',
      'request.parameter_missing',
      [...without('assertion'), ['assertion', '']],
    ],
    [
      'a subject_token in its place',
      'invalid_request',
      'request.parameter_not_of_grant',
      [...without('assertion'), ['subject_token', assertion]],
    ],
    ['the assertion twice', 'invalid_request', 'request.parameter_repeated', and(['assertion', assertion])],
    ['another assertion too', 'invalid_request', 'request.parameter_repeated', and(['assertion', 'PHg-'])],
    ['the grant_type twice', 'invalid_request', 'request.parameter_repeated', and(['grant_type', grantType])],
    [
      'two grant_types',
      'invalid_request',
      'request.parameter_repeated',
      and(['grant_type', 'urn:ietf:params:oauth:grant-type:token-exchange']),
    ],
    ...['subject_token', 'subject_token_type', 'actor_token', 'actor_token_type', 'requested_token_type'].map(
      (name) =>
        [name, 'invalid_request', 'request.parameter_not_of_grant', and([name, tokenType('access_token')])] as const,
    ),
    [
      'authorization_details',
      'invalid_authorization_details',
      'request.authorization_details_unsupported',
      and(['authorization_details', '[{"type":"x"}]']),
    ],
    ['a lifetime that is no number', 'invalid_request', 'request.parameter_invalid', and(['requested_lifetime', '1h'])],
    ['scopes with two spaces', 'invalid_scope', 'scope.malformed', and(['scope', 'orders:read  orders:write'])],
    ['a relative resource', 'invalid_target', 'target.invalid', and(['resource', '/orders'])],
    [
      'nine targets',
      'invalid_target',
      'target.too_many',
      and(...Array.from({ length: 8 }, (_, n) => ['resource', `https://a${n}.example`] as const)),
    ],
  ])('with %s is refused: %s', async (_, error, reason, form) => {
    const answer = await world.exchange(form)
    expect(answer).toMatchObject({ status: 400, reason, body: { error } })
    expect(answer.body['error_description']).not.toContain('subject_token')
    expect(answer.headers.get('cache-control')).toBe('no-store')
  })

  it.each<readonly [string, string, string, string, Pairs]>([
    ['nobody', 'invalid_client', 'client.missing', '', good],
    ['a client_id alone', 'invalid_client', 'client.missing', '', and(['client_id', 'gateway'])],
    ['a wrong secret', 'invalid_client', 'client.credential_invalid', basic('gateway', 'wrong'), good],
    ['an unknown client', 'invalid_client', 'client.unknown', basic('nobody', gatewaySecret), good],
    [
      'a SAML assertion as client credential',
      'invalid_client',
      'client.method_not_registered',
      '',
      and(
        ['client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:saml2-bearer'],
        ['client_assertion', assertion],
      ),
    ],
  ])('from %s is answered with 401', async (_, error, reason, authorization, form) => {
    const answer = await world.exchange(form, { authorization })
    expect(answer).toMatchObject({ status: 401, reason, body: { error } })
    expect(answer.headers.get('www-authenticate')).toContain('Basic')
  })

  it.each([
    ['in capitals', grantType.toUpperCase()],
    ['with a space', `${grantType} `],
    ['of RFC 7523', 'urn:ietf:params:oauth:grant-type:jwt-bearer'],
  ])('with a grant_type %s is of a grant that is not spoken', async (_, type) => {
    const answer = await world.exchange([...without('grant_type'), ['grant_type', type]])
    expect(answer).toMatchObject({
      status: 400,
      reason: 'grant_type.unsupported',
      body: { error: 'unsupported_grant_type' },
    })
  })
})

describe('where no trust map speaks SAML', () => {
  it('an assertion is an invalid grant, as a subject token it is an invalid request', async () => {
    const bearer = await world.exchange(good)
    expect(bearer).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    expect(bearer.body['error_description']).toMatch(/assertion/)
    const exchanged = await world.exchangeToken(assertion, { subject_token_type: tokenType('saml2') })
    expect(exchanged).toMatchObject({ status: 400, reason: bearer.reason, body: { error: 'invalid_request' } })
    expect(exchanged.body['error_description']).toMatch(/subject_token/)
  })

  it('the answer is the same on the web platform', async () => {
    const response = await createApp(() => world.desk).request('/token', {
      method: 'POST',
      headers: { authorization: gatewayAuth, 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(Object.fromEntries(good)).toString(),
    })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: 'invalid_grant' })
  })

  it('metadata does not name the grant', async () => {
    const response = await fetch(`${world.url}/.well-known/oauth-authorization-server`)
    const { grant_types_supported: named } = (await response.json()) as Record<string, unknown>
    expect(named).toEqual(['urn:ietf:params:oauth:grant-type:token-exchange'])
  })

  it('the record of the request names it, and not the assertion', async () => {
    await world.exchange(good)
    expect(world.traces.at(-1)).toMatchObject({ grantType, subjectTokenType: tokenType('saml2') })
    expect(JSON.stringify(world.traces.at(-1))).not.toContain(assertion)
  })

  it('an ID token is no assertion either', async () => {
    const answer = await world.exchange([...without('assertion'), ['assertion', await world.idToken()]])
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  })
})
