import type { ExchangeRequest } from '../domain/exchange.ts'
import { type CredentialParameter, Refusal } from '../domain/refusal.ts'
import type { TokenType } from '../domain/token-type.ts'
import type { TokenForm } from './token-form.ts'

/** A grant of the token endpoint: what its form says that the forms of other grants do not. */
export interface TokenGrant {
  /** Its `grant_type`. */
  readonly type: string
  /** The parameter that brings the credential. */
  readonly parameter: CredentialParameter
  /** The type of credential that it is for; absent: the form says of which it is. */
  readonly credentialType?: TokenType
  /** @throws Refusal `request.*` */
  readonly receive: (form: TokenForm) => Pick<ExchangeRequest, 'subject' | 'actor' | 'requestedTokenType'>
}

/**
 * A parameter that another grant gives a meaning to is not ignored like one that nobody knows: the caller would believe
 * it honoured.
 *
 * @throws Refusal `request.parameter_not_of_grant`
 */
export const refuseParameters = (form: TokenForm, names: readonly string[]): void => {
  const found = names.find((name) => form.one(name) !== undefined)
  if (found !== undefined) throw new Refusal('request.parameter_not_of_grant', `${found} belongs to another grant_type`)
}
