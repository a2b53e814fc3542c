import { FormatError } from '../format-error.ts'
import { constructed, type DerNode, primitive } from './der.ts'
import { elementsOf, explicitIn, fieldsOf, namedBitsIn } from './der-fields.ts'
import { type GeneralName, generalNamesIn } from './general-name.ts'
import { type RelativeName, relativeNameIn } from './name.ts'

/** Where CRLs for a certificate are found, and which ones (RFC 5280 section 4.2.1.13). */
export interface DistributionPoint {
  readonly name?: DistributionPointName
  /** The reasons that its CRLs cover, by bit; undefined for all. */
  readonly reasons?: ReadonlySet<number>
  /** Who signs the CRLs, where that is not the issuer of the certificate. */
  readonly crlIssuer?: readonly GeneralName[]
}

export type DistributionPointName =
  | { readonly full: readonly GeneralName[] }
  /** A step to be added to the name of the CRL's issuer. */
  | { readonly relative: RelativeName }

const mostPoints = 64

/** CRLDistributionPoints. @throws FormatError */
export const distributionPointsIn = (node: DerNode): readonly DistributionPoint[] =>
  elementsOf(node, mostPoints).map(distributionPointIn)

/** It names a place or a signer: reasons alone are not enough (RFC 5280 section 4.2.1.13). */
const distributionPointIn = (node: DerNode): DistributionPoint => {
  const fields = fieldsOf(node)
  const [name, reasons, issuer] = [
    fields.optional(constructed(0)),
    fields.optional(primitive(1)),
    fields.optional(constructed(2)),
  ]
  fields.end()
  if (name === undefined && issuer === undefined) throw new FormatError('a distribution point names nothing')
  return {
    ...(name === undefined ? {} : { name: pointNameIn(explicitIn(name)) }),
    ...(reasons === undefined ? {} : { reasons: reasonFlagsIn(reasons) }),
    ...(issuer === undefined ? {} : { crlIssuer: generalNamesIn(issuer, constructed(2)) }),
  }
}

/** @throws FormatError */
export const pointNameIn = (node: DerNode): DistributionPointName =>
  node.tag === constructed(0)
    ? { full: generalNamesIn(node, constructed(0)) }
    : { relative: relativeNameIn(node, constructed(1)) }

/** ReasonFlags has the bits 0 to 8; bit 0 is not used. @throws FormatError */
export const reasonFlagsIn = (node: DerNode): ReadonlySet<number> => {
  const reasons = namedBitsIn(node)
  if ([...reasons].some((reason) => reason > 8)) throw new FormatError('a set of reasons is malformed')
  return reasons
}
