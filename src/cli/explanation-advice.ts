import { verifiers } from '../catalog.ts'
import type { Location } from '../domain/fault.ts'
import type { Reason } from '../domain/refusal.ts'
import { tokenTypes } from '../domain/token-type.ts'
import type { Trace } from '../domain/trace.ts'
import { didYouMean } from '../formats/suggest.ts'
import type { TrustMap } from '../map/trust-map.ts'
import type { Trust } from '../trust.ts'
import { canonical } from '../verify/canonical.ts'
import { samlAdvice } from './explanation-saml.ts'

/** What can be done about a refusal, by its reason; for all others the place in the documents says enough. */
const advice: Readonly<Partial<Record<Reason, string>>> = {
  'client.missing': 'say who asks: curl -u CLIENT:SECRET, or a client_assertion',
  'client.unknown': 'register the caller: dragoman secret --client NAME',
  'client.credential_invalid': 'check the secret or the key; `dragoman secret` makes a new secret',
  'client.assertion_replayed': 'make a new assertion, with a jti of its own, for each request',
  'credential.malformed': 'present the token as its issuer gave it, whole and without quotes',
  'credential.expired': 'get a new token from the issuer; if clocks differ, raise clockSkew',
  'credential.not_yet_valid': 'set the clocks right, or raise clockSkew',
  'credential.too_old': 'get a new token from the issuer, or raise maxAge',
  'credential.lifetime_excessive': 'have the issuer make tokens that live shorter, or raise maxLifetime',
  'credential.audience_mismatch': 'ask the issuer for a token with one of `audiences` in aud, or list what it has',
  'credential.type_mismatch': 'name the right subject_token_type, or present the token of that type',
  'credential.type_unsupported': 'present a token of one of the `types`, or list the type',
  'credential.algorithm_not_allowed': 'have the issuer sign with one of `algorithms`, or list what it signs with',
  'credential.key_unknown': 'the issuer does not publish the key: is the token from another environment?',
  'credential.signature_invalid': 'the token was changed or signed by somebody else; get a new one',
  'credential.chain_untrusted':
    'present the intermediates with the leaf, or name the authority in trustAnchors; a key that took a known name stays refused',
  'credential.usage_not_allowed':
    'have it issued for clients (extendedKeyUsage clientAuth, keyUsage digitalSignature), or set extendedKeyUsage',
  'credential.constraint_violated': 'have it issued within the names, depth and policies of its authorities',
  'credential.extension_unsupported': 'have it issued without the critical extension that is not known here',
  'credential.revoked': 'get a new certificate',
  'credential.status_unverifiable': 'give `revocation` a current list of each authority on the path',
  'credential.holder_unproven':
    'present it over its own TLS connection, or let the client: may: { presentCertificates: true }',
  'credential.confirmation_required': 'present the token over the certificate that its cnf names',
  'credential.confirmation_mismatch': 'present the token over the certificate that its cnf names',
  'certificate.missing': 'ask over mutual TLS, or set senderConstraint: none',
  'actor.invalid': 'see the checks that begin with `actor`',
  'request.actor_unsupported': 'give the rule an `actor`, or ask without actor_token',
  'status.unavailable': 'see the log for why the revocation list cannot be fetched',
  'keys.unavailable': 'see the log for why the keys cannot be fetched; private hosts must stand in allowHosts',
  'source.not_allowed': 'name the map under may.sources of the client',
  'delegation.too_deep': 'let the services call one another less deep, or raise maxDepth',
  'identity.widened': 'write identity: same, or take away only: what a token of ours says cannot be added to',
  'rule.none_matched': 'change the condition, write a rule, or leave it refused',
  'rule.expired': 'give the rule a later day, or take it out',
  'target.missing': 'name one: -d audience=…',
  'target.not_allowed': 'ask for an audience that both the rule and the client allow',
  'scope.not_allowed': 'ask for a scope that both the rule and the client allow',
  'signer.unavailable': 'run: dragoman keys list',
}

/** The same where the credential is a certificate: it has no issuer to go back to for each request. */
const certificateAdvice: Readonly<Partial<Record<Reason, string>>> = {
  'credential.malformed': 'present PEM, or base64 DER joined by commas: the leaf first, certificates only',
  'credential.expired': 'renew the certificate, or the intermediate that has expired',
  'credential.not_yet_valid': 'set the clocks right, or wait',
  'credential.algorithm_not_allowed':
    'use RSA of 2048 bits or more, ECDSA on P-256, P-384 or P-521, or Ed25519, with SHA-256 or stronger',
  'credential.audience_mismatch': 'let the map take SVIDs of this kind: types',
}

/** What to do about `reason`; undefined when there is nothing better to say than where it stands. */
export const adviceFor = (reason: Reason, trace: Trace, trust: Trust): string | undefined => {
  if (reason === 'issuer.unknown') return issuerAdvice(trace, trust)
  const own = trace.subjectTokenType === tokenTypes.x509Chain ? certificateAdvice[reason] : samlAdvice(reason, trace)
  return own ?? advice[reason]
}

const issuerAdvice = ({ issuer, subjectTokenType }: Trace, trust: Trust): string => {
  if (issuer === undefined && subjectTokenType === tokenTypes.x509Chain)
    return 'present the intermediates with the leaf, or name the authority in the trustAnchors of a map'
  if (issuer === undefined) return 'the token names no issuer: was the whole of it presented?'
  const known = trust.maps.flatMap(issuersOf)
  if (known.includes(issuer)) return 'several maps may speak for the token: give their clients different sources'
  const meant = didYouMean(issuer, known)
  const ours = trust.maps.some(({ source }) => source.kind === canonical.kind)
    ? 'if this is us, say so: --issuer; or '
    : ''
  const words = `${ours}write a trust map for it: dragoman init ${beginning(issuer, subjectTokenType)}`
  return meant === undefined ? words : `${words}; ${meant}`
}

/** The option of `dragoman init` by which a map for the issuer begins. */
const beginning = (issuer: string, type: string | undefined): string => {
  if (type === tokenTypes.saml2) return '--metadata URL'
  return `--issuer ${isPlainUrl(issuer) ? issuer : 'URL'}`
}

/** Whoever made the token chose its issuer; what a person may paste into a shell holds nothing that a shell reads. */
const isPlainUrl = (text: string): boolean => /^https?:\/\/[A-Za-z0-9._~:/-]{1,200}$/.test(text)

const issuersOf = ({ source }: TrustMap): readonly string[] =>
  verifiers.find(({ kind }) => kind === source.kind)?.issuers(source.config) ?? []

/** Where in the documents the refusal was decided: the first place is the likeliest to change. */
export const placesToChange = (
  reason: Reason,
  trace: Trace,
  trust: Trust,
  failed: Location | undefined,
): readonly Location[] => {
  if (failed !== undefined) return [failed]
  const trustMap = trust.maps.find(({ name }) => name === trace.map)
  const rule = trustMap?.rules.find(({ name }) => name === trace.rule)
  const client = trace.client === undefined ? undefined : trust.clients.get(trace.client)
  const partner = trust.partners.find(({ name }) => name === trace.partner)
  const places = {
    client: [client?.location],
    source: [client?.location],
    target: [rule?.location, client?.location],
    scope: [rule?.location, client?.location],
    identity: [partner?.location, rule?.location],
    partner: [partner?.location],
    secret: [partner?.location],
    rule: [rule?.location ?? trustMap?.location],
    map: [rule?.location ?? trustMap?.location],
    credential: sourcesOf(trace, trust),
    keys: sourcesOf(trace, trust),
    issuer: sourcesOf(trace, trust),
  }
  const [family = ''] = reason.split('.')
  const found = Object.hasOwn(places, family) ? places[family as keyof typeof places] : []
  return found.filter((place) => place !== undefined)
}

/** The sources that believe the issuer of the token, where none of them was chosen. */
const sourcesOf = (trace: Trace, trust: Trust): readonly Location[] =>
  candidateMaps(trace, trust).map(({ source }) => source.location)

/** The map that was chosen for the token, else all that believe its issuer. */
export const candidateMaps = ({ map, issuer }: Trace, trust: Trust): readonly TrustMap[] =>
  trust.maps.filter((trustMap) =>
    map === undefined ? issuer !== undefined && issuersOf(trustMap).includes(issuer) : trustMap.name === map,
  )
