import { once } from 'node:events'
import { request } from 'node:https'
import { json } from 'node:stream/consumers'

/** What a caller shows over TLS, in PEM. */
export interface ClientIdentity {
  readonly cert: string
  readonly key: string
}

export interface TlsAnswer {
  readonly status: number
  readonly body: Record<string, unknown>
}

/** Posts a form over a connection of its own, showing a certificate if one is given. */
export const postForm = async (
  url: string,
  form: Readonly<Record<string, string>>,
  options: {
    readonly ca: string
    readonly identity?: ClientIdentity
    readonly headers?: Readonly<Record<string, string>>
  },
): Promise<TlsAnswer> => {
  const outgoing = request(url, {
    method: 'POST',
    agent: false,
    ca: options.ca,
    ...options.identity,
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...options.headers },
  })
  outgoing.end(new URLSearchParams(form).toString())
  const [incoming] = await once(outgoing, 'response')
  return { status: incoming.statusCode, body: (await json(incoming)) as Record<string, unknown> }
}
