import { createPrivateKey } from 'node:crypto'
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
const byKey = (env: string) => ({
  method: 'private_key_jwt',
  clientId: partnerClients.byKey,
  key: { env },
  algorithm: 'ES256',
  audience: issuer,
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
/** It hears the name of the identity. */
const told = { release: ['public', 'internal'] }

const partners: readonly Document[] = [
  outward('basic', forItself(bySecret(partnerClients.bySecret))),
  outward('post', forItself(bySecret(partnerClients.bySecret, 'client_secret_post'))),
  outward('key', forItself(byKey('PARTNER_KEY'))),
  outward('scoped', forItself(bySecret(partnerClients.bySecret), { scopes: [partnerScope] })),
  outward('granted', grantedTo(partnerClients.granted), told),
  outward('not-granted', grantedTo(partnerClients.bySecret), told),
  outward('exchanged', {
    type: 'token-exchange',
    tokenEndpoint,
    clientAuth: bySecret(partnerClients.exchanging),
    audience: partnerClients.target,
    from: forItself(bySecret(partnerClients.exchanging)),
  }),
  outward('not-exchanged', {
    type: 'token-exchange',
    tokenEndpoint,
    clientAuth: bySecret(partnerClients.bySecret),
    from: forItself(bySecret(partnerClients.exchanging)),
  }),
  outward('wrong-secret', forItself(bySecret(partnerClients.bySecret, 'client_secret_basic', 'ANOTHER_SECRET'))),
  outward('wrong-key', forItself(byKey('ANOTHER_KEY'))),
  outward('wrong-scope', forItself(bySecret(partnerClients.bySecret), { scopes: ['nobody-knows'] })),
  outward('hanging', forItself(bySecret(partnerClients.bySecret)), { calls: { timeout: '1s' } }),
]

const anotherSecret = 'not-the-secret-of-this-client'

const folder = newFolder()
let dragoman: Dragoman
let privateKey: string
beforeAll(async () => {
  const [key, another] = await Promise.all([newSigningKey('ES256', 'k-1'), newSigningKey('ES256', 'k-1')])
  privateKey = pem(key)
  await registerClients(publicHalf(key))
  dragoman = await startDragoman(folder, [...documents, ...wayOut, ...partners], {
    environment: {
      PARTNER_SECRET: password,
      PARTNER_KEY: privateKey,
      ANOTHER_SECRET: anotherSecret,
      ANOTHER_KEY: pem(another),
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

const canonicalToken = async (): Promise<string> => {
  const { id_token: token = '' } = await signIn(partnerRealm, 'alice')
  const form = { subject_token: token, subject_token_type: subjectTokenTypes.idToken }
  return (await dragoman.exchange(form)).body.access_token ?? ''
}

const ask = async (name: string) => askForCredential(dragoman, await canonicalToken(), `${name}.example`)

/** What Keycloak has said in the token that goes out. */
const given = async (name: string): Promise<JWTPayload> => {
  const answer = await ask(name)
  const { detail } = await auditOf(dragoman, name)
  expect([answer.status, detail]).toEqual([200, undefined])
  const keys = createRemoteJWKSet(new URL(`${issuer}/protocol/openid-connect/certs`))
  return (await jwtVerify(bearerIn(answer), keys, { issuer })).payload
}

const refused = async (name: string) => {
  const { status } = await ask(name)
  const { reason, detail } = await auditOf(dragoman, name)
  return { status, reason, detail }
}

describe('a token for dragoman as a client (RFC 6749 section 4.4)', () => {
  it.each([
    ['client_secret_basic', 'basic', partnerClients.bySecret],
    ['client_secret_post', 'post', partnerClients.bySecret],
    ['private_key_jwt', 'key', partnerClients.byKey],
  ])('by %s', async (_method, name, clientId) => {
    expect(await given(name)).toMatchObject({ azp: clientId })
  })

  it('with the scope that the document asks for', async () =>
    expect((await given('scoped'))['scope']?.toString().split(' ')).toContain(partnerScope))
})

describe('a token for an assertion of ours (RFC 7523)', () => {
  let ourName = ''
  beforeAll(async () => {
    ourName = (await dragoman.verified(await canonicalToken())).payload.sub ?? ''
    await trustUs(dragoman.issuer, ourName)
  })

  it('speaks for the person whom Keycloak knows by our name for her', async () => {
    const sub = ourName.replace(/^user:/, '')
    expect(await given('granted')).toMatchObject({ azp: partnerClients.granted, sub })
    expect(await given('basic')).not.toMatchObject({ sub })
  })

  it('is refused to a client that may not, and the audit says as what', async () => {
    expect(await refused('not-granted')).toMatchObject({
      status: 403,
      reason: 'partner.refused',
      detail: expect.stringContaining('invalid_grant'),
    })
  })
})

describe('a token for another (RFC 8693)', () => {
  it('is for the audience that the document asks for', async () => {
    expect(await given('exchanged')).toMatchObject({ azp: partnerClients.exchanging, aud: partnerClients.target })
  })

  it('is refused to a client that may not', async () => {
    expect(await refused('not-exchanged')).toMatchObject({ status: 403, reason: 'partner.refused' })
  })
})

describe('Keycloak refuses', () => {
  it.each([
    ['wrong-secret', 'partner.unauthenticated', 'unauthorized_client'],
    ['wrong-key', 'partner.unauthenticated', 'status 40'],
    ['wrong-scope', 'partner.refused', 'invalid_scope'],
  ])('%s', async (name, reason, detail) => {
    expect(await refused(name)).toMatchObject({ status: 403, reason, detail: expect.stringContaining(detail) })
  })

  it('nothing while it hangs: we give up', async () => {
    const token = await canonicalToken()
    await whileKeycloakHangs(async () => {
      const begun = performance.now()
      const { status } = await askForCredential(dragoman, token, 'hanging.example')
      expect(status).toBe(403)
      expect(performance.now() - begun).toBeLessThan(5_000)
    })
    expect(await auditOf(dragoman, 'hanging')).toMatchObject({ reason: 'partner.timeout' })
  })
})

it('what dragoman has written holds no secret and no token', async () => {
  const token = await canonicalToken()
  const bearer = bearerIn(await askForCredential(dragoman, token, 'basic.example'))
  expect(bearer.length).toBeGreaterThan(100)
  const ofKey = privateKey.split('\n')[1] ?? ''
  for (const secret of [password, anotherSecret, gatewaySecret, bearer, token, ofKey])
    expect(dragoman.output().includes(secret)).toBe(false)
})
