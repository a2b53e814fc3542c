import type { CertificateSignatures } from '../../ports/certificate-signatures.ts'
import type { Certificate } from './certificate.ts'
import type { Crl } from './crl.ts'
import { checkSigned } from './issued-by.ts'
import { sameName } from './name.ts'
import { crlSignerFault } from './own-faults.ts'
import { PathError } from './path-error.ts'
import {
  type FoundPath,
  findPath,
  openSearch,
  type Search,
  type SearchBudget,
  type SearchRequest,
} from './path-search.ts'

/** What it takes to find out who signed a CRL. */
export interface SignerSearch {
  readonly request: SearchRequest
  readonly signatures: CertificateSignatures
  readonly budget: SearchBudget
  /** The signer whose own path is being judged: the authority that certified it may let it speak of itself. */
  readonly speaker: Certificate | undefined
  /** Holds a signer's own path against the lists. */
  readonly judge: (signer: Certificate) => Search['judge']
}

/**
 * Is `crl` signed by who it says, with a key that leads to the anchor of `path` (RFC 5280 section 6.3.3 (f) and (g))?
 *
 * @throws PathError `too_complex`
 */
export const isGenuine = async (crl: Crl, path: FoundPath, search: SignerSearch): Promise<boolean> => {
  for (const signer of signersOf(crl, path, search)) {
    if (crlSignerFault(signer, search.request) !== undefined) continue
    const verdict = await checkSigned(crl, signer, search.signatures, search.budget.signatures)
    if (verdict === 'too_complex') throw new PathError('too_complex')
    if (verdict === 'holds' && (await isTrusted(signer, path, search))) return true
  }
  return false
}

/** Those of the issuer's name, on the path first. */
const signersOf = (crl: Crl, path: FoundPath, { request }: SignerSearch): ReadonlySet<Certificate> =>
  new Set(
    [...path.certificates.slice(1), ...request.intermediates].filter(({ subject }) => sameName(subject, crl.issuer)),
  )

/** A signer on the path has been judged with it, or will be; any other needs a path to the same anchor. */
const isTrusted = async (signer: Certificate, path: FoundPath, search: SignerSearch): Promise<boolean> => {
  if (path.certificates.indexOf(signer) > 0 || signer === search.speaker) return true
  const { intermediates, at, maxIntermediates } = search.request
  // Whatever the leaf is for, the lists are not for that.
  const request = { leaf: signer, intermediates, anchors: path.certificates.slice(-1), at, maxIntermediates }
  try {
    await findPath(openSearch(request, search.signatures, search.judge(signer), search.budget))
    return true
  } catch (thrown) {
    if (thrown instanceof PathError && thrown.fault !== 'too_complex') return false
    throw thrown
  }
}
