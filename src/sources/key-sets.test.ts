import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Claims, Json } from '../domain/claims.ts'
import type { JwsAlgorithm } from '../ports/signatures.ts'
import { createNodeHttp } from '../runtimes/node/http.ts'
import { createNodeSignatures } from '../runtimes/node/signatures.ts'
import { createKeySets, type KeySetSpec } from './key-sets.ts'
import { createOutbound } from './outbound.ts'

const signatures = createNodeSignatures()

/** The public half of a new key. */
const newKey = async (algorithm: JwsAlgorithm, members: Claims = {}): Promise<Claims> => {
  const { d: _d, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, ...jwk } = await signatures.generate(algorithm)
  return { ...jwk, ...members }
}

let first: Claims
let second: Claims
beforeAll(async () => {
  first = await newKey('ES256', { kid: 'first' })
  second = await newKey('ES256', { kid: 'second' })
})

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close()
    server.closeAllConnections()
  }
})

type Answer = (response: ServerResponse) => void

/** An issuer that can be told to misbehave; what is not told is not found. */
const startIssuer = async (path = '') => {
  const answers = new Map<string, Answer>()
  const seen: string[] = []
  const server = createServer((request, response) => {
    seen.push(request.url ?? '')
    const answer = answers.get(request.url ?? '')
    if (answer === undefined) response.writeHead(404).end('{}')
    else answer(response)
  }).listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  const origin = `http://127.0.0.1:${address.port}`
  const issuer = `${origin}${path}`
  const publish = (...keys: readonly Json[]) => answers.set('/jwks', json({ keys }))
  answers.set(
    `${path.replace(/\/$/, '')}/.well-known/openid-configuration`,
    json({ issuer, jwks_uri: `${origin}/jwks` }),
  )
  publish(first)
  const count = (url: string) => seen.filter((one) => one === url).length
  return { issuer, origin, answers, seen, publish, fetches: () => count('/jwks') }
}

const json =
  (body: Json, headers: Readonly<Record<string, string>> = {}): Answer =>
  (response) =>
    response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))

const breakOff: Answer = (response) => response.destroy()

const openSets = (files: Readonly<Record<string, string>> = {}) => {
  const logged: string[] = []
  const log = (message: string, fields?: unknown) => void logged.push(`${message} ${JSON.stringify(fields)}`)
  const read = async (path: string) => {
    const text = files[path]
    if (text === undefined) throw new Error('no such file')
    return text
  }
  const ports = { signatures, files: { read }, log: { info: log, warn: log } }
  const outbound = createOutbound(createNodeHttp(), { insecureLoopback: true })
  return { sets: createKeySets({ ports, outbound }), logged, files }
}

const common = { algorithms: ['ES256', 'RS256'], staleFor: 3_600, allowHosts: [] } satisfies Partial<KeySetSpec>
const openSet = (spec: Partial<KeySetSpec>) => {
  const { sets, logged } = openSets()
  return Object.assign(sets.open({ ...common, ...spec }), { logged })
}

const es256 = (kid?: string) => (kid === undefined ? { alg: 'ES256' as const } : { alg: 'ES256' as const, kid })
const unavailable = { name: 'Refusal', reason: 'keys.unavailable' }

describe('keys by discovery', () => {
  it('are found at the place that the metadata names', async () => {
    const { issuer, seen } = await startIssuer()
    const found = await openSet({ issuer }).candidates(es256('first'), 0)
    expect(found.stale).toBe(false)
    expect(found.keys.map(({ algorithm }) => algorithm)).toEqual(['ES256'])
    expect(seen).toEqual(['/.well-known/openid-configuration', '/jwks'])
  })

  it.each(['/tenant', '/tenant/', '/a/b'])('are found for an issuer with the path %s', async (path) => {
    const { issuer, seen } = await startIssuer(path)
    expect((await openSet({ issuer }).candidates(es256('first'), 0)).keys).toHaveLength(1)
    expect(seen[0]).toBe(`${path.replace(/\/$/, '')}/.well-known/openid-configuration`)
  })

  it.each([
    ['', ''],
    ['/', ''],
    ['/tenant', '/tenant'],
    ['/tenant/', '/tenant'],
  ])('are found by RFC 8414 where OpenID metadata is not (issuer path "%s")', async (path, suffix) => {
    const { issuer, origin, answers, seen } = await startIssuer(path)
    answers.delete(`${suffix}/.well-known/openid-configuration`)
    answers.set(`/.well-known/oauth-authorization-server${suffix}`, json({ issuer, jwks_uri: `${origin}/jwks` }))
    expect((await openSet({ issuer }).candidates(es256('first'), 0)).keys).toHaveLength(1)
    expect(seen).toHaveLength(3)
  })

  it('are not looked for elsewhere when the metadata cannot be had', async () => {
    const { issuer, origin, answers, seen } = await startIssuer()
    answers.set('/.well-known/openid-configuration', (response) => response.writeHead(500).end())
    answers.set('/.well-known/oauth-authorization-server', json({ issuer, jwks_uri: `${origin}/jwks` }))
    await expect(openSet({ issuer }).candidates(es256('first'), 0)).rejects.toMatchObject(unavailable)
    expect(seen).toEqual(['/.well-known/openid-configuration'])
  })

  it('come from the configured discovery document where there is one', async () => {
    const { issuer, origin, answers, seen } = await startIssuer()
    answers.set('/other', json({ issuer, jwks_uri: `${origin}/jwks` }))
    const set = openSet({ issuer, discoveryURL: `${origin}/other` })
    expect((await set.candidates(es256('first'), 0)).keys).toHaveLength(1)
    expect(seen).toEqual(['/other', '/jwks'])
  })

  it('are looked for anew once they are no longer where they were', async () => {
    const { issuer, origin, answers } = await startIssuer()
    const set = openSet({ issuer })
    await set.prefetch(0)
    answers.delete('/jwks')
    answers.set('/new', json({ keys: [second] }))
    answers.set('/.well-known/openid-configuration', json({ issuer, jwks_uri: `${origin}/new` }))
    await expect(set.candidates(es256('second'), 1)).rejects.toMatchObject(unavailable)
    expect((await set.candidates(es256('second'), 32)).keys).toHaveLength(1)
  })

  const lies: readonly (readonly [string, (issuer: string) => Json])[] = [
    ['names another issuer', () => ({ issuer: 'https://other.example', jwks_uri: '/jwks' })],
    ['adds a slash', (issuer) => ({ issuer: `${issuer}/`, jwks_uri: `${issuer}/jwks` })],
    ['names no issuer', (issuer) => ({ jwks_uri: `${issuer}/jwks` })],
    ['names several', (issuer) => ({ issuer: [issuer], jwks_uri: `${issuer}/jwks` })],
    ['names no keys', (issuer) => ({ issuer })],
    ['names keys that are no URL', (issuer) => ({ issuer, jwks_uri: 1 })],
    ['names a relative place', (issuer) => ({ issuer, jwks_uri: '/jwks' })],
    ['points into the network', (issuer) => ({ issuer, jwks_uri: 'https://10.0.0.1/jwks' })],
    ['points at metadata', (issuer) => ({ issuer, jwks_uri: 'http://169.254.169.254/latest' })],
    ['points at a file', (issuer) => ({ issuer, jwks_uri: 'file:///etc/passwd' })],
    ['is an array', (issuer) => [{ issuer, jwks_uri: `${issuer}/jwks` }]],
  ]

  it.each(lies)('are not had by metadata that %s', async (_, metadata) => {
    const { issuer, answers, fetches } = await startIssuer()
    answers.set('/.well-known/openid-configuration', json(metadata(issuer)))
    const set = openSet({ issuer })
    await expect(set.candidates(es256('first'), 0)).rejects.toMatchObject(unavailable)
    expect(set.state(0)).toBe('missing')
    expect(fetches()).toBe(0)
  })

  it.each(lies)('stay as they were when metadata comes that %s', async (_, metadata) => {
    const { issuer, answers } = await startIssuer()
    const set = openSet({ issuer })
    await set.prefetch(0)
    answers.set('/.well-known/openid-configuration', json(metadata(issuer)))
    expect(await set.candidates(es256('first'), 700)).toMatchObject({ keys: [{ algorithm: 'ES256' }], stale: true })
    expect(set.logged).toHaveLength(1)
    await expect(set.candidates(es256('first'), 3_600)).rejects.toMatchObject(unavailable)
  })
})

describe('rotation', () => {
  it('is noticed at the first token under a new key', async () => {
    const { issuer, publish, fetches } = await startIssuer()
    const set = openSet({ issuer })
    await set.prefetch(0)
    publish(first, second)
    expect((await set.candidates(es256('second'), 1)).keys).toHaveLength(1)
    expect((await set.candidates(es256('first'), 1)).keys).toHaveLength(1)
    expect(fetches()).toBe(2)
    publish(second)
    expect((await set.candidates(es256('first'), 2)).keys).toHaveLength(1)
    await set.candidates(es256('third'), 32)
    expect((await set.candidates(es256('first'), 33)).keys).toEqual([])
  })

  it('keeps the imported keys that are still published', async () => {
    const { issuer, publish } = await startIssuer()
    const set = openSet({ issuer })
    const before = await set.candidates(es256('first'), 0)
    publish(second, first)
    await set.candidates(es256('second'), 1)
    expect((await set.candidates(es256('first'), 2)).keys[0]).toBe(before.keys[0])
  })

  it('does not keep a key that has only its kid in common with an old one', async () => {
    const { issuer, publish } = await startIssuer()
    const set = openSet({ issuer })
    const before = await set.candidates(es256('first'), 0)
    publish({ ...second, kid: 'first' })
    await set.candidates(es256('third'), 1)
    const after = await set.candidates(es256('first'), 2)
    expect(after.keys).toHaveLength(1)
    expect(after.keys[0]).not.toBe(before.keys[0])
  })

  it('is noticed ahead of time when the keys have been in use for long', async () => {
    const { issuer, answers, fetches } = await startIssuer()
    answers.set('/jwks', json({ keys: [first] }, { 'cache-control': 'max-age=1000' }))
    const set = openSet({ issuer })
    await set.prefetch(0)
    await set.candidates(es256('first'), 799)
    expect(fetches()).toBe(1)
    await set.candidates(es256('first'), 800)
    await expect.poll(fetches).toBe(2)
    await expect.poll(() => set.state(1_700)).toBe('fresh')
  })
})

describe('storms', () => {
  it('of cold callers cause one fetch', async () => {
    const { issuer, seen } = await startIssuer()
    const set = openSet({ issuer })
    const asked = Array.from({ length: 1_000 }, (_, at) => set.candidates(es256('first'), at / 1_000))
    expect((await Promise.all(asked)).every(({ keys }) => keys.length === 1)).toBe(true)
    expect(seen).toEqual(['/.well-known/openid-configuration', '/jwks'])
  })

  it('of unknown keys on a cold set cause one fetch', async () => {
    const { issuer, fetches } = await startIssuer()
    const set = openSet({ issuer })
    const asked = Array.from({ length: 1_000 }, (_, at) => set.candidates(es256(`unknown ${at}`), at / 1_000))
    expect((await Promise.all(asked)).every(({ keys }) => keys.length === 0)).toBe(true)
    expect(fetches()).toBe(1)
  })

  it('of unknown keys cause one fetch a cooldown', async () => {
    const { issuer, fetches } = await startIssuer()
    const set = openSet({ issuer })
    await set.prefetch(0)
    const flood = (now: number) =>
      Promise.all(Array.from({ length: 1_000 }, (_, at) => set.candidates(es256(`unknown ${at}`), now)))
    for (let now = 1; now < 31; now += 3) await flood(now)
    expect(fetches()).toBe(2)
    await flood(31)
    await flood(32)
    expect(fetches()).toBe(3)
  })

  it('of known keys, whatever their signatures, cause none', async () => {
    const { issuer, fetches } = await startIssuer()
    const set = openSet({ issuer })
    await set.prefetch(0)
    for (let now = 1; now < 100; now++) {
      expect((await set.candidates(es256('first'), now)).keys).toHaveLength(1)
      expect((await set.candidates({ alg: 'RS256', kid: 'first' }, now)).keys).toEqual([])
    }
    expect(fetches()).toBe(1)
  })

  it('during an outage cause one attempt a cooldown', async () => {
    const { issuer, answers, seen } = await startIssuer()
    const set = openSet({ issuer })
    await set.prefetch(0)
    for (const path of answers.keys()) answers.set(path, breakOff)
    seen.length = 0
    for (let now = 700; now < 760; now++)
      await Promise.all(Array.from({ length: 20 }, () => set.candidates(es256('first'), now)))
    expect(set.logged).toHaveLength(2)
  })
})

const endless: Answer = (response) => {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.write('{"keys":[')
  const chunk = Buffer.alloc(1_000_000, ' ')
  let left = 60
  const more = () => {
    if (left-- > 0 && !response.destroyed) response.write(chunk, more)
    else response.end(']}')
  }
  more()
}

describe('outages', () => {
  it('leave the known keys in use as long as the budget lasts', async () => {
    const { issuer, answers, publish } = await startIssuer()
    const set = openSet({ issuer, staleFor: 1_000 })
    await set.prefetch(0)
    expect(set.state(599)).toBe('fresh')
    answers.set('/jwks', breakOff)
    expect(await set.candidates(es256('first'), 600)).toMatchObject({ keys: [{}], stale: true })
    expect(set.state(999)).toBe('stale')
    await expect(set.candidates(es256('second'), 601)).rejects.toMatchObject(unavailable)
    await expect(set.candidates(es256('first'), 1_000)).rejects.toMatchObject(unavailable)
    expect(set.state(1_000)).toBe('missing')
    publish(first)
    expect(await set.candidates(es256('first'), 1_040)).toMatchObject({ keys: [{}], stale: false })
  })

  it('make no verdict on a key that is not known', async () => {
    const { issuer, answers } = await startIssuer()
    const set = openSet({ issuer })
    await set.prefetch(0)
    answers.set('/jwks', breakOff)
    await expect(set.candidates(es256('second'), 1)).rejects.toMatchObject(unavailable)
    await expect(set.candidates(es256('second'), 2)).rejects.toMatchObject(unavailable)
    expect(await set.candidates(es256('first'), 3)).toMatchObject({ keys: [{}], stale: false })
  })

  it.each<readonly [string, Answer]>([
    ['an empty set', json({ keys: [] })],
    ['a set without usable keys', json({ keys: [{ kty: 'oct', k: 'AA', kid: 'first' }] })],
    ['no set', json({})],
    ['keys that are no list', json({ keys: { first: 1 } })],
    ['an array', json([])],
    ['null', json(null)],
    ['status 404', (response) => response.writeHead(404).end('{"keys":[]}')],
    ['status 500', (response) => response.writeHead(500).end()],
    ['status 204', (response) => response.writeHead(204).end()],
    ['what is not JSON', (response) => response.end('<html>')],
    ['JSON with a member twice', (response) => response.end(`{"keys":[],"keys":[${JSON.stringify(second)}]}`)],
    ['what is not UTF-8', (response) => response.end(Buffer.from([0x22, 0xff, 0x22]))],
    ['nothing', (response) => response.end()],
    ['60 MB', endless],
    ['a redirect to another origin', (response) => response.writeHead(302, { location: 'http://localhost:1/' }).end()],
    ['a redirect to itself', (response) => response.writeHead(302, { location: '/jwks' }).end()],
    ['a broken connection', breakOff],
  ])('are seen in %s, which never removes a known key', async (_, answer) => {
    const { issuer, answers, origin } = await startIssuer()
    const set = openSet({ issuer })
    await set.prefetch(0)
    answers.set('/jwks', answer)
    await expect(set.candidates(es256('second'), 1)).rejects.toMatchObject(unavailable)
    expect(await set.candidates(es256('first'), 600)).toMatchObject({ keys: [{}], stale: true })
    const cold = openSet({ jwksURI: `${origin}/jwks` })
    await expect(cold.candidates(es256('first'), 0)).rejects.toMatchObject(unavailable)
    expect(cold.logged).toHaveLength(1)
  })

  it('at the start end without a restart', async () => {
    const { issuer, answers, publish } = await startIssuer()
    answers.set('/jwks', breakOff)
    const set = openSet({ issuer })
    await set.prefetch(0)
    expect(set.state(0)).toBe('missing')
    expect(set.logged[0]).toContain('"keys":"missing"')
    publish(first)
    expect((await set.candidates(es256('first'), 5)).keys).toHaveLength(1)
    expect(set.state(5)).toBe('fresh')
  })
})

describe('candidates', () => {
  it('are all keys that fit the algorithm when no kid is given, ten at most', async () => {
    const { origin, publish } = await startIssuer()
    const others = await Promise.all(Array.from({ length: 12 }, () => newKey('ES256')))
    const rsa = await newKey('RS256', { kid: 'rsa' })
    const set = openSet({ jwksURI: `${origin}/jwks` })
    publish(first, rsa, second)
    expect((await set.candidates(es256(), 0)).keys).toHaveLength(2)
    expect((await set.candidates({ alg: 'RS256' }, 0)).keys).toHaveLength(1)
    publish(rsa, ...others)
    await set.candidates(es256('unknown'), 1)
    expect((await set.candidates(es256(), 2)).keys).toHaveLength(10)
  })

  it('are refetched when no kid is given and none fits', async () => {
    const { origin, publish, fetches } = await startIssuer()
    const rsa = await newKey('RS256')
    const set = openSet({ jwksURI: `${origin}/jwks` })
    await set.prefetch(0)
    publish(rsa)
    expect((await set.candidates({ alg: 'RS256' }, 1)).keys).toHaveLength(1)
    expect((await set.candidates(es256(), 2)).keys).toEqual([])
    expect(fetches()).toBe(2)
  })

  it('are both keys of one kid', async () => {
    const { origin, publish } = await startIssuer()
    publish(first, { ...second, kid: 'first' })
    const set = openSet({ jwksURI: `${origin}/jwks` })
    expect((await set.candidates(es256('first'), 0)).keys).toHaveLength(2)
  })

  it('match a kid to the letter', async () => {
    const { origin, publish } = await startIssuer()
    publish(first, { ...second, kid: '__proto__' })
    const set = openSet({ jwksURI: `${origin}/jwks` })
    for (const kid of ['FIRST', 'first ', 'firs', 'constructor', 'toString'])
      expect((await set.candidates(es256(kid), 0)).keys).toEqual([])
    expect((await set.candidates(es256('__proto__'), 0)).keys).toHaveLength(1)
  })

  it('are never keys without a kid when the token names one', async () => {
    const { origin, publish } = await startIssuer()
    const { kid: _, ...nameless } = first
    publish(nameless)
    const set = openSet({ jwksURI: `${origin}/jwks` })
    expect((await set.candidates(es256('first'), 0)).keys).toEqual([])
    expect((await set.candidates(es256(), 0)).keys).toHaveLength(1)
  })

  it('are of the algorithms that the spec allows', async () => {
    const { origin, publish } = await startIssuer()
    publish(first, await newKey('RS256', { kid: 'rsa' }))
    const set = openSet({ jwksURI: `${origin}/jwks`, algorithms: ['RS256'] })
    expect((await set.candidates(es256('first'), 0)).keys).toEqual([])
    expect((await set.candidates({ alg: 'RS256', kid: 'rsa' }, 0)).keys).toHaveLength(1)
  })
})

describe('places', () => {
  it('may be the document itself', async () => {
    const set = openSet({ jwks: { keys: [first] } })
    expect((await set.candidates(es256('first'), 0)).keys).toHaveLength(1)
    expect((await set.candidates(es256('second'), 1e9)).keys).toEqual([])
    expect(set.state(1e12)).toBe('fresh')
    await expect(openSet({ jwks: { keys: [] } }).candidates(es256('first'), 0)).rejects.toMatchObject(unavailable)
  })

  it('may be a file, which is read again', async () => {
    const files: Record<string, string> = { 'keys.json': JSON.stringify({ keys: [first] }) }
    const set = openSets(files).sets.open({ ...common, jwksFile: 'keys.json' })
    expect((await set.candidates(es256('first'), 0)).keys).toHaveLength(1)
    files['keys.json'] = JSON.stringify({ keys: [second] })
    expect((await set.candidates(es256('first'), 59)).keys).toHaveLength(1)
    expect((await set.candidates(es256('second'), 60)).keys).toHaveLength(1)
    delete files['keys.json']
    expect(await set.candidates(es256('second'), 200)).toMatchObject({ keys: [{}], stale: true })
  })

  it('must be one', () => {
    const { sets } = openSets()
    expect(() => sets.open(common)).toThrow('exactly one place')
    expect(() => sets.open({ ...common, jwksURI: 'https://a.example', jwksFile: 'a' })).toThrow('exactly one place')
  })

  it('must be an issuer that metadata can be had for', async () => {
    for (const issuer of [
      'idp.example',
      'https://idp.example/?a=b',
      'https://idp.example/#a',
      'https://idp.example?',
      '',
    ])
      await expect(openSet({ issuer }).candidates(es256('first'), 0)).rejects.toMatchObject(unavailable)
  })
})

const fromFile = (name: string): KeySetSpec => ({ ...common, jwksFile: name })

describe('createKeySets', () => {
  it('opens the same set for the same spec, however it is written', async () => {
    const { origin } = await startIssuer()
    const { sets } = openSets()
    const jwksURI = `${origin}/jwks`
    const set = sets.open({ algorithms: ['ES256', 'RS256'], staleFor: 1, allowHosts: ['a', 'b'], jwksURI })
    expect(sets.open({ jwksURI, staleFor: 1, allowHosts: ['b', 'a'], algorithms: ['RS256', 'ES256'] })).toBe(set)
    expect(sets.open({ jwksURI, staleFor: 1, allowHosts: ['b', 'a'], algorithms: ['ES256'] })).not.toBe(set)
    expect(sets.open({ jwksURI, staleFor: 2, allowHosts: ['b', 'a'], algorithms: ['RS256', 'ES256'] })).not.toBe(set)
    expect(sets.open({ jwksURI, staleFor: 1, allowHosts: ['b'], algorithms: ['RS256', 'ES256'] })).not.toBe(set)
    expect(sets.open({ ...common, jwksFile: jwksURI })).not.toBe(sets.open({ ...common, jwksURI }))
  })

  it('forgets what was not opened since the last sweep', () => {
    const { sets } = openSets()
    const [kept, dropped] = [sets.open(fromFile('kept')), sets.open(fromFile('dropped'))]
    sets.sweep()
    expect(sets.open(fromFile('kept'))).toBe(kept)
    sets.sweep()
    expect(sets.open(fromFile('kept'))).toBe(kept)
    expect(sets.open(fromFile('dropped'))).not.toBe(dropped)
  })

  it('logs where the trouble is and nothing that was answered', async () => {
    const { origin, answers } = await startIssuer()
    answers.set('/jwks', (response) => response.end('{"keys": answer-canary'))
    const set = openSet({ jwksURI: `${origin}/jwks` })
    await set.prefetch(0)
    expect(set.logged).toHaveLength(1)
    expect(set.logged[0]).toContain(`${origin}/jwks`)
    expect(set.logged[0]).not.toContain('canary')
  })
})
