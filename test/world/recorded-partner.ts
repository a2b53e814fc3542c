import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'

/** A partner of the shape that its vendor documents: it keeps what it was asked, and answers as it is told. */

export interface Asked {
  readonly method: string
  /** Path and query. */
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** The body as a form; each parameter must stand once. */
  readonly form: () => Readonly<Record<string, string>>
  readonly json: () => unknown
}

export interface PartnerAnswer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** An object is sent as JSON. */
  readonly body?: string | object
}

export type Answering = (
  asked: Asked,
  response: ServerResponse,
) => PartnerAnswer | undefined | Promise<PartnerAnswer | undefined>

export interface RecordedPartner {
  readonly url: string
  readonly asked: readonly Asked[]
  /** Answers from now on in this way; who answers undefined has dealt with the response itself. */
  answer(answering: Answering | PartnerAnswer): void
  forget(): void
  stop(): Promise<void>
}

const maxBody = 262_144

/** `said` hears what it answers. */
export const startPartner = async (
  said: (body: string | object) => void = () => undefined,
): Promise<RecordedPartner> => {
  const asked: Asked[] = []
  let answering: Answering = () => ({ status: 500 })
  const server = createServer((request, response) => {
    void attend(request, response).catch(() => response.destroy())
  })
  const attend = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const one = await readAsked(request)
    asked.push(one)
    const answer = await answering(one, response)
    if (answer === undefined) return
    const { status = 200, headers = {}, body = '' } = answer
    said(body)
    const type = typeof body === 'string' ? {} : { 'content-type': 'application/json' }
    response.writeHead(status, { ...type, ...headers })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  }
  await listening(server)
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('no address')
  return {
    url: `http://127.0.0.1:${address.port}`,
    asked,
    answer(how) {
      answering = typeof how === 'function' ? how : () => how
    },
    forget() {
      asked.length = 0
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

const listening = (server: Server): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => resolve())
  })

const readAsked = async (request: IncomingMessage): Promise<Asked> => {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxBody) throw new Error('too large')
    chunks.push(chunk)
  }
  const body = Buffer.concat(chunks).toString()
  return {
    method: request.method ?? '',
    target: request.url ?? '',
    headers: Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)])),
    body,
    form: () => formOf(body),
    json: () => JSON.parse(body) as unknown,
  }
}

const formOf = (body: string): Readonly<Record<string, string>> => {
  const parameters = [...new URLSearchParams(body)]
  const form = Object.fromEntries(parameters)
  if (Object.keys(form).length !== parameters.length) throw new Error('a parameter stands twice')
  return form
}
