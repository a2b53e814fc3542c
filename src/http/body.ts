import { Refusal } from '../domain/refusal.ts'

const maxBodyBytes = 131_072

const tooLarge = () => new Refusal('request.too_large', `the body is larger than ${maxBodyBytes} bytes`)

/**
 * The body as text, read no further than the limit. A declared length is trusted to bound the body, since every
 * runtime's HTTP layer holds the sender to it.
 *
 * @throws Refusal `request.too_large`, `request.malformed`
 */
export const readForm = async (request: Request): Promise<string> => {
  const [mediaType = ''] = (request.headers.get('content-type') ?? '').split(';')
  if (mediaType.trim().toLowerCase() !== 'application/x-www-form-urlencoded')
    throw new Refusal('request.media_type', 'the body is not a form')
  const declared = request.headers.get('content-length')
  if (declared === null) return readCounted(request)
  if (Number(declared) > maxBodyBytes) throw tooLarge()
  return request.text()
}

const readCounted = async (request: Request): Promise<string> => {
  if (request.body === null) return ''
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const chunk of request.body) {
    bytes += chunk.byteLength
    if (bytes > maxBodyBytes) throw tooLarge()
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}
