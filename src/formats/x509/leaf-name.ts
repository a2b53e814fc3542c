import { canonicalAddress } from '../ip-address.ts'
import type { Certificate } from './certificate.ts'
import { alternativeNames, distinguishedName } from './claims.ts'

/** A name by which a certificate is told from the others of its authority. */
export type LeafName = readonly [kind: 'subject' | 'dns' | 'uri' | 'ip' | 'email', name: string]

/**
 * Does the certificate have this name? The subject as a whole, as RFC 4514 writes it; of alternative names one is
 * enough. To the letter, but DNS names without case (RFC 4343) and addresses as what they stand for; never by a pattern,
 * and never by the common name.
 */
export const hasName = (leaf: Certificate, [kind, wanted]: LeafName): boolean => {
  if (kind === 'subject') return distinguishedName(leaf.subject) === wanted
  const names = alternativeNames(leaf)
  if (kind === 'dns') return names.dns.some((name) => name.toLowerCase() === wanted.toLowerCase())
  return names[kind].includes((kind === 'ip' && canonicalAddress(wanted)) || wanted)
}
