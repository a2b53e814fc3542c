import { describe, expect, it } from 'vitest'
import { now as nowIs, type TestCertificate, testAuthority, testKey } from '../../test/world/certificates.ts'
import { type Certificate, parseCertificate } from '../formats/x509/certificate.ts'
import { PathError } from '../formats/x509/path.ts'
import { spiffeIdOf } from '../formats/x509-svid.ts'
import { createNodeCertificateSignatures } from '../runtimes/node/certificate-signatures.ts'
import type { TrustBundle } from './trust-bundles.ts'
import { checkX509Svid } from './x509-svid-check.ts'

const at = nowIs()
const signatures = createNodeCertificateSignatures()
const uris = ['spiffe://prod.example.org']

const key = testKey()
const root = testAuthority('root', { uris, key })
/** The same name and key, in force at other times. */
const past = testAuthority('root', { uris, key, notAfter: at - 1 })
const coming = testAuthority('root', { uris, key, notBefore: at + 60 })
const other = testAuthority('other', { uris })

const leaf = root.issue({ uris: ['spiffe://prod.example.org/web'] })
const tooLate = root.issue({ uris: ['spiffe://prod.example.org/web'], notAfter: at - 1 })

/** A bundle that holds `known` and, when it is asked again, `renewed`. */
const bundleOf = (known: TestCertificate, renewed: TestCertificate, justLoaded = false) => {
  let asked = 0
  const held = (certificates: readonly Certificate[]) => Promise.resolve({ certificates, stale: false, justLoaded })
  const before = [parseCertificate(known.der)]
  const after = known === renewed ? before : [parseCertificate(renewed.der)]
  const bundle: Pick<TrustBundle, 'trustDomain' | 'authorities' | 'renewedAuthorities'> = {
    trustDomain: 'prod.example.org',
    authorities: () => held(before),
    renewedAuthorities: () => {
      asked++
      return held(after)
    },
  }
  return { bundle: bundle as TrustBundle, asked: () => asked }
}

const verdict = async (certificate: TestCertificate, bundle: TrustBundle): Promise<string> => {
  try {
    const presented = parseCertificate(certificate.der)
    const svid = { id: spiffeIdOf(presented), leaf: presented, intermediates: [] }
    await checkX509Svid(svid, bundle, at, signatures)
    return 'good'
  } catch (thrown) {
    if (!(thrown instanceof PathError)) throw thrown
    return thrown.fault
  }
}

describe('an X.509-SVID under a bundle', () => {
  it.each([
    ['unknown', other],
    ['past', past],
    ['still to come', coming],
  ])('whose authority is %s is tried once more with a newer bundle', async (_, known) => {
    const { bundle, asked } = bundleOf(known, root)
    expect([await verdict(leaf, bundle), asked()]).toEqual(['good', 1])
  })

  it.each([
    ['unknown', other, 'untrusted'],
    ['past', past, 'expired'],
    ['still to come', coming, 'not_yet_valid'],
  ])('is refused where the authority stays %s', async (_, known, fault) => {
    const same = bundleOf(known, known)
    expect([await verdict(leaf, same.bundle), same.asked()]).toEqual([fault, 1])
    const fresh = bundleOf(known, root, true)
    expect([await verdict(leaf, fresh.bundle), fresh.asked()]).toEqual([fault, 0])
  })

  it('that has itself expired is refused', async () => {
    expect(await verdict(tooLate, bundleOf(root, root).bundle)).toBe('expired')
  })
})
