import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseList } from 'structured-headers'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { auditEvent } from '../../src/formats/audit-event.ts'
import { type Answer, type AuthzWorld, bearer, gatewayOf, openAuthzWorld, proof, routes } from './authz-world.ts'

/** How many requests are answered: of a gateway, of a subject, and of everybody at once. */

let world: AuthzWorld
let time = Math.floor(Date.now() / 1_000)

const limited = (name: string, dialect: string, rateLimit: object) => gatewayOf(name, dialect, { rateLimit })

describe('a limit', () => {
  const perMinute = (requests: number) => ({ requests, per: '1m' })

  beforeAll(async () => {
    world = await openAuthzWorld(
      [
        limited('edge', 'forward-auth', { gateway: perMinute(5) }),
        limited('quiet', 'nginx', { gateway: perMinute(5) }),
        limited('people', 'forward-auth', { subject: perMinute(3) }),
        limited('others', 'forward-auth', { subject: perMinute(3) }),
        limited('racing', 'envoy-http', { subject: perMinute(10) }),
      ],
      { now: () => time },
    )
  })
  afterAll(() => world.stop())
  afterEach(() => {
    time += 180
  })

  const tokenOf = (sub: string, more: object = {}) => world.accessToken({ sub, iat: time, exp: time + 600, ...more })
  const asked = async (of: string, token: string): Promise<Answer> =>
    world.ask(of === 'quiet' ? 'nginx' : 'forward-auth', { of }, bearer(token))
  const statuses = async (count: number, ask: () => Promise<Answer>): Promise<readonly number[]> => {
    const all: number[] = []
    for (let n = 0; n < count; n += 1) all.push((await ask()).status)
    return all
  }

  it('of a gateway holds for all that it asks, whoever its clients are', async () => {
    for (let n = 0; n < 5; n += 1) expect((await asked('edge', await tokenOf(`user-${n}`))).status).toBe(200)
    const refused = await asked('edge', await tokenOf('another'))
    expect(refused).toMatchObject({ status: 429, reason: 'rate.exceeded' })
    expect(JSON.parse(refused.body)).toMatchObject({ error: 'temporarily_unavailable' })
    expect(refused.headers['www-authenticate']).toBeUndefined()
  })

  it.each([0, 1, 17, 31, 59])(
    'is told in the words of the draft, and when to come again: %i s into a minute',
    async (second) => {
      time = Math.ceil(time / 60) * 60 + second
      await statuses(5, async () => asked('edge', await tokenOf('ada')))
      const { headers } = await asked('edge', await tokenOf('ada'))
      const retryAfter = Number(headers['retry-after'])
      expect(retryAfter).toBeGreaterThanOrEqual(1)
      expect(retryAfter).toBeLessThanOrEqual(120)
      expect(parseList(String(headers['ratelimit-policy']))).toEqual([
        ['gateway', new Map(Object.entries({ q: 5, w: 60 }))],
      ])
      expect(parseList(String(headers['ratelimit']))).toEqual([
        ['gateway', new Map(Object.entries({ r: 0, t: retryAfter }))],
      ])
      time += retryAfter
      expect((await asked('edge', await tokenOf('ada'))).status).toBe(200)
    },
  )

  it('is 403 where the gateway would not pass 429 on', async () => {
    await statuses(5, async () => asked('quiet', await tokenOf('ada')))
    expect(await asked('quiet', await tokenOf('ada'))).toMatchObject({ status: 403, reason: 'rate.exceeded' })
  })

  it('of a gateway is not used up by who is none', async () => {
    const stranger = () => world.call('GET', '/authz/edge', [['x-gateway-secret', 'guessed']])
    expect(await statuses(20, stranger)).toEqual(Array.from({ length: 20 }, () => 403))
    expect((await asked('edge', await tokenOf('ada'))).status).toBe(200)
  })

  it('of a gateway is asked before the credential is looked at', async () => {
    await statuses(5, async () => asked('edge', await tokenOf('ada')))
    const refused = await asked('edge', 'no.token.at-all')
    expect(refused).toMatchObject({ status: 429, reason: 'rate.exceeded' })
    expect(refused.trace.subjectTokenFingerprint).toBeUndefined()
  })

  it('of a subject holds for all tokens of theirs, new ones and known ones', async () => {
    const token = await tokenOf('ada')
    expect(await statuses(2, () => asked('people', token))).toEqual([200, 200])
    expect((await asked('people', await tokenOf('ada', { jti: 'another' }))).status).toBe(200)
    expect((await asked('people', await tokenOf('ada', { jti: 'a third' }))).status).toBe(429)
    expect((await asked('people', token)).status).toBe(429)
    expect((await asked('people', await tokenOf('bob'))).status).toBe(200)
  })

  it('of a subject tells tenants and gateways apart', async () => {
    expect(await statuses(4, async () => asked('people', await tokenOf('ada')))).toEqual([200, 200, 200, 429])
    expect((await asked('people', await tokenOf('ada', { tenant: 'other' }))).status).toBe(200)
    expect((await asked('others', await tokenOf('ada'))).status).toBe(200)
  })

  it('of a subject is not used up by tokens that are not good', async () => {
    const expired = () => tokenOf('ada', { exp: time - 100 })
    expect(await statuses(5, async () => asked('people', await expired()))).toEqual([401, 401, 401, 401, 401])
    expect((await asked('people', await tokenOf('ada'))).status).toBe(200)
  })

  it('says in the audit event whose it was', async () => {
    const token = await tokenOf('ada')
    await statuses(3, () => asked('people', token))
    expect(auditEvent((await asked('people', token)).trace, time)).toMatchObject({
      decision: 'refused',
      reason: 'rate.exceeded',
      subject: 'ada',
    })
  })

  it('is exact when many come at once', async () => {
    const token = await tokenOf('ada')
    const answers = await Promise.all(
      Array.from({ length: 64 }, () => world.ask('envoy-http', { of: 'racing' }, bearer(token))),
    )
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(10)
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(54)
  })
})

describe('overload', () => {
  let openSockets: ReturnType<typeof connect>[] = []

  beforeAll(async () => {
    world = await openAuthzWorld(
      ['envoy-http', 'forward-auth', 'nginx'].map((dialect) => gatewayOf(dialect, dialect, { routes })),
      { maxInFlight: 2 },
    )
  })
  afterEach(async () => {
    for (const socket of openSockets) socket.destroy()
    openSockets = []
    await sleep(30)
  })
  afterAll(() => world.stop())

  /** A request whose body does not come to its end, and so stays in progress. */
  const occupy = async (): Promise<void> => {
    const socket = connect(Number(new URL(world.url).port), '127.0.0.1')
    openSockets.push(socket)
    await once(socket, 'connect')
    const type = 'content-type: application/x-www-form-urlencoded'
    socket.write(
      ['POST /token HTTP/1.1', 'host: dragoman', type, 'content-length: 100', '', 'grant_type=x'].join('\r\n'),
    )
    await sleep(30)
  }

  const post = (path: string) =>
    fetch(`${world.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', connection: 'close' },
      body: 'grant_type=x',
    })

  it.each(['/token', '/introspect'])('turns clients away with 503 before %s reads anything', async (path) => {
    await occupy()
    expect((await post(path)).status).not.toBe(503)
    await occupy()
    const recorded = world.traces.length
    const answer = await post(path)
    expect(answer.status).toBe(503)
    expect(answer.headers.get('retry-after')).toBe('5')
    expect(await answer.json()).toMatchObject({ error: 'temporarily_unavailable' })
    expect(world.traces.length).toBe(recorded)
  })

  it.each([
    ['envoy-http', 503],
    ['forward-auth', 403],
    ['nginx', 403],
  ] as const)('is told to a gateway of the dialect %s as an outage: %d', async (dialect, status) => {
    const token = await world.accessToken()
    expect((await world.ask(dialect, {}, bearer(token))).status).toBe(200)
    await occupy()
    await occupy()
    const refused = await world.ask(dialect, {}, bearer(token))
    expect(refused.status).toBe(status)
    expect(JSON.parse(refused.body)).toMatchObject({ error: 'temporarily_unavailable' })
    expect(refused.headers['authorization']).toBeUndefined()
  })

  it('tells who names no gateway no more than ever', async () => {
    const ever = await world.call('GET', '/authz/nobody', proof)
    await occupy()
    await occupy()
    const refused = await world.call('GET', '/authz/nobody', proof)
    expect(refused.status).toBe(403)
    expect({ ...JSON.parse(refused.body), request_id: '' }).toEqual({ ...JSON.parse(ever.body), request_id: '' })
  })

  it('is over as soon as somebody is done or gone', async () => {
    await occupy()
    await occupy()
    expect((await post('/token')).status).toBe(503)
    openSockets[0]?.destroy()
    await sleep(30)
    expect((await post('/token')).status).not.toBe(503)
    openSockets[1]?.write('x'.repeat(88))
    await sleep(30)
    expect(
      await Promise.all([post('/token'), post('/token')].map(async (answer) => (await answer).status)),
    ).not.toContain(503)
  })
})
