import type { Credential } from '../domain/credential.ts'
import type { ExchangeRequest } from '../domain/exchange.ts'
import { Refusal } from '../domain/refusal.ts'
import { secret } from '../domain/secret.ts'
import type { Seconds } from '../domain/time.ts'
import type { IssuedToken } from '../domain/token.ts'
import { clientCredential } from './client-credential.ts'
import { type FormRequest, type FormResponse, jsonHeaders, parseTokenForm, type TokenForm } from './token-form.ts'

/** The token endpoint's dialect: RFC 8693 over RFC 6749. The only place where `grant_type` is spoken. */

export const tokenExchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange'

/**
 * Request -> ExchangeRequest. What we know is honoured or refused; what we do not know is ignored (RFC 6749 3.2).
 *
 * @throws Refusal `request.*`, `grant_type.unsupported`, `client.*`, `target.invalid`, `scope.malformed`
 */
export const receive = ({ authorization, body, certificate }: FormRequest): ExchangeRequest => {
  const form = parseTokenForm(body)
  const grantType = required(form, 'grant_type')
  const client = clientCredential(authorization, form, certificate)
  if (grantType !== tokenExchangeGrant) throw new Refusal('grant_type.unsupported', 'only token exchange is spoken')
  refuseUnsupported(form)
  const actor = actorOf(form)
  const scope = form.one('scope')
  const requestedTokenType = form.one('requested_token_type')
  const lifetime = lifetimeOf(form.one('requested_lifetime'))
  return {
    client,
    subject: subjectOf(form),
    targets: targetsOf(form),
    ...(actor === undefined ? {} : { actor }),
    ...(certificate === undefined ? {} : { certificate }),
    ...(scope === undefined ? {} : { scope: scopesOf(scope) }),
    ...(requestedTokenType === undefined ? {} : { requestedTokenType }),
    ...(lifetime === undefined ? {} : { lifetime }),
  }
}

const required = (form: TokenForm, name: string): string => {
  const value = form.one(name)
  if (value === undefined) throw new Refusal('request.parameter_missing', `${name} is missing`)
  return value
}

const subjectOf = (form: TokenForm): Credential => ({
  raw: secret(required(form, 'subject_token')),
  type: required(form, 'subject_token_type'),
})

/** RFC 8693 section 2.1: a type without a token, or a token without a type, is an error. */
const actorOf = (form: TokenForm): Credential | undefined => {
  const raw = form.one('actor_token')
  const type = form.one('actor_token_type')
  if (raw !== undefined && type !== undefined) return { raw: secret(raw), type }
  if (raw === undefined && type === undefined) return undefined
  throw new Refusal('request.parameter_missing', 'actor_token and actor_token_type go together')
}

const refuseUnsupported = (form: TokenForm): void => {
  if (form.one('authorization_details') !== undefined)
    throw new Refusal('request.authorization_details_unsupported', 'no type of authorization_details is supported')
}

const maxTargets = 8
const maxTargetLength = 2_048

/** `audience` and `resource` may be combined and repeated (RFC 8693 section 2.1); both name who the token is for. */
const targetsOf = (form: TokenForm): readonly string[] => {
  const resources = form.all('resource')
  if (!resources.every(isResource))
    throw new Refusal('target.invalid', 'a resource is not an absolute URI without fragment (RFC 8707 section 2)')
  const targets = [...new Set([...form.all('audience'), ...resources])]
  if (targets.length > maxTargets) throw new Refusal('target.too_many', `more than ${maxTargets} targets`)
  if (targets.some((target) => target.length > maxTargetLength))
    throw new Refusal('target.not_allowed', `a target is longer than ${maxTargetLength} characters`)
  return targets
}

const isResource = (resource: string): boolean =>
  /^[A-Za-z][A-Za-z0-9+.-]*:[\x21-\x7e]+$/.test(resource) && !resource.includes('#') && URL.canParse(resource)

/** scope = scope-token *( SP scope-token ), RFC 6749 section 3.3. */
const scopeGrammar = /^[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*$/

const scopesOf = (scope: string): readonly string[] => {
  if (!scopeGrammar.test(scope)) throw new Refusal('scope.malformed', 'the scope does not follow RFC 6749 section 3.3')
  return [...new Set(scope.split(' '))]
}

const lifetimeOf = (text: string | undefined): Seconds | undefined => {
  if (text === undefined) return undefined
  if (!/^[1-9][0-9]{0,5}$/.test(text))
    throw new Refusal('request.parameter_invalid', 'requested_lifetime is not a whole number of seconds')
  return Number(text)
}

/** IssuedToken -> Response (RFC 8693 section 2.2.1). */
export const respond = (token: IssuedToken): FormResponse => ({
  status: 200,
  headers: jsonHeaders,
  body: JSON.stringify({
    access_token: token.value.reveal(),
    issued_token_type: token.type,
    token_type: token.scheme,
    expires_in: token.expiresIn,
    ...(token.scope.length === 0 ? {} : { scope: token.scope.join(' ') }),
  }),
})
