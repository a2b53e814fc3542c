import type { ExchangeRequest } from '../domain/exchange.ts'
import { Refusal } from '../domain/refusal.ts'
import type { Seconds } from '../domain/time.ts'
import type { IssuedToken } from '../domain/token.ts'
import { clientCredential } from './client-credential.ts'
import { saml2Bearer } from './saml2-bearer-grant.ts'
import { tokenExchange } from './token-exchange-grant.ts'
import {
  type FormRequest,
  type FormResponse,
  jsonHeaders,
  parseTokenForm,
  required,
  type TokenForm,
} from './token-form.ts'
import type { TokenGrant } from './token-grant.ts'

/** The token endpoint's dialect: RFC 8693 and RFC 7521 over RFC 6749. The only place where `grant_type` is spoken. */

/** The grants that are spoken. A new one is one file and one word here. */
export const grants: readonly TokenGrant[] = [tokenExchange, saml2Bearer]

/** A request, and the grant that it was made with. */
export interface Received {
  readonly grant: TokenGrant
  readonly request: ExchangeRequest
}

/**
 * Request -> ExchangeRequest. What we know is honoured or refused; what we do not know is ignored (RFC 6749 3.2).
 *
 * @throws Refusal `request.*`, `grant_type.unsupported`, `client.*`, `target.invalid`, `scope.malformed`
 */
export const receive = ({ authorization, body, certificate }: FormRequest): Received => {
  const form = parseTokenForm(body)
  const type = required(form, 'grant_type')
  const client = clientCredential(authorization, form, certificate)
  const grant = grants.find((one) => one.type === type)
  if (grant === undefined) throw new Refusal('grant_type.unsupported', 'no grant of this grant_type is spoken')
  refuseUnsupported(form)
  const scope = form.one('scope')
  const lifetime = lifetimeOf(form.one('requested_lifetime'))
  const request = {
    client,
    ...grant.receive(form),
    targets: targetsOf(form),
    ...(certificate === undefined ? {} : { certificate }),
    ...(scope === undefined ? {} : { scope: scopesOf(scope) }),
    ...(lifetime === undefined ? {} : { lifetime }),
  }
  return { grant, request }
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

/** IssuedToken -> Response (RFC 6749 section 5.1); token exchange says the token's type too (RFC 8693 section 2.2.1). */
export const respond = (token: IssuedToken, grant: TokenGrant): FormResponse => ({
  status: 200,
  headers: jsonHeaders,
  body: JSON.stringify({
    access_token: token.value.reveal(),
    ...(grant === tokenExchange ? { issued_token_type: token.type } : {}),
    token_type: token.scheme,
    expires_in: token.expiresIn,
    ...(token.scope.length === 0 ? {} : { scope: token.scope.join(' ') }),
  }),
})
