import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { FormatError } from '../formats/format-error.ts'
import { createNodeDigest } from '../runtimes/node/digest.ts'
import { createNodeSignatures } from '../runtimes/node/signatures.ts'
import { formatStoredKey, mintAlgorithms, newStoredKey, parseStoredKey } from './stored-key.ts'

const digest = createNodeDigest()
const ports = { digest, signatures: createNodeSignatures() }
const algorithms = mintAlgorithms.filter((algorithm) => ports.signatures.supported.has(algorithm))

describe('a key file', () => {
  it.each(algorithms)('holds a %s key and gives it back', async (algorithm) => {
    const key = { ...(await newStoredKey(algorithm, 1_700_000_000.5, ports)), activeFrom: 3, retireAt: 4.25 }
    expect(await parseStoredKey(formatStoredKey(key), digest)).toEqual(key)
    expect(key.kid).toMatch(/^[A-Za-z0-9_][A-Za-z0-9_-]{42}$/)
  })

  it('of a new key gives it no time to sign', async () => {
    expect(await newStoredKey('ES256', 5, ports)).toEqual({
      kid: expect.any(String),
      alg: 'ES256',
      createdAt: 5,
      privateKey: expect.objectContaining({ kty: 'EC', crv: 'P-256', d: expect.any(String) }),
    })
  })

  it('must be whole, and a fault is told without what the file holds', async () => {
    const key = await newStoredKey('ES256', 5, ports)
    const other = await newStoredKey('ES256', 5, ports)
    const secretPart = key.privateKey['d'] ?? ''
    if (typeof secretPart !== 'string') throw new Error('d is not text')
    const text = formatStoredKey(key)
    const { d: _, ...publicOnly } = key.privateKey
    const broken: readonly [string, string][] = [
      ['', 'not JSON'],
      [text.slice(0, 100), 'not JSON'],
      [text.replace('"d": ', '"d": x'), 'not JSON'],
      [`[${text}]`, 'not a key file'],
      [text.replace('"kid"', '"kid":"x","kid"'), 'twice'],
      [formatStoredKey({ ...key, kid: other.kid }), 'its kid is not the thumbprint'],
      [formatStoredKey({ ...key, alg: 'RS256' }), 'a key for RS256 has the type RSA'],
      [formatStoredKey({ ...key, activeFrom: -1 }), 'activeFrom'],
      [text.replace('"createdAt": 5', '"createdAt": "5"'), 'createdAt'],
      [text.replace('"createdAt"', '"passphrase": "x", "createdAt"'), 'unrecognized_keys'],
      [formatStoredKey({ ...key, privateKey: publicOnly }), 'lacks a proper "d"'],
      [formatStoredKey({ ...key, privateKey: { ...key.privateKey, d: `AAAA${secretPart}` } }), 'has 32 octets'],
    ]
    for (const [damaged, message] of broken) {
      const refusal = await parseStoredKey(damaged, digest).catch((error: unknown) => error)
      expect(refusal).toBeInstanceOf(FormatError)
      expect(String(refusal)).toContain(message)
      expect(inspect(refusal)).not.toContain(secretPart.slice(0, 8))
    }
  })
})
