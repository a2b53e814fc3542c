import type { Claims } from '../domain/claims.ts'
import type { Onward } from '../domain/onward.ts'
import { asObject } from '../formats/json.ts'
import { claim } from './claim-shapes.ts'

/** What the claim `proxy_restriction` of assertions and of our own tokens says: a list without entries limits nothing. */
export const onwardIn = (claims: Claims): Onward | undefined => {
  const restriction = asObject(claim(claims, 'proxy_restriction'))
  if (restriction === undefined) return undefined
  const named = claim(restriction, 'audiences')
  const audiences = Array.isArray(named) ? named.filter((one) => typeof one === 'string') : []
  const count = claim(restriction, 'count')
  return {
    ...(audiences.length === 0 ? {} : { audiences }),
    ...(typeof count === 'number' ? { hops: count } : {}),
  }
}
