import { isAsStrict, type Json } from '../domain/claims.ts'
import type { IdentityFields, Labelled } from '../domain/identity.ts'
import { Refusal } from '../domain/refusal.ts'

/**
 * What is granted for a token of ours says nothing of its subject that the token does not say: the same subject, type and
 * tenant, of lists no entry more, every value under the same or a stricter label.
 *
 * @throws Refusal `identity.widened`
 */
export const requireNarrower = (identity: IdentityFields, token: IdentityFields): void => {
  if (identity.type !== token.type) throw widened('type', 'is another')
  requireSame('subject', identity.subject, token.subject)
  requireSame('tenant', identity.tenant, token.tenant)
  for (const name of ['groups', 'roles', 'entitlements'] as const) requireWithin(name, identity[name], token[name])
  for (const [name, value] of identity.attributes) {
    if (!token.attributes.has(name)) throw widened(name, 'says more')
    requireWithin(name, value, token.attributes.get(name))
  }
}

const widened = (what: string, complaint: string) =>
  new Refusal('identity.widened', `${what} ${complaint} than in the token that is presented`)

type Held = Labelled<Json> | undefined

/** What keeps a subject apart from others must not be left out either. */
const requireSame = (what: string, held: Held, token: Held): void => {
  if (held?.value !== token?.value) throw widened(what, 'is another')
  requireLabel(what, held, token)
}

const requireWithin = (what: string, held: Held, token: Held): void => {
  if (held === undefined) return
  if (!isWithin(held.value, token?.value)) throw widened(what, 'says more')
  requireLabel(what, held, token)
}

const requireLabel = (what: string, held: Held, token: Held): void => {
  if (held === undefined || token === undefined || isAsStrict(held.sensitivity, token.sensitivity)) return
  throw widened(what, `is labelled ${held.sensitivity}, which is freer`)
}

const isWithin = (value: Json, bound: Json | undefined): boolean => {
  if (!isList(value)) return value === bound
  return value.length === 0 || (isList(bound) && value.every((one) => bound.includes(one)))
}

const isList = (value: Json | undefined): value is readonly Json[] => Array.isArray(value)
