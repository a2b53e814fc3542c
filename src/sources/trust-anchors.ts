import { Refusal } from '../domain/refusal.ts'
import type { Instant, Seconds } from '../domain/time.ts'
import { sameBytes } from '../formats/same-bytes.ts'
import { type Certificate, parseCertificate } from '../formats/x509/certificate.ts'
import type { Ports } from '../ports/ports.ts'
import { type Watched, watched } from './kept-fresh.ts'
import { openPemCertificates } from './pem-certificates.ts'

/** The authorities that a setting trusts, from PEM files that are read again as time goes by. */
export interface TrustAnchors extends Watched {
  /** Throws a Refusal `keys.unavailable` when the files have not been readable for a day. */
  current(now: Instant): Promise<readonly Certificate[]>
  /** What was read last, without waiting for anything; a renewal that is due is begun. */
  latest(now: Instant): readonly Certificate[]
}

const staleFor: Seconds = 86_400

/** A certificate that is read again stays the object that it was: what is known about it hangs on that. */
const read = (der: Uint8Array, known: readonly Certificate[]): Certificate =>
  known.find((one) => sameBytes(one.der, der)) ?? parseCertificate(der)

/**
 * Opens the anchors in the PEM files `paths`, relative to the documents, and reads them for the first time.
 *
 * @throws Error naming the file
 */
export const openTrustAnchors = async (
  paths: readonly string[],
  tools: Pick<Ports, 'clock' | 'files' | 'log'>,
): Promise<TrustAnchors> => {
  const { source, latest } = await openPemCertificates(paths, { what: 'trust anchors', read, staleFor }, tools)
  return {
    ...watched(source),
    latest,
    async current(now) {
      try {
        return (await source.get(now)).value
      } catch (cause) {
        throw new Refusal('keys.unavailable', `the trust anchors in ${paths.join(', ')} cannot be had`, { cause })
      }
    },
  }
}
