import type { Decryption, DecryptionKey } from '../../ports/decryption.ts'
import type { EncryptedElement, WrappedKey } from './encryption.ts'

/** A message can have no more RSA operations done than this: each of our keys is tried on each of its own that fits. */
const mostUnwrappings = 16

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** What was in an encrypted element: the text of one XML element if all is well, and the key of ours that opened it. */
export interface Decrypted {
  readonly text: string
  readonly key: DecryptionKey
}

/**
 * Opens `encrypted` with the first of `keys` that can. Undefined is all that is told of a failure: a sender who learns
 * which step failed is on the way to an oracle. Time still tells which of our keys fits; that it does not tell how a
 * padding looked is the platform's part.
 *
 * @param keys ours, the same one counting once; those for which no operation is left are not tried
 */
export const decrypted = async (
  encrypted: EncryptedElement,
  keys: readonly DecryptionKey[],
  decryption: Decryption,
): Promise<Decrypted | undefined> => {
  const different = [...new Map(keys.map((key) => [key.id, key])).values()]
  const attempts = different.flatMap((key) =>
    encrypted.wrappedKeys.filter(({ value }) => value.length === key.octets).map((wrapped) => ({ key, wrapped })),
  )
  for (const { key, wrapped } of attempts.slice(0, mostUnwrappings)) {
    const text = await textUnder(key, wrapped, encrypted, decryption)
    if (text !== undefined) return { text, key }
  }
  return undefined
}

const textUnder = async (
  key: DecryptionKey,
  { hash, value }: WrappedKey,
  { keyLength, iv, sealed }: EncryptedElement,
  decryption: Decryption,
): Promise<string | undefined> => {
  const contentKey = await decryption.unwrap(key, hash, value)
  if (contentKey?.length !== keyLength) return undefined
  const plain = await decryption.open(contentKey, iv, sealed)
  return plain === undefined ? undefined : textOf(plain)
}

const textOf = (octets: Uint8Array): string | undefined => {
  try {
    return utf8.decode(octets)
  } catch {
    return undefined
  }
}
