import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'
import { auditEvent } from '../../src/formats/audit-event.ts'
import { publishedKeys } from '../../src/http/metadata.ts'
import { testCertificate } from '../world/certificates.ts'
import { testKey, testKeyring } from '../world/signing.ts'
import {
  type AgainWorld,
  type Answer,
  assertions,
  billing,
  bundleOf,
  gateway,
  openAgainWorld,
  orders,
  people,
  svids,
  us,
  workloads,
} from './again-world.ts'

/** A decision is given again to the same question, and only for as long as everything holds that it rests on. */

let world: AgainWorld
const open = async (...documents: readonly object[]) => {
  world = await openAgainWorld(documents)
}

const isAgain = ({ trace }: Answer): boolean => trace.reused !== undefined

describe('a decision', () => {
  beforeEach(() => open(people(), gateway('edge')))

  it('is given again from the third time on that the same is asked', async () => {
    const token = await world.accessToken()
    const [first, second, third] = [await world.ask({ token }), await world.ask({ token }), await world.ask({ token })]
    expect([first, second, third].map(isAgain)).toEqual([false, false, true])
    expect(first.token).not.toBe(second.token)
    expect(third.token).toBe(second.token)
    const { 'X-Request-ID': secondId, ...secondHeaders } = second.headers
    const { 'X-Request-ID': thirdId, ...thirdHeaders } = third.headers
    expect(thirdHeaders).toEqual(secondHeaders)
    expect(thirdId).not.toBe(secondId)
    expect(world.work.signed).toBe(2)
  })

  it('leaves an event of its own each time, with all that was found', async () => {
    const token = await world.accessToken()
    await world.ask({ token })
    const made = auditEvent((await world.ask({ token })).trace, world.now())
    const again = auditEvent((await world.ask({ token, path: '/v1/other' })).trace, world.now())
    expect(again).toEqual({ ...made, request_id: again['request_id'], reused: true })
    expect(again['request_id']).not.toBe(made['request_id'])
  })

  it('lasts for its share of the life of its token', async () => {
    const token = await world.accessToken()
    const made = await world.askAgain({ token })
    await world.pass(149)
    expect((await world.ask({ token })).token).toBe(made.token)
    await world.pass(1)
    const next = await world.ask({ token })
    expect(isAgain(next)).toBe(false)
    expect(next.claims['exp']).toBe(world.now() + 300)
  })

  it('does not outlive the credential', async () => {
    const token = await world.accessToken({ exp: world.now() + 60 })
    expect(isAgain(await world.askAgain({ token }))).toBe(true)
    await world.pass(29)
    expect(isAgain(await world.ask({ token }))).toBe(true)
    await world.pass(20)
    const late = await world.ask({ token })
    expect(isAgain(late)).toBe(false)
    expect(late.claims['exp']).toBe(world.now() + 11)
    await world.pass(12)
    expect(await world.ask({ token })).toMatchObject({ status: 401, reason: 'credential.expired' })
  })

  it('is for one route, and its token for the service behind that one', async () => {
    const token = await world.accessToken()
    expect((await world.askAgain({ token })).claims['aud']).toBe(orders)
    const other = await world.ask({ token, host: 'billing.example.com' })
    expect(isAgain(other)).toBe(false)
    expect(other.claims['aud']).toBe(billing)
  })

  it('is for the bytes of one credential', async () => {
    const token = await world.accessToken()
    await world.askAgain({ token })
    const [head, payload, signature = ''] = token.split('.')
    const broken = `${head}.${payload}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`
    expect(await world.ask({ token: broken })).toMatchObject({ status: 401, reason: 'credential.signature_invalid' })
    expect(isAgain(await world.ask({ token }))).toBe(true)
  })

  it('is not given to whoever asks for another gateway', async () => {
    await open(people(), workloads, gateway('edge'), gateway('other', { sources: ['workloads'] }))
    const token = await world.accessToken()
    await world.askAgain({ token })
    expect(await world.ask({ token, of: 'other' })).toMatchObject({ status: 401, reason: 'source.not_allowed' })
  })

  it('ends when a key of ours is added, taken away or replaced', async () => {
    const token = await world.accessToken()
    const made = await world.askAgain({ token })
    world.setKeyring(await testKeyring())
    const next = await world.ask({ token })
    expect(isAgain(next)).toBe(false)
    expect(next.token).not.toBe(made.token)
  })

  it('ends when the issuer publishes its key no more', async () => {
    const token = await world.accessToken()
    await world.askAgain({ token })
    const other = await testKey('idp-2')
    world.files['idp.jwks.json'] = { keys: [other.publicJwk] }
    await world.pass(61)
    expect(await world.ask({ token })).toMatchObject({ status: 401, reason: 'credential.key_unknown' })
    expect((await world.ask({ token: await world.accessToken({}, other) })).status).toBe(200)
  })

  it('has the keys of its issuer renewed like any other', async () => {
    const token = await world.accessToken()
    await world.askAgain({ token })
    const read = () => world.desk.keySetsInUse.find(({ of }) => of === 'people')?.keySet.state(world.now())
    for (let minute = 0; minute < 2; minute += 1) {
      world.sleep(55)
      expect(isAgain(await world.ask({ token }))).toBe(true)
      await new Promise((resolve) => setImmediate(resolve))
      expect(read()).toBe('fresh')
    }
  })

  it('goes through an outage of its issuer, for as long as the map lets it, and says so', async () => {
    await open(
      people({ rule: { grant: { audiences: [orders], scopes: ['orders:read'], ttl: '1h' } } }),
      gateway('edge'),
    )
    const token = await world.accessToken({ exp: world.now() + 7_200 })
    await world.askAgain({ token })
    delete world.files['idp.jwks.json']
    await world.pass(61)
    await world.ask({ token })
    const stale = await world.ask({ token })
    expect(stale.status).toBe(200)
    expect(auditEvent((await world.ask({ token })).trace, world.now())).toMatchObject({
      stale_keys: true,
      reused: true,
    })
    await world.pass(540)
    expect(await world.ask({ token })).toMatchObject({ status: 403, reason: 'keys.unavailable' })
  })
})

describe('is never given again', () => {
  const never = async (asked: Parameters<AgainWorld['ask']>[0]) => {
    const answers = [await world.ask(asked), await world.ask(asked), await world.ask(asked), await world.ask(asked)]
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    expect(answers.map(isAgain)).toEqual([false, false, false, false])
    expect(new Set(answers.map(({ token }) => token)).size).toBe(4)
  }

  it('where the gateway says so', async () => {
    await open(people(), gateway('edge', { reuse: 0 }))
    await never({ token: await world.accessToken() })
  })

  it.each([
    ['a condition', { when: { expression: 'claims.exp > double(now)' } }],
    ['a mapped value', { identity: { type: 'user', subject: { expression: "now > 0 ? claims.sub : 'nobody'" } } }],
  ])('what the time of day may change: %s', async (_, rule) => {
    await open(people({ rule }), gateway('edge'))
    await never({ token: await world.accessToken() })
  })

  it('what a requirement lets pass for now', async () => {
    const claimValidationRules = [{ expression: 'claims.exp > double(now)', message: 'over' }]
    await open(people({ more: { claimValidationRules } }), gateway('edge'))
    await never({ token: await world.accessToken() })
  })

  it('what rests on a certificate: it may have been revoked', async () => {
    await open(workloads, gateway('edge'))
    await never({ certificate: world.certificate() })
  })

  it('what rests on the certificate of who acts', async () => {
    const when = { actor: { map: 'workloads' } }
    await open(people({ rule: { when } }), workloads, gateway('edge'))
    await never({ token: await world.accessToken(), certificate: world.certificate() })
  })
})

describe('ends with', () => {
  it('the day on which its rule expires', async () => {
    const today = new Date(Date.now()).toISOString().slice(0, 10)
    const lasting = { audiences: [orders], scopes: ['orders:read'], ttl: '24h' }
    await open(people({ rule: { expires: today, grant: lasting } }), gateway('edge', { reuse: 0.9 }))
    const token = await world.accessToken({ exp: world.now() + 86_000 })
    expect(isAgain(await world.askAgain({ token }))).toBe(true)
    const midnight = Math.floor(world.now() / 86_400 + 1) * 86_400
    await world.pass(midnight - world.now() - 1)
    const last = await world.ask({ token })
    await world.pass(1)
    expect(last.status).toBe(200)
    expect(await world.ask({ token })).toMatchObject({ status: 403, reason: 'rule.expired' })
  })

  it('the age that its map allows', async () => {
    await open(people({ source: { maxAge: '2m' } }), gateway('edge', { reuse: 0.9 }))
    const token = await world.accessToken({ iat: world.now() - 60 })
    expect(isAgain(await world.askAgain({ token }))).toBe(true)
    await world.pass(60)
    expect(isAgain(await world.ask({ token }))).toBe(true)
    await world.pass(2)
    expect(await world.ask({ token })).toMatchObject({ status: 401, reason: 'credential.too_old' })
  })
})

describe('what a client asked of the gateway', () => {
  const when = { request: { paths: ['/v1/**'], methods: ['GET'] } }

  it('is a question of its own where a map looks at it', async () => {
    await open(people({ rule: { when } }), gateway('edge'))
    const token = await world.accessToken()
    expect(isAgain(await world.askAgain({ token }))).toBe(true)
    expect(await world.ask({ token, path: '/v2/orders' })).toMatchObject({ status: 403, reason: 'rule.none_matched' })
    expect(await world.ask({ token, method: 'DELETE' })).toMatchObject({ status: 403, reason: 'rule.none_matched' })
    expect(isAgain(await world.ask({ token, path: '/v1/other' }))).toBe(false)
    expect(isAgain(await world.ask({ token }))).toBe(true)
  })

  it('is none where no map does', async () => {
    await open(people(), gateway('edge'))
    const token = await world.accessToken()
    await world.askAgain({ token })
    expect(isAgain(await world.ask({ token, path: '/v2/other', method: 'DELETE' }))).toBe(true)
  })
})

describe('a credential that is bound to a certificate', () => {
  it('is good with that one only, however often it came', async () => {
    await open(people(), workloads, gateway('edge'))
    const [own, other] = [world.certificate(), world.certificate('other')]
    const thumbprint = createHash('sha256').update(own.der).digest('base64url')
    const token = await world.accessToken({ cnf: { 'x5t#S256': thumbprint } })
    const again = await world.askAgain({ token, certificate: own })
    expect(isAgain(again)).toBe(true)
    expect(again.claims['cnf']).toEqual({ 'x5t#S256': thumbprint })
    expect(await world.ask({ token })).toMatchObject({ status: 401, reason: 'credential.confirmation_required' })
    expect(await world.ask({ token, certificate: other })).toMatchObject({
      status: 401,
      reason: 'credential.confirmation_mismatch',
    })
  })

  it('gives no bound token to who comes without the certificate', async () => {
    const rule = { grant: { audiences: [orders], scopes: ['orders:read'], senderConstraint: 'mtls' } }
    await open(people({ rule }), gateway('edge'))
    const token = await world.accessToken()
    expect(isAgain(await world.askAgain({ token, certificate: world.certificate() }))).toBe(true)
    expect(await world.ask({ token })).toMatchObject({ status: 401, reason: 'certificate.missing' })
  })
})

describe('a SAML assertion', () => {
  beforeEach(() => open(assertions, gateway('edge')))

  it('may come again', async () => {
    const assertion = world.saml.signedAssertion()
    expect(isAgain(await world.askAgain({ assertion }))).toBe(true)
  })

  it('ends with the key of its identity provider', async () => {
    const assertion = world.saml.signedAssertion({ conditions: { notOnOrAfter: 300 } })
    await world.askAgain({ assertion })
    world.files['saml.pem'] = testCertificate({ subject: 'idp.example.com' }).pem
    await world.pass(61)
    expect(await world.ask({ assertion })).toMatchObject({ status: 401 })
  })

  it('that is for one use is taken once, also of many at once', async () => {
    const assertion = world.saml.signedAssertion({ conditions: { oneTimeUse: true } })
    const answers = await Promise.all(Array.from({ length: 20 }, () => world.ask({ assertion })))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(answers.filter(({ reason }) => reason === 'credential.replayed')).toHaveLength(19)
    expect(await world.ask({ assertion })).toMatchObject({ reason: 'credential.replayed' })
  })
})

describe('a JWT-SVID', () => {
  it('may come again until its trust domain publishes its key no more', async () => {
    await open(svids, gateway('edge'))
    const claims = { sub: 'spiffe://prod.example.org/web', aud: [us], exp: world.now() + 300 }
    const svid = await world.idp.sign(claims, { typ: 'JWT' })
    expect(isAgain(await world.askAgain({ svid }))).toBe(true)
    world.files['prod.json'] = bundleOf(await testKey('idp-2'))
    await world.pass(61)
    expect(await world.ask({ svid })).toMatchObject({ status: 401, reason: 'credential.key_unknown' })
  })
})

describe('a token of our own', () => {
  const canonical = {
    apiVersion: 'dragoman/v1alpha1',
    kind: 'TrustMap',
    metadata: { name: 'ours' },
    spec: {
      source: { canonical: { audiences: [orders] } },
      rules: [
        { name: 'on', identity: 'same', grant: { audiences: [billing], scopes: ['orders:read', 'billing:read'] } },
      ],
    },
  }
  const inner = gateway('inner', { sources: ['ours'], routes: [{ name: 'billing', audience: billing }] })

  it('is narrowed once and given on again, until its key is published no more', async () => {
    await open(people(), canonical, gateway('edge'), inner)
    const { token, claims } = await world.ask({ token: await world.accessToken() })
    const asked = { of: 'inner', ...(token === undefined ? {} : { token }) }
    const again = await world.askAgain(asked)
    expect(isAgain(again)).toBe(true)
    expect(again.claims).toMatchObject({ aud: billing, sub: claims['sub'], txn: claims['txn'] })
    world.setKeyring(await testKeyring())
    expect(await world.ask(asked)).toMatchObject({ status: 401 })
  })
})

describe('many who ask the same at once', () => {
  beforeEach(() => open(people(), gateway('edge')))

  it('share one decision, and each leaves an event', async () => {
    const token = await world.accessToken()
    const answers = await Promise.all(Array.from({ length: 50 }, () => world.ask({ token })))
    expect(answers.every(({ status }) => status === 200)).toBe(true)
    expect(new Set(answers.map((answer) => answer.token)).size).toBe(1)
    expect(world.work).toEqual({ signed: 1, verified: 1 })
    expect(new Set(answers.map(({ trace }) => trace.requestId)).size).toBe(50)
    expect(answers.filter(isAgain)).toHaveLength(49)
  })

  it('share one refusal, with all that was found', async () => {
    const token = await world.accessToken({}, await testKey('idp-1'))
    const answers = await Promise.all(Array.from({ length: 50 }, () => world.ask({ token })))
    expect(new Set(answers.map(({ reason }) => reason))).toEqual(new Set(['credential.signature_invalid']))
    expect(world.work.verified).toBe(1)
    expect(answers.map(({ trace }) => trace.map)).toEqual(Array.from({ length: 50 }, () => 'people'))
    expect(await world.ask({ token })).toMatchObject({ reason: 'credential.signature_invalid' })
    expect(world.work.verified).toBe(2)
  })

  it('do not share where nothing may be given again', async () => {
    await open(people(), gateway('edge', { reuse: 0 }))
    const token = await world.accessToken()
    const answers = await Promise.all(Array.from({ length: 10 }, () => world.ask({ token })))
    expect(new Set(answers.map((answer) => answer.token)).size).toBe(10)
  })
})

describe('property: to be given a decision again is never to be given more', () => {
  const step = fc.oneof(
    fc.record({
      does: fc.constant('ask' as const),
      who: fc.integer({ min: 0, max: 3 }),
      host: fc.constantFrom('orders.example.com', 'billing.example.com', 'other.example.com'),
    }),
    fc.record({ does: fc.constant('wait' as const), seconds: fc.integer({ min: 1, max: 90 }) }),
    fc.constant({ does: 'change our keys' as const }),
    fc.record({ does: fc.constant('change their keys' as const), back: fc.boolean() }),
  )

  it('the gateway that asks anew each time hears the same', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
        await open(people(), gateway('edge', { reuse: 0.9 }), gateway('anew', { reuse: 0 }))
        const tokens = await Promise.all(
          [60, 120, 600, 3_600].map((life, n) => world.accessToken({ sub: `user-${n}`, exp: world.now() + life })),
        )
        for (const one of steps) {
          if (one.does === 'wait') world.sleep(one.seconds)
          if (one.does === 'change our keys') world.setKeyring(await testKeyring())
          if (one.does === 'change their keys') {
            const key = one.back ? world.idp : await testKey('idp-1')
            world.files['idp.jwks.json'] = { keys: [key.publicJwk] }
            await world.pass(61)
          }
          if (one.does !== 'ask') continue
          const asked = { token: tokens[one.who] ?? '', host: one.host }
          const again = await world.ask(asked)
          const anew = await world.ask({ ...asked, of: 'anew' })
          expect([again.status, again.reason]).toEqual([anew.status, anew.reason])
          if (again.token === undefined) continue
          const { payload } = await jwtVerify(again.token, createLocalJWKSet(jwksOf(world)), {
            currentDate: new Date(world.now() * 1_000),
          })
          expect([payload.sub, payload.aud, payload['scope']]).toEqual([
            anew.claims['sub'],
            anew.claims['aud'],
            anew.claims['scope'],
          ])
          expect(payload.exp).toBeLessThanOrEqual(Number(anew.claims['exp']))
        }
      }),
      { numRuns: 30 },
    )
  })
})

const jwksOf = ({ desk }: AgainWorld): JSONWebKeySet => ({
  keys: publishedKeys(desk).keys.map((key) => ({ ...key })),
})
