import { type Reason, Refusal } from '../domain/refusal.ts'
import { PathError } from '../formats/x509/path.ts'
import { X509SvidError } from '../formats/x509-svid.ts'

const reasonOf: Readonly<Record<PathError['fault'], Reason>> = {
  malformed: 'credential.malformed',
  untrusted: 'credential.chain_untrusted',
  expired: 'credential.expired',
  not_yet_valid: 'credential.not_yet_valid',
  algorithm: 'credential.algorithm_not_allowed',
  usage: 'credential.usage_not_allowed',
  constraint: 'credential.constraint_violated',
  extension: 'credential.extension_unsupported',
  revoked: 'credential.revoked',
  status_unknown: 'credential.status_unverifiable',
  too_complex: 'credential.too_large',
}

/** Why a certificate is refused that does not pass. */
export const refusalOfPath = (error: PathError | X509SvidError): Refusal =>
  new Refusal(reasonOf[error.fault], error.message, { cause: error })

/** What `thrown` means to whoever presented a certificate; anything that is no judgement of it is thrown on. */
export const asCertificateRefusal = (thrown: unknown): Refusal => {
  if (thrown instanceof PathError || thrown instanceof X509SvidError) return refusalOfPath(thrown)
  throw thrown
}
