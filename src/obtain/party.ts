import type { Json, Sensitivity } from '../domain/claims.ts'
import type { CanonicalIdentity, Labelled } from '../domain/identity.ts'
import type { Party } from '../domain/partner.ts'
import { Refusal } from '../domain/refusal.ts'

/**
 * What a partner may hear of an identity: `secret` never, and else what its document releases. A subject that may not
 * leave cannot be left out.
 *
 * @throws Refusal `identity.invalid`
 */
export const partyOf = (identity: CanonicalIdentity, release: readonly Sensitivity[]): Party => {
  const mayLeave = ({ sensitivity }: Labelled<unknown>) => sensitivity !== 'secret' && release.includes(sensitivity)
  const { type, subject, tenant, groups, roles, entitlements, attributes } = identity
  if (!mayLeave(subject))
    throw new Refusal(
      'identity.invalid',
      `the subject is labelled ${subject.sensitivity}, which the partner's release does not list`,
    )
  const named: readonly (readonly [string, Labelled<Json> | undefined])[] = [
    ...Object.entries({ groups, roles, entitlements }),
    ...attributes,
  ]
  const claims = named.flatMap(([name, labelled]) =>
    labelled !== undefined && mayLeave(labelled) ? [[name, labelled.value] as const] : [],
  )
  return {
    type,
    subject: subject.value,
    ...(tenant !== undefined && mayLeave(tenant) ? { tenant: tenant.value } : {}),
    claims: Object.fromEntries(claims),
  }
}

/** What keeps two identities apart, as one text: whatever they share, they share no credential of their own. */
export const apart = ({ type, subject, tenant }: CanonicalIdentity): string =>
  JSON.stringify([type, tenant?.value ?? null, subject.value])
