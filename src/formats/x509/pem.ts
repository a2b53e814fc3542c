import { decodeBase64 } from '../base64.ts'
import { FormatError } from '../format-error.ts'

const mostBlocks = 512
const mostCharacters = 4_194_304

/**
 * The DER of every certificate in `text` (RFC 7468 section 5). Text between the blocks is allowed, as tools write it;
 * blocks of another kind are not: a private key in a file of certificates is a mistake that must be seen.
 *
 * @throws FormatError when there is none, or anything else in armour, or too much.
 */
export const certificatesInPem = (text: string): readonly Uint8Array[] => blocksOf(text, 'CERTIFICATE')

/** The DER of every CRL in `text` (RFC 7468 section 6). @throws FormatError */
export const crlsInPem = (text: string): readonly Uint8Array[] => blocksOf(text, 'X509 CRL')

/**
 * The DER of the one private key in `text`, which must be a PKCS #8 PrivateKeyInfo that is not encrypted (RFC 7468
 * section 10).
 *
 * @throws FormatError
 */
export const privateKeyInPem = (text: string): Uint8Array => soleBlock(text, 'PRIVATE KEY')

/** The DER of the one RSA private key in `text`, in the older form of PKCS #1 (RFC 8017 appendix A.1.2). @throws FormatError */
export const rsaPrivateKeyInPem = (text: string): Uint8Array => soleBlock(text, 'RSA PRIVATE KEY')

const soleBlock = (text: string, label: string): Uint8Array => {
  const [der, ...others] = blocksOf(text, label)
  if (der === undefined || others.length > 0) throw new FormatError('the PEM has more than one block')
  return der
}

const blocksOf = (text: string, label: string): readonly Uint8Array[] => {
  if (text.length > mostCharacters) throw new FormatError('the PEM is too large')
  const blocks: Uint8Array[] = []
  let at = text.indexOf(mark)
  while (at >= 0) {
    const { der, end } = blockAt(text, at, label)
    blocks.push(der)
    if (blocks.length > mostBlocks) throw new FormatError('the PEM has too many blocks')
    at = text.indexOf(mark, end)
  }
  if (blocks.length === 0) throw new FormatError('the PEM has no block')
  return blocks
}

const mark = '-----'

const blockAt = (text: string, at: number, label: string): { readonly der: Uint8Array; readonly end: number } => {
  const [begin, finish] = [`${mark}BEGIN ${label}${mark}`, `${mark}END ${label}${mark}`]
  if (!text.startsWith(begin, at)) throw new FormatError('the PEM has a block of another kind')
  const start = at + begin.length
  const stop = text.indexOf(mark, start)
  if (stop < 0 || !text.startsWith(finish, stop)) throw new FormatError('the PEM has a block that does not end')
  return { der: decoded(text.slice(start, stop)), end: stop + finish.length }
}

const decoded = (body: string): Uint8Array => decodeBase64(body.replaceAll(/[\t\n\r ]/g, ''))
