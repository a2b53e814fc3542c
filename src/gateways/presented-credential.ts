import type { Credential } from '../domain/credential.ts'
import type { OriginalRequest } from '../domain/original-request.ts'
import type { PresentedCertificate } from '../domain/presented-certificate.ts'
import { Refusal } from '../domain/refusal.ts'
import { secret } from '../domain/secret.ts'
import { tokenTypes } from '../domain/token-type.ts'
import type { CredentialPlace } from '../formats/gateway-decision-settings.ts'
import { textOfChain } from '../formats/x509-chain-text.ts'
import type { Question } from './dialect.ts'
import { methodOf } from './original-headers.ts'

/**
 * The credential of a request: the first of `places` that is there counts, and what is wrong with it is not made good by
 * a later one. Undefined: none is there.
 *
 * @throws Refusal `credential.malformed`, `credential.ambiguous`, `credential.scheme_unsupported`
 */
export const credentialOf = (
  places: readonly CredentialPlace[],
  request: Question,
  certificate: PresentedCertificate | undefined,
): Credential | undefined => {
  let foreign: string | undefined
  for (const place of places) {
    if ('certificate' in place) {
      if (certificate === undefined) continue
      return { type: tokenTypes.x509Chain, raw: secret(textOfChain(certificate.chain)) }
    }
    const value = request.field(place.header)
    if (value === undefined || value === '') continue
    const raw = valueIn(value, place)
    if (raw !== undefined) return { type: place.type, raw: secret(raw) }
    foreign = place.header
  }
  // Somebody says who they are in a way that is not spoken here: that is not nobody.
  if (foreign !== undefined)
    throw new Refusal('credential.scheme_unsupported', `${foreign} holds a credential of another scheme`)
  return undefined
}

/** The credential in a field, token68 in the terms of RFC 9110 section 11.2; undefined when it is of another scheme. */
const valueIn = (value: string, { header, scheme }: Extract<CredentialPlace, { header: string }>) => {
  const usual = scheme === undefined ? value : textAfter(scheme, value)
  if (usual !== undefined && token68.test(usual)) return usual
  if (value.includes(',')) throw new Refusal('credential.ambiguous', `${header} holds more than one value`)
  const [, word, rest] = scheme === undefined ? [value, scheme, value] : (/^([^ ]+)(?: +(.*))?$/.exec(value) ?? [])
  if (word?.toLowerCase() !== scheme?.toLowerCase()) return undefined
  if (rest === undefined || !token68.test(rest))
    throw new Refusal('credential.malformed', `${header} does not hold one token`)
  return rest
}

const token68 = /^[A-Za-z0-9._~+/-]+=*$/

/** What stands after one space and the word, as nearly always; undefined where it does not. */
const textAfter = (word: string, value: string): string | undefined =>
  value.charCodeAt(word.length) === 0x20 && value.slice(0, word.length).toLowerCase() === word.toLowerCase()
    ? value.slice(word.length + 1)
    : undefined

/** A CORS preflight (the Fetch standard, section 3.3.2): a browser asks whether it may ask. */
export const isPreflight = ({ method }: OriginalRequest, request: Question): boolean =>
  method === 'OPTIONS' &&
  request.field('origin') !== undefined &&
  request.field('access-control-request-method') !== undefined

/**
 * The request that a preflight is for.
 *
 * @throws Refusal `request.original_malformed`
 */
export const preflightOf = (original: OriginalRequest, request: Question): OriginalRequest => ({
  ...original,
  method: methodOf(request.field('access-control-request-method') ?? ''),
})
