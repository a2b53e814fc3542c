import type { Claims } from '../domain/claims.ts'
import type { IdentityFields } from '../domain/identity.ts'

/** What `identity` means in an expression: lists are always there, `tenant` only where there is one. */
export const identityFacts = (identity: IdentityFields): Claims => ({
  type: identity.type,
  subject: identity.subject.value,
  ...(identity.tenant === undefined ? {} : { tenant: identity.tenant.value }),
  groups: identity.groups?.value ?? [],
  roles: identity.roles?.value ?? [],
  entitlements: identity.entitlements?.value ?? [],
  claims: Object.fromEntries([...identity.attributes].map(([name, { value }]) => [name, value])),
})
