import { createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Document, documentsFor } from '../world/documents.ts'
import { clientSecret, clients, dragomanAudience, paths, type User } from '../world/openid-provider-settings.ts'
import { type Running, startBoth } from '../world/running.ts'
import { newSigningKey, publicHalf } from '../world/signing-keys.ts'
import {
  askForCredential,
  auditOf,
  bearerIn,
  canonicalToken,
  gatewaySecret,
  partner,
  tokenOfProvider,
  wayOut,
} from '../world/way-out.ts'

/** From a person's ID token to the call of a partner that is a real authorization server. */

const bySecret = (method: string, clientId: string): Document['spec'] => ({
  method,
  clientId,
  clientSecret: { env: 'INTROSPECTION_SECRET' },
})

const byKey = (clientId: string, env: string): Document['spec'] => ({
  method: 'private_key_jwt',
  clientId,
  key: { env },
  algorithm: 'ES256',
})

/** Client ids at the provider; those with keys are registered there. */
const ids: Record<string, string> = {
  basic: clients.outwardBasic.client_id,
  post: clients.outwardPost.client_id,
}

const documents = (issuer: string): readonly Document[] => [
  ...documentsFor(issuer),
  ...wayOut,
  partner('basic', tokenOfProvider(issuer, bySecret('client_secret_basic', ids['basic'] ?? ''))),
  partner('post', tokenOfProvider(issuer, bySecret('client_secret_post', ids['post'] ?? ''))),
  partner('key', tokenOfProvider(issuer, byKey(ids['key'] ?? '', 'PARTNER_KEY'))),
  partner('wrong-secret', tokenOfProvider(issuer, bySecret('client_secret_basic', 'nobody-at-partner'))),
  partner('wrong-key', tokenOfProvider(issuer, byKey(ids['key'] ?? '', 'ANOTHER_KEY'))),
]

const pem = (jwk: Awaited<ReturnType<typeof newSigningKey>>): string =>
  createPrivateKey({ key: { ...jwk }, format: 'jwk' })
    .export({ type: 'pkcs8', format: 'pem' })
    .toString()

let running: Running
let privateKey: string
beforeAll(async () => {
  const [key, another] = await Promise.all([newSigningKey('ES256', 'k-1'), newSigningKey('ES256', 'k-1')])
  privateKey = pem(key)
  running = await startBoth(
    documents,
    async (provider) => {
      ids['key'] = await provider.registerKeyClient(publicHalf(key))
    },
    { environment: { PARTNER_KEY: privateKey, ANOTHER_KEY: pem(another) } },
  )
  return running.stop
})

const tokenOf = (user: User) => canonicalToken(running.provider, running.dragoman, user)
const ask = (token: string, host: string) => askForCredential(running.dragoman, token, host)

const verified = async (token: string) => {
  const { issuer } = running.provider
  const keys = createRemoteJWKSet(new URL(issuer + paths.jwks))
  return (await jwtVerify(token, keys, { issuer, audience: dragomanAudience })).payload
}

describe('a real authorization server as partner', () => {
  it.each(['basic', 'post', 'key'])('gives a token to %s authentication, and it is its own', async (name) => {
    const token = await tokenOf('alice')
    const answer = await ask(token, `${name}.example`)
    expect(answer.status).toBe(200)
    expect(await verified(bearerIn(answer))).toMatchObject({ client_id: ids[name], scope: 'orders:read' })
    expect(await auditOf(running.dragoman, name)).toMatchObject({
      decision: 'granted',
      subject: 'user:alice',
      txn: decodeJwt(token)['txn'],
      subject_token_jti: decodeJwt(token).jti,
      credential_kinds: ['client-credentials'],
    })
  })

  it.each(['wrong-secret', 'wrong-key'])('refuses us with a %s, and the audit says so', async (name) => {
    const answer = await ask(await tokenOf('alice'), `${name}.example`)
    expect(answer.status).toBe(403)
    expect(await auditOf(running.dragoman, name)).toMatchObject({
      reason: 'partner.unauthenticated',
      detail: expect.stringContaining('status 401'),
    })
  })

  it('leaves no secret and no token in what was written, nor in the state', async () => {
    const token = await tokenOf('alice')
    const given = bearerIn(await ask(token, 'basic.example'))
    const state = ['state.sqlite', 'state.sqlite-wal'].map((file) =>
      readFileSync(join(running.folder, 'state', file)).toString('latin1'),
    )
    const everything = [running.dragoman.output(), ...state].join('\n')
    expect(everything.length).toBeGreaterThan(1_000)
    const ofKey = privateKey.split('\n')[1]
    for (const secret of [clientSecret, gatewaySecret, given, token, given.split('.')[2], token.split('.')[2], ofKey])
      expect(everything.includes(secret ?? '')).toBe(false)
  })
})
