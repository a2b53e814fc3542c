import { get } from 'node:http'
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type DemoWorld, startDemoWorld } from './demo-world.ts'

let world: DemoWorld
beforeAll(async () => {
  world = await startDemoWorld(0)
})
afterAll(() => world.stop())

const verified = async (path: string, audience: string) => {
  const token = (await (await fetch(world.issuer + path)).text()).trim()
  const { jwks_uri } = (await (await fetch(`${world.issuer}/.well-known/openid-configuration`)).json()) as {
    jwks_uri: string
  }
  const { payload } = await jwtVerify(token, createRemoteJWKSet(new URL(jwks_uri)), { issuer: world.issuer, audience })
  return { payload, alg: decodeProtectedHeader(token).alg }
}

/** The status of a request under another host name, as a page in a browser can send it. */
const statusUnder = (host: string): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    get(`${world.issuer}/tokens/alice`, { headers: { host } }, (response) => {
      response.resume()
      resolve(response.statusCode)
    }).on('error', reject)
  })

describe('the demo world', () => {
  it.each(['alice', 'bob', 'mallory'])('hands out an ID token of %s, signed with RS256', async (person) => {
    const { payload, alg } = await verified(`/tokens/${person}`, 'dragoman-demo')
    expect([payload.sub, alg, (payload.exp ?? 0) - (payload.iat ?? 0)]).toEqual([person, 'RS256', 600])
  })

  it('hands out a token of a CI job on any branch, signed with ES256', async () => {
    const main = await verified('/tokens/ci', 'dragoman-demo-ci')
    expect([main.payload['ref'], main.alg]).toEqual(['refs/heads/main', 'ES256'])
    const topic = await verified('/tokens/ci?ref=refs/heads/topic', 'dragoman-demo-ci')
    expect(topic.payload).toMatchObject({ ref: 'refs/heads/topic', sub: 'repo:acme/orders:ref:refs/heads/topic' })
  })

  it('publishes no private key', async () => {
    const { keys } = (await (await fetch(`${world.issuer}/jwks.json`)).json()) as { keys: Record<string, string>[] }
    expect(keys.map(({ kty, alg }) => [kty, alg])).toEqual([
      ['RSA', 'RS256'],
      ['EC', 'ES256'],
    ])
    expect(
      keys.flatMap((key) => Object.keys(key).filter((name) => ['d', 'p', 'q', 'dp', 'dq', 'qi'].includes(name))),
    ).toEqual([])
  })

  it('refuses what it does not know', async () => {
    const status = async (path: string, method = 'GET') => (await fetch(world.issuer + path, { method })).status
    expect(await status('/tokens/eve')).toBe(404)
    expect(await status('/tokens/constructor')).toBe(404)
    expect(await status('/')).toBe(404)
    expect(await status('/tokens/alice', 'POST')).toBe(405)
    expect(await status('/tokens/ci?ref=main')).toBe(400)
    expect(await status('/tokens/ci?ref=refs/heads/%0a')).toBe(400)
  })

  it('answers under its own name only', async () => {
    const { port } = new URL(world.issuer)
    expect(await statusUnder(`localhost:${port}`)).toBe(200)
    expect(await statusUnder(`127.0.0.1:${port}`)).toBe(200)
    expect(await statusUnder(`evil.example:${port}`)).toBe(421)
    expect(await statusUnder('localhost')).toBe(421)
  })
})
