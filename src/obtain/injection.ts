import type { Obtained, PartnerCredential, Presentation } from '../domain/partner.ts'
import { Refusal } from '../domain/refusal.ts'
import { type Secret, secret } from '../domain/secret.ts'
import type { AnyObtainer, InjectedHeader, SignedRequest } from './obtainer.ts'
import type { PartnerRegistration } from './partner-document.ts'
import type { PreparedPartner } from './prepared-partner.ts'

/** What of a partner's document its gateways must be able to carry. */
export const cargoOf = ({
  name,
  inject,
  credential: { obtainer },
}: Pick<PartnerRegistration, 'name' | 'inject'> & { readonly credential: { readonly obtainer: AnyObtainer } }) => ({
  partner: name,
  headers: inject.headers.map((header) => header.name.toLowerCase()),
  removed: inject.removeHeaders,
  isSigned: obtainer.sign !== undefined,
  hasQuery: inject.query.length > 0,
})

/**
 * How a credential is put on a request: what `inject` says, or what a signature came to. What is set is not removed.
 *
 * @param removed the headers, lower-case, that go off every request of this gateway
 * @throws Refusal `partner.invalid_answer` when a part is missing or has what no header field may have
 */
export const presentationOf = (
  partner: PreparedPartner,
  credential: PartnerCredential,
  removed: readonly string[],
  signed?: SignedRequest,
): Presentation => {
  const { headers, query } = partner.inject
  const injected = headers.map((header) => fieldOf(header, credential))
  const set = [...injected, ...(signed?.set ?? [])]
  const parameters = query.map(({ name, from }) => [name, partOf(credential, from)] as const)
  return {
    partner: partner.name,
    credentialId: credential.id,
    set,
    remove: removalsBeside(
      set.map(([name]) => name),
      partner,
      removed,
    ),
    query: { set: parameters, remove: [] },
    boundTo: signed?.boundTo ?? [],
    expiresAt: Math.min(credential.goodUntil, signed?.expiresAt ?? credential.goodUntil),
  }
}

/** By what goes off every request of a gateway, then by the partner and the names of what is set. */
const removals = new WeakMap<readonly string[], Map<string, readonly string[]>>()

/** The same for every request to a partner but for the few sets of names that a signature can have. */
const removalsBeside = (
  set: readonly string[],
  { name, inject }: PreparedPartner,
  removed: readonly string[],
): readonly string[] => {
  const known = removals.get(removed) ?? new Map<string, readonly string[]>()
  removals.set(removed, known)
  const key = `${name} ${set.join()}`
  const found = known.get(key) ?? without(set, [...removed, ...inject.removeHeaders])
  known.set(key, found)
  return found
}

const without = (set: readonly string[], removed: readonly string[]): readonly string[] =>
  [...new Set(removed)].filter((name) => !set.includes(name))

const fieldOf = (header: InjectedHeader, credential: Obtained): readonly [string, Secret<string>] => {
  const name = header.name.toLowerCase()
  if ('value' in header) return [name, secret(header.value)]
  const value = `${header.prefix ?? ''}${partOf(credential, header.from).reveal()}`
  if (!fieldContent.test(value))
    throw new Refusal('partner.invalid_answer', `${header.from} has characters that no header field may have`)
  return [name, secret(value)]
}

/** Visible ASCII and inner spaces: no line break, which would begin another field (RFC 9110 section 5.5). */
const fieldContent = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/

const partOf = ({ parts }: Obtained, name: string): Secret<string> => {
  const part = Object.hasOwn(parts, name) ? parts[name] : undefined
  if (part === undefined) throw new Refusal('partner.invalid_answer', `the partner's answer has no ${name}`)
  return part
}
