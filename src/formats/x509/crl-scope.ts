import type { Certificate } from './certificate.ts'
import type { Crl } from './crl.ts'
import type { IssuingDistributionPoint } from './crl-extensions.ts'
import { binaryOf } from './der.ts'
import type { DistributionPoint, DistributionPointName } from './distribution-point.ts'
import type { GeneralName } from './general-name.ts'
import { type Name, type RelativeName, relativeKey, sameName } from './name.ts'

/** Which CRLs speak of a certificate, and of which reasons (RFC 5280 section 6.3.3 (b) to (d)). */

/** All reasons but `unused`: bits 1 to 8 of ReasonFlags. */
export const allReasons: ReadonlySet<number> = new Set([1, 2, 3, 4, 5, 6, 7, 8])

/**
 * The places that a certificate's CRLs may come from: those that it names, and last of all its issuer's own list (RFC
 * 5280 section 6.3.3, last paragraph).
 */
export const pointsOf = ({ extensions, issuer }: Certificate): readonly DistributionPoint[] => [
  ...(extensions.crlDistributionPoints?.points ?? []),
  { name: { full: [{ type: 'directory', name: issuer }] } },
]

/** The reasons that `crl` covers for `certificate` by way of `point`; empty when it is not in the list's scope. */
export const reasonsCovered = (crl: Crl, certificate: Certificate, point: DistributionPoint): ReadonlySet<number> => {
  const scope = crl.extensions.issuingDistributionPoint
  if (!isIssuerExpected(crl, certificate, point)) return new Set()
  if (scope !== undefined && !isInScope(scope, crl, certificate, point)) return new Set()
  const [ofPoint, ofList] = [point.reasons ?? allReasons, scope?.onlySomeReasons ?? allReasons]
  return new Set([...allReasons].filter((reason) => ofPoint.has(reason) && ofList.has(reason)))
}

/** (b)(1): the certificate's issuer; or whom the point names, with a list that says to be indirect. */
const isIssuerExpected = (crl: Crl, { issuer }: Certificate, { crlIssuer }: DistributionPoint): boolean => {
  if (crlIssuer === undefined) return sameName(crl.issuer, issuer)
  if (crl.extensions.issuingDistributionPoint?.indirect !== true) return false
  return crlIssuer.some((name) => name.type === 'directory' && sameName(name.name, crl.issuer))
}

/** (b)(2) */
const isInScope = (
  scope: IssuingDistributionPoint,
  crl: Crl,
  certificate: Certificate,
  point: DistributionPoint,
): boolean => {
  const isAuthority = certificate.extensions.basicConstraints?.ca === true
  if (scope.onlyAttributeCertificates) return false
  if (scope.onlyUserCertificates && isAuthority) return false
  if (scope.onlyAuthorities && !isAuthority) return false
  if (scope.name === undefined) return true
  const ofList = fullNames(scope.name, crl.issuer)
  const ofPoint = namesOfPoint(point, certificate)
  return ofList.some((one) => ofPoint.some((other) => isSameName(one, other)))
}

/** The names of the point; where it has none, those of who signs its lists. */
const namesOfPoint = ({ name, crlIssuer }: DistributionPoint, { issuer }: Certificate): readonly GeneralName[] => {
  if (name === undefined) return crlIssuer ?? []
  const signer = crlIssuer?.find((each) => each.type === 'directory')
  return fullNames(name, signer?.name ?? issuer)
}

/** A relative name is a step below the name of the CRL's issuer (RFC 5280 section 4.2.1.13). */
const fullNames = (name: DistributionPointName, crlIssuer: Name): readonly GeneralName[] =>
  'full' in name ? name.full : [{ type: 'directory', name: below(crlIssuer, name.relative) }]

const below = ({ steps, raw }: Name, step: RelativeName): Name => ({
  steps: [...steps, step],
  raw: `${raw}${relativeKey(step)}`,
})

const isSameName = (one: GeneralName, other: GeneralName): boolean => {
  if (one.type === 'directory') return other.type === 'directory' && sameName(one.name, other.name)
  if (one.type === 'ip') return other.type === 'ip' && binaryOf(one.bytes) === binaryOf(other.bytes)
  if (one.type === 'other') return other.type === 'other' && binaryOf(one.der) === binaryOf(other.der)
  return other.type === one.type && other.value === one.value
}
