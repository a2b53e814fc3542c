import { describe, expect, it } from 'vitest'
import { testCertificate } from '../../../test/world/certificates.ts'
import { certificateInfo, samlIdentityProvider } from '../../../test/world/saml-identity-provider.ts'
import { entitiesText, type MetadataOptions, metadataText } from '../../../test/world/saml-metadata-text.ts'
import { namespaces, transforms } from '../../../test/world/saml-names.ts'
import type { SigningOptions } from '../../../test/world/saml-signature.ts'
import { changed } from '../../../test/world/saml-text.ts'
import { createNodeCertificateSignatures } from '../../runtimes/node/certificate-signatures.ts'
import { createNodeDigest } from '../../runtimes/node/digest.ts'
import { FormatError } from '../format-error.ts'
import { type PublicKey, publicKeyOfCertificate } from '../x509/certificate-key.ts'
import { AlgorithmError } from '../xml/signature.ts'
import { identityProviderAmong } from './metadata.ts'
import { metadataDocument } from './metadata-document.ts'

const start = 1_800_000_000
const entityID = 'https://idp.example.com/saml'

const first = testCertificate({ subject: 'first' })
const second = testCertificate({ subject: 'second' })
const weak = testCertificate({ subject: 'weak', key: 'RSA-1024' })

const text = (options: Partial<MetadataOptions> = {}): string =>
  metadataText({ entityId: entityID, now: start, certificates: [{ pem: first.pem }], ...options })

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const base64 = ({ der }: { readonly der: Uint8Array }) => Buffer.from(der).toString('base64')

describe('metadata that must be signed', () => {
  const ports = { digest: createNodeDigest(), certificateSignatures: createNodeCertificateSignatures() }
  const federation = samlIdentityProvider({ entityId: 'https://federation.example', key: 'P-256' })
  const rsaFederation = samlIdentityProvider({ entityId: 'https://federation.example' })
  const stranger = samlIdentityProvider({ entityId: 'https://federation.example', key: 'P-256' })
  const keyOf = ({ certificate }: typeof federation) => publicKeyOfCertificate(certificate.der)
  const mine = keyOf(federation)
  const inside = /[^>]*>/

  const check = async (xml: string, ...keys: readonly PublicKey[]) => {
    const { described, signer } = await metadataDocument(xml).describedUnder(keys.length === 0 ? [mine] : keys, ports)
    return { provider: identityProviderAmong(described, entityID), signer }
  }
  const signed = (xml = text({ id: '_m' }), options: SigningOptions = {}) =>
    federation.sign(xml, { after: inside, ...options })

  it.each([
    ['an entity', signed()],
    ['a federation', signed(entitiesText([text()], start, { id: '_f' }))],
    [
      'namespaces that the root declares for all',
      signed(changed(text({ id: '_m' }), 'xmlns:md', `xmlns:ds="${namespaces.ds}" xmlns:md`)),
    ],
    ['an InclusiveNamespaces list', signed(text({ id: '_m' }), { prefixes: ['md', 'ds'] })],
  ])('is read: %s', async (_, xml) => {
    const { provider, signer } = await check(xml, keyOf(stranger), mine)
    expect(provider.keys.map(({ spki }) => hex(spki))).toEqual([hex(first.key.spki)])
    expect(signer).toBe(mine)
  })

  it('is read when RSA has signed it', async () => {
    const xml = rsaFederation.sign(text({ id: '_m' }), { after: inside })
    const rsa = keyOf(rsaFederation)
    expect((await check(xml, mine, rsa)).signer).toBe(rsa)
  })

  const signedEntity = signed()
  const forged = text({ id: '_m', certificates: [{ pem: second.pem }] })
  const signatureIn = (xml: string) => /<ds:Signature [\s\S]*?<\/ds:Signature>/.exec(xml)?.[0] ?? ''

  it.each([
    ['unsigned', text({ id: '_m' }), 'the metadata is not signed'],
    ['signed inside only', entitiesText([signedEntity], start, { id: '_f' }), 'the metadata is not signed'],
    [
      'signed by somebody else',
      stranger.sign(text({ id: '_m' }), { after: inside }),
      'signed under none of the certificates',
    ],
    [
      'signed by somebody else, with our certificate in KeyInfo',
      stranger.sign(text({ id: '_m' }), { after: inside, keyInfo: certificateInfo(federation.certificate) }),
      'signed under none of the certificates',
    ],
    [
      'signed by the identity provider that it is about',
      samlIdentityProvider({ key: first.key }).sign(text({ id: '_m' }), { after: inside }),
      'signed under none of the certificates',
    ],
    ['changed', changed(signedEntity, base64(first), base64(second)), 'the metadata was changed after it was signed'],
    [
      'changed in its time',
      changed(signed(text({ id: '_m', validUntil: 60 })), /validUntil="\d+/, 'validUntil="2999'),
      'the metadata was changed after it was signed',
    ],
    [
      'another document under the same signature',
      changed(forged, />/, `>${signatureIn(signedEntity)}`),
      'the metadata was changed after it was signed',
    ],
    [
      'signed with a key that is too weak',
      samlIdentityProvider({ key: weak.key }).sign(text({ id: '_m' }), { after: inside, method: 'rsa-sha256' }),
      'signed under none of the certificates',
    ],
  ])('is refused when it is %s', async (_, xml, message) => {
    await expect(check(xml)).rejects.toThrow(FormatError)
    await expect(check(xml)).rejects.toThrow(message)
  })

  it.each([
    [
      'the signed entity stands in a federation that has its signature',
      changed(
        entitiesText([text({ id: '_m' }), forged.replace('_m', '_n')], start, { id: '_f' }),
        />/,
        `>${signatureIn(signedEntity)}`,
      ),
    ],
    [
      'the signed entity is hidden in an extension',
      changed(
        forged.replace('_m', '_e'),
        />/,
        `>${signatureIn(signedEntity)}<md:Extensions>${text({ id: '_m' })}</md:Extensions>`,
      ),
    ],
    [
      'the signed entity is an Object in the signature',
      changed(
        forged.replace('_m', '_e'),
        />/,
        `>${signatureIn(signedEntity).replace('</ds:Signature>', `<ds:Object>${text({ id: '_m' })}</ds:Object></ds:Signature>`)}`,
      ),
    ],
    ['there are two signatures', changed(signedEntity, '<ds:Signature', `${signatureIn(signedEntity)}<ds:Signature`)],
    ['the reference is to the whole document', signed(text({ id: '_m' }), { uri: '' })],
    ['the root has no ID', changed(signed(), ' ID="_m"', '')],
    [
      'a transform takes something out',
      signed(text({ id: '_m' }), { transforms: [transforms.enveloped, transforms.xpath, transforms.exclusive] }),
    ],
  ])('is refused when %s', async (_, xml) => {
    await expect(check(xml)).rejects.toThrow(FormatError)
  })

  it.each([
    ['SHA-1 in the signature', { method: 'rsa-sha1' }],
    ['SHA-1 in the digest', { digest: 'sha1' }],
    ['inclusive canonicalization', { canonicalization: transforms.inclusive }],
    ['an HMAC with what everybody knows', { method: 'hmac-sha256', key: Buffer.from(rsaFederation.certificatePem) }],
  ] as const)('is refused for %s', async (_, options) => {
    const xml = rsaFederation.sign(text({ id: '_m' }), { after: inside, ...options })
    await expect(check(xml, keyOf(rsaFederation))).rejects.toThrow(AlgorithmError)
  })

  it('is read from what was signed, to which a comment that splits a text does not belong', async () => {
    const xml = changed(signedEntity, base64(first), `${base64(first).slice(0, 20)}<!-- -->${base64(first).slice(20)}`)
    await expect(check(xml)).rejects.toThrow(FormatError)
  })

  it('is about the entity that was asked for', async () => {
    const xml = signed(text({ id: '_m', entityId: 'https://other.example' }))
    await expect(check(xml)).rejects.toThrow('the metadata is not about the entity')
  })
})

describe('a metadata document', () => {
  const ports = { digest: createNodeDigest(), certificateSignatures: createNodeCertificateSignatures() }
  const federation = samlIdentityProvider({ entityId: 'https://federation.example', key: 'P-256' })
  const signed = federation.sign(text({ id: '_m' }), { after: /[^>]*>/ })
  const key = () => publicKeyOfCertificate(federation.certificate.der)

  it('is taken apart once for all who read it', async () => {
    const document = metadataDocument(signed)
    expect(await document.described()).toBe(await document.described())
    const [mine, theirs] = [key(), key()]
    const both = await Promise.all([document.describedUnder([mine], ports), document.describedUnder([theirs], ports)])
    expect(both[0].described).toBe(both[1].described)
    expect(both.map(({ signer }) => signer)).toEqual([mine, theirs])
    expect(both[0].signer).toBe(mine)
    expect(both[1].signer).toBe(theirs)
  })

  it('is taken apart once where it is no good', async () => {
    const document = metadataDocument(text().slice(0, -1))
    const failures = await Promise.all([1, 2].map(() => document.described().catch((error: unknown) => error)))
    expect(failures[0]).toBeInstanceOf(FormatError)
    expect(failures[0]).toBe(failures[1])
  })

  it('is judged again where the platform, and not the document, has failed', async () => {
    const document = metadataDocument(signed)
    const digest = { ...ports.digest, hash: () => Promise.reject(new Error('no more memory')) }
    const broken = { ...ports, digest }
    await expect(document.describedUnder([key()], broken)).rejects.toThrow('no more memory')
    expect((await document.describedUnder([key()], ports)).described.size).toBe(1)
  })
})

/** As much of what costs most as a federation's document may have. */
describe('a hostile aggregate', () => {
  const ports = { digest: createNodeDigest(), certificateSignatures: createNodeCertificateSignatures() }
  const federation = samlIdentityProvider({ entityId: 'https://federation.example', key: 'P-256' })
  const mine = publicKeyOfCertificate(federation.certificate.der)
  const thirtyOf = (write: (n: number) => string) => Array.from({ length: 30 }, (_, n) => write(n)).join('')

  /** What was signed is something else: whether that is so shows only when all of this is made canonical. */
  const withExtensions = (before: string, leaf: string, after: string, prefixes: readonly string[]) => {
    const options = { after: /[^>]*>/, infoPrefixes: prefixes, prefixes }
    const good = federation.sign(text({ id: '_m', extensions: '<md:Extensions/>' }), options)
    const leaves = Math.min(90_000, Math.floor((4_100_000 - before.length) / leaf.length))
    return changed(good, '<md:Extensions/>', `<md:Extensions>${before}${leaf.repeat(leaves)}${after}</md:Extensions>`)
  }

  const level = (n: number) =>
    `<y${thirtyOf((m) => ` xmlns:p${n}n${m}="urn:${n}:${m}"`)}${thirtyOf((m) => ` p${n}n${m}:a=""`)}>`
  const levels = Array.from({ length: 28 }, (_, n) => level(n)).join('')
  const longNames = thirtyOf((n) => ` xmlns:p${n}="urn:${'n'.repeat(240)}${n}"`)

  it.each([
    [
      'declarations under very many others, and prefixes that are kept',
      withExtensions(
        levels,
        '<z:x xmlns:z="urn:z"/>',
        '</y>'.repeat(28),
        Array.from({ length: 32 }, (_, n) => `p${n}n0`),
      ),
      'the metadata was changed after it was signed',
    ],
    [
      'namespaces that would be declared again and again',
      withExtensions(`<y${longNames}>`, `<x${thirtyOf((n) => ` p${n}:a=""`)}/>`, '</y>', []),
      'the canonical form is too long',
    ],
  ])('with %s is refused before long', async (_, xml, why) => {
    const begun = performance.now()
    await expect(metadataDocument(xml).describedUnder([mine], ports)).rejects.toThrow(why)
    expect(performance.now() - begun).toBeLessThan(5_000)
  })

  it('of very many entities is read before long', async () => {
    const outer = `<md:EntitiesDescriptor xmlns:md="${namespaces.md}">`.repeat(30)
    const inner = '<md:EntityDescriptor entityID="https://a.example"/>'.repeat(70_000)
    const begun = performance.now()
    const { size } = await metadataDocument(outer + inner + '</md:EntitiesDescriptor>'.repeat(30)).described()
    expect(size).toBe(1)
    expect(performance.now() - begun).toBeLessThan(5_000)
  })
})
