import { Refusal } from '../domain/refusal.ts'
import type { Instant, Seconds } from '../domain/time.ts'
import { type Certificate, parseCertificate } from '../formats/x509/certificate.ts'
import { certificatesInPem } from '../formats/x509/pem.ts'
import type { Ports } from '../ports/ports.ts'
import { keptFresh, type Watched, watched } from './kept-fresh.ts'

/** The authorities that a setting trusts, from PEM files that are read again as time goes by. */
export interface TrustAnchors extends Watched {
  /** Throws a Refusal `keys.unavailable` when the files have not been readable for a day. */
  current(now: Instant): Promise<readonly Certificate[]>
  /** What was read last, without waiting for anything; a renewal that is due is begun. */
  latest(now: Instant): readonly Certificate[]
}

/** A file costs nothing to read again; an operator who replaces it does not want to wait. */
const freshFor: Seconds = 60
const staleFor: Seconds = 86_400

/**
 * Opens the anchors in the PEM files `paths`, relative to the documents, and reads them for the first time, so that a
 * file that is not there is a fault of the documents and not of some later request.
 *
 * @throws Error naming the file
 */
export const openTrustAnchors = async (
  paths: readonly string[],
  { clock, files, log }: Pick<Ports, 'clock' | 'files' | 'log'>,
): Promise<TrustAnchors> => {
  let latest: readonly Certificate[] = []
  const source = keptFresh<readonly Certificate[]>({
    staleFor,
    async load() {
      latest = (await Promise.all(paths.map((path) => readAnchors(path, files, latest)))).flat()
      return { value: latest, freshFor }
    },
    onFailure: (error, state) =>
      log.warn('trust anchors could not be read', {
        files: [...paths],
        error: error instanceof Error ? error.message : 'unknown',
        anchors: state,
      }),
  })
  await source.get(clock.now())
  return {
    ...watched(source),
    latest(now) {
      void source.get(now).catch(() => undefined)
      return latest
    },
    async current(now) {
      try {
        return (await source.get(now)).value
      } catch (cause) {
        throw new Refusal('keys.unavailable', `the trust anchors in ${paths.join(', ')} cannot be had`, { cause })
      }
    },
  }
}

/** A certificate that is read again stays the object that it was: what is known about it hangs on that. */
const readAnchors = async (
  path: string,
  files: Ports['files'],
  known: readonly Certificate[],
): Promise<readonly Certificate[]> => {
  try {
    return certificatesInPem(await files.read(path)).map(
      (der) => known.find((one) => isSame(one.der, der)) ?? parseCertificate(der),
    )
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : 'it cannot be read'
    throw new Error(`the trust anchors in ${path} cannot be used: ${why}`, { cause })
  }
}

const isSame = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((octet, index) => octet === b[index])
