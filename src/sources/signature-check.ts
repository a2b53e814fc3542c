import type { Instant } from '../domain/time.ts'
import type { CompactJws } from '../formats/jws.ts'
import type { SignatureHeader } from '../formats/jws-header.ts'
import type { Signatures, VerificationKey } from '../ports/signatures.ts'
import type { KeySet } from './key-sets.ts'

/** What came of a signature check. */
export type SignatureVerdict =
  | { readonly holds: true; readonly stale: boolean }
  | { readonly holds: false; readonly because: 'key_unknown' | 'signature_invalid'; readonly stale: boolean }

/** The key under which a signature was seen to hold: a pure fact about the two, so it can be remembered. */
const knownToHold = new WeakMap<CompactJws, VerificationKey>()

/**
 * Tells whether the signature of `jws`, which was seen to hold, is to be believed at a later time: as long as the set, as
 * far as it is known without waiting, still offers the very same key. Undefined: it was not seen to hold.
 */
export const lastingSignature = (
  jws: CompactJws,
  header: SignatureHeader,
  keySet: KeySet,
): ((now: Instant) => { readonly stale: boolean } | undefined) | undefined => {
  const key = knownToHold.get(jws)
  if (key === undefined) return undefined
  return (now) => keySet.stillOffers(key, header, now)
}

/**
 * Does one of the keys that `keySet` has for this header verify `jws`? A signature that was seen to hold is not
 * computed again as long as the set still offers the very same key.
 *
 * @throws Refusal `keys.unavailable`
 */
export const checkSignature = async (
  jws: CompactJws,
  header: SignatureHeader,
  keySet: KeySet,
  signatures: Signatures,
  now: Instant,
): Promise<SignatureVerdict> => {
  const { keys, stale } = await keySet.candidates(header, now)
  if (keys.length === 0) return { holds: false, because: 'key_unknown', stale }
  const known = knownToHold.get(jws)
  if (known !== undefined && keys.includes(known)) return { holds: true, stale }
  for (const key of keys) {
    if (await signatures.verify(key, jws.signingInput, jws.signature)) {
      knownToHold.set(jws, key)
      return { holds: true, stale }
    }
  }
  return { holds: false, because: 'signature_invalid', stale }
}
