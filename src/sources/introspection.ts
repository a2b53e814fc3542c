import * as oauth from 'oauth4webapi'
import type { Claims } from '../domain/claims.ts'
import { Refusal } from '../domain/refusal.ts'
import type { Secret } from '../domain/secret.ts'
import type { HttpResponse } from '../ports/http.ts'
import { discover, endpointOf } from './discovery.ts'
import { readJsonObject } from './json-document.ts'
import { type Outbound, OutboundError } from './outbound.ts'

/** How to ask an issuer about its opaque tokens. One object for one setting: what is found out is kept with it. */
export interface IntrospectionSpec {
  readonly issuer: string
  /** When it is not the one that discovery names. */
  readonly endpoint?: string
  readonly clientId: string
  readonly clientSecret: Secret<string>
  readonly method: 'client_secret_basic' | 'client_secret_post'
  readonly allowHosts: readonly string[]
}

/**
 * Asks the issuer about `token` (RFC 7662 section 2) and returns the answer's members. Whether `active` is true is for
 * the caller to judge.
 *
 * @throws Refusal `issuer.unavailable` when the issuer cannot be reached, does not accept us or answers nonsense
 */
export const introspect = async (
  spec: IntrospectionSpec,
  token: Secret<string>,
  outbound: Outbound,
): Promise<Claims> => {
  try {
    return await ask(spec, token, outbound)
  } catch (error) {
    throw unavailable(spec, error)
  }
}

const ask = async (spec: IntrospectionSpec, token: Secret<string>, outbound: Outbound): Promise<Claims> => {
  const endpoint = await endpointFor(spec, outbound)
  const server: oauth.AuthorizationServer = { issuer: spec.issuer, introspection_endpoint: endpoint }
  const client: oauth.Client = { client_id: spec.clientId }
  const response = await oauth.introspectionRequest(server, client, authenticationOf(spec), token.reveal(), {
    [oauth.customFetch]: fetchThrough(outbound, spec.allowHosts),
    // The guard alone decides whether plain http may be used.
    [oauth.allowInsecureRequests]: endpoint.startsWith('http:'),
  })
  const body = new Uint8Array(await response.clone().arrayBuffer())
  await oauth.processIntrospectionResponse(server, client, response)
  return readJsonObject(body)
}

const authenticationOf = ({ method, clientSecret }: IntrospectionSpec): oauth.ClientAuth =>
  method === 'client_secret_basic'
    ? oauth.ClientSecretBasic(clientSecret.reveal())
    : oauth.ClientSecretPost(clientSecret.reveal())

/** Endpoints found by discovery, as long as they work. */
const endpoints = new WeakMap<IntrospectionSpec, Promise<string>>()

const endpointFor = (spec: IntrospectionSpec, outbound: Outbound): Promise<string> => {
  if (spec.endpoint !== undefined) return Promise.resolve(spec.endpoint)
  const known = endpoints.get(spec)
  if (known !== undefined) return known
  const found = discover(spec, outbound).then((document) => endpointOf(document, 'introspection_endpoint'))
  endpoints.set(spec, found)
  return found
}

const fetchThrough =
  (outbound: Outbound, allowHosts: readonly string[]) =>
  async (url: string, options: oauth.CustomFetchOptions<'POST', URLSearchParams>): Promise<Response> => {
    const headers = { ...options.headers }
    const request = { method: options.method, url, headers, body: options.body.toString() }
    return toWebResponse(await outbound.fetch(request, { allowHosts }))
  }

const toWebResponse = ({ status, headers, body }: HttpResponse): Response =>
  new Response(status === 204 || status === 205 || status === 304 ? null : new Uint8Array(body), { status, headers })

/** The library's errors hold the answer, which may tell of people: only what kind of trouble it was is passed on. */
const unavailable = (spec: IntrospectionSpec, error: unknown): Refusal => {
  endpoints.delete(spec)
  if (error instanceof OutboundError) return new Refusal('issuer.unavailable', error.message, { cause: error })
  return new Refusal('issuer.unavailable', `introspection at ${spec.issuer} does not answer as it must`)
}
