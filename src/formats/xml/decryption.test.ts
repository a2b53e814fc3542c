import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { testCertificate, testKey } from '../../../test/world/certificates.ts'
import { encryptAssertion, withKeyBeside } from '../../../test/world/saml-encryption.ts'
import { changed } from '../../../test/world/saml-text.ts'
import { type Placing, sealedElement } from '../../../test/world/xml-encryption.ts'
import { secret } from '../../domain/secret.ts'
import type { Decryption, DecryptionKey, OaepHash } from '../../ports/decryption.ts'
import { createWebDecryption } from '../../runtimes/web/decryption.ts'
import { decrypted } from './decryption.ts'
import { parseXml } from './document.ts'
import { type EncryptedElement, encryptedElementIn } from './encryption.ts'

const web = createWebDecryption()
const limits = { characters: 100_000, depth: 16, elements: 256, attributes: 16 }
const read = (xml: string) => encryptedElementIn(parseXml(xml, limits))

const imported = (pem: string) => web.importPrivateKey(secret(pem))
const recipient = async (): Promise<{ readonly publicKey: KeyObject; readonly key: DecryptionKey }> => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
  return { publicKey, key: await imported(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()) }
}

const [mine, other] = [await recipient(), await recipient()]
const plain = '<saml:Assertion ID="a">Zoë 🙂</saml:Assertion>'

const opened = async (xml: string, keys: readonly DecryptionKey[] = [mine.key]) => decrypted(read(xml), keys, web)

describe('an encrypted element', () => {
  const placings: readonly Placing[] = ['within', 'beside', 'retrieved']
  const hashes: readonly OaepHash[] = ['SHA-1', 'SHA-256', 'SHA-384', 'SHA-512']
  const contents = [128, 192, 256] as const
  const ways = placings.flatMap((placing) =>
    hashes.flatMap((hash) => contents.map((content) => ({ placing, hash, content }))),
  )

  it.each(ways)('is opened: key $placing, $hash, AES-GCM of $content bits', async ({ placing, hash, content }) => {
    const xml = sealedElement(plain, [mine.publicKey], placing, { hash, content })
    expect(await opened(xml)).toEqual({ text: plain, key: mine.key })
  })

  it.each(placings)('is opened by whichever of our keys one of its keys %s is for', async (placing) => {
    const xml = sealedElement(plain, [other.publicKey, other.publicKey, mine.publicKey], placing)
    expect((await opened(xml))?.key).toBe(mine.key)
    expect((await opened(xml, [mine.key, other.key]))?.key).toBe(mine.key)
    expect((await opened(xml, [other.key, mine.key]))?.key).toBe(other.key)
  })

  it('is opened by no other key and by none', async () => {
    const xml = sealedElement(plain, [mine.publicKey])
    expect(await opened(xml, [other.key])).toBeUndefined()
    expect(await opened(xml, [])).toBeUndefined()
  })

  it('leaves what is in it to be read in the scope around it', async () => {
    const xml = sealedElement(plain, [mine.publicKey])
    const { text = '' } = (await opened(xml)) ?? {}
    expect(() => parseXml(text, limits)).toThrow('not well-formed')
    expect(parseXml(text, limits, read(xml).scope).namespace).toBe('urn:oasis:names:tc:SAML:2.0:assertion')
  })

  it('is not opened when the cipher wants a key of another length', async () => {
    for (const [content, claimed] of [
      [128, 256],
      [256, 128],
      [192, 256],
      [256, 192],
    ] as const) {
      const contentUri = `http://www.w3.org/2009/xmlenc11#aes${claimed}-gcm`
      expect(await opened(sealedElement(plain, [mine.publicKey], 'within', { content, contentUri }))).toBeUndefined()
    }
  })

  it('is not opened when its key has a label, or was wrapped with another hash', async () => {
    expect(await opened(sealedElement(plain, [mine.publicKey], 'within', { label: 'x' }))).toBeUndefined()
    const xml = sealedElement(plain, [mine.publicKey])
    const said = changed(changed(xml, 'xmlenc#sha256', 'xmlenc#sha512'), 'mgf1sha256', 'mgf1sha512')
    expect(await opened(said)).toBeUndefined()
  })

  it.each<readonly [string, Uint8Array]>([
    ['an octet that never occurs', Uint8Array.of(0x3c, 0xff, 0x3e)],
    ['a character cut off', Uint8Array.of(0x3c, 0xc3)],
    ['a surrogate', Uint8Array.of(0xed, 0xa0, 0x80)],
    ['UTF-16', Uint8Array.from(Buffer.from('\ufeff<a/>', 'utf16le'))],
  ])('is not opened when it holds no UTF-8: %s', async (_, octets) => {
    expect(await opened(sealedElement(octets, [mine.publicKey]))).toBeUndefined()
  })

  it('may hold nothing, and nothing can be read in it', async () => {
    expect(await opened(sealedElement('', [mine.publicKey]))).toEqual({ text: '', key: mine.key })
  })
})

describe('an element that was changed', () => {
  const sealed = read(sealedElement(plain, [mine.publicKey, other.publicKey]))
  const without = (octets: Uint8Array, count: number) => octets.subarray(0, octets.length - count)

  /** With the bit of that number changed in the IV, in the ciphertext and its tag, or in the key for us. */
  const flipped = (part: 'iv' | 'sealed' | 'key', at: number): EncryptedElement => {
    const [own, ...others] = sealed.wrappedKeys
    if (own === undefined) throw new Error('no key')
    const change = (octets: Uint8Array) =>
      octets.map((octet, index) => (index === (at >> 3) % octets.length ? octet ^ (1 << (at & 7)) : octet))
    return {
      iv: { ...sealed, iv: change(sealed.iv) },
      sealed: { ...sealed, sealed: change(sealed.sealed) },
      key: { ...sealed, wrappedKeys: [{ ...own, value: change(own.value) }, ...others] },
    }[part]
  }

  it('is opened only as it was', async () => {
    expect((await decrypted(sealed, [mine.key], web))?.text).toBe(plain)
  })

  it('is never opened with one bit changed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('iv', 'sealed', 'key'), fc.nat({ max: 65_535 }), async (part, at) => {
        expect(await decrypted(flipped(part, at), [mine.key], web)).toBeUndefined()
      }),
      { numRuns: 300 },
    )
  })

  it('is never opened cut short or made longer', async () => {
    for (let count = 1; count <= sealed.sealed.length; count++)
      expect(await decrypted({ ...sealed, sealed: without(sealed.sealed, count) }, [mine.key], web)).toBeUndefined()
    const longer = Uint8Array.from([...sealed.sealed, 0])
    expect(await decrypted({ ...sealed, sealed: longer }, [mine.key], web)).toBeUndefined()
  })

  it('is never opened with the key of another message', async () => {
    const { wrappedKeys } = read(sealedElement(plain, [mine.publicKey]))
    expect(await decrypted({ ...sealed, wrappedKeys }, [mine.key], web)).toBeUndefined()
  })
})

describe('the work that a message can ask for', () => {
  /** Counts what it is asked; `contentKey` is what it unwraps. */
  const counting = (contentKey: Uint8Array | undefined) => {
    const asked = { unwrap: 0, open: 0 }
    const decryption: Decryption = {
      ...web,
      unwrap: async () => {
        asked.unwrap++
        return contentKey
      },
      open: async () => {
        asked.open++
        return undefined
      },
    }
    return { asked, decryption }
  }
  const keys = (count: number): readonly DecryptionKey[] =>
    Array.from({ length: count }, (_, index) => ({ ...mine.key, id: `${index}` }))
  const sealed = (count: number) =>
    read(
      sealedElement(
        plain,
        Array.from({ length: count }, () => mine.publicKey),
      ),
    )

  it.each([
    [1, 1, 1],
    [4, 4, 16],
    [1, 16, 16],
    [1, 17, 16],
    [4, 100, 16],
  ])('%s keys of its own and %s of ours: %s operations', async (own, ours, operations) => {
    const { asked, decryption } = counting(undefined)
    expect(await decrypted(sealed(own), keys(ours), decryption)).toBeUndefined()
    expect(asked).toEqual({ unwrap: operations, open: 0 })
  })

  it('is not asked for twice by one key', async () => {
    const { asked, decryption } = counting(undefined)
    await decrypted(sealed(1), [...keys(3), ...keys(3)], decryption)
    expect(asked.unwrap).toBe(3)
  })

  it('does not include a content key of another length', async () => {
    for (const length of [0, 16, 24, 31, 33]) {
      const { asked, decryption } = counting(randomBytes(length))
      expect(await decrypted(sealed(1), keys(2), decryption)).toBeUndefined()
      expect(asked).toEqual({ unwrap: 2, open: 0 })
    }
    const { asked, decryption } = counting(randomBytes(32))
    await decrypted(sealed(1), keys(2), decryption)
    expect(asked).toEqual({ unwrap: 2, open: 2 })
  })
})

describe('what xml-encryption makes', () => {
  const certificate = testCertificate({ key: testKey('RSA-2048') })

  it.each([
    { content: 'aes128-gcm', key: 'rsa-oaep-mgf1p' },
    { content: 'aes256-gcm', key: 'rsa-oaep-mgf1p' },
    { content: 'aes256-gcm', key: 'rsa-oaep', digest: 'sha1' },
    { content: 'aes256-gcm', key: 'rsa-oaep', digest: 'sha256', mask: 'sha256' },
    { content: 'aes256-gcm', key: 'rsa-oaep', digest: 'sha512', mask: 'sha512' },
  ] as const)('is opened: $content, $key, $digest, $mask', async (options) => {
    const key = await imported(certificate.privateKeyPem)
    const xml = await encryptAssertion(plain, certificate, options)
    for (const form of [xml, withKeyBeside(xml)]) expect(await opened(form, [key])).toEqual({ text: plain, key })
  })

  it.each([
    { content: 'aes256-cbc', message: 'the content is encrypted with aes256-cbc: it must be AES-GCM' },
    { content: 'tripledes-cbc', message: 'the content is encrypted with tripledes-cbc: it must be AES-GCM' },
    { key: 'rsa-1_5', message: 'the content key is encrypted with rsa-1_5: it must be RSA-OAEP' },
    { digest: 'sha256', message: /^RSA-OAEP has SHA-256 as its digest and SHA-1 in its mask: / },
    {
      key: 'rsa-oaep',
      digest: 'sha256',
      mask: 'sha1',
      message: /^RSA-OAEP has SHA-256 as its digest and SHA-1 in its mask: /,
    },
  ] as const)('is not read: $message', async ({ message, ...options }) => {
    await expect(encryptAssertion(plain, certificate, options).then(read)).rejects.toThrow(message)
  })
})
