import { once } from 'node:events'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { within } from '../world/child-process.ts'
import { type Dragoman, newFolder, removeFolder, startDragoman, subjectTokenTypes } from '../world/dragoman.ts'
import { documents } from './keycloak/documents.ts'
import { type RealmName, realmNames } from './keycloak/realms.ts'
import * as keycloak from './keycloak/running-keycloak.ts'

/** dragoman believes a real Keycloak. The tests run in this order: the last ones change keys. */

const folder = newFolder()
let dragoman: Dragoman
beforeAll(async () => {
  dragoman = await startDragoman(folder, documents)
  return () => dragoman.stop()
}, 60_000)
afterAll(() => removeFolder(folder))

type Form = keyof typeof subjectTokenTypes

const present = (token: string | undefined, form: Form) =>
  dragoman.exchange({ subject_token: token ?? '', subject_token_type: subjectTokenTypes[form] })

const canonical = async (token: string | undefined, form: Form) => {
  const answer = await present(token, form)
  expect([answer.status, answer.body.error_description]).toEqual([200, undefined])
  return (await dragoman.verified(answer.body.access_token)).payload
}

const refused = async (token: string | undefined, form: Form) => {
  const answer = await present(token, form)
  expect(answer.body).not.toHaveProperty('access_token')
  return { status: answer.status, error: answer.body.error, reason: await dragoman.reasonOf(answer) }
}

const invalid = (reason: string) => ({ status: 400, error: 'invalid_request', reason })

/** The logout token that Keycloak posts when a session of `realm` ends. */
const logoutToken = async (realm: RealmName): Promise<string> => {
  const receiver = createServer()
  const posted = new Promise<string>((resolve, reject) => {
    receiver.once('request', (request, response) => {
      response.end()
      text(request).then(resolve, reject)
    })
  })
  receiver.listen(0, '127.0.0.1')
  try {
    await once(receiver, 'listening')
    const address = receiver.address()
    if (typeof address !== 'object' || address === null) throw new Error('not listening')
    await keycloak.tellOfLogouts(realm, `http://127.0.0.1:${address.port}/`)
    await keycloak.signOut(realm, await keycloak.signIn(realm, 'alice'))
    return new URLSearchParams(await within(30_000, 'a logout token', posted)).get('logout_token') ?? ''
  } finally {
    receiver.close()
    receiver.closeAllConnections()
  }
}

describe.each(realmNames)('tokens of the realm %s', (realm) => {
  const algorithm = realm.toUpperCase()

  it('an ID token becomes a user', async () => {
    const { id_token: token } = await keycloak.signIn(realm, 'alice')
    expect(decodeProtectedHeader(token ?? '').alg).toBe(algorithm)
    const groups = expect.arrayContaining(['/engineering', '/on-call'])
    const expected = { sub: `user:${decodeJwt(token ?? '').sub}`, groups, name: 'alice' }
    expect(await canonical(token, 'idToken')).toMatchObject(expected)
  })

  it('an access token becomes the same user', async () => {
    const { access_token: token } = await keycloak.signIn(realm, 'alice')
    expect(decodeProtectedHeader(token).alg).toBe(algorithm)
    expect(await canonical(token, 'accessToken')).toMatchObject({ sub: `user:${decodeJwt(token).sub}` })
  })

  it('a service account becomes a workload', async () => {
    const token = await keycloak.serviceAccountToken(realm)
    expect(await canonical(token, 'accessToken')).toMatchObject({ sub: 'workload:orders-web' })
  })

  it('someone for whom no rule speaks is refused', async () => {
    const { access_token: token } = await keycloak.signIn(realm, 'bob')
    expect(await refused(token, 'accessToken')).toEqual(invalid('rule.none_matched'))
  })

  it.each(['accessToken', 'idToken', 'jwt'] as const)('a refresh token is refused as %s', async (form) => {
    const { refresh_token: token } = await keycloak.signIn(realm, 'alice')
    expect(decodeJwt(token ?? '')['typ']).toBe('Refresh')
    expect(await refused(token, form)).toEqual(invalid('credential.algorithm_not_allowed'))
  })

  it('an ID token is refused as an access token, and an access token as an ID token', async () => {
    const tokens = await keycloak.signIn(realm, 'alice')
    expect(await refused(tokens.id_token, 'accessToken')).toEqual(invalid('credential.type_mismatch'))
    expect(await refused(tokens.access_token, 'idToken')).toEqual(invalid('credential.type_mismatch'))
  })

  it('a token that was not made for dragoman is refused', async () => {
    const { access_token: token } = await keycloak.signIn(realm, 'alice', 'elsewhere')
    expect(await refused(token, 'accessToken')).toEqual(invalid('credential.audience_mismatch'))
  })

  it.each(['jwt', 'idToken', 'accessToken'] as const)('a logout token is refused as %s', async (form) => {
    const token = await logoutToken(realm)
    expect(decodeJwt(token)['events']).toBeDefined()
    expect(await refused(token, form)).toEqual(invalid('credential.type_mismatch'))
  })
})

describe('the keys of a realm', () => {
  it('a rotated key is picked up at once, and the old one is gone', async () => {
    const { access_token: old } = await keycloak.signIn('rs256', 'alice')
    await canonical(old, 'accessToken')
    await keycloak.rotateKeys('rs256')
    const { access_token: fresh } = await keycloak.signIn('rs256', 'alice')
    expect(decodeProtectedHeader(fresh).kid).not.toBe(decodeProtectedHeader(old).kid)
    await canonical(fresh, 'accessToken')
    expect(await refused(old, 'accessToken')).toEqual(invalid('credential.key_unknown'))
  })
})

describe('realms are kept apart', () => {
  it('a token of a realm that no map names is refused', async () => {
    expect(await refused(await keycloak.administratorToken(), 'accessToken')).toEqual(invalid('issuer.unknown'))
  })

  it("a token that says it is of the other realm is refused by that realm's keys", async () => {
    const { access_token: token } = await keycloak.signIn('es256', 'alice')
    const [header, payload = '', signature] = token.split('.')
    const claims: object = JSON.parse(Buffer.from(payload, 'base64url').toString())
    const moved = Buffer.from(JSON.stringify({ ...claims, iss: keycloak.issuerOf('rs256') })).toString('base64url')
    const { status, reason } = await refused(`${header}.${moved}.${signature}`, 'accessToken')
    expect([status, reason]).toEqual([400, 'credential.key_unknown'])
  })
})

describe('while Keycloak hangs', () => {
  it('known keys keep working, an unknown one is 503', { timeout: 120_000 }, async () => {
    const { access_token: known } = await keycloak.signIn('es256', 'alice')
    await canonical(known, 'accessToken')
    await keycloak.rotateKeys('es256')
    const { access_token: unknown } = await keycloak.signIn('es256', 'alice')
    await keycloak.whileKeycloakHangs(async () => {
      await canonical(known, 'accessToken')
      const expected = { status: 503, error: 'temporarily_unavailable', reason: 'keys.unavailable' }
      expect(await refused(unknown, 'accessToken')).toEqual(expected)
      await canonical(known, 'accessToken')
    })
  })
})
