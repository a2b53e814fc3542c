import type { VerifiedCredential } from '../domain/credential.ts'
import type { Onward } from '../domain/onward.ts'
import { Refusal } from '../domain/refusal.ts'

/**
 * What the issuers of `credentials` leave to those who issue something on ours; undefined: all of it.
 *
 * @throws Refusal `target.not_allowed`, `credential.onward_forbidden` when they do not let us issue for `audience`
 */
export const onwardOf = (
  audience: readonly string[],
  credentials: readonly VerifiedCredential[],
): Onward | undefined => {
  const restrictions = credentials.flatMap(({ onward }) => (onward === undefined ? [] : [onward]))
  for (const restriction of restrictions) checkOnward(audience, restriction)
  const lists = restrictions.flatMap(({ audiences }) => (audiences === undefined ? [] : [audiences]))
  const [first, ...others] = lists
  const hops = restrictions.flatMap((restriction) => restriction.hops ?? [])
  if (first === undefined && hops.length === 0) return undefined
  return {
    ...(first === undefined ? {} : { audiences: first.filter((one) => others.every((list) => list.includes(one))) }),
    ...(hops.length === 0 ? {} : { hops: Math.min(...hops) - 1 }),
  }
}

const checkOnward = (audience: readonly string[], { audiences, hops }: Onward): void => {
  if (hops !== undefined && hops < 1)
    throw new Refusal('credential.onward_forbidden', 'nobody may issue anything more on the word of the first issuer')
  const refused = audience.find((target) => audiences?.includes(target) === false)
  if (refused !== undefined)
    throw new Refusal('target.not_allowed', `an issuer allows nothing for ${JSON.stringify(refused)}`)
}
