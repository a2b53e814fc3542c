import { describe, expect, it } from 'vitest'
import { now as nowIs, type TestCertificate, testAuthority, testCertificate } from '../../test/world/certificates.ts'
import { createNodeCertificateSignatures } from '../runtimes/node/certificate-signatures.ts'
import { parseCertificate } from './x509/certificate.ts'
import { PathError } from './x509/path.ts'
import { spiffeIdOf, urisOf, validateSvid, X509SvidError } from './x509-svid.ts'

const signatures = createNodeCertificateSignatures()
const at = nowIs()
const webId = 'spiffe://prod.example.org/web'
const root = testAuthority('root', { uris: ['spiffe://prod.example.org'] })

const validated = async (
  leaf: TestCertificate,
  authorities: readonly TestCertificate[],
  {
    purpose = 'clientAuth',
    when = at,
  }: { readonly purpose?: 'clientAuth' | 'serverAuth'; readonly when?: number } = {},
) => {
  const certificate = parseCertificate(leaf.der)
  const svid = { id: spiffeIdOf(certificate), leaf: certificate, intermediates: [] }
  const judgement = { authorities: authorities.map(({ der }) => parseCertificate(der)), at: when, purpose }
  try {
    return (await validateSvid(svid, judgement, signatures)).certificates.length
  } catch (error) {
    if (error instanceof X509SvidError || error instanceof PathError) return error.fault
    throw error
  }
}

describe('spiffeIdOf', () => {
  it('is the one URI of the certificate', () => {
    const leaf = parseCertificate(root.issue({ uris: [webId], dns: ['web.example.org'] }).der)
    expect(spiffeIdOf(leaf).text).toBe(webId)
    expect(urisOf(leaf)).toEqual([webId])
    expect(() => spiffeIdOf(parseCertificate(root.der))).toThrow('not the SPIFFE ID of a workload')
    expect(() => spiffeIdOf(parseCertificate(root.issue().der))).toThrow('exactly one URI')
  })
})

describe('validateSvid', () => {
  it('is for either side of a connection', async () => {
    const leaf = root.issue({ uris: [webId] })
    expect(await validated(leaf, [root])).toBe(2)
    expect(await validated(leaf, [root], { purpose: 'serverAuth' })).toBe(2)
  })

  it('trusts nothing when the domain has no authorities', async () => {
    expect(await validated(root.issue({ uris: [webId] }), [])).toBe('untrusted')
  })

  it('takes no leaf for its own authority', async () => {
    const selfSigned = testCertificate({ uris: [webId] })
    expect(await validated(selfSigned, [selfSigned])).toBe('untrusted')
    expect(await validated(root.issue({ uris: [webId] }), [selfSigned])).toBe('untrusted')
    const leaf = root.issue({ uris: [webId] })
    expect(await validated(leaf, [leaf])).toBe('untrusted')
  })

  it('wants an authority that is valid, to the second, and may sign certificates', async () => {
    const short = testAuthority('short', { notAfter: at + 10 })
    const leaf = short.issue({ uris: [webId] })
    expect(await validated(leaf, [short], { when: at + 10 })).toBe(2)
    expect(await validated(leaf, [short], { when: at + 11 })).toBe('expired')
    const careless = testAuthority('careless', { uris: ['spiffe://prod.example.org'], keyUsage: null })
    expect(await validated(careless.issue({ uris: [webId] }), [careless])).toBe('usage')
    const path = testAuthority('path', { uris: ['spiffe://prod.example.org/ca'] })
    expect(await validated(path.issue({ uris: [webId] }), [path])).toBe('constraint')
  })

  it('keeps to the trust domain of the issuer, when it has one', async () => {
    const foreign = testAuthority('foreign', { uris: ['spiffe://partner.example.net'] })
    expect(await validated(foreign.issue({ uris: [webId] }), [foreign])).toBe('constraint')
  })
})
