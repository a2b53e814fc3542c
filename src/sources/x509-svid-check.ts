import type { Instant } from '../domain/time.ts'
import type { Certificate } from '../formats/x509/certificate.ts'
import { unlessRefused } from '../formats/x509/connection-chain.ts'
import { PathError, type ValidPath } from '../formats/x509/path.ts'
import { validateSvid, type X509Svid } from '../formats/x509-svid.ts'
import type { CertificateSignatures } from '../ports/certificate-signatures.ts'
import type { TrustBundle } from './trust-bundles.ts'

/** An X.509-SVID that leads to an authority of its trust domain. */
export interface CheckedSvid {
  readonly path: ValidPath
  /** The authorities are past their freshness and could not be refreshed. */
  readonly stale: boolean
}

/** What newer authorities may change. */
const mayBeOfTheAnchor: ReadonlySet<PathError['fault']> = new Set(['untrusted', 'expired', 'not_yet_valid'])

/**
 * Proves a client's X.509-SVID by the bundle of the trust domain that it names, which must be `bundle`. A chain that leads
 * to no authority known and in force is tried once more when newer ones can be had: the domain may have just begun to use
 * another, with the same name and key or without.
 *
 * @throws Refusal `keys.unavailable`, X509SvidError, PathError
 */
export const checkX509Svid = async (
  svid: X509Svid,
  bundle: TrustBundle,
  now: Instant,
  signatures: CertificateSignatures,
): Promise<CheckedSvid> => {
  if (svid.id.trustDomain !== bundle.trustDomain) throw new Error('the bundle is not that of the trust domain')
  const validate = (authorities: readonly Certificate[]) =>
    unlessRefused(svid.leaf, authorities, now, () =>
      validateSvid(svid, { authorities, at: now, purpose: 'clientAuth' }, signatures),
    )
  const { certificates, stale, justLoaded } = await bundle.authorities(now)
  try {
    return { path: await validate(certificates), stale }
  } catch (error) {
    if (justLoaded || !(error instanceof PathError && mayBeOfTheAnchor.has(error.fault))) throw error
    const renewed = await bundle.renewedAuthorities(now)
    if (renewed.certificates === certificates) throw error
    return { path: await validate(renewed.certificates), stale: renewed.stale }
  }
}
