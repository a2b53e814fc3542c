import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { billing, type CanonicalWorld, openCanonicalWorld } from './canonical-world.ts'

/** The internal gateway: services call one another through it, with the tokens that they were called with. */

let world: CanonicalWorld
beforeAll(async () => {
  world = await openCanonicalWorld()
})
afterAll(() => world.stop())

describe('through the gateway between services', () => {
  it('a token for one goes on as a narrower one for the other', async () => {
    const entered = await world.enter()
    const { status, headers, claims } = await world.ask(entered.token, '/v1/invoices')
    expect(status).toBe(200)
    expect(claims).toMatchObject({
      sub: 'user:ada',
      aud: billing,
      txn: entered.claims['txn'],
      scope: 'billing:read',
      client_id: 'mesh',
      act: { client_id: 'mesh' },
      exp: entered.claims['exp'],
      rule: 'onward',
    })
    expect(headers.get('x-dragoman-subject')).toBe('user:ada')
    expect(headers.get('x-dragoman-tenant')).toBe('acme')
    expect(headers.get('x-dragoman-txn')).toBe(entered.claims['txn'])
  })

  it('what was asked of it can decide', async () => {
    const { token } = await world.enter()
    expect(await world.ask(token, '/closed/books')).toMatchObject({ status: 403, reason: 'rule.expired' })
    expect(await world.pass(token, 'orders')).toMatchObject({ status: 200, claims: { rule: 'onward' } })
    expect(await world.ask(token, '/open')).toMatchObject({ status: 200 })
  })

  it('nothing passes that the token does not carry', async () => {
    const { token } = await world.enter({}, { scope: 'orders:read' })
    expect(await world.ask(token, '/v1/invoices')).toMatchObject({ status: 403, reason: 'scope.not_allowed' })
  })

  it('nor a token for somebody else, one that has ended, or one that was passed on too often', async () => {
    const other = await world.enter({}, { audience: billing })
    expect(await world.ask(other.token, '/')).toMatchObject({ status: 401, reason: 'source.not_allowed' })
    const { token, claims } = await world.enter()
    const act = { client_id: 'a', act: { client_id: 'b', act: { client_id: 'c', act: { client_id: 'd' } } } }
    const deep = await world.sign({ ...claims, act })
    expect(await world.ask(deep, '/')).toMatchObject({ status: 401, reason: 'delegation.too_deep' })
    world.setTime(Number(claims['exp']))
    expect(await world.ask(token, '/')).toMatchObject({ status: 401, reason: 'credential.expired' })
  })
})
