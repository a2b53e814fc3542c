import { X509Certificate } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createLocalJWKSet, decodeProtectedHeader, type JWK, jwtVerify } from 'jose'
import { afterAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { eventually, newFolder, removeFolder } from '../world/dragoman.ts'
import { type Caller, call } from './calling.ts'
import { outputOf } from './command.ts'
import { bundleOf, mintJwt, mintX509, rotate, taintOld, type X509Svid } from './spire/commands.ts'
import { spire } from './spire/running-spire.ts'
import { fetchJwt, fetchX509 } from './spire/workload.ts'
import { workloadPath } from './spire/world.ts'

/** What a real SPIRE gives out, by the word of OpenSSL and jose. The tests run in this order: the last ones rotate its keys. */

const folder = newFolder()
afterAll(() => removeFolder(folder))

const { server, agent, partner } = spire

const audience = 'https://dragoman.test.example'

const written = (name: string, text: string): string => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

/** Does OpenSSL find a path from the leaf to the bundle? */
const holds = async ({ chain }: X509Svid, bundle: string): Promise<boolean> => {
  const svid = written('svid.pem', chain)
  try {
    await outputOf('openssl', ['verify', '-CAfile', written('bundle.pem', bundle), '-untrusted', svid, svid])
    return true
  } catch {
    return false
  }
}

const keySet = z.object({
  keys: z.array(z.looseObject({ kty: z.string(), use: z.string() })),
})

/** The keys for JWT-SVIDs in the trust bundle; jose knows of no use but signing and encryption. */
const jwtKeys = async (of = server) => {
  const { keys } = keySet.parse(JSON.parse(await bundleOf(of, 'spiffe')))
  return keys.filter(({ use }) => use === 'jwt-svid').map((key): JWK => ({ ...key, use: 'sig' }))
}

/** The claims of a JWT-SVID that holds by these keys. */
const claimsOf = async (token: string, keys: JWK[]) =>
  (await jwtVerify(token, createLocalJWKSet({ keys }), { audience })).payload

const certificatesIn = (pem: string): number => pem.split('BEGIN CERTIFICATE').length - 1

describe('a workload', () => {
  it('has an X.509-SVID', async () => {
    const svid = await fetchX509(agent)
    const leaf = new X509Certificate(svid.chain)
    expect(leaf.subjectAltName).toBe(`URI:spiffe://${server.trustDomain}/${workloadPath}`)
    expect(await holds(svid, await bundleOf(server, 'pem'))).toBe(true)
    expect(await holds(svid, await bundleOf(partner, 'pem'))).toBe(false)
  })

  it('has a JWT-SVID', async () => {
    const token = await fetchJwt(agent, audience)
    expect((await claimsOf(token, await jwtKeys())).sub).toBe(`spiffe://${server.trustDomain}/${workloadPath}`)
    expect(decodeProtectedHeader(token)).toMatchObject({ alg: 'ES256', typ: 'JWT' })
  })
})

describe('the partner', () => {
  it('mints SVIDs of its own trust domain, with RSA', async () => {
    const svid = await mintX509(partner, 'billing')
    expect(new X509Certificate(svid.chain).subjectAltName).toBe(`URI:spiffe://${partner.trustDomain}/billing`)
    expect(await holds(svid, await bundleOf(partner, 'pem'))).toBe(true)
    const token = await mintJwt(partner, 'billing', audience)
    expect((await claimsOf(token, await jwtKeys(partner))).sub).toBe(`spiffe://${partner.trustDomain}/billing`)
    expect(decodeProtectedHeader(token).alg).toBe('RS256')
  })
})

describe('the bundle endpoint', () => {
  const bundle = keySet.extend({ spiffe_sequence: z.number(), spiffe_refresh_hint: z.number() })

  const ask = async (url: string, caller: Caller) => {
    const { status, body } = await call(url, caller)
    expect(status).toBe(200)
    return bundle.parse(JSON.parse(body))
  }

  it('is that of the server by its SPIFFE ID', async () => {
    const serverId = `spiffe://${server.trustDomain}/spire/server`
    const got = await ask(server.bundleUrl, { authorities: await bundleOf(server, 'pem'), serverId })
    expect(new Set(got.keys.map(({ use }) => use))).toEqual(new Set(['x509-svid', 'jwt-svid']))
  })

  it('is that of the partner by a certificate for its address', async () => {
    const got = await ask(partner.bundleUrl, { authorities: readFileSync(spire.webAuthority.certificate, 'utf8') })
    expect(got.spiffe_refresh_hint).toBe(5)
  })
})

const differentFrom = (chain: string, svid: X509Svid) => (svid.chain === chain ? undefined : svid)

describe('rotation', () => {
  it('of the X.509 authority: the old one holds until it is retired', { timeout: 120_000 }, async () => {
    const old = await fetchX509(agent)
    await rotate(server, 'x509')
    const both = await bundleOf(server, 'pem')
    expect(certificatesIn(both)).toBe(2)
    const fresh = await mintX509(server, 'fresh')
    expect(await holds(fresh, old.bundle)).toBe(false)
    expect([await holds(fresh, both), await holds(old, both)]).toEqual([true, true])
    const revoke = await taintOld(server, 'x509')
    const renewed = await eventually(async () => differentFrom(old.chain, await fetchX509(agent)), 60_000)
    await revoke()
    const one = await bundleOf(server, 'pem')
    const held = [await holds(fresh, one), await holds(renewed, one), await holds(old, one)]
    expect(held).toEqual([true, true, false])
  })

  it('of the JWT authority: the old one holds until it is retired', { timeout: 120_000 }, async () => {
    const kidOf = async () => decodeProtectedHeader(await fetchJwt(agent, audience)).kid
    const kids = async () => new Set((await jwtKeys()).map(({ kid }) => kid))
    const old = await kidOf()
    await rotate(server, 'jwt')
    const fresh = decodeProtectedHeader(await mintJwt(server, 'fresh', audience)).kid
    expect(await kids()).toEqual(new Set([old, fresh]))
    const revoke = await taintOld(server, 'jwt')
    await eventually(async () => ((await kidOf()) === fresh ? true : undefined), 60_000)
    await revoke()
    expect(await kids()).toEqual(new Set([fresh]))
  })
})
