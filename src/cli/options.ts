import { InvalidArgumentError, Option } from 'commander'
import { isTrustDomain } from '../domain/spiffe-id.ts'

/** Options that several commands share. Each can also be set in the environment; a flag wins. */

export const trustMapsFolder = () =>
  new Option('--trust-maps <folder>', 'the folder with the documents').env('DRAGOMAN_TRUST_MAPS').default('trust-maps')

/** The documents that `check` and `test` look at when nobody names any. */
export const documentPaths = (): readonly string[] => [process.env['DRAGOMAN_TRUST_MAPS'] ?? 'trust-maps']

export const keysFolder = () =>
  new Option('--keys <folder>', 'the folder with the signing keys').env('DRAGOMAN_KEYS').default('keys')

export const insecureLoopback = () =>
  new Option('--insecure-loopback', 'permit plain http to this machine, as `dragoman dev` does')

/** A port number; 0 stands for any free one. */
export const parsePort = (text: string): number => {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (!(port <= 65_535)) throw new InvalidArgumentError('a port is a number from 0 to 65535; 0 is any free one.')
  return port
}

/** A whole number from 1 to a million. */
export const parseCount = (text: string): number => {
  const count = /^[1-9]\d{0,6}$/.test(text) ? Number(text) : Number.NaN
  if (!(count <= 1_000_000)) throw new InvalidArgumentError('a whole number from 1 to 1000000 is wanted.')
  return count
}

/** The name of a SPIFFE trust domain (SPIFFE-ID section 2.1), without the scheme. */
export const parseTrustDomain = (text: string): string => {
  if (isTrustDomain(text)) return text
  throw new InvalidArgumentError('a trust domain is a lower-case name such as prod.example.com, without spiffe://.')
}

/** Is `url` of this machine, by its name alone? */
export const isLoopback = ({ hostname }: URL): boolean => ['localhost', '127.0.0.1', '[::1]'].includes(hostname)

/**
 * An issuer identifier (RFC 8414 section 2): an https URL without query and fragment. Plain http is for this machine
 * only, where nobody else can listen in.
 */
export const parseIssuer = (text: string): string => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || /[?#\s]/.test(text) || url.username !== '' || url.password !== '')
    throw new InvalidArgumentError('an issuer is an absolute URL without query, fragment and user information.')
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url)))
    throw new InvalidArgumentError('an issuer is an https URL; plain http is for this machine only.')
  return text
}

export const ourIssuer = (description: string) =>
  new Option('--issuer <url>', description).env('DRAGOMAN_ISSUER').argParser(parseIssuer)

export const mtlsAlias = () =>
  new Option('--mtls-alias <url>', 'where callers with certificates reach us, if not at the issuer (RFC 8705)')
    .env('DRAGOMAN_MTLS_ALIAS')
    .argParser(parseIssuer)
