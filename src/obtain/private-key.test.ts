import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { privateJwk } from './private-key.ts'

const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 })
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const ed = generateKeyPairSync('ed25519')

const pkcs1 = rsa.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString()
const pkcs1Der = rsa.privateKey.export({ type: 'pkcs1', format: 'der' })
const rsaJwk = rsa.privateKey.export({ format: 'jwk' })

const pem = (label: string, der: Uint8Array) =>
  `-----BEGIN ${label}-----\n${Buffer.from(der).toString('base64').replaceAll(/.{64}/g, '$&\n')}\n-----END ${label}-----\n`

describe('a private key', () => {
  it.each([
    ['PKCS #8 for RS256', rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), 'RS256', rsaJwk],
    ['PKCS #1', pkcs1, 'RS256', rsaJwk],
    ['PKCS #1 with white space around', `\n  ${pkcs1}\n`, 'RS256', rsaJwk],
    ['a JWK', JSON.stringify(rsaJwk), 'PS256', rsaJwk],
    [
      'PKCS #8 for ES256',
      ec.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      'ES256',
      ec.privateKey.export({ format: 'jwk' }),
    ],
    [
      'PKCS #8 for Ed25519',
      ed.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      'Ed25519',
      ed.privateKey.export({ format: 'jwk' }),
    ],
  ] as const)('is read from %s', async (_, text, algorithm, jwk) => {
    expect(await privateJwk(text, algorithm)).toEqual(jwk)
  })

  it('from PKCS #1 signs for the same public key', async () => {
    const key = createPrivateKey({ key: { ...(await privateJwk(pkcs1, 'RS256')) }, format: 'jwk' })
    const signature = sign('sha256', Buffer.from('text'), key)
    expect(verify('sha256', Buffer.from('text'), createPublicKey(rsa.privateKey), signature)).toBe(true)
  })

  const encrypted = { cipher: 'aes-256-cbc', passphrase: 'p' } as const
  const own = pkcs1.split('\n')[3] ?? ''

  it.each([
    [
      'encrypted PKCS #8',
      rsa.privateKey.export({ type: 'pkcs8', format: 'pem', ...encrypted }).toString(),
      'the key is encrypted: keep it without a passphrase',
    ],
    [
      'encrypted PKCS #1',
      rsa.privateKey.export({ type: 'pkcs1', format: 'pem', ...encrypted }).toString(),
      'the key is encrypted: keep it without a passphrase',
    ],
    ['SEC 1', ec.privateKey.export({ type: 'sec1', format: 'pem' }).toString(), /^not a private key for RS256: a JWK/],
    ['a public key', rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString(), /^not a private key/],
    ['a password', 'correct horse battery staple', /^not a private key for RS256/],
    ['nothing', '', /^not a private key for RS256/],
    ['a JWK cut short', JSON.stringify(rsaJwk).slice(0, -9), 'the text is not JSON'],
    ['a JWK with a member twice', `{"kty":"RSA","kty":"RSA","d":"${own}"}`, 'a member stands twice in one JSON object'],
    ['PKCS #1 cut short', pem('RSA PRIVATE KEY', pkcs1Der.subarray(0, -5)), 'the RSA private key is malformed'],
    [
      'PKCS #1 with something after it',
      pem('RSA PRIVATE KEY', Buffer.concat([pkcs1Der, pkcs1Der])),
      'the RSA private key is malformed',
    ],
    ['two keys', pkcs1 + pkcs1, 'the PEM has more than one block'],
    ['an integer', pem('RSA PRIVATE KEY', Uint8Array.of(2, 1, 0)), 'the RSA private key is malformed'],
    ['an empty list', pem('RSA PRIVATE KEY', Uint8Array.of(0x30, 0)), 'the RSA private key is malformed'],
    [
      'a list of lists',
      pem('RSA PRIVATE KEY', Uint8Array.of(0x30, 0x80, 0x30, 0x80, 0x30, 0x80, 0x30, 0x80, 0x30, 0x80)),
      'the RSA private key is malformed',
    ],
  ])('is not read from %s, and the error holds nothing of it', async (_, text, message) => {
    const refused = await privateJwk(text, 'RS256').catch((thrown: unknown) => thrown)
    expect(refused).toBeInstanceOf(Error)
    expect(refused).toMatchObject({ message: typeof message === 'string' ? message : expect.stringMatching(message) })
    expect(JSON.stringify([String(refused), (refused as Error).cause ?? null])).not.toContain(own)
  })
})
