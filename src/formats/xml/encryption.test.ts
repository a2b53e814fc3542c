import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { namespaces } from '../../../test/world/saml-names.ts'
import { changed, partOf } from '../../../test/world/saml-text.ts'
import { cipherData, type Placing, sealedElement, xenc11 } from '../../../test/world/xml-encryption.ts'
import type { OaepHash } from '../../ports/decryption.ts'
import { FormatError } from '../format-error.ts'
import { parseXml, type XmlElement } from './document.ts'
import { encryptedElementIn } from './encryption.ts'
import { elementsIn } from './reading.ts'
import { AlgorithmError } from './signature.ts'

const limits = { characters: 100_000, depth: 16, elements: 256, attributes: 16 }
const parsed = (xml: string): XmlElement => parseXml(xml, limits)
const read = (xml: string) => encryptedElementIn(parsed(xml))

const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
const { xenc, ds } = namespaces

const within = sealedElement('<a/>', [publicKey])
const retrieved = sealedElement('<a/>', [publicKey], 'retrieved')
const key = partOf(within, 'xenc:EncryptedKey')

describe('an encrypted element', () => {
  it.each([128, 192, 256] as const)('may be sealed with AES-GCM of %s bits', (content) => {
    const { algorithm, keyLength, iv, sealed } = read(sealedElement('<a/>', [publicKey], 'within', { content }))
    expect([algorithm, keyLength]).toEqual([`aes${content}-gcm`, content / 8])
    expect([iv.length, sealed.length]).toEqual([12, 4 + 16])
  })

  const placings: readonly Placing[] = ['within', 'beside', 'retrieved']
  it.each(placings)('may have its key %s', (placing) => {
    const { wrappedKeys } = read(sealedElement('<a/>', [publicKey], placing))
    expect(wrappedKeys.map(({ hash, value }) => [hash, value.length])).toEqual([['SHA-256', 256]])
  })

  it.each(placings)('may have four keys %s and no more', (placing) => {
    const four = Array.from({ length: 4 }, () => publicKey)
    expect(read(sealedElement('<a/>', four, placing)).wrappedKeys).toHaveLength(4)
    expect(() => read(sealedElement('<a/>', [...four, publicKey], placing))).toThrow('there are too many EncryptedKeys')
  })

  it('may have keys in both places', () => {
    const both = changed(within, '</saml:EncryptedAssertion>', `${key}</saml:EncryptedAssertion>`)
    expect(read(both).wrappedKeys).toHaveLength(2)
  })

  it.each<OaepHash>(['SHA-1', 'SHA-256', 'SHA-384', 'SHA-512'])('may use RSA-OAEP with %s', (hash) => {
    expect(read(sealedElement('<a/>', [publicKey], 'within', { hash })).wrappedKeys[0]?.hash).toBe(hash)
  })

  const method = partOf(within, 'ds:DigestMethod')
  const mask = partOf(within, 'xenc11:MGF')
  const mgf1p = changed(within, `"${xenc11}rsa-oaep"`, `"${xenc}rsa-oaep-mgf1p"`)
  const accepted: readonly (readonly [string, string])[] = [
    ['rsa-oaep that says nothing', changed(changed(within, method, ''), mask, '')],
    ['rsa-oaep-mgf1p that says nothing', changed(changed(mgf1p, method, ''), mask, '')],
    ['rsa-oaep-mgf1p that says its mask', changed(changed(mgf1p, method, ''), 'mgf1sha256', 'mgf1sha1')],
  ]
  it.each(accepted)('may use %s', (_, xml) => {
    expect(read(xml).wrappedKeys[0]?.hash).toBe('SHA-1')
  })

  it('may have an empty label, and mask and digest in any order', () => {
    const xml = changed(changed(within, mask, ''), method, `${mask}<xenc:OAEPparams> </xenc:OAEPparams>${method}`)
    expect(read(xml).wrappedKeys[0]?.hash).toBe('SHA-256')
  })

  it.each<readonly [string, string | RegExp, string]>([
    ['no types', /Type="[^"]*"/, ''],
    ['a MIME type', 'Id="d"', 'Id="d" MimeType="text/xml"'],
    ['the type of its key', 'Id="k0"', `Id="k0" Type="${xenc}EncryptedKey"`],
    ['no Recipient', /Recipient="[^"]*"/, ''],
    ['no list of references', /<xenc:ReferenceList>.*<\/xenc:ReferenceList>/, ''],
    ['two references to itself', '<xenc:DataReference URI="#d"/>', '<xenc:DataReference URI="#d"/>'.repeat(2)],
    ['a name of its key', '</xenc:EncryptedKey>', '<xenc:CarriedKeyName>n</xenc:CarriedKeyName></xenc:EncryptedKey>'],
    ['other names of keys', '<ds:KeyInfo>', '<ds:KeyInfo Id="i"><ds:KeyName>n</ds:KeyName><ds:X509Data/>'],
    [
      "names of our key in the key's KeyInfo",
      '</xenc:EncryptionMethod><xenc:CipherData>',
      '</xenc:EncryptionMethod><ds:KeyInfo><ds:X509Data/></ds:KeyInfo><xenc:CipherData>',
    ],
    ['line ends in its base64', '<xenc:CipherValue>', '<xenc:CipherValue>\n  '],
    ['a comment', '<xenc:CipherData>', '<!-- --><xenc:CipherData>'],
  ])('may have %s', (_, from, to) => {
    expect(read(changed(within, from, to))).toEqual(read(within))
  })
})

describe('the scope of the plaintext', () => {
  const outer = parsed(
    `<o xmlns="urn:o" xmlns:p="urn:p" xmlns:q="urn:q"><m xmlns:q="urn:q2" xmlns="">${within}</m></o>`,
  )
  const [middle] = elementsIn(outer)
  const [wrapper] = middle === undefined ? [] : elementsIn(middle)

  it('is that of the place where the EncryptedData stands, not of the EncryptedData', () => {
    if (middle === undefined || wrapper === undefined) throw new Error('no element')
    const place = { ancestors: [outer, middle], inherited: [{ prefix: 'r', namespace: 'urn:r' }] }
    const { scope } = encryptedElementIn(wrapper, place)
    expect(Object.fromEntries(scope.map(({ prefix, namespace }) => [prefix, namespace]))).toEqual({
      p: 'urn:p',
      q: 'urn:q2',
      r: 'urn:r',
      saml: namespaces.saml,
      xenc,
      ds,
    })
    const declaring = parsed(changed(within, 'Id="d"', 'Id="d" xmlns:own="urn:own"'))
    expect(encryptedElementIn(declaring).scope.map(({ prefix }) => prefix)).toEqual(['saml', 'xenc', 'ds'])
  })

  it('is what a plaintext without declarations of its own is read in', () => {
    const { scope } = read(changed(within, 'xmlns:ds', 'xmlns:p="urn:p" xmlns="urn:default" xmlns:ds'))
    const plain = parseXml('<p:a b="1"><c/></p:a>', limits, scope)
    expect([plain.namespace, elementsIn(plain)[0]?.namespace]).toEqual(['urn:p', 'urn:default'])
  })
})

describe('an algorithm that is not accepted', () => {
  const content = 'the content is encrypted with'
  const contentKey = 'the content key is encrypted with'
  const two = 'they must be the same, as in rsa-oaep with sha256 and mgf1sha256, or in rsa-oaep-mgf1p with sha1'
  const gcm = `"${xenc11}aes256-gcm"`
  const oaep = `"${xenc11}rsa-oaep"`
  const sha256 = `"${xenc}sha256"`
  const mgf = `"${xenc11}mgf1sha256"`
  const refusals: readonly (readonly [string, string | RegExp, string, string])[] = [
    ...['tripledes-cbc', 'aes128-cbc', 'aes192-cbc', 'aes256-cbc'].map(
      (name) => [name, gcm, `"${xenc}${name}"`, `${content} ${name}: it must be AES-GCM`] as const,
    ),
    [
      'no cipher that we know',
      gcm,
      '"urn:rot13"',
      `${content} an algorithm that is not known here: it must be AES-GCM`,
    ],
    [
      'AES-GCM in the wrong namespace',
      gcm,
      `"${xenc}aes256-gcm"`,
      `${content} an algorithm that is not known here: it must be AES-GCM`,
    ],
    ['RSA as the cipher', gcm, oaep, `${content} an algorithm that is not known here: it must be AES-GCM`],
    ['rsa-1_5', oaep, `"${xenc}rsa-1_5"`, `${contentKey} rsa-1_5: it must be RSA-OAEP`],
    ['key wrapping', oaep, `"${xenc}kw-aes256"`, `${contentKey} kw-aes256: it must be RSA-OAEP`],
    ['AES-GCM for the key', oaep, gcm, `${contentKey} an algorithm that is not known here: it must be RSA-OAEP`],
    [
      'rsa-oaep-mgf1p with another digest',
      /"[^"]*rsa-oaep">(.*?)<xenc11:MGF[^>]*>/,
      `"${xenc}rsa-oaep-mgf1p"><ds:DigestMethod Algorithm=${sha256}/>`,
      `RSA-OAEP has SHA-256 as its digest and SHA-1 in its mask: ${two}`,
    ],
    [
      'rsa-oaep-mgf1p with another mask',
      oaep,
      `"${xenc}rsa-oaep-mgf1p"`,
      'rsa-oaep-mgf1p names a mask that it cannot have',
    ],
    [
      'rsa-oaep with a digest and no mask',
      /<xenc11:MGF[^>]*>/,
      '',
      `RSA-OAEP has SHA-256 as its digest and SHA-1 in its mask: ${two}`,
    ],
    [
      'rsa-oaep with a mask and no digest',
      /<ds:DigestMethod[^>]*>/,
      '',
      `RSA-OAEP has SHA-1 as its digest and SHA-256 in its mask: ${two}`,
    ],
    [
      'rsa-oaep with two hashes',
      mgf,
      `"${xenc11}mgf1sha512"`,
      `RSA-OAEP has SHA-256 as its digest and SHA-512 in its mask: ${two}`,
    ],
    [
      'an unknown digest',
      sha256,
      '"http://www.w3.org/2001/04/xmldsig-more#md5"',
      'the DigestMethod of RSA-OAEP is not one that is accepted',
    ],
    ['an unknown mask', mgf, `"${xenc11}mgf1sha224"`, 'the MGF of RSA-OAEP is not one that is accepted'],
    [
      'key agreement',
      '<ds:KeyInfo>',
      '<ds:KeyInfo><xenc:AgreementMethod Algorithm="urn:dh"/>',
      'the content key is agreed on or derived, not encrypted with RSA-OAEP',
    ],
    [
      'a derived key',
      '<ds:KeyInfo>',
      `<ds:KeyInfo><d:DerivedKey xmlns:d="${xenc11}"/>`,
      'the content key is agreed on or derived, not encrypted with RSA-OAEP',
    ],
  ]

  it.each(refusals)('is %s', (_, from, to, message) => {
    expect(() => read(changed(within, from, to))).toThrow(new AlgorithmError(message))
  })

  it('is refused in whichever key it stands', () => {
    const second = key.replace(oaep, `"${xenc}rsa-1_5"`)
    expect(() => read(changed(within, '</ds:KeyInfo>', `${second}</ds:KeyInfo>`))).toThrow(AlgorithmError)
  })
})

describe('a form that is not accepted', () => {
  const elsewhere = 'RetrievalMethod does not name an EncryptedKey beside the EncryptedData'
  const notThere = 'EncryptionMethod holds an element that it must not have'
  const notAllowed = (name: string) => `${name} has an attribute that it must not have`
  const misplaced = (name: string) => `${name} holds an element that it must not have there`
  const lacks = (name: string, child: string) => `${name} lacks ${child} where it must have one`
  const otherLength = 'the encrypted key is not as long as an RSA key of 2048 to 4096 bits'
  const reference = '<xenc:CipherReference URI="https://example.com/"/>'
  const keyCipher = partOf(key, 'xenc:CipherData')
  const cipher = /<xenc:CipherData>(?:(?!<xenc:CipherData>).)*<\/xenc:EncryptedData>/
  const withCipher = (inside: string) => `${inside}</xenc:EncryptedData>`

  const inside: readonly (readonly [string, string | RegExp, string, string])[] = [
    [
      'an attribute of the wrapper',
      '<saml:EncryptedAssertion',
      '<saml:EncryptedAssertion x="1"',
      notAllowed('EncryptedAssertion'),
    ],
    [
      'text beside',
      '<xenc:EncryptedData',
      'x<xenc:EncryptedData',
      'EncryptedAssertion holds text between its elements',
    ],
    [
      'an element beside',
      '</saml:EncryptedAssertion>',
      '<saml:Assertion/></saml:EncryptedAssertion>',
      misplaced('EncryptedAssertion'),
    ],
    [
      'two EncryptedData',
      /<xenc:EncryptedData.*<\/xenc:EncryptedData>/,
      partOf(within, 'xenc:EncryptedData').repeat(2),
      misplaced('EncryptedAssertion'),
    ],
    [
      'no EncryptedData',
      /<xenc:EncryptedData.*<\/xenc:EncryptedData>/,
      '',
      lacks('EncryptedAssertion', 'EncryptedData'),
    ],
    [
      'a key before the data',
      '<xenc:EncryptedData',
      `${key}<xenc:EncryptedData`,
      lacks('EncryptedAssertion', 'EncryptedData'),
    ],
    ['the type Content', '#Element"', '#Content"', 'EncryptedData is not of the type Element'],
    ['an empty type', /Type="[^"]*"/, 'Type=""', 'EncryptedData is not of the type Element'],
    ['an encoding', 'Id="d"', 'Id="d" Encoding="urn:base64"', notAllowed('EncryptedData')],
    ['no method', /<xenc:EncryptionMethod[^>]*\/>/, '', lacks('EncryptedData', 'EncryptionMethod')],
    ['a method without algorithm', / Algorithm="[^"]*aes256-gcm"/, '', 'EncryptionMethod has no Algorithm'],
    [
      'a key size',
      /(?<=aes256-gcm")\/>/,
      '><xenc:KeySize>256</xenc:KeySize></xenc:EncryptionMethod>',
      'EncryptionMethod is not empty',
    ],
    ['no key', /<ds:KeyInfo>.*<\/ds:KeyInfo>/, '', 'EncryptedData has no EncryptedKey'],
    [
      'a KeyInfo without key',
      /<ds:KeyInfo>.*<\/ds:KeyInfo>/,
      '<ds:KeyInfo><ds:KeyName>n</ds:KeyName></ds:KeyInfo>',
      'EncryptedData has no EncryptedKey',
    ],
    [
      'a reference to the content',
      cipher,
      withCipher(`<xenc:CipherData>${reference}</xenc:CipherData>`),
      lacks('CipherData', 'CipherValue'),
    ],
    [
      'a reference beside the content',
      /<\/xenc:CipherData><\/xenc:EncryptedData>/,
      `${reference}</xenc:CipherData></xenc:EncryptedData>`,
      misplaced('CipherData'),
    ],
    [
      'a reference to the key',
      keyCipher,
      `<xenc:CipherData>${reference}</xenc:CipherData>`,
      lacks('CipherData', 'CipherValue'),
    ],
    ['no content', cipher, withCipher(''), lacks('EncryptedData', 'CipherData')],
    [
      'empty content',
      cipher,
      withCipher('<xenc:CipherData><xenc:CipherValue/></xenc:CipherData>'),
      'CipherValue is empty',
    ],
    [
      'content that is no more than IV and tag, less one',
      cipher,
      withCipher(cipherData(new Uint8Array(27))),
      'the ciphertext is too short',
    ],
    [
      'content that is not base64',
      cipher,
      withCipher('<xenc:CipherData><xenc:CipherValue>A_-=</xenc:CipherValue></xenc:CipherData>'),
      'the text is not base64',
    ],
    [
      'base64 with bits that carry nothing',
      cipher,
      withCipher(`<xenc:CipherData><xenc:CipherValue>${'A'.repeat(40)}AB==</xenc:CipherValue></xenc:CipherData>`),
      'a base64url text has unused bits set',
    ],
    ['elements in its base64', '<xenc:CipherValue>', '<xenc:CipherValue><a/>', 'CipherValue holds elements'],
    [
      'properties',
      '</xenc:EncryptedData>',
      '<xenc:EncryptionProperties/></xenc:EncryptedData>',
      misplaced('EncryptedData'),
    ],
    ['a key of 2040 bits', keyCipher, cipherData(new Uint8Array(255)), otherLength],
    ['a key of 4104 bits', keyCipher, cipherData(new Uint8Array(513)), otherLength],
    [
      'a key of another type',
      'Id="k0"',
      `Id="k0" Type="${xenc}EncryptedData"`,
      'EncryptedKey is not of the type EncryptedKey',
    ],
    ['an attribute of the key', 'Id="k0"', 'Id="k0" Encoding="urn:base64"', notAllowed('EncryptedKey')],
    ['a key for other data', '"#d"', '"#e"', 'EncryptedKey is for other data'],
    [
      'a key for data too',
      '<xenc:DataReference URI="#d"/>',
      '<xenc:DataReference URI="#d"/><xenc:DataReference URI="#e"/>',
      'EncryptedKey is for other data',
    ],
    ['a key for data elsewhere', '"#d"', '"https://example.com/#d"', 'EncryptedKey is for other data'],
    ['a key for data without a name', 'Id="d"', '', 'EncryptedKey is for other data'],
    ['a key for a key', 'xenc:DataReference', 'xenc:KeyReference', lacks('ReferenceList', 'DataReference')],
    [
      'a key for keys too',
      '</xenc:ReferenceList>',
      '<xenc:KeyReference URI="#k1"/></xenc:ReferenceList>',
      misplaced('ReferenceList'),
    ],
    [
      'transforms of a reference',
      '<xenc:DataReference URI="#d"/>',
      '<xenc:DataReference URI="#d"><ds:Transforms/></xenc:DataReference>',
      'DataReference is not empty',
    ],
    [
      'a key in a key',
      keyCipher,
      `<ds:KeyInfo>${key}</ds:KeyInfo>${keyCipher}`,
      'EncryptedKey is encrypted with another EncryptedKey',
    ],
    [
      'a key that points elsewhere',
      keyCipher,
      `<ds:KeyInfo><ds:RetrievalMethod URI="#k0"/></ds:KeyInfo>${keyCipher}`,
      elsewhere,
    ],
    ['a label', '<xenc11:MGF', '<xenc:OAEPparams>AAAA</xenc:OAEPparams><xenc11:MGF', 'OAEPparams is not empty'],
    ['a key size of RSA', '<xenc11:MGF', '<xenc:KeySize>256</xenc:KeySize><xenc11:MGF', notThere],
    ['an element that nobody knows', '<xenc11:MGF', '<x/><xenc11:MGF', notThere],
    ['a mask of another namespace', /<xenc11:MGF xmlns:xenc11="[^"]*"/, '<xenc:MGF', notThere],
    [
      'two masks',
      /<xenc11:MGF[^>]*>/,
      `<xenc11:MGF xmlns:xenc11="${xenc11}" Algorithm="${xenc11}mgf1sha256"/>`.repeat(2),
      'EncryptionMethod has more than one MGF',
    ],
    [
      'a mask with a digest in it',
      /(<xenc11:MGF[^>]*)\/>/,
      `<xenc11:MGF xmlns:xenc11="${xenc11}" Algorithm="${xenc11}mgf1sha256"><x/></xenc11:MGF>`,
      'MGF is not empty',
    ],
    [
      'a key beyond the KeyInfo',
      '</ds:KeyInfo>',
      '<ds:KeyInfoReference URI="#x"/></ds:KeyInfo>',
      'KeyInfo points to a key elsewhere',
    ],
    ['a retrieval that names a key within', '</ds:KeyInfo>', '<ds:RetrievalMethod URI="#k0"/></ds:KeyInfo>', elsewhere],
    [
      'a retrieval of another namespace',
      '</ds:KeyInfo>',
      '<xenc:RetrievalMethod URI="#k0"/></ds:KeyInfo>',
      'KeyInfo points to a key elsewhere',
    ],
  ]

  it.each(inside)('is %s', (_, from, to, message) => {
    expect(() => read(changed(within, from, to))).toThrow(new FormatError(message))
  })

  const retrieval = partOf(retrieved, 'ds:RetrievalMethod')
  const beside: readonly (readonly [string, string | RegExp, string, string])[] = [
    ['another key', 'URI="#k0"', 'URI="#k1"', elsewhere],
    ['the data', 'URI="#k0"', 'URI="#d"', elsewhere],
    ['a document', 'URI="#k0"', 'URI="https://example.com/key#k0"', elsewhere],
    ['this document', 'URI="#k0"', 'URI=""', elsewhere],
    ['nothing', 'URI="#k0"', 'URI="#"', elsewhere],
    ['an XPointer', 'URI="#k0"', `URI="#xpointer(id('k0'))"`, elsewhere],
    ['a name that two keys have', '</saml:EncryptedAssertion>', `${key}</saml:EncryptedAssertion>`, elsewhere],
    ['a key without a name', 'Id="k0" ', '', elsewhere],
    ['no URI', ' URI="#k0"', '', 'RetrievalMethod has no URI'],
    ['another type', '#EncryptedKey"', '#DerivedKey"', 'RetrievalMethod is not for an EncryptedKey'],
    [
      'what transforms make of a key',
      retrieval,
      '<ds:RetrievalMethod URI="#k0"><ds:Transforms/></ds:RetrievalMethod>',
      'RetrievalMethod is not empty',
    ],
  ]

  it.each(beside)('is a retrieval of %s', (_, from, to, message) => {
    expect(() => read(changed(retrieved, from, to))).toThrow(new FormatError(message))
  })

  it('is a plain element', () => {
    expect(() => read(`<saml:Assertion xmlns:saml="${namespaces.saml}" ID="a"/>`)).toThrow(FormatError)
  })
})
