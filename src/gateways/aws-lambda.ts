import type { Claims, Json } from '../domain/claims.ts'
import type { Permission } from '../domain/decision.ts'
import type { OriginalRequest } from '../domain/original-request.ts'
import { Refusal } from '../domain/refusal.ts'
import { type Stated, soleOf } from '../formats/certificate-headers/certificate-headers.ts'
import { FormatError } from '../formats/format-error.ts'
import type { RespondSettings } from '../formats/gateway-decision-settings.ts'
import { asObject, parseJson } from '../formats/json.ts'
import { certificatesInPem } from '../formats/x509/pem.ts'
import type { Capabilities, Dialect, Question } from './dialect.ts'
import { denied, identityTexts, tokenText } from './http-dialect.ts'
import { pathOf, unrivalled } from './original-headers.ts'
import { impostorsOf, refuseImpostors } from './own-headers.ts'

/** What Amazon API Gateway asks a Lambda authorizer. */
interface AuthorizerQuestion extends Question {
  /** Puts the answer into the words of the kind of API that asks. */
  words(passes: boolean, principal: string, context: Readonly<Record<string, string>>): Json
}

/** What is no verdict on the request the function does not answer: API Gateway would keep it like one. */
const can: Capabilities = {
  tooManyRequests: true,
  outage: 503,
  removal: false,
  certificate: true,
  caching: false,
  signing: false,
}

/**
 * A Lambda authorizer of Amazon API Gateway, for REST APIs (type REQUEST) and for HTTP APIs (payload 2.0 with simple
 * responses). The function posts the event as it is and returns the body of the answer; `lambdaAuthorizer` is that
 * function.
 */
export const awsLambda: Dialect = {
  kind: 'aws-lambda',
  can,
  http({ respond: settings }) {
    const impostors = impostorsOf(settings)
    return {
      question: async (call) => authorizerQuestion(await call.body(), impostors),
      permit: (permission, { requestId }, question: AuthorizerQuestion) => ({
        status: 200,
        headers: { 'Content-Type': 'application/json', 'X-Request-ID': requestId, 'Cache-Control': 'no-store' },
        body: JSON.stringify(question.words(true, principalOf(permission, settings), contextOf(permission, settings))),
      }),
      deny(denial, said, question?: AuthorizerQuestion) {
        const answer = denied(denial, said, can)
        const isVerdict = answer.status === 401 || answer.status === 403
        return question === undefined || !isVerdict
          ? answer
          : { ...answer, body: JSON.stringify(question.words(false, 'anonymous', { request_id: said.requestId })) }
      },
    }
  },
}

const principalOf = (permission: Permission, settings: RespondSettings): string =>
  identityTexts(permission, settings).subject

/** What the API's parameter mapping puts into headers: `$context.authorizer.token` and the others. */
const contextOf = (permission: Permission, settings: RespondSettings) => ({
  token: tokenText(permission, settings),
  ...identityTexts(permission, settings),
})

/**
 * Reads an event.
 *
 * @throws Refusal `request.original_malformed`, `request.path_ambiguous`
 */
const authorizerQuestion = (text: string, impostors: readonly string[]): AuthorizerQuestion => {
  const event = asObject(parsed(text))
  if (event === undefined) throw malformed('the event is no object')
  return event['version'] === '2.0' ? ofHttpApi(event, impostors) : ofRestApi(event, impostors)
}

const parsed = (text: string): Json => {
  try {
    return parseJson(text)
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause
    throw malformed(cause.message, cause)
  }
}

const malformed = (detail: string, cause?: unknown) => new Refusal('request.original_malformed', detail, { cause })

const textIn = (value: Json | undefined): string | undefined => (typeof value === 'string' ? value : undefined)

/** The member at `path`, through objects only. */
const within = (value: Json | undefined, ...path: readonly string[]): Json | undefined =>
  path.reduce<Json | undefined>((inner, name) => {
    const members = asObject(inner)
    return members !== undefined && Object.hasOwn(members, name) ? members[name] : undefined
  }, value)

const ofHttpApi = (event: Claims, impostors: readonly string[]): AuthorizerQuestion => {
  const context = within(event, 'requestContext')
  const field = fieldsOf(within(event, 'headers'))
  return {
    original() {
      refuseImpostors(field, impostors)
      return unrivalled(
        { header: field },
        {
          method: textIn(within(context, 'http', 'method')),
          scheme: 'https',
          authority: textIn(within(context, 'domainName')),
          target: textIn(within(event, 'rawPath')),
        },
      )
    },
    field,
    certificate: () => certificateIn(within(context, 'authentication', 'clientCert')),
    words: (isAuthorized, _principal, told) => ({ isAuthorized, context: told }),
  }
}

const ofRestApi = (event: Claims, impostors: readonly string[]): AuthorizerQuestion => {
  const context = within(event, 'requestContext')
  const resource = textIn(within(event, 'methodArn'))
  if (event['type'] !== 'REQUEST' || resource === undefined)
    throw malformed('the event is neither of a REST API with an authorizer of the type REQUEST nor of payload 2.0')
  requirePlain(resource)
  const field = fieldsOf(within(event, 'multiValueHeaders') ?? within(event, 'headers'))
  return {
    original() {
      refuseImpostors(field, impostors)
      const original = unrivalled(
        { header: field },
        {
          method: textIn(within(event, 'httpMethod')),
          scheme: 'https',
          authority: textIn(within(context, 'domainName')),
          target: textIn(within(event, 'path')),
        },
      )
      requireNamed(original, resource)
      return original
    },
    field,
    certificate: () => certificateIn(within(context, 'identity', 'clientCert')),
    words: (passes, principalId, told) => ({
      principalId,
      policyDocument: {
        Version: '2012-10-17',
        Statement: [{ Action: 'execute-api:Invoke', Effect: passes ? 'Allow' : 'Deny', Resource: resource }],
      },
      context: told,
    }),
  }
}

/**
 * A policy speaks of the resource in the event, where the path is as the client wrote it, and in policies these stand for
 * more than themselves. API Gateway would keep such a policy for whatever it is then about.
 */
const requirePlain = (resource: string): void => {
  if (/[*?$]/.test(resource)) throw new Refusal('request.path_ambiguous', 'the resource of the event is a pattern')
}

/** STAGE/METHOD/PATH. On a custom domain the path of the event may begin with the base path of the API's mapping. */
const requireNamed = ({ method, path }: OriginalRequest, resource: string): void => {
  const [, ofMethod, ofPath] = /^[^/]+\/[^/]+\/([^/]+)(\/.*)$/.exec(resource) ?? []
  if (ofPath === undefined) throw malformed('the resource of the event names no method and path')
  if (ofMethod !== method || !path.endsWith(pathOf(ofPath)))
    throw new Refusal('request.original_conflict', 'the resource of the event is not what was asked for')
}

/** Names in lower case; values of one name, in whatever case and list, joined as those of a header are. */
const fieldsOf = (headers: Json | undefined): Question['field'] => {
  const fields = new Map<string, string>()
  for (const [name, value] of Object.entries(asObject(headers) ?? {}))
    for (const one of [value].flat()) {
      if (typeof one !== 'string') throw malformed('a header of the event is no text')
      const before = fields.get(name.toLowerCase())
      fields.set(name.toLowerCase(), before === undefined ? one : `${before}, ${one}`)
    }
  return (name) => fields.get(name)
}

/** API Gateway verifies the certificate against the domain's trust store before it asks anybody. */
const certificateIn = (stated: Json | undefined): Stated => {
  if (stated === undefined || stated === null) return 'none'
  const pem = textIn(within(stated, 'clientCertPem'))
  if (pem === undefined) throw new FormatError('clientCert has no clientCertPem')
  return { chain: soleOf(certificatesInPem(pem)) }
}

/** How an authorizer hands the event on: to /authz/NAME over HTTP, or to a dragoman in the same function. */
export type AskDragoman = (event: string) => Promise<{ readonly status: number; readonly body: string }>

/**
 * A Lambda authorizer. What it throws API Gateway answers with 401 when the message is `Unauthorized`, and with 500
 * otherwise: nothing passes.
 */
export const lambdaAuthorizer =
  (ask: AskDragoman) =>
  async (event: unknown): Promise<unknown> => {
    const { status, body } = await ask(JSON.stringify(event))
    if (status === 401) throw new Error('Unauthorized')
    if (status !== 200 && status !== 403) throw new Error('dragoman does not decide')
    return JSON.parse(body)
  }
