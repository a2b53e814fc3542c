import { secret } from '../domain/secret.ts'
import type { TokenType } from '../domain/token-type.ts'
import { required } from './token-form.ts'
import { refuseParameters, type TokenGrant } from './token-grant.ts'

/**
 * A grant whose `assertion` says who the subject is (RFC 7521 section 4.1): the exchange of a subject token whose type
 * the grant says, for an access token. The caller authenticates as for an exchange, although the RFC leaves that open.
 */
export const assertionGrant = (type: string, credentialType: TokenType): TokenGrant => ({
  type,
  parameter: 'assertion',
  credentialType,
  receive: (form) => {
    refuseParameters(form, ofTokenExchange)
    return { subject: { raw: secret(required(form, 'assertion')), type: credentialType } }
  },
})

/** RFC 8693 section 2.1, but `audience`, `resource` and `scope`, which say here what they say there. */
const ofTokenExchange = [
  'subject_token',
  'subject_token_type',
  'actor_token',
  'actor_token_type',
  'requested_token_type',
]
