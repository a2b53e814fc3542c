import { isAsStrict, type Sensitivity } from '../domain/claims.ts'
import type { VerifiedCredential } from '../domain/credential.ts'
import type { ActingParty, Delegation } from '../domain/delegation.ts'
import type { CanonicalIdentity, IdentityFields } from '../domain/identity.ts'
import { Refusal } from '../domain/refusal.ts'

/**
 * Who acts for the subject in what is granted (RFC 8693 section 4.1): the actor of the identity, and for a token of ours
 * at least the client that presents it, before those who acted so far.
 */
export const delegationOf = (
  { actor }: CanonicalIdentity,
  { own }: VerifiedCredential,
  client: { readonly id: string },
): Delegation | undefined => {
  const before = own?.delegation
  if (actor !== undefined) return joined(partyOf(actor), actor.subject.sensitivity, before)
  return own === undefined ? undefined : joined({ client_id: client.id }, undefined, before)
}

const partyOf = ({ subject, type }: IdentityFields): ActingParty => ({ sub: subject.value, identity_type: type })

const joined = (party: ActingParty, own: Sensitivity | undefined, before: Delegation | undefined): Delegation => {
  const sensitivity = stricter(own, before?.sensitivity)
  return { chain: [party, ...(before?.chain ?? [])], ...(sensitivity === undefined ? {} : { sensitivity }) }
}

const stricter = (a: Sensitivity | undefined, b: Sensitivity | undefined): Sensitivity | undefined => {
  if (a === undefined || b === undefined) return a ?? b
  return isAsStrict(a, b) ? a : b
}

/**
 * An actor must be who it is itself: of one that acts in somebody's name it could not be said here who that is.
 *
 * @throws Refusal `actor.invalid`
 */
export const requireActsItself = ({ own }: VerifiedCredential): void => {
  if (own?.delegation !== undefined)
    throw new Refusal('actor.invalid', 'the token of the actor already speaks for another actor')
}
