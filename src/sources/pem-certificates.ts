import type { Instant, Seconds } from '../domain/time.ts'
import { certificatesInPem } from '../formats/x509/pem.ts'
import type { Files } from '../ports/files.ts'
import type { Ports } from '../ports/ports.ts'
import { type KeptFresh, keptFresh } from './kept-fresh.ts'

/** What is made of the certificates in PEM files that are read again as time goes by. */
export interface PemCertificates<T> {
  readonly source: KeptFresh<readonly T[]>
  /** What was read last, without waiting for anything; a renewal that is due is begun. */
  readonly latest: (now: Instant) => readonly T[]
}

/** What is read, and for what. */
export interface PemReading<T> {
  /** For people: what the certificates are. */
  readonly what: string
  /** What one certificate yields. What was read before is in `known`: the same stays the object that it was. */
  readonly read: (der: Uint8Array, known: readonly T[]) => T
  /** How long after they were last read they may be used while they cannot be read again. */
  readonly staleFor: Seconds
}

/** What files are read with. */
export interface PemTools extends Pick<Ports, 'clock' | 'log'> {
  readonly files: Pick<Files, 'read'>
}

/** A file costs nothing to read again; an operator who replaces it does not want to wait. */
const freshFor: Seconds = 60

/**
 * Opens the PEM files `paths`, relative to the documents, and reads them for the first time, so that a file that is not
 * there is a fault of the documents and not of some later request.
 *
 * @throws Error naming the file
 */
export const openPemCertificates = async <T>(
  paths: readonly string[],
  { what, read, staleFor }: PemReading<T>,
  { clock, files, log }: PemTools,
): Promise<PemCertificates<T>> => {
  let latest: readonly T[] = []
  const readInto = async (found: T[], path: string): Promise<void> => {
    try {
      for (const der of certificatesInPem(await files.read(path))) found.push(read(der, [...latest, ...found]))
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : 'it cannot be read'
      throw new Error(`the ${what} in ${path} cannot be used: ${why}`, { cause })
    }
  }
  const source = keptFresh<readonly T[]>({
    staleFor,
    async load() {
      const found: T[] = []
      for (const path of paths) await readInto(found, path)
      latest = [...new Set(found)]
      return { value: latest, freshFor }
    },
    onFailure: (error, state) =>
      log.warn(`${what} could not be read`, {
        files: [...paths],
        error: error instanceof Error ? error.message : 'unknown',
        state,
      }),
  })
  await source.get(clock.now())
  return {
    source,
    latest(now) {
      void source.get(now).catch(() => undefined)
      return latest
    },
  }
}
