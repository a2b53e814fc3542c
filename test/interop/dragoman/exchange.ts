import { createLocalJWKSet, type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose'
import * as z from 'zod'
import { caller as edge, orders } from '../../world/documents.ts'
import { eventually } from '../../world/dragoman.ts'
import { type Caller, call } from '../calling.ts'
import type { Serving } from './serving.ts'

/** Token exchanges over mutual TLS, and what came of them. */

export const tokenTypes = {
  x509Chain: 'urn:dragoman:token-type:x509-chain',
  jwtSvid: 'urn:dragoman:token-type:jwt-svid',
  jwt: 'urn:ietf:params:oauth:token-type:jwt',
  idToken: 'urn:ietf:params:oauth:token-type:id_token',
} as const

/** Who asks over which connection, and where: at dragoman itself unless elsewhere. */
export interface Asking {
  readonly by: Caller
  readonly url?: string
  readonly headers?: Readonly<Record<string, string>>
}

export interface Outcome {
  readonly status: number
  readonly error?: string
  /** From the audit log. */
  readonly reason?: string
  /** Of the token that was issued, which holds by the published keys. */
  readonly claims?: JWTPayload
  readonly token?: string
}

export const refused = (reason: string): Outcome => ({ status: 400, error: 'invalid_request', reason })

export const unknownClient = (reason: string): Outcome => ({ status: 401, error: 'invalid_client', reason })

/** A secret that every test client with one has; it goes with the form. */
export const asEdge = { client_id: edge.id, client_secret: edge.secret } as const

const answer = z.object({
  access_token: z.string().optional(),
  error: z.string().optional(),
  error_description: z.string().optional(),
})

const record = z.object({ request_id: z.string(), reason: z.string().optional() })

/** The reason in the audit record of the request that was answered so. */
const reasonOf = async ({ audit }: Serving, description = ''): Promise<string> => {
  const id = /\(request ([^)]+)\)/.exec(description)?.[1]
  if (id === undefined) throw new Error(`no request id in: ${description}`)
  const line = await eventually(() =>
    audit()
      .split('\n')
      .slice(0, -1)
      .find((text) => text.includes(id)),
  )
  return record.parse(JSON.parse(line)).reason ?? ''
}

const keySet = z.custom<JSONWebKeySet>((value) => typeof value === 'object' && value !== null && 'keys' in value)

const verified = async ({ url }: Serving, { by }: Asking, token: string): Promise<JWTPayload> => {
  const { body } = await call(`${url}/jwks.json`, { authorities: by.authorities })
  const keys = createLocalJWKSet(keySet.parse(JSON.parse(body)))
  return (await jwtVerify(token, keys, { audience: orders })).payload
}

/** Asks for a token for `orders`, and checks what it gets as a service behind dragoman would. */
export const exchange = async (
  serving: Serving,
  asking: Asking,
  form: Readonly<Record<string, string>>,
): Promise<Outcome> => {
  const { by, url = serving.url, headers = {} } = asking
  const grant = { grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange', audience: orders }
  const { status, body } = await call(`${url}/token`, by, { headers, form: { ...grant, ...form } })
  const { access_token: token, error = '', error_description: description } = answer.parse(JSON.parse(body))
  if (token === undefined) return { status, error, reason: await reasonOf(serving, description) }
  return { status, token, claims: await verified(serving, asking, token) }
}
