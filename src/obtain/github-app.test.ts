import { generateKeyPairSync } from 'node:crypto'
import * as jose from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type EgressWorld, openEgressWorld, partner } from '../../test/http/egress-world.ts'

const [first, second] = [0, 1].map(() => generateKeyPairSync('rsa', { modulusLength: 2_048 })) as [Pair, Pair]
type Pair = ReturnType<typeof generateKeyPairSync>

const at = (host: string) => ({ destinations: { hosts: [host] } })
const pem = ({ privateKey }: Pair) => privateKey.export({ type: 'pkcs1', format: 'pem' }).toString()

let world: EgressWorld

beforeAll(async () => {
  world = await openEgressWorld({
    secrets: { first: pem(first), second: pem(second) },
    documents: (url) => {
      const app = { type: 'github-app', app: 'Iv23liAbCd', installation: '42', key: { file: 'first' } }
      return [
        partner('whole', { ...app, api: `${url}/api/v3/` }, at('whole.example')),
        partner('ids', { ...app, api: url, repositoryIds: [1, 2] }, at('ids.example')),
        partner('slots', { ...app, api: url, key: [{ file: 'first' }, { file: 'second' }] }, at('slots.example')),
      ]
    },
  })
})

const given = (more: object = {}) => ({
  status: 201,
  body: { token: 'ghs_token', expires_at: new Date((world.now() + 3_600) * 1_000).toISOString(), ...more },
})

beforeEach(() => {
  world.partner.forget()
  world.partner.answer(() => given())
  world.setTime(world.now() + 86_400)
})

afterAll(async () => world.stop())

const sent = async (host: string, claims: object = {}) =>
  world.describe(await world.token({ ...claims }), { url: `https://${host}/` })

describe('github-app', () => {
  it('asks for all that the installation has, at a server of ones own, and once for everybody', async () => {
    const answer = await sent('whole.example')
    expect(answer.body['set']).toEqual([['authorization', 'Bearer ghs_token']])
    expect(Date.parse(String(answer.body['expires_at'])) / 1_000).toBeLessThanOrEqual(world.now() + 3_600)
    await sent('whole.example', { sub: 'bob' })
    expect(world.partner.asked).toHaveLength(1)
    const [asked] = world.partner.asked
    expect(asked).toMatchObject({ method: 'POST', target: '/api/v3/app/installations/42/access_tokens' })
    expect(asked?.json()).toEqual({})
    expect(asked?.headers).toMatchObject({ 'content-type': 'application/json', 'user-agent': 'dragoman' })
  })

  it('names repositories by their ids', async () => {
    await sent('ids.example')
    expect(world.partner.asked[0]?.json()).toEqual({ repository_ids: [1, 2] })
  })

  it('signs with the key in the other slot when GitHub does not take the first', async () => {
    world.partner.answer(({ headers }) => {
      const jwt = (headers['authorization'] ?? '').replace('Bearer ', '')
      return jose.jwtVerify(jwt, second.publicKey, { currentDate: new Date(world.now() * 1_000) }).then(
        () => given(),
        () => ({ status: 401, body: { message: 'A JSON web token could not be decoded' } }),
      )
    })
    expect((await sent('slots.example')).status).toBe(200)
    expect(world.partner.asked).toHaveLength(2)
  })

  it.each([
    ['garbage', { status: 201, body: '\u0000{' }, 'partner.invalid_answer'],
    ['an empty object', { status: 201, body: {} }, 'partner.invalid_answer'],
    ['a list', { status: 201, body: [] }, 'partner.invalid_answer'],
    ['a member twice', { status: 201, body: '{"token":"a","token":"b"}' }, 'partner.invalid_answer'],
    [
      '200 in place of 201',
      { status: 200, body: { token: 'a', expires_at: '2100-01-01T00:00:00Z' } },
      'partner.invalid_answer',
    ],
    ['a redirect', { status: 302, headers: { location: 'http://10.0.0.1/' } }, 'partner.invalid_answer'],
    ['10 MB', { status: 201, body: `{"token":"${'a'.repeat(10_000_000)}"}` }, 'partner.invalid_answer'],
    [
      'a token of 20,000 characters',
      { status: 201, body: { token: 'a'.repeat(20_000), expires_at: '2100-01-01T00:00:00Z' } },
      'partner.invalid_answer',
    ],
    ['no end', { status: 201, body: { token: 'a' } }, 'partner.invalid_answer'],
    ['an end in seconds', { status: 201, body: { token: 'a', expires_at: 4_102_444_800 } }, 'partner.invalid_answer'],
    ['401', { status: 401, body: { message: 'ghs_token' } }, 'partner.unauthenticated'],
    ['403 with HTML', { status: 403, body: '<html>ghs_token</html>' }, 'partner.refused'],
    ['422 with errors', { status: 422, body: { message: 'no such permission', errors: [] } }, 'partner.refused'],
  ])('refuses %s', async (_, answer, reason) => {
    world.partner.answer(answer)
    const { status, body } = await sent('whole.example')
    expect([status, world.reason()]).toEqual([502, reason])
    const said = JSON.stringify([body, world.traces.at(-1)])
    expect(said).not.toContain('ghs_token')
    expect(said).not.toContain((world.partner.asked[0]?.headers['authorization'] ?? 'none').slice(7))
  })
})
