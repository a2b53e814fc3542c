import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { nameOf, testAuthority } from '../../test/world/certificates.ts'
import type { Caller } from '../domain/caller.ts'
import { secret } from '../domain/secret.ts'
import type { ByCertificate, GatewayAuthentication } from '../formats/gateway-authentication-settings.ts'
import { createNodeCertificateSignatures } from '../runtimes/node/certificate-signatures.ts'
import { createNodeDigest } from '../runtimes/node/digest.ts'
import { type GatewayTools, prepareProof } from './gateway-authentication.ts'

const now = Math.floor(Date.now() / 1_000)
const root = testAuthority('root')
const intermediate = root.subordinate('intermediate')
const elsewhere = testAuthority('root')
const id = 'spiffe://prod.example.org/gateway'

let verifications = 0
const signatures = createNodeCertificateSignatures()
/** What the folder of the documents holds; a test may change it. */
const folder = new Map([['ca.pem', root.pem]])
const readText = async (path: string): Promise<string> => {
  const found = folder.get(path)
  if (found === undefined) throw new Error('no such file')
  return found
}
const tools: GatewayTools = {
  clock: { now: () => now },
  log: { info: () => undefined, warn: () => undefined },
  files: { read: readText, readBytes: async (path) => new TextEncoder().encode(await readText(path)) },
  secrets: { read: () => Promise.resolve(secret('second')) },
  digest: createNodeDigest(),
  certificateSignatures: {
    verify(...signature) {
      verifications++
      return signatures.verify(...signature)
    },
  },
}

const judge = async (config: GatewayAuthentication, caller: Caller, headers: Record<string, string> = {}, at = now) => {
  const { isCaller } = await prepareProof(config, tools)
  return isCaller({ header: (name) => headers[name] }, caller, at)
}

const mtls = (names: Partial<ByCertificate>): ByCertificate => ({ by: 'mtls', trustAnchors: 'ca.pem', ...names })

describe('a gateway', () => {
  it('proves itself by one of its secrets', async () => {
    const sha256 = createHash('sha256').update('first').digest('base64url')
    const config = { by: 'secretHeader', name: 'x-gateway', secrets: [{ sha256 }, { env: 'B' }] } as const
    for (const value of ['first', 'second']) expect(await judge(config, {}, { 'x-gateway': value })).toBe(true)
    for (const value of ['', 'third', 'first, first', 'First', sha256, 'a'.repeat(100_000)])
      expect(await judge(config, {}, { 'x-gateway': value })).toBe(false)
    expect(await judge(config, {}, { x_gateway: 'first' })).toBe(false)
    expect(await judge(config, { address: '127.0.0.1' })).toBe(false)
  })

  it.each<readonly [string, Partial<ByCertificate>, boolean]>([
    ['its SPIFFE ID', { spiffeId: id }, true],
    ['one of its DNS names', { dns: 'EDGE.example' }, true],
    ['its URI', { uri: id }, true],
    ['its subject', { subject: 'CN=edge,O=Example' }, true],
    ['the beginning of its SPIFFE ID', { spiffeId: 'spiffe://prod.example.org' }, false],
    ['its SPIFFE ID in capitals', { uri: id.toUpperCase() }, false],
    ['a DNS name that its own ends in', { dns: 'example' }, false],
    ['a URI as DNS name', { dns: id }, false],
    ['its subject the other way round', { subject: 'O=Example,CN=edge' }, false],
  ])('proves itself by a certificate with %s', async (_, names, holds) => {
    const subject = nameOf(['2.5.4.10', 'Example'], ['2.5.4.3', 'edge'])
    const leaf = intermediate.issue({ subject, uris: [id], dns: ['edge.example', 'other.example'] })
    expect(await judge(mtls(names), { chain: [leaf.der, intermediate.der] })).toBe(holds)
  })

  const good = intermediate.issue({ uris: [id] })

  it.each<readonly [string, readonly [Uint8Array, ...Uint8Array[]]]>([
    ['that has two URIs', [intermediate.issue({ uris: [id, 'spiffe://a/b'] }).der, intermediate.der]],
    ['of another authority with the same name', [elsewhere.issue({ uris: [id] }).der]],
    ['for servers only', [intermediate.issue({ uris: [id], eku: ['serverAuth'] }).der, intermediate.der]],
    ['that has expired', [intermediate.issue({ uris: [id], notAfter: now - 1 }).der, intermediate.der]],
    ['without the one between', [good.der]],
    ['that is an authority itself', [intermediate.der]],
    ['that is none', [Uint8Array.from([1, 2, 3])]],
    ['with rubbish behind it', [good.der, intermediate.der, Uint8Array.from([1])]],
  ])('does not prove itself by a certificate %s', async (_, chain) => {
    expect(await judge(mtls({ spiffeId: id }), { chain })).toBe(false)
  })

  it('needs a certificate', async () => {
    expect(await judge(mtls({ spiffeId: id }), { address: '10.0.0.5' })).toBe(false)
  })

  it('is validated once a connection, and again when its certificate has expired', async () => {
    const leaf = intermediate.issue({ uris: [id], notAfter: now + 50 })
    const caller: Caller = { chain: [leaf.der, intermediate.der] }
    const { isCaller } = await prepareProof(mtls({ spiffeId: id }), tools)
    const ask = (at: number, of = caller) => isCaller({ header: () => undefined }, of, at)
    expect(await ask(now)).toBe(true)
    const before = verifications
    expect(await ask(now + 50)).toBe(true)
    expect(verifications).toBe(before)
    expect(await ask(now + 51)).toBe(false)
    const early: Caller = { chain: [intermediate.issue({ uris: [id], notBefore: now + 30 }).der, intermediate.der] }
    expect(await ask(now, early)).toBe(false)
    expect(await ask(now + 61, early)).toBe(true)
  })

  it('follows its authorities as they are replaced, and is not judged when they are gone', async () => {
    const { isCaller, watched } = await prepareProof(mtls({ spiffeId: id }), tools)
    const caller: Caller = { chain: [good.der, intermediate.der] }
    const successor: Caller = { chain: [elsewhere.issue({ uris: [id] }).der] }
    const ask = (at: number, of: Caller) => isCaller({ header: () => undefined }, of, at)
    expect([await ask(now, caller), await ask(now, successor)]).toEqual([true, false])
    folder.set('ca.pem', elsewhere.pem)
    expect([await ask(now + 61, caller), await ask(now + 61, successor)]).toEqual([false, true])
    folder.delete('ca.pem')
    expect(await ask(now + 200, successor)).toBe(true)
    expect(watched.map((one) => one.state(now + 200))).toEqual(['stale'])
    await expect(ask(now + 2 * 86_400, successor)).rejects.toMatchObject({ reason: 'keys.unavailable' })
    folder.set('ca.pem', root.pem)
  })

  it('cannot be made ready without its authorities', async () => {
    await expect(prepareProof(mtls({ dns: 'a', trustAnchors: 'b.pem' }), tools)).rejects.toThrow('no such file')
  })
})
