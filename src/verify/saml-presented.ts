import type { Credential } from '../domain/credential.ts'
import { type Reason, Refusal } from '../domain/refusal.ts'
import { decodeBase64url } from '../formats/base64url.ts'
import { FormatError } from '../formats/format-error.ts'
import {
  readAssertion,
  type SealedAssertion,
  type SignedAssertion,
  UnsignedError,
} from '../formats/saml/assertion-document.ts'
import { AlgorithmError } from '../formats/xml/signature.ts'
import type { DecryptionKey } from '../ports/decryption.ts'

/** An assertion that can be read, though nothing in it is believed. */
export interface ReadableAssertion extends SignedAssertion {
  /** The key that it was encrypted to. */
  readonly openedWith?: DecryptionKey
}

export type PresentedAssertion = ReadableAssertion | SealedAssertion

/** In base64url: as long as a form may be, in which an assertion comes. */
const maxLength = 131_072

/**
 * The assertion in a credential: base64url to the letter (RFC 7522 section 2.1), UTF-8, and one document.
 *
 * @throws Refusal `credential.too_large`, `credential.malformed`, `credential.signature_invalid`,
 *   `credential.algorithm_not_allowed`
 */
export const readPresented = (credential: Credential): PresentedAssertion => {
  const raw = credential.raw.reveal()
  if (raw.length > maxLength) throw new Refusal('credential.too_large', `more than ${maxLength} characters`)
  return refusingFormats(() => readAssertion(utf8Text(decodeBase64url(raw))))
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

const utf8Text = (octets: Uint8Array): string => {
  try {
    return utf8.decode(octets)
  } catch (cause) {
    throw new FormatError('the assertion is not UTF-8', { cause })
  }
}

/** What is wrong with a format is a Refusal to the journey. */
export const refusingFormats = <T>(read: () => T): T => {
  try {
    return read()
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause
    throw new Refusal(reasonOf(cause), cause.message, { cause })
  }
}

const reasonOf = (error: FormatError): Reason => {
  if (error instanceof UnsignedError) return 'credential.signature_invalid'
  return error instanceof AlgorithmError ? 'credential.algorithm_not_allowed' : 'credential.malformed'
}
