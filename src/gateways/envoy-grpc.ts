import type { Denial, Equipped, Permission } from '../domain/decision.ts'
import { maxLeafField, type Stated, soleOf } from '../formats/certificate-headers/certificate-headers.ts'
import { certificatesInHeaderPem } from '../formats/certificate-headers/header-pem.ts'
import { decodePercent } from '../formats/certificate-headers/percent-encoding.ts'
import { FormatError } from '../formats/format-error.ts'
import { type DecisionSettings, identityHeaders } from '../formats/gateway-decision-settings.ts'
import type { DepartureQuestion, Dialect, Outgoing, Question, Said } from './dialect.ts'
import {
  type CheckedRequest,
  type CheckRequest,
  type CheckResponse,
  type HeaderValue,
  type HeaderValueOption,
  overwriteIfExistsOrAdd,
} from './envoy-grpc-messages.ts'
import { removedHeaders } from './envoy-http.ts'
import { denied, permittedHeaders, refuseUnproven } from './http-dialect.ts'
import { unrivalled } from './original-headers.ts'
import { outgoingFrom } from './outgoing.ts'
import { everySpelling } from './outward-headers.ts'

/**
 * Envoy's ext_authz over gRPC, and everything that speaks it: Istio, Envoy Gateway, the Gateway API's ExternalAuth
 * filter, Google's load balancers. The gateway proves itself by the metadata of its calls or by its connection; what it
 * tells of the client's request has no part in that.
 */
export const envoyGrpc: Dialect = {
  kind: 'envoy-grpc',
  can: { tooManyRequests: true, outage: 503, removal: true, certificate: true, caching: false, signing: true },
  departures: {},
}

/** What a check asks about, at the way in or at the way out. */
export interface CheckQuestion extends Question, Pick<DepartureQuestion, 'outgoing'> {
  /** The names of the header fields of the client's request, lower-case. */
  readonly names: Iterable<string>
}

/** The name under which the operator chooses one of the gateway's routes in `context_extensions`. */
const routeExtension = 'route'

export const questionOf = ({ attributes = {} }: CheckRequest): CheckQuestion => {
  const { request, source, contextExtensions = {} } = attributes
  const { http = {} } = request ?? {}
  const fields = fieldsOf(http)
  const field = (name: string): string | undefined => fields.get(name)
  const route = Object.hasOwn(contextExtensions, routeExtension) ? contextExtensions[routeExtension] : undefined
  return {
    original() {
      const { method, scheme, host: authority, path: target } = http
      return unrivalled({ header: field }, { method, scheme: scheme === '' ? undefined : scheme, authority, target })
    },
    field,
    names: fields.keys(),
    outgoing: () => outgoingOf(http, fields),
    certificate: () => certificateIn(source?.certificate),
    ...(route === undefined ? {} : { route }),
  }
}

/** Envoy says in a header of its own whether it shows the content, and whether all of it. */
const outgoingOf = ({ path = '', body, rawBody }: CheckedRequest, fields: ReadonlyMap<string, string>): Outgoing => {
  const told = outgoingFrom(path, fields.keys(), (name) => fields.get(name))
  if (fields.get('x-envoy-auth-partial-body') !== 'false') return told
  return { ...told, body: rawBody === undefined || rawBody.length === 0 ? encoder.encode(body ?? '') : rawBody }
}

const encoder = new TextEncoder()

/** The header fields by lower-case name, several of one name joined (RFC 9110 section 5.2). */
const fieldsOf = ({ headers = {}, headerMap }: CheckedRequest): ReadonlyMap<string, string> => {
  const fields = new Map<string, string>()
  const add = (key: string, value: string): void => {
    const name = key.toLowerCase()
    const before = fields.get(name)
    fields.set(name, before === undefined ? value : `${before}, ${value}`)
  }
  for (const [key, value] of Object.entries(headers)) add(key, value)
  for (const { key = '', ...value } of headerMap?.headers ?? []) add(key, textOf(value))
  return fields
}

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })

const textOf = ({ value = '', rawValue }: Omit<HeaderValue, 'key'>): string =>
  rawValue === undefined || rawValue.length === 0 ? value : utf8.decode(rawValue)

/** As in `x-forwarded-client-cert`, but the leaf alone. What else is said of the peer is its name, which proves nothing. */
const certificateIn = (text: string | undefined): Stated => {
  if (text === undefined || text === '') return 'none'
  if (text.length > maxLeafField) throw new FormatError('source.certificate is too long')
  return { chain: soleOf(certificatesInHeaderPem(decodePercent(text), '\n')) }
}

/** The header fields that state certificates: those of the gateway that asks, and those of all gateways. */
export interface Carriers {
  readonly own: readonly string[]
  readonly all: readonly string[]
}

export const permit = (
  permission: Permission,
  settings: DecisionSettings,
  { requestId }: Said,
  { names }: CheckQuestion,
  carriers: Carriers,
): CheckResponse => {
  const headers = permittedHeaders(permission, settings.respond)
  const set = Object.keys(headers).map((name) => name.toLowerCase())
  return {
    status: { code: codes.ok },
    okResponse: { headers: overwriting(headers), headersToRemove: removals(settings, set, carriers, [...names]) },
    dynamicMetadata: metadataOf(permission, headers, requestId),
  }
}

/** A request on its way out: what the partner accepts goes on it, and what is ours, under whatever spelling, goes off. */
export const equip = (
  { gateway, presentation, transaction }: Equipped,
  { requestId }: Said,
  { names }: CheckQuestion,
): CheckResponse => {
  const headers = Object.fromEntries(presentation.set.map(([name, value]) => [name, value.reveal()]))
  const ours = [...names].filter((name) => /^x[^a-z0-9]dragoman[^a-z0-9]/.test(name))
  const removed = [...new Set([...everySpelling(presentation), ...ours])].filter(
    (name) => !Object.hasOwn(headers, name),
  )
  const texts = {
    gateway,
    partner: presentation.partner,
    credential_id: presentation.credentialId,
    txn: transaction,
    request_id: requestId,
  }
  return {
    status: { code: codes.ok },
    okResponse: { headers: overwriting(headers), headersToRemove: removed },
    dynamicMetadata: {
      fields: Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, { stringValue: text }])),
    },
  }
}

/**
 * What goes off the request: what Envoy is told over HTTP as well, and of the headers that the client wrote, which are
 * all known here, those under names that only we or some gateway may use.
 */
const removals = (
  settings: DecisionSettings,
  set: readonly string[],
  carriers: Carriers,
  present: readonly string[],
): readonly string[] => {
  const spoofed = present.filter((name) => /^x[^a-z0-9]dragoman[^a-z0-9]/.test(name) || carriers.all.includes(name))
  return [...new Set([...removedHeaders(settings, carriers.own), ...spoofed])].filter((name) => !set.includes(name))
}

/** What other filters and the access log may know: texts that are safe to write, and never the token. */
const metadataOf = (
  { gateway, route }: Permission,
  headers: Readonly<Record<string, string>>,
  requestId: string,
): NonNullable<CheckResponse['dynamicMetadata']> => {
  const told = (name: keyof typeof identityHeaders) => headers[identityHeaders[name]] ?? ''
  const rule = told('rule')
  const [map = rule] = rule.split('/')
  const texts = {
    gateway,
    route,
    map,
    rule,
    subject: told('subject'),
    tenant: told('tenant'),
    txn: told('transaction'),
    request_id: requestId,
  }
  return { fields: Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, { stringValue: text }])) }
}

/**
 * The refusal of a request; who has not proven to be the gateway does not hear why.
 *
 * @returns undefined where it is a fault of ours: that is no verdict on the request, and Envoy knows gRPC's own errors
 */
export const deny = (denial: Denial, said: Said, isProven: boolean): CheckResponse | undefined => {
  const { status, headers, body } = isProven ? denied(denial, said, envoyGrpc.can) : refuseUnproven(said)
  if (status === envoyGrpc.can.outage) return undefined
  return {
    status: { code: codeOf(status) },
    deniedResponse: { status: { code: status }, headers: overwriting(headers), body },
  }
}

/** google.rpc.Code. */
const codes = { ok: 0, permissionDenied: 7, resourceExhausted: 8, unauthenticated: 16 } as const

const codeOf = (status: number): number => {
  if (status === 401) return codes.unauthenticated
  return status === 429 ? codes.resourceExhausted : codes.permissionDenied
}

const overwriting = (headers: Readonly<Record<string, string>>): readonly HeaderValueOption[] =>
  Object.entries(headers).map(([name, value]) => ({
    header: { key: name.toLowerCase(), value },
    appendAction: overwriteIfExistsOrAdd,
  }))
