import { encodeBase64url } from '../formats/base64url.ts'
import { FormatError } from '../formats/format-error.ts'
import { responseIn } from '../formats/saml/response.ts'

/** An assertion as somebody has it at hand, made into what callers present. */
export interface GivenAssertion {
  /** The XML of the assertion alone. */
  readonly xml: string
  /** In base64url, as it was given where it was given so. */
  readonly token: string
  /** Whether it stood in a Response, and whether that is signed. */
  readonly response?: { readonly isSigned: boolean }
  /** In what callers would have to do otherwise. */
  readonly notes: readonly string[]
}

/**
 * Recognizes XML, base64 and base64url of XML, and the form field SAMLResponse that a browser posts; undefined for
 * anything else. Of a Response the one assertion in it is taken.
 */
export const assertionGiven = (given: string): GivenAssertion | undefined => {
  const text = isXml(given) ? given : xmlInBase64(fieldIn(given))
  if (text === undefined) return undefined
  const taken = takenOut(text)
  if (taken !== undefined && 'xml' in taken) return { ...taken, token: encoded(taken.xml) }
  const notes = taken === undefined ? [] : [`no assertion can be taken out of it: ${taken.message}`]
  if (isXml(given)) return { xml: text, token: encoded(text), notes }
  return { xml: text, token: given, notes: [...notes, ...(/[^\w-]/.test(given) ? [wantsBase64url] : [])] }
}

const wantsBase64url = 'callers send base64url without padding (RFC 7522 section 2.1), not base64'

const encoded = (xml: string): string => encodeBase64url(new TextEncoder().encode(xml))

const isXml = (text: string): boolean => /^\s*</.test(text)

/** The value of a form field, as a browser's tools show it; anything else stays as it is. */
const fieldIn = (given: string): string => {
  const [, value] = /^(?:.*&)?SAMLResponse=([^&]*)/.exec(given) ?? []
  return (value ?? given).replaceAll(/%([0-9A-Fa-f]{2})/g, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  )
}

const xmlInBase64 = (text: string): string | undefined => {
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(text.replaceAll(/\s/g, ''))) return undefined
  const decoded = Buffer.from(text, 'base64')
    .toString('utf8')
    .replace(/^\ufeff/, '')
  return isXml(decoded) ? decoded : undefined
}

type Taken = Pick<GivenAssertion, 'xml' | 'response' | 'notes'>

/** Undefined: it is no Response. */
const takenOut = (text: string): Taken | FormatError | undefined => {
  try {
    const response = responseIn(text)
    if (response === undefined) return undefined
    const { assertion: xml, isSigned } = response
    return { xml, response: { isSigned }, notes: ['this is a Response: callers send the assertion in it alone'] }
  } catch (error) {
    if (error instanceof FormatError) return looksLikeResponse(text) ? error : undefined
    throw error
  }
}

const looksLikeResponse = (text: string): boolean => /^\s*(?:<\?[^>]*>\s*)?<(?:[\w.-]+:)?Response[\s>]/.test(text)
