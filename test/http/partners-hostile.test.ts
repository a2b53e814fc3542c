import { createServer, type Server } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { answerDescribed } from '../../src/http/egress-described.ts'
import { type EgressWorld, gatewayProof, openEgressWorld, partner } from './egress-world.ts'

/** Partners that are down, slow, lying or hostile: each gets a clear refusal, in time, and nothing of it leaks. */

const at = (host: string) => ({ destinations: { hosts: [host] } })

const clientCredentials = (tokenEndpoint: string) => ({
  type: 'client-credentials',
  tokenEndpoint,
  clientAuth: { method: 'client_secret_post', clientId: 'c', clientSecret: { file: 'client' } },
})

const secret = 'the-client-secret-of-the-hostile-tests'

/** Says how long an answer will be and sends a little of it at a time. */
const startDripping = async (): Promise<{ readonly url: string; readonly server: Server }> => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{')
      const timer = setInterval(() => socket.write(' '), 100)
      socket.on('close', () => clearInterval(timer))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return { url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`, server }
}

let world: EgressWorld
let dripping: Awaited<ReturnType<typeof startDripping>>

beforeAll(async () => {
  dripping = await startDripping()
  world = await openEgressWorld({
    secrets: { client: secret },
    documents: (url) => [
      ...Array.from({ length: 60 }, (_, n) =>
        partner(`p${n}`, clientCredentials(`${url}/token`), { ...at(`p${n}.example`), calls: { timeout: '1s' } }),
      ),
      partner('each', { ...clientCredentials(`${url}/token`), perIdentity: true }, at('each.example')),
      partner('dripping', clientCredentials(`${dripping.url}/token`), {
        ...at('dripping.example'),
        calls: { timeout: '1s' },
      }),
      partner('private', clientCredentials('https://10.1.2.3/token'), at('private.example')),
      partner('metadata', clientCredentials('https://169.254.169.254/token'), at('metadata.example')),
      partner('gone', clientCredentials('http://127.0.0.1:9/token'), at('gone.example')),
      partner('narrow', clientCredentials(`${url}/token`), {
        ...at('narrow.example'),
        calls: { timeout: '5s', concurrency: 1 },
        credential: { ...clientCredentials(`${url}/token`), perIdentity: true },
      }),
    ],
  })
})

let next = 0
/** A partner that nobody has asked for anything yet. */
const fresh = () => `p${next++}.example`

beforeEach(() => {
  world.partner.forget()
  world.setTime(world.now() + 86_400)
})

afterAll(async () => {
  await world.stop()
  dripping.server.close()
})

const sent = async (host: string, claims: object = {}) => {
  const token = await world.token({ ...claims })
  return world.describe(token, { url: `https://${host}/` })
}

const token = (more: object = {}) => ({
  body: { access_token: 'partner-token', token_type: 'Bearer', expires_in: 3_600, ...more },
})

/** All that was said to anybody about what happened. */
const everythingSaid = (answer: object) => JSON.stringify([answer, world.traces.at(-1)])

describe('an answer that is', () => {
  it.each([
    ['garbage', { body: '\u0000\u0001not json', headers: { 'content-type': 'application/json' } }],
    ['HTML', { body: '<html>login</html>', headers: { 'content-type': 'text/html' } }],
    [
      'JSON with a member twice',
      {
        body: '{"access_token":"a","access_token":"b","token_type":"Bearer"}',
        headers: { 'content-type': 'application/json' },
      },
    ],
    ['an empty object', { body: {} }],
    ['a list', { body: [] }],
    ['without a token', { body: { token_type: 'Bearer' } }],
    ['of a token that is no text', token({ access_token: { a: 1 } })],
    ['of an empty token', token({ access_token: '' })],
    ['of a token with a line break', token({ access_token: 'a\r\nX-Admin: true' })],
    ['of a token with a space', token({ access_token: 'a b' })],
    ['of a token that is not ASCII', token({ access_token: 'tökén' })],
    ['of a token of 20,000 characters', token({ access_token: 'a'.repeat(20_000) })],
    ['of a token without type', token({ token_type: undefined })],
    ['of a token of another type', token({ token_type: 'mac' })],
    ['of a token for DPoP', token({ token_type: 'DPoP' })],
    ['expires_in -1', token({ expires_in: -1 })],
    ['expires_in 0', token({ expires_in: 0 })],
    [
      'expires_in 1e400',
      {
        body: '{"access_token":"a","token_type":"Bearer","expires_in":1e400}',
        headers: { 'content-type': 'application/json' },
      },
    ],
    ['expires_in of a century', token({ expires_in: 3_153_600_000 })],
    ['expires_in "soon"', token({ expires_in: 'soon' })],
    ['expires_in "3600 "', token({ expires_in: '3600 ' })],
    ['expires_in null', token({ expires_in: null })],
    ['scope that is no text', token({ scope: ['a'] })],
    [
      '10 MB',
      { body: `{"access_token":"${'a'.repeat(10_000_000)}"}`, headers: { 'content-type': 'application/json' } },
    ],
    ['a redirect to a private address', { status: 307, headers: { location: 'http://10.0.0.1/token' } }],
    [
      'a redirect to the metadata of a cloud',
      { status: 302, headers: { location: 'http://169.254.169.254/latest/meta-data' } },
    ],
  ])('%s is refused as no answer', async (_, answer) => {
    world.partner.answer(answer)
    const result = await sent(fresh())
    expect([result.status, world.reason()]).toEqual([502, 'partner.invalid_answer'])
    expect(result.body).toEqual({
      decision: 'deny',
      error: 'temporarily_unavailable',
      error_description: "the partner's answer cannot be understood or is not acceptable",
      request_id: expect.any(String),
    })
    expect(everythingSaid(result)).not.toMatch(/X-Admin|the-client-secret|login|meta-data/)
    expect(world.partner.asked).toHaveLength(1)
  })

  it.each([
    [
      '400 with an error of OAuth',
      { status: 400, body: { error: 'invalid_client', error_description: secret } },
      'partner.unauthenticated',
      'status 400: invalid_client',
    ],
    [
      '401 with a challenge',
      { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } },
      'partner.unauthenticated',
      'status 401',
    ],
    ['400 with another error', { status: 400, body: { error: 'invalid_scope' } }, 'partner.refused', 'invalid_scope'],
    ['403 with HTML', { status: 403, body: `<html>${secret}</html>` }, 'partner.refused', 'status 403'],
    [
      'an error that is a sentence',
      { status: 400, body: { error: `no such ${secret}` } },
      'partner.refused',
      'status 400',
    ],
  ])('%s is a refusal, and no more than a code of it is kept', async (_, answer, reason, detail) => {
    world.partner.answer(answer)
    const result = await sent(fresh())
    expect([result.status, world.reason()]).toEqual([502, reason])
    expect(world.traces.at(-1)?.outcome).toMatchObject({ detail: expect.stringContaining(detail) })
    expect(everythingSaid(result)).not.toContain(secret)
  })
})

describe('a partner that is', () => {
  it.each([[500], [503], [429]])('broken (%i) is tried again twice, then left', async (status) => {
    world.partner.answer({ status, body: secret })
    const result = await sent(fresh())
    expect([result.status, world.reason()]).toEqual([503, 'partner.unavailable'])
    expect(result.headers.get('retry-after')).not.toBeNull()
    expect(world.partner.asked).toHaveLength(3)
    expect(everythingSaid(result)).not.toContain(secret)
  })

  it('broken once is asked once more', async () => {
    let round = 0
    world.partner.answer(() => (round++ === 0 ? { status: 502 } : token()))
    expect((await sent(fresh())).status).toBe(200)
    expect(world.partner.asked).toHaveLength(2)
  })

  it('silent is given up in time, and asked once', async () => {
    world.partner.answer(() => new Promise(() => undefined))
    const began = performance.now()
    const result = await sent(fresh())
    expect([result.status, world.reason()]).toEqual([504, 'partner.timeout'])
    expect(performance.now() - began).toBeLessThan(2_500)
    expect(world.partner.asked).toHaveLength(1)
  })

  it('dripping is given up in time', async () => {
    const began = performance.now()
    expect([(await sent('dripping.example')).status, world.reason()]).toEqual([504, 'partner.timeout'])
    expect(performance.now() - began).toBeLessThan(2_500)
  })

  it.each([['gone.example'], ['private.example'], ['metadata.example']])(
    'not there, or where it must not be, is none (%s)',
    async (host) => {
      expect([(await sent(host)).status, world.reason()]).toEqual([503, 'partner.unavailable'])
    },
  )

  it('refusing is not asked again for two seconds, and then it is', async () => {
    world.partner.answer({ status: 400, body: { error: 'invalid_client' } })
    const host = fresh()
    await sent(host)
    await sent(host)
    expect(world.partner.asked).toHaveLength(1)
    world.setTime(world.now() + 3)
    world.partner.answer(token())
    expect((await sent(host)).status).toBe(200)
    expect(world.partner.asked).toHaveLength(2)
  })

  it('broken five times in a row is left alone, and no other partner with it', async () => {
    world.partner.answer({ status: 500 })
    const host = fresh()
    await sent(host)
    world.setTime(world.now() + 3)
    await sent(host)
    expect(world.partner.asked).toHaveLength(5)
    world.setTime(world.now() + 3)
    expect([(await sent(host)).status, world.reason()]).toEqual([503, 'partner.circuit_open'])
    expect(world.partner.asked).toHaveLength(5)
    world.partner.answer(token())
    expect((await sent(fresh())).status).toBe(200)
  })

  it('busy makes only its own callers wait, and turns more of them away', async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<void>()
    world.partner.answer(async () => {
      await held
      return token()
    })
    const tokens = await Promise.all(['a', 'b', 'c'].map((sub) => world.token({ sub })))
    const waiting = tokens.map((one) => world.describe(one, { url: 'https://narrow.example/' }))
    const first = await Promise.race(waiting)
    expect(first.status).toBe(503)
    expect(world.reason()).toBe('partner.overloaded')
    release()
    const answers = await Promise.all(waiting)
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 200, 503])
  })
})

describe('many at once', () => {
  /** Without the listener, which would turn some of so many away. */
  const asked = async (host: string, bearer: string) => {
    const described = {
      gateway: 'egress',
      method: 'GET',
      url: `https://${host}/`,
      headers: { authorization: `Bearer ${bearer}` },
    }
    const fields = new Map(Object.entries({ ...gatewayProof, 'content-type': 'application/json' }))
    const call = {
      method: 'POST',
      target: '/v1/egress',
      isVerbatim: true,
      header: (name: string) => fields.get(name),
      body: () => Promise.resolve(JSON.stringify(described)),
      caller: () => ({}),
    }
    const answer = await answerDescribed(call, world.desk)
    return { status: answer.status, set: (JSON.parse(answer.body) as { set?: unknown }).set }
  }

  const slowly = async () => {
    await sleep(200)
    return token()
  }

  it('cause one call a key: a thousand on a cold cache', async () => {
    world.partner.answer(slowly)
    const host = fresh()
    const mine = await world.token()
    const answers = await Promise.all(Array.from({ length: 1_000 }, () => asked(host, mine)))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect(world.partner.asked).toHaveLength(1)
  })

  it('hear of one refusal together', async () => {
    world.partner.answer(async () => {
      await sleep(200)
      return { status: 400, body: { error: 'invalid_client' } }
    })
    const host = fresh()
    const mine = await world.token()
    const answers = await Promise.all(Array.from({ length: 1_000 }, () => asked(host, mine)))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([502]))
    expect(world.partner.asked).toHaveLength(1)
  })

  it('of ten identities cause ten calls where the credential is each of theirs, and nobody gets that of another', async () => {
    let issued = 0
    world.partner.answer(async () => {
      await sleep(50)
      return token({ access_token: `token-${issued++}` })
    })
    const tokens = await Promise.all(Array.from({ length: 10 }, (_, n) => world.token({ sub: `user-${n}` })))
    const answers = await Promise.all(
      Array.from({ length: 1_000 }, async (_, n) => ({
        who: n % 10,
        ...(await asked('each.example', tokens[n % 10] ?? '')),
      })),
    )
    expect(world.partner.asked).toHaveLength(10)
    const given = Map.groupBy(answers, ({ who }) => who)
    const ofEach = [...given.values()].map((all) => new Set(all.map(({ set }) => JSON.stringify(set))))
    expect(ofEach.map(({ size }) => size)).toEqual(Array.from({ length: 10 }, () => 1))
    expect(new Set(ofEach.flatMap((set) => [...set])).size).toBe(10)
  })
})
