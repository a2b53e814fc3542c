import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Claims, Json } from '../../src/domain/claims.ts'
import { testKey } from '../world/signing.ts'
import { goodForm, issuer, openTokenWorld, orders, type TokenWorld, us } from './token-world.ts'

/** private_key_jwt: RFC 7523 sections 2.2 and 3 as updated by rfc7523bis. */

let world: TokenWorld
beforeAll(async () => {
  world = await openTokenWorld()
})
afterAll(() => world.stop())

let serial = 0
const assertionClaims = (changes: Claims = {}): Claims => ({
  iss: 'gateway',
  sub: 'gateway',
  aud: us,
  iat: world.now(),
  exp: world.now() + 60,
  jti: `assertion-${serial++}`,
  ...changes,
})

const post = async (assertion: string, more: Record<string, string> = {}) =>
  world.exchange(
    Object.entries({
      ...goodForm(await world.idToken()),
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
      ...more,
    }),
    { authorization: '' },
  )

const without = (claims: Claims, name: string): Claims =>
  Object.fromEntries(Object.entries(claims).filter(([other]) => other !== name))

const refused: readonly (readonly [string, () => Promise<string>, Record<string, string>?])[] = [
  ['of another key', async () => (await testKey('gateway-1')).sign(assertionClaims())],
  ['of a key of the identity provider', () => world.issuerKey.sign(assertionClaims(), { kid: 'gateway-1' })],
  ['for the token endpoint', () => world.clientKey.sign(assertionClaims({ aud: `${us}/token` }))],
  ['for us and another', () => world.clientKey.sign(assertionClaims({ aud: [us, 'https://other.example'] }))],
  ['for another', () => world.clientKey.sign(assertionClaims({ aud: 'https://other.example' }))],
  ['for nobody', () => world.clientKey.sign(without(assertionClaims(), 'aud'))],
  ['whose iss is another', () => world.clientKey.sign(assertionClaims({ iss: issuer }))],
  ['without exp', () => world.clientKey.sign(without(assertionClaims(), 'exp'))],
  ['that has expired', () => world.clientKey.sign(assertionClaims({ exp: world.now() - 31 }))],
  ['valid for an hour', () => world.clientKey.sign(assertionClaims({ exp: world.now() + 3_600 }))],
  ['from the future', () => world.clientKey.sign(assertionClaims({ iat: world.now() + 31 }))],
  ['without jti', () => world.clientKey.sign(without(assertionClaims(), 'jti'))],
  ['without sub', () => world.clientKey.sign(without(assertionClaims(), 'sub'))],
  ['of another type', () => world.clientKey.sign(assertionClaims(), { typ: 'at+jwt' })],
  ['that brings its own key', () => world.clientKey.sign(assertionClaims(), { jwk: world.clientKey.publicJwk })],
  ['with a client_id that differs', () => world.clientKey.sign(assertionClaims()), { client_id: 'narrow' }],
]

describe('a client assertion', () => {
  it.each<readonly [string, Claims, Claims]>([
    ['as clients make them', {}, {}],
    ['with the type that rfc7523bis gives it', {}, { typ: 'client-authentication+jwt' }],
    ['with our issuer as the only entry of a list', { aud: [us] }, {}],
    ['without iat', { iat: undefined as unknown as Json }, {}],
  ])('is accepted %s', async (_, changes, header) => {
    const answer = await post(await world.clientKey.sign(assertionClaims(changes), header))
    expect(answer.reason).toBeUndefined()
    expect(answer.status).toBe(200)
  })

  it('is accepted once', async () => {
    const assertion = await world.clientKey.sign(assertionClaims())
    expect((await post(assertion)).status).toBe(200)
    const again = await post(assertion)
    expect(again).toMatchObject({ status: 401, reason: 'client.assertion_replayed', body: { error: 'invalid_client' } })
  })

  it('is accepted by exactly one of 32 that race', async () => {
    const assertion = await world.clientKey.sign(assertionClaims())
    const answers = await Promise.all(Array.from({ length: 32 }, () => post(assertion)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  })

  it.each(refused.map(([what, make, more]) => ({ what, make, more })))('is refused $what', async ({ make, more }) => {
    const answer = await post(await make(), more)
    expect(answer).toMatchObject({
      status: 401,
      reason: 'client.credential_invalid',
      body: { error: 'invalid_client' },
    })
  })

  it('is refused of an unknown client and of one that is not registered for the method', async () => {
    const unknown = await post(await world.clientKey.sign(assertionClaims({ iss: 'nobody', sub: 'nobody' })))
    expect(unknown).toMatchObject({ status: 401, reason: 'client.unknown' })
    const narrow = await post(await world.clientKey.sign(assertionClaims({ iss: 'narrow', sub: 'narrow' })))
    expect(narrow).toMatchObject({ status: 401, reason: 'client.method_not_registered' })
  })

  it('is not judged when the replay guard is down: 503, and nothing is issued', async () => {
    const broken = await openTokenWorld({
      replay: { once: () => Promise.reject(new Error('down')), check: () => Promise.reject(new Error('down')) },
    })
    try {
      const assertion = await broken.clientKey.sign(assertionClaims())
      const form = Object.entries({
        ...goodForm(await broken.idToken()),
        audience: orders,
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: assertion,
      })
      const answer = await broken.exchange(form, { authorization: '' })
      expect(answer).toMatchObject({
        status: 503,
        reason: 'store.unavailable',
        body: { error: 'temporarily_unavailable' },
      })
      expect(answer.headers.get('retry-after')).toBe('5')
    } finally {
      await broken.stop()
    }
  })
})
