import type { CryptoKey } from 'jose'
import type { Secret } from '../../domain/secret.ts'
import { encodeBase64url } from '../../formats/base64url.ts'
import { FormatError } from '../../formats/format-error.ts'
import { privateKeyInPem } from '../../formats/x509/pem.ts'
import type { Decryption, DecryptionKey, OaepHash } from '../../ports/decryption.ts'

/** WebCrypto binds a key to one hash. */
type ByHash = ReadonlyMap<OaepHash, CryptoKey>

const hashes: readonly OaepHash[] = ['SHA-1', 'SHA-256', 'SHA-384', 'SHA-512']

/** Decryption by WebCrypto. Node takes it too: its own calls do RSA on the thread that answers requests. */
export const createWebDecryption = (): Decryption => {
  const known = new WeakMap<DecryptionKey, ByHash>()
  return {
    async importPrivateKey(pem) {
      const der = derIn(pem)
      const { octets, byHash } = await imported(der)
      const id = encodeBase64url(new Uint8Array(await crypto.subtle.digest('SHA-256', der)))
      const key = Object.freeze({ id, octets }) as DecryptionKey
      known.set(key, byHash)
      return key
    },

    async unwrap(key, hash, wrapped) {
      const own = known.get(key)?.get(hash)
      // RFC 8017 section 7.1.2 wants exactly this length, and not every platform sees to it.
      if (own === undefined || wrapped.length !== key.octets) return undefined
      return opened(() => crypto.subtle.decrypt('RSA-OAEP', own, new Uint8Array(wrapped)))
    },

    async open(contentKey, iv, sealed) {
      if (iv.length !== 12) return undefined
      return opened(async () => {
        const key = await crypto.subtle.importKey('raw', new Uint8Array(contentKey), 'AES-GCM', false, ['decrypt'])
        const parameters = { name: 'AES-GCM', iv: new Uint8Array(iv), tagLength: 128 }
        return crypto.subtle.decrypt(parameters, key, new Uint8Array(sealed))
      })
    },
  }
}

const opened = async (decrypt: () => Promise<ArrayBuffer>): Promise<Uint8Array | undefined> => {
  try {
    return new Uint8Array(await decrypt())
  } catch {
    return undefined
  }
}

const derIn = (pem: Secret<string>): Uint8Array<ArrayBuffer> => {
  try {
    return new Uint8Array(privateKeyInPem(pem.reveal()))
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause
    throw new Error(
      `a decryption key must be one PEM block -----BEGIN PRIVATE KEY----- (PKCS #8, not encrypted): ${cause.message}; ` +
        '`openssl pkcs8 -topk8 -nocrypt` makes it from other forms',
      { cause },
    )
  }
}

const imported = async (
  der: Uint8Array<ArrayBuffer>,
): Promise<{ readonly octets: number; readonly byHash: ByHash }> => {
  const keys = await Promise.all(hashes.map(async (hash) => [hash, await importedFor(hash, der)] as const))
  const [bits = 0] = keys.map(([, { algorithm }]) =>
    'modulusLength' in algorithm ? Number(algorithm.modulusLength) : 0,
  )
  if (bits < 2_048 || bits > 4_096) throw new Error(`${wanted}: it has ${bits}`)
  return { octets: Math.ceil(bits / 8), byHash: new Map(keys) }
}

/** A longer one takes tens of milliseconds for each message, and anybody can send one. */
const wanted = 'a decryption key must be an RSA key of 2048 to 4096 bits'

const importedFor = async (hash: OaepHash, der: Uint8Array<ArrayBuffer>): Promise<CryptoKey> => {
  try {
    return await crypto.subtle.importKey('pkcs8', der, { name: 'RSA-OAEP', hash }, false, ['decrypt'])
  } catch {
    throw new Error(`${wanted}: it cannot be read as one`)
  }
}
