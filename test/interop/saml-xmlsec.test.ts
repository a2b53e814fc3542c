import { beforeAll, describe, expect, it } from 'vitest'
import { type DigestName, namespaces, type SignatureName } from '../world/saml-names.ts'
import { type Asked, assertionTemplate, responseTemplate } from './saml/assertions.ts'
import { type Believing, startBelieving } from './saml/believing.ts'
import { invalid } from './saml/presenting.ts'
import { takenOut } from './saml/taken-out.ts'
import { signedByXmlsec, verifiedByXmlsec } from './saml/xml-security.ts'
import { believed, issuer, pssAlgorithms, pssIssuer, type Signer, signers } from './saml/xmlsec-world.ts'

/** Assertions that the XML Security Library signs, with every algorithm and in odd but valid forms. */

let dragoman: Believing
beforeAll(async () => {
  dragoman = await startBelieving(believed.sources, believed.files)
  return dragoman.stop
})

/** The assertion in `template`, signed; xmlsec itself believes it as it is presented. */
const signed = async (template: string, signer: Signer = 'rsa'): Promise<string> => {
  const [document = ''] = await signedByXmlsec([{ xml: template, key: signers[signer].privateKeyPem }])
  const xml = takenOut(document)
  expect(await verifiedByXmlsec([{ xml, certificate: signers[signer].pem }])).toEqual([true])
  return xml
}

const alice = { sub: 'user:alice@example.com', mail: 'alice@acme.example', groups: ['a', 'b'] }

const asked = (more: Omit<Asked, 'issuer'>, by = issuer): string => assertionTemplate({ issuer: by, ...more })

const hashes = ['sha256', 'sha384', 'sha512'] as const
const everyAlgorithm = hashes.flatMap((hash) => [
  ['rsa', `rsa-${hash}`, hash] as const,
  ...(['p256', 'p384', 'p521'] as const).map((curve) => [curve, `ecdsa-${hash}`, hash] as const),
])

describe('the algorithms', () => {
  it.each(everyAlgorithm)('of a key %s: %s', async (signer, method, digest) => {
    expect(await dragoman.accepted(await signed(asked({ signature: { method, digest } }), signer))).toMatchObject(alice)
  })

  it.each(pssAlgorithms)('%s, where the map names it and nowhere else', async (method) => {
    const ask = (by: string) => signed(asked({ signature: { method } }, by))
    expect(await dragoman.accepted(await ask(pssIssuer))).toMatchObject(alice)
    expect(await dragoman.refused(await ask(issuer))).toEqual(invalid('credential.algorithm_not_allowed'))
  })

  it.each<[string, Signer, SignatureName, DigestName]>([
    ['RSA with SHA-1', 'rsa', 'rsa-sha1', 'sha256'],
    ['ECDSA with SHA-1', 'p256', 'ecdsa-sha1', 'sha256'],
    ['a digest by SHA-1', 'rsa', 'rsa-sha256', 'sha1'],
    ['a digest by SHA-224', 'rsa', 'rsa-sha256', 'sha224'],
  ])('%s is refused', async (_, signer, method, digest) => {
    const xml = await signed(asked({ signature: { method, digest } }), signer)
    expect(await dragoman.refused(xml)).toEqual(invalid('credential.algorithm_not_allowed'))
  })
})

const xs = { xs: namespaces.xs, xsi: namespaces.xsi }
const typed = [
  { name: 'mail', values: ['alice@acme.example'], type: 'xs:string' },
  { name: 'groups', values: ['a', 'b'], type: 'xs:string' },
]
/** What canonicalization has to write otherwise. */
const oddText = '&#x61;<![CDATA[<&]]>&#13;&#10;\t"&apos;&gt;\r\nü&#x1F600;'
const readAs = 'a<&\r\n\t"\'>\nü😀'

const otherCertificate = () => {
  const der = Buffer.from(signers.p256.der).toString('base64')
  return `<ds:X509Data xmlns:ds="${namespaces.ds}"><ds:X509Certificate>${der}</ds:X509Certificate></ds:X509Data>`
}

describe('odd forms', () => {
  it.each<[string, Omit<Asked, 'issuer'>]>([
    ['PrefixList xs', { assertion: { declared: xs, statements: [typed] }, signature: { prefixes: ['xs'] } }],
    [
      'PrefixList with prefixes that are not declared, in SignedInfo as well',
      {
        assertion: { declared: { ...xs, unused: 'urn:unused' } },
        signature: { prefixes: ['xs', 'nowhere', 'unused'], infoPrefixes: ['saml', 'xs', 'nowhere'] },
      },
    ],
    ['PrefixList #default', { assertion: { declared: { '': 'urn:unused' } }, signature: { prefixes: ['#default'] } }],
    ['an empty PrefixList', { signature: { prefixes: [], infoPrefixes: [] } }],
    ['the assertion in the default namespace', { assertion: { prefix: '' }, signature: { prefix: 'd' } }],
    ['everything in default namespaces', { assertion: { prefix: '' }, signature: { prefix: '' } }],
    [
      'the default namespace, inclusive',
      { assertion: { prefix: '' }, signature: { prefix: '', prefixes: ['#default'], infoPrefixes: ['#default'] } },
    ],
    ['unusual prefixes', { assertion: { prefix: 'é-1.x' }, signature: { prefix: '_𐀀' } }],
    ['prefixes that mean something else elsewhere', { assertion: { prefix: 'ds' }, signature: { prefix: 'saml' } }],
    ['lines and indents', { assertion: { between: '\n  ' }, signature: { between: '\n\t' } }],
    ['line ends of Windows', { assertion: { between: '\r\n    ' }, signature: { between: '\r\n' } }],
    ['carriage returns by reference', { assertion: { between: '&#13;\n' } }],
    ['comments between elements', { assertion: { between: '<!-- <saml:NameID>mallory</saml:NameID> -->' } }],
    ['KeyInfo with the certificate of somebody else', { signature: { keyInfo: otherCertificate() } }],
    ['further namespaces, declared twice', { assertion: { declared: { a: 'urn:a', b: 'urn:a', ...xs } } }],
  ])('%s', async (_, more) => {
    expect(await dragoman.accepted(await signed(asked(more)))).toMatchObject(alice)
  })

  it('references and sections of characters are read as what they stand for', async () => {
    const attributes = { mail: [{ xml: oddText }], groups: ['a', { xml: '<![CDATA[b]]>' }] }
    const xml = await signed(
      asked({ assertion: { attributes, nameId: { value: { xml: 'alice&#64;example<![CDATA[.com]]>' } } } }),
    )
    expect(xml).toContain(oddText)
    expect(await dragoman.accepted(xml)).toMatchObject({ ...alice, mail: readAs })
  })

  it('attributes of the XML namespace', async () => {
    const mail = '<saml:AttributeValue xml:lang="de" xml:space="preserve">alice@acme.example</saml:AttributeValue>'
    const template = asked({}).replace(/<saml:AttributeValue>alice@acme.example<\/saml:AttributeValue>/, mail)
    expect(template).toContain('xml:lang')
    expect(await dragoman.accepted(await signed(template))).toMatchObject(alice)
  })

  it('an XML declaration and comments before the assertion', async () => {
    const xml = await signed(asked({}))
    expect(
      await dragoman.accepted(`<?xml version="1.0" encoding="UTF-8"?>\r\n<!-- a -->\n${xml}\n<!-- b -->`),
    ).toMatchObject(alice)
  })
})

describe('within a signed Response', () => {
  it('namespaces of the assertion are declared on the Response alone', async () => {
    const inner = asked({
      assertion: { undeclared: true, statements: [typed] },
      signature: { prefixes: ['xs', 'saml'], infoPrefixes: ['xs', 'saml', 'samlp'] },
    })
    const response = responseTemplate(issuer, inner, { saml: namespaces.saml, ...xs })
    expect(await dragoman.accepted(await signed(response))).toMatchObject(alice)
  })

  it('the assertion is in the default namespace that is declared there, and inclusive', async () => {
    const inner = asked({ assertion: { prefix: '', undeclared: true }, signature: { prefixes: ['#default'] } })
    const around = `<samlp:Response xmlns="${namespaces.saml}" xmlns:samlp="${namespaces.samlp}">${inner}</samlp:Response>`
    expect(await dragoman.accepted(await signed(around))).toMatchObject(alice)
  })

  it('the Response has xml:lang, which the assertion does not inherit', async () => {
    const around = `<r:Response xmlns:r="${namespaces.samlp}" xml:lang="en">${asked({})}</r:Response>`
    expect(await dragoman.accepted(await signed(around))).toMatchObject(alice)
  })

  it('a namespace that the assertion needs and the caller has left behind', async () => {
    const inner = asked({ assertion: { undeclared: true, statements: [typed] } })
    const [document = ''] = await signedByXmlsec([
      { xml: responseTemplate(issuer, inner, { saml: namespaces.saml, ...xs }), key: signers.rsa.privateKeyPem },
    ])
    const alone = /<saml:Assertion[\s\S]*<\/saml:Assertion>/.exec(document)?.[0] ?? ''
    expect(await dragoman.refused(alone)).toEqual(invalid('credential.malformed'))
    const declared = alone.replace('<saml:Assertion', `<saml:Assertion xmlns:saml="${namespaces.saml}"`)
    expect(await dragoman.accepted(declared)).toMatchObject(alice)
  })
})
