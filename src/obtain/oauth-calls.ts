import * as oauth from 'oauth4webapi'
import type { Claims, Json } from '../domain/claims.ts'
import type { Obtained } from '../domain/partner.ts'
import { type TokenType, tokenTypes } from '../domain/token-type.ts'
import { FormatError } from '../formats/format-error.ts'
import type { HttpResponse } from '../ports/http.ts'
import { readJsonObject } from '../sources/json-document.ts'
import { invalidAnswer, refusedBy, secondsIn, tokenIn, wordIn } from './answers.ts'
import type { ObtainTools, SendLimits } from './obtainer.ts'

/** One request of a token endpoint (RFC 6749 section 4.5). */
export interface TokenCall {
  readonly endpoint: string
  readonly clientId: string
  readonly authentication: oauth.ClientAuth
  readonly limits?: SendLimits
  readonly grantType: string
  readonly parameters: URLSearchParams
  /** `token_type` of the answer; by default Bearer. */
  readonly scheme?: 'Bearer' | 'N_A'
}

export interface TokenAnswer extends Obtained {
  /** All members of the answer. */
  readonly members: Claims
}

/**
 * Asks a token endpoint.
 *
 * @throws Refusal `partner.refused`, `partner.unauthenticated` for an error of OAuth, with its code; `partner.invalid_answer` for nonsense
 */
export const askForToken = async (call: TokenCall, tools: ObtainTools): Promise<TokenAnswer> => {
  const server: oauth.AuthorizationServer = { issuer: new URL(call.endpoint).origin, token_endpoint: call.endpoint }
  const client: oauth.Client = { client_id: call.clientId }
  const who = new URL(call.endpoint).host
  let members: Claims = {}
  try {
    const response = await oauth.genericTokenEndpointRequest(
      server,
      client,
      call.authentication,
      call.grantType,
      call.parameters,
      {
        [oauth.customFetch]: async (url, options) => {
          const headers = { ...options.headers }
          const answer = await tools.send({ method: 'POST', url, headers, body: options.body.toString() }, call.limits)
          if (answer.status !== 200) return webResponse(answer)
          const { id_token: _, ...all } = membersOf(answer, who)
          members = all
          return webResponse({ ...answer, body: new TextEncoder().encode(JSON.stringify(all)) })
        },
        // The guard alone decides whether plain http may be used.
        [oauth.allowInsecureRequests]: call.endpoint.startsWith('http:'),
      },
    )
    const answer = await oauth.processGenericTokenEndpointResponse(server, client, response, {
      recognizedTokenTypes: { n_a: () => undefined },
    })
    return { ...tokenOf(answer, call, members, tools), members }
  } catch (thrown) {
    throw asRefusal(thrown, who)
  }
}

const membersOf = ({ body }: HttpResponse, who: string): Claims => {
  try {
    return readJsonObject(body)
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause
    throw invalidAnswer(`${who}: ${cause.message}`)
  }
}

const tokenOf = (
  answer: oauth.TokenEndpointResponse,
  { scheme = 'Bearer' }: TokenCall,
  members: Claims,
  { now }: ObtainTools,
): Obtained => {
  if (answer.token_type !== scheme.toLowerCase()) throw invalidAnswer(`token_type is not ${scheme}`)
  const { scope, expires_in: expiresIn } = answer
  return {
    parts: { access_token: tokenIn(answer.access_token, 'access_token') },
    token: {
      part: 'access_token',
      type: issuedTypeIn(members),
      scheme,
      ...(scope === undefined ? {} : { scope: scope.split(' ').filter((word) => word !== '') }),
    },
    ...(expiresIn === undefined ? {} : { expiresAt: now + secondsIn(numberIn(members['expires_in']), 'expires_in') }),
  }
}

/** Some write the number as a text. */
const numberIn = (value: Json | undefined): Json | undefined =>
  typeof value === 'string' && /^[0-9]{1,9}$/.test(value) ? Number(value) : value

/** RFC 8693 section 2.2.1; other grants yield access tokens. */
const issuedTypeIn = ({ issued_token_type: type = tokenTypes.accessToken }: Claims): TokenType => {
  if (typeof type !== 'string' || type === '' || type.length > 512) throw invalidAnswer('issued_token_type is no text')
  return type
}

const webResponse = ({ status, headers, body }: HttpResponse): Response =>
  new Response(status === 204 || status === 205 || status === 304 ? null : new Uint8Array(body), { status, headers })

/** The library's errors hold the answer: no more of it than a code is passed on. */
const asRefusal = (thrown: unknown, who: string): unknown => {
  if (thrown instanceof oauth.ResponseBodyError) return refusedBy(who, thrown.status, wordIn(thrown.error))
  if (thrown instanceof oauth.WWWAuthenticateChallengeError) return refusedBy(who, thrown.status)
  if (thrown instanceof oauth.OperationProcessingError || thrown instanceof oauth.UnsupportedOperationError) {
    const status = thrown.cause instanceof Response ? thrown.cause.status : 200
    return status === 200 ? invalidAnswer(`${who} does not answer as a token endpoint must`) : refusedBy(who, status)
  }
  return thrown
}
