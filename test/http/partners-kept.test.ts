import { generateKeyPairSync } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import * as fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { CredentialStore } from '../../src/ports/credential-store.ts'
import type { Meters } from '../../src/ports/meters.ts'
import type { ReplayGuard } from '../../src/ports/replay.ts'
import { createNodeDigest } from '../../src/runtimes/node/digest.ts'
import { createMemoryReplayGuard } from '../../src/stores/memory.ts'
import { createMemoryCredentials } from '../../src/stores/memory-credentials.ts'
import { testKeyring } from '../world/signing.ts'
import { type EgressWorld, gatewayProof, openEgressWorld, partner } from './egress-world.ts'

/** How credentials are kept, renewed, shared and taken back, and how secrets rotate. */

const at = (host: string) => ({ destinations: { hosts: [host] } })

const withSecret = (url: string, clientSecret: object, more: object = {}) => ({
  type: 'client-credentials',
  tokenEndpoint: `${url}/token`,
  clientAuth: { method: 'client_secret_post', clientId: 'c', clientSecret },
  ...more,
})

/** A store whose content can be looked at. */
const openStore = () => {
  const inner = createMemoryCredentials()
  const texts: string[] = []
  const store: CredentialStore = {
    ...inner,
    async put(key, sealed, until, now) {
      texts.push(key, sealed)
      await inner.put(key, sealed, until, now)
    },
  }
  return { store, texts }
}

const counted: string[] = []
const meters: Meters = {
  count: (name, labels) => {
    counted.push(`${name} ${Object.values(labels).join(' ')}`)
  },
  gauge: () => undefined,
}

const ecKey = () =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

const secrets: Record<string, string> = {
  one: 'secret-one',
  two: 'secret-two',
  key: 'api-key-one',
  other: 'api-key-two',
  ec1: ecKey(),
  ec2: ecKey(),
}
const { store, texts } = openStore()

const documents = (url: string) => [
  ...Array.from({ length: 12 }, (_, n) =>
    partner(`plain${n}`, withSecret(url, { env: 'one' }), at(`plain${n}.example`)),
  ),
  partner('stale', withSecret(url, { env: 'one' }), {
    ...at('stale.example'),
    cache: { maxTTL: '10m' },
    onError: { useStaleFor: '1h' },
  }),
  partner('slots', withSecret(url, [{ env: 'one' }, { env: 'two' }]), at('slots.example')),
  partner('keys', { type: 'api-key', value: [{ env: 'key' }, { env: 'other' }] }, at('keys.example')),
  partner(
    'jwts',
    {
      type: 'signed-jwt',
      issuer: 'dragoman',
      subject: { identity: 'subject' },
      algorithm: 'ES256',
      key: [{ env: 'ec1' }, { env: 'ec2' }],
    },
    at('jwts.example'),
  ),
  partner(
    'nested',
    {
      type: 'jwt-bearer',
      tokenEndpoint: `${url}/outer`,
      clientAuth: { method: 'client_secret_post', clientId: 'outer', clientSecret: [{ env: 'one' }, { env: 'two' }] },
      from: withSecret(url, { env: 'key' }),
    },
    at('nested.example'),
  ),
  partner(
    'theirs',
    {
      type: 'jwt-bearer',
      tokenEndpoint: `${url}/theirs`,
      clientAuth: { method: 'client_secret_post', clientId: 'theirs', clientSecret: [{ env: 'one' }, { env: 'two' }] },
      assertion: { subject: { identity: 'subject' }, audience: 'https://as.example' },
    },
    at('theirs.example'),
  ),
  partner('each', withSecret(url, { env: 'one' }, { perIdentity: true }), at('each.example')),
]

let world: EgressWorld

const open = () => openEgressWorld({ secrets, documents, credentials: store, meters })

beforeAll(async () => {
  world = await open()
})

let next = 0
/** The name of a partner that nobody has asked for anything yet. */
const fresh = () => `plain${next++}`

let issued = 0
const tokens = (more: object = {}) => ({
  body: { access_token: `partner-token-${issued++}`, token_type: 'Bearer', expires_in: 3_600, ...more },
})

beforeEach(() => {
  world.partner.forget()
  world.partner.answer(() => tokens())
  world.setTime(world.now() + 1_000_000)
  counted.length = 0
})

afterAll(async () => world.stop())

const sent = async (host: string, claims: object = {}, from: EgressWorld = world) =>
  from.describe(await from.token({ ...claims }), { url: `https://${host}/` })

const given = async (host: string, claims: object = {}) => {
  const { body } = await sent(host, claims)
  return JSON.stringify(body['set'])
}

const invalidate = (name: string, credentialId: unknown, headers: Readonly<Record<string, string>> = gatewayProof) =>
  world.post('/v1/egress/invalidate', { gateway: 'egress', partner: name, credential_id: credentialId }, headers)

/** Until the partner has been asked so often. */
const askedTimes = async (times: number) => {
  await expect.poll(() => world.partner.asked.length, { timeout: 2_000 }).toBe(times)
}

describe('a credential', () => {
  it('is given again until it is due, then renewed while the old one is given', async () => {
    const name = fresh()
    const host = `${name}.example`
    const first = await given(host)
    world.setTime(world.now() + 3_235)
    expect(await given(host)).toBe(first)
    expect(world.partner.asked).toHaveLength(1)
    world.setTime(world.now() + 1)
    expect(await given(host)).toBe(first)
    await askedTimes(2)
    expect(await given(host)).not.toBe(first)
    expect(world.partner.asked).toHaveLength(2)
  })

  it('that is due is given while the partner is down, until its end and no longer', async () => {
    const name = fresh()
    const host = `${name}.example`
    const first = await given(host)
    const since = world.now()
    world.partner.answer({ status: 500 })
    world.setTime(since + 3_300)
    expect(await given(host)).toBe(first)
    await askedTimes(4)
    world.setTime(since + 3_594)
    expect(await given(host)).toBe(first)
    world.setTime(since + 3_596)
    expect([(await sent(host)).status]).toEqual([503])
  })

  it('whose renewal is refused is given no more', async () => {
    const name = fresh()
    const host = `${name}.example`
    await given(host)
    world.partner.answer({ status: 400, body: { error: 'unauthorized_client' } })
    world.setTime(world.now() + 3_300)
    await given(host)
    await askedTimes(2)
    expect((await sent(host)).status).toBe(502)
  })

  it('is used past what the document says only while the partner is down, and never past its own end', async () => {
    const first = await given('stale.example')
    const since = world.now()
    world.partner.answer({ status: 500 })
    world.setTime(since + 700)
    expect(await given('stale.example')).toBe(first)
    expect(world.traces.at(-1)?.credentialFrom).toBe('stale')
    world.setTime(since + 3_590)
    expect(await given('stale.example')).toBe(first)
    world.setTime(since + 3_596)
    expect((await sent('stale.example')).status).toBe(503)
    world.partner.answer(() => tokens())
    world.setTime(since + 3_700)
    expect(await given('stale.example')).not.toBe(first)
  })

  it('that nobody says the end of is kept for five minutes', async () => {
    const name = fresh()
    const host = `${name}.example`
    world.partner.answer(() => tokens({ expires_in: undefined }))
    const { body } = await sent(host)
    expect(Date.parse(String(body['expires_at'])) / 1_000).toBe(world.now() + 300)
  })
})

describe('invalidation', () => {
  it('makes the next one who asks get a new one', async () => {
    const name = fresh()
    const host = `${name}.example`
    const { body } = await sent(host)
    const answer = await invalidate(name, body['credential_id'])
    expect([answer.status, answer.body]).toEqual([200, { invalidated: true, request_id: expect.any(String) }])
    expect((await sent(host)).body['credential_id']).not.toBe(body['credential_id'])
    expect(world.partner.asked).toHaveLength(2)
  })

  it('of what was replaced already changes nothing', async () => {
    const name = fresh()
    const host = `${name}.example`
    const { body } = await sent(host)
    await invalidate(name, body['credential_id'])
    await sent(host)
    expect((await invalidate(name, body['credential_id'])).body['invalidated']).toBe(false)
    await sent(host)
    expect(world.partner.asked).toHaveLength(2)
  })

  it('counts for the partner alone that it names', async () => {
    const name = fresh()
    const { body } = await sent(`${name}.example`)
    await sent('keys.example')
    expect((await invalidate('keys', body['credential_id'])).body['invalidated']).toBe(false)
    expect(await given('keys.example')).toContain('api-key-one')
    expect((await sent(`${name}.example`)).body['credential_id']).toBe(body['credential_id'])
  })

  it('is heeded once in five seconds, however often a partner takes nothing', async () => {
    const name = fresh()
    const first = await sent(`${name}.example`)
    expect((await invalidate(name, first.body['credential_id'])).body['invalidated']).toBe(true)
    const second = await sent(`${name}.example`)
    expect((await invalidate(name, second.body['credential_id'])).body['invalidated']).toBe(false)
    world.setTime(world.now() + 5)
    expect((await invalidate(name, second.body['credential_id'])).body['invalidated']).toBe(true)
    expect(world.partner.asked).toHaveLength(2)
  })

  it('of what an older slot made does not count against the newer one', async () => {
    const [ada, bob] = [await sent('jwts.example'), await sent('jwts.example', { sub: 'bob' })]
    await invalidate('jwts', ada.body['credential_id'])
    const renewed = await sent('jwts.example')
    expect(renewed.body['credential_id']).not.toBe(ada.body['credential_id'])
    await invalidate('jwts', bob.body['credential_id'])
    expect((await sent('jwts.example')).body['credential_id']).toBe(renewed.body['credential_id'])
  })

  it.each([
    ['without proof', 'plain', {}, 403],
    ['of a partner that does not exist', 'constructor', gatewayProof, 403],
  ])('%s is refused', async (_, name, headers, status) => {
    expect((await invalidate(name, 'x', headers)).status).toBe(status)
  })

  it.each([
    ['no JSON', 'no'],
    ['no members', {}],
    ['another type', { gateway: 'egress', partner: 'plain', credential_id: 1 }],
  ])('that is %s is malformed', async (_, body) => {
    const answer = await world.post('/v1/egress/invalidate', body, gatewayProof)
    expect([answer.status, world.reason()]).toEqual([400, 'request.description_malformed'])
  })

  it('of a key takes the other slot, and stays there', async () => {
    expect(await given('keys.example')).toContain('api-key-one')
    const { body } = await sent('keys.example')
    expect((await invalidate('keys', body['credential_id'])).body['invalidated']).toBe(true)
    expect(await given('keys.example')).toContain('api-key-two')
    world.setTime(world.now() + 3_600)
    expect(await given('keys.example')).toContain('api-key-two')
  })
})

describe('a secret in two slots', () => {
  it('is taken from the second when the partner does not take the first, at once, and metrics say so', async () => {
    world.partner.answer(({ form }) =>
      form()['client_secret'] === 'secret-two' ? tokens() : { status: 401, body: { error: 'invalid_client' } },
    )
    expect((await sent('slots.example')).status).toBe(200)
    expect(world.partner.asked.map(({ form }) => form()['client_secret'])).toEqual(['secret-one', 'secret-two'])
    world.setTime(world.now() + 7_200)
    expect((await sent('slots.example')).status).toBe(200)
    expect(world.partner.asked.map(({ form }) => form()['client_secret']).at(-1)).toBe('secret-two')
    expect(counted).toContain('dragoman_secret_refused_total slots clientSecret first')
    expect(counted).toContain('dragoman_secret_used_total slots clientSecret second')
  })

  it('of which neither is taken is refused once for each, and does not go round', async () => {
    world.partner.answer({ status: 401, body: { error: 'invalid_client' } })
    expect((await sent('slots.example')).status).toBe(502)
    expect(world.partner.asked.length).toBeLessThanOrEqual(2)
    expect((await sent('slots.example')).status).toBe(502)
    expect(world.partner.asked.length).toBeLessThanOrEqual(3)
  })
})

describe('a refusal that is not about a secret', () => {
  it('of the credential below leaves the slots of the one above alone', async () => {
    world.partner.answer({ status: 401, body: { error: 'invalid_client' } })
    expect((await sent('nested.example')).status).toBe(502)
    world.setTime(world.now() + 3)
    world.partner.answer(() => tokens())
    expect((await sent('nested.example')).status).toBe(200)
    expect(world.partner.asked.at(-1)?.form()).toMatchObject({ client_id: 'outer', client_secret: 'secret-one' })
  })

  it('of one identity leaves the secret of all in its slot', async () => {
    world.partner.answer({ status: 400, body: { error: 'invalid_grant' } })
    expect((await sent('theirs.example')).status).toBe(502)
    expect(world.partner.asked).toHaveLength(1)
    world.partner.answer(() => tokens())
    expect((await sent('theirs.example', { sub: 'bob' })).status).toBe(200)
    expect(world.partner.asked.at(-1)?.form()).toMatchObject({ client_secret: 'secret-one' })
  })
})

/** A partner that replaces the refresh token each time. */
const rotating = (url: string) =>
  partner(
    'rotating',
    {
      type: 'refresh-token',
      tokenEndpoint: `${url}/token`,
      clientAuth: { method: 'none', clientId: 'c' },
      refreshToken: { env: 'seed' },
    },
    at('rotating.example'),
  )

describe('a refresh token', () => {
  it('that took the place of another is not lost with a store that is down', async () => {
    let isDown = true
    const inner = createMemoryCredentials()
    const broken: CredentialStore = {
      ...inner,
      put: (...put) => (isDown ? Promise.reject(new Error('down')) : inner.put(...put)),
    }
    const other = await openEgressWorld({
      secrets: { seed: 'r-first' },
      credentials: broken,
      documents: (url) => [rotating(url)],
    })
    other.partner.answer(() => tokens({ refresh_token: 'r-second' }))
    expect((await sent('rotating.example', {}, other)).status).toBe(200)
    isDown = false
    other.setTime(other.now() + 7_200)
    expect((await sent('rotating.example', {}, other)).status).toBe(200)
    expect(other.partner.asked.map(({ form }) => form()['refresh_token'])).toEqual(['r-first', 'r-second'])
    await other.stop()
  })
})

describe('a refresh token of several instances', () => {
  const openInstances = async () => {
    const guard = createMemoryReplayGuard(createNodeDigest())
    /** What a further instance does that is not here. */
    const turn = { isTaken: false, isUnknown: false }
    const once: ReplayGuard['once'] = async (...claim) => {
      if (turn.isUnknown) throw new Error('down')
      return !turn.isTaken && guard.once(...claim)
    }
    const shared = {
      keyring: await testKeyring(),
      replay: { ...guard, once },
      credentials: createMemoryCredentials(),
      secrets: { seed: 'r-of-all-instances-0' },
    }
    const one = await openEgressWorld({ ...shared, documents: (url) => [rotating(url)] })
    const others = await Promise.all(
      [1, 2, 3].map(() => openEgressWorld({ ...shared, documents: () => [rotating(one.partner.url)] })),
    )
    const all = [one, ...others]
    const askAll = () => Promise.all(all.map((instance) => sent('rotating.example', {}, instance)))
    const used = () => one.partner.asked.map(({ form }) => form()['refresh_token'])
    return { one, all, askAll, used, turn, stop: () => Promise.all(all.map((instance) => instance.stop())) }
  }

  /** As servers that rotate do: who comes with an old one is refused, and a while goes by. */
  const rotatingServer = () => {
    let round = 0
    return async ({ form }: { readonly form: () => Readonly<Record<string, string>> }) => {
      if (form()['refresh_token'] !== `r-of-all-instances-${round}`)
        return { status: 400, body: { error: 'invalid_grant' } }
      round += 1
      const mine = round
      await sleep(300)
      return tokens({ access_token: `access-of-round-${mine}`, refresh_token: `r-of-all-instances-${mine}` })
    }
  }

  it('is used by one of them at a time, and the others have what that one got', async () => {
    const { one, all, askAll, used, stop } = await openInstances()
    one.partner.answer(rotatingServer())
    for (const round of [1, 2, 3]) {
      const answers = await askAll()
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
      const credentials = answers.map(({ body }) => JSON.stringify(body['set']))
      expect(new Set(credentials).size).toBe(1)
      expect(credentials[0]).toContain(`access-of-round-${round}`)
      expect(used()).toHaveLength(round)
      for (const instance of all) instance.setTime(instance.now() + 7_200)
    }
    await stop()
  })

  it('is used by another when nothing came of it', async () => {
    const { one, askAll, used, stop } = await openInstances()
    const server = rotatingServer()
    let isDown = true
    one.partner.answer((asked) => {
      const answer = isDown ? { status: 503 } : server(asked)
      isDown = false
      return answer
    })
    const answers = await askAll()
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 200, 200, 503])
    expect(used()).toEqual(['r-of-all-instances-0', 'r-of-all-instances-0'])
    await stop()
  })

  it('is let alone while one that has taken its turn is not heard of, and used once that one has had its time', async () => {
    const { one, all, used, turn, stop } = await openInstances()
    one.partner.answer(rotatingServer())
    turn.isTaken = true
    const refused = await sent('rotating.example', {}, one)
    expect([refused.status, one.reason(), used()]).toEqual([503, 'partner.unavailable', []])
    turn.isTaken = false
    for (const instance of all) instance.setTime(instance.now() + 60)
    expect((await sent('rotating.example', {}, one)).status).toBe(200)
    await stop()
  })

  it('is not used when nobody can say whose turn it is', async () => {
    const { one, used, turn, stop } = await openInstances()
    turn.isUnknown = true
    const refused = await sent('rotating.example', {}, one)
    expect([refused.status, one.reason(), used()]).toEqual([503, 'store.unavailable', []])
    await stop()
  })
})

describe('the store', () => {
  it('holds nothing but JWE, and gives a process that starts what another has obtained', async () => {
    const name = fresh()
    const host = `${name}.example`
    const first = await given(host)
    expect(texts.length).toBeGreaterThan(0)
    expect(texts.join('\n')).not.toMatch(/partner-token|secret-one|plain|user:ada/)
    for (const [index, text] of texts.entries())
      expect(text).toMatch(
        index % 2 === 0 ? /^[A-Za-z0-9_-]{43}$/ : /^[A-Za-z0-9_-]+\.\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/,
      )
    expect(first).toContain('partner-token')
  })
})

describe('what is kept for one identity', () => {
  const person = fc.record({
    sub: fc.constantFrom('ada', 'bob', 'ada:bob', 'a'),
    tenant: fc.constantFrom('t1', 't2', undefined),
    groups: fc.constantFrom(['crm'], ['crm', 'x']),
  })

  it('is never given to another, and always to the same', async () => {
    const owners = new Map<string, string>()
    const credentials = new Map<string, string>()
    await fc.assert(
      fc.asyncProperty(person, async ({ sub, tenant, groups }) => {
        const set = await given('each.example', { sub, groups, ...(tenant && { tenant }) })
        const who = JSON.stringify([sub, tenant])
        expect(owners.get(set) ?? who).toBe(who)
        expect(credentials.get(who) ?? set).toBe(set)
        owners.set(set, who)
        credentials.set(who, set)
      }),
      { numRuns: 60 },
    )
    expect(owners.size).toBe(credentials.size)
    expect(world.partner.asked).toHaveLength(credentials.size)
  })
})
