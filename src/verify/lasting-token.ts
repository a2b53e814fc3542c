import type { VerifiedCredential } from '../domain/credential.ts'
import type { Instant, Seconds } from '../domain/time.ts'
import type { CompactJws } from '../formats/jws.ts'
import type { SignatureHeader } from '../formats/jws-header.ts'
import type { KeySet } from '../sources/key-sets.ts'
import { lastingSignature } from '../sources/signature-check.ts'
import type { Lasting } from './verifier.ts'

/** When what has just been proven is refused for its age or its end, allowing for clocks that differ where the map does. */
export const endOfProof = (
  { expiresAt, issuedAt }: Pick<VerifiedCredential, 'expiresAt' | 'issuedAt'>,
  { skew, maxAge }: { readonly skew: Seconds; readonly maxAge?: Seconds },
): Instant =>
  maxAge === undefined || issuedAt === undefined ? expiresAt : Math.min(expiresAt, issuedAt + maxAge + skew)

/** For how long a JWT lasts that has just been proven: while the key set still offers the very key that proved it. */
export const lastingToken = (
  jws: CompactJws,
  header: SignatureHeader,
  keySet: KeySet,
  until: Instant,
): Lasting | undefined => {
  const stillHolds = lastingSignature(jws, header, keySet)
  return stillHolds && { until, stillHolds }
}
