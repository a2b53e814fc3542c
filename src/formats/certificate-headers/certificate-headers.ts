import * as z from 'zod'
import { FormatError } from '../format-error.ts'

/** DER of a client certificate and of what came with it, the leaf first. */
export type Chain = readonly [Uint8Array, ...Uint8Array[]]

/** What a gateway states about the client of a request. */
export interface Statement {
  readonly chain: Chain
  /** What it says about the leaf besides. It must be true of the certificate, or the two do not belong together. */
  readonly leaf?: LeafDetails
}

/** Details of a leaf, as a gateway read them from it. */
export interface LeafDetails {
  /** Base64url SHA-256 of its DER. */
  readonly thumbprint: string
  /** Its subject alternative names of these types; undefined where the gateway does not say. */
  readonly uris?: readonly string[]
  readonly dnsNames?: readonly string[]
}

/**
 * `none`: the gateway says that the client presented no certificate. `unverified`: there was one, and the gateway does
 * not say that it found it good.
 */
export type Stated = Statement | 'none' | 'unverified'

/** Reads a header field by its lower-case name; of several with one name, the values joined by `, `. */
export type ReadField = (name: string) => string | undefined

/** One way in which gateways pass a client certificate on. A dialect is one file beside this one and one word in the catalog. */
export interface CertificateHeaders<Config> {
  /** Equals the file's name and the key under `certificateFrom` in a Gateway document. */
  readonly kind: string
  /** The settings; all of them have defaults. */
  readonly schema: z.ZodType<Config>
  /** The fields that hold certificates under `config`, lower-case. */
  carriers(config: Config): readonly string[]
  /** Fields that gateways of this kind put certificates in when they are set up in another way. */
  readonly otherCarriers?: readonly string[]
  /**
   * What the gateway states. The certificates in it are not parsed yet.
   *
   * @throws FormatError when the fields are not exactly what this kind of gateway writes
   */
  read(field: ReadField, config: Config): Stated
}

/** A dialect, where it does not matter which. */
export type AnyCertificateHeaders = CertificateHeaders<unknown>

/** A header field in the settings of a dialect. */
export const fieldName = (usual: string) =>
  optionalFieldName
    .default(usual)
    .meta({ description: 'The header that the gateway is configured to use.', examples: [usual] })

/** Header names are compared without regard to case (RFC 9110 section 5.1). */
export const optionalFieldName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, 'the name of a header: letters, digits, hyphens')
  .transform((name) => name.toLowerCase())

/** A setting: the field in which a gateway says in one `word` that it found the certificate good, if it is to be asked. */
export const verdictField = (variable: string, word: string) =>
  optionalFieldName
    .optional()
    .meta({ description: `The header with ${variable}: a certificate counts only where it is ${word}.` })

/** Is there no such field, or does it hold the word? */
export const isGood = (field: ReadField, verifyHeader: string | undefined, word: string): boolean =>
  verifyHeader === undefined || field(verifyHeader) === word

/** Characters of a field: of one with a single certificate, and of one with a chain. */
export const maxLeafField = 16_384
export const maxChainField = 65_536

/** Certificates in one statement, the leaf included. */
const maxCertificates = 5

/** The field `name`, no longer than `limit` characters. */
export const boundedField = (field: ReadField, name: string, limit: number): string | undefined => {
  const value = field(name)
  if (value !== undefined && value.length > limit) throw new FormatError(`the header ${name} is too long`)
  return value
}

/** `field`, with nothing in place of the empty text that some gateways write when they have nothing to say. */
export const unlessEmpty =
  (field: ReadField): ReadField =>
  (name) => {
    const value = field(name)
    return value === '' ? undefined : value
  }

/** `certificates` as a chain: not none, and not too many. */
export const chainOf = (certificates: readonly Uint8Array[]): Chain => {
  const [leaf, ...others] = certificates
  if (leaf === undefined || certificates.some(({ length }) => length === 0))
    throw new FormatError('there is no certificate')
  if (certificates.length > maxCertificates)
    throw new FormatError(`there are more than ${maxCertificates} certificates`)
  return [leaf, ...others]
}

/** `certificates`, which must be one. */
export const soleOf = (certificates: readonly Uint8Array[]): Chain => {
  if (certificates.length > 1) throw new FormatError('there is more than one certificate')
  return chainOf(certificates)
}
