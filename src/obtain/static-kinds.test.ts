import * as jose from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type EgressWorld, openEgressWorld, partner } from '../../test/http/egress-world.ts'
import type { ObtainTools } from './obtainer.ts'
import { self } from './self.ts'

/** Kinds for which nobody is asked: api-key, basic and self. */

const at = (host: string) => ({ destinations: { hosts: [host] } })

const secrets: Record<string, string> = {
  key: 'rk_live_1',
  break: 'rk_live\r\nX-Admin: true',
  space: 'Bearer rk_live_1',
  letters: 'schlüssel',
  none: '',
  password: 'p:ä ss',
  tab: 'pass\tword',
}

let world: EgressWorld

beforeAll(async () => {
  const key = (file: string, more: object = {}) =>
    partner(file, { type: 'api-key', value: { file } }, { ...at(`${file}.example`), ...more })
  world = await openEgressWorld({
    secrets,
    audiences: ['https://other.internal.example'],
    documents: () => [
      key('key', {
        inject: {
          headers: [
            { name: 'X-API-Key', from: 'value' },
            { name: 'Stripe-Version', value: '2026-01-01' },
          ],
        },
      }),
      ...['break', 'space', 'letters', 'none'].map((name) => key(name)),
      ...['password', 'tab'].map((file) =>
        partner(file, { type: 'basic', username: 'üser', password: { file } }, at(`${file}.example`)),
      ),
      partner('other', { type: 'self' }, { ...at('other.example'), audience: 'https://other.internal.example' }),
    ],
  })
})

beforeEach(() => world.setTime(world.now() + 86_400))
afterAll(async () => world.stop())

const sent = async (host: string, claims: object = {}) =>
  world.describe(await world.token({ ...claims }), { url: `https://${host}/` })

describe('api-key', () => {
  it('is put where the document says, with what else the partner wants', async () => {
    const answer = await sent('key.example')
    expect(answer.body).toMatchObject({
      set: [
        ['x-api-key', 'rk_live_1'],
        ['stripe-version', '2026-01-01'],
      ],
      cacheable: true,
    })
  })

  it('is another one when the file holds another one', async () => {
    secrets['key'] = 'rk_live_2'
    await sent('key.example')
    await expect.poll(async () => JSON.stringify((await sent('key.example')).body['set'])).toContain('rk_live_2')
  })

  it.each([['break'], ['space'], ['letters'], ['none']])('that no header can hold is none (%s)', async (name) => {
    const { status, body } = await sent(`${name}.example`)
    expect([status, world.reason()]).toEqual([503, 'secret.unavailable'])
    expect(JSON.stringify([body, world.traces.at(-1)])).not.toMatch(/rk_live|X-Admin|schl/)
  })
})

describe('basic', () => {
  it('writes a colon and other letters in the password as they are', async () => {
    const credentials = Buffer.from('üser:p:ä ss').toString('base64')
    expect((await sent('password.example')).body['set']).toEqual([['authorization', `Basic ${credentials}`]])
  })

  it('refuses a password with control characters', async () => {
    expect([(await sent('tab.example')).status, world.reason()]).toEqual([503, 'secret.unavailable'])
    expect(JSON.stringify(world.traces.at(-1))).not.toContain('word"')
  })
})

describe('self', () => {
  it('is made anew for each, and never kept', async () => {
    const tokens = [
      await sent('other.example'),
      await sent('other.example'),
      await sent('other.example', { sub: 'bob' }),
    ]
    const claims = tokens.map(({ body }) =>
      jose.decodeJwt((Object.fromEntries(body['set'] as [string, string][])['authorization'] ?? '').slice(7)),
    )
    expect(new Set(claims.map(({ jti }) => jti)).size).toBe(3)
    expect(claims.map(({ sub }) => sub)).toEqual(['user:ada', 'user:ada', 'user:bob'])
    expect(new Set(claims.map(({ aud }) => aud))).toEqual(new Set(['https://other.internal.example']))
  })

  it('cannot be obtained without a grant', async () => {
    const refused = self.obtain({}, undefined, {} as ObtainTools)
    await expect(refused).rejects.toMatchObject({ reason: 'internal' })
  })
})
