import ipaddr from 'ipaddr.js'
import type { Claims, Json } from '../../domain/claims.ts'
import type { Certificate } from './certificate.ts'
import { attributeNames, distinguishedName } from './distinguished-name.ts'
import type { Name } from './name.ts'

export { distinguishedName } from './distinguished-name.ts'

/** The alternative names of a certificate, as texts. Other forms are not told of. */
export interface AlternativeNames {
  readonly dns: readonly string[]
  readonly email: readonly string[]
  readonly uri: readonly string[]
  /** In canonical form: dotted decimal, or RFC 5952. */
  readonly ip: readonly string[]
}

/** The names in the subject alternative name, in their order and as they were written. */
export const alternativeNames = ({ extensions }: Certificate): AlternativeNames => {
  const names = extensions.subjectAltName?.names ?? []
  const texts = (type: 'dns' | 'email' | 'uri') => names.flatMap((name) => (name.type === type ? [name.value] : []))
  return {
    dns: texts('dns'),
    email: texts('email'),
    uri: texts('uri'),
    ip: names.flatMap((name) => (name.type === 'ip' ? [addressText(name.bytes)] : [])),
  }
}

const addressText = (bytes: Uint8Array): string => ipaddr.fromByteArray([...bytes]).toString()

/**
 * What conditions and expressions may read of a certificate: `subject` and `issuer` by the short names of their
 * attributes (unknown ones by dotted OID) and as `dn`, `san` as lists, `serial` in hex, validity in seconds, and the
 * `policies` that its path is valid for.
 */
export const certificateClaims = (certificate: Certificate, policies: readonly string[]): Claims => ({
  subject: nameClaims(certificate.subject),
  issuer: nameClaims(certificate.issuer),
  san: { ...alternativeNames(certificate) },
  serial: certificate.serial,
  not_before: certificate.notBefore,
  not_after: certificate.notAfter,
  policies,
})

/** Attributes that are lists even with one value, because they often have several. */
const alwaysLists: ReadonlySet<string> = new Set(['OU', 'DC'])

/**
 * An attribute is a text, or a list if it is there several times: what expects the one text then fails, and nothing is
 * chosen between them. A value that is no text is left out here; `dn` has it.
 */
const nameClaims = (name: Name): Claims => {
  const values = new Map<string, string[]>()
  for (const { type, text } of name.steps.flat()) {
    const label = attributeNames.get(type) ?? type
    if (text !== undefined) values.set(label, [...(values.get(label) ?? []), text])
  }
  const members = [...values].map(([label, texts]): [string, Json] => [label, asClaim(label, texts)])
  return { dn: distinguishedName(name), ...Object.fromEntries(members) }
}

const asClaim = (label: string, texts: readonly string[]): Json => {
  const [only, ...others] = texts
  return only === undefined || others.length > 0 || alwaysLists.has(label) ? texts : only
}
