import type { Instant } from '../../domain/time.ts'
import { FormatError } from '../format-error.ts'
import type { SignatureScheme } from './algorithm.ts'
import { schemeIn, signatureIn } from './certificate.ts'
import { type CrlExtensions, crlExtensionsIn, type EntryExtensions, entryExtensionsIn } from './crl-extensions.ts'
import { constructed, type DerNode, encodingOf, readDer, tags } from './der.ts'
import { expectTag, explicitIn, fieldsOf, hexIntegerIn, smallIntegerIn } from './der-fields.ts'
import { timeIn } from './der-time.ts'
import { extensionListIn } from './extension-list.ts'
import { isEmptyName, type Name, nameIn } from './name.ts'

/** A certificate revocation list (RFC 5280 section 5.1), parsed once. */
export interface Crl {
  readonly der: Uint8Array
  /** The signed part. What is remembered about a list hangs on this very object. */
  readonly tbs: Uint8Array
  readonly issuer: Name
  readonly thisUpdate: Instant
  /** Absent in lists that this profile does not allow; such a list never counts. */
  readonly nextUpdate?: Instant
  readonly entries: readonly CrlEntry[]
  readonly extensions: CrlExtensions
  readonly signatureScheme: SignatureScheme
  readonly signature: Uint8Array
}

export interface CrlEntry {
  /** Lower-case hex. */
  readonly serial: string
  readonly revokedAt: Instant
  /** Who issued the certificate: in an indirect list not always the list's issuer (RFC 5280 section 5.3.3). */
  readonly certificateIssuer: Name
  readonly extensions: EntryExtensions
}

const limits = { bytes: 1_048_576, elements: 400_000 }

/**
 * Takes a CRL apart: DER and nothing else, version 2. Whether it counts for a certificate is for revocation.ts to say.
 *
 * @throws FormatError
 */
export const parseCrl = (der: Uint8Array): Crl => {
  const fields = fieldsOf(readDer(der, limits))
  const tbs = fields.next(tags.sequence)
  const algorithm = fields.next(tags.sequence)
  const signature = signatureIn(fields.next(tags.bitString))
  fields.end()
  return { der, tbs: encodingOf(tbs), signature, ...signedFields(tbs, algorithm) }
}

const signedFields = (tbs: DerNode, outerAlgorithm: DerNode): Omit<Crl, 'der' | 'tbs' | 'signature'> => {
  const fields = fieldsOf(tbs)
  if (smallIntegerIn(fields.next(tags.integer)) !== 1) throw new FormatError('the CRL is not of version 2')
  const signatureScheme = schemeIn(fields.next(tags.sequence), outerAlgorithm)
  const issuer = nameIn(fields.next(tags.sequence))
  if (isEmptyName(issuer)) throw new FormatError('the issuer has no name')
  const thisUpdate = timeIn(fields.any())
  const next = fields.optional(tags.utcTime) ?? fields.optional(tags.generalizedTime)
  const revoked = fields.optional(tags.sequence)
  const list = fields.optional(constructed(0))
  fields.end()
  const extensions = crlExtensionsIn(list === undefined ? [] : extensionListIn(explicitIn(list)))
  const entries = revoked === undefined ? [] : entriesIn(revoked, issuer)
  const times = next === undefined ? { thisUpdate } : { thisUpdate, nextUpdate: timeIn(next) }
  return { issuer, ...times, entries, extensions, signatureScheme }
}

/**
 * An entry's issuer is that of the entry before unless it says so. No entries should be no list (RFC 5280 section
 * 5.1.2.6), but GnuTLS writes an empty one, which says the same.
 */
const entriesIn = (node: DerNode, crlIssuer: Name): readonly CrlEntry[] => {
  let certificateIssuer = crlIssuer
  return node.children.map((child) => {
    const { serial, revokedAt, extensions } = entryIn(child)
    certificateIssuer = extensions.certificateIssuer ?? certificateIssuer
    return { serial, revokedAt, certificateIssuer, extensions }
  })
}

const noExtensions: EntryExtensions = entryExtensionsIn([])

const entryIn = (node: DerNode): Omit<CrlEntry, 'certificateIssuer'> => {
  const fields = fieldsOf(node)
  const serial = hexIntegerIn(expectTag(fields.any(), tags.integer))
  const revokedAt = timeIn(fields.any())
  const list = fields.rest()
  fields.end()
  const extensions = list === undefined ? noExtensions : entryExtensionsIn(extensionListIn(list))
  return { serial, revokedAt, extensions }
}
