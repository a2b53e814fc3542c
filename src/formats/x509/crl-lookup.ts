import type { Instant } from '../../domain/time.ts'
import type { Certificate } from './certificate.ts'
import type { Crl, CrlEntry } from './crl.ts'
import { removeFromCrl } from './crl-extensions.ts'
import { sameName } from './name.ts'

/** What lists say about a certificate, once they are known to count (RFC 5280 section 6.3.3 (i) to (k)). */

interface Index {
  readonly bySerial: ReadonlyMap<string, readonly CrlEntry[]>
  readonly isUnderstood: boolean
}

/** By the signed part of the list. */
const indexes = new WeakMap<Uint8Array, Index>()

const indexOf = (crl: Crl): Index => {
  const known = indexes.get(crl.tbs)
  if (known !== undefined) return known
  const bySerial = Map.groupBy(crl.entries, ({ serial }) => serial)
  const isUnderstood = crl.entries.every(({ extensions }) => extensions.unknownCritical.length === 0)
  const index = { bySerial, isUnderstood }
  indexes.set(crl.tbs, index)
  return index
}

/**
 * Can the list be used at all? It has a number (RFC 5280 section 5.2.3), and neither it nor any of its entries has a
 * critical extension that is not understood (sections 5.2 and 5.3).
 */
export const isUsable = (crl: Crl): boolean =>
  crl.extensions.number !== undefined && crl.extensions.unknownCritical.length === 0 && indexOf(crl).isUnderstood

/** Is the list from before `at`, and its successor not due (RFC 5280 sections 5.1.2.4 and 5.1.2.5)? */
export const isCurrent = ({ thisUpdate, nextUpdate }: Crl, at: Instant): boolean =>
  thisUpdate <= Math.floor(at) && nextUpdate !== undefined && Math.floor(at) <= nextUpdate

const entryFor = (crl: Crl, { serial, issuer }: Certificate): CrlEntry | undefined =>
  indexOf(crl)
    .bySerial.get(serial)
    ?.find(({ certificateIssuer }) => sameName(certificateIssuer, issuer))

/** Is the certificate revoked by the complete list, as the delta to it corrects that? */
export const isRevoked = (certificate: Certificate, complete: Crl, delta: Crl | undefined): boolean => {
  const corrected = delta === undefined ? undefined : entryFor(delta, certificate)
  if (corrected !== undefined) return corrected.extensions.reason !== removeFromCrl
  return entryFor(complete, certificate) !== undefined
}

/** Does `delta` bring `complete` up to date (RFC 5280 section 5.2.4): of the same scope, and not from a later base? */
export const isDeltaTo = (delta: Crl, complete: Crl): boolean => {
  const [base, from, to] = [delta.extensions.deltaBase, complete.extensions.number, delta.extensions.number]
  if (base === undefined || from === undefined || to === undefined) return false
  return sameName(delta.issuer, complete.issuer) && base <= from && from < to && isSameScope(delta, complete)
}

const isSameScope = (one: Crl, other: Crl): boolean => scopeKey(one) === scopeKey(other)

/** The extensions that must be the same in both: where the list applies, and whose key signed it. */
const scopeKey = ({ extensions }: Crl): string =>
  JSON.stringify([extensions.issuingDistributionPoint, extensions.authorityKeyIdentifier], (_name, value: unknown) =>
    value instanceof Set || value instanceof Uint8Array ? [...value] : value,
  )
