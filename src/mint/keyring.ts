import type { Claims } from '../domain/claims.ts'
import type { Instant } from '../domain/time.ts'
import { encodeBase64url } from '../formats/base64url.ts'
import { publicHalf } from '../formats/signing-key.ts'
import type { JwsAlgorithm, Signatures, SigningKey } from '../ports/signatures.ts'
import { defaultOverlap, type KeyTimes, type Overlap, type Standing, standings } from './key-times.ts'
import { sealingKeyOf } from './sealing-key.ts'
import type { StoredKey } from './stored-key.ts'

/** A key of ours that has been imported. */
export interface Signer extends KeyTimes {
  readonly key: SigningKey
  /** What verifiers are shown (RFC 7517 section 4). */
  readonly jwk: Claims
  /** The protected header of an access token under this key, encoded (RFC 7515 section 4, RFC 9068 section 2.1). */
  readonly header: string
  /** The same of a JWT-SVID; absent where the key's algorithm is not one that JWT-SVIDs may have. */
  readonly svidHeader?: string
  /** What is put into stores is encrypted under it. */
  readonly sealing: Uint8Array
}

/** All our signing keys. What each may do follows from the time, so a rotation needs nobody to be there. */
export interface Keyring {
  readonly signers: readonly Signer[]
  readonly overlap: Overlap
}

/** A key set (RFC 7517 section 5). */
export interface Jwks {
  readonly keys: readonly Claims[]
}

/**
 * Imports `stored` and makes each key prove itself: what its private half signs, its public half must verify.
 *
 * @throws Error naming the key that is damaged or that this runtime cannot use
 */
export const importKeyring = async (
  stored: readonly StoredKey[],
  signatures: Signatures,
  overlap: Overlap = defaultOverlap,
): Promise<Keyring> => ({
  signers: await Promise.all(stored.map((key) => importSigner(key, signatures))),
  overlap,
})

/** The key that signs at `now`. */
export const signingKey = (keyring: Keyring, now: Instant): Signer | undefined =>
  at(keyring, now).find(({ state }) => state === 'active')?.key

/**
 * Until when a token that is signed at `now` and ends at `expiresAt` may be handed out again: to its end where verifiers
 * have its key that long, and else only while no other key signs.
 */
export const reusableUnder = (keyring: Keyring, now: Instant, expiresAt: Instant): Instant => {
  const active = at(keyring, now).find(({ state }) => state === 'active')
  if (active === undefined) return now
  return active.publishedUntil < expiresAt ? Math.min(active.signsUntil, expiresAt) : expiresAt
}

/** The keys that verifiers need at `now`: the next, the active and the retiring ones. */
export const jwksOf = (keyring: Keyring, now: Instant): Jwks => ({
  keys: at(keyring, now).flatMap(({ key, state }) => (state === 'retired' ? [] : [key.jwk])),
})

/**
 * The keys that verifiers of our JWT-SVIDs need at `now`, as a SPIFFE bundle lists them (SPIFFE Trust Domain and Bundle,
 * section 4.2.2): `use` says what for, and `kid` is always there.
 */
export const svidKeysOf = (keyring: Keyring, now: Instant): readonly Claims[] =>
  at(keyring, now).flatMap(({ key, state }) =>
    state === 'retired' || key.svidHeader === undefined ? [] : [{ ...key.jwk, use: 'jwt-svid' }],
  )

/** The keys of `sealed`: the first seals, and all of them open. */
export const sealingKeysOf = (keyring: Keyring, now: Instant): readonly SealingKey[] =>
  at(keyring, now)
    .filter(({ state }) => state !== 'retired')
    .toSorted((a, b) => Number(b.state === 'active') - Number(a.state === 'active'))
    .map(({ key }) => ({ kid: key.kid, key: key.sealing }))

export interface SealingKey {
  readonly kid: string
  readonly key: Uint8Array
}

/** When the published keys changed last, in whole seconds; it never goes back as long as keys are not deleted by hand. */
export const lastChangeOf = (keyring: Keyring, now: Instant): Instant => {
  const changes = at(keyring, now).flatMap(({ key, publishedUntil }) => [key.createdAt, publishedUntil])
  return Math.floor(Math.max(0, ...changes.filter((instant) => instant <= now)))
}

/** What was found last for each keyring holds until the next key changes its state. */
const found = new WeakMap<Keyring, Found>()

interface Found {
  readonly from: Instant
  readonly until: Instant
  readonly standings: readonly Standing<Signer>[]
}

const at = (keyring: Keyring, now: Instant): readonly Standing<Signer>[] => {
  const last = found.get(keyring)
  if (last !== undefined && last.from <= now && now < last.until) return last.standings
  const current = standings(keyring.signers, now, keyring.overlap)
  found.set(keyring, { from: now, until: nextChange(current, now), standings: current })
  return current
}

const nextChange = (current: readonly Standing<Signer>[], now: Instant): Instant => {
  const changes = current.flatMap(({ signsFrom, signsUntil, publishedUntil }) => [
    signsFrom,
    signsUntil,
    publishedUntil,
  ])
  return Math.min(...changes.filter((instant) => instant > now))
}

const utf8 = new TextEncoder()
const encodeJson = (value: Claims): string => encodeBase64url(utf8.encode(JSON.stringify(value)))

/** JWT-SVID section 3: RSA and ECDSA, no EdDSA, no ML-DSA. */
const isSvidAlgorithm = (algorithm: JwsAlgorithm): boolean => /^(RS|PS|ES)(256|384|512)$/.test(algorithm)

const importSigner = async (stored: StoredKey, signatures: Signatures): Promise<Signer> => {
  const { kid, alg, createdAt, activeFrom, retireAt, privateKey } = stored
  try {
    const key = await signatures.importPrivateKey(privateKey, alg)
    const publicJwk = publicHalf(privateKey, alg)
    await prove(key, publicJwk, signatures)
    return {
      kid,
      createdAt,
      ...(activeFrom === undefined ? {} : { activeFrom }),
      ...(retireAt === undefined ? {} : { retireAt }),
      key,
      jwk: { ...publicJwk, kid, alg, use: 'sig' },
      header: encodeJson({ alg, typ: 'at+jwt', kid }),
      sealing: await sealingKeyOf(privateKey),
      ...(isSvidAlgorithm(alg) ? { svidHeader: encodeJson({ alg, typ: 'JWT', kid }) } : {}),
    }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : 'it cannot be imported'
    throw new Error(`the signing key ${kid} cannot be used: ${why}`, { cause })
  }
}

const prove = async (key: SigningKey, publicJwk: Claims, signatures: Signatures): Promise<void> => {
  const probe = 'dragoman'
  const verifier = await signatures.importPublicKey(publicJwk, key.algorithm)
  const holds = await signatures.verify(verifier, probe, await signatures.sign(key, probe))
  if (!holds) throw new Error('its private and public halves do not belong together')
}
