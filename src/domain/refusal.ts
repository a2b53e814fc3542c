import type { ExceededLimit } from './rate-limit.ts'

/**
 * The OAuth error codes that we answer with (RFC 6749 5.2, RFC 8707 2, RFC 9396 5; 503 as RFC 6749 4.1.2.1 names it),
 * and those of requests that a gateway asks about (RFC 6750 3.1; `access_denied` as RFC 6749 4.1.2.1 names it).
 */
export type OAuthError =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'invalid_scope'
  | 'invalid_target'
  | 'invalid_authorization_details'
  | 'temporarily_unavailable'
  | 'server_error'
  | 'invalid_token'
  | 'insufficient_scope'
  | 'access_denied'

/** What the outside hears of a refusal. The description is fixed text: it never quotes input. */
interface Wire {
  readonly status: 400 | 401 | 403 | 405 | 413 | 429 | 500 | 502 | 503 | 504
  readonly error: OAuthError
  readonly description: string
}

/**
 * The parameter that brings the credential: of token exchange (RFC 8693 section 2.1) or of an assertion grant (RFC 7521
 * section 4.1). The grant decides it, and it decides how an unacceptable credential is answered.
 */
export type CredentialParameter = 'subject_token' | 'assertion'

/** Who hears of a refusal: the caller of a grant, or the client whose request a gateway asks about. */
type Hearer = CredentialParameter | 'gateway'

/** A row of the table below. */
type Answers = Readonly<Record<Hearer, Wire>>

const forbidden = (description: string): Wire => ({ status: 403, error: 'access_denied', description })

const wire = (
  status: Wire['status'],
  error: OAuthError,
  description: string,
  gateway: Wire = forbidden(description),
): Answers => {
  const answer = { status, error, description }
  return { subject_token: answer, assertion: answer, gateway }
}
const badRequest = (description: string) => wire(400, 'invalid_request', description)
const badClient = (description: string) => wire(401, 'invalid_client', description)
const badTarget = (description: string) => wire(400, 'invalid_target', description)
const notNow = (description: string) =>
  wire(503, 'temporarily_unavailable', description, { status: 503, error: 'temporarily_unavailable', description })

/** What went wrong lies at the partner, or on the way to it (RFC 9110 sections 15.6.3 to 15.6.5). */
const atPartner = (status: 502 | 503 | 504, description: string) => {
  const answer = { status, error: 'temporarily_unavailable', description } as const
  return wire(status, answer.error, description, answer)
}

/** A client whose credential does not do tries again with another one (RFC 6750 section 3.1). */
const badAtGateway = (description: string): Wire => ({ status: 401, error: 'invalid_token', description })

/**
 * An unacceptable subject token is `invalid_request` (RFC 8693 section 2.2.2, a MUST), an unacceptable assertion
 * `invalid_grant` (RFC 7521 section 4.1.1, a MUST).
 */
const unacceptable = (
  description: string,
  ofAssertion = description,
  gateway: Wire = badAtGateway(description),
): Answers => ({
  subject_token: { status: 400, error: 'invalid_request', description },
  assertion: { status: 400, error: 'invalid_grant', description: ofAssertion },
  gateway,
})
/** The same, of what was presented itself: named as the hearer names it. */
const badToken = (verdict: string) =>
  unacceptable(`the subject_token ${verdict}`, `the assertion ${verdict}`, badAtGateway(`the credential ${verdict}`))
/** The credential is good and says who it is, and policy has no place for them: another one of theirs is no better. */
const againstPolicy = () =>
  unacceptable(
    'the subject_token is not acceptable by policy',
    'the assertion is not acceptable by policy',
    forbidden('policy does not allow this request'),
  )
/** Only gateways ask such things. */
const ofGateways = (gateway: Wire): Answers => ({ subject_token: gateway, assertion: gateway, gateway })

/**
 * Every reason for which dragoman refuses, and what the caller is told. The key is stable: it is the audit field,
 * the metric label, the verdict of `explain` and the anchor in docs/reasons.md.
 *
 * Which rule or claim failed is for the trace, so the descriptions of what is unacceptable say no more than the class of
 * the failure.
 */
export const reasons = {
  'request.method': ofGateways({ status: 405, error: 'invalid_request', description: 'this endpoint takes POST only' }),
  'request.media_type': badRequest('the body must be application/x-www-form-urlencoded'),
  'request.malformed': badRequest('the request is malformed'),
  'request.too_large': wire(413, 'invalid_request', 'the request body is too large'),
  'request.parameter_missing': badRequest('a required parameter is missing'),
  'request.parameter_repeated': badRequest('a parameter is repeated that may appear only once'),
  'request.parameter_invalid': badRequest('a parameter has a value that its definition does not allow'),
  'request.token_type_unsupported': badRequest('the requested_token_type cannot be issued here'),
  'request.actor_unsupported': badRequest('actor_token is not accepted here'),
  'request.authorization_details_unsupported': wire(
    400,
    'invalid_authorization_details',
    'authorization_details are not accepted here',
  ),
  'request.description_malformed': ofGateways({
    status: 400,
    error: 'invalid_request',
    description: 'the body is no description of a request in JSON',
  }),
  'request.parameter_not_of_grant': badRequest('a parameter does not belong to this grant_type'),
  'grant_type.unsupported': wire(400, 'unsupported_grant_type', 'this grant_type is not supported'),

  'gateway.unknown': ofGateways(forbidden('access is denied')),
  'gateway.unproven': ofGateways(forbidden('access is denied')),

  'request.original_missing': ofGateways(forbidden('the gateway does not say what was asked of it')),
  'request.original_malformed': ofGateways(forbidden('the gateway does not say clearly what was asked of it')),
  'request.original_conflict': ofGateways(forbidden('the request names itself in more than one way')),
  'request.path_ambiguous': ofGateways(forbidden('the path can be read in more than one way')),
  'request.header_spoofed': ofGateways(forbidden('a header of the request is one that only the gateway may set')),
  'route.none_matched': ofGateways(forbidden('policy does not allow this request')),

  'rate.exceeded': ofGateways({
    status: 429,
    error: 'temporarily_unavailable',
    description: 'too many requests; try again later',
  }),

  'client.missing': badClient('client authentication is required'),
  'client.ambiguous': badRequest('more than one client authentication method was used'),
  'client.unknown': badClient('client authentication failed'),
  'client.method_not_registered': badClient('client authentication failed'),
  'client.credential_invalid': badClient('client authentication failed'),
  'client.assertion_replayed': badClient('client authentication failed'),

  'credential.missing': ofGateways({ status: 401, error: 'invalid_request', description: 'a credential is required' }),
  'credential.scheme_unsupported': ofGateways({
    status: 401,
    error: 'invalid_request',
    description: 'credentials of this scheme are not accepted here',
  }),
  'credential.ambiguous': ofGateways(badAtGateway('more than one credential was presented')),
  'credential.malformed': badToken('is malformed'),
  'credential.too_large': badToken('is too large'),
  'credential.type_unsupported': unacceptable(
    'this subject_token_type is not accepted here',
    'assertions of this kind are not accepted here',
  ),
  'credential.type_mismatch': unacceptable(
    'the subject_token is not of the declared subject_token_type',
    'the assertion is not of the kind that the grant_type takes',
  ),
  'credential.algorithm_not_allowed': badToken('is not acceptable'),
  'credential.header_not_allowed': badToken('is not acceptable'),
  'credential.key_unknown': badToken('is not acceptable'),
  'credential.signature_invalid': badToken('is not acceptable'),
  'credential.expired': badToken('has expired'),
  'credential.not_yet_valid': badToken('is not yet valid'),
  'credential.too_old': badToken('is too old'),
  'credential.lifetime_excessive': badToken('is valid for too long'),
  'credential.claim_invalid': badToken('has a claim of the wrong shape'),
  'credential.audience_mismatch': badToken('is not meant for this service'),
  'credential.chain_untrusted': unacceptable('the certificate does not lead to a trusted authority'),
  'credential.usage_not_allowed': unacceptable('the certificate is not one for clients'),
  'credential.constraint_violated': unacceptable('the certificate goes beyond what its authorities allow'),
  'credential.extension_unsupported': unacceptable('the certificate demands what is not understood here'),
  'credential.revoked': unacceptable('the certificate has been revoked'),
  'credential.holder_unproven': unacceptable('nobody has proven here to hold the key of the certificate'),
  'credential.confirmation_mismatch': badToken('is bound to another certificate'),
  'credential.inactive': badToken('is not active'),
  'credential.recipient_mismatch': badToken('was not made to be delivered here'),
  'credential.condition_unsupported': badToken('has a condition that is not understood here'),
  'credential.onward_forbidden': badToken('must not be exchanged'),
  'credential.replayed': badToken('was used before'),
  'credential.decryption_failed': badToken('is not acceptable'),
  'credential.confirmation_required': badToken('is bound to a key whose possession was not proven'),
  'credential.actor_not_permitted': badToken('does not permit this exchange'),
  'credential.status_unverifiable': unacceptable(
    'the status of the subject_token cannot be verified',
    'the status of the assertion cannot be verified',
  ),
  'certificate.header_untrusted': badRequest('a certificate in a header is accepted from a configured gateway only'),
  'certificate.header_malformed': badRequest('the header with the client certificate is malformed'),
  'certificate.header_conflict': badRequest('the client certificate is stated in more than one way'),
  'certificate.unverified': wire(
    400,
    'invalid_request',
    'the gateway did not verify the client certificate',
    badAtGateway('the client certificate is not acceptable'),
  ),
  'certificate.missing': wire(
    400,
    'invalid_request',
    'a client certificate is required to bind the token to',
    badAtGateway('a client certificate is required'),
  ),
  'issuer.unknown': badToken('is not acceptable'),
  'delegation.too_deep': badToken('was passed on too often'),

  'actor.invalid': unacceptable('the actor_token is not acceptable', 'the actor is not acceptable'),
  'source.not_allowed': badToken('is not acceptable from this client'),
  'map.disabled': againstPolicy(),
  'map.validation_failed': againstPolicy(),
  'map.value_missing': againstPolicy(),
  'map.expression_failed': againstPolicy(),
  'rule.none_matched': againstPolicy(),
  'rule.expired': againstPolicy(),
  'identity.invalid': againstPolicy(),
  'identity.widened': againstPolicy(),
  'identity.too_large': unacceptable(
    'the identity does not fit into a token',
    undefined,
    forbidden('the identity does not fit into a token'),
  ),

  'target.missing': badTarget('name the audience or resource that the token is for'),
  'target.invalid': badTarget('a resource must be an absolute URI without a fragment'),
  'target.not_allowed': badTarget('a requested audience or resource is not allowed'),
  'target.too_many': badTarget('too many targets were requested'),

  'destination.unknown': ofGateways(forbidden('no partner is known at this destination')),
  'destination.ambiguous': ofGateways(forbidden('more than one partner is known at this destination')),
  'destination.cleartext': ofGateways(forbidden('credentials are not put on a request that is not encrypted')),
  'partner.not_allowed': wire(
    400,
    'invalid_target',
    'policy does not allow this identity at the partner',
    forbidden('policy does not allow this identity at the partner'),
  ),
  'partner.not_carriable': wire(
    400,
    'invalid_request',
    'the credential of this partner is made for one request; ask at /v1/egress',
    forbidden('the credential of this partner cannot be carried in this way'),
  ),
  'partner.refused': atPartner(502, 'the partner did not grant the credential'),
  'partner.unauthenticated': atPartner(502, 'the partner did not accept who we say we are'),
  'partner.invalid_answer': atPartner(502, "the partner's answer cannot be understood or is not acceptable"),
  'partner.unavailable': atPartner(503, 'the partner cannot be reached at the moment'),
  'partner.overloaded': atPartner(503, 'too many requests wait for the partner at the moment'),
  'partner.circuit_open': atPartner(503, 'the partner has failed too often and is left alone for a moment'),
  'partner.timeout': atPartner(504, 'the partner did not answer in time'),
  'secret.unavailable': atPartner(503, 'a secret that the partner asks for cannot be had at the moment'),

  'scope.malformed': wire(400, 'invalid_scope', 'the scope is malformed'),
  'scope.not_allowed': wire(400, 'invalid_scope', 'a requested scope is not allowed', {
    status: 403,
    error: 'insufficient_scope',
    description: 'the request needs more than the credential allows',
  }),

  'service.overloaded': notNow('the service has too much to do at the moment'),
  'status.unavailable': notNow('the revocation status cannot be had at the moment'),
  'keys.unavailable': notNow("the issuer's keys cannot be had at the moment"),
  'issuer.unavailable': notNow('the issuer cannot be asked at the moment'),
  'store.unavailable': notNow('the service cannot decide at the moment'),
  'signer.unavailable': notNow('the service cannot issue tokens at the moment'),
  internal: wire(500, 'server_error', 'the request could not be processed', {
    status: 500,
    error: 'server_error',
    description: 'the request could not be processed',
  }),
} as const satisfies Record<string, Answers>

export type Reason = keyof typeof reasons

/** What the outside may hear about `reason`. Where the grant is not known, no credential was judged either. */
export const onTheWire = (reason: Reason, hearer: Hearer = 'subject_token'): Wire => reasons[reason][hearer]

/**
 * The one exception of the journey. `detail` is for the trace and the operator; it may name claims and settings but
 * never holds a token or a secret, and it never reaches the caller.
 */
export class Refusal extends Error {
  readonly reason: Reason
  readonly detail: string
  /** The limit that `rate.exceeded` is about. */
  readonly exceeded: ExceededLimit | undefined

  constructor(reason: Reason, detail: string, options?: ErrorOptions & { readonly exceeded?: ExceededLimit }) {
    super(`${reason}: ${detail}`, options)
    this.name = 'Refusal'
    this.reason = reason
    this.detail = detail
    this.exceeded = options?.exceeded
  }
}
