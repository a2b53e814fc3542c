import { FormatError } from '../format-error.ts'
import { type DerNode, tags } from './der.ts'
import { booleanIn, elementsOf, fieldsOf, insideOctets, oidIn } from './der-fields.ts'

/** One extension of a certificate, a CRL or an entry of one, its value not yet read. */
export interface RawExtension {
  /** Dotted OID. */
  readonly oid: string
  readonly critical: boolean
  /** The element in its OCTET STRING. @throws FormatError when that is not DER. */
  readonly value: () => DerNode
}

const mostExtensions = 64

/**
 * Extensions: at least one, none twice (RFC 5280 section 4.2), and `critical` written only where it is TRUE (section
 * 4.1, X.690 section 11.5).
 *
 * @throws FormatError
 */
export const extensionListIn = (node: DerNode): readonly RawExtension[] => {
  const list = elementsOf(node, mostExtensions).map(extensionIn)
  if (new Set(list.map(({ oid }) => oid)).size !== list.length) throw new FormatError('an extension is there twice')
  return list
}

const extensionIn = (node: DerNode): RawExtension => {
  const fields = fieldsOf(node)
  const oid = oidIn(fields.next(tags.oid))
  const flag = fields.optional(tags.boolean)
  const value = fields.next(tags.octetString)
  fields.end()
  if (flag !== undefined && !booleanIn(flag)) throw new FormatError('a default value is written out')
  return { oid, critical: flag !== undefined, value: () => insideOctets(value) }
}
