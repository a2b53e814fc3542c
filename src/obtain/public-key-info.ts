import { exportSPKI, importJWK, type JWK } from 'jose'
import type { Claims } from '../domain/claims.ts'
import { decodeBase64 } from '../formats/base64.ts'
import type { JwsAlgorithm } from '../ports/signatures.ts'

/** The DER of a public key as SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7). */
export const spkiOf = async (publicJwk: Claims, algorithm: JwsAlgorithm): Promise<Uint8Array> => {
  const key = await importJWK(publicJwk as JWK, algorithm, { extractable: true })
  if (key instanceof Uint8Array) throw new Error('not a public key')
  return decodeBase64((await exportSPKI(key)).replaceAll(/-----[^-]+-----|\s/g, ''))
}
