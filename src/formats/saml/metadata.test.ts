import { describe, expect, it } from 'vitest'
import { testAuthority, testCertificate } from '../../../test/world/certificates.ts'
import {
  entitiesText,
  keyDescriptor,
  type MetadataOptions,
  metadataText,
} from '../../../test/world/saml-metadata-text.ts'
import { namespaces } from '../../../test/world/saml-names.ts'
import { changed } from '../../../test/world/saml-text.ts'
import { FormatError } from '../format-error.ts'
import type { PublicKey } from '../x509/certificate-key.ts'
import { identityProviderIn, identityProvidersIn } from './metadata.ts'

const start = 1_800_000_000
const entityID = 'https://idp.example.com/saml'

const first = testCertificate({ subject: 'first' })
const second = testCertificate({ subject: 'second' })
const weak = testCertificate({ subject: 'weak', key: 'RSA-1024' })

const text = (options: Partial<MetadataOptions> = {}): string =>
  metadataText({ entityId: entityID, now: start, certificates: [{ pem: first.pem }], ...options })

const read = (options: Partial<MetadataOptions> = {}) => identityProviderIn(text(options), entityID)

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const spkis = ({ keys }: { readonly keys: readonly PublicKey[] }) => keys.map(({ spki }) => hex(spki))
const spkiOf = (certificate: typeof first) => hex(certificate.key.spki)

/** A KeyDescriptor for signing with whatever in it. */
const descriptor = (content: string, use = 'signing') =>
  `<md:KeyDescriptor use="${use}"><ds:KeyInfo xmlns:ds="${namespaces.ds}">${content}</ds:KeyInfo></md:KeyDescriptor>`
const x509 = (...certificates: readonly string[]) =>
  `<ds:X509Data>${certificates.map((one) => `<ds:X509Certificate>${one}</ds:X509Certificate>`).join('')}</ds:X509Data>`
const base64 = ({ der }: { readonly der: Uint8Array }) => Buffer.from(der).toString('base64')

describe('the keys of an identity provider', () => {
  it('are those for signing and those for every use', () => {
    const certificates = [
      { pem: first.pem },
      { pem: second.pem, use: null },
      { pem: weak.pem, use: 'encryption' as const },
    ]
    const provider = read({ certificates })
    expect(spkis(provider)).toEqual([first, second].map(spkiOf))
    expect(provider.unusableKeys).toBe(0)
    expect(provider.keys[0]?.kind).toEqual({ kind: 'ec', curve: 'P-256' })
  })

  it('are each there once, whichever certificate they are in', () => {
    const renewed = testCertificate({ subject: 'first, renewed', key: first.key })
    const provider = read({ certificates: [first, renewed, second, first].map(({ pem }) => ({ pem })) })
    expect(spkis(provider)).toEqual([first, second].map(spkiOf))
    expect(provider.unusableKeys).toBe(0)
  })

  it('are good although the certificate is expired, of version 1, or for no such use', () => {
    const odd = [
      testCertificate({ notBefore: 1, notAfter: 2 }),
      testCertificate({ wrong: { version: null }, extensions: [] }),
      testCertificate({ keyUsage: ['keyEncipherment'], eku: ['1.3.6.1.5.5.7.3.4'] }),
    ]
    expect(spkis(read({ certificates: odd.map(({ pem }) => ({ pem })) }))).toEqual(odd.map(spkiOf))
  })

  it('are read from base64 that is broken into lines and indented', () => {
    const lines = `\n      ${base64(first).replaceAll(/(.{64})/g, '$1\n      ')}\n    `
    expect(spkis(read({ certificates: [], keys: descriptor(x509(lines)) }))).toEqual([spkiOf(first)])
  })

  it.each([
    ['a weak RSA key', keyDescriptor({ pem: weak.pem })],
    ['a curve that is not used', keyDescriptor(testCertificate({ key: 'secp256k1' }))],
    ['a DSA key', descriptor('<ds:KeyValue><ds:DSAKeyValue/></ds:KeyValue>')],
    ['a name for a key', descriptor('<ds:KeyName>first</ds:KeyName>')],
    ['a certificate that is none', descriptor(x509(Buffer.from('nothing').toString('base64')))],
    ['a cut-off certificate', descriptor(x509(base64(second).slice(0, 200)))],
    ['no base64', descriptor(x509('***'))],
    ['PEM', descriptor(x509(second.pem))],
    ['nothing', descriptor('')],
    ['an empty certificate', descriptor(x509(''))],
    ['an element in the certificate', descriptor(x509('<b/>'))],
    ['a key and that of the authority above it', descriptor(x509(base64(second), base64(testAuthority('CA'))))],
    ['two keys in two X509Data', descriptor(x509(base64(second)) + x509(base64(first)))],
  ])('are those that can be used: %s is counted and left out', (_, keys) => {
    const provider = read({ keys })
    expect(spkis(provider)).toEqual([spkiOf(first)])
    expect(provider.unusableKeys).toBe(1)
    expect(() => read({ keys, certificates: [] })).toThrow('the identity provider has no key that can be used')
  })

  it('are one where two certificates of it stand together', () => {
    const renewed = testCertificate({ subject: 'renewed', key: first.key })
    const provider = read({ certificates: [], keys: descriptor(x509(base64(first), base64(renewed))) })
    expect(spkis(provider)).toEqual([spkiOf(first)])
  })

  it.each([
    ['there is none', ''],
    ['there is only one for encryption', keyDescriptor({ pem: first.pem, use: 'encryption' })],
    ['there is one for a use that does not exist', descriptor(x509(base64(first)), 'Signing')],
    [
      'it is of another namespace',
      keyDescriptor({ pem: first.pem })
        .replaceAll('md:', 'md2:')
        .replace('<md2:KeyDescriptor', '<md2:KeyDescriptor xmlns:md2="urn:other"'),
    ],
    ['it stands in an extension', `<md:Extensions>${keyDescriptor({ pem: first.pem })}</md:Extensions>`],
  ])('are missed where %s', (_, keys) => {
    expect(() => read({ keys, certificates: [] })).toThrow('the identity provider has no key to sign with')
  })

  it('are not without number', () => {
    const keys = keyDescriptor({ pem: first.pem })
    expect(read({ certificates: [], keys: keys.repeat(32) }).keys).toHaveLength(1)
    expect(() => read({ certificates: [], keys: keys.repeat(33) })).toThrow('too many keys')
  })
})

describe('the role that counts', () => {
  const role = (keys: string, protocols: string = namespaces.samlp, name = 'md:IDPSSODescriptor') =>
    `<${name} protocolSupportEnumeration="${protocols}">${keys}</${name}>`
  const mine = keyDescriptor({ pem: first.pem })
  const others = keyDescriptor({ pem: second.pem })

  it('may speak other protocols besides', () => {
    const protocols = `urn:oasis:names:tc:SAML:1.1:protocol  ${namespaces.samlp}\n urn:mace:shibboleth:1.0`
    expect(spkis(read({ protocols }))).toEqual([spkiOf(first)])
  })

  it('is none of the others that the entity has', () => {
    const roles = [
      role(others, 'urn:oasis:names:tc:SAML:1.1:protocol'),
      role(others, `${namespaces.samlp}x`),
      role(others, namespaces.samlp, 'md:SPSSODescriptor'),
      role(others, namespaces.samlp, 'md:AttributeAuthorityDescriptor'),
      `<md:RoleDescriptor xmlns:xsi="${namespaces.xsi}" xmlns:fed="http://docs.oasis-open.org/wsfed/federation/200706" xsi:type="fed:SecurityTokenServiceType" protocolSupportEnumeration="http://docs.oasis-open.org/wsfed/federation/200706">${others}</md:RoleDescriptor>`,
    ]
    for (const other of roles) {
      expect(spkis(read({ role: other + role(mine) }))).toEqual([spkiOf(first)])
      expect(() => read({ role: other })).toThrow('the entity is no identity provider of SAML 2.0')
    }
  })

  it('is there once', () => {
    expect(() => read({ role: role(mine) + role(others) })).toThrow('the metadata describes the entity more than once')
  })
})

describe('the entity', () => {
  const other = metadataText({ entityId: 'https://other.example', now: start, certificates: [{ pem: second.pem }] })

  it.each([
    ['in a federation', entitiesText([other, text()], start)],
    [
      'in a federation of federations',
      entitiesText([other, entitiesText([entitiesText([text()], start)], start)], start),
    ],
    [
      'with comments and an XML declaration',
      `<?xml version="1.0" encoding="UTF-8"?>\n<!-- a -->${entitiesText(['<!-- b -->\n', text()], start)}\n`,
    ],
  ])('is found %s', (_, xml) => {
    expect(spkis(identityProviderIn(xml, entityID))).toEqual([spkiOf(first)])
  })

  it.each([
    ['another', other],
    ['another in a federation', entitiesText([other], start)],
    ['one that differs by a slash', text({ entityId: `${entityID}/` })],
    ['one that differs by case', text({ entityId: 'https://IDP.example.com/saml' })],
    ['one that stands in an extension', entitiesText([`<md:Extensions>${text()}</md:Extensions>`], start)],
    ['one that stands in another', changed(other, '</md:EntityDescriptor>', `${text()}</md:EntityDescriptor>`)],
    ['one whose name is in a namespace', changed(text(), 'entityID', 'xmlns:a="urn:a" a:entityID')],
  ])('is not %s', (_, xml) => {
    expect(() => identityProviderIn(xml, entityID)).toThrow('the metadata is not about the entity')
  })

  it.each([
    ['beside itself', entitiesText([text(), text()], start)],
    ['elsewhere in the federation', entitiesText([text(), entitiesText([text()], start)], start)],
    ['without being an identity provider there', entitiesText([text(), text({ role: '' })], start)],
  ])('may not be there again %s', (_, xml) => {
    expect(() => identityProviderIn(xml, entityID)).toThrow('the metadata describes the entity more than once')
  })

  it('is one of those that can be listed', () => {
    const service = text({ entityId: 'https://sp.example', role: '' })
    expect(() => identityProvidersIn(changed(text(), namespaces.md, 'urn:other'))).toThrow('not SAML metadata')
    expect(identityProvidersIn(entitiesText([other, service, text()], start))).toEqual([
      'https://other.example',
      entityID,
    ])
  })
})

describe('the time of metadata', () => {
  it('has no end when nothing says so', () => {
    expect(read()).toMatchObject({ validUntil: Infinity, cacheDuration: Infinity })
  })

  it.each([
    ['the federation', 10, 20, 30],
    ['the entity', 20, 10, 30],
    ['the role', 30, 20, 10],
  ])('is that of %s where it is the shortest', (_, outer, middle, inner) => {
    const entity = text({
      validUntil: middle,
      cacheDuration: `PT${middle}S`,
      roleValidUntil: inner,
      roleCacheDuration: `PT${inner}S`,
    })
    const xml = entitiesText([entitiesText([entity], start)], start, {
      validUntil: outer,
      cacheDuration: `PT${outer}S`,
    })
    expect(identityProviderIn(xml, entityID)).toMatchObject({ validUntil: start + 10, cacheDuration: 10 })
  })

  it('is not that of others', () => {
    const other = text({ entityId: 'https://other.example', validUntil: -1, cacheDuration: 'PT1S' })
    const xml = entitiesText([other, text()], start)
    expect(identityProviderIn(xml, entityID)).toMatchObject({ validUntil: Infinity, cacheDuration: Infinity })
  })

  it.each([
    { validUntil: 'never' },
    { validUntil: '2030-01-01T00:00:00' },
    { validUntil: '2030-01-01T00:00:00+01:00' },
    { validUntil: '' },
    { roleValidUntil: '2030-02-30T00:00:00Z' },
    { cacheDuration: '1h' },
    { cacheDuration: '-P1D' },
    { roleCacheDuration: '' },
  ])('must be readable: %o', (options) => {
    expect(() => read(options)).toThrow(FormatError)
  })
})

describe('what else metadata says', () => {
  it('is there for people', () => {
    const said = [
      '<md:NameIDFormat>\n  urn:oasis:names:tc:SAML:2.0:nameid-format:persistent </md:NameIDFormat>',
      '<md:SingleSignOnService Binding="urn:post" Location="https://idp.example.com/post"/>',
      `<Attribute xmlns="${namespaces.saml}" Name="urn:oid:0.9.2342.19200300.100.1.3" FriendlyName="mail"/>`,
      `<Attribute xmlns="${namespaces.saml}" Name="groups"/>`,
    ].join('')
    const organization =
      '<md:Organization><md:OrganizationDisplayName xml:lang="de">Beispiel</md:OrganizationDisplayName>' +
      '<md:OrganizationDisplayName xml:lang="en"> Example </md:OrganizationDisplayName></md:Organization>'
    expect(read({ keys: said, roles: organization })).toMatchObject({
      singleSignOn: [
        { binding: 'urn:post', location: 'https://idp.example.com/post' },
        { binding: 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect', location: `${entityID}/sso` },
      ],
      nameIdFormats: ['urn:oasis:names:tc:SAML:2.0:nameid-format:persistent'],
      attributes: [{ name: 'urn:oid:0.9.2342.19200300.100.1.3', friendlyName: 'mail' }, { name: 'groups' }],
      organization: 'Example',
    })
  })

  it('may be nothing', () => {
    expect(read()).toMatchObject({ nameIdFormats: [], attributes: [] })
    expect(read()).not.toHaveProperty('organization')
  })
})

describe('a document that is not read', () => {
  const many = `<md:Extensions xmlns:md="${namespaces.md}">${'<md:a/>'.repeat(100_000)}</md:Extensions>`
  it.each([
    ['nothing', ''],
    ['HTML', '<html><body>Sign in</body></html>'],
    ['a root of another name', changed(text(), /EntityDescriptor/g, 'Entity')],
    ['a root of another namespace', changed(text(), namespaces.md, 'urn:other')],
    ['a DOCTYPE', `<!DOCTYPE md:EntityDescriptor>${text()}`],
    ['an entity', `<!DOCTYPE a [<!ENTITY b "c">]>${changed(text(), '/sso', '/&b;')}`],
    ['half of it', text().slice(0, -10)],
    ['two roots', text() + text()],
    [
      'a namespace that would be written again and again',
      changed(text(), 'xmlns:md', `xmlns:a="urn:${'a'.repeat(600)}" xmlns:md`),
    ],
    ['too much text', text({ extensions: `<md:Extensions>${'a'.repeat(4_194_304)}</md:Extensions>` })],
    ['too many elements', text({ extensions: many })],
    ['too deep a tree', text({ extensions: '<md:Extensions>'.repeat(40) + '</md:Extensions>'.repeat(40) })],
  ])('is %s', (_, xml) => {
    expect(() => identityProviderIn(xml, entityID)).toThrow(FormatError)
  })

  it('is not one of a federation with two thousand members', () => {
    const members = Array.from({ length: 2_000 }, (__, n) => text({ entityId: `https://${n}.example` }))
    expect(spkis(identityProviderIn(entitiesText([...members, text()], start), entityID))).toEqual([spkiOf(first)])
  })
})
