import type { Claims, Json } from '../domain/claims.ts'
import type { Seconds } from '../domain/time.ts'
import { decodeBase64 } from './base64.ts'
import { FormatError } from './format-error.ts'
import { asObject, parseJson } from './json.ts'
import { type Certificate, parseCertificate } from './x509/certificate.ts'
import { certificatesInPem } from './x509/pem.ts'

/** The keys that a trust domain stands on. The bundle does not say which domain: whoever holds it must know. */
export interface SpiffeBundle {
  /** The authorities of its X.509-SVIDs. */
  readonly authorities: readonly Certificate[]
  /** The keys of its JWT-SVIDs, as a JWK set; each has a `kid`. */
  readonly jwtKeys: Claims
  /** Grows whenever the bundle changes. */
  readonly sequence?: number
  /** How often to look for a new one. */
  readonly refreshHint?: Seconds
  /** How many entries for SVIDs that we verify were passed over because they cannot be used. */
  readonly unusable: number
}

const maxKeys = 100
const knownKeyTypes: readonly (Json | undefined)[] = ['RSA', 'EC', 'OKP']
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'] as const

/**
 * Reads a SPIFFE bundle (Trust Domain and Bundle section 4), or the authorities alone in PEM, as SPIRE and Istio print
 * them. Entries of an unknown type or use are passed over, as the standard asks; an entry that shows a private key is
 * worth nothing and is passed over as well. No entry left: the domain has revoked everything, and nothing of it is valid.
 *
 * @throws FormatError
 */
export const parseSpiffeBundle = (text: string): SpiffeBundle =>
  text.trimStart().startsWith('{') ? bundleOfMembers(asObject(parseJson(text)) ?? {}) : ofPem(text)

const ofPem = (text: string): SpiffeBundle => ({
  authorities: certificatesInPem(text).map(parseCertificate),
  jwtKeys: { keys: [] },
  unusable: 0,
})

/**
 * The same of a JSON object that has been read already.
 *
 * @throws FormatError
 */
export const bundleOfMembers = (members: Claims): SpiffeBundle => {
  const { keys } = members
  if (!Array.isArray(keys)) throw new FormatError('a SPIFFE bundle has the member keys, an array')
  if (keys.length > maxKeys) throw new FormatError(`a SPIFFE bundle has at most ${maxKeys} keys`)
  const entries = (keys as readonly Json[]).map(entryOf)
  const sequence = wholeNumber(members['spiffe_sequence'])
  const refreshHint = wholeNumber(members['spiffe_refresh_hint'])
  return {
    authorities: entries.flatMap((entry) => ('authority' in entry ? [entry.authority] : [])),
    jwtKeys: { keys: entries.flatMap((entry) => ('jwtKey' in entry ? [entry.jwtKey] : [])) },
    ...(sequence === undefined ? {} : { sequence }),
    ...(refreshHint === undefined ? {} : { refreshHint }),
    unusable: entries.filter((entry) => 'unusable' in entry).length,
  }
}

/** JSON numbers above 2^53 lose their last digits here, which keeps their order: the larger is never read as the smaller. */
const wholeNumber = (value: Json | undefined): number | undefined => {
  if (value === undefined) return undefined
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value
  throw new FormatError('the sequence number and the refresh hint of a SPIFFE bundle are whole numbers')
}

type Entry =
  | { readonly authority: Certificate }
  | { readonly jwtKey: Claims }
  | { readonly unusable: true }
  | { readonly foreign: true }

const unusable: Entry = { unusable: true }

const entryOf = (value: Json): Entry => {
  const jwk = asObject(value)
  if (jwk === undefined) throw new FormatError('a key of a SPIFFE bundle is not an object')
  const { use, kty } = jwk
  if ((use !== 'x509-svid' && use !== 'jwt-svid') || !knownKeyTypes.includes(kty)) return { foreign: true }
  if (privateMembers.some((name) => Object.hasOwn(jwk, name))) return unusable
  return use === 'x509-svid' ? authorityOf(jwk) : jwtKeyOf(jwk)
}

/** The first certificate counts, the others must be ignored (X509-SVID section 6.2). */
const authorityOf = ({ x5c }: Claims): Entry => {
  const [first] = Array.isArray(x5c) ? (x5c as readonly Json[]) : []
  if (typeof first !== 'string') return unusable
  try {
    return { authority: parseCertificate(decodeBase64(first)) }
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause
    return unusable
  }
}

/** A key of the bundle as one that verifies signatures: outside of bundles `use` says `sig` (JWT-SVID section 6.2). */
const jwtKeyOf = (jwk: Claims): Entry => {
  const { use: _, kid, ...members } = jwk
  return typeof kid === 'string' && kid !== '' ? { jwtKey: { ...members, kid } } : unusable
}
