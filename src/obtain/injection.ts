import type { Obtained, PartnerCredential, Presentation } from '../domain/partner.ts'
import { Refusal } from '../domain/refusal.ts'
import { type Secret, secret } from '../domain/secret.ts'
import { identityHeaders } from '../formats/gateway-decision-settings.ts'
import type { AnyObtainer, InjectedHeader, SignedRequest } from './obtainer.ts'
import type { PartnerRegistration } from './partner-document.ts'
import type { PreparedPartner } from './prepared-partner.ts'

/** What no partner may see: who was there is our own business, and what opens doors here must not travel. */
export const alwaysRemoved: readonly string[] = [
  'cookie',
  'x-forwarded-client-cert',
  'client-cert',
  'client-cert-chain',
  'txn-token',
  ...Object.values(identityHeaders).map((name) => name.toLowerCase()),
]

/** What of a partner's document its gateways must be able to carry. */
export const cargoOf = ({
  name,
  inject,
  credential: { obtainer },
}: Pick<PartnerRegistration, 'name' | 'inject'> & { readonly credential: { readonly obtainer: AnyObtainer } }) => ({
  partner: name,
  headers: inject.headers.map((header) => header.name.toLowerCase()),
  isSigned: obtainer.sign !== undefined,
  hasQuery: inject.query.length > 0,
})

/**
 * How a credential is put on a request: what `inject` says, or what a signature came to. What is set is not removed.
 *
 * @param tokenHeaders the headers, lower-case, in which the request carried a credential of ours
 * @throws Refusal `partner.invalid_answer` when a part is missing or has what no header field may have
 */
export const presentationOf = (
  partner: PreparedPartner,
  credential: PartnerCredential,
  tokenHeaders: readonly string[],
  signed?: SignedRequest,
): Presentation => {
  const { headers, query, removeHeaders } = partner.inject
  const injected = headers.map((header) => fieldOf(header, credential))
  const set = [...injected, ...(signed?.set ?? [])]
  const names = new Set(set.map(([name]) => name))
  const remove = [...new Set([...tokenHeaders, ...alwaysRemoved, ...removeHeaders])]
  const parameters = query.map(({ name, from }) => [name, partOf(credential, from)] as const)
  return {
    partner: partner.name,
    credentialId: credential.id,
    set,
    remove: remove.filter((name) => !names.has(name)),
    query: { set: parameters, remove: [] },
    boundTo: signed?.boundTo ?? [],
    expiresAt: Math.min(credential.goodUntil, signed?.expiresAt ?? credential.goodUntil),
  }
}

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
