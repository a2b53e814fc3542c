import type { Json } from '../domain/claims.ts'
import { Refusal } from '../domain/refusal.ts'
import type { Instant, Seconds } from '../domain/time.ts'
import { decodeBase64 } from '../formats/base64.ts'
import { FormatError } from '../formats/format-error.ts'
import { asObject } from '../formats/json.ts'
import { certificatesInPem } from '../formats/x509/pem.ts'
import type { Ports } from '../ports/ports.ts'
import { getJson } from './json-document.ts'
import { keptFresh, type Loaded, type Watched, watched } from './kept-fresh.ts'
import type { Outbound } from './outbound.ts'

/** The certificates that are registered for one client (RFC 8705 section 2.2.2). */
export interface RegisteredCertificates extends Watched {
  /** Their `x5t#S256`. Throws a Refusal `keys.unavailable` when they cannot be had. */
  thumbprints(now: Instant): Promise<readonly string[]>
}

/** Where they are: files, or the `x5c` of the keys at a URL. */
export interface RegisteredCertificatesPlace {
  readonly files: readonly string[]
  readonly jwksURI?: string
  readonly allowHosts: readonly string[]
}

interface CertificateTools {
  readonly ports: Pick<Ports, 'clock' | 'files' | 'digest' | 'log'>
  readonly outbound: Outbound
}

const fileFreshness: Seconds = 60
const staleFor: Seconds = 3_600
const maxKeys = 20

/**
 * Opens the certificates of a client. Files are read for the first time at once.
 *
 * @throws Error naming what cannot be read
 */
export const openRegisteredCertificates = async (
  place: RegisteredCertificatesPlace,
  { ports, outbound }: CertificateTools,
): Promise<RegisteredCertificates> => {
  const name = place.jwksURI ?? place.files.join(', ')
  const source = keptFresh<readonly string[]>({
    staleFor,
    async load() {
      const { value, freshFor } = await certificatesAt(place, ports, outbound)
      if (value.length === 0) throw new FormatError('there is no certificate')
      return { value: await Promise.all(value.map(async (der) => ports.digest.sha256OfBytes(der))), freshFor }
    },
    onFailure: (error, state) =>
      ports.log.warn('the certificates of a client could not be loaded', {
        source: name,
        error: error instanceof Error ? error.message : 'unknown',
        certificates: state,
      }),
  })
  if (place.jwksURI === undefined) await source.get(ports.clock.now())
  return {
    ...watched(source),
    async thumbprints(now) {
      try {
        return (await source.get(now)).value
      } catch (cause) {
        throw new Refusal('keys.unavailable', `the certificates at ${name} cannot be had`, { cause })
      }
    },
  }
}

const certificatesAt = async (
  { files, jwksURI, allowHosts }: RegisteredCertificatesPlace,
  ports: CertificateTools['ports'],
  outbound: Outbound,
): Promise<Loaded<readonly Uint8Array[]>> => {
  if (jwksURI === undefined) {
    const texts = await Promise.all(files.map((path) => ports.files.read(path)))
    return { value: texts.flatMap(certificatesInPem), freshFor: fileFreshness }
  }
  const { members, freshFor } = await getJson(jwksURI, { allowHosts }, outbound)
  const keys: readonly Json[] = Array.isArray(members['keys']) ? members['keys'] : []
  return { value: keys.slice(0, maxKeys).flatMap(leafOf), freshFor }
}

/** The first value of `x5c` is the certificate of the key itself (RFC 7517 section 4.7). */
const leafOf = (jwk: Json): readonly Uint8Array[] => {
  const chain = asObject(jwk)?.['x5c']
  const leaf = Array.isArray(chain) ? (chain as readonly Json[])[0] : undefined
  return typeof leaf === 'string' ? [decodeBase64(leaf)] : []
}
