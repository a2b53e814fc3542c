import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type CertificateOptions,
  generalNames,
  oids,
  type TestCertificate,
  testCertificate,
} from '../../test/world/certificates.ts'
import { explicit, sequence } from '../../test/world/der.ts'
import {
  at,
  audience,
  bareRoot,
  base64,
  chainOf,
  evilRoot,
  intermediate,
  openWith,
  partnerRoot,
  prodId,
  proofOf,
  publicRoot,
  root,
  verdictOn,
  webId,
} from '../../test/world/svids.ts'
import { tokenTypes } from '../domain/token-type.ts'

const x509 = (...certificates: readonly TestCertificate[]) => verdictOn(tokenTypes.x509Chain, chainOf(...certificates))

describe('an X.509-SVID', () => {
  it('is proven by the bundle of its trust domain, straight and over an intermediate', async () => {
    expect(await x509(root.issue({ uris: [webId] }))).toBe(webId)
    expect(await x509(intermediate.issue({ uris: [webId] }), intermediate)).toBe(webId)
    expect(await x509(bareRoot.issue({ uris: [webId] }))).toBe(webId)
    expect(await x509(partnerRoot.issue({ uris: ['spiffe://partner.example.net/a'] }))).toBe(
      'spiffe://partner.example.net/a',
    )
    const pem = root.issue({ uris: [webId] }).pem
    expect(await verdictOn(tokenTypes.x509Chain, pem)).toBe(webId)
  })

  it('may have other names beside its SPIFFE ID, and no purposes', async () => {
    expect(await x509(root.issue({ uris: [webId], dns: ['web.example.org'], emails: ['a@example.org'] }))).toBe(webId)
    expect(await x509(root.issue({ uris: [webId], eku: null }))).toBe(webId)
    expect(await x509(root.issue({ uris: [webId], keyUsage: ['digitalSignature', 'keyEncipherment'] }))).toBe(webId)
  })

  it('shows maps its SPIFFE ID, its names and its validity, and is bound to its key', async () => {
    const leaf = intermediate.issue({ uris: [webId], subject: 'web', notAfter: at + 600 })
    const { credential } = await proofOf(tokenTypes.x509Chain, chainOf(leaf, intermediate))
    expect(credential).toMatchObject({
      kind: 'spiffe',
      issuer: prodId,
      subject: webId,
      audience: [],
      expiresAt: at + 600,
      claims: {
        sub: webId,
        svid: 'x509',
        spiffe: { id: webId, trust_domain: 'prod.example.org', path: '/web' },
        subject: { CN: 'web' },
        san: { uri: [webId] },
      },
    })
    const thumbprint = createHash('sha256').update(leaf.der).digest('base64url')
    expect(credential.confirmation).toEqual({ 'x5t#S256': thumbprint })
  })

  it.each<[string, CertificateOptions, string]>([
    ['two URIs', { uris: [webId, `${prodId}/admin`] }, 'credential.malformed'],
    ['a URI of another scheme beside it', { uris: ['https://web.example.org', webId] }, 'credential.malformed'],
    ['only the trust domain', { uris: [prodId] }, 'credential.malformed'],
    ['a trailing slash', { uris: [`${webId}/`] }, 'credential.malformed'],
    ['an upper-case scheme', { uris: ['SPIFFE://prod.example.org/web'] }, 'credential.malformed'],
    ['an upper-case trust domain', { uris: ['spiffe://PROD.example.org/web'] }, 'credential.malformed'],
    ['a query', { uris: [`${webId}?admin`] }, 'credential.malformed'],
    ['a fragment', { uris: [`${webId}#admin`] }, 'credential.malformed'],
    ['a percent', { uris: [`${prodId}/%77eb`] }, 'credential.malformed'],
    ['dots', { uris: [`${prodId}/a/../web`] }, 'credential.malformed'],
    ['a port', { uris: ['spiffe://prod.example.org:443/web'] }, 'credential.malformed'],
    ['user information', { uris: ['spiffe://prod.example.org@evil.example/web'] }, 'credential.malformed'],
    ['NUL', { uris: [`${webId}\0.evil`] }, 'credential.malformed'],
    ['letters beyond ASCII', { uris: [`${prodId}/wéb`] }, 'credential.malformed'],
    ['a comma and another name', { uris: [`${webId}, URI:${prodId}/admin`] }, 'credential.malformed'],
    ['an unknown trust domain', { uris: ['spiffe://other.example.org/web'] }, 'issuer.unknown'],
    [
      'the trust domain of another bundle',
      { uris: ['spiffe://partner.example.net/web'] },
      'credential.chain_untrusted',
    ],
    ['an authority', { uris: [webId], ca: true }, 'credential.usage_not_allowed'],
    [
      'an authority that may sign',
      { uris: [webId], ca: true, keyUsage: ['digitalSignature'] },
      'credential.usage_not_allowed',
    ],
    [
      'a key that signs certificates',
      { uris: [webId], keyUsage: ['digitalSignature', 'keyCertSign'] },
      'credential.usage_not_allowed',
    ],
    [
      'a key that signs CRLs',
      { uris: [webId], keyUsage: ['digitalSignature', 'cRLSign'] },
      'credential.usage_not_allowed',
    ],
    ['a key that makes no signatures', { uris: [webId], keyUsage: ['keyAgreement'] }, 'credential.usage_not_allowed'],
    ['no key usage', { uris: [webId], keyUsage: null }, 'credential.usage_not_allowed'],
    ['purposes of servers only', { uris: [webId], eku: ['serverAuth'] }, 'credential.usage_not_allowed'],
    ['purposes of clients only', { uris: [webId], eku: ['clientAuth'] }, 'credential.usage_not_allowed'],
    ['any purpose', { uris: [webId], eku: ['any'] }, 'credential.usage_not_allowed'],
    ['a time that has passed', { uris: [webId], notAfter: at - 1 }, 'credential.expired'],
    ['a time to come', { uris: [webId], notBefore: at + 60 }, 'credential.not_yet_valid'],
    [
      'an unknown critical extension',
      { uris: [webId], extensions: [{ oid: '1.2.3.4', critical: true, value: Buffer.of(5, 0) }] },
      'credential.extension_unsupported',
    ],
    [
      'a key usage that is not critical',
      { uris: [webId], extensions: [{ oid: '2.5.29.15', value: Buffer.of(3, 2, 7, 0x80) }] },
      'credential.usage_not_allowed',
    ],
    ['a weak key', { uris: [webId], key: 'RSA-1024' }, 'credential.algorithm_not_allowed'],
  ])('with %s is refused', async (_, options, reason) => {
    expect(await x509(root.issue(options))).toBe(reason)
  })

  it('with its SPIFFE ID in another place is none', async () => {
    for (const options of [{ subject: webId }, { dns: ['web.example.org'] }])
      expect(await x509(root.issue(options))).toBe('issuer.unknown')
    const smuggled = root.issue({ uris: [`https://web.example.org/,URI:${webId}`] })
    expect(await x509(smuggled)).toBe('issuer.unknown')
  })

  it('from anybody but its trust domain is refused', async () => {
    const options = { uris: [webId] }
    expect(await x509(partnerRoot.issue(options))).toBe('credential.chain_untrusted')
    expect(await x509(partnerRoot.issue(options), partnerRoot)).toBe('credential.chain_untrusted')
    expect(await x509(publicRoot.issue(options), publicRoot)).toBe('credential.chain_untrusted')
    expect(await x509(evilRoot.issue(options), evilRoot)).toBe('credential.chain_untrusted')
    expect(await x509(testCertificate(options))).toBe('credential.chain_untrusted')
    expect(await x509(root.issue({ uris: ['spiffe://partner.example.net/a'] }), root)).toBe(
      'credential.chain_untrusted',
    )
  })

  it('from a leaf, or over what is no authority, is refused', async () => {
    const leaf = root.issue({ uris: [webId], subject: 'web' })
    const below = testCertificate({ uris: [`${prodId}/admin`] }, leaf)
    expect(await x509(below, leaf)).toBe('credential.usage_not_allowed')
    expect(await x509(intermediate.issue({ uris: [webId] }))).toBe('credential.chain_untrusted')
  })

  it('over an authority that is an SVID of the wrong kind is refused', async () => {
    const over = async (options: CertificateOptions) => {
      const authority = root.subordinate('intermediate', options)
      return x509(authority.issue({ uris: [webId] }), authority)
    }
    expect(await over({ uris: [`${prodId}/ca`] })).toBe('credential.constraint_violated')
    expect(await over({ uris: [prodId, prodId] })).toBe('credential.constraint_violated')
    expect(await over({ uris: ['SPIFFE://prod.example.org'] })).toBe('credential.constraint_violated')
    expect(await over({ uris: ['spiffe://partner.example.net'] })).toBe('credential.constraint_violated')
    expect(await over({ uris: [prodId], keyUsage: null })).toBe('credential.usage_not_allowed')
    expect(await over({ uris: ['https://ca.example.org'] })).toBe(webId)
    expect(await over({})).toBe(webId)
  })

  it('may come from an issuer of its domain below an authority of another', async () => {
    const upper = root.subordinate('upper', { uris: ['spiffe://hq.example.org'] })
    const lower = upper.subordinate('lower', { uris: [prodId] })
    expect(await x509(lower.issue({ uris: [webId] }), lower, upper)).toBe(webId)
  })

  it('keeps within the URIs that its authority is limited to', async () => {
    const permitted = explicit(0, sequence(generalNames.uri('prod.example.org')))
    const limited = root.subordinate('limited', {
      uris: [prodId],
      extensions: [{ oid: oids.nameConstraints, critical: true, value: sequence(permitted) }],
    })
    expect(await x509(limited.issue({ uris: [webId] }), limited)).toBe(webId)
    const elsewhere = partnerRoot.subordinate('limited', {
      uris: ['spiffe://partner.example.net'],
      extensions: [{ oid: oids.nameConstraints, critical: true, value: sequence(permitted) }],
    })
    expect(await x509(elsewhere.issue({ uris: ['spiffe://partner.example.net/a'] }), elsewhere)).toBe(
      'credential.constraint_violated',
    )
  })

  it('of which a bit has changed proves nothing, and breaks nothing', async () => {
    const { der } = root.issue({ uris: [webId] })
    await fc.assert(
      fc.asyncProperty(fc.nat(der.length * 8 - 1), async (bit) => {
        const changed = Buffer.from(der)
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        expect(await verdictOn(tokenTypes.x509Chain, base64(changed))).toMatch(/^(credential|issuer)\./)
      }),
      { numRuns: 500 },
    )
  })

  it('is refused where the map takes none', async () => {
    const jwtOnly = openWith({ audiences: [audience], types: ['jwt-svid'] })
    expect(await verdictOn(tokenTypes.x509Chain, chainOf(root.issue({ uris: [webId] })), jwtOnly)).toBe(
      'credential.audience_mismatch',
    )
  })

  it.each([
    ['nothing', ''],
    ['a JWT', 'e30.e30.AAAA'],
    ['rubbish', 'AAAA'],
    ['rubbish after the leaf', `${chainOf(root.issue({ uris: [webId] }))},AAAA`],
    ['eleven certificates', chainOf(root.issue({ uris: [webId] }), ...Array<TestCertificate>(10).fill(root))],
    ['a megabyte', 'A'.repeat(1_000_000)],
  ])('is not read from %s', async (_, raw) => {
    expect(await verdictOn(tokenTypes.x509Chain, raw)).toBe('credential.malformed')
  })
})
