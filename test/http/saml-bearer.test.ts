import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createApp } from '../../src/http/app.ts'
import { base64url } from '../world/saml-text.ts'
import type { ServedPlace } from '../world/served-place.ts'
import {
  away,
  elsewhere,
  type Form,
  grantType,
  idp,
  now,
  openSamlPlace,
  requestOf,
  staff,
  unreachable,
} from './saml-bearer-world.ts'
import { answerOf, billing, orders, tokenType, us } from './token-world.ts'

/** What the saml2-bearer grant yields (RFC 7522 section 2.1, RFC 6749 section 5.1), and how its assertions are refused. */

let place: ServedPlace
beforeAll(async () => {
  place = await openSamlPlace([staff(), unreachable])
})
afterAll(() => place.stop())

const post = async (assertion: string, changes?: Form, id?: string) =>
  answerOf(await fetch(`${place.url}/token`, requestOf(assertion, changes, id)), place)

/** The same assertion as a subject token. */
const exchange = (assertion: string) =>
  post('', {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: assertion,
    subject_token_type: tokenType('saml2'),
  })

/** The claims of an issued token, verified as a resource server would verify it. */
const accept = async (token: unknown, audience = orders) => {
  const keys = createLocalJWKSet((await (await fetch(`${place.url}/jwks.json`)).json()) as JSONWebKeySet)
  const currentDate = new Date(now * 1_000)
  return (await jwtVerify(String(token), keys, { issuer: us, audience, typ: 'at+jwt', currentDate })).payload
}

describe('a saml2-bearer grant', () => {
  it('is answered as RFC 6749 says, with a token that a resource server accepts', async () => {
    const answer = await post(base64url(idp.signedAssertion()))
    expect(answer.body).toEqual({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: expect.any(Number),
      scope: 'orders:read orders:write',
    })
    expect(answer.status).toBe(200)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(await accept(answer.body['access_token'])).toMatchObject({
      sub: 'user:alice@example.com',
      client_id: 'gateway',
      map: 'staff',
      rule: 'employees',
    })
  })

  it('gives what a token exchange of the same assertion gives', async () => {
    const assertion = base64url(idp.signedAssertion())
    const [granted, exchanged] = [await post(assertion), await exchange(assertion)]
    expect(exchanged.body).toEqual({
      ...granted.body,
      access_token: expect.any(String),
      issued_token_type: tokenType('access_token'),
    })
    const [one, other] = [await accept(granted.body['access_token']), await accept(exchanged.body['access_token'])]
    expect(other).toEqual({ ...one, jti: expect.any(String), txn: expect.any(String) })
  })

  it('is the same on the web platform', async () => {
    const response = await createApp(() => place.desk).request('/token', requestOf(base64url(idp.signedAssertion())))
    expect(response.status).toBe(200)
    expect(Object.keys((await response.json()) as object)).toEqual([
      'access_token',
      'token_type',
      'expires_in',
      'scope',
    ])
  })

  it.each<readonly [string, Form, Readonly<Record<string, unknown>>]>([
    ['the scope asked for', { scope: 'orders:read' }, { scope: 'orders:read' }],
    ['a resource in place of an audience', { audience: '', resource: billing }, {}],
    ['a shorter life', { requested_lifetime: '60' }, { expires_in: 60 }],
    ['unknown parameters', { x: 'y' }, {}],
    ['exchange parameters without a value, as absent', { subject_token: '', requested_token_type: '' }, {}],
  ])('honours %s', async (_, changes, expected) => {
    const answer = await post(base64url(idp.signedAssertion()), changes)
    expect(answer.status).toBe(200)
    expect(answer.body).toMatchObject(expected)
    await accept(answer.body['access_token'], changes['resource'] ?? orders)
  })

  it('leaves a trace that names grant, map and rule, without the assertion', async () => {
    const assertion = base64url(idp.signedAssertion())
    await post(assertion)
    const trace = place.traces.at(-1)
    expect(trace).toMatchObject({
      grantType,
      kind: 'saml',
      issuer: idp.entityId,
      subjectTokenType: tokenType('saml2'),
      map: 'staff',
      rule: 'employees',
      outcome: { granted: true },
    })
    expect(JSON.stringify(trace)).not.toContain(assertion)
  })
})

describe('an assertion is an invalid grant', () => {
  it.each<readonly [string, string, () => string]>([
    ['that is not base64url', 'credential.malformed', () => '!!!'],
    ['that is not XML', 'credential.malformed', () => base64url('hello')],
    ['that nobody signed', 'credential.signature_invalid', () => base64url(idp.assertion())],
    ['signed by another key', 'credential.signature_invalid', () => base64url(elsewhere.signedAssertion())],
    [
      'that was changed after signing',
      'credential.signature_invalid',
      () => base64url(idp.signedAssertion().replace('alice@', 'mallory@')),
    ],
    [
      'of an issuer that no map names',
      'issuer.unknown',
      () => base64url(idp.signedAssertion({ issuer: 'https://nobody.example.com' })),
    ],
    [
      'for another audience',
      'credential.audience_mismatch',
      () => base64url(idp.signedAssertion({ conditions: { audiences: [['https://other.example.com']] } })),
    ],
    [
      'that has expired',
      'credential.expired',
      () => base64url(idp.signedAssertion({ conditions: { notBefore: -7_200, notOnOrAfter: -3_600 } })),
    ],
    [
      'that the map refuses',
      'map.validation_failed',
      () => base64url(idp.signedAssertion({ nameId: 'root@example.com' })),
    ],
    [
      'that no rule takes',
      'rule.none_matched',
      () => base64url(idp.signedAssertion({ attributes: { groups: 'guests' } })),
    ],
  ])('%s: %s', async (_, reason, assertion) => {
    const answer = await post(assertion())
    expect(answer).toMatchObject({ status: 400, reason, body: { error: 'invalid_grant' } })
    expect(answer.body['error_description']).toMatch(/^the assertion [a-z ]+ \(request [^)]+\)$/)
  })

  it('that the client may not present', async () => {
    const answer = await post(base64url(idp.signedAssertion()), {}, 'powerless')
    expect(answer).toMatchObject({ status: 400, reason: 'source.not_allowed', body: { error: 'invalid_grant' } })
  })

  it('that is for one use and was used, in whichever grant', async () => {
    const assertions = [1, 2].map(() => base64url(idp.signedAssertion({ conditions: { oneTimeUse: true } })))
    const [first = '', second = ''] = assertions
    expect([(await post(first)).status, (await exchange(second)).status]).toEqual([200, 200])
    for (const used of assertions)
      expect(await post(used)).toMatchObject({
        status: 400,
        reason: 'credential.replayed',
        body: { error: 'invalid_grant' },
      })
  })

  it.each<readonly [string, Form, string, string]>([
    ['a target that the rule does not allow', { audience: us }, 'invalid_target', 'target.not_allowed'],
    ['no target where there are two', { audience: '' }, 'invalid_target', 'target.missing'],
    ['a scope that the rule does not allow', { scope: 'admin' }, 'invalid_scope', 'scope.not_allowed'],
  ])('but %s is not the fault of a good assertion', async (_, changes, error, reason) => {
    const answer = await post(base64url(idp.signedAssertion()), changes)
    expect(answer).toMatchObject({ status: 400, reason, body: { error } })
  })

  it('but not while its issuer cannot be asked', async () => {
    const answer = await post(base64url(away.signedAssertion()))
    expect(answer).toMatchObject({ status: 503, body: { error: 'temporarily_unavailable' } })
    expect(answer.headers.get('retry-after')).toMatch(/^[0-9]+$/)
  })
})

describe('metadata names the grant', () => {
  const namedBy = async ({ url }: ServedPlace) => {
    const response = await fetch(`${url}/.well-known/oauth-authorization-server`)
    return ((await response.json()) as Record<string, unknown>)['grant_types_supported']
  }

  it('where a trust map speaks SAML', async () => {
    expect(await namedBy(place)).toEqual(['urn:ietf:params:oauth:grant-type:token-exchange', grantType])
  })

  it('but not where that map is disabled', async () => {
    const other = await openSamlPlace([staff({ mode: 'disabled' })])
    try {
      expect(await namedBy(other)).toEqual(['urn:ietf:params:oauth:grant-type:token-exchange'])
    } finally {
      await other.stop()
    }
  })
})
