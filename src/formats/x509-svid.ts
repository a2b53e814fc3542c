import { claimsToBeSpiffeId, parseSpiffeId, type SpiffeId } from '../domain/spiffe-id.ts'
import type { Instant } from '../domain/time.ts'
import type { CertificateSignatures } from '../ports/certificate-signatures.ts'
import { workloadId } from './jwt-svid.ts'
import type { Certificate } from './x509/certificate.ts'
import { purposeOids } from './x509/extensions.ts'
import { type ValidPath, validatePath } from './x509/path.ts'

/** A certificate that says to be an X.509-SVID, and those that came with it. Nothing in it is believed. */
export interface X509Svid {
  readonly id: SpiffeId
  readonly leaf: Certificate
  readonly intermediates: readonly Certificate[]
}

/** Why a certificate is not an X.509-SVID, where RFC 5280 would have no complaint. */
export class X509SvidError extends Error {
  readonly fault: 'malformed' | 'usage' | 'constraint'

  constructor(fault: X509SvidError['fault'], message: string) {
    super(message)
    this.name = 'X509SvidError'
    this.fault = fault
  }
}

/** The URIs in the subject alternative name of `certificate`. */
export const urisOf = ({ extensions }: Certificate): readonly string[] =>
  (extensions.subjectAltName?.names ?? []).flatMap((name) => (name.type === 'uri' ? [name.value] : []))

/**
 * The SPIFFE ID of a leaf: its one URI, with a path (X509-SVID sections 2, 3.1 and 5.2). Other kinds of names beside it
 * are allowed and say nothing.
 *
 * @throws X509SvidError
 */
export const spiffeIdOf = (leaf: Certificate): SpiffeId => {
  const [uri, ...others] = urisOf(leaf)
  if (uri === undefined || others.length > 0)
    throw new X509SvidError('malformed', 'an X.509-SVID has exactly one URI in its subject alternative name')
  const id = workloadId(uri)
  if (id === undefined) throw new X509SvidError('malformed', 'the URI is not the SPIFFE ID of a workload')
  return id
}

/** By whom an SVID is judged. */
export interface SvidJudgement {
  /** Of the trust domain that the SVID names, and of no other. */
  readonly authorities: readonly Certificate[]
  readonly at: Instant
  /** The side of a connection that the holder is on. */
  readonly purpose: 'clientAuth' | 'serverAuth'
}

/**
 * Proves that `svid` comes from one of the authorities: a leaf as X509-SVID sections 4.1, 4.3 and 4.4 have it, a path as
 * RFC 5280 has it, and signing certificates as X509-SVID section 3.2 has them.
 *
 * @throws X509SvidError, PathError
 */
export const validateSvid = async (
  { id, leaf, intermediates }: X509Svid,
  { authorities, at, purpose }: SvidJudgement,
  signatures: CertificateSignatures,
): Promise<ValidPath> => {
  checkLeaf(leaf)
  const request = {
    leaf,
    intermediates,
    anchors: authorities,
    at,
    extendedKeyUsage: purpose,
    // Section 6 of RFC 5280, by which SVIDs are validated (X509-SVID section 5.1), asks for no key identifiers.
    needsAuthorityKeyIdentifier: false,
  }
  const path = await validatePath(request, signatures)
  checkSigners(path.certificates.slice(1), id)
  return path
}

/** Uses that make a certificate one that signs others: never those of a leaf. */
const signingUses = ['keyCertSign', 'cRLSign'] as const

/**
 * A leaf is no authority and may make signatures (X509-SVID sections 4.1 and 4.3). Where it limits its purposes it has
 * both of those that section 4.4 demands, whichever side it is on here; `anyExtendedKeyUsage` stands for neither.
 */
const checkLeaf = ({ extensions }: Certificate): void => {
  const { basicConstraints, keyUsage, extendedKeyUsage } = extensions
  if (basicConstraints?.ca === true) throw new X509SvidError('usage', 'the certificate is that of an authority')
  if (keyUsage === undefined || !keyUsage.critical)
    throw new X509SvidError('usage', 'an X.509-SVID has a critical key usage')
  if (!keyUsage.usages.has('digitalSignature'))
    throw new X509SvidError('usage', 'the key is not one that makes signatures')
  if (signingUses.some((use) => keyUsage.usages.has(use)))
    throw new X509SvidError('usage', 'the key is one that signs certificates or CRLs')
  const purposes = extendedKeyUsage?.purposes
  if (purposes === undefined) return
  if (!purposes.includes(purposeOids.clientAuth) || !purposes.includes(purposeOids.serverAuth))
    throw new X509SvidError('usage', 'the certificate is not for both sides of a connection')
}

/** `signers`: from the one that issued the leaf to the authority. */
const checkSigners = (signers: readonly Certificate[], { trustDomain }: SpiffeId): void => {
  for (const [distance, signer] of signers.entries()) {
    const id = signerId(signer)
    // Authorities further up may be of another domain (X509-SVID section 3.2); what issues SVIDs is of theirs.
    if (id !== undefined && distance === 0 && id.trustDomain !== trustDomain)
      throw new X509SvidError('constraint', 'the issuer is of another trust domain')
  }
}

/**
 * The SPIFFE ID of an authority, which need not have one. One that has is an SVID itself: its only URI, without a path,
 * and with a critical key usage that allows it to sign certificates (X509-SVID sections 2, 3.2 and 4.3).
 */
const signerId = (signer: Certificate): SpiffeId | undefined => {
  const uris = urisOf(signer)
  if (!uris.some(claimsToBeSpiffeId)) return undefined
  const id = uris.length === 1 ? parseSpiffeId(uris[0] ?? '') : undefined
  if (id === undefined || id.path !== '')
    throw new X509SvidError('constraint', 'an authority has a SPIFFE ID that is not that of a trust domain')
  const { keyUsage } = signer.extensions
  if (keyUsage?.critical !== true || !keyUsage.usages.has('keyCertSign'))
    throw new X509SvidError('usage', 'an authority with a SPIFFE ID has no critical key usage for signing certificates')
  return id
}
