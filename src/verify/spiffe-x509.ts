import { type Credential, proven, type VerifiedCredential } from '../domain/credential.ts'
import { Refusal } from '../domain/refusal.ts'
import { claimsToBeSpiffeId, trustDomainId } from '../domain/spiffe-id.ts'
import type { Instant } from '../domain/time.ts'
import { note, type Trace } from '../domain/trace.ts'
import type { Certificate } from '../formats/x509/certificate.ts'
import { certificateClaims } from '../formats/x509/claims.ts'
import { spiffeIdOf, urisOf, type X509Svid } from '../formats/x509-svid.ts'
import type { TrustBundle } from '../sources/trust-bundles.ts'
import { type CheckedSvid, checkX509Svid } from '../sources/x509-svid-check.ts'
import { presentedChain } from './certificate-chain.ts'
import { asCertificateRefusal } from './certificate-refusal.ts'
import { bundleFor, type Prepared, requireType, spiffeClaim } from './spiffe-claims.ts'
import { anyBearerOfItsKey } from './spiffe-config.ts'
import type { Tools } from './verifier.ts'

/** A certificate that says to be an X.509-SVID, taken apart. */
export interface PresentedX509Svid extends X509Svid {
  readonly svid: 'x509'
}

/** Does this certificate mean to hold a SPIFFE ID? Then it is judged as an SVID and as nothing else. */
export const isSvid = (leaf: Certificate): boolean => urisOf(leaf).some(claimsToBeSpiffeId)

/**
 * Reads a certificate chain whose leaf means to hold a SPIFFE ID; any other is not ours.
 *
 * @throws Refusal `credential.malformed`
 */
export const readX509Svid = (credential: Credential): PresentedX509Svid | undefined => {
  const [leaf, ...intermediates] = presentedChain(credential)
  if (!isSvid(leaf)) return undefined
  try {
    return { svid: 'x509', id: spiffeIdOf(leaf), leaf, intermediates }
  } catch (cause) {
    throw asCertificateRefusal(cause)
  }
}

/** What stands for the audience that X.509-SVIDs do not have. */
export const audiencesOfX509Svid: readonly string[] = [anyBearerOfItsKey]

/**
 * Proves an X.509-SVID by the authorities of its own trust domain (X509-SVID section 5). That its holder has the key is
 * not proven here: `confirmation` names the certificate by which it must be.
 *
 * @throws Refusal `credential.*`, `issuer.unknown`, `keys.unavailable`
 */
export const verifyX509Svid = async (
  svid: PresentedX509Svid,
  prepared: Prepared,
  now: Instant,
  tools: Tools,
  trace: Trace,
): Promise<VerifiedCredential> => {
  const { id, leaf } = svid
  requireType('x509-svid', prepared.config)
  const bundle = bundleFor(id, prepared)
  const { path, stale } = await prove(svid, bundle, now, tools)
  if (stale) trace.staleKeys = true
  note(trace, { stage: 'verify', check: 'path', ok: true, wanted: 'a path to an authority of the trust domain' })
  return proven({
    kind: 'spiffe',
    issuer: trustDomainId(id.trustDomain),
    subject: id.text,
    audience: [],
    claims: { ...certificateClaims(leaf, path.policies), sub: id.text, spiffe: spiffeClaim(id), svid: 'x509' },
    header: {},
    issuedAt: leaf.notBefore,
    expiresAt: path.validUntil,
    id: leaf.serial,
    confirmation: { 'x5t#S256': await tools.ports.digest.sha256OfBytes(leaf.der) },
  })
}

const prove = async (svid: X509Svid, bundle: TrustBundle, now: Instant, tools: Tools): Promise<CheckedSvid> => {
  try {
    return await checkX509Svid(svid, bundle, now, tools.ports.certificateSignatures)
  } catch (thrown) {
    if (thrown instanceof Refusal) throw thrown
    throw asCertificateRefusal(thrown)
  }
}
