import type { Claims } from '../domain/claims.ts'
import { decodeBase64url } from '../formats/base64url.ts'

const utf8 = new TextEncoder()
const info = utf8.encode('dragoman sealing key 1')

/**
 * The key under which what is put into stores is encrypted: HKDF (RFC 5869) with SHA-256 of a signing key's private
 * value, so that whoever has the signing keys needs no other secret, and whoever has a store has nothing.
 *
 * @returns 32 bytes
 */
export const sealingKeyOf = async (privateKey: Claims): Promise<Uint8Array> => {
  const value = privateKey['d'] ?? privateKey['priv']
  if (typeof value !== 'string') throw new Error('its private half is not there')
  const material = await crypto.subtle.importKey('raw', Uint8Array.from(decodeBase64url(value)), 'HKDF', false, [
    'deriveBits',
  ])
  const salt = new Uint8Array(32)
  return new Uint8Array(await crypto.subtle.deriveBits({ name: 'HKDF', hash: 'SHA-256', salt, info }, material, 256))
}
