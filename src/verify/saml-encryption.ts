import { Refusal } from '../domain/refusal.ts'
import { assertionLimits, readAssertion } from '../formats/saml/assertion-document.ts'
import { type NameId, nameIdIn } from '../formats/saml/subject.ts'
import { decrypted } from '../formats/xml/decryption.ts'
import { parseXml } from '../formats/xml/document.ts'
import type { EncryptedElement } from '../formats/xml/encryption.ts'
import type { Decryption, DecryptionKey } from '../ports/decryption.ts'
import { type ReadableAssertion, refusingFormats } from './saml-presented.ts'

/**
 * The assertion that was encrypted to one of `keys`. That it could be opened proves nothing, since anybody can encrypt to
 * us: what comes out is judged like an assertion that came in the clear.
 *
 * @throws Refusal `credential.decryption_failed`, `credential.malformed`, `credential.signature_invalid`,
 *   `credential.algorithm_not_allowed`
 */
export const openedAssertion = async (
  sealed: EncryptedElement,
  keys: readonly DecryptionKey[],
  decryption: Decryption,
): Promise<ReadableAssertion> => {
  const { text, key } = await opened(sealed, keys, decryption)
  return refusingFormats(() => {
    const assertion = readAssertion(text, sealed.scope)
    if ('sealed' in assertion) throw new Refusal('credential.malformed', 'an EncryptedAssertion holds another')
    return { ...assertion, openedWith: key }
  })
}

/** The name in an EncryptedID. @throws Refusal `credential.decryption_failed`, `credential.malformed` */
export const openedName = async (
  encrypted: EncryptedElement,
  keys: readonly DecryptionKey[],
  decryption: Decryption,
): Promise<NameId> => {
  const { text } = await opened(encrypted, keys, decryption)
  return refusingFormats(() => nameIdIn(parseXml(text, assertionLimits, encrypted.scope)))
}

const opened = async (encrypted: EncryptedElement, keys: readonly DecryptionKey[], decryption: Decryption) => {
  if (keys.length === 0) throw new Refusal('credential.decryption_failed', 'no map that may apply has a decryptionKey')
  const found = await decrypted(encrypted, keys, decryption)
  if (found === undefined) throw new Refusal('credential.decryption_failed', 'none of the decryption keys opens it')
  return found
}
