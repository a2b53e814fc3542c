import type { Claims, Json } from '../domain/claims.ts'
import type { OutgoingRequest } from '../domain/partner.ts'
import { FormatError } from './format-error.ts'
import { asObject, parseJson } from './json.ts'
import { requestPath } from './request-path.ts'
import { methodGrammar } from './request-pattern.ts'

/** A request on its way out as JSON describes it, and the gateway under whose document it goes. */
export interface DescribedRequest {
  readonly gateway: string
  readonly request: OutgoingRequest
}

const members = new Set(['gateway', 'method', 'url', 'headers', 'content_sha256'])
const maxHeaders = 100

/**
 * Reads a description: `gateway`, `method`, `url`, and where they matter `headers` and `content_sha256`. What is not known
 * here could mean something to somebody, so it is refused.
 *
 * @throws FormatError that says what is wrong and quotes nothing
 */
export const describedRequest = (text: string): DescribedRequest => {
  const body = asObject(parseJson(text, { maxLength: 65_536, maxDepth: 4 }))
  if (body === undefined) throw new FormatError('the description is no JSON object')
  if (Object.keys(body).some((name) => !members.has(name)))
    throw new FormatError(`a description has the members ${[...members].join(', ')}`)
  const { content_sha256: contentDigest } = body
  return {
    gateway: textOf(body, 'gateway'),
    request: {
      method: methodIn(textOf(body, 'method')),
      ...targetIn(textOf(body, 'url')),
      headers: headersIn(body['headers'] ?? {}),
      ...(contentDigest === undefined ? {} : { contentDigest: digestIn(contentDigest) }),
    },
  }
}

const textOf = (body: Claims, name: string): string => {
  const value = body[name]
  if (typeof value !== 'string' || value === '') throw new FormatError(`${name} is not a text`)
  return value
}

const methodIn = (method: string): string => {
  if (!methodGrammar.test(method)) throw new FormatError('method is not a method in capitals')
  return method
}

/** The host as it is written must be the host that a URL parser finds: what two readers see differently is refused. */
const written =
  /^(https?):\/\/([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:.]+\])(?::([1-9][0-9]{0,4}))?(\/[^?#]*)?(?:\?([^#]*))?$/

const targetIn = (url: string): Pick<OutgoingRequest, 'scheme' | 'host' | 'port' | 'path' | 'sentPath' | 'query'> => {
  const [, scheme, host, port, path = '/', query = ''] = url.length > 8_192 ? [] : (written.exec(url) ?? [])
  if (host === undefined || (scheme !== 'http' && scheme !== 'https') || !URL.canParse(url))
    throw new FormatError('url is not an absolute http(s) URL without user information and fragment')
  if (new URL(url).hostname !== host.toLowerCase()) throw new FormatError('the host of url can be read in two ways')
  if (!/^[!-~]*$/.test(query)) throw new FormatError('the query of url has characters that must be escaped')
  return {
    scheme,
    host: host.toLowerCase(),
    ...(port === undefined ? {} : { port }),
    path: requestPath(path),
    sentPath: path,
    query,
  }
}

const headersIn = (value: Json): Readonly<Record<string, string>> => {
  const headers = asObject(value)
  if (headers === undefined) throw new FormatError('headers is no JSON object')
  const names = Object.keys(headers)
  if (names.length > maxHeaders) throw new FormatError('headers has too many members')
  const entries = names.map((name) => [name.toLowerCase(), fieldIn(name, headers[name])] as const)
  const fields = Object.fromEntries(entries)
  if (Object.keys(fields).length !== names.length) throw new FormatError('a header stands twice in headers')
  return fields
}

const fieldIn = (name: string, value: Json | undefined): string => {
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/.test(name)) throw new FormatError('headers has a name that is none')
  if (typeof value !== 'string' || !/^[\t\x20-\x7e\u0080-\u00ff]*$/.test(value))
    throw new FormatError('headers has a value that is no field value')
  return value
}

const digestIn = (value: Json): string => {
  if (typeof value !== 'string' || !/^(?:[0-9a-f]{64}|UNSIGNED-PAYLOAD)$/.test(value))
    throw new FormatError('content_sha256 is neither 64 hexadecimal digits nor UNSIGNED-PAYLOAD')
  return value
}
