import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Claims } from '../../src/domain/claims.ts'
import { tokenTypes } from '../../src/domain/token-type.ts'
import { auditEvent } from '../../src/formats/audit-event.ts'
import {
  billing,
  type CanonicalWorld,
  ledger,
  openCanonicalWorld,
  orders,
  us,
  widenings,
  workloadIssuer,
} from './canonical-world.ts'

/** Canonical in, narrower canonical out: RFC 8693 sections 2.1 and 4.1, hop by hop. */

let world: CanonicalWorld
beforeAll(async () => {
  world = await openCanonicalWorld()
})
afterAll(() => world.stop())

describe('a token of ours is narrowed for the next hop', () => {
  it('keeps who it is about and in which transaction, and says who passes it on', async () => {
    const entered = await world.enter()
    const atBilling = await world.pass(entered.token, 'orders', { scope: 'billing:read' })
    const atLedger = await world.pass(atBilling.token, 'billing', { audience: ledger })
    expect([entered.status, atBilling.status, atLedger.status]).toEqual([200, 200, 200])
    expect(entered.claims).not.toHaveProperty('act')
    expect(atBilling.claims).toEqual({
      ...entered.claims,
      jti: expect.any(String),
      aud: billing,
      scope: 'billing:read',
      client_id: 'orders',
      act: { client_id: 'orders' },
      map: 'from-orders',
      rule: 'onward',
    })
    expect(atBilling.claims['jti']).not.toBe(entered.claims['jti'])
    expect(atLedger.claims).toMatchObject({
      sub: 'user:ada',
      txn: entered.claims['txn'],
      aud: ledger,
      scope: 'billing:read',
      client_id: 'billing',
      act: { client_id: 'billing', act: { client_id: 'orders' } },
    })
  })

  it('with labels that travel along, so that the last hop withholds what the first one knew to be personal', async () => {
    const entered = await world.enter()
    const atBilling = await world.pass(entered.token, 'orders')
    const atLedger = await world.pass(atBilling.token, 'billing', { audience: ledger })
    expect(entered.claims).toMatchObject({ sensitivity: { email: 'pii', motto: 'public' } })
    expect(atBilling.claims).toMatchObject({ email: 'ada@example.com', sensitivity: { email: 'pii', motto: 'public' } })
    expect(atLedger.claims).toMatchObject({ groups: ['staff', 'staff-eu', 'chess'], level: 1 })
    for (const name of ['email', 'motto', 'sensitivity']) expect(atLedger.claims).not.toHaveProperty(name)
    expect(world.traces.at(-1)?.withheld?.map(({ name }) => name)).toEqual(['email', 'motto'])
  })

  it('and what was withheld once is gone, whatever a later rule releases', async () => {
    const entered = await world.enter({ case: 'released', phone: '1' }, { audience: billing })
    const withheld = await world.pass(entered.token, 'billing', { audience: billing })
    expect(entered.claims).toMatchObject({ email: 'ada@example.com', phone: '1' })
    expect(withheld.claims).not.toHaveProperty('email')
    const again = await world.pass(withheld.token, 'orders', { audience: ledger })
    expect(again.status).toBe(200)
    expect(again.claims).not.toHaveProperty('email')
  })

  it('with fewer groups and stricter labels where a rule says so', async () => {
    const { token } = await world.enter({ case: 'fewer', email: undefined as never })
    expect((await world.pass(token, 'orders')).reason).toBe('map.value_missing')
    const entered = await world.enter({ case: 'fewer' })
    const { status, claims } = await world.pass(entered.token, 'orders')
    expect(status).toBe(200)
    expect(claims).toMatchObject({ sub: 'user:ada', tenant: 'acme', groups: ['staff', 'staff-eu'] })
    for (const name of ['email', 'roles', 'level']) expect(claims).not.toHaveProperty(name)
  })

  it('by the workload that has proven itself, where a rule asks for one', async () => {
    const { token, claims } = await world.enter({ case: 'workload' })
    const now = world.now()
    const actor_token = await world.workloadKey.sign({
      iss: workloadIssuer,
      sub: 'cart',
      aud: us,
      iat: now,
      exp: now + 90,
    })
    const passed = await world.pass(token, 'orders', { actor_token, actor_token_type: tokenTypes.jwt })
    expect(passed.claims).toMatchObject({
      txn: claims['txn'],
      act: { sub: 'workload:cart', identity_type: 'workload' },
      sensitivity: { act: 'pii' },
      exp: now + 90,
    })
    expect(await world.pass(token, 'orders')).toMatchObject({ status: 200, claims: { rule: 'onward' } })
    const unreleased = await world.pass(passed.token, 'billing', { audience: ledger })
    expect(unreleased).toMatchObject({ status: 400, reason: 'identity.invalid' })
  })

  it('and the record tells the transaction and how many have acted', async () => {
    const entered = await world.enter()
    const passed = await world.pass(entered.token, 'orders')
    await world.pass(passed.token, 'billing', { audience: ledger })
    const [, , trace] = world.traces.slice(-3)
    if (trace === undefined) throw new Error('no trace')
    expect(auditEvent(trace, world.now())).toMatchObject({
      decision: 'granted',
      source: 'canonical',
      issuer: us,
      subject: 'user:ada',
      subject_token_jti: passed.claims['jti'],
      txn: entered.claims['txn'],
      actor_depth: 2,
      client: 'billing',
    })
  })

  it('as jwt too, and for a service account with a SPIFFE ID as access token', async () => {
    const { token, claims } = await world.enter()
    expect(await world.pass(token, 'orders', { subject_token_type: tokenTypes.jwt })).toMatchObject({ status: 200 })
    const service = await world.sign({ ...claims, sub: 'spiffe://prod.example/cart', identity_type: 'workload' })
    expect(await world.pass(service, 'orders')).toMatchObject({
      status: 200,
      claims: { sub: 'spiffe://prod.example/cart', identity_type: 'workload' },
    })
  })
})

describe('nothing is wider than the token that is presented', () => {
  it('no scope that it does not have, though rule and client allow it', async () => {
    const { token } = await world.enter({}, { scope: 'orders:read billing:read' })
    expect(await world.pass(token, 'orders', { scope: 'billing:read orders:write' })).toMatchObject({
      status: 400,
      body: { error: 'invalid_scope' },
      reason: 'scope.not_allowed',
    })
    expect(await world.pass(token, 'orders', { scope: 'ledger:read' })).toMatchObject({ reason: 'scope.not_allowed' })
    expect((await world.pass(token, 'orders')).claims['scope']).toBe('orders:read billing:read')
  })

  it('no scope at all where it has none', async () => {
    const { claims } = await world.enter()
    const { scope: _, ...others } = claims
    const passed = await world.pass(await world.sign(others), 'orders')
    expect(passed.status).toBe(200)
    expect(passed.claims).not.toHaveProperty('scope')
    expect(await world.pass(await world.sign(others), 'orders', { scope: 'orders:read' })).toMatchObject({
      reason: 'scope.not_allowed',
    })
  })

  it.each([
    ['the rule', 'orders', ledger],
    ['the client', 'narrow', billing],
    ['anybody', 'orders', 'https://elsewhere.example'],
  ])('no audience that %s does not allow', async (_, as, audience) => {
    const { token } = await world.enter()
    expect(await world.pass(token, as, { audience })).toMatchObject({
      status: 400,
      body: { error: 'invalid_target' },
      reason: 'target.not_allowed',
    })
  })

  it('no longer life, whatever the rule allows and the caller asks for', async () => {
    const { token, claims } = await world.enter({}, { requested_lifetime: '100' })
    world.setTime(world.now() + 60)
    const { body, claims: passed } = await world.pass(token, 'orders', { requested_lifetime: '3600' })
    expect(body['expires_in']).toBe(40)
    expect(passed['exp']).toBe(claims['exp'])
  })

  it('no chain of actors without an end', async () => {
    let { token } = await world.enter({}, { audience: billing })
    for (let hop = 1; hop <= 4; hop++) {
      const passed = await world.pass(token, 'billing')
      expect(passed.status).toBe(200)
      expect(world.traces.at(-1)?.actorDepth).toBe(hop)
      token = passed.token
    }
    expect(await world.pass(token, 'billing')).toMatchObject({
      status: 400,
      body: { error: 'invalid_request' },
      reason: 'delegation.too_deep',
    })
    expect(world.traces.at(-1)?.transaction).toEqual(expect.any(String))
  })

  it.each(Object.keys(widenings))('no identity with %s', async (widening) => {
    const { token } = await world.enter({ case: widening })
    expect(await world.pass(token, 'orders')).toMatchObject({
      status: 400,
      body: { error: 'invalid_request' },
      reason: 'identity.widened',
    })
  })

  it('no JWT-SVID, in which nobody could be seen to act', async () => {
    const { token } = await world.enter({ case: 'svid' })
    const form = { requested_token_type: tokenTypes.jwtSvid }
    expect(await world.pass(token, 'orders', form)).toMatchObject({ reason: 'request.token_type_unsupported' })
  })

  it('no name of an actor that itself acts for others', async () => {
    const { token } = await world.enter({ case: 'token' })
    const plain = await world.enter({ sub: 'bot' }, { audience: billing })
    const acting = await world.pass(plain.token, 'billing')
    const as = (actor_token: string) =>
      world.pass(token, 'orders', { actor_token, actor_token_type: tokenTypes.accessToken })
    expect(await as(plain.token)).toMatchObject({ status: 200, claims: { act: { sub: 'user:bot' } } })
    expect(await as(acting.token)).toMatchObject({ status: 400, reason: 'actor.invalid' })
  })

  it('no more than the first issuer lets others issue', async () => {
    const { claims } = await world.enter()
    const restricted = async (proxy_restriction: Claims) =>
      world.pass(await world.sign({ ...claims, proxy_restriction }), 'orders')
    expect(await restricted({ audiences: [orders] })).toMatchObject({ status: 400, reason: 'target.not_allowed' })
    expect(await restricted({ count: 0 })).toMatchObject({ status: 400, reason: 'credential.onward_forbidden' })
    const passed = await restricted({ audiences: [orders, billing], count: 1 })
    expect(passed.claims['proxy_restriction']).toEqual({ audiences: [orders, billing], count: 0 })
    expect(await world.pass(passed.token, 'billing')).toMatchObject({ reason: 'credential.onward_forbidden' })
  })

  it('along any chain of exchanges', async () => {
    const hops = fc.array(
      fc.record({
        scope: fc.subarray(['orders:read', 'orders:write', 'billing:read', 'ledger:read']),
        lifetime: fc.constantFrom('', '30', '3600'),
        wait: fc.integer({ min: 0, max: 40 }),
        audience: fc.constantFrom(billing, ledger, orders),
        as: fc.constantFrom('orders', 'billing'),
      }),
      { minLength: 1, maxLength: 6 },
    )
    await fc.assert(
      fc.asyncProperty(hops, async (chain) => {
        const first = await world.enter({}, { audience: billing })
        let [token, claims, hopsGranted] = [first.token, first.claims, 0]
        for (const { scope, lifetime, wait, audience, as } of chain) {
          world.setTime(world.now() + wait)
          const passed = await world.pass(token, as, { audience, scope: scope.join(' '), requested_lifetime: lifetime })
          if (passed.status !== 200) continue
          hopsGranted++
          expect(isNarrower(passed.claims, claims, as)).toBe(true)
          ;[token, claims] = [passed.token, passed.claims]
        }
        expect(hopsGranted).toBeLessThanOrEqual(4)
      }),
      { numRuns: 60 },
    )
  })
})

const isNarrower = (now: Claims, before: Claims, as: string): boolean => {
  const scopes = ({ scope }: Claims) => (typeof scope === 'string' ? scope.split(' ') : [])
  const same = ['sub', 'txn', 'tenant', 'identity_type', 'auth_time', 'acr']
  const kept = Object.keys(now).filter((name) => !['sensitivity', 'act'].includes(name))
  return (
    same.every((name) => now[name] === before[name]) &&
    scopes(now).every((scope) => scopes(before).includes(scope)) &&
    Number(now['exp']) <= Number(before['exp']) &&
    kept.every((name) => name === 'scope' || Object.hasOwn(before, name)) &&
    JSON.stringify(now['act']) ===
      JSON.stringify({ client_id: as, ...(before['act'] === undefined ? {} : { act: before['act'] }) })
  )
}
