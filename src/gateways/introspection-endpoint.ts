import type { Claims } from '../domain/claims.ts'
import type { ClientCredential } from '../domain/exchange.ts'
import { Refusal } from '../domain/refusal.ts'
import { type Secret, secret } from '../domain/secret.ts'
import { clientCredential } from './client-credential.ts'
import { type FormRequest, type FormResponse, jsonHeaders, parseTokenForm } from './token-form.ts'

/** The introspection endpoint's dialect (RFC 7662). */

/**
 * Request -> who asks about which token. `token_type_hint` is a hint, and we need none.
 *
 * @throws Refusal `request.*`, `client.*`
 */
export const receiveIntrospection = ({
  authorization,
  body,
  certificate,
}: FormRequest): { readonly client: ClientCredential; readonly token: Secret<string> } => {
  const form = parseTokenForm(body)
  const token = form.one('token')
  const client = clientCredential(authorization, form, certificate)
  if (token === undefined) throw new Refusal('request.parameter_missing', 'token is missing')
  return { client, token: secret(token) }
}

/** RFC 7662 section 2.2; the members are the token's own claims, `cnf` among them (RFC 8705 section 3.2). */
export const respondIntrospection = (claims: Claims | undefined): FormResponse => ({
  status: 200,
  headers: jsonHeaders,
  body: JSON.stringify(claims === undefined ? { active: false } : { ...claims, active: true, token_type: 'Bearer' }),
})
