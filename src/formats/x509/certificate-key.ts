import { FormatError } from '../format-error.ts'
import { constructed, encodingOf, readDer, tags } from './der.ts'
import { fieldsOf } from './der-fields.ts'
import { isStrongKey, type PublicKeyKind, publicKeyIn } from './public-key.ts'

/** A public key on its own. What is remembered about it hangs on this very object. */
export interface PublicKey {
  /** DER of the SubjectPublicKeyInfo. */
  readonly spki: Uint8Array
  readonly kind: PublicKeyKind
}

const limits = { bytes: 65_536, elements: 24_576 }

/**
 * The key of a certificate that is trusted for its key alone, as those in SAML metadata are: whoever names it vouches
 * for it, so nothing else in it is looked at, and it may be of version 1, expired, or for any purpose.
 *
 * @throws FormatError when it is no certificate, or the key is of a kind or size that no XML signature here can be of
 */
export const publicKeyOfCertificate = (der: Uint8Array): PublicKey => {
  const tbs = fieldsOf(fieldsOf(readDer(der, limits)).next(tags.sequence))
  tbs.optional(constructed(0))
  tbs.next(tags.integer)
  for (const _ of ['signature', 'issuer', 'validity', 'subject']) tbs.next(tags.sequence)
  const node = tbs.next(tags.sequence)
  const kind = publicKeyIn(node)
  if (!isStrongKey(kind) || kind.kind === 'ed25519')
    throw new FormatError('the key of the certificate is too weak, or of a kind that is not used')
  return { spki: encodingOf(node), kind }
}
