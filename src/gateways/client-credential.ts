import type { ClientCredential } from '../domain/exchange.ts'
import type { PresentedCertificate } from '../domain/presented-certificate.ts'
import { Refusal } from '../domain/refusal.ts'
import { secret } from '../domain/secret.ts'
import type { TokenForm } from './token-form.ts'

const assertionTypes = 'urn:ietf:params:oauth:client-assertion-type:'

/** RFC 7523 section 2.2, and OAuth SPIFFE client authentication section 4.1. */
const assertionMethods: ReadonlyMap<string | undefined, 'private_key_jwt' | 'spiffe_jwt'> = new Map([
  [`${assertionTypes}jwt-bearer`, 'private_key_jwt'],
  [`${assertionTypes}jwt-spiffe`, 'spiffe_jwt'],
])

/**
 * How the caller says who it is: exactly one method (RFC 6749 section 2.3), from the Authorization header or the form.
 * A caller that uses neither is known by its certificate, together with its client_id (RFC 8705 section 2).
 *
 * @throws Refusal `client.missing`, `client.ambiguous`, `client.credential_invalid`, `client.method_not_registered`
 */
export const clientCredential = (
  authorization: string | undefined,
  form: TokenForm,
  certificate: PresentedCertificate | undefined,
): ClientCredential => {
  const assertion = form.one('client_assertion')
  const assertionType = form.one('client_assertion_type')
  const clientSecret = form.one('client_secret')
  const usesAssertion = assertion !== undefined || assertionType !== undefined
  const methods = [authorization !== undefined, clientSecret !== undefined, usesAssertion].filter(Boolean)
  if (methods.length > 1) throw new Refusal('client.ambiguous', 'more than one client credential was presented')
  const id = form.one('client_id')
  if (methods.length === 0) return byCertificate(certificate, id)
  if (authorization !== undefined) return basic(authorization, id)
  if (usesAssertion) return byAssertion(assertion, assertionType, id)
  if (id === undefined) throw new Refusal('client.missing', 'client_secret came without client_id')
  return { method: 'client_secret_post', id, secret: secret(clientSecret ?? '') }
}

const byCertificate = (certificate: PresentedCertificate | undefined, id: string | undefined): ClientCredential => {
  if (certificate === undefined) throw new Refusal('client.missing', 'no client credential was presented')
  if (id === undefined) throw new Refusal('client.missing', 'a client certificate came without client_id')
  return { method: 'certificate', id, certificate }
}

const byAssertion = (
  assertion: string | undefined,
  type: string | undefined,
  id: string | undefined,
): ClientCredential => {
  const method = assertionMethods.get(type)
  if (method === undefined)
    throw new Refusal('client.method_not_registered', 'client_assertion_type is neither jwt-bearer nor jwt-spiffe')
  if (assertion === undefined) throw new Refusal('client.missing', 'client_assertion is missing')
  return { method, assertion: secret(assertion), ...(id === undefined ? {} : { id }) }
}

const invalid = (detail: string) => new Refusal('client.credential_invalid', detail)

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** RFC 6749 section 2.3.1: both parts are form-url-encoded before they are joined. */
const basic = (authorization: string, formId: string | undefined): ClientCredential => {
  const [, encoded] = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(authorization) ?? []
  if (encoded === undefined) throw new Refusal('client.missing', 'the Authorization header is not of the Basic scheme')
  const pair = decodePair(encoded)
  const colon = pair.indexOf(':')
  if (colon < 1) throw invalid('the Basic credential is not a pair')
  const id = formDecode(pair.slice(0, colon))
  if (formId !== undefined && formId !== id) throw invalid('client_id differs from the Basic credential')
  return { method: 'client_secret_basic', id, secret: secret(formDecode(pair.slice(colon + 1))) }
}

/** Credentials are ASCII as a rule, and then what `atob` yields is the text already. */
const isAscii = (binary: string): boolean => !/[\x80-\xff]/.test(binary)

const decodePair = (encoded: string): string => {
  try {
    const binary = atob(encoded)
    return isAscii(binary) ? binary : utf8.decode(Uint8Array.from(binary, (octet) => octet.charCodeAt(0)))
  } catch {
    throw invalid('the Basic credential is not base64 of UTF-8')
  }
}

const formDecode = (text: string): string => {
  if (!text.includes('%') && !text.includes('+')) return text
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    throw invalid('the Basic credential is not form-url-encoded')
  }
}
