import type { Denial, Equipped, Permission, ShownIdentity } from '../domain/decision.ts'
import type { OriginalRequest } from '../domain/original-request.ts'
import { onTheWire, Refusal } from '../domain/refusal.ts'
import { type DecisionSettings, identityHeaders, type RespondSettings } from '../formats/gateway-decision-settings.ts'
import type { Capabilities, Dialect, HttpAnswer, HttpCall, Outgoing, Said } from './dialect.ts'
import { everySpelling } from './outward-headers.ts'
import { impostorsOf, refuseImpostors } from './own-headers.ts'
import { limitHeaders } from './rate-limits.ts'
import { retryAfter } from './token-form.ts'

/** What most gateways that ask over HTTP have in common: they differ in where the question is and in what they can. */
export interface HttpGateway {
  readonly kind: string
  readonly can: Capabilities
  /** @throws Refusal `request.original_*`, `request.path_ambiguous` */
  readonly original: (call: HttpCall) => OriginalRequest
  /** The rest of a request on its way out, where what it says of it is what is sent, with these header fields. */
  readonly outgoing?: (call: HttpCall, fields: readonly string[]) => Outgoing
  /** Headers of an answer that lets a request pass, beside those that all have. */
  readonly more?: (settings: DecisionSettings, carriers: readonly string[]) => Readonly<Record<string, string>>
}

export const httpDialect = ({ kind, can, original, outgoing, more = () => ({}) }: HttpGateway): Dialect => ({
  kind,
  can,
  http(settings, carriers) {
    const constant = more(settings, carriers)
    const impostors = can.removal ? [] : impostorsOf(settings.respond)
    const headersOf = (permission: Permission) => ({ ...permittedHeaders(permission, settings.respond), ...constant })
    const known = new WeakMap<Permission, ReturnType<typeof headersOf>>()
    const headersAgain = (permission: Permission) => {
      const headers = known.get(permission) ?? headersOf(permission)
      known.set(permission, headers)
      return headers
    }
    return {
      question(call) {
        const field = (name: string) => call.header(name)
        return {
          original() {
            refuseImpostors(field, impostors)
            return original(call)
          },
          field,
        }
      },
      permit: (permission, said) => ({
        status: 200,
        headers: { ...(said.again ? headersAgain(permission) : headersOf(permission)), ...saidHeaders(said) },
        body: '',
      }),
      deny: (denial, said) => denied(denial, said, can),
    }
  },
  departures: {
    http: () => ({
      question: (call) => ({
        original: () => original(call),
        field: (name) => call.header(name),
        ...(outgoing && { outgoing: (fields: readonly string[]) => outgoing(call, fields) }),
      }),
      permit: (equipped, said) => equippedAnswer(equipped, said, can),
      deny: (denial, said) => denied(denial, said, can),
    }),
  },
})

/** What goes on a request to a partner, and where the gateway can be told so, what goes off. */
const equippedAnswer = ({ presentation }: Equipped, said: Said, can: Capabilities): HttpAnswer => {
  const set = presentation.set.map(([name, value]) => [name, value.reveal()] as const)
  return {
    status: 200,
    headers: {
      ...Object.fromEntries(set),
      ...(can.removal ? { 'X-Envoy-Auth-Headers-To-Remove': everySpelling(presentation).join(',') } : {}),
      ...saidHeaders(said),
    },
    body: '',
  }
}

const saidHeaders = ({ requestId, maxAge }: Said) => ({
  'X-Request-ID': requestId,
  'Cache-Control': maxAge > 0 ? `max-age=${maxAge}` : 'no-store',
})

/**
 * The headers for the service behind the gateway. All of them are always there and none is empty: where one is left
 * out, some gateways let through what the client wrote in it.
 */
export const permittedHeaders = (
  permission: Permission,
  settings: RespondSettings,
): Readonly<Record<string, string>> => {
  const { subject, client, rule, tenant, transaction } = identityTexts(permission, settings)
  return {
    [settings.header]: tokenText(permission, settings),
    [identityHeaders.subject]: subject,
    [identityHeaders.client]: client,
    [identityHeaders.rule]: rule,
    [identityHeaders.tenant]: tenant,
    [identityHeaders.transaction]: transaction,
  }
}

/** The value of the header with the token. */
export const tokenText = (permission: Permission, { scheme }: RespondSettings): string => {
  if (permission.kind !== 'allowed') return 'Anonymous'
  const token = permission.token.value.reveal()
  return scheme === undefined ? token : `${scheme} ${token}`
}

const nothing = '-'
const nobody = 'anonymous'

/**
 * How many octets the texts of an identity may take as they are written. With a token of the largest size and an RSA
 * signature of 4096 bits, an answer then has less than 4,000 octets of headers: nginx takes 4,096, unless it is told
 * otherwise, and answers 500 to more.
 */
const maxIdentityOctets = 1_024

/** @throws Refusal `identity.too_large` */
export const requireTellable = (identity: ShownIdentity, { identity: isTold }: RespondSettings): void => {
  const octets = textsOf(identity).reduce((sum, text) => sum + fieldText(text).length, 0)
  if (isTold && octets > maxIdentityOctets)
    throw new Refusal('identity.too_large', `its headers take ${octets} octets, more than ${maxIdentityOctets}`)
}

const textsOf = ({ subject, rule, tenant = nothing, transaction }: ShownIdentity) => [
  subject,
  rule,
  tenant,
  transaction,
]

/** What is told of an identity, under the names of `identityHeaders`: never empty, and nothing but visible ASCII. */
export const identityTexts = (
  permission: Permission,
  { identity: isTold }: RespondSettings,
): Readonly<Record<keyof typeof identityHeaders, string>> => {
  const untold = { subject: nothing, client: permission.gateway, rule: nothing, tenant: nothing, transaction: nothing }
  if (permission.kind !== 'allowed') return { ...untold, subject: nobody }
  if (!isTold) return untold
  const { subject, tenant, rule, transaction } = permission.identity
  return {
    subject: fieldText(subject),
    client: permission.gateway,
    rule: fieldText(rule),
    tenant: tenant === undefined ? nothing : fieldText(tenant),
    transaction: fieldText(transaction),
  }
}

/**
 * Visible ASCII as it is, but for what ends or divides values where others parse them; that, `%` itself and everything
 * else as percent-encoded UTF-8. Nobody's name is `anonymous`.
 */
const fieldText = (text: string): string =>
  text === nothing || text === nobody
    ? escaped(text.charAt(0)) + text.slice(1)
    : text.replaceAll(/[^!-~]|["%',;]/gu, escaped)

const utf8 = new TextEncoder()

const escaped = (character: string): string =>
  [...utf8.encode(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')

/**
 * The refusal of a request (RFC 6750 section 3): one challenge, and no error code in it where no credential was
 * presented. The status is one that the gateway passes on.
 */
export const denied = (
  { reason, exceeded }: Denial,
  { requestId }: Said,
  can: Pick<Capabilities, 'outage' | 'tooManyRequests'>,
): HttpAnswer => {
  const { status, error, description } = onTheWire(reason, 'gateway')
  const challenge = challengeOf(status, error, description)
  const answered = statusFor(status, can)
  return {
    status: answered,
    headers: {
      'Content-Type': 'application/json',
      ...(challenge === undefined ? {} : { 'WWW-Authenticate': challenge }),
      ...(exceeded === undefined ? {} : limitHeaders(exceeded)),
      ...(answered === 503 ? { 'Retry-After': String(retryAfter) } : {}),
      'X-Request-ID': requestId,
      'Cache-Control': 'no-store',
    },
    body: JSON.stringify({ error, error_description: description, request_id: requestId }),
  }
}

const statusFor = (status: number, can: Pick<Capabilities, 'outage' | 'tooManyRequests'>): number => {
  if (status >= 500) return can.outage
  return status === 429 && !can.tooManyRequests ? 403 : status
}

/**
 * The answer to whoever has not proven to be a gateway: the same for every name and every reason.
 */
export const refuseUnproven = (said: Said): HttpAnswer =>
  denied({ kind: 'denied', reason: 'gateway.unproven' }, said, { outage: 403, tooManyRequests: false })

const challengeOf = (status: number, error: string, description: string): string | undefined => {
  if (error === 'invalid_token' || error === 'insufficient_scope')
    return `Bearer realm="dragoman", error="${error}", error_description="${description}"`
  return status === 401 ? 'Bearer realm="dragoman"' : undefined
}
