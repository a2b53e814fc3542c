import type { Credential } from '../domain/credential.ts'
import { Refusal } from '../domain/refusal.ts'
import { secret } from '../domain/secret.ts'
import { required, type TokenForm } from './token-form.ts'
import { refuseParameters, type TokenGrant } from './token-grant.ts'

/** Token exchange (RFC 8693 section 2.1). */
export const tokenExchange: TokenGrant = {
  type: 'urn:ietf:params:oauth:grant-type:token-exchange',
  parameter: 'subject_token',
  receive: (form) => {
    refuseParameters(form, ofAssertionGrants)
    const actor = actorOf(form)
    const requestedTokenType = form.one('requested_token_type')
    return {
      subject: subjectOf(form),
      ...(actor === undefined ? {} : { actor }),
      ...(requestedTokenType === undefined ? {} : { requestedTokenType }),
    }
  },
}

/** RFC 7521 section 4.1. */
const ofAssertionGrants = ['assertion']

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
