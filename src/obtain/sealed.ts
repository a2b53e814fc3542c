import { CompactEncrypt, compactDecrypt, decodeProtectedHeader } from 'jose'
import { FormatError } from '../formats/format-error.ts'
import { asObject, parseJson } from '../formats/json.ts'

/** A key under which what is put into stores is encrypted (32 bytes), and its name. */
export interface Sealing {
  readonly kid: string
  readonly key: Uint8Array
}

const utf8 = new TextEncoder()
const maxLength = 262_144

/**
 * `text` as a compact JWE (RFC 7516 section 3.1): A256GCM under the first key. The name under which it is stored is within,
 * so that what is copied to another name opens there no more.
 *
 * @throws Error when there is no key
 */
export const seal = async (name: string, text: string, [sealing]: readonly Sealing[]): Promise<string> => {
  if (sealing === undefined) throw new Error('there is no key to encrypt with')
  return new CompactEncrypt(utf8.encode(JSON.stringify({ name, text })))
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: sealing.kid })
    .encrypt(sealing.key)
}

/** What was sealed under this name; undefined: by none of these keys, under another name, or tampered with. */
export const unseal = async (
  name: string,
  sealed: string,
  sealings: readonly Sealing[],
): Promise<string | undefined> => {
  try {
    if (sealed.length > maxLength) return undefined
    const { kid } = decodeProtectedHeader(sealed)
    const sealing = sealings.find((one) => one.kid === kid)
    if (sealing === undefined) return undefined
    const { plaintext } = await compactDecrypt(sealed, sealing.key, {
      keyManagementAlgorithms: ['dir'],
      contentEncryptionAlgorithms: ['A256GCM'],
    })
    const content = asObject(parseJson(new TextDecoder().decode(plaintext)))
    const text = content?.['text']
    return content?.['name'] === name && typeof text === 'string' ? text : undefined
  } catch (thrown) {
    if (isUnreadable(thrown)) return undefined
    throw thrown
  }
}

const isUnreadable = (thrown: unknown): boolean =>
  thrown instanceof FormatError ||
  thrown instanceof TypeError ||
  (thrown instanceof Error && thrown.name.startsWith('JWE'))
