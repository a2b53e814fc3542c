import { exportJWK, importPKCS8 } from 'jose'
import asn1 from 'node-forge/lib/asn1.js'
import type { Claims } from '../domain/claims.ts'
import { encodeBase64url } from '../formats/base64url.ts'
import { FormatError } from '../formats/format-error.ts'
import { asObject, parseJson } from '../formats/json.ts'
import { rsaPrivateKeyInPem } from '../formats/x509/pem.ts'
import type { JwsAlgorithm } from '../ports/signatures.ts'

/**
 * A private key as a JWK: of a JWK, of PKCS #8 in PEM, or of PKCS #1 in PEM, as GitHub hands it out.
 *
 * @throws FormatError that says what to convert it to; it holds nothing of the key
 */
export const privateJwk = async (text: string, algorithm: JwsAlgorithm): Promise<Claims> => {
  const trimmed = text.trim()
  if (trimmed.startsWith('{')) return jwkIn(trimmed)
  if (/ENCRYPTED/.test(trimmed)) throw new FormatError('the key is encrypted: keep it without a passphrase')
  if (trimmed.includes('-----BEGIN RSA PRIVATE KEY-----')) return fromPkcs1(rsaPrivateKeyInPem(trimmed))
  try {
    return { ...(await exportJWK(await importPKCS8(trimmed, algorithm, { extractable: true }))) }
  } catch {
    // The library's error may quote the text.
    throw new FormatError(
      `not a private key for ${algorithm}: a JWK, or PKCS #8 in PEM (openssl pkcs8 -topk8 -nocrypt)`,
    )
  }
}

const jwkIn = (text: string): Claims => {
  const jwk = asObject(parseJson(text))
  if (jwk === undefined) throw new FormatError('the key is no JWK')
  return jwk
}

/** RFC 8017 appendix A.1.2, in this order after the version. */
const members = ['n', 'e', 'd', 'p', 'q', 'dp', 'dq', 'qi'] as const

const fromPkcs1 = (der: Uint8Array): Claims => {
  const binary = Array.from(der, (byte) => String.fromCharCode(byte)).join('')
  const { value } = decoded(binary)
  if (typeof value === 'string' || value.length !== members.length + 1)
    throw new FormatError('the RSA private key is malformed')
  const numbers = value.slice(1).map(({ value: octets }) => (typeof octets === 'string' ? octets : ''))
  return Object.fromEntries([
    ['kty', 'RSA'],
    ...members.map((name, at) => [name, encodeBase64url(unsigned(numbers[at] ?? ''))] as const),
  ])
}

const decoded = (binary: string) => {
  try {
    return asn1.fromDer(binary, { strict: true, parseAllBytes: true, decodeBitStrings: false, maxDepth: 4 })
  } catch {
    throw new FormatError('the RSA private key is malformed')
  }
}

/** Without the octet that keeps a positive INTEGER positive. */
const unsigned = (octets: string): Uint8Array =>
  Uint8Array.from(octets.replace(/^\0+/, ''), (character) => character.charCodeAt(0))
