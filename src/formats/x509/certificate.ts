import type { Instant } from '../../domain/time.ts'
import { FormatError } from '../format-error.ts'
import { type SignatureScheme, signatureSchemeIn } from './algorithm.ts'
import { constructed, contentOf, type DerNode, encodingOf, encodingText, primitive, readDer, tags } from './der.ts'
import { isBitString } from './der-canonical.ts'
import { expectTag, explicitIn, fieldsOf, hexIntegerIn, smallIntegerIn } from './der-fields.ts'
import { timeIn } from './der-time.ts'
import { extensionListIn } from './extension-list.ts'
import { type Extensions, extensionsIn } from './extensions.ts'
import { isEmptyName, type Name, nameIn, sameName } from './name.ts'
import { type PublicKeyKind, publicKeyIn } from './public-key.ts'

/** An X.509 certificate (RFC 5280 section 4.1), parsed once. What is remembered about it hangs on this very object. */
export interface Certificate {
  readonly der: Uint8Array
  /** The signed part. */
  readonly tbs: Uint8Array
  /** Lower-case hex, without the octet for the sign; with a hyphen in front where it is negative. */
  readonly serial: string
  readonly issuer: Name
  readonly subject: Name
  readonly notBefore: Instant
  /** The last second that it is valid in. */
  readonly notAfter: Instant
  /** DER of the SubjectPublicKeyInfo. */
  readonly spki: Uint8Array
  readonly key: PublicKeyKind
  readonly signatureScheme: SignatureScheme
  readonly signature: Uint8Array
  readonly extensions: Extensions
}

const limits = { bytes: 65_536, elements: 24_576 }

/**
 * Takes a certificate apart: DER and nothing else, version 3, as RFC 5280 section 4 profiles it. Whether anything in it
 * is true is for the path to show (path.ts).
 *
 * @throws FormatError
 */
export const parseCertificate = (der: Uint8Array): Certificate => {
  const fields = fieldsOf(readDer(der, limits))
  const tbs = fields.next(tags.sequence)
  const algorithm = fields.next(tags.sequence)
  const signature = signatureIn(fields.next(tags.bitString))
  fields.end()
  return { der, tbs: encodingOf(tbs), signature, ...signedFields(tbs, algorithm) }
}

type SignedFields = Omit<Certificate, 'der' | 'tbs' | 'signature'>

const signedFields = (tbs: DerNode, outerAlgorithm: DerNode): SignedFields => {
  const fields = fieldsOf(tbs)
  assertVersion3(fields.optional(constructed(0)))
  const serial = serialIn(fields.next(tags.integer))
  const signatureScheme = schemeIn(fields.next(tags.sequence), outerAlgorithm)
  const issuer = nameIn(fields.next(tags.sequence))
  const validity = fieldsOf(fields.next(tags.sequence))
  const [notBefore, notAfter] = [timeIn(validity.any()), timeIn(validity.any())]
  validity.end()
  const subject = nameIn(fields.next(tags.sequence))
  const key = fields.next(tags.sequence)
  for (const number of [1, 2]) assertUniqueIdentifier(fields.optional(primitive(number)))
  const list = fields.optional(constructed(3))
  fields.end()
  const extensions = extensionsIn(list === undefined ? [] : extensionListIn(explicitIn(list)))
  assertNames(issuer, subject, extensions)
  const spki = encodingOf(key)
  return { serial, issuer, subject, notBefore, notAfter, spki, key: publicKeyIn(key), signatureScheme, extensions }
}

/**
 * Only version 3 (as the number 2) has extensions, and without them nothing can be judged (RFC 5280 section 4.1.2.1).
 */
const assertVersion3 = (field: DerNode | undefined): void => {
  const version = field === undefined ? 0 : smallIntegerIn(expectTag(explicitIn(field), tags.integer))
  if (version !== 2) throw new FormatError('the certificate is not of version 3')
}

/**
 * At most 20 octets (RFC 5280 section 4.1.2.2). That it is positive is asked below the anchor only: old roots have
 * zero.
 */
const serialIn = (node: DerNode): string => {
  if (node.content.length > 20) throw new FormatError('the serial number is too long')
  return hexIntegerIn(node)
}

/** The algorithm is there twice, once under the signature, and must be the same (RFC 5280 section 4.1.1.2). */
export const schemeIn = (inner: DerNode, outer: DerNode): SignatureScheme => {
  if (encodingText(inner) !== encodingText(outer))
    throw new FormatError('the signature algorithm inside is not the one outside')
  return signatureSchemeIn(inner)
}

/** The octets of a signature's BIT STRING, which has no unused bits. @throws FormatError */
export const signatureIn = (node: DerNode): Uint8Array => {
  const octets = contentOf(node)
  if (octets[0] !== 0 || octets.length < 2) throw new FormatError('the signature is malformed')
  return octets.subarray(1)
}

/** A BIT STRING that no one has a use for (RFC 5280 section 4.1.2.8). */
const assertUniqueIdentifier = (node: DerNode | undefined): void => {
  if (node !== undefined && !isBitString(node.content)) throw new FormatError('a unique identifier is malformed')
}

/**
 * The issuer has a name (RFC 5280 section 4.1.2.4). The subject may have none, if critical alternative names stand for
 * it and it is no authority (section 4.1.2.6).
 */
const assertNames = (issuer: Name, subject: Name, { basicConstraints, subjectAltName }: Extensions): void => {
  if (isEmptyName(issuer)) throw new FormatError('the issuer has no name')
  if (!isEmptyName(subject)) return
  if (basicConstraints?.ca === true) throw new FormatError('the authority has no name')
  if (subjectAltName?.critical !== true) throw new FormatError('the subject has no name')
}

/**
 * Do subject and issuer have the same name (RFC 5280 section 6.1)? The keys may differ, as when an authority changes
 * its own.
 */
export const isSelfIssued = ({ subject, issuer }: Certificate): boolean => sameName(subject, issuer)
