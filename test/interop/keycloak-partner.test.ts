import { createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createRemoteJWKSet, type JWTPayload, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Document } from '../world/documents.ts'
import { type Dragoman, newFolder, removeFolder, startDragoman, subjectTokenTypes } from '../world/dragoman.ts'
import { newSigningKey, publicHalf } from '../world/signing-keys.ts'
import { askForCredential, auditOf, bearerIn, gatewaySecret, partner, wayOut } from '../world/way-out.ts'
import { documents } from './keycloak/documents.ts'
import {
  partnerClients,
  partnerRealm,
  partnerScope,
  registerClients,
  serviceAccountOf,
  tokenEndpoint,
  trustUs,
} from './keycloak/partner-clients.ts'
import { password } from './keycloak/realms.ts'
import { issuerOf, signIn, whileKeycloakHangs } from './keycloak/running-keycloak.ts'

/** Keycloak as a partner: dragoman is its client, and its token is what goes out. */

const issuer = issuerOf(partnerRealm)

const bySecret = (clientId: string, method = 'client_secret_basic', env = 'PARTNER_SECRET') => ({
  method,
  clientId,
  clientSecret: { env },
})
const byKey = (env: string, more: Document['spec'] = { audience: issuer }) => ({
  method: 'private_key_jwt',
  clientId: partnerClients.byKey,
  key: { env },
  algorithm: 'ES256',
  ...more,
})

const engineers = { allow: [{ groups: ['/engineering'] }] }
const outward = (name: string, credential: Document['spec'], more: Document['spec'] = {}) =>
  partner(name, credential, { ...engineers, ...more })

const forItself = (clientAuth: Document['spec'], more: Document['spec'] = {}) => ({
  type: 'client-credentials',
  tokenEndpoint,
  clientAuth,
  ...more,
})

const grantedTo = (clientId: string) => ({
  type: 'jwt-bearer',
  tokenEndpoint,
  clientAuth: bySecret(clientId),
  assertion: { subject: { identity: 'subject' }, audience: issuer },
})

const exchangedBy = (clientId: string, from: Document['spec']) => ({
  type: 'token-exchange',
  tokenEndpoint,
  clientAuth: bySecret(clientId),
  audience: partnerClients.target,
  from,
})

/** It hears the name of the identity. */
const told = { release: ['public', 'internal'] }

const partners: readonly Document[] = [
  outward('basic', forItself(bySecret(partnerClients.bySecret))),
  outward('post', forItself(bySecret(partnerClients.byPostedSecret, 'client_secret_post'))),
  outward('key', forItself(byKey('PARTNER_KEY'))),
  outward('key-to-endpoint', forItself(byKey('PARTNER_KEY', {}))),
  outward('scoped', forItself(bySecret(partnerClients.bySecret), { scopes: [partnerScope] })),
  outward('granted', grantedTo(partnerClients.granted), told),
  outward('not-granted', grantedTo(partnerClients.bySecret), told),
  outward('not-exchanged-yet', forItself(bySecret(partnerClients.exchanging))),
  outward('exchanged', exchangedBy(partnerClients.exchanging, forItself(bySecret(partnerClients.exchanging)))),
  outward('exchanged-for-her', exchangedBy(partnerClients.exchanging, grantedTo(partnerClients.exchanging)), told),
  outward('not-exchanged', exchangedBy(partnerClients.bySecret, forItself(bySecret(partnerClients.exchanging)))),
  outward('wrong-secret', forItself(bySecret(partnerClients.bySecret, 'client_secret_basic', 'ANOTHER_SECRET'))),
  outward('wrong-place', forItself(bySecret(partnerClients.bySecret, 'client_secret_post'))),
  outward('wrong-key', forItself(byKey('ANOTHER_KEY'))),
  outward('wrong-scope', forItself(bySecret(partnerClients.bySecret), { scopes: ['nobody-knows'] })),
  outward('hanging', forItself(bySecret(partnerClients.bySecret)), { calls: { timeout: '1s' } }),
]

const anotherSecret = 'not-the-secret-of-this-client'

const folder = newFolder()
let dragoman: Dragoman
const privateKeys: string[] = []
beforeAll(async () => {
  const [key, another] = await Promise.all([newSigningKey('ES256', 'k-1'), newSigningKey('ES256', 'k-1')])
  const [privateKey, anotherKey] = [pem(key), pem(another)]
  privateKeys.push(privateKey, anotherKey)
  await registerClients(publicHalf(key))
  dragoman = await startDragoman(folder, [...documents, ...wayOut, ...partners], {
    environment: {
      PARTNER_SECRET: password,
      PARTNER_KEY: privateKey,
      ANOTHER_SECRET: anotherSecret,
      ANOTHER_KEY: anotherKey,
    },
  })
}, 60_000)
afterAll(async () => {
  await dragoman?.stop()
  removeFolder(folder)
})

const pem = (jwk: Awaited<ReturnType<typeof newSigningKey>>): string =>
  createPrivateKey({ key: { ...jwk }, format: 'jwk' })
    .export({ type: 'pkcs8', format: 'pem' })
    .toString()

/** Every token that came by. */
const tokens = new Set<string>()

const canonicalToken = async (): Promise<string> => {
  const { id_token: idToken = '' } = await signIn(partnerRealm, 'alice')
  const form = { subject_token: idToken, subject_token_type: subjectTokenTypes.idToken }
  const { status, body } = await dragoman.exchange(form)
  expect(status).toBe(200)
  const { access_token: token = '' } = body
  tokens.add(idToken).add(token)
  return token
}

const ask = async (name: string) => askForCredential(dragoman, await canonicalToken(), `${name}.example`)

const keys = createRemoteJWKSet(new URL(`${issuer}/protocol/openid-connect/certs`))

/** What Keycloak has said in the token that goes out. */
const given = async (name: string): Promise<JWTPayload> => {
  const answer = await ask(name)
  const { detail } = await auditOf(dragoman, name)
  expect([answer.status, detail]).toEqual([200, undefined])
  const token = bearerIn(answer)
  tokens.add(token)
  return (await jwtVerify(token, keys, { issuer })).payload
}

const refused = async (name: string) => {
  const { status } = await ask(name)
  const { reason, detail } = await auditOf(dragoman, name)
  return { status, reason, detail }
}

const scopesOf = ({ scope }: JWTPayload) => (typeof scope === 'string' ? scope.split(' ') : [])

describe('a token for dragoman as a client (RFC 6749 section 4.4)', () => {
  it.each([
    ['client_secret_basic', 'basic', partnerClients.bySecret],
    ['client_secret_post', 'post', partnerClients.byPostedSecret],
    ['private_key_jwt, made for the issuer', 'key', partnerClients.byKey],
    ['private_key_jwt, made for the token endpoint', 'key-to-endpoint', partnerClients.byKey],
  ])('by %s', async (_method, name, clientId) => {
    const sub = await serviceAccountOf(clientId)
    expect(await given(name)).toMatchObject({ azp: clientId, client_id: clientId, sub })
  })

  it('with the scope that the document asks for, and not without', async () => {
    expect(scopesOf(await given('scoped'))).toContain(partnerScope)
    expect(scopesOf(await given('basic'))).not.toContain(partnerScope)
  })
})

describe('what speaks for the person', () => {
  let atKeycloak = ''
  beforeAll(async () => {
    const { sub: ourName = '' } = (await dragoman.verified(await canonicalToken())).payload
    await trustUs(dragoman.issuer, ourName)
    atKeycloak = ourName.replace(/^user:/, '')
  })

  it('is given for an assertion of ours, whom Keycloak knows by our name for her (RFC 7523)', async () => {
    expect(await given('granted')).toMatchObject({ azp: partnerClients.granted, sub: atKeycloak })
  })

  it('is not given to a client that may not, and the audit says as what', async () => {
    expect(await refused('not-granted')).toMatchObject({
      status: 403,
      reason: 'partner.refused',
      detail: expect.stringContaining('invalid_grant'),
    })
  })

  it('still does after an exchange (RFC 8693)', async () => {
    expect(await given('exchanged-for-her')).toMatchObject({
      azp: partnerClients.exchanging,
      aud: partnerClients.target,
      sub: atKeycloak,
    })
    expect(await auditOf(dragoman, 'exchanged-for-her')).toMatchObject({
      credential_kinds: ['token-exchange', 'jwt-bearer'],
    })
  })
})

describe('a token for another (RFC 8693)', () => {
  const { exchanging, target } = partnerClients

  it('is for the audience that the document asks for, and for no other', async () => {
    const sub = await serviceAccountOf(exchanging)
    const { aud: before } = await given('not-exchanged-yet')
    expect(before).toEqual(expect.arrayContaining([exchanging, target]))
    expect(await given('exchanged')).toMatchObject({ azp: exchanging, aud: target, sub })
  })

  it('is refused to a client that may not', async () => {
    expect(await refused('not-exchanged')).toMatchObject({
      status: 403,
      reason: 'partner.refused',
      detail: expect.stringContaining('status 400: invalid_request'),
    })
  })
})

describe('Keycloak refuses', () => {
  it.each([
    ['wrong-secret', 'partner.unauthenticated', 'status 401: unauthorized_client'],
    ['wrong-place', 'partner.unauthenticated', 'status 401: unauthorized_client'],
    ['wrong-key', 'partner.unauthenticated', 'status 400: invalid_client'],
    ['wrong-scope', 'partner.refused', 'status 400: invalid_scope'],
  ])('%s', async (name, reason, detail) => {
    expect(await refused(name)).toMatchObject({ status: 403, reason, detail: expect.stringContaining(detail) })
  })

  it('nothing while it hangs: we give up, and ask again once it answers', async () => {
    const token = await canonicalToken()
    await whileKeycloakHangs(async () => {
      const begun = performance.now()
      const { status } = await askForCredential(dragoman, token, 'hanging.example')
      expect(status).toBe(403)
      expect(performance.now() - begun).toBeLessThan(3_000)
    })
    expect(await auditOf(dragoman, 'hanging')).toMatchObject({ reason: 'partner.timeout' })
    const again = async () => (await askForCredential(dragoman, token, 'hanging.example')).status
    await expect.poll(again, { timeout: 10_000, interval: 500 }).toBe(200)
  })
})

it('what dragoman has written and keeps holds no secret and no token', () => {
  const state = ['state.sqlite', 'state.sqlite-wal'].map((file) =>
    readFileSync(join(folder, 'state', file)).toString('latin1'),
  )
  const everything = [dragoman.output(), ...state].join('\n')
  expect(everything).toContain('"partner":"exchanged"')
  // Signatures too, by themselves: they are what makes a token one.
  const ofTokens = [...tokens].flatMap((token) => [token, token.split('.')[2] ?? ''])
  const ofKeys = privateKeys.map((key) => key.split('\n')[1] ?? '')
  expect(ofTokens.length).toBeGreaterThan(20)
  for (const secret of [password, anotherSecret, gatewaySecret, ...ofTokens, ...ofKeys]) {
    expect(secret.length).toBeGreaterThan(15)
    expect(everything.includes(secret)).toBe(false)
  }
  // Nor what we have made for Keycloak, or had from it on the way, which no test has seen.
  expect(everything).not.toMatch(/eyJ[\w-]+\.eyJ/)
})
