import { decodeBase64, encodeBase64 } from './base64.ts'
import { FormatError } from './format-error.ts'
import { certificatesInPem } from './x509/pem.ts'

/** A certificate and those that came with it; DER, the leaf first. */
export type CertificateChain = readonly [Uint8Array, ...Uint8Array[]]

const maxCertificates = 10
const maxCertificateLength = 65_536
const maxChainLength = 131_072
/** Base64 with the armour and the line ends of PEM. */
const maxTextLength = 196_608

/**
 * Reads a chain as a token carries it: PEM blocks, or base64 DER joined by commas, without white space. At most 10
 * certificates of at most 64 KiB each, 128 KiB together; nothing in them is believed or even parsed.
 *
 * @throws FormatError
 */
export const chainOf = (text: string): CertificateChain => {
  if (text.length > maxTextLength) throw tooLarge()
  const [leaf, ...others] = text.includes('-----') ? certificatesInPem(text) : ofCommas(text)
  if (leaf === undefined) throw new FormatError('a certificate chain has at least one certificate')
  const chain: CertificateChain = [leaf, ...others]
  if (chain.length > maxCertificates) throw tooMany()
  if (chain.some((der) => der.length > maxCertificateLength)) throw tooLarge()
  if (chain.reduce((sum, der) => sum + der.length, 0) > maxChainLength) throw tooLarge()
  return chain
}

/** The text that `chainOf` reads as `chain`. */
export const textOfChain = (chain: CertificateChain): string => chain.map(encodeBase64).join(',')

const ofCommas = (text: string): readonly Uint8Array[] => {
  const parts = text.split(',', maxCertificates + 1)
  if (parts.length > maxCertificates) throw tooMany()
  if (parts.includes('')) throw new FormatError('a certificate of the chain is empty')
  return parts.map(decodeBase64)
}

const tooMany = () => new FormatError(`a certificate chain has at most ${maxCertificates} certificates`)
const tooLarge = () => new FormatError('a certificate chain is at most 128 KiB, each certificate at most 64 KiB')
