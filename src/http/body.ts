import { Refusal } from '../domain/refusal.ts'

/** The longest form that is read. */
export const maxBodyBytes = 131_072

/** The refusal of a longer one. */
export const bodyTooLarge = () => new Refusal('request.too_large', `the body is larger than ${maxBodyBytes} bytes`)

/**
 * The body as text, read no further than the limit. A declared length is trusted to bound the body, since every
 * runtime's HTTP layer holds the sender to it.
 *
 * @throws Refusal `request.too_large`
 */
export const readBody = async (request: Request): Promise<string> => {
  const declared = request.headers.get('content-length')
  if (declared === null) return readCounted(request)
  if (Number(declared) > maxBodyBytes) throw bodyTooLarge()
  return request.text()
}

const readCounted = async (request: Request): Promise<string> => {
  if (request.body === null) return ''
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const chunk of request.body) {
    bytes += chunk.byteLength
    if (bytes > maxBodyBytes) throw bodyTooLarge()
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}
