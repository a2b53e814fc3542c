import { createHash, generateKeyPairSync } from 'node:crypto'
import * as jose from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type EgressWorld, openEgressWorld, partner } from '../../test/http/egress-world.ts'

const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 })
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const pem = (key: typeof rsa.privateKey) => key.export({ type: 'pkcs8', format: 'pem' }).toString()

const at = (host: string) => ({ destinations: { hosts: [host] } })
const plain = {
  type: 'signed-jwt',
  issuer: 'team',
  subject: { identity: 'subject', prefix: 'dragoman:' },
  audience: 'https://api.partner.example',
  algorithm: 'ES256',
  key: { file: 'ec' },
  keyId: 'k1',
  ttl: '5m',
  claims: { role: 'reader', exp: 4_102_444_800, iss: 'somebody' },
}
const snowflake = { type: 'signed-jwt', preset: 'snowflake', user: 'svc', key: { file: 'rsa' } }

let world: EgressWorld

beforeAll(async () => {
  world = await openEgressWorld({
    secrets: { rsa: pem(rsa.privateKey), ec: pem(ec.privateKey), password: 'no key at all but a password' },
    documents: () => [
      partner('plain', plain, at('plain.example')),
      partner('alone', { type: 'signed-jwt', issuer: 'team', key: { file: 'rsa' } }, at('alone.example')),
      partner('global', { ...snowflake, account: 'myorg-rep12.global' }, at('global.example')),
      partner('region', { ...snowflake, account: 'xy12345.us-east-2.aws' }, at('region.example')),
      partner('wrong', { type: 'signed-jwt', issuer: 'team', key: { file: 'ec' } }, at('wrong.example')),
      partner('none', { type: 'signed-jwt', issuer: 'team', key: { file: 'password' } }, at('none.example')),
    ],
  })
})

beforeEach(() => world.setTime(world.now() + 86_400))
afterAll(async () => world.stop())

const sent = async (host: string, claims: object = {}) =>
  world.describe(await world.token({ ...claims }), { url: `https://${host}/` })

const jwtIn = ({ body }: Awaited<ReturnType<typeof sent>>) =>
  (Object.fromEntries(body['set'] as [string, string][])['authorization'] ?? '').replace('Bearer ', '')

const currentDate = () => new Date(world.now() * 1_000)

describe('signed-jwt', () => {
  it('says what the document says, of the identity too, and never lets a further claim stand in for its own', async () => {
    const jwt = jwtIn(await sent('plain.example'))
    const { payload, protectedHeader } = await jose.jwtVerify(jwt, ec.publicKey, { currentDate: currentDate() })
    expect(protectedHeader).toEqual({ alg: 'ES256', typ: 'JWT', kid: 'k1' })
    expect(payload).toEqual({
      iss: 'team',
      sub: 'dragoman:user:ada',
      aud: 'https://api.partner.example',
      role: 'reader',
      iat: world.now(),
      exp: world.now() + 300,
      jti: expect.any(String),
    })
  })

  it('is one for each identity where it names it, and one for all where it does not', async () => {
    expect(jwtIn(await sent('plain.example'))).not.toBe(jwtIn(await sent('plain.example', { sub: 'bob' })))
    const alone = jwtIn(await sent('alone.example'))
    expect(jwtIn(await sent('alone.example', { sub: 'bob' }))).toBe(alone)
    expect(jose.decodeJwt(alone)).toMatchObject({ iss: 'team', sub: 'team' })
  })

  it.each([
    ['global.example', 'MYORG.SVC'],
    ['region.example', 'XY12345.SVC'],
  ])('for Snowflake cuts the region or the replication group from the account (%s)', async (host, name) => {
    const fingerprint = createHash('sha256')
      .update(rsa.publicKey.export({ type: 'spki', format: 'der' }))
      .digest('base64')
    const { payload } = await jose.jwtVerify(jwtIn(await sent(host)), rsa.publicKey, { currentDate: currentDate() })
    expect(payload).toMatchObject({ iss: `${name}.SHA256:${fingerprint}`, sub: name })
  })

  it.each([['wrong.example'], ['none.example']])(
    'refuses a secret that is no key for the algorithm, and says nothing of it (%s)',
    async (host) => {
      const answer = await sent(host)
      expect(world.reason()).toBe('secret.unavailable')
      expect(answer.status).toBe(503)
      const said = JSON.stringify([answer.body, world.traces.at(-1)])
      expect(said).toContain('cannot be used')
      expect(said).not.toMatch(/password|PRIVATE KEY-----\\nM/)
    },
  )
})
